#pragma once
// Compare: what lies in a topic beside what was wanted, by ksqlDB's rules: numbers by the type of their
// column, DECIMAL in value and scale, every field counted, times only where they were given.
//
// Pure.

#include <optional>
#include <string>
#include <vector>

#include "runner/test_record.h"
#include "sql/catalog.h"

namespace tradewind::runner {

// Where the two part.
struct Difference {
  std::string topic;
  size_t record = 0;  // from 1; 0: their number differs
  std::string field;  // "value.TOTAL", "key", "timestamp"
  std::string wanted;
  std::string got;

  std::string text() const;
};

struct CompareRules {
  bool any_zero_time = false;  // a wanted timestamp of 0 agrees with any
};

// `source` tells the types of columns; null: numbers agree by value.
std::optional<Difference> compare_topic(const std::string& topic, const sql::Source* source,
                                        const std::vector<TestRecord>& wanted,
                                        const std::vector<TestRecord>& got, const CompareRules& rules);

// A record as one line of JSON.
std::string text_of(const TestRecord& record);

}  // namespace tradewind::runner
