#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/verbs.h"
#include "runner/test_case.h"

namespace tradewind::cli {
namespace {

namespace fs = std::filesystem;
using runner::Status;
using runner::TestCase;
using runner::Verdict;

constexpr const char* kHelp =
    R"(tradewind test-runner: queries tried on given records, in memory, with nothing running.

  -s FILE     the statements
  -i FILE     {"inputs": [{"topic", "key", "value", "timestamp", "window", "headers"}, ...]}; left out where
              INSERT VALUES gives the records
  -o FILE     {"outputs": [...]}: what each topic named in it must hold at last, in this order
  -e DIR      functions of one's own; none are taken, so the folder must hold no .jar
  DIR         instead of these: every test in a folder. A test is a folder with statements.sql, input.json and
              output.json, or a part of a .sql file with ASSERT statements:
                --@test: NAME                  begins a test
                --@expected.error:             its last statement is refused
                --@expected.message: TEXT      ... and the error says so
              or one of {"tests": [{"name", "statements", "inputs", "outputs", "error"}]} in a .json file
  --json      one JSON object a line for each test

Exit codes: 0 all is as wanted; 1 something differs (where, what was wanted, what came); 2 a statement is
refused; 3 something is not offered.

Examples:
  tradewind test-runner -s statements.sql -i input.json -o output.json
  tradewind test-runner --json tests/runner
)";

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return Error{Code::not_found, "cannot read " + path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int code_of(Status status) {
  switch (status) {
    case Status::passed: return 0;
    case Status::failed: return 1;
    case Status::refused: return 2;
    case Status::unsupported: return 3;
  }
  return 1;
}

void print_json(const std::string& name, const Verdict& verdict) {
  Json made = Json::object();
  if (!name.empty()) made.set("test", Json::string(name));
  made.set("status", Json::string(runner::name_of(verdict.status)));
  if (verdict.difference) {
    made.set("topic", Json::string(verdict.difference->topic));
    made.set("record", Json::number(static_cast<int64_t>(verdict.difference->record)));
    made.set("field", Json::string(verdict.difference->field));
    made.set("wanted", Json::string(verdict.difference->wanted));
    made.set("got", Json::string(verdict.difference->got));
  }
  if (!verdict.message.empty()) made.set("message", Json::string(verdict.message));
  std::puts(made.dump().c_str());
}

Result<std::vector<runner::TestRecord>> records_of(const std::string& path, const std::string& member) {
  if (path.empty()) return std::vector<runner::TestRecord>();
  auto records = runner::read_records(TRY(read_file(path)), member);
  if (!records.ok()) return records.error().within(path);
  return records;
}

Result<> check_functions(const std::string& directory) {
  if (directory.empty()) return {};
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    if (entry.path().extension() == ".jar")
      return Error{Code::unsupported, "functions in Java are not taken: " + entry.path().string()};
  }
  if (error) return Error{Code::not_found, "cannot read the folder " + directory + ": " + error.message()};
  return {};
}

// Statements, and the records beside them; a path left empty is no file.
Result<TestCase> read_case(const std::string& statements, const std::string& inputs,
                           const std::string& outputs) {
  TestCase test = runner::tests_of(TRY(read_file(statements)), statements)[0];
  test.inputs = TRY(records_of(inputs, "inputs"));
  test.outputs = TRY(records_of(outputs, "outputs"));
  return test;
}

Result<std::vector<TestCase>> tests_below(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    const fs::path name = entry.path().filename();
    const bool part = name == "input.json" || name == "output.json";
    if (name.extension() == ".sql" || (name.extension() == ".json" && !part)) files.push_back(entry.path());
  }
  if (error) return Error{Code::not_found, "cannot read the folder " + directory + ": " + error.message()};
  if (files.empty()) return Error{Code::not_found, "there are no .sql and no .json files in " + directory};
  std::sort(files.begin(), files.end());
  std::vector<TestCase> tests;
  for (const fs::path& file : files) {
    const std::string name = fs::relative(file, directory, error).string();
    if (file.filename() != "statements.sql") {
      const std::string text = TRY(read_file(file.string()));
      auto some = file.extension() == ".json" ? runner::tests_of_json(text, name)
                                              : Result<std::vector<TestCase>>(runner::tests_of(text, name));
      if (!some.ok()) return some.error().within(file.string());
      for (TestCase& test : *some) tests.push_back(std::move(test));
      continue;
    }
    const auto beside = [&](const char* other) {
      const fs::path path = file.parent_path() / other;
      return fs::exists(path) ? path.string() : std::string();
    };
    tests.push_back(TRY(read_case(file.string(), beside("input.json"), beside("output.json"))));
    tests.back().name = fs::relative(file.parent_path(), directory, error).string();
  }
  return tests;
}

int run_directory(const std::string& directory, bool json) {
  const auto tests = tests_below(directory);
  if (!tests.ok()) return fail(tests.error().message, 2);
  size_t wrong = 0;
  int code = 0;
  for (const TestCase& test : *tests) {
    const Verdict verdict = runner::run_case(test);
    if (json) print_json(test.name, verdict);
    if (verdict.status == Status::passed) continue;
    ++wrong;
    const bool only_missing = verdict.status == Status::unsupported && code != 1;
    code = only_missing ? 3 : 1;
    if (!json)
      std::fprintf(stderr, "%s: %s: %s\n", test.name.c_str(), runner::name_of(verdict.status),
                   verdict.message.c_str());
  }
  if (!json) std::printf("%zu tests, %zu not passed\n", tests->size(), wrong);
  return code;
}

}  // namespace

int test_runner(const std::vector<std::string>& raw) {
  const auto arguments = parse_arguments(
      raw, {"--json"},
      {"-s", "--sql-file", "-i", "--input-file", "-o", "--output-file", "-e", "--extension-dir"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto path_of = [&](const char* brief, const char* full) {
    return arguments->get(full, arguments->get(brief));
  };
  if (const auto checked = check_functions(path_of("-e", "--extension-dir")); !checked.ok())
    return fail(checked.error().message, checked.error().code == Code::unsupported ? 3 : 2);
  const std::string script = path_of("-s", "--sql-file");
  const std::string wanted = path_of("-o", "--output-file");
  const bool json = arguments->has("--json");
  if (script.empty() && wanted.empty() && arguments->words.size() == 1)
    return run_directory(arguments->words[0], json);
  if (script.empty() || wanted.empty() || !arguments->words.empty())
    return fail("test-runner needs -s statements.sql and -o output.json, or a folder; see --help", 2);
  const auto test = read_case(script, path_of("-i", "--input-file"), wanted);
  if (!test.ok()) return fail(test.error().message, 2);
  const Verdict verdict = runner::run_case(*test);
  if (json) {
    print_json("", verdict);
  } else if (verdict.status == Status::passed) {
    std::puts("Test passed!");
  } else {
    std::fprintf(stderr, "%s: %s\n", runner::name_of(verdict.status), verdict.message.c_str());
  }
  return code_of(verdict.status);
}

}  // namespace tradewind::cli
