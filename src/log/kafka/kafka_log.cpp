// KafkaLog: the Log on brokers. Durable and written are one: what is committed is acknowledged by the
// replicas.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <deque>

#include "log/kafka/admin.h"
#include "log/kafka/appender.h"
#include "log/kafka/carried_times.h"
#include "log/kafka/tokens.h"
#include "log/kafka/watch.h"
#include "log/open.h"

namespace tradewind::log {
namespace kafka {
namespace {

// Records kept until they are committed: Kafka may ask for them again. Its memory is for one transaction
// after the other, for it takes longer to get than to fill.
class Kept {
 public:
  void clear() {
    for (Bytes& block : blocks_) block.clear();
    if (blocks_.size() > kMostBlocks) blocks_.resize(kMostBlocks);
    filling_ = 0;
    headers_.clear();
    for (auto& [position, records] : parts_) records.clear();
    if (parts_.size() > kMostParts) parts_.clear();
  }
  void add(const Position& position, std::span<const RecordView> records) {
    std::vector<RecordView>& of_position = parts_[position];
    for (const RecordView& record : records) {
      RecordView& kept = of_position.emplace_back(record);
      if (record.key) kept.key = copy(*record.key);
      if (record.value) kept.value = copy(*record.value);
      if (record.header_count == 0) continue;
      std::vector<HeaderView>& headers = headers_.emplace_back();
      for (uint32_t i = 0; i < record.header_count; ++i) {
        const HeaderView& header = record.headers[i];
        headers.push_back(
            {copy(header.name), header.value ? std::optional(copy(*header.value)) : std::nullopt});
      }
      kept.headers = headers.data();
    }
  }
  const RecordView& at(const Position& position, size_t record) const {
    return parts_.at(position).at(record);
  }
  void erase(const Position& position, size_t record) {
    std::vector<RecordView>& records = parts_.at(position);
    records.erase(records.begin() + static_cast<ptrdiff_t>(record));
  }
  std::vector<Appending> parts() const {
    std::vector<Appending> all;
    for (const auto& [position, records] : parts_) {
      if (!records.empty()) all.push_back({position, records});
    }
    return all;
  }

 private:
  BytesView copy(BytesView bytes) {
    while (filling_ < blocks_.size() &&
           blocks_[filling_].capacity() - blocks_[filling_].size() < bytes.size()) {
      ++filling_;
    }
    if (filling_ == blocks_.size()) blocks_.emplace_back().reserve(std::max(kBlock, bytes.size() + 1));
    Bytes& block = blocks_[filling_];
    const size_t at = block.size();
    block.append(bytes);
    return BytesView(block).substr(at, bytes.size());
  }

  static constexpr size_t kBlock = 256 << 10;
  static constexpr size_t kMostBlocks = 256;   // kept when nothing needs them
  static constexpr size_t kMostParts = 1'000;  // likewise

  std::deque<Bytes> blocks_;  // never grow beyond what they reserved: views into them stay
  size_t filling_ = 0;        // those before are full
  std::deque<std::vector<HeaderView>> headers_;
  std::map<Position, std::vector<RecordView>> parts_;
};

class KafkaTransaction final : public Transaction {
 public:
  KafkaTransaction(std::shared_ptr<Readers> readers, std::shared_ptr<Transactor> transactor,
                   std::shared_ptr<Kept> kept)
      : readers_(std::move(readers)), transactor_(std::move(transactor)), kept_(std::move(kept)) {}

  Result<> append(const Position& position, std::span<const RecordView> records) override {
    TRY(readers_->catalog().check(position));
    const int64_t more = TRY(checked_bytes(records));
    CarriedTimes times(readers_->options().clock->now());
    kept_->add(position, times.of(records));
    bytes_ += more + static_cast<int64_t>(records.size()) * 8;
    return {};
  }

  Result<Offsets> commit(std::string_view group, const Offsets& consumed) override {
    if (bytes_ > kMostKafkaTransaction) {
      return Error{Code::invalid, "a transaction of " + std::to_string(bytes_ >> 20) +
                                      " MB is too large; commit more often"};
    }
    const std::vector<Appending> parts = kept_->parts();
    if (parts.empty() && consumed.empty() && transactor_->fenced()) return *transactor_->fenced();
    if (parts.empty() && consumed.empty()) return Offsets();
    auto done =
        transactor_->commit({.parts = parts, .group = std::string(group), .consumed = consumed}, doubt_);
    const bool refused = !done.ok() && done.error().code == Code::invalid;
    refused_ = refused ? transactor_->too_large() : std::vector<Session::Refused>();
    return done;
  }

  bool in_doubt() const override { return doubt_.has_value(); }

