// Reading without a group: each consumer has a queue per client, into which that client's threads put what
// the brokers send. Only what is committed is sent.
//
// Between records lie the marks that end transactions, and what was aborted or compacted away. Where such a
// gap ends a partition, no record tells; then it is known when the client has reached the end (an answer of
// the broker later, fetch_wait at most), or at once where this process wrote that mark.
#include "log/kafka/consumer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "base/coding.h"

namespace tradewind::log::kafka {
namespace {

constexpr size_t kLikelyRecords = 1024;  // of one partition in a fetch
constexpr size_t kMostPerCall = 4096;
constexpr Duration kLook(20);                  // a bell that is missed costs no more than this
constexpr int64_t kOwnWithinNs = 500'000'000;  // how long this process' own records are waited for

// What one call gave; the bytes of its records. It may outlive the consumer.
struct Fetched {
  std::vector<rd_kafka_message_t*> messages;
  std::vector<std::shared_ptr<Client>> clients;

  ~Fetched() {
    for (rd_kafka_message_t* message : messages) rd_kafka_message_destroy(message);
  }
};

// Takes the time that rides in a header out of those of a record.
void take_time(RecordView& record, std::vector<HeaderView>& headers) {
  if (record.header_count == 0 || headers.back().name != kTimeHeader || !headers.back().value) return;
  BytesView bytes = *headers.back().value;
  uint64_t time = 0;
  if (bytes.size() != 8 || !get_big64(bytes, time)) return;
  record.time.ms = static_cast<int64_t>(time);
  headers.pop_back();
  --record.header_count;
}

RecordView record_of(const rd_kafka_message_t& message, std::vector<HeaderView>& headers) {
  RecordView record;
  if (message.key != nullptr) record.key = BytesView(static_cast<const char*>(message.key), message.key_len);
  if (message.payload != nullptr)
    record.value = BytesView(static_cast<const char*>(message.payload), message.len);
  rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  record.time.ms = rd_kafka_message_timestamp(&message, &kind);
  record.offset = message.offset;
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    HeaderView header{.name = name};
    if (value != nullptr) header.value = BytesView(static_cast<const char*>(value), size);
    headers.push_back(header);
    ++record.header_count;
  }
  take_time(record, headers);
  return record;
}

class KafkaConsumer final : public Consumer {
 public:
  explicit KafkaConsumer(std::shared_ptr<Readers> readers) : readers_(std::move(readers)) {}

  ~KafkaConsumer() override {
    while (!assigned_.empty()) unassign(Position(assigned_.back().position));
    for (const Source& source : sources_) {
      rd_kafka_queue_cb_event_enable(source.queue, nullptr, nullptr);
      rd_kafka_queue_destroy(source.queue);
    }
  }

  Result<> assign(const Position& position, Offset from) override {
    TRY(readers_->catalog().check(position));
    unassign(position);
    Assigned added{.position = position, .client = TRY(readers_->take(position))};
    added.next = std::max({from, readers_->marks().of(position).begin, Offset{0}});
    added.topic = added.client->topic(position.topic, readers_->catalog().generation());
    const int failed = added.topic == nullptr
                           ? -1
                           : rd_kafka_consume_start_queue(added.topic, position.partition, added.next,
                                                          queue_of(added.client));
    if (failed != 0) {
      readers_->release(added.client, position);
      return added.client->error(rd_kafka_last_error(), "topic " + position.topic + " cannot be read");
    }
    assigned_.push_back(std::move(added));
    return {};
  }

  void unassign(const Position& position) override {
    const auto at = std::find_if(assigned_.begin(), assigned_.end(),
                                 [&](const Assigned& known) { return known.position == position; });
    if (at == assigned_.end()) return;
    rd_kafka_consume_stop(at->topic, position.partition);
    readers_->release(at->client, position);
    assigned_.erase(at);
  }

  Result<std::vector<FetchedBatch>> poll(Duration wait, size_t max_records) override {
    const int64_t began = now_ns();
    const int64_t wait_until = began + wait.count() * 1'000'000;
    const int64_t patience_until = began + readers_->options().patience.count() * 1'000'000;
    while (true) {
      const uint64_t rings = bell_->rings();
      std::vector<FetchedBatch> batches = TRY(fetch(std::max<size_t>(max_records, 1)));
      if (!batches.empty()) return batches;
      const Assigned* silent = unsettled(began);
      const int64_t now = now_ns();
      if (silent == nullptr && now >= wait_until) return batches;
      if (silent != nullptr && now > patience_until) {
        return silent->client->error(RD_KAFKA_RESP_ERR__TIMED_OUT,
                                     "topic " + silent->position.topic + " partition " +
                                         std::to_string(silent->position.partition) + " cannot be read");
      }
      const Duration left((wait_until - now) / 1'000'000 + 1);
      bell_->wait(rings, silent == nullptr ? left : kLook);
    }
  }

