#include "schema/local_registry.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/json.h"
#include "schema/compatibility.h"
#include "schema/registries/schema_records.h"

namespace tradewind::schema {
namespace {

const log::Position kPlace{.topic = "_schemas", .partition = 0};
constexpr size_t kMostVersions = 10'000;  // per subject

// What the topic says, folded record by record.
class Known {
 public:
  void fold(const SchemaRecord& record) {
    if (record.kind == SchemaRecord::Kind::level) {
      if (record.level) {
        levels_[record.subject] = *record.level;
      } else {
        levels_.erase(record.subject);
      }
      return;
    }
    const RegisteredSchema& schema = record.schema;
    auto& versions = subjects_[schema.subject];
    std::erase_if(versions, [&](const RegisteredSchema& known) { return known.version == schema.version; });
    if (!record.deleted) {
      const auto after = std::find_if(versions.begin(), versions.end(), [&](const RegisteredSchema& known) {
        return known.version > schema.version;
      });
      versions.insert(after, schema);
    }
    next_version_[schema.subject] = std::max(next_version_[schema.subject], schema.version + 1);
    if (versions.empty()) subjects_.erase(schema.subject);
    if (schema.id == 0) return;
    by_id_.emplace(schema.id, schema);  // an id is valid for ever, deleted or not
    ids_.emplace(schema.text, schema.id);
    next_id_ = std::max(next_id_, schema.id + 1);
  }

  const RegisteredSchema* by_id(SchemaId id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &found->second;
  }
  const std::vector<RegisteredSchema>* versions(const std::string& subject) const {
    const auto found = subjects_.find(subject);
    return found == subjects_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> subjects() const {
    std::vector<std::string> names;
    for (const auto& [name, versions] : subjects_) names.push_back(name);
    return names;
  }
  Compatibility level(const std::string& subject) const {
    if (const auto own = levels_.find(subject); own != levels_.end()) return own->second;
    const auto global = levels_.find("");
    return global == levels_.end() ? Compatibility::backward : global->second;
  }
  SchemaId id_for(const std::string& text) const {
    const auto found = ids_.find(text);
    return found == ids_.end() ? next_id_ : found->second;
  }
  int32_t next_version(const std::string& subject) const {
    const auto found = next_version_.find(subject);
    return found == next_version_.end() ? 1 : found->second;
  }

 private:
  std::map<std::string, std::vector<RegisteredSchema>> subjects_;
  std::map<std::string, int32_t> next_version_;
  std::map<SchemaId, RegisteredSchema> by_id_;
  std::map<std::string, SchemaId> ids_;
  std::map<std::string, Compatibility> levels_;
  SchemaId next_id_ = 1;
};

Error unknown_subject(const std::string& subject) {
  return {Code::not_found, "no subject is named " + subject};
}

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
    if (kind != SchemaKind::avro) return Error{Code::unsupported, "only Avro schemas can be registered here"};
    if (subject.empty() || subject.size() > 1000)
      return Error{Code::invalid, "'" + subject + "' cannot name a subject"};
    const std::string normal = TRY(normalised(text));
    const std::lock_guard lock(writing_);
    TRY(catch_up());
    if (const auto same = registered(subject, normal)) return *same;
    const auto found = TRY(problems_of(subject, normal, 0));
    if (!found.empty()) return conflict_of(subject, found);
    RegisteredSchema schema{.subject = subject, .kind = SchemaKind::avro, .text = normal};
    {
      const std::lock_guard state(mutex_);
      schema.id = known_.id_for(normal);
      schema.version = known_.next_version(subject);
    }
    if (schema.version > static_cast<int32_t>(kMostVersions))
      return Error{Code::invalid, "too many versions of " + subject};
    TRY(append({.kind = SchemaRecord::Kind::schema, .subject = subject, .schema = schema}));
    return schema;
  }

  Result<RegisteredSchema> by_id(SchemaId id) override {
    for (const bool again : {true, false}) {
      {
        const std::lock_guard lock(mutex_);
        if (const RegisteredSchema* found = known_.by_id(id)) return *found;
      }
      if (again) TRY(look_again());
    }
    return Error{Code::not_found, "no schema has id " + std::to_string(id)};
  }

  Result<RegisteredSchema> latest(const std::string& subject) override {
    TRY(look_again());
    const std::lock_guard lock(mutex_);
    const auto* versions = known_.versions(subject);
    if (versions == nullptr) return unknown_subject(subject);
    return versions->back();
  }

  Result<RegisteredSchema> version(const std::string& subject, int32_t version) override {
    TRY(look_again());
    const std::lock_guard lock(mutex_);
    const auto* versions = known_.versions(subject);
    if (versions == nullptr) return unknown_subject(subject);
    for (const RegisteredSchema& schema : *versions) {
      if (schema.version == version) return schema;
    }
    return Error{Code::not_found, "subject " + subject + " has no version " + std::to_string(version)};
  }