  std::vector<TooLarge> too_large() const override {
    std::vector<TooLarge> all;
    for (const Session::Refused& one : refused_) {
      const RecordView& record = kept_->at(one.position, one.record);
      all.push_back({.position = one.position,
                     .key = record.key ? std::optional(Bytes(*record.key)) : std::nullopt,
                     .bytes = payload_bytes(record),
                     .remedy = "raise max.message.bytes of the topic (" + std::to_string(kMostKafkaRecord) +
                               " is enough for all)"});
    }
    return all;
  }

  // The last of a position first, so that the numbers of the others stay.
  void leave_out_too_large() override {
    for (auto one = refused_.rbegin(); one != refused_.rend(); ++one)
      kept_->erase(one->position, one->record);
    refused_.clear();
  }

  int64_t bytes() const override { return bytes_; }

 private:
  const std::shared_ptr<Readers> readers_;
  const std::shared_ptr<Transactor> transactor_;
  const std::shared_ptr<Kept> kept_;
  int64_t bytes_ = 0;
  std::optional<Transactor::Doubt> doubt_;
  std::vector<Session::Refused> refused_;  // by the last commit, those of a position in order
};

class KafkaProducer final : public Producer {
 public:
  KafkaProducer(std::shared_ptr<Readers> readers, std::shared_ptr<Appender> appender, std::string id,
                std::shared_ptr<Transactor> transactor)
      : readers_(std::move(readers)),
        appender_(std::move(appender)),
        id_(std::move(id)),
        transactor_(std::move(transactor)) {}

  Result<Offset> append(const Position& position, std::span<const RecordView> records) override {
    return appender_->append(position, records);
  }
  Result<> append_all(std::span<const Appending> parts, int64_t sequence) override {
    return appender_->append_all(parts, id_, sequence);
  }
  Result<int64_t> last_sequence() override { return appender_->last_sequence(id_); }
  Result<std::unique_ptr<Transaction>> begin() override {
    if (transactor_ == nullptr)
      return Error{Code::invalid, "a producer without a transactional id has no transactions"};
    if (transactor_->fenced()) return *transactor_->fenced();
    if (kept_ == nullptr || kept_.use_count() > 1) kept_ = std::make_shared<Kept>();
    kept_->clear();
    return std::unique_ptr<Transaction>(new KafkaTransaction(readers_, transactor_, kept_));
  }

 private:
  const std::shared_ptr<Readers> readers_;
  const std::shared_ptr<Appender> appender_;
  const std::string id_;
  const std::shared_ptr<Transactor> transactor_;  // null: no transactional id
  std::shared_ptr<Kept> kept_;                    // of the last transaction
};

class KafkaLog final : public WatchedLog {
 public:
  KafkaLog(std::shared_ptr<Catalog> catalog, std::shared_ptr<Marks> marks, std::shared_ptr<Readers> readers,
           std::shared_ptr<Claims> claims, std::shared_ptr<Appender> appender)
      : catalog_(std::move(catalog)),
        marks_(std::move(marks)),
        readers_(std::move(readers)),
        claims_(std::move(claims)),
        appender_(std::move(appender)),
        admin_(catalog_),
        watch_(readers_, claims_) {}

  Result<> create_topic(const TopicSpec& spec) override {
    TRY(not_ours(spec.name));
    return catalog_->create(spec);
  }
  Result<> delete_topic(const std::string& name) override {
    TRY(not_ours(name));
    return catalog_->remove(name);
  }
  Result<std::vector<TopicSpec>> topics() override {
    std::vector<TopicSpec> all = TRY(catalog_->topics());
    std::erase_if(all, [](const TopicSpec& spec) { return spec.name == kProducersTopic; });
    return all;
  }
  Result<TopicSpec> topic(const std::string& name) override {
    if (name == kProducersTopic) return Error{Code::not_found, "topic " + name + " is the log's own"};
    return catalog_->topic(name);
  }
  Result<Bounds> bounds(const Position& position, Visibility visibility) override {
    return catalog_->bounds(position, visibility);
  }
  // While brokers do not answer there are two things to wait for, each for half of it.
  Offsets ends(const std::vector<Position>& positions, Duration wait) override {
    const Duration half = std::min(wait, catalog_->client().patience()) / 2;
    auto ends = half > Duration(0) ? catalog_->ends(positions, half) : Result<Offsets>(Offsets());
    if (!ends.ok()) return {};
    for (auto& [position, end] : *ends) end = std::max(end, marks_->of(position).end);
    return std::move(*ends);
  }
  Result<std::optional<Timestamp>> appended(const Position& position, Offset from) override {
    return readers_->appended(readers_, position, from);
  }
  std::map<Position, Backlog> backlog(const Offsets& places) override { return watch_.backlog(places); }
  Result<> trim(const Position& position, Offset keep) override { return catalog_->trim(position, keep); }
  Result<Offsets> group_offsets(const std::string& group) override { return catalog_->group_offsets(group); }

  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    std::shared_ptr<Transactor> transactor;
    if (options.transactional) {
      if (options.id.empty()) return Error{Code::invalid, "a transactional producer needs an id"};
      transactor = TRY(Transactor::open(
          readers_, claims_,
          [appender = appender_](const RecordView& record) { return appender->claim(record); },
          readers_->options().instance + "." + options.id));
    }
    return std::unique_ptr<Producer>(
        new KafkaProducer(readers_, appender_, options.id, std::move(transactor)));
  }
  Result<std::unique_ptr<Consumer>> consumer(Visibility) override { return readers_->consumer(readers_); }

