#include "state/table_state.h"

#include <algorithm>

namespace tradewind::state {

TableState::TableState(size_t state_bytes, Dictionary& keys)
    : row_bytes_(sizeof(RowHeader) + state_bytes), keys_(keys) {
  CHECK(state_bytes % 8 == 0);
}

TableState::~TableState() = default;

TableState::Window& TableState::window(int64_t start_ms) {
  if (last_ != nullptr && last_->start_ == start_ms) return *last_;
  std::unique_ptr<Window>& place = windows_[start_ms];
  if (place == nullptr) {
    place = std::make_unique<Window>();
    place->start_ = start_ms;
    bytes_ += bytes_of(*place);
  }
  last_ = place.get();
  return *last_;
}

const TableState::Window* TableState::find(int64_t start_ms) const {
  const auto found = windows_.find(start_ms);
  return found == windows_.end() ? nullptr : found->second.get();
}

size_t TableState::bytes_of(const Window& window) const {
  const size_t chunks = window.chunks_.size();
  const size_t rows = chunks == 0 ? 0 : (size_t{kFirstChunk} << chunks) - kFirstChunk;
  return sizeof(Window) + 64 + window.slot_of_.capacity() * sizeof(uint32_t) + rows * row_bytes_;
}

char* TableState::add_row(Window& window, uint32_t key) {
  bytes_ -= bytes_of(window);
  if (key >= window.slot_of_.size()) {
    window.slot_of_.resize(
        std::max<size_t>(key + 1, std::min<size_t>(keys_.size(), window.slot_of_.size() * 2)), 0);
  }
  const uint32_t slot = window.count_++;
  window.slot_of_[key] = slot + 1;
  const size_t capacity = (size_t{kFirstChunk} << window.chunks_.size()) - kFirstChunk;
  if (slot >= capacity) {
    window.chunks_.push_back(
        std::make_unique<char[]>((size_t{kFirstChunk} << window.chunks_.size()) * row_bytes_));
  }
  char* row = at(window, slot);
  header(row).key = key;
  header(row).time_ms = std::numeric_limits<int64_t>::min();
  keys_.retain(key);
  ++rows_;
  bytes_ += bytes_of(window);
  return row;
}

const char* TableState::committed_row(const char* row) const {
  const uint32_t dirty = header(row).dirty;
  const char* seen = dirty == 0 ? row : before(dirty - 1);
  return header(seen).committed != 0 ? seen : nullptr;
}

const char* TableState::committed_row(const Window& window, uint32_t key) const {
  if (key >= window.slot_of_.size() || window.slot_of_[key] == 0) return nullptr;
  return committed_row(at(window, window.slot_of_[key] - 1));
}

void TableState::committed() {
  for (const Dirty& change : dirty_) {
    header(change.row).dirty = 0;
    header(change.row).committed = 1;
  }
  dirty_.clear();
  if (before_.size() > 16 * 1024 * 1024) {
    before_.clear();
    before_.shrink_to_fit();
  }
}

void TableState::clear() {
  for (const auto& [start, window] : windows_) {
    for (uint32_t n = 0; n < window->count_; ++n) keys_.release(header(at(*window, n)).key);
  }
  windows_.clear();
  last_ = nullptr;
  dirty_.clear();
  rows_ = 0;
  bytes_ = 0;
}

}  // namespace tradewind::state
