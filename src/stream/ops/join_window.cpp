// Frames: the byte 1, zigzag stream time, varint next number; then entries: 'r', key, zigzag time, varint
// number, a byte (1: matched) and the row; or 'm', key, time and number: that row has been met. Which rows
// are gone follows from the stream time.
#include "stream/ops/join_window.h"

#include <algorithm>

#include "base/coding.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;
constexpr int64_t kSpans = 16;  // that what is kept is cut into, to forget it

Error bad_frame() {
  return {Code::corrupt, "a frame of a join's streams cannot be read"};
}

}  // namespace

std::vector<WindowRows::Entry>::iterator WindowRows::first_at(std::vector<Entry>& entries, int64_t from) {
  return std::lower_bound(entries.begin(), entries.end(), from,
                          [](const Entry& entry, int64_t time) { return entry.time < time; });
}

WindowRows::Entry* WindowRows::find(const Place& place) {
  if (place.id >= by_id_.size()) return nullptr;
  std::vector<Entry>& entries = by_id_[place.id];
  for (auto at = first_at(entries, place.time); at != entries.end() && at->time == place.time; ++at) {
    if (at->number == place.number) return &*at;
  }
  return nullptr;
}

void WindowRows::insert(uint32_t id, Entry entry) {
  if (id >= by_id_.size()) by_id_.resize(std::max<size_t>(keys_.size(), id + 1));
  std::vector<Entry>& entries = by_id_[id];
  if (entries.empty()) keys_.retain(id);
  row_bytes_ += entry.row.size() + sizeof(Entry);
  if (outer_ && !entry.matched) unmatched_.insert({entry.time, entry.number, id});
  by_span_[entry.time / (kept_ms_ / kSpans + 1)].push_back(id);
  const auto at = std::upper_bound(entries.begin(), entries.end(), entry.time,
                                   [](int64_t time, const Entry& other) { return time < other.time; });
  entries.insert(at, std::move(entry));
}

BytesView WindowRows::add(uint32_t id, int64_t time, RowBytes row, bool matched) {
  const BytesView view = row.view();
  changed_row_bytes_ += view.size() + 64;
  changed_.push_back({time, next_number_, id});
  insert(id, {.time = time,
              .number = next_number_++,
              .row = std::move(row),
              .matched = matched,
              .changed = true,
              .fresh = true});
  return view;
}

void WindowRows::mark_matched(uint32_t id, Entry& entry) {
  entry.matched = true;
  const Place place{entry.time, entry.number, id};
  if (!outer_) return;  // nobody asks
  unmatched_.erase(place);
  if (!entry.changed) changed_.push_back(place);
  entry.changed = true;
}

std::optional<int64_t> WindowRows::closed(int64_t stream_time) const {
  if (unmatched_.empty() || unmatched_.begin()->time >= stream_time - reach_ms_) return std::nullopt;
  return unmatched_.begin()->time;
}

WindowRows::Entry WindowRows::take(const Place& place) {
  std::vector<Entry>& entries = by_id_[place.id];
  Entry* found = find(place);
  CHECK(found != nullptr);
  Entry taken = std::move(*found);
  entries.erase(entries.begin() + (found - entries.data()));
  row_bytes_ -= taken.row.size() + sizeof(Entry);
  if (entries.empty()) keys_.release(place.id);
  unmatched_.erase(place);
  return taken;
}

WindowRows::Unmatched WindowRows::take_closed() {
  const Place place = *unmatched_.begin();
  return {place.id, take(place).row};
}

