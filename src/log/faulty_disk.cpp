#include "log/faulty_disk.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tradewind::log {
namespace {

constexpr uint64_t kSector = 512;

}  // namespace

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyDisk& disk, std::string path, std::shared_ptr<FaultyDisk::Content> content)
      : disk_(disk), path_(std::move(path)), content_(std::move(content)), life_(disk.life_) {}

  Result<> write(uint64_t at, BytesView bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    return disk_.write(*content_, path_, at, bytes);
  }
  Result<size_t> read(uint64_t at, char* out, size_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    const Bytes& bytes = content_->bytes;
    if (at >= bytes.size()) return size_t{0};
    size = std::min<size_t>(size, bytes.size() - at);
    std::memcpy(out, bytes.data() + at, size);
    return size;
  }
  Result<> sync() override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    return disk_.sync(*content_, path_);
  }
  Result<> preallocate(uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    return disk_.grow(*content_, path_, size);
  }
  Result<> truncate(uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    disk_.cut(*content_, size);
    return {};
  }
  Result<uint64_t> size() override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.usable(path_, life_));
    return uint64_t{content_->bytes.size()};
  }

 private:
  FaultyDisk& disk_;
  const std::string path_;
  const std::shared_ptr<FaultyDisk::Content> content_;
  const uint64_t life_;
};

class FaultyLock final : public File {
 public:
  FaultyLock(FaultyDisk& disk, std::string path) : disk_(disk), path_(std::move(path)), life_(disk.life_) {}
  ~FaultyLock() override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.life_ == life_) disk_.locks_.erase(path_);
  }
  Result<> write(uint64_t, BytesView) override { return {}; }
  Result<size_t> read(uint64_t, char*, size_t) override { return size_t{0}; }
  Result<> sync() override { return {}; }
  Result<> preallocate(uint64_t) override { return {}; }
  Result<> truncate(uint64_t) override { return {}; }
  Result<uint64_t> size() override { return uint64_t{0}; }

 private:
  FaultyDisk& disk_;
  const std::string path_;
  const uint64_t life_;
};

FaultyDisk::FaultyDisk(uint64_t seed) : random_(seed), name_history_{{}} {}
FaultyDisk::~FaultyDisk() = default;

void FaultyDisk::cut_power() {
  const std::lock_guard lock(mutex_);
  names_ = name_history_[random_.below(name_history_.size())];
  name_history_ = {names_};
  used_ = 0;
  for (auto& [path, content] : names_) {
    lose_sectors(*content);
    used_ += content->bytes.size();
  }
  locks_.clear();
  stop_at_ = UINT64_MAX;
  ++life_;
}

void FaultyDisk::lose_sectors(Content& content) {
  const Bytes latest = std::move(content.bytes);
  content.bytes = content.synced;
  if (latest.size() > content.bytes.size() && random_.chance(0.5)) content.bytes.resize(latest.size(), '\0');
  // Sometimes nearly everything arrived, sometimes nearly nothing.
  const double kept = random_.unit();
  for (const uint64_t sector : content.dirty) {
    const uint64_t at = sector * kSector;
    const uint64_t size = std::min<uint64_t>(kSector, latest.size() - std::min<uint64_t>(at, latest.size()));
    if (!random_.chance(kept) || at + size > content.bytes.size()) continue;
    std::memcpy(content.bytes.data() + at, latest.data() + at, size);
  }
  content.dirty.clear();
  content.synced = content.bytes;
}

void FaultyDisk::stop_after_writes(uint64_t count) {
  const std::lock_guard lock(mutex_);
  stop_at_ = writes_ + count;
}

bool FaultyDisk::stopped() const {
  const std::lock_guard lock(mutex_);
  return writes_ >= stop_at_;
}

void FaultyDisk::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void FaultyDisk::set_slow(ManualClock* clock, Duration wait) {
  const std::lock_guard lock(mutex_);
  slow_clock_ = clock;
  slow_ = wait;
}

void FaultyDisk::fail_sync(uint64_t count) {
  const std::lock_guard lock(mutex_);
  fail_sync_at_ = syncs_ + count;
}

Bytes FaultyDisk::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path)->bytes;
}

void FaultyDisk::set_content(const std::string& path, BytesView bytes) {
  const std::lock_guard lock(mutex_);
  auto& content = names_[path];
  if (content == nullptr) content = std::make_shared<Content>();
  used_ += bytes.size() - content->bytes.size();
  content->bytes = content->synced = Bytes(bytes);
  content->dirty.clear();
  name_history_ = {names_};
}

void FaultyDisk::flip_bit(const std::string& path, uint64_t at) {
  const std::lock_guard lock(mutex_);
  Content& content = *names_.at(path);
  CHECK(at < content.bytes.size());
  content.bytes[at] = static_cast<char>(content.bytes[at] ^ 1);
  if (at < content.synced.size()) content.synced[at] = content.bytes[at];
}

