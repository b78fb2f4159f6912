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

namespace tradewind::state {

struct RowHeader {
  int64_t time_ms;     // the greatest event time that went in
  uint32_t dirty;      // one more than its place in the list of changes; 0: as committed
  uint32_t key;        // id in the dictionary
  uint32_t committed;  // 1: was there at the last commit
  uint32_t reserved;
};

class TableState {
 public:
  static constexpr int64_t kNoWindow = std::numeric_limits<int64_t>::min();

  class Window {
   public:
    int64_t start() const { return start_; }
    uint32_t rows() const { return count_; }

   private:
    friend class TableState;
    int64_t start_ = 0;
    uint32_t count_ = 0;
    std::vector<uint32_t> slot_of_;                // key id -> slot + 1
    std::vector<std::unique_ptr<char[]>> chunks_;  // the nth holds 8 << n rows
  };

  struct Dirty {
    char* row;
    Window* window;
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
    char* row = row_of(window, key);
    if (header(row).dirty == 0) mark(window, row);
    return row;
  }
  // touch() in two halves, so that many rows can be fetched from memory at once: find first, mark later.
  char* find_row(Window& window, uint32_t key) {
    char* row = row_of(window, key);
    __builtin_prefetch(row, 1);
    return row;
  }
  void mark_changed(Window& window, char* row) {
    if (header(row).dirty == 0) mark(window, row);
  }

  // What changed since the last commit, in the order of the first change.
  const std::vector<Dirty>& dirty() const { return dirty_; }
  // What a changed row held before; its header says whether it was there at all.
  const char* before(size_t index) const { return before_.data() + index * row_bytes_; }

  // What readers see of a row: the last commit; null when it was not there then.
  const char* committed_row(const char* row) const;
  const char* committed_row(const Window& window, uint32_t key) const;
  // The nth row of a window. REQUIRES n < rows().
  char* row(const Window& window, uint32_t n) const { return at(window, n); }
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
      for (uint32_t n = 0; n < window.count_; ++n) {
        each(at(window, n));
        keys_.release(header(at(window, n)).key);
      }
      bytes_ -= bytes_of(window);
      rows_ -= window.count_;
      last_ = nullptr;
      windows_.erase(windows_.begin());
    }
  }
  // Forgets everything, changes too.
  void clear();

  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_ + before_.capacity() + dirty_.capacity() * sizeof(Dirty); }

 private:
  static constexpr uint32_t kFirstChunk = 8;

  char* at(const Window& window, uint32_t slot) const {
    const uint32_t shifted = slot + kFirstChunk;
    const int chunk = 31 - __builtin_clz(shifted) - 3;
    return window.chunks_[static_cast<size_t>(chunk)].get() + (shifted - (kFirstChunk << chunk)) * row_bytes_;
  }
  char* row_of(Window& window, uint32_t key) {
    if (key < window.slot_of_.size() && window.slot_of_[key] != 0)
      return at(window, window.slot_of_[key] - 1);
    return add_row(window, key);
  }
  void mark(Window& window, char* row) {
    const size_t index = dirty_.size();
    dirty_.push_back({row, &window});
    if (before_.size() < (index + 1) * row_bytes_) before_.resize((index + 1) * row_bytes_ * 2);
    std::memcpy(before_.data() + index * row_bytes_, row, row_bytes_);
    header(row).dirty = static_cast<uint32_t>(index + 1);
  }
  char* add_row(Window& window, uint32_t key);
  size_t bytes_of(const Window& window) const;

  const size_t row_bytes_;
  Dictionary& keys_;
  std::map<int64_t, std::unique_ptr<Window>> windows_;
  Window* last_ = nullptr;
  std::vector<Dirty> dirty_;
  std::vector<char> before_;
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tradewind::state
