// Reading without a group, by the log's own requests (fetcher.h).
//
// Between records lie the marks that end transactions, and what was aborted or compacted away: a consumer
// moves over them as over records that it does not give.
#include "log/kafka/consumer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "base/coding.h"

namespace tradewind::log::kafka {
namespace {

constexpr Duration kLook(50);                  // whatever happens, one looks again after so long
constexpr int64_t kOwnWithinNs = 500'000'000;  // how long this process' own records are waited for
constexpr size_t kMostFree = 8;                // fetchers that keep their connections

// The bytes of a batch's records. It may outlive the consumer.
using Lent = std::vector<std::shared_ptr<const Buffer>>;

// Takes the time that rides in a header out of those of a record.
void take_time(RecordView& record, std::vector<HeaderView>& headers) {
  if (headers.back().name != kTimeHeader || !headers.back().value) return;
  BytesView bytes = *headers.back().value;
  uint64_t time = 0;
  if (bytes.size() != 8 || !get_big64(bytes, time)) return;
  record.time.ms = static_cast<int64_t>(time);
  headers.pop_back();
  --record.header_count;
}

class KafkaConsumer final : public Consumer {
 public:
  explicit KafkaConsumer(std::shared_ptr<Readers> readers)
      : readers_(std::move(readers)), fetcher_(readers_->take()) {}

  ~KafkaConsumer() override { readers_->give_back(std::move(fetcher_)); }

  Result<> assign(const Position& position, Offset from) override {
    TRY(readers_->catalog().check(position));
    unassign(position);
    Assigned added{.position = position};
    added.next = std::max({from, readers_->marks().of(position).begin, Offset{0}});
    added.part = &fetcher_->start(position, added.next);
    assigned_.push_back(std::move(added));
    return {};
  }

  void unassign(const Position& position) override {
    const auto at = std::find_if(assigned_.begin(), assigned_.end(),
                                 [&](const Assigned& known) { return known.position == position; });
    if (at == assigned_.end()) return;
    fetcher_->stop(position);
    assigned_.erase(at);
  }

  Result<std::vector<FetchedBatch>> poll(Duration wait, size_t max_records) override {
    const int64_t began = now_ns();
    const int64_t wait_until = began + wait.count() * kMsNs;
    const int64_t patience_until = began + readers_->options().patience.count() * kMsNs;
    while (true) {
      fetcher_->hear();
      fetcher_->ask();
      for (Assigned& assigned : assigned_) TRY(mend(assigned));
      std::vector<FetchedBatch> batches = TRY(read(std::max<size_t>(max_records, 1)));
      if (!batches.empty()) {
        fetcher_->ask();  // there is room for it now
        return batches;
      }
      const Assigned* silent = unsettled(began);
      const int64_t now = now_ns();
      if (silent == nullptr && now >= wait_until) {
        fetcher_->listen(readers_->ears());
        return batches;
      }
      if (silent != nullptr && now > patience_until) return error(*silent);
      const Duration left((wait_until - now) / kMsNs + 1);
      fetcher_->wait(silent == nullptr ? std::min(left, kLook) : kLook);
    }
  }

 private:
  static constexpr int64_t kMsNs = 1'000'000;
  // The batch that is being read.
  struct Reading {
    std::shared_ptr<const Buffer> buffer;
    StoredRecords records;
  };
  struct Assigned {
    Position position;
    Fetcher::Part* part = nullptr;
    Offset next = 0;
    std::optional<Reading> reading;  // the first that the part holds
    int ailed = 0;                   // what last kept it from being fetched
    Offset given_up = -1;            // own records up to here did not come in time
  };

  int64_t now_ns() const { return readers_->options().clock->monotonic_ns(); }

  Error error(const Assigned& assigned) const {
    const std::string doing = "topic " + assigned.position.topic + " partition " +
                              std::to_string(assigned.position.partition) + " cannot be read";
    const Fetcher::Part& part = *assigned.part;
    if (!part.why.empty()) return {Code::unavailable, doing + ": " + part.why};
    const int code = assigned.ailed == 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT : assigned.ailed;
    if (code == kGone && !fetcher_->trouble().empty())
      return {Code::unavailable, doing + ": " + fetcher_->trouble()};
    const Right right{"Read", "topic", assigned.position.topic};
    return readers_->catalog().client().error(code, doing, &right);
  }

