// What a SessionTable writes at a commit and reads at a restore.
//
// Frame: version 1, zigzag expired-before, varint n and n times (zigzag partition, zigzag progress), varint
// keys; then by column: the keys (varint length, bytes), how many sessions each has (varint), the ends of all
// sessions (zigzag differences), their lengths (varint), and each aggregate's own bytes. A key's sessions
// replace those it had.
#include <algorithm>

#include "base/coding.h"
#include "stream/ops/frame_head.h"
#include "stream/ops/session_table.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;

}  // namespace

void SessionTable::put_frame(const std::vector<uint32_t>& keys, const Progress& progress, Bytes& out) const {
  out += kFrameVersion;
  std::vector<const char*> rows;
  put_frame_head(std::max(expired_, expire_next_), progress, keys.size(), out);
  for (const uint32_t id : keys) put_bytes(out, keys_.key(id));
  for (const uint32_t id : keys) put_varint(out, by_key_[id]->sessions.size());
  int64_t last = 0;
  for (const uint32_t id : keys) {
    for (const Session& session : by_key_[id]->sessions) {
      put_zigzag(out, session.end - last);
      last = session.end;
      rows.push_back(session.row.get());
    }
  }
  for (const uint32_t id : keys) {
    for (const Session& session : by_key_[id]->sessions) {
      put_varint(out, static_cast<uint64_t>(session.end - session.start));
    }
  }
  for (const auto& aggregate : aggregates_) aggregate->save(rows.data(), rows.size(), true, out);
}

void SessionTable::put_keys(const std::vector<uint32_t>& keys, state::FrameSink& sink, bool every_group) {
  std::vector<std::vector<uint32_t>> by_group(static_cast<size_t>(groups_));
  for (const uint32_t id : keys) by_group[static_cast<size_t>(keys_.group_of(id))].push_back(id);
  Bytes frame;
  for (size_t g = 0; g < by_group.size(); ++g) {
    if (by_group[g].empty() && !every_group) continue;
    frame.clear();
    put_frame(by_group[g], {}, frame);
    sink.frame(static_cast<int32_t>(g), frame);
  }
}

void SessionTable::put_progress(bool moved_only, state::FrameSink& sink) {
  put_progress_frames(progress_, moved_only ? &saved_progress_ : nullptr, sink,
                      [&](const Progress& progress, Bytes& out) { put_frame({}, progress, out); });
}

void SessionTable::changes(state::FrameSink& sink) {
  put_keys(changed_, sink, expire_next_ > expired_);
  put_progress(true, sink);
}

void SessionTable::expire_before(int64_t end_ms) {
  if (!ends_.empty() && ends_.begin()->first < end_ms) expire_next_ = std::max(expire_next_, end_ms);
}

void SessionTable::forget_key(uint32_t id) {
  by_key_[id].reset();
  keys_.dictionary().release(id);
}

void SessionTable::committed() {
  saved_progress_ = progress_;
  for (const uint32_t id : changed_) {
    Key& key = *by_key_[id];
    for (Session& session : key.sessions) {
      if (!session.changed) continue;
      session.changed = false;
      for (const auto& aggregate : aggregates_) aggregate->settled(session.row.get());
    }
    key.before.clear();
    key.changed = false;
  }
  changed_.clear();
  for (const auto& row : merged_) drop_row(row.get());
  merged_.clear();
  if (expire_next_ <= expired_) return;
  expired_ = expire_next_;
  closed_ = std::max(closed_, expired_);
  while (!ends_.empty() && ends_.begin()->first < expired_) {
    const auto [end, id] = *ends_.begin();
    std::vector<Session>& sessions = by_key_[id]->sessions;
    // Sorted by end: the first of them is the one.
    drop_row(sessions.front().row.get());
    sessions.erase(sessions.begin());
    if (sessions.empty()) forget_key(id);
    ends_.erase(ends_.begin());
  }
}

Result<> SessionTable::take_frame(BytesView in) {
  const Error bad{Code::corrupt, "a frame of sessions cannot be read"};
  if (in.empty() || in[0] != kFrameVersion) return bad;
  in.remove_prefix(1);
  FrameHead head;
  if (!get_frame_head(in, head)) return bad;
  for (const auto& [partition, time] : head.progress) raise_progress(partition, time);
  const int64_t expired = head.expired;
  const uint64_t count = head.count;
  std::vector<uint32_t> ids(count);
  std::vector<Session> sessions;
  std::vector<uint64_t> counts(count);
  for (uint32_t& id : ids) {
    BytesView key;
    if (!get_bytes(in, key)) return bad;
    id = keys_.dictionary().intern(key);
  }
  size_t total = 0;
  for (uint64_t& number : counts) {
    if (!get_varint(in, number) || number == 0 || number > in.size() || (total += number) > in.size())
      return bad;
  }
  sessions.resize(total);
  int64_t last = 0;
  for (Session& session : sessions) {
    int64_t delta = 0;
    if (!get_zigzag(in, delta)) return bad;
    session.end = last += delta;
  }
  std::vector<char*> rows;
  for (Session& session : sessions) {
    uint64_t length = 0;
    if (!get_varint(in, length)) return bad;
    session.start = session.end - static_cast<int64_t>(length);
    session.row = new_row();
    rows.push_back(session.row.get());
  }
  for (const auto& aggregate : aggregates_) {
    if (!aggregate->load(rows.data(), rows.size(), in, true)) return bad;
  }
  if (!in.empty()) return bad;
  auto next = sessions.begin();
  for (size_t i = 0; i < ids.size(); ++i) {
    replace(ids[i], {std::move_iterator(next), std::move_iterator(next + static_cast<ptrdiff_t>(counts[i]))});
    next += static_cast<ptrdiff_t>(counts[i]);
  }
  expire_next_ = std::max(expire_next_, expired);
  return {};
}

// A restored key: these sessions and no others.
void SessionTable::replace(uint32_t id, std::vector<Session> sessions) {
  Key& key = touch(id);
  for (const Session& old : key.sessions) {
    ends_.erase({old.end, id});
    drop_row(old.row.get());
  }
  key.sessions = std::move(sessions);
  for (Session& session : key.sessions) {
    session.changed = true;  // committed() settles it
    ends_.insert({session.end, id});
  }
}

Result<> SessionTable::fold(int32_t, BytesView frame) {
  TRY(take_frame(frame));
  committed();
  return {};
}

bool SessionTable::snapshot(size_t budget, state::FrameSink& sink) {
  std::vector<uint32_t> keys;
  for (size_t given = 0; snapshot_at_ < by_key_.size() && given < budget; ++snapshot_at_) {
    if (by_key_[snapshot_at_] == nullptr) continue;
    keys.push_back(snapshot_at_);
    given += by_key_[snapshot_at_]->sessions.size() * (row_bytes_ + 16) + 16;
  }
  put_keys(keys, sink, false);
  if (snapshot_at_ < by_key_.size()) return false;
  put_progress(false, sink);
  snapshot_at_ = 0;
  return true;
}

}  // namespace tradewind::stream
