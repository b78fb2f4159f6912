#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "apps/shop/topics.h"
#include "base/json.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "log/checkup.h"
#include "log/open.h"
#include "stream/runtime.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp =
    R"(tradewind doctor: looks at what the platform needs before it is started, and says what to fix.

  --log kafka:HOST:PORT[,HOST:PORT]...
                  the cluster to look at; default: our own log, in --data DIR
  --write         on Kafka: also makes the topic tw.doctor, writes a record in a transaction, reads it and deletes the topic; that
                  measures how far the brokers' clock is off
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

log::KafkaNeeds needs_of(const Arguments& arguments, const Settings& settings) {
  log::KafkaNeeds needs{.group = settings.stream.application, .try_writing = arguments.has("--write")};
  needs.topics = {"tw.commands",
                  "tw.event_ids",
                  "tw.processing_log",
                  "tw.producers",
                  stream::state_topic(settings.stream.application),
                  "_schemas"};
  for (const shop::ShopTopic& topic : shop::shop_topics()) needs.topics.push_back(topic.name);
  for (const std::string& topic : arguments.all("--topic")) needs.topics.push_back(topic);
  return needs;
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
    return wrong ? 1 : 0;
  }
  auto servers = log::kafka_servers(settings.log_at);
  if (!servers.ok()) return refused(servers.error());
  settings.kafka.servers = std::move(*servers);
  const log::KafkaNeeds needs = needs_of(*arguments, settings);
  log::examine_kafka(settings.kafka, needs, tell);
  print_commands(
      "What the platform needs is granted by (on clusters without an authorizer nothing has to be):", "kafka",
      log::kafka_acl_commands(settings.kafka, needs), json);
  print_commands("On Confluent Cloud:", "confluent", log::confluent_acl_commands(settings.kafka, needs),
                 json);
  return wrong ? 1 : 0;
}

}  // namespace tradewind::cli
