#include "stream/ops/join_state.h"

#include "stream/ops/join_window.h"

namespace tradewind::stream {
namespace {

using testing::ElementsAre;

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t, BytesView bytes) override { frames.emplace_back(bytes); }
  std::vector<Bytes> frames;
};

std::vector<Bytes> changes_of(state::Durable& state) {
  Frames sink;
  state.changes(sink);
  state.committed();
  return sink.frames;
}

// All slices of a snapshot, a commit each, with what changed in between.
std::vector<Bytes> snapshot_of(state::Durable& state, const std::function<void()>& between = nullptr) {
  Frames sink;
  for (bool complete = false; !complete;) {
    complete = state.snapshot(1, sink);
    if (!complete && between != nullptr) {
      between();
      state.changes(sink);
      state.committed();
    }
  }
  return sink.frames;
}

RowBytes row(const std::string& text) {
  return RowBytes("12345678" + text);
}
std::string text_of(BytesView row) {
  return row.empty() ? "none" : std::string(row.substr(8));
}

TEST(KeyedRows, RestoreFromTheirFramesWithWhatWasTakenAway) {
  Dictionary keys;
  KeyedRows rows(keys);
  std::vector<Bytes> frames;
  const auto commit = [&] {
    for (Bytes& frame : changes_of(rows)) frames.push_back(std::move(frame));
  };
  EXPECT_TRUE(rows.replace(keys.intern("a"), row("one")).empty());
  rows.replace(keys.intern("b"), row("two"));
  commit();
  EXPECT_EQ(text_of(rows.replace(keys.intern("a"), row("three")).view()), "one");
  EXPECT_EQ(text_of(rows.replace(keys.intern("b"), {}).view()), "two");
  EXPECT_TRUE(rows.replace(keys.intern("c"), {}).empty());
  commit();
  Dictionary again;
  KeyedRows restored(again);
  for (const Bytes& frame : frames) ASSERT_TRUE(restored.fold(0, frame).ok());
  EXPECT_EQ(text_of(restored.find(again.find("a"))), "three");
  EXPECT_EQ(text_of(restored.find(again.find("b"))), "none");
  EXPECT_EQ(changes_of(restored).size(), 0U) << "nothing has changed since";
}

TEST(KeyedRows, ASnapshotWithChangesBetweenItsSlicesIsTheState) {
  Dictionary keys;
  KeyedRows rows(keys);
  for (const char* key : {"a", "b", "c"}) rows.replace(keys.intern(key), row(key));
  changes_of(rows);
  int moment = 0;
  const auto frames = snapshot_of(rows, [&] {
    if (moment++ == 0) rows.replace(keys.intern("a"), {});
    rows.replace(keys.intern("c"), row("late"));
  });
  Dictionary again;
  KeyedRows restored(again);
  for (const Bytes& frame : frames) ASSERT_TRUE(restored.fold(0, frame).ok());
  EXPECT_EQ(text_of(restored.find(again.intern("a"))), "none");
  EXPECT_EQ(text_of(restored.find(again.intern("b"))), "b");
  EXPECT_EQ(text_of(restored.find(again.intern("c"))), "late");
}

TEST(KeyedRows, LetGoOfKeysThatHoldNothing) {
  Dictionary keys;
  KeyedRows rows(keys);
  constexpr int kMany = 300'000;
  for (int i = 0; i < kMany; ++i) rows.replace(keys.intern(std::to_string(i)), row("one"));
  changes_of(rows);
  for (int i = 1; i < kMany; ++i) rows.replace(keys.find(std::to_string(i)), {});
  changes_of(rows);
  keys.sweep();
  EXPECT_EQ(keys.find("1"), Dictionary::kNone);
  EXPECT_EQ(text_of(rows.find(keys.find("0"))), "one");
}

TEST(ForeignRows, KnowTheRowsThatPointToAKeyInTheOrderOfTheirOwn) {
  Dictionary keys;
  ForeignRows rows(keys);
  const uint32_t id = keys.intern("target");
  rows.replace(id, "z", row("last"));
  rows.replace(id, "a", row("first"));
  rows.replace(keys.intern("other"), "b", row("elsewhere"));
  const auto first = changes_of(rows);
  EXPECT_EQ(text_of(rows.replace(id, "z", {}).view()), "last");
  rows.replace(id, "m", row("middle"));
  const auto second = changes_of(rows);
  Dictionary again;
  ForeignRows restored(again);
  for (const auto* frames : {&first, &second}) {
    for (const Bytes& frame : *frames) ASSERT_TRUE(restored.fold(0, frame).ok());
  }
  std::vector<std::string> found;
  for (const auto& [key, value] : restored.find(again.find("target")))
    found.push_back(key + " " + text_of(value.view()));
  EXPECT_THAT(found, ElementsAre("a first", "m middle"));
}

