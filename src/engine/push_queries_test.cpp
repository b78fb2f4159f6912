#include "engine/push_queries.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "data/value.h"

namespace tradewind::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Gives what a test puts into it, and counts how often it is asked.
class GivenRows final : public stream::Subscription {
 public:
  GivenRows(std::deque<std::vector<Batch>>& rows, int& polls) : rows_(rows), polls_(polls) {}
  const Schema& schema() const override { return schema_; }
  Result<std::vector<Batch>> poll(Duration) override {
    ++polls_;
    if (rows_.empty()) return std::vector<Batch>();
    std::vector<Batch> batches = std::move(rows_.front());
    rows_.pop_front();
    return batches;
  }
  bool read_out() const override { return rows_.empty(); }

 private:
  Schema schema_;
  std::deque<std::vector<Batch>>& rows_;
  int& polls_;
};

class PushQueriesTest : public testing::Test {
 protected:
  std::unique_ptr<RowStream> open(bool table, bool earliest = false, size_t most_rows = 100) {
    sql::PushPlan plan;
    stream::Topology parts;
    parts.name = "push";
    parts.source.topic = "t";
    parts.source.value_columns = fields_;
    plan.topology = std::move(stream::build(std::move(parts))).value();
    plan.columns = fields_;
    if (table) plan.keys = {true, false};
    const auto subscribe = [this]() -> Result<std::unique_ptr<stream::Subscription>> {
      ++subscribed_;
      return std::unique_ptr<stream::Subscription>(new GivenRows(rows_, polls_));
    };
    auto opened = queries_.open(std::move(plan), earliest, subscribe, most_rows);
    return std::move(opened).value();
  }

  // "k1" inserts (k, 1), "-k1" takes it back.
  void give(const std::vector<std::string>& rows) {
    ColumnBuilder keys{Type(Kind::string)};
    ColumnBuilder numbers{Type(Kind::bigint)};
    std::vector<Change> changes;
    for (std::string row : rows) {
      changes.push_back(row[0] == '-' ? Change::retract : Change::insert);
      if (row[0] == '-') row.erase(0, 1);
      keys.append(Value(row.substr(0, 1)));
      numbers.append(Value(int64_t{std::stoll(row.substr(1))}));
    }
    std::vector<ColumnPtr> columns{keys.finish(), numbers.finish()};
    Batch batch(std::make_shared<const Schema>(Schema(fields_)), columns, std::vector<int64_t>(rows.size()));
    batch.with_changes(changes);
    rows_.push_back({batch});
  }

  // What a reader gets until nothing comes.
  static std::vector<std::string> taken(RowStream& reader) {
    std::vector<std::string> rows;
    while (true) {
      const auto batch = reader.next(Duration(0));
      if (!batch.ok()) {
        rows.push_back(batch.error().message);
        return rows;
      }
      if (!*batch || (*batch)->rows() == 0) return rows;
      for (size_t row = 0; row < (*batch)->rows(); ++row) {
        std::string text = (*batch)->change(row) == Change::retract ? "-" : "";
        text += value_at(*(*batch)->column(0), row).text();
        rows.push_back(text + std::to_string(value_at(*(*batch)->column(1), row).number()));
      }
    }
  }

  std::vector<Field> fields_{{"K", Kind::string}, {"N", Kind::bigint}};
  std::deque<std::vector<Batch>> rows_;
  int polls_ = 0;
  int subscribed_ = 0;
  PushQueries queries_;
};

TEST_F(PushQueriesTest, ReadersOfOneQueryShareItsComputation) {
  const auto one = open(false);
  const auto other = open(false);
  give({"a1", "b2"});
  EXPECT_THAT(taken(*one), ElementsAre("a1", "b2"));
  EXPECT_THAT(taken(*other), ElementsAre("a1", "b2"));
  EXPECT_EQ(subscribed_, 1);
  EXPECT_EQ(queries_.running(), 1u);
  const auto late = open(false);
  give({"c3"});
  EXPECT_THAT(taken(*late), ElementsAre("c3"));
  EXPECT_THAT(taken(*one), ElementsAre("c3"));
}

TEST_F(PushQueriesTest, ReadersFromTheBeginningHaveTheirOwn) {
  const auto one = open(false, true);
  const auto other = open(false, true);
  EXPECT_EQ(subscribed_, 2);
  EXPECT_EQ(queries_.running(), 0u);
}

TEST_F(PushQueriesTest, TheLastReaderEndsTheComputation) {
  auto one = open(false);
  auto other = open(false);
  one.reset();
  give({"a1"});
  EXPECT_THAT(taken(*other), ElementsAre("a1"));
  other.reset();
  EXPECT_EQ(queries_.running(), 0u);
}

TEST_F(PushQueriesTest, WhoIsBehindOnATableGetsTheLastRowOfEachKey) {
  const auto quick = open(true, false, 4);
  const auto slow = open(true, false, 4);
  for (int i = 0; i < 10; ++i) {
    give({"a" + std::to_string(i), "b" + std::to_string(i)});
    EXPECT_EQ(taken(*quick).size(), 2u);
  }
  const auto rows = taken(*slow);
  EXPECT_LE(rows.size(), 4u);
  ASSERT_GE(rows.size(), 2u);
  EXPECT_EQ(rows[rows.size() - 2], "a9");
  EXPECT_EQ(rows.back(), "b9");
}

// One row is left of each batch, which lies in memory that a thousand others share.
TEST_F(PushQueriesTest, WhoIsBehindKeepsHisRowsAndNotWhatTheyWereReadFrom) {
  for (const bool table : {true, false}) {
    const auto quick = open(table, false, 5000);
    const auto slow = open(table, false, 5000);
    std::vector<std::weak_ptr<int>> memory;
    std::vector<std::string> expected;
    for (int i = 0; i < 2000; ++i) {
      give({std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i)});
      const auto read_from = std::make_shared<int>(i);
      std::const_pointer_cast<Column>(rows_.back()[0].column(0))->keep(read_from);
      memory.push_back(read_from);
      expected.push_back(taken(*quick).at(0));
    }
    const auto alive = std::ranges::count_if(memory, [](const auto& one) { return !one.expired(); });
    EXPECT_LE(alive, 64) << table;
    EXPECT_EQ(taken(*slow), expected) << table;
  }
}

TEST_F(PushQueriesTest, WhoIsBehindOnAStreamIsCutOffWithAMessage) {
  const auto quick = open(false, false, 4);
  const auto slow = open(false, false, 4);
  for (int i = 0; i < 10; ++i) {
    give({"a" + std::to_string(i)});
    taken(*quick);
  }
  EXPECT_THAT(taken(*slow), ElementsAre(HasSubstr("too slowly")));
  give({"b1"});
  EXPECT_THAT(taken(*quick), ElementsAre("b1"));
}

TEST_F(PushQueriesTest, DeletionsAreShownToWhoAsks) {
  const auto rows_only = open(true);
  const auto everything = open(true);
  EXPECT_THAT(everything->show_deletions(), ElementsAre(true, false));
  give({"-a1", "a2", "-b1"});  // an update, and a row that is gone
  EXPECT_THAT(taken(*everything), ElementsAre("a2", "-b1"));
  EXPECT_THAT(taken(*rows_only), ElementsAre("a2"));
}

}  // namespace
}  // namespace tradewind::engine