std::vector<std::string> FaultyDisk::files() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, content] : names_) paths.push_back(path);
  return paths;
}

uint64_t FaultyDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

Result<> FaultyDisk::usable(const std::string& path, uint64_t life) const {
  if (life != life_) return Error{Code::io, path + " was open when the power went"};
  if (writes_ >= stop_at_) return Error{Code::io, "the machine stopped before " + path + " could be used"};
  return {};
}

Result<> FaultyDisk::write(Content& content, const std::string& path, uint64_t at, BytesView bytes) {
  if (writes_ + 1 >= stop_at_) {  // the machine stops in the middle of this one
    bytes = bytes.substr(0, random_.below(bytes.size() + 1));
  }
  ++writes_;
  TRY(grow(content, path, at + bytes.size()));
  if (bytes.empty()) return usable(path, life_);
  std::memcpy(content.bytes.data() + at, bytes.data(), bytes.size());
  for (uint64_t sector = at / kSector; sector <= (at + bytes.size() - 1) / kSector; ++sector) {
    content.dirty.insert(sector);
  }
  return usable(path, life_);
}

Result<> FaultyDisk::grow(Content& content, const std::string& path, uint64_t size) {
  if (size <= content.bytes.size()) return {};
  const uint64_t more = size - content.bytes.size();
  if (used_ > capacity_ || more > capacity_ - used_) return full_disk(path);
  content.bytes.resize(size, '\0');
  used_ += more;
  return {};
}

// Until the next sync a power cut may bring back what was cut off.
void FaultyDisk::cut(Content& content, uint64_t size) {
  if (size >= content.bytes.size()) return;
  used_ -= content.bytes.size() - size;
  content.bytes.resize(size);
  content.dirty.erase(content.dirty.upper_bound(size / kSector), content.dirty.end());
}

Result<> FaultyDisk::sync(Content& content, const std::string& path) {
  if (slow_clock_ != nullptr) slow_clock_->advance(slow_);
  if (syncs_++ == fail_sync_at_) return Error{Code::io, "syncing " + path + " failed: as the test asked"};
  content.synced.resize(content.bytes.size(), '\0');
  for (const uint64_t sector : content.dirty) {
    const uint64_t at = sector * kSector;
    if (at >= content.bytes.size()) continue;
    const uint64_t size = std::min<uint64_t>(kSector, content.bytes.size() - at);
    std::memcpy(content.synced.data() + at, content.bytes.data() + at, size);
  }
  content.dirty.clear();
  return {};
}

Result<> FaultyDisk::make_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return usable(path, life_);
}

Result<std::unique_ptr<File>> FaultyDisk::open(const std::string& path, bool create) {
  const std::lock_guard lock(mutex_);
  TRY(usable(path, life_));
  const auto found = names_.find(path);
  if (found != names_.end()) return std::unique_ptr<File>(new FaultyFile(*this, path, found->second));
  if (!create) return Error{Code::io, "there is no file " + path};
  const auto made = std::make_shared<Content>();
  names_[path] = made;
  name_history_.push_back(names_);
  return std::unique_ptr<File>(new FaultyFile(*this, path, made));
}

Result<std::vector<std::string>> FaultyDisk::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  TRY(usable(directory, life_));
  std::vector<std::string> names;
  const std::string prefix = directory + "/";
  for (const auto& [path, content] : names_) {
    if (path.starts_with(prefix)) names.push_back(path.substr(prefix.size()));
  }
  return names;
}

Result<> FaultyDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  TRY(usable(from, life_));
  const auto found = names_.find(from);
  if (found == names_.end()) return Error{Code::io, "there is no file " + from};
  const auto content = found->second;
  if (const auto replaced = names_.find(to); replaced != names_.end())
    used_ -= replaced->second->bytes.size();
  names_.erase(found);
  names_[to] = content;
  name_history_.push_back(names_);
  return {};
}

Result<> FaultyDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(usable(path, life_));
  const auto found = names_.find(path);
  if (found == names_.end()) return Error{Code::io, "there is no file " + path};
  used_ -= found->second->bytes.size();
  names_.erase(found);
  name_history_.push_back(names_);
  return {};
}

Result<> FaultyDisk::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(usable(path, life_));
  name_history_ = {names_};
  return {};
}

Result<std::unique_ptr<File>> FaultyDisk::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(usable(path, life_));
  if (!locks_.insert(path).second) return Error{Code::conflict, "another process uses " + path};
  return std::unique_ptr<File>(new FaultyLock(*this, path));
}

Result<Room> FaultyDisk::room(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(usable(path, life_));
  constexpr uint64_t kUnbounded = uint64_t{1} << 40;
  const uint64_t total = std::min(capacity_, kUnbounded);
  return Room{static_cast<int64_t>(total - std::min(used_, total)), static_cast<int64_t>(total)};
}

}  // namespace tradewind::log
