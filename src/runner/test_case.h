#pragma once
// TestCase: one test of the dialect, and what became of it.
//
// A test is statements with records given and wanted, or with ASSERT statements in them. Lines that begin
// with
// --@test:, --@expected.error: and --@expected.message: name it and say that its last statement is refused.
// Threads: run_case() may be called from several.

#include <optional>
#include <string>
#include <vector>

#include "runner/compare.h"
#include "runner/test_record.h"

namespace tradewind::runner {

struct TestCase {
  std::string name;
  std::string statements;
  std::vector<TestRecord> inputs;
  std::vector<TestRecord> outputs;
  bool expects_error = false;
  std::vector<std::string> messages;  // parts of what the error says
};

enum class Status { passed, failed, refused, unsupported };
const char* name_of(Status status);  // "passed"

struct Verdict {
  Status status = Status::passed;
  std::string message;                   // why not
  std::optional<Difference> difference;  // where a topic is not as wanted
};

Verdict run_case(const TestCase& test);

// The tests of a .sql file; one without --@test: lines is one test called `name`.
std::vector<TestCase> tests_of(const std::string& text, const std::string& name);

// The tests of {"tests": [{"name", "statements", "inputs", "outputs", "error"}]}: statements are text or a
// list of texts, an error is a part of what it says. invalid: what is no such test.
Result<std::vector<TestCase>> tests_of_json(const std::string& text, const std::string& name);

}  // namespace tradewind::runner
