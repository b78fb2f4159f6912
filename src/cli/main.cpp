#include <cstdio>

#include "cli/verbs.h"

namespace {

constexpr const char* kHelp = R"(tradewind: real-time analytics of an online shop, one program.

  tradewind serve --data DIR [--listen 127.0.0.1:8088] [--queries DIR]... [--demo [RATE]]
  tradewind sql [-e TEXT]... [-f FILE]... [--json] [--server URL]
  tradewind replay online-retail FILE [--server URL | --data DIR]
  tradewind simulate [--server URL | --data DIR] [--rate N|max] [--scenario NAME]
  tradewind produce TOPIC [--key K | --key-field F] [-f FILE]
  tradewind consume TOPIC [--from earliest|latest|OFFSET|TIME] [--max N] [--until-end] [--group NAME]
  tradewind init [--dry-run] [--log kafka:HOST:PORT | --data DIR] [--queries DIR]...
  tradewind topics | schemas | groups [list | describe NAME | ...]
  tradewind backup FILE [--server URL] | verify FILE | restore FILE --data DIR
  tradewind health [--server URL]
  tradewind doctor [--log kafka:HOST:PORT] [--config FILE]
  tradewind test-runner -s statements.sql [-i input.json] -o output.json | DIR
  tradewind log verify --data DIR
  tradewind bench NAME [--json] | bench --list

Every verb: --help. Exit codes: 0 done, 1 failed, 2 wrong usage or rejected input, 3 not supported.

Try:
  tradewind serve --data data --queries queries/retail
  tradewind sql -e "SELECT * FROM RETAIL_TOTALS;"
)";

}  // namespace

int main(int argc, char** argv) {
  using namespace tradewind::cli;
  const std::string verb = argc > 1 ? argv[1] : "";
  const std::vector<std::string> rest(argv + (argc > 1 ? 2 : 1), argv + argc);
  if (verb == "serve") return serve(rest);
  if (verb == "sql") return sql(rest);
  if (verb == "replay") return replay(rest);
  if (verb == "simulate") return simulate_verb(rest);
  if (verb == "produce") return produce(rest);
  if (verb == "consume") return consume(rest);
  if (verb == "init") return init(rest);
  if (verb == "topics") return topics(rest);
  if (verb == "schemas") return schemas(rest);
  if (verb == "groups") return groups(rest);
  if (verb == "backup") return backup(rest);
  if (verb == "health") return health(rest);
  if (verb == "doctor") return doctor(rest);
  if (verb == "bench") return bench(rest, argv[0]);
  if (verb == "test-runner") return test_runner(rest);
  if (verb == "log") return log_verb(rest);
  if (verb == "--help" || verb == "-h" || verb == "help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (verb == "--version") {
    std::puts("tradewind 0.1.0");
    return 0;
  }
  for (const char* later : {"recommend", "fraud", "connectors", "forget"})
    if (verb == later) return fail("'" + verb + "' is not there yet", 3);
  std::fputs(kHelp, stderr);
  return verb.empty() ? 2 : fail("no verb is called '" + verb + "'", 2);
}
