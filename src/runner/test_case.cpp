#include "runner/test_case.h"

#include <map>
#include <sstream>

#include "runner/assertions.h"
#include "runner/test_run.h"

namespace tradewind::runner {
namespace {

Verdict failed(std::string message) {
  return {.status = Status::failed, .message = std::move(message)};
}

Verdict refused(const Error& error) {
  return {.status = error.code == Code::unsupported ? Status::unsupported : Status::refused,
          .message = error.message};
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// What stands behind a directive at the beginning of a line.
std::optional<std::string> behind(const std::string& line, const std::string& directive) {
  if (!line.starts_with(directive)) return std::nullopt;
  return trimmed(line.substr(directive.size()));
}

// The refusal that was to come.
Verdict judge_error(const TestCase& test, const Verdict& got) {
  if (!test.expects_error) return got;
  if (got.status == Status::passed) return failed("its last statement was to be refused, and was not");
  if (got.status == Status::unsupported) return got;
  for (const std::string& part : test.messages) {
    if (got.message.find(part) == std::string::npos)
      return failed("the error was to say: " + part + "\n  it says: " + got.message);
  }
  return {};
}

// One test under way.
class Trial {
 public:
  explicit Trial(const TestCase& test) : test_(test) {}

  Verdict run() {
    auto started = TestRun::start();
    if (!started.ok()) return failed(started.error().message);
    run_ = std::move(*started);
    const auto statements = run_->parse(test_.statements);
    if (!statements.ok()) return judge_error(test_, refused(statements.error()));
    for (size_t i = 0; i < statements->size(); ++i) {
      const Verdict done = take((*statements)[i]);
      const bool last = i + 1 == statements->size();
      if (done.status == Status::passed) continue;
      if (!last && test_.expects_error && done.status != Status::unsupported)
        return failed("only the last statement may be refused: " + done.message);
      return judge_error(test_, done);
    }
    return judge_error(test_, play());
  }

 private:
  Verdict take(const sql::Statement& statement) {
    if (const auto* values = std::get_if<sql::AssertValues>(&statement.is)) {
      asserted_.push_back(*values);
      return {};
    }
    if (const auto* source = std::get_if<sql::AssertSource>(&statement.is)) {
      return judge(Assertions(*run_).check(*source));
    }
    const auto done = run_->execute(statement);
    return done.ok() ? Verdict() : refused(done.error());
  }

  Verdict play() {
    if (const auto done = run_->play(test_.inputs); !done.ok()) {
      return done.error().code == Code::io ? failed(done.error().message) : refused(done.error());
    }
    Assertions assertions(*run_);
    for (const sql::AssertValues& asserted : asserted_) {
      const Verdict verdict = judge(assertions.check(asserted));
      if (verdict.status != Status::passed) return verdict;
    }
    return compare();
  }

  static Verdict judge(const Result<Complaint>& checked) {
    if (!checked.ok()) return refused(checked.error());
    return *checked ? failed(**checked) : Verdict();
  }

  Verdict compare() {
    std::vector<std::string> topics;
    std::map<std::string, std::vector<TestRecord>> wanted;
    for (const TestRecord& record : test_.outputs) {
      if (!wanted.contains(record.topic)) topics.push_back(record.topic);
      wanted[record.topic].push_back(record);
    }
    for (const std::string& topic : topics) {
      const auto got = run_->records(topic);
      if (!got.ok()) return failed(got.error().message);
      const auto difference = compare_topic(topic, run_->source_of(topic), wanted[topic], *got,
                                            {.any_zero_time = test_.inputs.empty()});
      if (!difference) continue;
      Verdict verdict = failed(difference->text());
      verdict.difference = difference;
      return verdict;
    }
    return {};
  }

  const TestCase& test_;
  std::unique_ptr<TestRun> run_;
  std::vector<sql::AssertValues> asserted_;
};

Result<TestCase> test_of(const Json& json) {
  TestCase test;
  test.name = json.string_at("name").value_or("");
  if (test.name.empty()) return Error{Code::invalid, "a test needs a \"name\""};
  for (const Json::Member& member : json.members()) {
    if (member.name == "statements") {
      const bool list = member.value.is(Json::Kind::array);
      const std::vector<Json> texts = list ? member.value.elements() : std::vector<Json>{member.value};
      for (const Json& text : texts) {
        if (!text.is(Json::Kind::string)) return Error{Code::invalid, "a statement is a text"};
        test.statements += text.text() + "\n";
      }
    } else if (member.name == "inputs") {
      test.inputs = TRY(records_in(json, "inputs"));
    } else if (member.name == "outputs") {
      test.outputs = TRY(records_in(json, "outputs"));
    } else if (member.name == "error") {
      test.expects_error = true;
      if (member.value.is(Json::Kind::string)) test.messages.push_back(member.value.text());
    } else if (member.name != "name") {
      return Error{Code::invalid, "a test has no \"" + member.name +
                                      "\"; it has name, statements, inputs, outputs and error"};
    }
  }
  return test;
}

}  // namespace

const char* name_of(Status status) {
  switch (status) {
    case Status::passed: return "passed";
    case Status::failed: return "failed";
    case Status::refused: return "refused";
    case Status::unsupported: return "unsupported";
  }
  return "";
}

Verdict run_case(const TestCase& test) {
  return Trial(test).run();
}

std::vector<TestCase> tests_of(const std::string& text, const std::string& name) {
  std::vector<TestCase> tests(1);
  tests[0].name = name;
  bool named = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    TestCase& test = tests.back();
    if (const auto title = behind(line, "--@test:")) {
      if (named) tests.emplace_back();
      named = true;
      tests.back().name = name + ": " + *title;
    } else if (behind(line, "--@expected.error:")) {
      test.expects_error = true;
    } else if (const auto part = behind(line, "--@expected.message:")) {
      test.expects_error = true;
      test.messages.push_back(*part);
    }
    tests.back().statements += line + "\n";
  }
  return tests;
}

Result<std::vector<TestCase>> tests_of_json(const std::string& text, const std::string& name) {
  const Json file = TRY(parse_json(text));
  const Json* list = file.find("tests");
  if (list == nullptr || !list->is(Json::Kind::array))
    return Error{Code::invalid, "the file must hold {\"tests\": [...]}"};
  std::vector<TestCase> tests;
  for (const Json& json : list->elements()) {
    auto test = test_of(json);
    if (!test.ok()) return test.error().within("test " + std::to_string(tests.size() + 1));
    test->name = name + ": " + test->name;
    tests.push_back(std::move(*test));
  }
  return tests;
}

}  // namespace tradewind::runner
