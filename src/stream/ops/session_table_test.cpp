#include "stream/ops/session_table.h"

#include "base/bytes.h"

namespace tradewind::stream {
namespace {

using testing::ElementsAre;

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t, BytesView bytes) override { frames.emplace_back(bytes); }
  std::vector<Bytes> frames;
};

// What is emitted, as "-key start end count @time" (taken back) and "+...".
class Lines final : public Collector {
 public:
  Result<> emit(Batch batch) override {
    for (size_t i = 0; i < batch.rows(); ++i) {
      std::string line = batch.change(i) == Change::retract ? "-" : "+";
      line += std::string(batch.column(0)->data<BytesView>()[i]);
      for (size_t c = 1; c < 4; ++c) line += " " + std::to_string(batch.column(c)->data<int64_t>()[i]);
      lines.push_back(line + " @" + std::to_string(batch.times_ms()[i]));
    }
    return {};
  }
  std::vector<std::string> lines;
};

AggregateStep counting(bool final) {
  AggregateStep step;
  step.keys = {expr::column(0, Kind::string)};
  step.key_names = {"K"};
  step.calls = {{"COUNT", nullptr, "C"}};
  step.window =
      WindowSpec{.kind = WindowSpec::Kind::session, .size = Duration(10), .retention = Duration(1000)};
  step.final = final;
  return step;
}

// A table of sessions with a gap of 10 ms, fed and read by hand.
class Sessions {
 public:
  explicit Sessions(bool final = false) : table_(counting(final), std::make_shared<Dictionary>(), 1) {}

  size_t fold(std::vector<std::string> keys, std::vector<int64_t> times) {
    ColumnBuilder builder(Kind::string);
    for (const std::string& key : keys) builder.append(Value(key));
    const Batch rows(std::make_shared<const Schema>(Schema({{"K", Kind::string}})), {builder.finish()},
                     std::move(times));
    std::vector<LateRow> late;
    expr::Notes notes;
    EXPECT_TRUE(table_.fold_rows(rows, late, notes).ok());
    return late.size();
  }

  std::vector<std::string> changes() const {
    Lines out;
    EXPECT_TRUE(table_.emit_changes(schema(), false, 100, out).ok());
    return out.lines;
  }
  std::vector<std::string> closed(int64_t end_ms) {
    Lines out;
    EXPECT_TRUE(table_.emit_closed(schema(), end_ms, 100, out).ok());
    return out.lines;
  }
  std::vector<Bytes> commit() {
    Frames sink;
    table_.changes(sink);
    table_.committed();
    return sink.frames;
  }
  std::vector<std::string> seen() const {
    Lines out;
    SessionTable::Cursor cursor;
    for (bool more = true; more;) {
      Batch rows;
      more = table_.scan(schema(), cursor, 1, rows);
      EXPECT_TRUE(out.emit(rows).ok());
    }
    return out.lines;
  }
  SessionTable& table() { return table_; }

 private:
  static SchemaPtr schema() {
    return std::make_shared<const Schema>(Schema({{"K", Kind::string},
                                                  {"WINDOWSTART", Kind::bigint},
                                                  {"WINDOWEND", Kind::bigint},
                                                  {"C", Kind::bigint}}));
  }
  SessionTable table_;
};

TEST(SessionTable, TakesBackWhatWasExtendedOrMergedAtItsOwnEnd) {
  Sessions sessions;
  sessions.fold({"a", "a"}, {100, 115});
  EXPECT_THAT(sessions.changes(), ElementsAre("+a 100 100 1 @100", "+a 115 115 1 @115"));
  sessions.commit();
  sessions.fold({"a"}, {108});
  EXPECT_THAT(sessions.changes(), ElementsAre("-a 100 100 1 @100", "-a 115 115 1 @115", "+a 100 115 3 @115"));
  sessions.commit();
  sessions.fold({"a"}, {103});  // inside: nothing is taken back
  EXPECT_THAT(sessions.changes(), ElementsAre("+a 100 115 4 @115"));
}

TEST(SessionTable, ShowsReadersTheLastCommit) {
  Sessions sessions;
  sessions.fold({"a", "b", "a"}, {100, 100, 115});
  EXPECT_TRUE(sessions.seen().empty());
  sessions.commit();
  sessions.fold({"a", "c"}, {108, 108});
  EXPECT_THAT(sessions.seen(), ElementsAre("+a 100 100 1 @100", "+a 115 115 1 @115", "+b 100 100 1 @100"));
  sessions.commit();
  EXPECT_THAT(sessions.seen(), ElementsAre("+a 100 115 3 @115", "+b 100 100 1 @100", "+c 108 108 1 @108"));
}

TEST(SessionTable, GivesClosedSessionsOnceByStartAndKey) {
  Sessions sessions(true);
  sessions.fold({"b", "a", "c", "c"}, {100, 100, 90, 120});
  EXPECT_THAT(sessions.closed(110), ElementsAre("+c 90 90 1 @90", "+a 100 100 1 @100", "+b 100 100 1 @100"));
  EXPECT_FALSE(sessions.table().has_closed(120));
  EXPECT_THAT(sessions.closed(121), ElementsAre("+c 120 120 1 @120"));
  EXPECT_EQ(sessions.fold({"a", "a"}, {115, 121}), 1U);  // the first would end before what is given out
}

TEST(SessionTable, ForgetsSessionsWithoutATrace) {
  Sessions sessions;
  sessions.fold({"a", "b"}, {100, 200});
  sessions.commit();
  sessions.table().expire_before(150);
  EXPECT_TRUE(sessions.changes().empty());
  sessions.commit();
  EXPECT_THAT(sessions.seen(), ElementsAre("+b 200 200 1 @200"));
}

TEST(SessionFrames, AreTheBytesThatTheirPageShows) {
  Sessions sessions;
  sessions.fold({"a", "a"}, {100, 108});
  const std::vector<Bytes> frames = sessions.commit();
  ASSERT_EQ(frames.size(), 2U);  // the sessions, then how far the partition is
  EXPECT_EQ(to_hex(frames[0]), "01 ff ff ff ff ff ff ff ff ff 01 00 01 01 61 01 d8 01 08 04");
}

TEST(SessionFrames, GiveTheSameTableAgain) {
  Sessions sessions;
  Sessions again;
  const std::vector<std::vector<int64_t>> rounds = {{100, 100, 130}, {115, 108, 131}, {500, 600, 600}};
  for (const std::vector<int64_t>& times : rounds) {
    sessions.fold({"a", "b", "a"}, times);
    for (const Bytes& frame : sessions.commit()) ASSERT_TRUE(again.table().fold(0, frame).ok());
    EXPECT_EQ(again.seen(), sessions.seen());
  }
  Sessions from_slices;
  Frames sink;
  while (!sessions.table().snapshot(1, sink)) continue;
  for (const Bytes& frame : sink.frames) ASSERT_TRUE(from_slices.table().fold(0, frame).ok());
  EXPECT_EQ(from_slices.seen(), sessions.seen());
  EXPECT_EQ(again.fold({"a"}, {589}), 1U);  // stream time came back too
  EXPECT_EQ(from_slices.fold({"a"}, {589}), 1U);
  EXPECT_FALSE(again.table().fold(0, "garbage").ok());
}

}  // namespace
}  // namespace tradewind::stream
