// What an AggregateTable writes at a commit and reads at a restore.
//
// Frame: version 1, zigzag expired-before, varint n and n times (zigzag partition, zigzag progress), varint
// rows; then by column: zigzag window ordinals as differences (windowed only), zigzag times as differences,
// keys (varint length, bytes), and each aggregate's own bytes. A partial has the same form.
#include <algorithm>

#include "base/coding.h"
#include "base/mutant.h"
#include "stream/ops/aggregate_table.h"
#include "stream/ops/frame_head.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;
constexpr size_t kSnapshotRows = 512;
constexpr size_t kAhead = 24;  // rows that memory is asked for before they are read

}  // namespace

void AggregateTable::put_frame(const char* const* rows, const int64_t* windows, size_t count,
                               const Progress& progress, bool whole, Bytes& out) const {
  out += kFrameVersion;
  {
    put_frame_head(std::max(expired_, expire_next_), progress, count, out);
    Packer pack(out);
    int64_t last = 0;
    if (step_.window) {
      const int64_t advance = step_.window->advance.count();
      int64_t start = INT64_MIN;
      int64_t ordinal = 0;
      for (size_t i = 0; i < count; ++i) {
        if (windows[i] != start) ordinal = (start = windows[i]) / advance;
        pack.zigzag(ordinal - last);
        last = ordinal;
      }
    }
    last = 0;
    for (size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) __builtin_prefetch(rows[i + kAhead]);
      const int64_t time = state::TableState::header(rows[i]).time_ms;
      pack.zigzag(time - last);
      last = time;
    }
    for (size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) keys_.dictionary().look(state::TableState::header(rows[i + kAhead]).key);
      pack.bytes(keys_.key(state::TableState::header(rows[i]).key));
    }
  }
  for (const auto& aggregate : aggregates_) aggregate->save(rows, count, whole, out);
}

void AggregateTable::changes(state::FrameSink& sink) {
  const auto& dirty = state_.dirty();
  std::vector<uint32_t> starts(static_cast<size_t>(groups_) + 1, 0);
  std::vector<int32_t> groups(dirty.size());
  for (size_t i = 0; i < dirty.size(); ++i) {
    if (i + kAhead < dirty.size()) __builtin_prefetch(dirty[i + kAhead].row);
    groups[i] = keys_.group_of(state::TableState::header(dirty[i].row).key);
    ++starts[static_cast<size_t>(groups[i]) + 1];
  }
  for (size_t g = 0; g < static_cast<size_t>(groups_); ++g) starts[g + 1] += starts[g];
  std::vector<const char*> rows(dirty.size());
  std::vector<int64_t> windows(dirty.size());
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  for (size_t i = 0; i < dirty.size(); ++i) {
    const uint32_t at = next[static_cast<size_t>(groups[i])]++;
    rows[at] = dirty[i].row;
    windows[at] = dirty[i].window->start();
  }
  for (int32_t g = 0; g < groups_; ++g) {
    const uint32_t from = starts[static_cast<size_t>(g)];
    const uint32_t to = starts[static_cast<size_t>(g) + 1];
    if (from == to && expire_next_ <= expired_) continue;
    scratch_.clear();
    put_frame(rows.data() + from, windows.data() + from, to - from, {}, false, scratch_);
    sink.frame(g, scratch_);
  }
  put_progress(true, sink);
}

void AggregateTable::put_progress(bool moved_only, state::FrameSink& sink) {
  put_progress_frames(
      progress_, moved_only ? &saved_progress_ : nullptr, sink,
      [&](const Progress& progress, Bytes& out) { put_frame(nullptr, nullptr, 0, progress, false, out); });
}

void AggregateTable::committed() {
  saved_progress_ = progress_;
  if (grows_) {
    for (const auto& change : state_.dirty()) {
      for (const auto& aggregate : aggregates_) aggregate->settled(change.row);
    }
  }
  state_.committed();
  if (expire_next_ > expired_) {
    expired_ = expire_next_;
    closed_ = std::max(closed_, expired_);
  }
  if (has_expired()) {
    state_.drop_before(expired_, [&](char* row) {
      for (const auto& aggregate : aggregates_) aggregate->dropped(row);
    });
  }
}