 private:
  struct Source {
    std::shared_ptr<Client> client;
    rd_kafka_queue_t* queue = nullptr;
  };
  struct Assigned {
    Position position;
    std::shared_ptr<Client> client;
    rd_kafka_topic_t* topic = nullptr;
    Offset next = 0;
    bool heard = false;       // the broker has answered since it was assigned
    Offset read_out = -1;     // the end was seen here
    Offset given_up = -1;     // own records up to here did not come in time
    size_t batch = SIZE_MAX;  // of the fetch at hand
    Offset began = 0;         // `next` before it
  };
  // The consumer's own bell and the log's, as one that librdkafka's threads can ring.
  struct BothBells {
    explicit BothBells(std::shared_ptr<Readers> of) : readers(std::move(of)) {}
    Bell own;
    const std::shared_ptr<Readers> readers;
  };

  int64_t now_ns() const { return readers_->options().clock->monotonic_ns(); }

  rd_kafka_queue_t* queue_of(const std::shared_ptr<Client>& client) {
    for (const Source& source : sources_) {
      if (source.client == client) return source.queue;
    }
    rd_kafka_queue_t* queue = rd_kafka_queue_new(client->handle());
    rd_kafka_queue_cb_event_enable(
        queue,
        [](rd_kafka_t*, void* opaque) {
          auto* bells = static_cast<BothBells*>(opaque);
          bells->own.ring();
          bells->readers->marks().bell.ring();
        },
        bells_.get());
    sources_.push_back({client, queue});
    return queue;
  }

  Result<std::vector<FetchedBatch>> fetch(size_t max_records) {
    const auto fetched = std::make_shared<Fetched>();
    std::vector<FetchedBatch> batches;
    for (Assigned& assigned : assigned_) {
      assigned.batch = SIZE_MAX;
      assigned.began = assigned.next;
    }
    for (size_t i = 0; i < sources_.size() && fetched->messages.size() < max_records; ++i) {
      // Sources take turns, so that none waits for ever behind another.
      const Source& source = sources_[(turn_ + i) % sources_.size()];
      TRY(take(source, max_records - fetched->messages.size(), fetched, batches));
    }
    ++turn_;
    for (Assigned& assigned : assigned_) close(assigned, fetched, batches);
    std::erase_if(batches, [](const FetchedBatch& batch) { return batch.next < 0; });
    for (FetchedBatch& batch : batches) {
      const HeaderView* headers = batch.headers.data();
      for (RecordView& record : batch.records) {
        record.headers = record.header_count == 0 ? nullptr : headers;
        headers += record.header_count;
      }
    }
    return batches;
  }

  Result<> take(const Source& source, size_t most, const std::shared_ptr<Fetched>& fetched,
                std::vector<FetchedBatch>& batches) {
    const size_t first = fetched->messages.size();
    fetched->messages.resize(first + std::min(most, kMostPerCall));
    const ssize_t got = rd_kafka_consume_batch_queue(source.queue, 0, fetched->messages.data() + first,
                                                     fetched->messages.size() - first);
    fetched->messages.resize(first + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) {
      source.client->serve(Duration(0));
      return {};
    }
    fetched->clients.push_back(source.client);
    Assigned* assigned = nullptr;
    for (size_t i = first; i < fetched->messages.size(); ++i) {
      const rd_kafka_message_t& message = *fetched->messages[i];
      if (assigned == nullptr || assigned->topic != message.rkt ||
          assigned->position.partition != message.partition) {
        assigned = find(message);
      }
      if (assigned != nullptr) TRY(put(*assigned, message, fetched, batches));
    }
    return {};
  }

  Assigned* find(const rd_kafka_message_t& message) {
    if (message.rkt == nullptr) return nullptr;
    const std::string_view topic = rd_kafka_topic_name(message.rkt);
    for (Assigned& assigned : assigned_) {
      if (assigned.position.partition == message.partition && assigned.position.topic == topic)
        return &assigned;
    }
    return nullptr;  // unassigned since
  }

