#include "schema/local_registry.h"

#include <mutex>

#include "base/turns.h"
#include "schema/registries/changes.h"

namespace tradewind::schema {
namespace {

const log::Position kPlace{.topic = "_schemas", .partition = 0};

class FoldedRegistry final : public LocalRegistry {
 public:
  FoldedRegistry(log::Log& log, std::unique_ptr<log::Producer> producer,
                 std::unique_ptr<log::Consumer> consumer)
      : log_(log), producer_(std::move(producer)), consumer_(std::move(consumer)) {}

  Result<> begin() {
    const log::Log::Bounds bounds = TRY(log_.bounds(kPlace, log::Visibility::durable));
    TRY(consumer_->assign(kPlace, bounds.begin));
    next_ = bounds.begin;
    sequence_ = TRY(producer_->last_sequence()) + 1;
    return catch_up();
  }

  Result<RegisteredSchema> register_schema(const std::string& subject, SchemaKind kind,
                                           const std::string& text) override {
    return add(subject, {.kind = kind, .text = text});
  }

  Result<RegisteredSchema> by_id(SchemaId id) override {
    // An id that is known needs no look at the log.
    if (auto known = picture()->by_id(id); known.ok()) return known;
    return TRY(ledger())->by_id(id);
  }

  Result<RegisteredSchema> latest(const std::string& subject) override {
    return TRY(ledger())->version(subject, std::nullopt, Deleted::without);
  }

  Result<RegisteredSchema> version(const std::string& subject, int32_t version) override {
    return TRY(ledger())->version(subject, version, Deleted::without);
  }

  Result<std::vector<std::string>> subjects() override {
    return TRY(ledger())->subjects("", Deleted::without);
  }

  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    return TRY(ledger())->versions(subject, Deleted::without);
  }

  Result<> set_compatibility(const std::string& subject, Compatibility compatibility) override {
    return set_level(subject, compatibility);
  }

  Result<Outlook> outlook(const std::string& subject, SchemaKind kind, const std::string& text) override {
    const auto made = register_draft(*TRY(ledger()), subject, {.kind = kind, .text = text});
    if (!made.ok() && made.error().code != Code::conflict) return made.error();
    if (!made.ok()) return Outlook{.kind = Outlook::Kind::refused, .reasons = {made.error().message}};
    using enum Outlook::Kind;
    const int32_t version = made->schema.version;
    return Outlook{.kind = made->there ? there : version == 1 ? first : next, .version = version};
  }

  Result<std::shared_ptr<const Ledger>> ledger() override {
    const auto turn = TRY(caught_up());
    return picture();
  }

  Result<RegisteredSchema> add(const std::string& subject, const Draft& draft) override {
    const auto turn = TRY(caught_up());
    Registration made = TRY(register_draft(*picture(), subject, draft));
    if (made.there) return made.schema;
    TRY(append({{.kind = SchemaRecord::Kind::schema, .subject = subject, .schema = made.schema}}));
    return made.schema;
  }

  Result<std::vector<int32_t>> remove(const std::string& subject, std::optional<int32_t> version,
                                      bool permanent) override {
    const auto turn = TRY(caught_up());
    const auto records = TRY(removal(*picture(), subject, version, permanent));
    TRY(append(records));
    std::vector<int32_t> versions;
    for (const SchemaRecord& record : records) {
      if (record.kind == SchemaRecord::Kind::schema) versions.push_back(record.schema.version);
    }
    return versions;
  }

  Result<> set_level(const std::string& subject, std::optional<Compatibility> level) override {
    const auto turn = TRY(caught_up());
    const SchemaRecord record = TRY(level_change(*picture(), subject, level));
    return append({record});
  }

  Result<> set_mode(const std::string& subject, std::optional<Mode> mode, bool force) override {
    const auto turn = TRY(caught_up());
    const SchemaRecord record = TRY(mode_change(*picture(), subject, mode, force));
    return append({record});
  }

 private:
  std::shared_ptr<const Ledger> picture() const {
    const std::lock_guard lock(mutex_);
    return ledger_;
  }

  // REQUIRES our turn. All or nothing, durable when it answers; folded as every record is, by reading it
  // back.
  Result<> append(const std::vector<SchemaRecord>& records) {
    std::vector<Bytes> keys;
    std::vector<std::optional<Bytes>> values;
    for (const SchemaRecord& record : records) {
      keys.push_back(key_of(record));
      values.push_back(value_of(record));
    }
    std::vector<log::RecordView> views;
    for (size_t i = 0; i < records.size(); ++i) {
      views.push_back({.key = keys[i]});
      if (values[i]) views.back().value = *values[i];
    }
    const log::Appending part{.position = kPlace, .records = views};
    TRY(producer_->append_all({&part, 1}, sequence_));
    ++sequence_;
    return catch_up();
  }

  // Our turn to look at the topic or to write to it, with what is in it folded.
  Result<Turns::Turn> caught_up() {
    Turns::Turn turn = TRY(turns_.take());
    const auto done = catch_up();
    if (done.ok()) return turn;
    if (done.error().code == Code::unavailable) turns_.tell(done.error());
    return done.error();
  }

  // REQUIRES our turn (or nobody else yet). Folds what is in the topic and not folded, into a copy: pictures
  // that were handed out stay as they are. A copy costs a pointer per version.
  Result<> catch_up() {
    const log::Log::Bounds bounds = TRY(log_.bounds(kPlace, log::Visibility::durable));
    if (next_ >= bounds.end) return {};
    auto folded = std::make_shared<Ledger>(*picture());
    std::optional<Error> failed;
    while (next_ < bounds.end) {
      const auto batches = consumer_->poll(Duration(100), 1000);
      if (!batches.ok()) {
        failed = batches.error();
        break;
      }
      for (const log::FetchedBatch& batch : *batches) {
        for (const log::RecordView& record : batch.records) {
          if (const auto read = schema_record(record.key, record.value)) folded->fold(*read);
        }
        next_ = batch.next;
      }
    }
    {
      const std::lock_guard lock(mutex_);
      ledger_ = std::move(folded);
    }
    if (failed) return *failed;
    return {};
  }

  log::Log& log_;
  Turns turns_;  // one for all appends and reads of the topic; taken before mutex_
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<log::Consumer> consumer_;
  log::Offset next_ = 0;
  int64_t sequence_ = 0;
  mutable std::mutex mutex_;  // of ledger_; never held while the log is asked
  std::shared_ptr<const Ledger> ledger_ = std::make_shared<const Ledger>();
};

}  // namespace

Result<std::unique_ptr<LocalRegistry>> LocalRegistry::open(log::Log& log, int16_t replicas) {
  TRY(log.create_topic({.name = kPlace.topic,
                        .partitions = 1,
                        .replicas = replicas,
                        .cleanup = log::Cleanup::compact,
                        .retention = Duration(-1)}));
  auto producer = TRY(log.producer({.id = "schema-registry"}));
  auto consumer = TRY(log.consumer(log::Visibility::durable));
  auto registry = std::make_unique<FoldedRegistry>(log, std::move(producer), std::move(consumer));
  TRY(registry->begin());
  return std::unique_ptr<LocalRegistry>(std::move(registry));
}

}  // namespace tradewind::schema
