#pragma once
// Script: a .test file read into its steps.
//
//   # what is shown, in a sentence              first line
//   # one partition: why                        the file does not hold with keys spread over partitions
//   run                                         statements, up to the next empty line
//   feed NAME                                   rows of a stream or table: time, keys, values
//   feed raw TOPIC                              records: time, key, value as they are
//   expect SELECT ...                           the rows it gives, in any order
//   expect last SELECT ... EMIT CHANGES         of each value of the first column the last row
//   expect topic NAME                           the rows of a stream or table in its topic
//   expect raw TOPIC                            keys and values of any topic
//   expect SHOW ... (or another statement)      lines "path  value" that its answer holds
//   fail                                        statements whose last one fails; lines "! part of the
//   message"

#include <string>
#include <vector>

#include "base/result.h"

namespace tradewind::sqltest {

struct Step {
  enum class Kind {
    run,
    feed,
    feed_raw,
    expect_rows,
    expect_last,
    expect_topic,
    expect_raw,
    expect_answer,
    fail
  };
  Kind kind = Kind::run;
  int line = 1;                    // of the directive
  std::string subject;             // what follows the directive
  std::vector<std::string> lines;  // what stands below it
};

struct Script {
  std::string path;
  std::string title;
  bool one_partition = false;
  std::vector<Step> steps;
};

// invalid: the line and what is wrong with it.
Result<Script> read_script(const std::string& path);

}  // namespace tradewind::sqltest