  Result<> put(Assigned& assigned, const rd_kafka_message_t& message, const std::shared_ptr<Fetched>& fetched,
               std::vector<FetchedBatch>& batches) {
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      assigned.heard = true;
      assigned.next = std::max(assigned.next, message.offset);
      assigned.read_out = assigned.next;
      return {};
    }
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const Error error = assigned.client->error(
          message.err, "topic " + assigned.position.topic + " partition " +
                           std::to_string(assigned.position.partition) + " cannot be read");
      // What passes by itself is gone on with by librdkafka; poll() gives up when it lasts.
      const bool passes =
          error.code == Code::unavailable ||
          (error.code == Code::not_found && readers_->catalog().check(assigned.position).ok());
      if (!passes) return error;
      assigned.client->note_trouble(rd_kafka_message_errstr(&message));
      return {};
    }
    assigned.heard = true;
    if (message.offset < assigned.next) return {};
    FetchedBatch& batch = batch_of(assigned, fetched, batches);
    const size_t headers = batch.headers.size();
    const RecordView record = record_of(message, batch.headers);
    if (record.header_count == 1 && batch.headers.back().name == kNothingHeader)
      batch.headers.resize(headers);
    else
      batch.records.push_back(record);
    assigned.next = message.offset + 1;
    return {};
  }

  FetchedBatch& batch_of(Assigned& assigned, const std::shared_ptr<Fetched>& fetched,
                         std::vector<FetchedBatch>& batches) {
    if (assigned.batch == SIZE_MAX) {
      assigned.batch = batches.size();
      batches.emplace_back();
      batches.back().position = assigned.position;
      batches.back().buffer = fetched;
      batches.back().records.reserve(kLikelyRecords);
    }
    return batches[assigned.batch];
  }

  // Where reading goes on behind what was fetched, and where the partition ends.
  void close(Assigned& assigned, const std::shared_ptr<Fetched>& fetched,
             std::vector<FetchedBatch>& batches) {
    const Marks::Mark mark = readers_->marks().of(assigned.position);
    const Offset end = end_of(assigned);
    if (assigned.heard && mark.marker == assigned.next && end == assigned.next + 1) assigned.next = end;
    if (assigned.next == assigned.began && assigned.batch == SIZE_MAX) return;
    FetchedBatch& batch = batch_of(assigned, fetched, batches);
    const auto trimmed = std::find_if(batch.records.begin(), batch.records.end(),
                                      [&](const RecordView& record) { return record.offset >= mark.begin; });
    if (trimmed != batch.records.begin()) drop_before(batch, trimmed);
    batch.next = assigned.next < mark.begin ? -1 : assigned.next;  // all of it trimmed: what is kept follows
    batch.end = std::max(end, assigned.next);
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

  // One past the last committed record, as the last answer of the broker told; -1: none came yet.
  static Offset end_of(const Assigned& assigned) {
    int64_t low = -1;
    int64_t high = -1;
    rd_kafka_get_watermark_offsets(assigned.client->handle(), assigned.position.topic.c_str(),
                                   assigned.position.partition, &low, &high);
    return high;
  }

  // An assigned partition of which more is to be expected without anything new being written.
  const Assigned* unsettled(int64_t began_ns) {
    for (Assigned& assigned : assigned_) {
      const Offset end = end_of(assigned);
      const bool read_out = assigned.read_out == assigned.next || assigned.next >= end;
      if (!assigned.heard || !read_out) return &assigned;
      const Offset own = readers_->marks().of(assigned.position).end;
      if (assigned.next >= own || own <= assigned.given_up) continue;
      if (now_ns() - began_ns < kOwnWithinNs) return &assigned;
      assigned.given_up = own;  // another's open transaction lies before them
    }
    return nullptr;
  }

  const std::shared_ptr<Readers> readers_;
  const std::unique_ptr<BothBells> bells_ = std::make_unique<BothBells>(readers_);
  Bell* const bell_ = &bells_->own;
  std::vector<Source> sources_;
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

Result<std::shared_ptr<Client>> Readers::take(const Position& position) {
  const std::lock_guard lock(mutex_);
  for (Reader& reader : readers_) {
    if (reader.positions.insert(position).second) return reader.client;
  }
  const std::string fetch_wait = std::to_string(options_.fetch_wait.count());
  const char* isolation = visibility_ == Visibility::written ? "read_uncommitted" : "read_committed";
  auto client = TRY(Client::make(options_, ClientKind::consumer,
                                 {{"isolation.level", isolation},
                                  {"enable.partition.eof", "true"},
                                  {"enable.auto.commit", "false"},
                                  {"enable.auto.offset.store", "false"},
                                  {"auto.offset.reset", "earliest"},
                                  {"fetch.wait.max.ms", fetch_wait},
                                  {"fetch.min.bytes", "1"},
                                  {"fetch.error.backoff.ms", "10"},
                                  {"fetch.message.max.bytes", std::to_string(options_.fetch_bytes)},
                                  {"queued.min.messages", "50000"},
                                  {"queued.max.messages.kbytes", "65536"},
                                  {"check.crcs", "true"}}));
  readers_.push_back({client, {position}});
  return client;
}

void Readers::release(const std::shared_ptr<Client>& client, const Position& position) {
  const std::lock_guard lock(mutex_);
  for (Reader& reader : readers_) {
    if (reader.client == client) reader.positions.erase(position);
  }
}

}  // namespace tradewind::log::kafka
