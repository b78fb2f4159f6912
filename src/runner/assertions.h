#pragma once
// Assertions: ASSERT VALUES, ASSERT NULL VALUES, ASSERT STREAM and ASSERT TABLE of a test. Those of records
// ask, one after another, for the next record of a topic.
//
// Threads: one.

#include <map>
#include <optional>
#include <string>

#include "runner/test_run.h"

namespace tradewind::runner {

// What is otherwise than asserted, in words; nothing when it holds.
using Complaint = std::optional<std::string>;

class Assertions {
 public:
  explicit Assertions(TestRun& run) : run_(run) {}

  // REQUIRES the run has been played. invalid: an assertion that could not be true of its source.
  Result<Complaint> check(const sql::AssertValues& asserted);
  // What is declared now.
  Result<Complaint> check(const sql::AssertSource& asserted);

 private:
  TestRun& run_;
  std::map<std::string, size_t> next_;  // record, by topic
};

}  // namespace tradewind::runner
