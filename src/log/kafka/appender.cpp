#include "log/kafka/appender.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "log/kafka/carried_times.h"

namespace tradewind::log::kafka {
namespace {

constexpr int64_t kMostTogether = 16 << 20;  // bytes of batches in one transaction
constexpr Duration kServe(100);
constexpr Duration kUnheardPause(20);

const Position kNumbers{kProducersTopic, 0};

bool unheard(int code) {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

}  // namespace

Result<int64_t> checked_bytes(std::span<const RecordView> records) {
  int64_t bytes = 0;
  for (const RecordView& record : records) {
    const int64_t more = payload_bytes(record);
    if (more > kMostKafkaPayload)
      return Error{Code::invalid, "a record of " + std::to_string(more) + " bytes is more than the " +
                                      std::to_string(kMostKafkaPayload) +
                                      " that go into one on Kafka; make it smaller"};
    bytes += more;
  }
  if (bytes > kMostKafkaTransaction)
    return Error{Code::invalid, "more than 64 MB cannot be appended at once"};
  return bytes;
}

Result<std::shared_ptr<Appender>> Appender::open(std::shared_ptr<Readers> readers,
                                                 std::shared_ptr<Claims> claims) {
  std::shared_ptr<Appender> made(new Appender(std::move(readers)));
  TRY(made->readers_->catalog().create(producers_topic()));
  const KafkaOptions& options = made->readers_->options();
  if (!options.beside) TRY(claims->sole(options.instance));
  made->serving_ = std::jthread([appender = made.get()](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto client = appender->single();
      if (client.ok()) (*client)->serve(kServe);
    }
  });
  // What an earlier process left open ends here, before anybody asks how far the log goes.
  made->transactor_ = TRY(Transactor::open(
      made->readers_, std::move(claims),
      [own = made.get()](const RecordView& record) { return own->claim(record); },
      options.instance + std::string(options.beside ? kToolsId : kAppenderId)));
  TRY(made->restore());
  return made;
}

Result<Offset> Appender::claim(const RecordView& record) {
  return append(kNumbers, {&record, 1});
}

Appender::~Appender() {
  serving_.request_stop();
  if (serving_.joinable()) serving_.join();
}

// The numbers of all producers, as their last transactions left them.
Result<> Appender::restore() {
  const auto bounds = TRY(readers_->catalog().bounds(kNumbers, Visibility::written));
  const auto consumer = readers_->consumer(readers_);
  TRY(consumer->assign(kNumbers, bounds.begin));
  for (Offset next = bounds.begin; next < bounds.end;) {
    for (const FetchedBatch& batch : TRY(consumer->poll(Duration(1'000), 10'000))) {
      for (const RecordView& record : batch.records) {
        if (record.key && record.value && !Claims::is_key(*record.key))
          sequences_[std::string(*record.key)] = std::atoll(std::string(*record.value).c_str());
      }
      next = batch.next;
    }
  }
  return {};
}

// The client for records of one partition; a fatal error makes it useless, then there is a new one.
Result<std::shared_ptr<Client>> Appender::single() {
  const std::lock_guard lock(mutex_);
  if (single_ == nullptr || single_->fatal() != 0)
    single_ = TRY(Client::make(readers_->options(), ClientKind::producer, {{"linger.ms", "0"}}));
  return single_;
}

Result<Offset> Appender::append(const Position& position, std::span<const RecordView> records) {
  TRY(readers_->catalog().check(position));
  TRY(checked_bytes(records));
  if (records.empty()) return TRY(readers_->catalog().bounds(position, Visibility::written)).end;
  Clock& clock = *readers_->options().clock;
  const int64_t until_ns = clock.monotonic_ns() + readers_->options().patience.count() * 1'000'000;
  Sent sent = TRY(send(position, records));
  // Brokers hear of a topic one after the other: that the one who was asked does not know of it yet passes.
  while (unheard(sent.code) && sent.first < 0 && clock.monotonic_ns() < until_ns &&
         readers_->catalog().check(position).ok()) {
    clock.sleep(kUnheardPause);
    ++looked_;
    sent = TRY(send(position, records));
  }
  if (sent.code != 0) {
    const Right right{"Write", "topic", position.topic};
    // Who may write nowhere gets no number to write by, and is told that.
    return sent.client->error(sent.client->fatal() != 0 ? sent.client->fatal() : sent.code,
                              "topic " + position.topic + " cannot be written", &right);
  }
  count(records);
  readers_->marks().wrote(position, sent.last + 1, clock.now());
  readers_->marks().bell.ring();
  return sent.first;
}

Result<Appender::Sent> Appender::send(const Position& position, std::span<const RecordView> records) {
  const auto client = TRY(single());
  Deliveries deliveries;
  Deliveries::Slot slot{.all = &deliveries, .position = position};
  auto* topic = client->topic(position.topic, readers_->catalog().generation() + looked_);
  CarriedTimes times(readers_->options().clock->now());
  for (const RecordView& record : times.of(records)) {
    if (produce(*client, topic, position.partition, record, false, slot) != 0) break;
  }
  // By whoever waits: the thread that serves knows only the newest client, and one that a fatal error has
  // ended would tell nobody of what was left in it.
  while (!deliveries.done()) client->serve(kServe);
  return Sent{client, deliveries.failure(), slot.first, slot.last};
}

void Appender::count(std::span<const RecordView> records) {
  const std::lock_guard lock(mutex_);
  records_ += static_cast<int64_t>(records.size());
  for (const RecordView& record : records) bytes_ += payload_bytes(record);
}

// The first that finds nobody writing writes what waits, its own and others', until nothing waits.
Result<> Appender::append_all(std::span<const Appending> parts, const std::string& producer,
                              int64_t sequence) {
  for (const Appending& part : parts) {
    TRY(readers_->catalog().check(part.position));
    TRY(checked_bytes(part.records));
  }
  CarriedTimes times(readers_->options().clock->now());
  std::vector<Appending> carried(parts.begin(), parts.end());
  for (Appending& part : carried) part.records = times.of(part.records);
  Asked asked{.parts = carried, .producer = producer, .sequence = sequence};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&asked);
  written_.wait(lock, [&] { return asked.done || !writing_; });
  while (!asked.done) {
    writing_ = true;
    std::vector<Asked*> together;
    int64_t bytes = 0;
    size_t taken = 0;
    for (; taken < waiting_.size() && bytes < kMostTogether; ++taken) {
      together.push_back(waiting_[taken]);
      for (const Appending& part : waiting_[taken]->parts) {
        for (const RecordView& record : part.records) bytes += payload_bytes(record);
      }
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(taken));
    lock.unlock();
    std::vector<Result<>> answers(together.size(), write(together));
    const bool refused = !answers[0].ok() && answers[0].error().code != Code::unavailable;
    if (refused && together.size() > 1) {  // one of them is wrong: each for itself
      for (size_t i = 0; i < together.size(); ++i) answers[i] = write({together[i]});
    }
    lock.lock();
    writing_ = false;
    for (size_t i = 0; i < together.size(); ++i) {
      together[i]->answer = answers[i];
      together[i]->done = true;
    }
    written_.notify_all();
  }
  return asked.answer;
}

Result<> Appender::settle() {
  if (!doubt_) return {};
  const auto found = transactor_->commit({}, doubt_);
  if (!found.ok()) {
    note_fenced();
    return found.error();
  }
  if (!found->empty()) adopt(doubtful_numbers_);
  doubtful_numbers_.clear();
  return {};
}

void Appender::note_fenced() {
  const std::lock_guard lock(mutex_);
  failure_ = transactor_->fenced();
}

Result<> Appender::write(const std::vector<Asked*>& together) {
  TRY(settle());
  std::map<std::string, int64_t> numbers;
  std::vector<Appending> parts;
  for (const Asked* asked : together) {
    if (asked->sequence >= 0) {
      const auto before = numbers.find(asked->producer);
      const int64_t known = before == numbers.end() ? last_sequence(asked->producer) : before->second;
      if (asked->sequence <= known) continue;
      numbers[asked->producer] = asked->sequence;
    }
    parts.insert(parts.end(), asked->parts.begin(), asked->parts.end());
  }
  std::erase_if(parts, [](const Appending& part) { return part.records.empty(); });
  if (parts.empty() && numbers.empty()) return {};
  TRY(commit(parts, numbers));
  for (const Appending& part : parts) count(part.records);
  return {};
}

Result<> Appender::commit(const std::vector<Appending>& parts,
                          const std::map<std::string, int64_t>& numbers) {
  std::vector<std::string> texts;
  std::vector<RecordView> records;
  texts.reserve(numbers.size());
  for (const auto& [producer, sequence] : numbers) {
    texts.push_back(std::to_string(sequence));
    records.push_back({.key = producer, .value = texts.back(), .time = readers_->options().clock->now()});
  }
  Transactor::Work work;
  std::vector<Appending> all = parts;
  if (!records.empty()) all.push_back({kNumbers, records});
  work.parts = all;
  const auto done = transactor_->commit(work, doubt_);
  if (doubt_) doubtful_numbers_ = numbers;
  if (!done.ok()) {
    note_fenced();
    return done.error();
  }
  adopt(numbers);
  return {};
}

void Appender::adopt(const std::map<std::string, int64_t>& numbers) {
  const std::lock_guard lock(mutex_);
  for (const auto& [producer, sequence] : numbers) sequences_[producer] = sequence;
}

int64_t Appender::last_sequence(const std::string& producer) const {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(producer);
  return found == sequences_.end() ? -1 : found->second;
}

std::optional<Error> Appender::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

int64_t Appender::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

int64_t Appender::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace tradewind::log::kafka
