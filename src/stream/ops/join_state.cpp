// Frames. Of keyed rows: the byte 1, then entries of key, a byte (1: there, 0: gone) and, if there, the row.
// Of foreign rows: the same with the row's own key behind the key it points to.
#include "stream/ops/join_state.h"

#include "base/coding.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;
constexpr size_t kNodeBytes = 112;  // of a row in a map beside its bytes, about

void put_row(BytesView row, Bytes& out) {
  out += row.empty() ? '\0' : '\1';
  if (!row.empty()) put_bytes(out, row);
}

// The row of an entry; nothing when the bytes are none.
std::optional<RowBytes> get_row(BytesView& in) {
  if (in.empty()) return std::nullopt;
  const bool there = in[0] != '\0';
  in.remove_prefix(1);
  BytesView row;
  if (!there) return RowBytes();
  if (!get_bytes(in, row) || row.size() < sizeof(int64_t)) return std::nullopt;
  return RowBytes(row);
}

Error bad_frame() {
  return {Code::corrupt, "a frame of a join's rows cannot be read"};
}

}  // namespace

RowBytes KeyedRows::replace(uint32_t id, RowBytes row) {
  if (id >= slots_.size()) {
    if (row.empty()) return {};
    slots_.resize(std::max<size_t>(keys_.size(), id + 1));
  }
  Slot& slot = slots_[id];
  if (slot.row.empty() && row.empty()) return {};
  if (!slot.held) keys_.retain(id);
  slot.held = true;
  if (!slot.changed) changed_.push_back(id);
  slot.changed = true;
  row_bytes_ += row.size();
  row_bytes_ -= slot.row.size();
  changed_row_bytes_ += row.size();
  std::swap(slot.row, row);
  return row;
}

void KeyedRows::put_entry(uint32_t id, Bytes& out) const {
  put_bytes(out, keys_.key(id));
  put_row(slots_[id].row.view(), out);
}

void KeyedRows::changes(state::FrameSink& sink) {
  if (changed_.empty()) return;
  Bytes frame(1, kFrameVersion);
  for (const uint32_t id : changed_) put_entry(id, frame);
  sink.frame(0, frame);
}

void KeyedRows::committed() {
  for (const uint32_t id : changed_) {
    Slot& slot = slots_[id];
    slot.changed = false;
    if (!slot.row.empty()) continue;
    keys_.release(id);
    slot.held = false;
  }
  changed_.clear();
  changed_row_bytes_ = 0;
}

Result<> KeyedRows::fold(int32_t, BytesView in) {
  if (in.empty() || in[0] != kFrameVersion) return bad_frame();
  in.remove_prefix(1);
  while (!in.empty()) {
    BytesView key;
    if (!get_bytes(in, key)) return bad_frame();
    auto row = get_row(in);
    if (!row) return bad_frame();
    replace(keys_.intern(key), std::move(*row));
  }
  committed();
  return {};
}

bool KeyedRows::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame(1, kFrameVersion);
  const size_t most = frame.size() + budget;
  for (; snapshot_at_ < slots_.size() && frame.size() < most; ++snapshot_at_) {
    if (!slots_[snapshot_at_].row.empty()) put_entry(snapshot_at_, frame);
  }
  if (frame.size() > 1) sink.frame(0, frame);
  if (snapshot_at_ < slots_.size()) return false;
  snapshot_at_ = 0;
  return true;
}

const ForeignRows::Rows& ForeignRows::find(uint32_t id) const {
  static const Rows kNone;
  return id < slots_.size() ? slots_[id].rows : kNone;
}

RowBytes ForeignRows::replace(uint32_t id, BytesView row_key, RowBytes row) {
  if (id >= slots_.size()) slots_.resize(std::max<size_t>(keys_.size(), id + 1));
  Slot& slot = slots_[id];
  auto at = slot.rows.find(row_key);
  if (at == slot.rows.end() && row.empty()) return {};
  if (!slot.held) keys_.retain(id);
  slot.held = true;
  changed_[{id, Bytes(row_key)}] = true;
  changed_row_bytes_ += row.size();
  row_bytes_ += row.size();
  if (at == slot.rows.end()) {
    slot.rows.emplace(Bytes(row_key), std::move(row));
    row_bytes_ += kNodeBytes + row_key.size();
    return {};
  }
  RowBytes old = std::move(at->second);
  row_bytes_ -= old.size();
  if (row.empty()) {
    slot.rows.erase(at);
    row_bytes_ -= kNodeBytes + row_key.size();
  } else {
    at->second = std::move(row);
  }
  return old;
}

void ForeignRows::put_entry(uint32_t id, BytesView row_key, BytesView row, Bytes& out) const {
  put_bytes(out, keys_.key(id));
  put_bytes(out, row_key);
  put_row(row, out);
}

void ForeignRows::changes(state::FrameSink& sink) {
  if (changed_.empty()) return;
  Bytes frame(1, kFrameVersion);
  for (const auto& [entry, changed] : changed_) {
    const Rows& rows = slots_[entry.first].rows;
    const auto at = rows.find(entry.second);
    put_entry(entry.first, entry.second, at == rows.end() ? BytesView() : at->second.view(), frame);
  }
  sink.frame(0, frame);
}

void ForeignRows::committed() {
  for (const auto& [entry, changed] : changed_) {
    Slot& slot = slots_[entry.first];
    if (!slot.held || !slot.rows.empty()) continue;
    keys_.release(entry.first);
    slot.held = false;
  }
  changed_.clear();
  changed_row_bytes_ = 0;
}

Result<> ForeignRows::fold(int32_t, BytesView in) {
  if (in.empty() || in[0] != kFrameVersion) return bad_frame();
  in.remove_prefix(1);
  while (!in.empty()) {
    BytesView key;
    BytesView row_key;
    if (!get_bytes(in, key) || !get_bytes(in, row_key)) return bad_frame();
    auto row = get_row(in);
    if (!row) return bad_frame();
    replace(keys_.intern(key), row_key, std::move(*row));
  }
  committed();
  return {};
}

bool ForeignRows::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame(1, kFrameVersion);
  const size_t most = frame.size() + budget;
  for (; snapshot_at_ < slots_.size() && frame.size() < most; ++snapshot_at_) {
    for (const auto& [row_key, row] : slots_[snapshot_at_].rows)
      put_entry(snapshot_at_, row_key, row.view(), frame);
  }
  if (frame.size() > 1) sink.frame(0, frame);
  if (snapshot_at_ < slots_.size()) return false;
  snapshot_at_ = 0;
  return true;
}

}  // namespace tradewind::stream
