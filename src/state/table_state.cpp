#include "state/table_state.h"

#include <algorithm>

namespace tradewind::state {

TableState::TableState(size_t state_bytes, Dictionary& keys)
    : row_bytes_(sizeof(RowHeader) + state_bytes), keys_(keys), pool_(row_bytes_) {
  CHECK(state_bytes % 8 == 0);
}

TableState::~TableState() = default;

TableState::Window& TableState::window(int64_t start_ms) {
  if (last_ != nullptr && last_->start_ == start_ms) return *last_;
  std::unique_ptr<Window>& place = windows_[start_ms];
  if (place == nullptr) {
    place = std::make_unique<Window>();
    place->start_ = start_ms;
    if (last_ != nullptr) place->slots_.expect(last_->rows(), keys_.size());  // much as the one before
    index_bytes_ += sizeof(Window) + 64 + place->slots_.bytes();
  }
  last_ = place.get();
  return *last_;
}

const TableState::Window* TableState::find(int64_t start_ms) const {
  const auto found = windows_.find(start_ms);
  return found == windows_.end() ? nullptr : found->second.get();
}

char* TableState::add_row(Window& window, uint32_t key) {
  index_bytes_ -= window.slots_.bytes();
  window.slots_.add(key, window.rows(), keys_.size());
  index_bytes_ += window.slots_.bytes();
  char* row = window.rows_.add(pool_);
  std::memset(row, 0, row_bytes_);
  header(row).key = key;
  header(row).time_ms = std::numeric_limits<int64_t>::min();
  keys_.retain(key);
  ++rows_;
  return row;
}

// REQUIRES it is erased next.
void TableState::forget(Window& window) {
  index_bytes_ -= sizeof(Window) + 64 + window.slots_.bytes();
  rows_ -= window.rows();
  window.rows_.give_back(pool_);
  last_ = nullptr;
}

const char* TableState::committed_row(const char* row) const {
  const RowHeader& seen = header(row);
  if (!seen.committed()) return nullptr;
  return seen.dirty() == 0 ? row : dirty_[seen.dirty() - 1].before;
}

const char* TableState::committed_row(const Window& window, uint32_t key) const {
  const uint32_t slot = window.slots_.find(key);
  return slot == SlotIndex::kNone ? nullptr : committed_row(row(window, slot));
}

void TableState::committed() {
  constexpr size_t kAhead = 24;
  for (size_t i = 0; i < dirty_.size(); ++i) {
    if (i + kAhead < dirty_.size()) __builtin_prefetch(dirty_[i + kAhead].row, 1);
    header(dirty_[i].row).marks = RowHeader::kCommitted;
  }
  before_.give_back(pool_, dirty_.size());
  dirty_.clear();
}

void TableState::clear() {
  for (const auto& [start, window] : windows_) {
    for (uint32_t n = 0; n < window->rows(); ++n) keys_.release(header(row(*window, n)).key);
    forget(*window);
  }
  windows_.clear();
  dirty_.clear();
  before_.give_back(pool_);
  pool_.clear();
}

}  // namespace tradewind::state