TEST(JoinState, RefusesBytesThatAreNoFrame) {
  Dictionary keys;
  KeyedRows rows(keys);
  ForeignRows foreign(keys);
  WindowRows window(keys, true, 10, 20);
  for (const Bytes& bad : {Bytes(), Bytes("x"), Bytes("\1\5ab"), Bytes("\1\1a\1\1b")}) {
    EXPECT_EQ(rows.fold(0, bad).error().code, Code::corrupt);
    EXPECT_EQ(foreign.fold(0, bad).error().code, Code::corrupt);
    EXPECT_EQ(window.fold(0, bad).error().code, Code::corrupt);
  }
}

// The rows of "k" that lie in [from, to].
std::vector<std::string> met(WindowRows& rows, Dictionary& keys, int64_t from, int64_t to) {
  std::vector<std::string> found;
  rows.meet(keys.intern("k"), from, to, [&](BytesView row) { found.push_back(text_of(row)); });
  return found;
}

TEST(WindowRows, MeetByKeyAndTimeWithBothBounds) {
  Dictionary keys;
  WindowRows rows(keys, false, 10, 20);
  const uint32_t id = keys.intern("k");
  rows.add(id, 30, row("c"), false);
  rows.add(id, 10, row("a"), false);
  rows.add(id, 20, row("b"), false);
  rows.add(id, 20, row("b2"), false);
  rows.add(keys.intern("other"), 20, row("x"), false);
  EXPECT_THAT(met(rows, keys, 10, 20), ElementsAre("a", "b", "b2"));
  EXPECT_THAT(met(rows, keys, 21, 29), ElementsAre());
}

TEST(WindowRows, GiveUnmatchedRowsOutOnceAndAgainNotAfterARestore) {
  Dictionary keys;
  WindowRows rows(keys, true, 10, 20);
  const uint32_t id = keys.intern("k");
  rows.add(id, 100, row("alone"), false);
  rows.add(id, 101, row("met"), false);
  rows.add(id, 120, row("open"), false);
  rows.raise_stream_time(105);
  std::vector<Bytes> frames = changes_of(rows);
  met(rows, keys, 101, 101);
  rows.raise_stream_time(120);
  EXPECT_FALSE(rows.closed(110)) << "100 is open until event time has passed 110";
  ASSERT_TRUE(rows.closed(111));
  EXPECT_EQ(text_of(rows.take_closed().row.view()), "alone");
  EXPECT_FALSE(rows.closed(120)) << "101 has been met, 120 is open";
  for (Bytes& frame : changes_of(rows)) frames.push_back(std::move(frame));
  Dictionary again;
  WindowRows restored(again, true, 10, 20);
  for (const Bytes& frame : frames) ASSERT_TRUE(restored.fold(0, frame).ok());
  EXPECT_EQ(restored.stream_time(), 120);
  EXPECT_FALSE(restored.closed(130));
  EXPECT_EQ(restored.closed(131), 120);
  EXPECT_THAT(met(restored, again, 0, 1000), ElementsAre("met", "open"));
}

TEST(WindowRows, ForgetWhatNothingCanMeetAnyMore) {
  Dictionary keys;
  WindowRows rows(keys, false, 10, 20);
  const uint32_t id = keys.intern("k");
  for (int64_t time = 0; time < 1000; ++time) {
    rows.add(id, time, row("r"), false);
    rows.raise_stream_time(time);
    if (time % 50 == 0) changes_of(rows);
  }
  changes_of(rows);
  EXPECT_LE(met(rows, keys, 0, 1000).size(), 25U);
  EXPECT_GE(met(rows, keys, 979, 999).size(), 21U);
  EXPECT_LT(rows.bytes(), 5000U);
}

TEST(WindowRows, ASnapshotHoldsWhatWasMetBetweenItsSlices) {
  Dictionary keys;
  WindowRows rows(keys, true, 10, 20);
  rows.add(keys.intern("other"), 99, row("x"), true);
  rows.add(keys.intern("k"), 100, row("a"), false);
  rows.raise_stream_time(100);
  changes_of(rows);
  const auto frames = snapshot_of(rows, [&] { met(rows, keys, 100, 100); });
  Dictionary again;
  WindowRows restored(again, true, 10, 20);
  for (const Bytes& frame : frames) ASSERT_TRUE(restored.fold(0, frame).ok());
  EXPECT_FALSE(restored.closed(1000)) << "nobody is unmatched";
}

}  // namespace
}  // namespace tradewind::stream
