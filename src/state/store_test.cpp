#include "state/store.h"

namespace tradewind::state {
namespace {

// The changes of a commit come first, then a slice of the snapshot; a restart folds them in that order.
TEST(Store, FoldsToTheNewValueWhenASliceIsTakenWhileAKeyChanges) {
  Store store;
  store.put("a", "old");
  store.put("b", "old");
  store.put("c", "old");
  store.committed();
  store.put("a", "new");
  store.erase("b");
  Bytes changes;
  store.changes(changes);
  Bytes slice;
  EXPECT_FALSE(store.snapshot("", 1000, slice).has_value());
  store.committed();

  Store restored;
  ASSERT_TRUE(restored.fold(changes).ok());
  ASSERT_TRUE(restored.fold(slice).ok());
  EXPECT_EQ(restored.get("a"), "new");
  EXPECT_FALSE(restored.get("b").has_value());
  EXPECT_EQ(restored.get("c"), "old");
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

}  // namespace
}  // namespace tradewind::state