  Result<std::vector<std::string>> subjects() override {
    TRY(look_again());
    const std::lock_guard lock(mutex_);
    return known_.subjects();
  }

  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    TRY(look_again());
    const std::lock_guard lock(mutex_);
    const auto* versions = known_.versions(subject);
    if (versions == nullptr) return unknown_subject(subject);
    std::vector<int32_t> numbers;
    for (const RegisteredSchema& schema : *versions) numbers.push_back(schema.version);
    return numbers;
  }

  Result<> set_compatibility(const std::string& subject, Compatibility compatibility) override {
    const std::lock_guard lock(writing_);
    TRY(catch_up());
    return append({.kind = SchemaRecord::Kind::level, .subject = subject, .level = compatibility});
  }

  Result<Compatibility> compatibility(const std::string& subject) override {
    TRY(look_again());
    const std::lock_guard lock(mutex_);
    return known_.level(subject);
  }

  Result<std::vector<std::string>> problems(const std::string& subject, const std::string& text,
                                            int32_t version) override {
    TRY(look_again());
    return problems_of(subject, TRY(normalised(text)), version);
  }

 private:
  // One JSON text for every way of spacing it; a schema that does not parse, or whose defaults are wrong, is
  // refused.
  static Result<std::string> normalised(const std::string& text) {
    const AvroSchemaPtr schema = TRY(AvroSchema::parse(text));
    TRY(check_defaults(*schema));
    const auto json = parse_json(text);
    return json.ok() ? json->dump() : Json::string(text).dump();
  }

  std::optional<RegisteredSchema> registered(const std::string& subject, const std::string& text) {
    const std::lock_guard lock(mutex_);
    const auto* versions = known_.versions(subject);
    if (versions == nullptr) return std::nullopt;
    for (const RegisteredSchema& schema : *versions) {
      if (schema.text == text) return schema;
    }
    return std::nullopt;
  }

  Result<std::vector<std::string>> problems_of(const std::string& subject, const std::string& text,
                                               int32_t version) {
    std::vector<RegisteredSchema> before;
    Compatibility level = Compatibility::none;
    {
      const std::lock_guard lock(mutex_);
      if (const auto* versions = known_.versions(subject)) before = *versions;
      level = known_.level(subject);
    }
    std::vector<AvroSchemaPtr> schemas;
    for (const RegisteredSchema& schema : before) {
      if (version == 0 || schema.version == version) schemas.push_back(TRY(AvroSchema::parse(schema.text)));
    }
    if (version != 0 && schemas.empty()) {
      return Error{Code::not_found, "subject " + subject + " has no version " + std::to_string(version)};
    }
    return compatibility_problems(level, *TRY(AvroSchema::parse(text)), schemas);
  }

  Error conflict_of(const std::string& subject, const std::vector<std::string>& found) {
    const std::lock_guard lock(mutex_);
    std::string message =
        "the schema is not compatible with subject " + subject + " (" + name_of(known_.level(subject)) + ")";
    for (const std::string& problem : found) message += "; " + problem;
    return {Code::conflict, message};
  }

  // REQUIRES writing_. Durable when it answers; folded as every record is, by reading it back.
  Result<> append(const SchemaRecord& record) {
    const Bytes key = key_of(record);
    const Bytes value = value_of(record);
    const log::RecordView view{.key = key, .value = value};
    const log::Appending part{.position = kPlace, .records = {&view, 1}};
    TRY(producer_->append_all({&part, 1}, sequence_));
    ++sequence_;
    return catch_up();
  }

  Result<> look_again() {
    const std::lock_guard lock(writing_);
    return catch_up();
  }

  // REQUIRES writing_ (or nobody else yet). Reads what is in the topic and not folded.
  Result<> catch_up() {
    const log::Log::Bounds bounds = TRY(log_.bounds(kPlace, log::Visibility::durable));
    while (next_ < bounds.end) {
      const auto batches = TRY(consumer_->poll(Duration(100), 1000));
      const std::lock_guard lock(mutex_);
      for (const log::FetchedBatch& batch : batches) {
        for (const log::RecordView& record : batch.records) {
          if (const auto read = schema_record(record.key, record.value)) known_.fold(*read);
        }
        next_ = batch.next;
      }
    }
    return {};
  }

  log::Log& log_;
  std::mutex writing_;  // held over appends and reads of the topic; taken before mutex_
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<log::Consumer> consumer_;
  log::Offset next_ = 0;
  int64_t sequence_ = 0;
  std::mutex mutex_;  // of known_; never held while the log is asked
  Known known_;
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
