#pragma once
// The verbs of the program: each takes its own arguments and answers the exit code: 0 done, 1 failed, 2 wrong
// usage.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tradewind::cli {

// What stood on the command line behind the verb.
struct Arguments {
  std::vector<std::string> words;                   // without options
  std::multimap<std::string, std::string> options;  // "--data" -> "D"; flags -> ""

  bool has(const std::string& name) const { return options.contains(name); }
  std::string get(const std::string& name, const std::string& otherwise = "") const;
  std::vector<std::string> all(const std::string& name) const;
};

// `flags` take no value, `valued` do; anything else is wrong usage.
Result<Arguments> parse_arguments(const std::vector<std::string>& raw, const std::vector<std::string>& flags,
                                  const std::vector<std::string>& valued);

int serve(const std::vector<std::string>& raw);
int sql(const std::vector<std::string>& raw);
int replay(const std::vector<std::string>& raw);
int simulate_verb(const std::vector<std::string>& raw);
int health(const std::vector<std::string>& raw);
int doctor(const std::vector<std::string>& raw);
int bench(const std::vector<std::string>& raw, const std::string& program);
int test_runner(const std::vector<std::string>& raw);
int topics(const std::vector<std::string>& raw);
int schemas(const std::vector<std::string>& raw);
int groups(const std::vector<std::string>& raw);
int produce(const std::vector<std::string>& raw);
int consume(const std::vector<std::string>& raw);
int backup(const std::vector<std::string>& raw);
int init(const std::vector<std::string>& raw);
int log_verb(const std::vector<std::string>& raw);

// --server, else TW_SERVER, else the default address.
std::string server_of(const Arguments& arguments);
// Says it on standard error; the exit code.
int fail(const std::string& message, int code = 1);

}  // namespace tradewind::cli
