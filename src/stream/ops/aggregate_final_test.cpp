#include "base/bytes.h"
#include "stream/ops/aggregate_table.h"

namespace tradewind::stream {
namespace {

using testing::ElementsAre;

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t group, BytesView bytes) override {
    EXPECT_GE(group, 0);
    frames.emplace_back(bytes);
  }
  std::vector<Bytes> frames;
};

// What is emitted, as "key start count @time".
class Lines final : public Collector {
 public:
  Result<> emit(Batch batch) override {
    EXPECT_EQ(batch.changes(), nullptr);
    for (size_t i = 0; i < batch.rows(); ++i) {
      lines.push_back(std::string(batch.column(0)->data<BytesView>()[i]) + " " +
                      std::to_string(batch.column(1)->data<int64_t>()[i]) + " " +
                      std::to_string(batch.column(3)->data<int64_t>()[i]) + " @" +
                      std::to_string(batch.times_ms()[i]));
    }
    return {};
  }
  std::vector<std::string> lines;
};

// Counts in windows of 20 ms, one every 10 ms, that are given out when they close.
class Counts {
 public:
  Counts() {
    AggregateStep step;
    step.keys = {expr::column(0, Kind::string)};
    step.key_names = {"K"};
    step.calls = {{"COUNT", nullptr, "C"}};
    step.window = WindowSpec{.kind = WindowSpec::Kind::hopping,
                             .size = Duration(20),
                             .advance = Duration(10),
                             .retention = Duration(20)};
    step.final = true;
    table_ = std::move(AggregateTable::make(step, Schema(), std::make_shared<Dictionary>(), 1)).value();
  }

  size_t fold(std::vector<std::string> keys, std::vector<int64_t> times) {
    ColumnBuilder builder(Kind::string);
    for (const std::string& key : keys) builder.append(Value(key));
    const Batch rows(std::make_shared<const Schema>(Schema({{"K", Kind::string}})), {builder.finish()},
                     std::move(times));
    std::vector<LateRow> late;
    expr::Notes notes;
    EXPECT_TRUE(table_->fold_rows(rows, late, notes).ok());
    return late.size();
  }
  std::vector<std::string> closed(int64_t start_ms) {
    const auto schema = std::make_shared<const Schema>(Schema({{"K", Kind::string},
                                                               {"WINDOWSTART", Kind::bigint},
                                                               {"WINDOWEND", Kind::bigint},
                                                               {"C", Kind::bigint}}));
    Lines out;
    EXPECT_TRUE(table_->emit_closed(schema, start_ms, 2, out).ok());
    return out.lines;
  }
  AggregateTable& table() { return *table_; }

 private:
  std::unique_ptr<AggregateTable> table_;
};

TEST(AggregateFinal, GivesWindowsOutOnceInTheOrderOfWindowsAndKeys) {
  Counts counts;
  EXPECT_EQ(counts.fold({"c", "a", "b", "c"}, {12, 13, 25, 14}), 1U);  // the last is late for one of its two
  EXPECT_THAT(counts.closed(10), ElementsAre("a 0 1 @13", "c 0 1 @12"));
  EXPECT_TRUE(counts.closed(10).empty());
  EXPECT_FALSE(counts.table().has_closed(10));
  EXPECT_THAT(counts.closed(30), ElementsAre("a 10 1 @13", "b 10 1 @25", "c 10 2 @14", "b 20 1 @25"));
}

TEST(AggregateFinal, RemembersWhatWasGivenOut) {
  Counts counts;
  counts.fold({"a", "b"}, {12, 25});
  counts.closed(10);
  Frames sink;
  counts.table().changes(sink);
  counts.table().committed();
  Counts again;
  for (const Bytes& frame : sink.frames) ASSERT_TRUE(again.table().fold(0, frame).ok());
  EXPECT_THAT(again.closed(20), ElementsAre("a 10 1 @12", "b 10 1 @25"));
  Counts from_slices;
  Frames slices;
  while (!again.table().snapshot(1, slices)) continue;
  for (const Bytes& frame : slices.frames) ASSERT_TRUE(from_slices.table().fold(0, frame).ok());
  EXPECT_THAT(from_slices.closed(30), ElementsAre("b 20 1 @25"));
}

}  // namespace
}  // namespace tradewind::stream
