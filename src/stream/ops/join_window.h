#pragma once
// WindowRows: one side of a join of streams: its rows by key and time, for as long as rows of the other side
// may meet them.
//
// A row of an outer side that nobody has met leaves it when it is taken as unmatched. Threads: one worker
// owns it.

#include <map>
#include <set>
#include <vector>

#include "state/durable.h"
#include "stream/ops/group_keys.h"
#include "stream/ops/join_row.h"

namespace tradewind::stream {

class WindowRows final : public state::Durable {
 public:
  struct Entry {
    int64_t time = 0;
    uint64_t number = 0;  // in the order they came
    RowBytes row;
    bool matched = false;
    bool changed = false;  // since the last commit
    bool fresh = false;    // not in the log yet
  };
  // `outer`: rows that nobody meets are wanted. Such a row closes when stream time is past its own by more
  // than `reach_ms`; every row goes when it is past it by more than `kept_ms`.
  WindowRows(Dictionary& keys, bool outer, int64_t reach_ms, int64_t kept_ms)
      : keys_(keys), outer_(outer), reach_ms_(reach_ms), kept_ms_(kept_ms) {}

  BytesView add(uint32_t id, int64_t time, RowBytes row, bool matched);
  // Calls `each` with the rows of a key in [from, to], by time; they count as matched from now on.
  template <typename Each>
  void meet(uint32_t id, int64_t from, int64_t to, Each each) {
    if (id >= by_id_.size()) return;
    std::vector<Entry>& entries = by_id_[id];
    for (auto at = first_at(entries, from); at != entries.end() && at->time <= to; ++at) {
      if (!at->matched) mark_matched(id, *at);
      each(at->row.view());
    }
  }

  // The time of the earliest unmatched row, if it has closed at that stream time.
  std::optional<int64_t> closed(int64_t stream_time) const;
  struct Unmatched {
    uint32_t id;
    RowBytes row;
  };
  // Takes that row out. REQUIRES closed().
  Unmatched take_closed();

  // How far event time is; kept with the state.
  int64_t stream_time() const { return stream_time_; }
  void raise_stream_time(int64_t time) { stream_time_ = std::max(stream_time_, time); }

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return row_bytes_; }
  size_t changed_bytes() const { return changed_row_bytes_; }

 private:
  struct Place {  // of a row
    int64_t time;
    uint64_t number;
    uint32_t id;
    auto operator<=>(const Place&) const = default;
  };
  static std::vector<Entry>::iterator first_at(std::vector<Entry>& entries, int64_t from);
  Entry* find(const Place& place);
  void mark_matched(uint32_t id, Entry& entry);
  Entry take(const Place& place);
  void insert(uint32_t id, Entry entry);
  void expire();
  void put_header(Bytes& out) const;
  void put_row(uint32_t id, const Entry& entry, Bytes& out) const;
  Result<> take_entry(char kind, BytesView& in);

  Dictionary& keys_;
  const bool outer_;
  const int64_t reach_ms_;
  const int64_t kept_ms_;
  int64_t stream_time_ = INT64_MIN;
  int64_t saved_stream_time_ = INT64_MIN;
  uint64_t next_number_ = 0;
  std::vector<std::vector<Entry>> by_id_;             // by time and number
  std::set<Place> unmatched_;                         // of an outer side
  std::map<int64_t, std::vector<uint32_t>> by_span_;  // span of time -> whose rows lie in it
  std::vector<Place> changed_;
  size_t row_bytes_ = 0;
  size_t changed_row_bytes_ = 0;
  uint32_t snapshot_at_ = 0;
};

}  // namespace tradewind::stream
