#pragma once
// LogCore: what producers, transactions and consumers of one embedded log share: topics, indexes, who is
// fenced.
//
// Threads: everything under `mutex`, except the journal's sync and reads of files.

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "log/embedded/index.h"
#include "log/open.h"

namespace tradewind::log {

constexpr int64_t kMostTransaction = 64LL << 20;  // bytes of an append or a commit
constexpr int32_t kMostPartitions = 10'000;

struct TopicIndex {
  uint32_t number = 0;
  TopicSpec spec;
  std::vector<PartitionIndex> partitions;
  int64_t records = 0;  // appended since the process began
  int64_t bytes = 0;    // of their keys and values
};

struct ProducerState {
  int64_t epoch = 0;
  int64_t sequence = -1;
};

// A rewritten batch that is in the journal, and not yet in the index: until it is durable, readers are given
// what it replaces. Its segment counts it as live.
struct Rewriting {
  uint32_t topic = 0;
  uint32_t partition = 0;
  BatchPlace place;
};

class Keeper;

class LogCore : public std::enable_shared_from_this<LogCore> {
 public:
  LogCore(EmbeddedOptions options, std::unique_ptr<Disk> own_disk);
  ~LogCore();
  Result<> open();
  void close();

  // What is appended becomes readable at once; its mark answers when it is durable.
  // REQUIRES `mutex` is held by `lock`.
  Result<uint64_t> append(FrameGroup& group, Offsets* first_offsets);
  Result<> wait_durable(uint64_t mark);
  void wait_for_more(uint64_t seen, Duration wait);
  void wake();
  // Why the last append was refused for want of room, if there is none yet for one like it. REQUIRES `mutex`.
  std::optional<Error> refusing();
  // REQUIRES `mutex`.
  Result<PartitionIndex*> find(const Position& position, uint32_t* topic_number);
  void put_topic_entry(const TopicIndex& topic, FrameGroup& group) const;
  void put_partition_entry(const TopicIndex& topic, uint32_t partition, FrameGroup& group) const;
  void put_producer_entry(const std::string& id, const ProducerState& state, FrameGroup& group) const;
  void forget_topic(const std::string& name);
  void put_group_entry(const std::string& group_name, const Offsets& offsets, FrameGroup& group) const;
  // Appends rewritten batches; nobody reads them yet. Answers them and their mark. not_found: a topic has
  // gone. REQUIRES `mutex`.
  Result<uint64_t> append_rewritten(FrameGroup& group, std::vector<Rewriting>& rewritings);
  // Readers are given these from now on. REQUIRES `mutex`, and that they are durable.
  void settle(const std::vector<Rewriting>& rewritings);
  // What lies before `keep` goes; how many records that were. REQUIRES `mutex`.
  enum class Asked { by_owner, by_keeper };
  Result<int64_t> trim(TopicIndex& topic, uint32_t partition, Offset keep, Asked asked);
  // Seals the last segment. REQUIRES `mutex`.
  Result<> rotate_early();
  // Whether what was refused may have room in the files that are there. REQUIRES `mutex`.
  bool room_again() const { return journal.fits(refused_bytes_) || journal.has_free_file(); }
  // Whether an append was refused for want of room, and none like it was taken since. REQUIRES `mutex`.
  bool refused() const { return refused_.has_value(); }
  // Wall time.
  int64_t now_ms() { return clock.now().ms; }
  Result<> sync_inline();

  EmbeddedOptions options;
  std::unique_ptr<Disk> own_disk;
  Disk& disk;
  SystemClock system_clock;
  Clock& clock;
  std::unique_ptr<File> lock_file;
  Journal journal;
  FrameKeep frames;

  mutable std::mutex mutex;
  std::condition_variable written_changed;  // something was appended, or wake() was called
  std::condition_variable woken;            // the latter, for who looks for nothing else
  uint64_t wakes = 0;
  std::condition_variable durable_changed;  // something became durable, or failed
  std::map<std::string, std::shared_ptr<TopicIndex>> topics;
  std::map<uint32_t, std::shared_ptr<TopicIndex>> by_number;
  uint32_t next_number = 1;
  std::map<std::string, ProducerState> producers;
  std::map<std::string, Offsets> groups;
  int64_t payload_bytes = 0;
  int64_t records = 0;
  std::unique_ptr<Keeper> keeper;
  std::condition_variable_any room_wanted;  // an append was refused for want of room
  uint64_t refusals = 0;
  std::atomic<int64_t> sync_began_ns{0};  // monotonic time at which the sync under way began; 0: none is

 private:
  Result<> check_restored();
  // False: the entry makes no sense.
  bool recovered(const EntryHeader& header, Place place, BytesView payload, uint64_t frame);
  bool recovered_topic(const EntryHeader& header, BytesView payload);
  bool recovered_batch(const EntryHeader& header, Place place, BytesView payload, uint64_t frame);
  bool recovered_ages(BytesView payload);
  void put_ages_entry(FrameGroup& group) const;
  bool recovered_partition(const EntryHeader& header, BytesView payload);
  bool recovered_group(BytesView payload);
  void settle_recovered();
  Result<uint64_t> take(FrameGroup& group, Offsets* first_offsets);
  void checkpoint(FrameGroup& group) const;
  void note_refusal(const Error& error, uint64_t bytes);
  void sync_loop();

  std::optional<Error> refused_;  // by a full disk
  uint64_t refused_bytes_ = 0;
  std::condition_variable sync_wanted_;
  bool no_more_syncs_ = false;  // the log is being closed
  std::jthread syncing_;
  std::jthread keeping_;
  bool closed_ = false;
};

std::unique_ptr<Consumer> make_consumer(std::shared_ptr<LogCore> core, Visibility visibility);

}  // namespace tradewind::log
