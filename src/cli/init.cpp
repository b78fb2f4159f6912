#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "apps/shop/topics.h"
#include "cli/declared.h"
#include "cli/registry.h"
#include "cli/remote.h"
#include "cli/topic_difference.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp =
    R"(tradewind init: makes the topics and schemas that serve needs, and shows what differs.

  --dry-run             changes nothing, only says what would be done
  --data DIR            the platform's own log in DIR (default: data); the platform must not run on it
  --log kafka:HOST:PORT[,HOST:PORT]...
                        a cluster of Kafka instead; the platform may run on it meanwhile
  --queries DIR         with the topics of the .sql files of a folder; several times
  --schemas DIR         with the schemas NAME.avsc of a folder, each for the subject NAME-value; the shop's are built in
  --registry.url URL    the schema registry, as for serve
  --min-insync N        Kafka: copies that must have what is acknowledged (min.insync.replicas); not more than there are
  --add-partitions      Kafka: gives topics that have too few the ones that are missing
  --json                one JSON object a line
  --config FILE, --NAME VALUE
                        settings, as for serve; --log.kafka.replicas 3 is how many copies topics get

What it creates: topics, subjects, versions of schemas. What it alters: retention, cleanup and min.insync.replicas where
nothing is lost by it. What it never does: delete, make partitions or retention less, compact what was not. That is shown.
Exit code 1: something declared cannot be had (a schema that is not compatible, no rights, no brokers).

Examples:
  tradewind init --dry-run
  tradewind init --log kafka:broker1:9092 --queries queries/shop --log.kafka.replicas 3 --min-insync 2
  tradewind init --log kafka:broker1:9092 --registry.url http://registry:8081 --dry-run --json
)";

enum class Verdict { same, create, change, never, refused };

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::same: return "same";
    case Verdict::create: return "create";
    case Verdict::change: return "change";
    case Verdict::never: return "never";
    case Verdict::refused: return "refused";
  }
  return "";
}

struct Finding {
  Verdict verdict = Verdict::same;
  std::string what;  // "topic orders"
  std::string name;
  std::string detail;  // "retention.ms 1000 -> -1"
  std::function<Result<>()> apply;
};

struct InitWork {
  Settings settings;
  std::vector<std::string> query_folders;
  std::vector<DeclaredSchema> schemas;
  Copies copies;
  bool dry = false;
  bool add_partitions = false;
  bool json = false;
};

// What is prepared: a log's topics, and its registry where init may write it.
struct Place {
  std::unique_ptr<log::WatchedLog> log;  // null: Kafka, or nothing is there yet
  std::unique_ptr<log::TopicAdmin> topics;
  std::vector<log::FoundTopic> there;  // before anything is opened that makes some
  OpenedRegistry registry;
  bool has_registry = false;
  std::string note;  // about the registry
};

std::string described(const log::TopicSpec& spec, const Copies& copies) {
  std::string text = std::to_string(spec.partitions) + (spec.partitions == 1 ? " partition" : " partitions");
  if (copies.replicas > 0) text += ", replicas " + std::to_string(copies.replicas);
  text += std::string(", cleanup.policy ") + log::name_of(spec.cleanup);
  if (spec.cleanup != log::Cleanup::compact)
    text += ", retention.ms " + std::to_string(std::max<int64_t>(spec.retention.count(), -1));
  if (copies.min_insync > 0) text += ", min.insync.replicas " + std::to_string(copies.min_insync);
  return text;
}

Finding to_create(const DeclaredTopic& declared, log::TopicAdmin* admin, const Copies& copies) {
  Finding finding{.verdict = Verdict::create, .what = "topic", .name = declared.spec.name};
  finding.detail = described(declared.spec, copies);
  finding.apply = [=, spec = declared.spec]() -> Result<> {
    TRY(admin->create(spec));
    if (copies.min_insync > 0) TRY(admin->set_min_insync(spec.name, copies.min_insync));
    return {};
  };
  return finding;
}

// One finding for each setting that differs.
void compare(const log::FoundTopic& there, const DeclaredTopic& declared, log::TopicAdmin* admin,
             const InitWork& work, std::vector<Finding>& findings) {
  const std::vector<Difference> found = differences(there, declared, work.copies);
  if (found.empty()) {
    findings.push_back({.what = "topic", .name = declared.spec.name});
    return;
  }
  for (const Difference& one : found) {
    Finding finding{.verdict = Verdict::change, .what = "topic", .name = declared.spec.name};
    finding.detail = one.setting + " " + one.from + " -> " + one.to;
    if (!one.remark.empty()) finding.detail += " (" + one.remark + ")";
    using Change = Difference::Change;
    const std::string& name = declared.spec.name;
    if (one.change == Change::never || (one.change == Change::grow && !work.add_partitions)) {
      finding.verdict = Verdict::never;
    } else if (one.change == Change::grow) {
      finding.apply = [=, count = declared.spec.partitions] { return admin->grow(name, count); };
    } else if (one.change == Change::insync) {
      finding.apply = [=, count = work.copies.min_insync] { return admin->set_min_insync(name, count); };
    } else {
      finding.apply = [=, spec = altered(there.spec, declared, {one})] { return admin->alter(spec); };
    }
    findings.push_back(std::move(finding));
  }
}