  uint64_t written() const override { return marks_->bell.rings(); }
  uint64_t durable() const override { return written(); }
  Result<> wait_durable(uint64_t) override { return {}; }
  void wait_for_more(uint64_t seen, Duration wait) override { marks_->bell.wait(seen, wait); }
  void wake() override { marks_->bell.ring(); }
  int64_t most_transaction_bytes() const override { return kMostKafkaTransaction; }
  int64_t most_record_bytes() const override { return kMostKafkaPayload; }

  LogFigures figures() const override {
    LogFigures figures;
    figures.records = appender_->records();
    figures.payload_bytes = appender_->bytes();
    figures.doubts_committed = marks_->settled_committed;
    figures.doubts_given_up = marks_->settled_given_up;
    figures.left_open_closed = marks_->left_open_closed;
    return figures;
  }
  Admin& admin() override { return admin_; }
  Result<BackupSource> backup_source() override { return only_ours("a backup"); }
  std::vector<TopicFigures> topic_figures() const override { return {}; }
  Result<Room> room() const override { return only_ours("its room on the disk"); }
  std::optional<Error> failure() const override {
    if (auto failed = appender_->failure()) return failed;
    return claims_->superseded();
  }
  std::optional<Error> refusing() override {
    if (auto silent = watch_.silent()) return silent;
    return marks_->refused(readers_->options().clock->monotonic_ns());
  }

 private:
  static Error only_ours(const std::string& what) {
    return {Code::unsupported, what + " is of our own log only; ask the tools of Kafka"};
  }
  static Result<> not_ours(const std::string& name) {
    if (name != kProducersTopic) return {};
    return Error{Code::invalid, "topic " + name + " is the log's own; choose another name"};
  }

  const std::shared_ptr<Catalog> catalog_;
  const std::shared_ptr<Marks> marks_;
  const std::shared_ptr<Readers> readers_;
  const std::shared_ptr<Claims> claims_;
  const std::shared_ptr<Appender> appender_;
  KafkaAdmin admin_;
  Watch watch_;
};

}  // namespace
}  // namespace kafka

std::vector<std::string> KafkaOptions::notes() const {
  std::vector<std::string> notes;
  if (security.has_scram() && kafka::scram_is_too_old()) {
    notes.push_back(
        std::string("SCRAM of librdkafka ") + rd_kafka_version_str() +
        " is refused by Kafka 4, right secret or not; on such brokers install librdkafka 2.6.1 or later");
  }
  if (security.protocol == KafkaProtocol::sasl_plaintext && security.mechanism == KafkaMechanism::plain) {
    notes.push_back(
        "log.kafka.security.protocol is SASL_PLAINTEXT: the secret goes over the network in clear; "
        "SASL_SSL keeps it");
  }
  if (security.has_tls() && security.name_check == KafkaNameCheck::none) {
    notes.push_back(
        "log.kafka.ssl.endpoint.identification.algorithm is none: whoever has a certificate of the "
        "authority can stand between");
  }
  return notes;
}

Result<std::unique_ptr<WatchedLog>> open_kafka(const KafkaOptions& given) {
  const KafkaOptions options = TRY(kafka::ready_options(given));
  auto marks = std::make_shared<kafka::Marks>(options.clock->now());
  auto catalog = TRY(kafka::Catalog::open(options, marks));
  auto readers = std::make_shared<kafka::Readers>(options, catalog, marks);
  auto claims = std::make_shared<kafka::Claims>(*readers);
  auto appender = TRY(kafka::Appender::open(readers, claims));
  return std::unique_ptr<WatchedLog>(
      std::make_unique<kafka::KafkaLog>(catalog, marks, readers, claims, std::move(appender)));
}

}  // namespace tradewind::log