  // Looks at what keeps a partition from being fetched. What passes by itself is tried again by the fetcher;
  // poll() gives up when it lasts.
  Result<> mend(Assigned& assigned) {
    const int code = std::exchange(assigned.part->code, 0);
    if (code == 0) return {};
    assigned.ailed = code;
    switch (code) {
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: return error(assigned);
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return readers_->catalog().check(assigned.position);
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: return move(assigned);
      default: return {};
    }
  }

  // What is no longer there is passed over; what is not there yet is waited for.
  Result<> move(Assigned& assigned) {
    constexpr Duration kPatience(1'500);
    const auto begins = readers_->catalog().begins({assigned.position}, kPatience);
    const auto ends = readers_->catalog().ends({assigned.position}, kPatience);
    if (!begins.ok() || begins->empty() || !ends.ok() || ends->empty()) return {};
    const Offset begin = begins->begin()->second;
    if (begin > assigned.part->next) {
      assigned.reading.reset();
      assigned.next = begin;
      assigned.part = &fetcher_->start(assigned.position, begin);
    } else if (assigned.part->next > ends->begin()->second) {
      assigned.part->end = ends->begin()->second;
    }
    return {};
  }

  Result<std::vector<FetchedBatch>> read(size_t max_records) {
    std::vector<FetchedBatch> batches;
    size_t left = max_records;
    // Partitions take turns, so that none waits for ever behind another.
    for (size_t i = 0; i < assigned_.size() && left > 0; ++i) {
      Assigned& assigned = assigned_[(turn_ + i) % assigned_.size()];
      if (assigned.part->held.empty()) continue;
      FetchedBatch batch{.position = assigned.position};
      TRY(read(assigned, left, batch));
      left -= std::min(left, batch.records.size());
      close(assigned, batch);
      if (batch.next >= 0) batches.push_back(std::move(batch));
    }
    ++turn_;
    return batches;
  }

  Result<> read(Assigned& assigned, size_t most, FetchedBatch& batch) {
    const auto buffers = std::make_shared<Lent>();
    auto& held = assigned.part->held;
    while (!held.empty() && batch.records.size() < most) {
      const Fetcher::Held& first = held.front();
      if (first.answer != nullptr) {
        if (!assigned.reading) TRY(begin(assigned, first));
        Reading& reading = *assigned.reading;
        if (buffers->empty() || buffers->back() != reading.buffer) buffers->push_back(reading.buffer);
        while (reading.records.left() > 0 && batch.records.size() < most) TRY(read_one(assigned, batch));
        if (reading.records.left() > 0) break;
      }
      assigned.next = std::max(assigned.next, first.next);
      assigned.reading.reset();
      fetcher_->drop_first(*assigned.part);
    }
    batch.buffer = buffers;
    assigned.ailed = 0;
    return {};
  }

  Result<> begin(Assigned& assigned, const Fetcher::Held& held) {
    std::shared_ptr<const Buffer> buffer = held.answer;
    BytesView list = held.batch.list;
    if (held.batch.packing != Packing::none) {
      const auto room = fetcher_->buffers().take();
      if (const auto done = unpack(held.batch, *room); !done.ok())
        return unreadable(assigned, done.error().message);
      list = room->view();
      buffer = room;
    }
    assigned.reading = {std::move(buffer), StoredRecords(held.batch, list)};
    return {};
  }

  static Error unreadable(const Assigned& assigned, const std::string& why) {
    return {Code::unavailable,
            "topic " + assigned.position.topic + " partition " + std::to_string(assigned.position.partition) +
                " cannot be read: from offset " + std::to_string(assigned.next) + " on " + why +
                "; whoever can do without deletes up to there with "
                "kafka-delete-records.sh"};
  }

  Result<> read_one(Assigned& assigned, FetchedBatch& batch) {
    const size_t headers = batch.headers.size();
    RecordView& record = batch.records.emplace_back();
    if (!assigned.reading->records.next(record, batch.headers))
      return unreadable(assigned, "a batch is broken");
    const bool known = record.offset < assigned.next;
    if (!known) assigned.next = record.offset + 1;
    if (record.header_count == 0 && !known) return {};
    const bool nothing = record.header_count == 1 && batch.headers.back().name == kNothingHeader;
    if (known || nothing) {
      batch.headers.resize(headers);
      batch.records.pop_back();
    } else {
      take_time(record, batch.headers);
    }
    return {};
  }

  // Where reading goes on behind what was read, and where the partition ends.
  void close(Assigned& assigned, FetchedBatch& batch) {
    const Offset begin = readers_->marks().of(assigned.position).begin;
    const auto trimmed = std::find_if(batch.records.begin(), batch.records.end(),
                                      [&](const RecordView& record) { return record.offset >= begin; });
    if (trimmed != batch.records.begin()) drop_before(batch, trimmed);
    batch.next = assigned.next < begin ? -1 : assigned.next;  // all of it trimmed: what is kept follows
    batch.end = std::max(assigned.part->end, assigned.next);
    const HeaderView* headers = batch.headers.data();
    for (RecordView& record : batch.records) {
      record.headers = record.header_count == 0 ? nullptr : headers;
      headers += record.header_count;
    }
    if (batch.records.empty()) return;
    const RecordView& first = batch.records.front();
    batch.appended = readers_->marks().written_at(assigned.position, first.offset).value_or(first.time);
  }

  static void drop_before(FetchedBatch& batch, std::vector<RecordView>::iterator first) {
    size_t headers = 0;
    for (auto at = batch.records.begin(); at != first; ++at) headers += at->header_count;
    batch.headers.erase(batch.headers.begin(), batch.headers.begin() + static_cast<ptrdiff_t>(headers));
    batch.records.erase(batch.records.begin(), first);
  }

  // An assigned partition of which more is to be expected without anything new being written.
  const Assigned* unsettled(int64_t began_ns) {
    for (Assigned& assigned : assigned_) {
      if (assigned.part->end < 0 || assigned.next < assigned.part->end) return &assigned;
      const Offset own = readers_->marks().of(assigned.position).end;
      if (assigned.next >= own || own <= assigned.given_up) continue;
      if (now_ns() - began_ns < kOwnWithinNs) return &assigned;
      assigned.given_up = own;  // another's open transaction lies before them
    }
    return nullptr;
  }

  const std::shared_ptr<Readers> readers_;
  std::unique_ptr<Fetcher> fetcher_;
  std::vector<Assigned> assigned_;
  size_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Consumer> Readers::consumer(const std::shared_ptr<Readers>& self) {
  return std::make_unique<KafkaConsumer>(self);
}

Result<std::optional<Timestamp>> Readers::appended(const std::shared_ptr<Readers>& self,
                                                   const Position& position, Offset from) {
  const auto bounds = TRY(catalog_->bounds(position, Visibility::durable));
  from = std::max(from, bounds.begin);
  if (from >= bounds.end) return std::optional<Timestamp>();
  if (const auto known = marks_->written_at(position, from)) return known;
  const auto reader = consumer(self);
  TRY(reader->assign(position, from));
  const std::vector<FetchedBatch> batches = TRY(reader->poll(Duration(0), 1));
  if (batches.empty() || batches.front().records.empty()) return std::optional<Timestamp>();
  return std::optional(batches.front().records.front().time);
}

std::unique_ptr<Fetcher> Readers::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<Fetcher>(options_, visibility_);
  std::unique_ptr<Fetcher> fetcher = std::move(free_.back());
  free_.pop_back();
  return fetcher;
}

void Readers::give_back(std::unique_ptr<Fetcher> fetcher) {
  fetcher->stop_all();
  const std::lock_guard lock(mutex_);
  if (free_.size() < kMostFree) free_.push_back(std::move(fetcher));
}

}  // namespace tradewind::log::kafka