std::vector<Finding> topic_findings(const Declared& declared, Place& place, const InitWork& work) {
  std::vector<Finding> findings;
  const std::vector<log::FoundTopic>& there = place.there;
  for (const DeclaredTopic& topic : declared.topics) {
    const auto known = std::find_if(there.begin(), there.end(), [&](const log::FoundTopic& found) {
      return found.spec.name == topic.spec.name;
    });
    if (known == there.end())
      findings.push_back(to_create(topic, place.topics.get(), work.copies));
    else
      compare(*known, topic, place.topics.get(), work, findings);
  }
  return findings;
}

Result<> register_one(schema::Registry& registry, const DeclaredSchema& schema, bool first) {
  if (first && schema.shipped)
    TRY(registry.set_compatibility(schema.subject, schema::Compatibility::full_transitive));
  TRY(registry.register_schema(schema.subject, schema::SchemaKind::avro, schema.text));
  return {};
}

Result<Finding> schema_finding(const DeclaredSchema& schema, const Place& place) {
  using Kind = schema::Outlook::Kind;
  Finding finding{.verdict = Verdict::create, .what = "schema", .name = schema.subject};
  finding.detail = schema.shipped ? "its first version, FULL_TRANSITIVE" : "its first version";
  if (!place.has_registry) return finding;
  const schema::Outlook outlook = TRY(place.registry.outlook(schema.subject, schema.text));
  const bool first = outlook.kind == Kind::first;
  finding.apply = [&place, schema, first] { return register_one(*place.registry, schema, first); };
  if (first) return finding;
  const bool left_to_serve = !schema.shipped;  // it writes with what is there where that holds the columns
  if (outlook.kind == Kind::there || left_to_serve) {
    finding.verdict = Verdict::same;
    finding.detail = outlook.kind == Kind::there ? "version " + std::to_string(outlook.version) : "";
  } else if (outlook.kind == Kind::next) {
    finding.detail = "another version, compatible with those that are there";
  } else {
    finding.verdict = Verdict::refused;
    finding.detail = "not compatible with what is there";
    for (const std::string& reason : outlook.reasons) finding.detail += "; " + reason;
  }
  return finding;
}

Result<Place> open_embedded_place(const InitWork& work, Clock& clock) {
  Place place;
  const std::string& folder = work.settings.log.directory;
  std::error_code error;
  const bool there = std::filesystem::exists(folder + "/journal", error);
  if (there || !work.dry) {
    place.log = TRY(log::open_embedded(work.settings.log));
    place.topics = log::topic_admin_of(*place.log);
    place.there = TRY(place.topics->topics());
  }
  const bool elsewhere = work.settings.registry.given();
  if (elsewhere && place.log == nullptr) {
    place.registry.remote = TRY(schema::RemoteRegistry::open(work.settings.registry, clock));
    place.has_registry = true;
    return place;
  }
  // Opening our own makes its topic, which a look must not.
  const bool own = place.log != nullptr && (!work.dry || place.log->topic("_schemas").ok());
  if (!elsewhere && !own) return place;
  place.registry = TRY(open_registry(*place.log, true, work.settings.registry, clock));
  place.has_registry = true;
  return place;
}

Result<Place> open_kafka_place(const InitWork& work, Clock& clock) {
  Place place;
  log::KafkaOptions kafka = work.settings.kafka;
  kafka.servers = TRY(log::kafka_servers(work.settings.log_at));
  place.topics = TRY(log::open_kafka_topics(kafka));
  if (const int brokers = place.topics->brokers(); work.copies.min_insync > brokers) {
    return Error{Code::invalid, "--min-insync " + std::to_string(work.copies.min_insync) +
                                    " is more copies than a topic can have here: the cluster has " +
                                    std::to_string(brokers) + (brokers == 1 ? " broker" : " brokers")};
  }
  place.there = TRY(place.topics->topics());
  if (work.settings.registry.given()) {
    place.registry.remote = TRY(schema::RemoteRegistry::open(work.settings.registry, clock));
    place.has_registry = true;
  } else {
    place.note =
        "schemas: no registry.url is set, so the platform keeps them itself: serve registers them at its "
        "start";
  }
  return place;
}

std::string line_of(const Finding& finding, const InitWork& work, const Result<>& done) {
  if (!work.json) {
    std::string line = name_of(finding.verdict);
    line.resize(8, ' ');
    line += finding.what + " " + finding.name;
    if (!finding.detail.empty()) line += ": " + finding.detail;
    if (!done.ok()) line += "\n        failed: " + done.error().message;
    return line;
  }
  Json json = Json::object();
  json.set("action", Json::string(name_of(finding.verdict)));
  json.set("object", Json::string(finding.what));
  json.set("name", Json::string(finding.name));
  json.set("detail", Json::string(finding.detail));
  const bool acts = finding.verdict == Verdict::create || finding.verdict == Verdict::change;
  json.set("done", Json::boolean(acts && !work.dry && done.ok()));
  if (!done.ok()) json.set("error", Json::string(done.error().message));
  return json.dump();
}

