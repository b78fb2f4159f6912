#include "data/dictionary.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tradewind {
namespace {

std::vector<std::string> keys(size_t count, const std::string& prefix) {
  std::vector<std::string> made;
  for (size_t i = 0; i < count; ++i) made.push_back(prefix + std::to_string(i * 7919 % count));
  return made;
}

TEST(Dictionary, ManyKeysAtOnceGetTheIdsThatOneByOneWouldGiveThem) {
  Dictionary one_by_one;
  Dictionary at_once;
  for (const std::string& prefix :
       {std::string("a"), std::string("a key of more than sixteen bytes "), std::string("a")}) {
    const auto texts = keys(10'000, prefix);
    const std::vector<BytesView> views(texts.begin(), texts.end());
    std::vector<uint32_t> ids(views.size());
    at_once.intern_all(views.data(), views.size(), ids.data());
    for (size_t i = 0; i < views.size(); ++i) {
      ASSERT_EQ(ids[i], one_by_one.intern(views[i]));
      ASSERT_EQ(at_once.key(ids[i]), views[i]);
    }
  }
  EXPECT_EQ(at_once.size(), 20'000u);
}

TEST(Dictionary, KeysThatRowsHoldAreNotSwept) {
  Dictionary dictionary;
  const auto texts = keys(600'000, "held ");
  for (const std::string& text : texts) dictionary.retain(dictionary.intern(text));
  const uint64_t epoch = dictionary.epoch();
  dictionary.sweep();
  EXPECT_EQ(dictionary.epoch(), epoch) << "there was nothing to sweep";
  for (const std::string& text : texts) {
    const uint32_t id = dictionary.find(text);
    ASSERT_NE(id, Dictionary::kNone);
    if (id % 3 != 0) dictionary.release(id);
  }
  dictionary.sweep();
  EXPECT_GT(dictionary.epoch(), epoch);
  size_t left = 0;
  for (const std::string& text : texts) {
    const uint32_t id = dictionary.find(text);
    if (id == Dictionary::kNone) continue;
    ASSERT_EQ(id % 3, 0u);
    ASSERT_EQ(dictionary.key(id), text);
    ++left;
  }
  EXPECT_EQ(left, 200'000u);
}

TEST(Dictionary, GivesTheIdsOfSweptKeysToNewOnes) {
  Dictionary dictionary;
  const auto old_keys = keys(600'000, "old ");
  for (const std::string& text : old_keys) dictionary.intern(text);
  dictionary.sweep();
  for (const std::string& text : keys(300'000, "new ")) dictionary.retain(dictionary.intern(text));
  EXPECT_EQ(dictionary.size(), 600'000u);
  EXPECT_EQ(dictionary.find("old 1"), Dictionary::kNone);
  EXPECT_EQ(dictionary.key(dictionary.find("new 1")), "new 1");
}

}  // namespace
}  // namespace tradewind
