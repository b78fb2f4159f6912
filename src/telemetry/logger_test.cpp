#include "telemetry/logger.h"

#include <sstream>
#include <thread>

#include "base/json.h"

namespace tradewind::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

class LoggerTest : public testing::Test {
 protected:
  Logger logger(LoggerOptions options = {}) {
    options.out = &out_;
    return Logger(options, clock_);
  }
  // What was written since the last look.
  std::string lines() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  std::ostringstream out_;
  ManualClock clock_{Timestamp{1'767'225'600'000}};
};

TEST_F(LoggerTest, ALineHasTimeLevelRoomTextAndValues) {
  Logger made = logger();
  made.warning("log", "the disk is slow", {{"path", "data"}, {"wait", "2 s"}, {"empty", ""}});
  EXPECT_EQ(lines(),
            "2026-01-01T00:00:00.000Z warning log the disk is slow path=data wait=\"2 s\" empty=\"\"\n");
}

TEST_F(LoggerTest, WhateverAValueHoldsItStaysOneLine) {
  Logger made = logger();
  made.error("server", "refused", {{"what", "a\nb\x1b[31m error log forged=\"x\""}});
  const std::string line = lines();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  EXPECT_THAT(line, HasSubstr("what=\"a\\nb"));
}

TEST_F(LoggerTest, JsonLinesAreObjects) {
  Logger made = logger({.format = LineFormat::json});
  made.info("cli", "ready \"now\"", {{"url", "http://x"}});
  const auto line = parse_json(lines());
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->string_at("time"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(line->string_at("level"), "info");
  EXPECT_EQ(line->string_at("room"), "cli");
  EXPECT_EQ(line->string_at("text"), "ready \"now\"");
  EXPECT_EQ(line->string_at("url"), "http://x");
}

TEST_F(LoggerTest, WhatIsBelowTheLevelIsNotWritten) {
  Logger made = logger({.level = Level::warning});
  made.debug("a", "one");
  made.info("a", "two");
  EXPECT_EQ(lines(), "");
  made.warning("a", "three");
  made.error("a", "four");
  EXPECT_THAT(lines(), HasSubstr("three"));
}

TEST_F(LoggerTest, ATextThatRepeatsIsHeldBackAndTheNextOneSaysHowOften) {
  Logger made = logger();
  const auto say = [&] { made.warning("stream", "tried again", {{"query", "Q"}}); };
  for (int i = 0; i < 25; ++i) say();
  const std::string first = lines();
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 10);
  made.warning("stream", "another text");
  EXPECT_THAT(lines(), HasSubstr("another text"));
  clock_.advance(Duration(9'999));
  say();
  EXPECT_EQ(lines(), "");
  clock_.advance(Duration(1));
  say();
  EXPECT_THAT(lines(), HasSubstr("tried again query=Q held_back=16\n"));
  say();
  EXPECT_THAT(lines(), Not(HasSubstr("held_back")));
}

TEST_F(LoggerTest, LinesOfThreadsDoNotMix) {
  Logger made = logger();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 100; ++n) made.info("a", "the same text", {{"value", std::string(200, 'x')}});
      });
    }
  }
  std::istringstream all(lines());
  int count = 0;
  for (std::string line; std::getline(all, line); ++count)
    EXPECT_EQ(line, "2026-01-01T00:00:00.000Z info a the same text value=" + std::string(200, 'x'));
  EXPECT_EQ(count, 10);
}

}  // namespace
}  // namespace tradewind::telemetry