// A frame of a group as it was written: its rows replace those at hand; without a group a partial: they are
// merged with them.
Result<> AggregateTable::take_frame(BytesView in, std::optional<int32_t> group) {
  const bool replace = group.has_value();
  const Error bad{Code::corrupt, "a frame of an aggregate cannot be read"};
  if (in.empty() || in[0] != kFrameVersion) return bad;
  in.remove_prefix(1);
  FrameHead head;
  if (!get_frame_head(in, head)) return bad;
  for (const auto& [partition, time] : head.progress) raise_progress(partition, time);
  const int64_t expired = head.expired;
  const uint64_t count = head.count;
  std::vector<int64_t> windows(count, state::TableState::kNoWindow);
  std::vector<int64_t> times(count);
  int64_t last = 0;
  for (uint64_t i = 0; step_.window && i < count; ++i) {
    int64_t delta = 0;
    if (!get_zigzag(in, delta)) return bad;
    last += delta;
    windows[i] = last * step_.window->advance.count();
  }
  last = 0;
  for (uint64_t i = 0; i < count; ++i) {
    int64_t delta = 0;
    if (!get_zigzag(in, delta)) return bad;
    times[i] = last += delta;
  }
  rows_.resize(count);
  std::vector<BytesView> keys(count);
  for (BytesView& key : keys) {
    if (!get_bytes(in, key)) return bad;
  }
  std::vector<uint32_t> ids(count);
  keys_.dictionary().intern_all(keys.data(), count, ids.data());
  for (uint64_t i = 0; i < count; ++i) {
    if (!replace && step_.window && windows[i] < expired_) ++missed_;
    rows_[i] = state_.touch(state_.window(windows[i]), ids[i]);
    state::RowHeader& header = state::TableState::header(rows_[i]);
    header.time_ms = replace ? times[i] : std::max(header.time_ms, times[i]);
  }
  for (const auto& aggregate : aggregates_) {
    if (!aggregate->load(rows_.data(), count, in, replace)) return bad;
  }
  if (!in.empty()) return bad;
  if (!replace) return {};
  if (*group < 0 || *group >= groups_) return bad;
  int64_t& known = group_expired_[static_cast<size_t>(*group)];
  known = std::max(known, expired);
  expire_before(*std::min_element(group_expired_.begin(), group_expired_.end()));
  return {};
}

Result<> AggregateTable::fold(int32_t group, BytesView frame) {
  TRY(take_frame(frame, group));
  committed();
  return {};
}

Result<> AggregateTable::merge(BytesView partials) {
  return take_frame(partials, std::nullopt);
}

// How far the partitions are is told with the last, when all rows before that have been merged.
void AggregateTable::give_partials(const Dirty& dirty, const Progress& progress, size_t most,
                                   state::FrameSink& sink) {
  scratch_.clear();
  put_frame(dirty.rows, dirty.windows, dirty.count, progress, true, scratch_);
  if (scratch_.size() <= most || dirty.count == 1) {
    sink.frame(dirty.group, scratch_);
    return;
  }
  const size_t half = dirty.count / 2;
  give_partials({dirty.group, dirty.rows, dirty.windows, half}, {}, most, sink);
  give_partials({dirty.group, dirty.rows + half, dirty.windows + half, dirty.count - half}, progress, most,
                sink);
}

void AggregateTable::take_partials(size_t most, state::FrameSink& sink) {
  const auto& dirty = state_.dirty();
  std::vector<std::vector<const char*>> rows(static_cast<size_t>(groups_));
  std::vector<std::vector<int64_t>> windows(static_cast<size_t>(groups_));
  for (const auto& change : dirty) {
    const auto g = static_cast<size_t>(keys_.group_of(state::TableState::header(change.row).key));
    rows[g].push_back(change.row);
    windows[g].push_back(change.window->start());
  }
  for (size_t g = 0; g < rows.size(); ++g) {
    if (rows[g].empty()) continue;
    give_partials({static_cast<int32_t>(g), rows[g].data(), windows[g].data(), rows[g].size()}, progress_,
                  most, sink);
  }
  if (grows_) {
    for (const auto& change : dirty) {
      for (const auto& aggregate : aggregates_) {
        aggregate->settled(change.row);
        aggregate->dropped(change.row);
      }
    }
  }
  state_.clear();
}

bool AggregateTable::snapshot(size_t budget, state::FrameSink& sink) {
  size_t given = 0;
  std::vector<std::vector<const char*>> rows(static_cast<size_t>(groups_));
  std::vector<std::vector<int64_t>> windows(static_cast<size_t>(groups_));
  const auto give = [&](size_t g) {
    scratch_.clear();
    put_frame(rows[g].data(), windows[g].data(), rows[g].size(), {}, true, scratch_);
    sink.frame(static_cast<int32_t>(g), scratch_);
    rows[g].clear();
    windows[g].clear();
  };
  auto at = state_.windows().lower_bound(snapshot_at_.window);
  while (at != state_.windows().end() && given < budget) {
    const state::TableState::Window& window = *at->second;
    uint32_t n = at->first == snapshot_at_.window ? snapshot_at_.row : 0;
    for (; n < window.rows() && given < budget; ++n) {
      const char* row = state_.row(window, n);
      const auto g = static_cast<size_t>(keys_.group_of(state::TableState::header(row).key));
      rows[g].push_back(row);
      windows[g].push_back(at->first);
      given += state_.row_bytes();
      if (rows[g].size() >= kSnapshotRows) give(g);
    }
    snapshot_at_ = {at->first, n};
    if (n < window.rows()) break;
    if (++at != state_.windows().end()) snapshot_at_ = {at->first, 0};
  }
  const bool complete = at == state_.windows().end() || mutant(7);
  for (size_t g = 0; g < rows.size(); ++g) {
    if (complete || !rows[g].empty()) give(g);  // the last of each says what has expired, if nothing else
  }
  if (complete) {
    put_progress(false, sink);
    snapshot_at_ = Cursor();
  }
  return complete;
}

}  // namespace tradewind::stream
