#include "stream/ops/seen_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace tradewind::stream {
namespace {

std::string key_of(uint64_t number) {
  return "key " + std::to_string(number);
}

TEST(SeenRows, KnowsEveryKeyItWasGivenHoweverItGrows) {
  SeenRows seen;
  for (uint64_t i = 0; i < 20'000; ++i) {
    SeenRows::Entry& entry = seen.place_of(key_of(i), INT64_MIN);
    ASSERT_EQ(entry.time_ms, SeenRows::Entry::kNone) << i;
    entry.time_ms = static_cast<int64_t>(i);
  }
  for (uint64_t i = 0; i < 20'000; ++i)
    ASSERT_EQ(seen.place_of(key_of(i), INT64_MIN).time_ms, static_cast<int64_t>(i));
}

TEST(SeenRows, StaysSmallWhenWhatIsOldMayGo) {
  SeenRows seen;
  for (int64_t i = 0; i < 200'000; ++i)
    seen.place_of(key_of(static_cast<uint64_t>(i)), i - 1'000).time_ms = i;
  EXPECT_LT(seen.bytes(), 1'800 * sizeof(SeenRows::Entry));
  for (int64_t i = 199'001; i < 200'000; ++i)
    EXPECT_EQ(seen.place_of(key_of(static_cast<uint64_t>(i)), i - 1'000).time_ms, i);
}

TEST(SeenRows, TakesWhatWasSavedAsItIs) {
  SeenRows seen;
  Random random(7);
  std::map<std::string, int64_t> times;
  for (int i = 0; i < 5'000; ++i) {
    const std::string key = key_of(random.below(2'000));
    const auto time = static_cast<int64_t>(random.below(1'000'000));
    seen.place_of(key, INT64_MIN).time_ms = times[key] = time;
  }
  SeenRows again;
  for (const SeenRows::Table& table : seen.tables()) {
    for (const SeenRows::Entry& entry : table.slots) {
      if (entry.time_ms != SeenRows::Entry::kNone) again.put(entry);
    }
  }
  for (const auto& [key, time] : times) ASSERT_EQ(again.place_of(key, INT64_MIN).time_ms, time) << key;
}

}  // namespace
}  // namespace tradewind::stream
