#include "cli/topic_difference.h"

namespace tradewind::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Change = Difference::Change;

constexpr Duration kForEver(-1);

log::FoundTopic found(log::TopicSpec spec, int replicas = 1, std::optional<int> min_insync = {}) {
  spec.name = "orders";
  spec.replicas = static_cast<int16_t>(replicas);
  return {.spec = std::move(spec), .min_insync = min_insync};
}

// What one setting's difference may become; never where there is none.
Change change(const log::TopicSpec& there, const log::TopicSpec& declared, bool internal = false) {
  const auto all = differences(found(there), {.spec = declared, .internal = internal}, {});
  EXPECT_THAT(all, SizeIs(1));
  return all.empty() ? Change::never : all[0].change;
}

TEST(TopicDifference, IsNoneWhereTheTopicIsAsDeclared) {
  const log::TopicSpec spec{.partitions = 4, .retention = kForEver};
  EXPECT_THAT(differences(found(spec, 3), {.spec = spec}, {}), IsEmpty());
}

TEST(TopicDifference, AgesOfCompactedTopicsDoNotCount) {
  EXPECT_THAT(differences(found({.cleanup = log::Cleanup::compact, .retention = kForEver}),
                          {.spec = {.cleanup = log::Cleanup::compact}}, {}),
              IsEmpty());
}

TEST(TopicDifference, RecordsAreKeptLongerButNotShorter) {
  EXPECT_EQ(change({.retention = Duration(1'000)}, {.retention = Duration(2'000)}), Change::alter);
  EXPECT_EQ(change({.retention = Duration(1'000)}, {.retention = kForEver}), Change::alter);
  EXPECT_EQ(change({.retention = Duration(2'000)}, {.retention = Duration(1'000)}), Change::never);
  EXPECT_EQ(change({.retention = kForEver}, {.retention = Duration(1'000)}), Change::never);
  EXPECT_EQ(change({.retention_bytes = 100}, {.retention_bytes = -1}), Change::alter);
  EXPECT_EQ(change({.retention_bytes = -1}, {.retention_bytes = 100}), Change::never);
}

TEST(TopicDifference, CompactionIsTakenAwayButNotBegun) {
  EXPECT_EQ(change({.cleanup = log::Cleanup::compact}, {.cleanup = log::Cleanup::remove}), Change::alter);
  EXPECT_EQ(change({.cleanup = log::Cleanup::remove}, {.cleanup = log::Cleanup::compact}), Change::never);
  EXPECT_EQ(change({.cleanup = log::Cleanup::remove}, {.cleanup = log::Cleanup::compact_and_remove}),
            Change::never);
}

TEST(TopicDifference, PartitionsGrowButOfNoTopicOfThePlatform) {
  EXPECT_EQ(change({.partitions = 1}, {.partitions = 4}), Change::grow);
  EXPECT_EQ(change({.partitions = 8}, {.partitions = 4}), Change::never);
  EXPECT_EQ(change({.partitions = 1}, {.partitions = 4}, true), Change::never);
}

TEST(TopicDifference, CopiesCountWhereTheyAreAskedFor) {
  const log::TopicSpec spec{.partitions = 4};
  EXPECT_THAT(differences(found(spec, 1, 1), {.spec = spec}, {}), IsEmpty());
  const auto all = differences(found(spec, 2, 1), {.spec = spec}, {.replicas = 3, .min_insync = 2});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].change, Change::never);
  EXPECT_EQ(all[1].change, Change::insync);
}

TEST(TopicDifference, NoMoreCopiesMustHaveARecordThanThereAre) {
  const log::TopicSpec spec{.partitions = 4};
  const auto all = differences(found(spec, 1, 1), {.spec = spec}, {.min_insync = 5});
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].change, Change::never);
  EXPECT_THAT(all[0].remark, HasSubstr("nothing could be written"));
}

TEST(TopicDifference, OnlyWhatIsAlteredIsTakenOver) {
  const auto there = found({.partitions = 8, .cleanup = log::Cleanup::compact, .retention = Duration(5)});
  const DeclaredTopic declared{.spec = {.partitions = 4, .retention = Duration(7)}};
  const log::TopicSpec spec = altered(there.spec, declared, differences(there, declared, {}));
  EXPECT_EQ(spec.partitions, 8);
  EXPECT_EQ(spec.cleanup, log::Cleanup::remove);
  EXPECT_EQ(spec.retention, Duration(7));
}

}  // namespace
}  // namespace tradewind::cli