// Says what each is, and does it. How many could not be had.
int carry_out(const std::vector<Finding>& findings, const InitWork& work) {
  int left = 0;
  int changes = 0;
  int failed = 0;
  for (const Finding& finding : findings) {
    const bool acts = finding.verdict == Verdict::create || finding.verdict == Verdict::change;
    Result<> done;
    if (acts && !work.dry) done = finding.apply();
    changes += acts ? 1 : 0;
    left += finding.verdict == Verdict::never ? 1 : 0;
    failed += finding.verdict == Verdict::refused || !done.ok() ? 1 : 0;
    std::puts(line_of(finding, work, done).c_str());
    std::fflush(stdout);
  }
  std::string said =
      changes == 0 ? "nothing to do" : std::to_string(changes) + (work.dry ? " to do" : " done");
  if (changes > 0 && !work.dry && failed > 0) said = std::to_string(changes - failed) + " done";
  if (left > 0) said += ", " + std::to_string(left) + " left as they are";
  if (failed > 0) said += ", " + std::to_string(failed) + " cannot be had";
  std::fprintf(stderr, "tradewind init: %s\n", said.c_str());
  return failed;
}

Result<int> run(InitWork& work) {
  SystemClock clock;
  const bool embedded = work.settings.log_at == "embedded";
  Place place = TRY(embedded ? open_embedded_place(work, clock) : open_kafka_place(work, clock));
  Wanted wanted{.query_folders = work.query_folders, .schemas = work.schemas};
  for (const log::FoundTopic& topic : place.there) wanted.there.push_back(topic.spec);
  if (place.has_registry) wanted.registry = &*place.registry;
  Declared declared = TRY(declare(work.settings, wanted));
  if (!work.settings.registry.given()) {
    declared.topics.push_back(
        {.spec = {.name = "_schemas", .cleanup = log::Cleanup::compact, .retention = Duration(-1)},
         .internal = true});
  }
  if (!embedded) {
    for (log::TopicSpec& spec : log::own_kafka_topics())
      declared.topics.push_back({.spec = std::move(spec), .internal = true});
  }
  std::vector<Finding> findings = topic_findings(declared, place, work);
  const bool tells_schemas = place.has_registry || embedded;
  for (const DeclaredSchema& schema : declared.schemas) {
    if (tells_schemas) findings.push_back(TRY(schema_finding(schema, place)));
  }
  if (!place.note.empty()) std::fprintf(stderr, "tradewind init: %s\n", place.note.c_str());
  return carry_out(findings, work);
}

Result<InitWork> work_of(const Arguments& arguments) {
  InitWork work;
  for (const std::string& note : TRY(read_settings(arguments, work.settings)))
    std::fprintf(stderr, "tradewind init: %s\n", note.c_str());
  work.query_folders = arguments.all("--queries");
  work.dry = arguments.has("--dry-run");
  work.add_partitions = arguments.has("--add-partitions");
  work.json = arguments.has("--json");
  work.copies.replicas = work.settings.kafka.replicas;
  for (const std::string& folder : arguments.all("--schemas")) {
    for (DeclaredSchema& schema : TRY(schemas_in(folder))) work.schemas.push_back(std::move(schema));
  }
  const std::string insync = arguments.get("--min-insync", "-1");
  char* end = nullptr;
  work.copies.min_insync = static_cast<int>(std::strtol(insync.c_str(), &end, 10));
  const bool number = end != insync.c_str() && *end == '\0';
  if (arguments.has("--min-insync") && (!number || work.copies.min_insync < 1))
    return Error{Code::invalid, "--min-insync wants a number of copies, not '" + insync + "'"};
  if (work.copies.replicas > 0 && work.copies.min_insync > work.copies.replicas) {
    return Error{Code::invalid, "--min-insync " + insync + " is more than log.kafka.replicas, which is " +
                                    std::to_string(work.copies.replicas) +
                                    ": nothing could be written; ask for fewer, or for more copies"};
  }
  if (work.settings.log_at != "embedded") return work;
  if (arguments.has("--min-insync") || work.add_partitions)
    return Error{
        Code::invalid,
        "--min-insync and --add-partitions are of Kafka; give --log kafka:HOST:PORT or leave them out"};
  work.copies = {};
  return work;
}

}  // namespace

int init(const std::vector<std::string>& raw) {
  std::vector<std::string> valued = setting_flags();
  valued.insert(valued.end(), {"--queries", "--schemas", "--config", "--min-insync"});
  const auto arguments = parse_arguments(raw, {"--dry-run", "--add-partitions", "--json"}, valued);
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (!arguments->words.empty()) return fail("init takes no '" + arguments->words[0] + "'; see --help", 2);
  auto work = work_of(*arguments);
  if (!work.ok()) return refused(work.error());
  const auto failed = run(*work);
  if (!failed.ok()) return refused(failed.error());
  return *failed > 0 ? 1 : 0;
}

}  // namespace tradewind::cli
