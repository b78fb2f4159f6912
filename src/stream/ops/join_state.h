#pragma once
// The state of joins of tables: KeyedRows, one row per key, and ForeignRows, the rows that point to a key.
//
// Keys are ids of the join's dictionary; whatever holds a row keeps its id alive. Views of rows that are
// handed out live as long as the row: who replaces one gets it. Threads: one worker owns it.

#include <map>
#include <vector>

#include "state/durable.h"
#include "stream/ops/group_keys.h"
#include "stream/ops/join_row.h"

namespace tradewind::stream {

class KeyedRows final : public state::Durable {
 public:
  explicit KeyedRows(Dictionary& keys) : keys_(keys) {}

  // Empty when there is none.
  BytesView find(uint32_t id) const { return id < slots_.size() ? slots_[id].row.view() : BytesView(); }
  // Puts a row, or with an empty one takes it away; answers what was there.
  RowBytes replace(uint32_t id, RowBytes row);
  size_t changed_bytes() const { return changed_.size() * 64 + changed_row_bytes_; }

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return row_bytes_ + slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    RowBytes row;
    bool held = false;     // the id is kept alive
    bool changed = false;  // since the last commit
  };
  void put_entry(uint32_t id, Bytes& out) const;

  Dictionary& keys_;
  std::vector<Slot> slots_;  // by id
  std::vector<uint32_t> changed_;
  size_t row_bytes_ = 0;
  size_t changed_row_bytes_ = 0;
  uint32_t snapshot_at_ = 0;
};

class ForeignRows final : public state::Durable {
 public:
  using Rows = std::map<Bytes, RowBytes, std::less<>>;  // by the bytes of their own key
  explicit ForeignRows(Dictionary& keys) : keys_(keys) {}

  // The rows that point to a key.
  const Rows& find(uint32_t id) const;
  RowBytes replace(uint32_t id, BytesView row_key, RowBytes row);
  size_t changed_bytes() const { return changed_.size() * 64 + changed_row_bytes_; }

  void changes(state::FrameSink& sink) override;
  void committed() override;
  Result<> fold(int32_t group, BytesView frame) override;
  bool snapshot(size_t budget, state::FrameSink& sink) override;
  size_t bytes() const override { return row_bytes_ + slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    Rows rows;
    bool held = false;
  };
  void put_entry(uint32_t id, BytesView row_key, BytesView row, Bytes& out) const;

  Dictionary& keys_;
  std::vector<Slot> slots_;  // by id
  std::map<std::pair<uint32_t, Bytes>, bool> changed_;
  size_t row_bytes_ = 0;
  size_t changed_row_bytes_ = 0;
  uint32_t snapshot_at_ = 0;
};

}  // namespace tradewind::stream
