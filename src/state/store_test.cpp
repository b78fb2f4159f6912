#include "state/store.h"

namespace tradewind::state {
namespace {

// What a fold of these frames, in order, remembers.
std::map<Bytes, Bytes> folded(const std::vector<Bytes>& frames) {
  Store store;
  for (const Bytes& frame : frames) EXPECT_TRUE(store.fold(frame).ok());
  std::map<Bytes, Bytes> entries;
  store.scan_committed({}, {}, [&](BytesView key, BytesView value) {
    entries.emplace(key, value);
    return true;
  });
  return entries;
}

Bytes frame_of(const Store& store) {
  Bytes frame;
  store.changes(frame);
  return frame;
}

TEST(Store, ShowsItsWriterWhatOthersSeeAfterTheCommit) {
  Store store;
  store.put("a", "1");
  EXPECT_EQ(store.get("a"), BytesView("1"));
  EXPECT_EQ(store.get_committed("a"), std::nullopt);
  store.committed();
  EXPECT_EQ(store.get_committed("a"), BytesView("1"));
  store.erase("a");
  EXPECT_EQ(store.get("a"), std::nullopt);
  EXPECT_EQ(store.get_committed("a"), BytesView("1"));
}

TEST(Store, IsWhatItsFramesFoldTo) {
  Store store;
  std::vector<Bytes> frames;
  store.put("a", "1");
  store.put("b", "2");
  frames.push_back(frame_of(store));
  store.committed();
  store.erase("a");
  store.put("b", "3");
  frames.push_back(frame_of(store));
  store.committed();
  EXPECT_THAT(folded(frames), testing::ElementsAre(testing::Pair("b", "3")));
}

TEST(Store, TakesNothingBackBySlicesOfASnapshotThatStandBehindItsFrames) {
  Store store;
  for (const char* key : {"a", "b", "c", "d"}) store.put(key, "old");
  store.committed();
  store.put("b", "changed");
  store.erase("c");
  store.put("e", "added");
  std::vector<Bytes> frames = {frame_of(store)};
  std::optional<Bytes> after = Bytes();
  while (after) {
    Bytes slice;
    after = store.snapshot(*after, 1, slice);
    frames.push_back(slice);
  }
  store.committed();
  EXPECT_THAT(folded(frames), testing::ElementsAre(testing::Pair("a", "old"), testing::Pair("b", "changed"),
                                                   testing::Pair("d", "old"), testing::Pair("e", "added")));
}

TEST(Store, IsGivenWholeInSlices) {
  Store store;
  for (int i = 0; i < 100; ++i) store.put("key" + std::to_string(i), std::to_string(i));
  store.committed();
  Store restored;
  Bytes after;
  int slices = 0;
  while (true) {
    Bytes slice;
    const auto last = store.snapshot(after, 50, slice);
    ASSERT_TRUE(restored.fold(slice).ok());
    ++slices;
    if (!last) break;
    after = *last;
  }
  EXPECT_GT(slices, 10);
  EXPECT_EQ(restored.size(), 100U);
  EXPECT_EQ(restored.get("key42"), "42");
}

TEST(Store, RefusesFramesThatEndTooEarly) {
  Store store;
  store.put("key", "value");
  const Bytes frame = frame_of(store);
  for (size_t size = 1; size < frame.size(); ++size) {
    Store other;
    EXPECT_FALSE(other.fold(BytesView(frame).substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace tradewind::state
