#include "base/bytes.h"
#include "stream/ops/aggregate_table.h"

namespace tradewind::stream {
namespace {

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t, BytesView bytes) override { frames.emplace_back(bytes); }
  std::vector<Bytes> frames;
};

AggregateStep counting() {
  AggregateStep step;
  step.keys = {expr::column(0, Kind::string)};
  step.key_names = {"K"};
  step.calls = {{"COUNT", nullptr, "C"}};
  step.window = WindowSpec{.size = Duration(60'000),
                           .advance = Duration(60'000),
                           .grace = Duration(0),
                           .retention = Duration(60'000)};
  return step;
}

SchemaPtr shown_schema() {
  return std::make_shared<const Schema>(Schema({{"K", Kind::string},
                                                {"WINDOWSTART", Kind::bigint},
                                                {"WINDOWEND", Kind::bigint},
                                                {"C", Kind::bigint}}));
}

Batch rows(std::vector<std::string> keys, std::vector<int64_t> times) {
  ColumnBuilder builder(Kind::string);
  for (const std::string& key : keys) builder.append(Value(key));
  return {
      std::make_shared<const Schema>(Schema({{"K", Kind::string}})), {builder.finish()}, std::move(times)};
}

std::unique_ptr<AggregateTable> table() {
  return std::move(AggregateTable::make(counting(), Schema(), std::make_shared<Dictionary>(), 1)).value();
}

TEST(AggregateFrames, AreTheBytesThatTheirPageShows) {
  const auto counts = table();
  std::vector<LateRow> late;
  expr::Notes notes;
  ASSERT_TRUE(counts->fold_rows(rows({"a", "a", "a"}, {60'000, 61'000, 60'500}), late, notes).ok());
  Frames sink;
  counts->changes(sink);
  ASSERT_EQ(sink.frames.size(), 2U);  // the rows, then how far the partition is
  EXPECT_EQ(to_hex(sink.frames[0]), "01 ff ff ff ff ff ff ff ff ff 01 00 01 02 90 b9 07 01 61 06");
}

TEST(AggregateFrames, GiveTheSameTableAgain) {
  const auto counts = table();
  const auto again = table();
  std::vector<LateRow> late;
  expr::Notes notes;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(counts->fold_rows(rows({"a", "b", "a"}, {60'000, 61'000, 119'000}), late, notes).ok());
    Frames sink;
    counts->changes(sink);
    counts->committed();
    for (const Bytes& frame : sink.frames) ASSERT_TRUE(again->fold(0, frame).ok());
  }
  // Stream time came back too: what was late before is late now.
  ASSERT_TRUE(again->fold_rows(rows({"a"}, {179'000}), late, notes).ok());
  EXPECT_TRUE(late.empty());
  ASSERT_TRUE(again->fold_rows(rows({"a"}, {60'000}), late, notes).ok());
  EXPECT_EQ(late.size(), 1U);
  EXPECT_FALSE(again->fold(0, "garbage").ok());
}

TEST(AggregateFrames, PartialsAreCutWhereTheyWouldBeTooLargeAndTellHowFarTheyAreWithTheLast) {
  const auto sender = table();
  const auto receiver = table();
  std::vector<LateRow> late;
  expr::Notes notes;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("key " + std::to_string(i));
  ASSERT_TRUE(sender->fold_rows(rows(keys, std::vector<int64_t>(100, 60'000)), late, notes).ok());
  Frames partials;
  sender->take_partials(200, partials);
  EXPECT_GT(partials.frames.size(), 4U);
  for (const Bytes& frame : partials.frames) {
    EXPECT_LE(frame.size(), 200U);
    EXPECT_TRUE(receiver->progress().empty());
    ASSERT_TRUE(receiver->merge(frame).ok());
  }
  EXPECT_FALSE(receiver->progress().empty());
  EXPECT_FALSE(sender->has_changes());
  receiver->committed();
  for (const std::string& key : keys)
    EXPECT_EQ(receiver->find(shown_schema(), {Value(key)}, 0, INT64_MAX).rows(), 1U);
}

class Shown final : public Collector {
 public:
  Result<> emit(Batch batch) override {
    rows += batch.rows();
    return {};
  }
  size_t rows = 0;
};

// A partition that nobody waited for speaks again: its rows would make the window anew, with too little in
// it.
TEST(AggregateFrames, APartialForAWindowThatIsGoneIsCountedAndNotShown) {
  const auto sender = table();
  const auto receiver = table();
  std::vector<LateRow> late;
  expr::Notes notes;
  ASSERT_TRUE(sender->fold_rows(rows({"a", "b", "a"}, {60'000, 61'000, 130'000}), late, notes).ok());
  receiver->expire_before(120'000);
  receiver->committed();
  Frames partials;
  sender->take_partials(SIZE_MAX, partials);
  ASSERT_EQ(partials.frames.size(), 1U);
  ASSERT_TRUE(receiver->merge(partials.frames[0]).ok());
  EXPECT_EQ(receiver->missed(), 2);
  EXPECT_EQ(receiver->missed(), 0);
  const auto schema = shown_schema();
  Shown shown;
  ASSERT_TRUE(receiver->emit_changes(schema, true, 100, shown).ok());
  EXPECT_EQ(shown.rows, 1U);
  receiver->committed();
  AggregateTable::Cursor cursor;
  Batch left;
  EXPECT_FALSE(receiver->scan(schema, cursor, INT64_MAX, 100, left));
  EXPECT_EQ(left.rows(), 1U);
}

}  // namespace
}  // namespace tradewind::stream