// Rows that nothing can meet any more: a row of the other side that is not late itself lies too far from
// them.
void WindowRows::expire() {
  if (stream_time_ == INT64_MIN) return;
  const int64_t bound = stream_time_ - kept_ms_;
  const int64_t span = kept_ms_ / kSpans + 1;
  while (!by_span_.empty() && (by_span_.begin()->first + 1) * span <= bound) {
    std::vector<uint32_t>& ids = by_span_.begin()->second;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const uint32_t id : ids) {
      std::vector<Entry>& entries = by_id_[id];
      if (entries.empty()) continue;
      const auto to = first_at(entries, bound);
      for (auto at = entries.begin(); at != to; ++at) {
        row_bytes_ -= at->row.size() + sizeof(Entry);
        unmatched_.erase({at->time, at->number, id});
      }
      entries.erase(entries.begin(), to);
      if (entries.empty()) keys_.release(id);
    }
    by_span_.erase(by_span_.begin());
  }
}

void WindowRows::put_header(Bytes& out) const {
  out += kFrameVersion;
  put_zigzag(out, stream_time_);
  put_varint(out, next_number_);
}

void WindowRows::put_row(uint32_t id, const Entry& entry, Bytes& out) const {
  out += 'r';
  put_bytes(out, keys_.key(id));
  put_zigzag(out, entry.time);
  put_varint(out, entry.number);
  out += entry.matched ? '\1' : '\0';
  put_bytes(out, entry.row.view());
}

void WindowRows::changes(state::FrameSink& sink) {
  if (changed_.empty() && stream_time_ == saved_stream_time_) return;
  Bytes frame;
  put_header(frame);
  for (const Place& place : changed_) {
    const Entry* entry = find(place);
    if (entry == nullptr) continue;  // came and went
    if (entry->fresh) {
      put_row(place.id, *entry, frame);
      continue;
    }
    frame += 'm';
    put_bytes(frame, keys_.key(place.id));
    put_zigzag(frame, place.time);
    put_varint(frame, place.number);
  }
  sink.frame(0, frame);
}

void WindowRows::committed() {
  for (const Place& place : changed_) {
    if (Entry* entry = find(place)) entry->changed = entry->fresh = false;
  }
  changed_.clear();
  changed_row_bytes_ = 0;
  saved_stream_time_ = stream_time_;
  expire();
}

Result<> WindowRows::take_entry(char kind, BytesView& in) {
  BytesView key;
  Entry entry;
  if (!get_bytes(in, key) || !get_zigzag(in, entry.time) || !get_varint(in, entry.number)) return bad_frame();
  const uint32_t id = keys_.intern(key);
  const Place place{entry.time, entry.number, id};
  Entry* known = find(place);
  if (kind == 'm') {
    if (known != nullptr) mark_matched(id, *known);
    return {};
  }
  BytesView row;
  if (kind != 'r' || in.empty()) return bad_frame();
  entry.matched = in[0] != '\0';
  in.remove_prefix(1);
  if (!get_bytes(in, row) || row.size() < sizeof(int64_t)) return bad_frame();
  if (known != nullptr) take(place);  // a snapshot tells it again
  entry.row = RowBytes(row);
  insert(id, std::move(entry));
  return {};
}

Result<> WindowRows::fold(int32_t, BytesView in) {
  int64_t stream_time = 0;
  uint64_t next = 0;
  if (in.empty() || in[0] != kFrameVersion) return bad_frame();
  in.remove_prefix(1);
  if (!get_zigzag(in, stream_time) || !get_varint(in, next)) return bad_frame();
  while (!in.empty()) {
    const char kind = in[0];
    in.remove_prefix(1);
    TRY(take_entry(kind, in));
  }
  raise_stream_time(stream_time);
  next_number_ = std::max(next_number_, next);
  while (closed(stream_time_)) take_closed();  // given out with that frame, or before
  committed();
  return {};
}

bool WindowRows::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame;
  put_header(frame);
  const size_t most = frame.size() + budget;
  for (; snapshot_at_ < by_id_.size() && frame.size() < most; ++snapshot_at_) {
    for (const Entry& entry : by_id_[snapshot_at_]) put_row(snapshot_at_, entry, frame);
  }
  sink.frame(0, frame);
  if (snapshot_at_ < by_id_.size()) return false;
  snapshot_at_ = 0;
  return true;
}

}  // namespace tradewind::stream
