#include "runner/test_case.h"

#include <gmock/gmock.h>

namespace tradewind::runner {
namespace {

using testing::HasSubstr;

constexpr const char* kStatements =
    "CREATE STREAM s (k INT KEY, d DECIMAL(6, 2), r DOUBLE) WITH (kafka_topic='s', value_format='JSON');"
    "CREATE STREAM o AS SELECT k, d, r FROM s;";

Verdict verdict_of(const std::string& statements, const std::string& inputs, const std::string& outputs) {
  TestCase test;
  test.statements = statements;
  test.inputs = read_records(R"({"inputs": [)" + inputs + "]}", "inputs").value();
  test.outputs = read_records(R"({"outputs": [)" + outputs + "]}", "outputs").value();
  return run_case(test);
}

Verdict one_row(const std::string& value, const std::string& rest = "") {
  return verdict_of(kStatements, R"({"topic": "s", "key": 1, "value": {"D": 1.10, "R": 2}, "timestamp": 5})",
                    R"({"topic": "O", "key": 1, "value": )" + value + rest + "}");
}

TEST(TestCase, PassesWhereEveryFieldIsAsWanted) {
  EXPECT_EQ(one_row(R"({"D": 1.10, "R": 2.0000001})").status, Status::passed);
  EXPECT_EQ(one_row(R"({"d": "1.10", "r": 2})", R"(, "timestamp": 5)").status, Status::passed);
}

TEST(TestCase, TellsTheFieldThatDiffers) {
  const Verdict verdict = one_row(R"({"D": 1.1, "R": 2})");
  EXPECT_EQ(verdict.status, Status::failed);
  ASSERT_TRUE(verdict.difference.has_value());
  EXPECT_EQ(verdict.difference->topic, "O");
  EXPECT_EQ(verdict.difference->record, 1U);
  EXPECT_EQ(verdict.difference->field, "value.D");
  EXPECT_EQ(verdict.difference->wanted, "1.1");
  EXPECT_EQ(verdict.difference->got, "1.10");
}

TEST(TestCase, CountsFieldsTimesHeadersAndWindows) {
  EXPECT_EQ(one_row(R"({"D": 1.10})").difference->field, "value.R");
  EXPECT_EQ(one_row(R"({"D": 1.10, "R": 2, "X": null})").difference->field, "value.X");
  EXPECT_EQ(one_row(R"({"D": 1.10, "R": 2})", R"(, "timestamp": 6)").difference->field, "timestamp");
  EXPECT_EQ(
      one_row(R"({"D": 1.10, "R": 2})", R"(, "headers": [{"KEY": "a", "VALUE": null}])").difference->field,
      "headers");
  EXPECT_EQ(one_row(R"({"D": 1.10, "R": 2})", R"(, "window": {"start": 0, "end": 1, "type": "time"})")
                .difference->field,
            "window");
}

TEST(TestCase, FailsWhereRecordsAreMissingOrTooMany) {
  const std::string input = R"({"topic": "s", "key": 1, "value": {"D": 1, "R": 2}})";
  const std::string output = R"({"topic": "O", "key": 1, "value": {"D": 1.00, "R": 2}})";
  EXPECT_EQ(verdict_of(kStatements, input, output).status, Status::passed);
  EXPECT_EQ(verdict_of(kStatements, input, output + "," + output).status, Status::failed);
  EXPECT_EQ(verdict_of(kStatements, input + "," + input, output).status, Status::failed);
}

TEST(TestCase, TellsRefusedStatementsFromThoseNotOffered) {
  EXPECT_EQ(verdict_of("CREATE STREAM o AS SELECT * FROM nothing;", "", "").status, Status::refused);
  EXPECT_EQ(
      verdict_of("CREATE STREAM s (v INT) WITH (kafka_topic='s', value_format='PROTOBUF');", "", "").status,
      Status::unsupported);
  EXPECT_EQ(verdict_of(kStatements, R"({"topic": "s", "key": "x", "value": null})", "").status,
            Status::refused);
}

TEST(TestCase, ReadsDirectives) {
  const auto tests = tests_of(
      "--@test: one\nSELECT 1;\n--@test: two\n--@expected.error:\n--@expected.message: no stream\n"
      "CREATE STREAM o AS SELECT * FROM nothing;\n",
      "file");
  ASSERT_EQ(tests.size(), 2U);
  EXPECT_EQ(tests[1].name, "file: two");
  EXPECT_EQ(run_case(tests[1]).status, Status::passed);
  TestCase other = tests[1];
  other.messages = {"something else"};
  EXPECT_THAT(run_case(other).message, HasSubstr("the error was to say: something else"));
  other.statements = kStatements;
  EXPECT_THAT(run_case(other).message, HasSubstr("was to be refused, and was not"));
}

TEST(TestCase, JudgesAssertionsInTheOrderOfTheRecords) {
  TestCase test;
  test.statements = std::string(kStatements) +
                    "INSERT INTO s (k, d) VALUES (1, 2.5);"
                    "ASSERT VALUES o (k, d, r) VALUES (1, 2.50, NULL);";
  EXPECT_EQ(run_case(test).status, Status::passed);
  TestCase twice = test;
  twice.statements += "ASSERT VALUES o (k) VALUES (1);";
  EXPECT_THAT(run_case(twice).message, HasSubstr("no more than 1 records"));
  TestCase other = test;
  other.statements += "ASSERT STREAM o (k INT KEY, d DECIMAL(6, 3)) WITH (kafka_topic='O');";
  EXPECT_THAT(run_case(other).message, HasSubstr("got: K INTEGER KEY, D DECIMAL(6, 2), R DOUBLE"));
}

TEST(TestCase, ReadsATopicAsItsSourceIsDeclaredAtLast) {
  const std::string statements =
      "CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='AVRO');"
      "CREATE STREAM o AS SELECT k, v FROM s; ALTER STREAM s ADD COLUMN w STRING;"
      "CREATE OR REPLACE STREAM o AS SELECT k, v, w FROM s;";
  const Verdict verdict = verdict_of(statements, R"({"topic": "s", "key": 1, "value": {"V": 2, "W": "x"}})",
                                     R"({"topic": "O", "key": 1, "value": {"V": 2, "W": "x"}})");
  EXPECT_EQ(verdict.status, Status::passed) << verdict.message;
}

}  // namespace
}  // namespace tradewind::runner
