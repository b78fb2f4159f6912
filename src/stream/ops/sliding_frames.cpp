// What a SlidingTable writes at a commit and reads at a restore.
//
// Frame: version 1, '\x01' if its groups are whole (else rows to add), zigzag expired-before, varint n and n
// times (zigzag partition, zigzag progress), varint groups; each: key (varint length, bytes), zigzag newest
// time, varint rows, each row: zigzag time as difference, values (varint length, bytes).
#include <algorithm>

#include "base/coding.h"
#include "stream/ops/frame_head.h"
#include "stream/ops/sliding_table.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;
constexpr size_t kSettleAfter = 4'096;  // dropped states

}  // namespace

void SlidingTable::put_frame(const std::vector<uint32_t>& ids, const Progress& progress, bool whole,
                             Bytes& out) const {
  out += kFrameVersion;
  out += whole ? '\x01' : '\0';
  put_frame_head(expired_, progress, ids.size(), out);
  const auto put_rows = [&](const auto& rows) {
    put_varint(out, rows.size());
    int64_t last = 0;
    for (const Row& row : rows) {
      put_zigzag(out, row.time_ms - last);
      last = row.time_ms;
      put_bytes(out, row.values);
    }
  };
  for (const uint32_t id : ids) {
    const Group& group = *by_key_[id];
    put_bytes(out, keys_.key(id));
    put_zigzag(out, group.newest_ms);
    if (whole)
      put_rows(group.inside());
    else
      put_rows(group.pending->added);
  }
}

void SlidingTable::put_groups(const std::vector<uint32_t>& ids, bool whole, bool every_group,
                              state::FrameSink& sink) {
  std::vector<std::vector<uint32_t>> by_group(static_cast<size_t>(groups_));
  for (const uint32_t id : ids) by_group[static_cast<size_t>(keys_.group_of(id))].push_back(id);
  Bytes frame;
  for (size_t g = 0; g < by_group.size(); ++g) {
    if (by_group[g].empty() && !every_group) continue;
    frame.clear();
    put_frame(by_group[g], {}, whole, frame);
    sink.frame(static_cast<int32_t>(g), frame);
  }
}

void SlidingTable::put_progress(bool moved_only, state::FrameSink& sink) {
  put_progress_frames(progress_, moved_only ? &saved_progress_ : nullptr, sink,
                      [&](const Progress& progress, Bytes& out) { put_frame({}, progress, false, out); });
}

void SlidingTable::changes(state::FrameSink& sink) {
  put_groups(changed_, false, expired_ > saved_expired_, sink);
  put_progress(true, sink);
}

void SlidingTable::drop(uint32_t id) {
  Group& group = *by_key_[id];
  rows_ -= group.inside().size();
  for (const Row& row : group.inside()) value_bytes_ -= row.values.capacity();
  newest_.erase({group.newest_ms, id});
  stop_running(group);
  by_key_[id].reset();
  keys_.dictionary().release(id);
}

void SlidingTable::committed() {
  saved_progress_ = progress_;
  saved_expired_ = expired_;
  for (const uint32_t id : changed_) {
    by_key_[id]->committed = true;
    by_key_[id]->pending.reset();
  }
  changed_.clear();
  for (const uint32_t id : gone_) drop(id);
  gone_.clear();
  // Nobody reads the running states between commits, so they need not be settled, which would copy each when
  // it changes next; now and then it frees what aggregates remember of states that are gone.
  if (dropped_ >= kSettleAfter) settle_running();
}

Result<> SlidingTable::take_group(uint32_t id, bool whole, BytesView& in) {
  const Error bad{Code::corrupt, "a frame of a sliding window cannot be read"};
  int64_t newest = 0;
  uint64_t rows = 0;
  if (!get_zigzag(in, newest) || !get_varint(in, rows) || rows > in.size()) return bad;
  if (whole && id < by_key_.size() && by_key_[id] != nullptr) drop(id);
  Group& group = touch(id);
  move_to(id, group, newest);
  int64_t time = 0;
  for (uint64_t i = 0; i < rows; ++i) {
    int64_t delta = 0;
    BytesView values;
    if (!get_zigzag(in, delta) || !get_bytes(in, values)) return bad;
    time += delta;
    TRY(put(id, time, Bytes(values)));
  }
  return {};
}

Result<> SlidingTable::fold(int32_t part, BytesView in) {
  const Error bad{Code::corrupt, "a frame of a sliding window cannot be read"};
  if (in.size() < 2 || in[0] != kFrameVersion) return bad;
  const bool whole = in[1] != '\0';
  in.remove_prefix(2);
  FrameHead head;
  if (!get_frame_head(in, head)) return bad;
  for (const auto& [partition, time] : head.progress) raise_progress(partition, time);
  const int64_t expired = head.expired;
  const uint64_t count = head.count;
  restoring_ = true;
  for (uint64_t i = 0; i < count; ++i) {
    BytesView key;
    if (!get_bytes(in, key)) return bad;
    TRY(take_group(keys_.dictionary().intern(key), whole, in));
  }
  if (!in.empty()) return bad;
  // What this frame says is gone, and of its part only: others are folded from their beginnings later.
  for (auto at = newest_.begin(); at != newest_.end() && at->first < expired; ++at) {
    if (keys_.group_of(at->second) == part) gone_.push_back(at->second);
  }
  expired_ = std::max(expired_, expired);
  committed();
  restoring_ = false;
  return {};
}

bool SlidingTable::snapshot(size_t budget, state::FrameSink& sink) {
  constexpr size_t kRowBytes = 32;
  std::vector<uint32_t> ids;
  for (size_t given = 0; snapshot_at_ < by_key_.size() && given < budget; ++snapshot_at_) {
    const Group* group = by_key_[snapshot_at_].get();
    if (group == nullptr || group->newest_ms < expired_) continue;
    ids.push_back(snapshot_at_);
    given += group->inside().size() * kRowBytes + kRowBytes;
  }
  put_groups(ids, true, false, sink);
  if (snapshot_at_ < by_key_.size()) return false;
  put_progress(false, sink);
  snapshot_at_ = 0;
  return true;
}

}  // namespace tradewind::stream
