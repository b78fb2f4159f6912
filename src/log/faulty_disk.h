#pragma once
// FaultyDisk: a Disk in memory that does what disks do on bad days: it forgets what was not synced, sector by
// sector, fills up, is slow, fails one sync. The same seed gives the same bad day.
//
// Threads: shared freely. It outlives the logs opened on it; a log opened before a power cut is dead
// afterwards (its files answer io), drop it and open another.

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "log/disk.h"

namespace tradewind::log {

class FaultyDisk final : public Disk {
 public:
  explicit FaultyDisk(uint64_t seed);
  ~FaultyDisk() override;

  // The power goes: of the sectors (512 bytes) written since their file was last synced a random part is
  // kept, of the changes of names since the directory was last synced a random number of the first ones.
  // Locks are gone.
  void cut_power();
  // From the `count`-th write from now on (0: the next) everything answers io, as if the machine stopped
  // there; cut_power() ends it.
  void stop_after_writes(uint64_t count);
  bool stopped() const;
  // At most so many bytes in files; beyond it writes and preallocation answer that the disk is full.
  void set_capacity(uint64_t bytes);
  // Every sync takes so long on `clock`.
  void set_slow(ManualClock* clock, Duration wait);
  // The `count`-th sync from now on (0: the next) fails, once.
  void fail_sync(uint64_t count = 0);

  // Looking and meddling. REQUIRES the file exists.
  Bytes content(const std::string& path) const;
  void set_content(const std::string& path, BytesView bytes);  // as if synced long ago; makes the file
  void flip_bit(const std::string& path, uint64_t at);
  std::vector<std::string> files() const;
  uint64_t syncs() const;

  Result<> make_directory(const std::string& path) override;
  Result<std::unique_ptr<File>> open(const std::string& path, bool create) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<Room> room(const std::string& path) override;

 private:
  friend class FaultyFile;
  friend class FaultyLock;
  struct Content {
    Bytes bytes;
    Bytes synced;
    std::set<uint64_t> dirty;  // sectors
  };
  using Names = std::map<std::string, std::shared_ptr<Content>>;

  Result<> usable(const std::string& path, uint64_t life) const;
  Result<> write(Content& content, const std::string& path, uint64_t at, BytesView bytes);
  Result<> grow(Content& content, const std::string& path, uint64_t size);
  void cut(Content& content, uint64_t size);
  Result<> sync(Content& content, const std::string& path);
  void lose_sectors(Content& content);

  mutable std::mutex mutex_;
  Random random_;
  Names names_;
  std::vector<Names> name_history_;  // as they were synced, then after each change
  std::set<std::string> locks_;
  uint64_t life_ = 0;  // power cuts so far
  uint64_t capacity_ = UINT64_MAX;
  uint64_t used_ = 0;
  uint64_t syncs_ = 0;
  uint64_t fail_sync_at_ = UINT64_MAX;
  uint64_t writes_ = 0;
  uint64_t stop_at_ = UINT64_MAX;
  ManualClock* slow_clock_ = nullptr;
  Duration slow_{0};
};

}  // namespace tradewind::log
