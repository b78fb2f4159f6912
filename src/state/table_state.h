#pragma once
// TableState: hot aggregates: window -> rows of fixed size, one per interned key, with a list of what changed
// since the last commit and what those rows held before.
//
// A row is a RowHeader and then the states of the aggregates. Rows do not move. The owner sees its own
// changes at once; readers are given the last commit (committed_row). It knows no log and no format. Threads:
// one owner; readers only while the owner is kept out (one mutex per task does that).

#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "base/check.h"
#include "data/dictionary.h"
#include "state/row_chunks.h"
#include "state/slot_index.h"

namespace tradewind::state {

struct RowHeader {
  static constexpr uint32_t kCommitted = 1U << 31;

  int64_t time_ms;  // the greatest event time that went in
  uint32_t marks;   // kCommitted: was there at the last commit; below: one more than its place in the list of
                    // changes, 0: as committed
  uint32_t key;     // id in the dictionary

  bool committed() const { return (marks & kCommitted) != 0; }
  uint32_t dirty() const { return marks & ~kCommitted; }
};

class TableState {
 public:
  static constexpr int64_t kNoWindow = std::numeric_limits<int64_t>::min();

  class Window {
   public:
    int64_t start() const { return start_; }
    uint32_t rows() const { return rows_.size(); }

   private:
    friend class TableState;
    int64_t start_ = 0;
    SlotIndex slots_;
    RowChunks rows_;
  };

  struct Dirty {
    char* row;
    Window* window;
    const char* before;  // what it held at the last commit; null: it was not there
  };

  // `state_bytes` of aggregate states in a row, a multiple of 8. The dictionary outlives this.
  TableState(size_t state_bytes, Dictionary& keys);
  ~TableState();
  TableState(const TableState&) = delete;
  TableState& operator=(const TableState&) = delete;

  size_t row_bytes() const { return row_bytes_; }
  static RowHeader& header(char* row) { return *reinterpret_cast<RowHeader*>(row); }
  static const RowHeader& header(const char* row) { return *reinterpret_cast<const RowHeader*>(row); }

  // The window that starts there, made if it is new.
  Window& window(int64_t start_ms);
  const Window* find(int64_t start_ms) const;

  // The row of a key, made (zeroed) if it is new; marked as changed.
  char* touch(Window& window, uint32_t key) {
    char* row = find_row(window, key);
    mark_changed(window, row);
    return row;
  }
  // touch() in three steps, so that the memory of many rows is fetched at once: first look, then find, then
  // mark.
  static void look(const Window& window, uint32_t key) { window.slots_.prefetch(key); }
  char* find_row(Window& window, uint32_t key) {
    const uint32_t slot = window.slots_.find(key);
    char* row = slot == SlotIndex::kNone ? add_row(window, key) : window.rows_.at(slot, row_bytes_);
    __builtin_prefetch(row, 1);
    __builtin_prefetch(row + row_bytes_ - 1, 1);
    return row;
  }
  void mark_changed(Window& window, char* row) {
    if (header(row).dirty() == 0) mark(window, row);
  }

  // What changed since the last commit, in the order of the first change.
  const std::vector<Dirty>& dirty() const { return dirty_; }

  // What readers see of a row: the last commit; null when it was not there then.
  const char* committed_row(const char* row) const;
  const char* committed_row(const Window& window, uint32_t key) const;
  // The nth row of a window. REQUIRES n < rows().
  char* row(const Window& window, uint32_t n) const { return window.rows_.at(n, row_bytes_); }
  const std::map<int64_t, std::unique_ptr<Window>>& windows() const { return windows_; }

  // The changes are committed.
  void committed();
  // Forgets windows that start before `start_ms`; `each` sees every row of them first. REQUIRES nothing is
  // dirty.
  template <typename Each>
  void drop_before(int64_t start_ms, Each each) {
    CHECK(dirty_.empty());
    while (!windows_.empty() && windows_.begin()->first < start_ms) {
      Window& window = *windows_.begin()->second;
      for (uint32_t n = 0; n < window.rows(); ++n) {
        each(row(window, n));
        keys_.release(header(row(window, n)).key);
      }
      forget(window);
      windows_.erase(windows_.begin());
    }
  }
  // Forgets everything, changes too.
  void clear();

  size_t rows() const { return rows_; }
  size_t bytes() const { return index_bytes_ + pool_.bytes() + dirty_.capacity() * sizeof(Dirty); }

 private:
  void mark(Window& window, char* row) {
    const char* before = nullptr;
    if (header(row).committed()) {
      char* copy = before_.add(pool_);
      std::memcpy(copy, row, row_bytes_);
      before = copy;
    }
    dirty_.push_back({row, &window, before});
    header(row).marks += static_cast<uint32_t>(dirty_.size());
  }
  char* add_row(Window& window, uint32_t key);
  void forget(Window& window);

  const size_t row_bytes_;
  Dictionary& keys_;
  ChunkPool pool_;
  std::map<int64_t, std::unique_ptr<Window>> windows_;
  Window* last_ = nullptr;
  std::vector<Dirty> dirty_;
  RowChunks before_;
  size_t rows_ = 0;
  size_t index_bytes_ = 0;
};

}  // namespace tradewind::state
