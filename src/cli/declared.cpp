#include "cli/declared.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/shop/topics.h"
#include "engine/engine.h"
#include "log/memory_log.h"
#include "log/passing_log.h"
#include "schema/avro.h"
#include "schema/local_registry.h"

namespace tradewind::cli {
namespace {

// Notes what is made in a log in memory. Topics that are there already are made again as they were declared.
class NotingLog final : public log::PassingLog {
 public:
  NotingLog(log::Log& memory, const std::vector<log::TopicSpec>& there) : PassingLog(memory) {
    for (const log::TopicSpec& spec : there) (void)PassingLog::create_topic(spec).ok();
  }
  const std::map<std::string, log::TopicSpec>& made() const { return made_; }

  Result<> create_topic(const log::TopicSpec& spec) override {
    made_.emplace(spec.name, spec);
    if (topic(spec.name).ok()) return {};
    return PassingLog::create_topic(spec);
  }

 private:
  std::map<std::string, log::TopicSpec> made_;
};

// What is declared here; else what another registry has, which is only read.
class NotingRegistry final : public schema::Registry {
 public:
  NotingRegistry(schema::LocalRegistry& own, schema::Registry* there) : own_(own), there_(there) {}

  Result<schema::RegisteredSchema> register_schema(const std::string& subject, schema::SchemaKind kind,
                                                   const std::string& text) override {
    return own_.register_schema(subject, kind, text);
  }
  Result<schema::RegisteredSchema> by_id(schema::SchemaId id) override {
    return first(own_.by_id(id), [&] { return there_->by_id(id); });
  }
  Result<schema::RegisteredSchema> latest(const std::string& subject) override {
    return first(own_.latest(subject), [&] { return there_->latest(subject); });
  }
  Result<schema::RegisteredSchema> version(const std::string& subject, int32_t version) override {
    return first(own_.version(subject, version), [&] { return there_->version(subject, version); });
  }
  Result<std::vector<std::string>> subjects() override { return own_.subjects(); }
  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    return own_.versions(subject);
  }
  Result<> set_compatibility(const std::string& subject, schema::Compatibility level) override {
    return own_.set_compatibility(subject, level);
  }

 private:
  template <typename Ask>
  Result<schema::RegisteredSchema> first(Result<schema::RegisteredSchema> own, const Ask& ask) {
    const bool missing = !own.ok() && own.error().code == Code::not_found;
    if (!missing || there_ == nullptr) return own;
    return ask();
  }

  schema::LocalRegistry& own_;
  schema::Registry* const there_;
};

// Topics of single queries, whose names count the statements before them: as serve will make them where none
// was run yet.
bool of_one_query(const std::string& topic) {
  return topic.starts_with("tw.") && (topic.ends_with(".late") || topic.ends_with(".partials"));
}

stream::RuntimeOptions without_threads(stream::RuntimeOptions options) {
  options.own_threads = false;
  options.metrics = nullptr;
  options.logger = nullptr;
  return options;
}

// What serve does before it is ready.
Result<> make_all(const Settings& settings, const Wanted& wanted, NotingLog& log,
                  schema::Registry& registry) {
  SystemClock clock;
  for (const log::TopicSpec& spec : shop::topic_specs(shop::Keeping::all)) TRY(log.create_topic(spec));
  for (const log::TopicSpec& spec : engine::figure_topics(settings.figures)) TRY(log.create_topic(spec));
  for (const DeclaredSchema& schema : wanted.schemas) {
    auto done = registry.register_schema(schema.subject, schema::SchemaKind::avro, schema.text);
    if (!done.ok()) return done.error().within(schema.subject);
  }
  TRY(shop::declare_shop(log, registry));
  ingest::Ingestor ingestor(log, registry, clock, {}, settings.ingest);
  TRY(ingestor.start());
  engine::Engine engine(log, registry, clock, without_threads(settings.stream));
  TRY(engine.start());
  for (const std::string& folder : wanted.query_folders) {
    std::vector<std::string> notes;
    auto done = engine.run_files(TRY(queries_in(folder)), notes);
    if (!done.ok()) return done.error().within(folder);
  }
  return {};
}

}  // namespace

Result<Declared> declare(const Settings& settings, const Wanted& wanted) {
  const std::unique_ptr<log::Log> memory = log::make_memory_log();
  NotingLog log(*memory, wanted.there);
  const auto schemas = log::make_memory_log();
  const auto own = TRY(schema::LocalRegistry::open(*schemas));
  NotingRegistry registry(*own, wanted.registry);
  TRY(make_all(settings, wanted, log, registry));
  Declared declared;
  const bool begun = std::ranges::any_of(
      wanted.there, [](const log::TopicSpec& spec) { return spec.name == engine::kCommandsTopic; });
  for (const auto& [name, spec] : log.made()) {
    if (begun && of_one_query(name)) continue;
    declared.topics.push_back({.spec = spec, .internal = name.starts_with("tw.")});
  }
  std::vector<std::string> shipped;
  for (const DeclaredSchema& schema : wanted.schemas) shipped.push_back(schema.subject);
  for (const shop::ShopTopic& topic : shop::shop_topics()) shipped.push_back(shop::subject_of(topic));
  for (const std::string& subject : TRY(own->subjects())) {
    const auto latest = TRY(own->latest(subject));
    if (latest.kind != schema::SchemaKind::avro) continue;  // of results, which serve registers
    const bool known = std::find(shipped.begin(), shipped.end(), subject) != shipped.end();
    declared.schemas.push_back({.subject = subject, .text = latest.text, .shipped = known});
  }
  return declared;
}

Result<std::vector<DeclaredSchema>> schemas_in(const std::string& folder) {
  std::vector<DeclaredSchema> schemas;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".avsc") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto parsed = schema::AvroSchema::parse(text.str());
    if (!parsed.ok()) return parsed.error().within(entry.path().string());
    schemas.push_back({.subject = entry.path().stem().string() + "-value", .text = text.str()});
  }
  if (error) return Error{Code::invalid, "cannot read the folder " + folder + ": " + error.message()};
  if (schemas.empty()) return Error{Code::invalid, "there is no .avsc file in " + folder};
  std::sort(schemas.begin(), schemas.end(),
            [](const DeclaredSchema& a, const DeclaredSchema& b) { return a.subject < b.subject; });
  return schemas;
}

Result<std::map<std::string, std::string>> queries_in(const std::string& folder) {
  std::map<std::string, std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".sql") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    files[entry.path().filename().string()] = text.str();
  }
  if (error) return Error{Code::not_found, "cannot read the folder " + folder + ": " + error.message()};
  if (files.empty()) return Error{Code::not_found, "there is no .sql file in " + folder};
  return files;
}

}  // namespace tradewind::cli
