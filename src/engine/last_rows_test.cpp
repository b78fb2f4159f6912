#include "engine/last_rows.h"

#include "data/value.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;

const std::vector<Field> kFields{{"K", Kind::string}, {"N", Kind::bigint}};

// "k1" inserts (k, 1), "-k1" takes it back.
Batch rows_of(const std::vector<std::string>& texts) {
  ColumnBuilder keys{Type(Kind::string)};
  ColumnBuilder numbers{Type(Kind::bigint)};
  std::vector<Change> changes;
  for (std::string text : texts) {
    changes.push_back(text[0] == '-' ? Change::retract : Change::insert);
    if (text[0] == '-') text.erase(0, 1);
    keys.append(Value(text.substr(0, 1)));
    numbers.append(Value(int64_t{std::stoll(text.substr(1))}));
  }
  Batch batch(std::make_shared<const Schema>(Schema(kFields)), {keys.finish(), numbers.finish()},
              std::vector<int64_t>(texts.size()));
  batch.with_changes(changes);
  return batch;
}

std::vector<std::string> texts_of(const Batch& batch) {
  std::vector<std::string> texts;
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::string text = batch.change(row) == Change::retract ? "-" : "";
    text += value_at(*batch.column(0), row).text();
    texts.push_back(text + std::to_string(value_at(*batch.column(1), row).number()));
  }
  return texts;
}

// What one poll after the other gives; read out with the last of them.
class GivenPolls final : public stream::Subscription {
 public:
  explicit GivenPolls(std::deque<std::vector<std::string>> polls) : polls_(std::move(polls)) {}
  const Schema& schema() const override { return schema_; }
  Result<std::vector<Batch>> poll(Duration) override {
    std::vector<Batch> batches;
    if (!polls_.empty() && !polls_.front().empty()) batches.push_back(rows_of(polls_.front()));
    if (!polls_.empty()) polls_.pop_front();
    return batches;
  }
  bool read_out() const override { return polls_.empty(); }

 private:
  Schema schema_;
  std::deque<std::vector<std::string>> polls_;
};

// All that a look gives.
std::vector<std::string> looked_at(std::deque<std::vector<std::string>> polls,
                                   std::optional<int64_t> limit = std::nullopt) {
  sql::PushPlan plan;
  plan.columns = kFields;
  plan.identity = {true, false};
  plan.until_now = true;
  plan.limit = limit;
  const auto look = look_at_groups(std::move(plan), std::make_unique<GivenPolls>(std::move(polls)));
  std::vector<std::string> all;
  while (true) {
    const auto batch = look->next(Duration(0));
    if (!batch.ok() || !*batch) return all;
    for (std::string& text : texts_of(**batch)) all.push_back(std::move(text));
  }
}

TEST(LastRows, KeepsTheLastOfEachKeyAlsoWhereItIsGone) {
  std::deque<Batch> batches{rows_of({"a1", "b1", "a2"}), rows_of({"c1", "-b1"}), rows_of({"a3"})};
  EXPECT_EQ(keep_last_rows(batches, {true, false}), 3U);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_THAT(texts_of(batches[0]), ElementsAre("c1", "-b1"));
  EXPECT_THAT(texts_of(batches[1]), ElementsAre("a3"));
}

TEST(LastRows, ALookGivesEachGroupOnceAsItStandsWhenAllIsRead) {
  EXPECT_THAT(looked_at({{"a1", "b1"}, {"-a1", "a2"}, {}, {"a5", "c1"}}), ElementsAre("b1", "a5", "c1"));
  EXPECT_THAT(looked_at({{"a1", "b1"}, {"-b1"}}), ElementsAre("a1"));
}

TEST(LastRows, ALookAtNothingStillAsksOnce) {
  EXPECT_THAT(looked_at({}), ElementsAre());
  EXPECT_THAT(looked_at({{"a0"}}), ElementsAre("a0"));
}

TEST(LastRows, ALimitCountsGroupsAndNotTheirChanges) {
  EXPECT_THAT(looked_at({{"a1", "b1"}, {"a2"}, {"a3", "c1"}}, 2), ElementsAre("b1", "a3"));
  EXPECT_THAT(looked_at({{"a1"}}, 0), ElementsAre());
}

TEST(LastRows, ManyChangesOfFewGroupsTakeLittleMemory) {
  std::deque<std::vector<std::string>> polls;
  for (int i = 0; i < 400; ++i) {
    polls.emplace_back();
    for (int n = 0; n < 300; ++n) polls.back().push_back("a" + std::to_string(i * 300 + n));
  }
  EXPECT_THAT(looked_at(std::move(polls)), ElementsAre("a119999"));
}

}  // namespace
}  // namespace tradewind::engine
