#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "apps/shop/topics.h"
#include "base/json.h"
#include "cli/declared.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "log/checkup.h"
#include "log/open.h"
#include "log/topic_admin.h"
#include "schema/remote_registry.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp =
    R"(tradewind doctor: looks at what the platform needs before it is started, and says what to fix.

  --log kafka:HOST:PORT[,HOST:PORT]...
                  the cluster to look at; default: our own log, in --data DIR
  --write         on Kafka: also makes the topic tw.doctor, writes a record in a transaction, reads it and deletes the topic; that
                  measures how far the brokers' clock is off
  --registry.url URL
                  a schema registry elsewhere is looked at, too: address, certificate, user, one subject
  --topic NAME    a further topic that your queries read or write; may be given several times
  --json          one object a line: check, grade (well, doubtful, wrong, untried), found, remedy; the commands as {"grant": ...}
  --config FILE, --NAME VALUE, TW_NAME
                  settings, as of tradewind serve

One line a check, with the remedy where there is one, then the commands that grant the platform what it needs on Kafka. It changes
nothing on the cluster without --write, but that the transactional id INSTANCE.doctor is known there afterwards. Exit codes: 0 well,
1 something to fix, 2 wrong usage or settings.

Examples:
  tradewind doctor --data data
  tradewind doctor --log kafka:broker1:9092 --config tradewind.yaml
)";

struct Sign {
  const char* text;
  const char* colour;
  const char* word;
};

Sign sign_of(log::Grade grade) {
  switch (grade) {
    case log::Grade::well: return {"✓", "\033[32m", "well"};
    case log::Grade::doubtful: return {"!", "\033[33m", "doubtful"};
    case log::Grade::wrong: return {"✗", "\033[31m", "wrong"};
    case log::Grade::untried: return {"-", "\033[2m", "untried"};
  }
  return {"", "", ""};
}

void print(const log::Finding& finding, bool json, bool colours) {
  const Sign sign = sign_of(finding.grade);
  if (json) {
    Json line = Json::object();
    line.set("check", Json::string(finding.check));
    line.set("grade", Json::string(sign.word));
    line.set("found", Json::string(finding.found));
    if (!finding.remedy.empty()) line.set("remedy", Json::string(finding.remedy));
    std::puts(line.dump().c_str());
  } else {
    std::printf("%s%s%s %s: %s%s%s\n", colours ? sign.colour : "", sign.text, colours ? "\033[0m" : "",
                finding.check.c_str(), finding.found.c_str(), finding.remedy.empty() ? "" : "; ",
                finding.remedy.c_str());
  }
  std::fflush(stdout);  // some take seconds
}

// invalid: not to be expected, for no query is run.
Result<log::KafkaNeeds> needs_of(const Arguments& arguments, const Settings& settings) {
  log::KafkaNeeds needs{.group = settings.stream.application, .try_writing = arguments.has("--write")};
  for (const DeclaredTopic& topic : TRY(declare(settings, {})).topics)
    needs.topics.push_back(topic.spec.name);
  for (const log::TopicSpec& spec : log::own_kafka_topics()) needs.topics.push_back(spec.name);
  if (!settings.registry.given()) needs.topics.emplace_back("_schemas");
  for (const std::string& topic : arguments.all("--topic")) needs.topics.push_back(topic);
  return needs;
}

// One address of a registry elsewhere: whether it is reached, believed, lets us in, and knows subjects.
void examine_registry(const schema::RemoteRegistryOptions& options, const log::Tell& tell) {
  const std::string check = "registry " + options.url;
  SystemClock clock;
  const auto registry = schema::RemoteRegistry::open(options, clock);
  if (!registry.ok()) return tell({log::Grade::wrong, check, registry.error().message, ""});
  const auto subjects = (*registry)->subjects();
  if (!subjects.ok()) return tell({log::Grade::wrong, check, subjects.error().message, ""});
  tell({log::Grade::well, check, "it answers and lists " + std::to_string(subjects->size()) + " subjects",
        ""});
  const std::string subject = shop::subject_of(shop::shop_topics()[0]);
  const auto latest = (*registry)->latest(subject);
  if (latest.ok()) {
    tell({log::Grade::well, "subject " + subject,
          "version " + std::to_string(latest->version) + ", id " + std::to_string(latest->id), ""});
  } else if (latest.error().code == Code::not_found) {
    tell({log::Grade::well, "subject " + subject, "is not there yet; init or serve registers it", ""});
  } else {
    tell({log::Grade::wrong, "subject " + subject, latest.error().message, ""});
  }
}

void examine_registries(const schema::RemoteRegistryOptions& given, const log::Tell& tell) {
  constexpr Duration kPatience(5'000);
  schema::RemoteRegistryOptions one = given;
  one.patience = std::min(given.patience, kPatience);
  for (size_t from = 0; from <= given.url.size();) {
    const size_t comma = std::min(given.url.find(',', from), given.url.size());
    one.url = given.url.substr(from, comma - from);
    examine_registry(one, tell);
    from = comma + 1;
  }
}

void print_commands(const char* title, const char* kind, const std::vector<std::string>& commands,
                    bool json) {
  if (!json) std::printf("\n%s\n", title);
  for (const std::string& command : commands) {
    if (json) {
      Json line = Json::object();
      line.set("grant", Json::string(command));
      line.set("tool", Json::string(kind));
      std::puts(line.dump().c_str());
    } else {
      std::printf("  %s\n", command.c_str());
    }
  }
}

}  // namespace

int doctor(const std::vector<std::string>& raw) {
  std::vector<std::string> valued = setting_flags();
  valued.insert(valued.end(), {"--config", "--topic"});
  const auto arguments = parse_arguments(raw, {"--json", "--write"}, valued);
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (!arguments->words.empty()) return fail("doctor takes no '" + arguments->words[0] + "'; see --help", 2);
  std::signal(SIGPIPE, SIG_IGN);  // brokers hang up on who speaks another protocol
  const bool json = arguments->has("--json");
  const bool colours = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  bool wrong = false;
  const log::Tell tell = [&](const log::Finding& finding) {
    wrong = wrong || finding.grade == log::Grade::wrong;
    print(finding, json, colours);
  };
  Settings settings;
  const auto notes = read_settings(*arguments, settings);
  if (!notes.ok()) {
    tell({log::Grade::wrong, "settings", notes.error().message, ""});
    return 2;
  }
  for (const std::string& note : *notes) tell({log::Grade::doubtful, "settings", note, ""});
  if (settings.log_at == "embedded") {
    log::examine_embedded(settings.log, tell);
    if (settings.registry.given()) examine_registries(settings.registry, tell);
    return wrong ? 1 : 0;
  }
  auto servers = log::kafka_servers(settings.log_at);
  if (!servers.ok()) return refused(servers.error());
  settings.kafka.servers = std::move(*servers);
  const auto needed = needs_of(*arguments, settings);
  if (!needed.ok()) return refused(needed.error());
  const log::KafkaNeeds& needs = *needed;
  log::examine_kafka(settings.kafka, needs, tell);
  if (settings.registry.given()) examine_registries(settings.registry, tell);
  print_commands(
      "What the platform needs is granted by (on clusters without an authorizer nothing has to be):", "kafka",
      log::kafka_acl_commands(settings.kafka, needs), json);
  print_commands("On Confluent Cloud:", "confluent", log::confluent_acl_commands(settings.kafka, needs),
                 json);
  return wrong ? 1 : 0;
}

}  // namespace tradewind::cli
