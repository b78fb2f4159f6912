#pragma once
// Store: an ordered map from bytes to bytes that one task owns. Its writer sees its own writes at once;
// readers see the last commit. It knows no log and no disk: at a commit it yields its changes, and it can be
// folded from them.
//
// Views of what get() and scans show are valid until the next commit, abandon or put of that key.
// Threads: one owner; readers only while the owner is kept out.

#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "state/packed_map.h"

namespace tradewind::state {

class Store {
 public:
  std::optional<BytesView> get(BytesView key) const;  // with pending writes
  std::optional<BytesView> get_committed(BytesView key) const;
  void put(BytesView key, BytesView value);
  void erase(BytesView key);

  // The committed entries with from <= key (and key < to, where `to` is not empty), in order, until `each`
  // answers false.
  template <typename Each>
  void scan_committed(BytesView from, BytesView to, Each each) const {
    for (auto at = entries_.at_least(from); at.entry() && (to.empty() || at.entry()->key < to); at.next()) {
      if (!each(at.entry()->key, at.entry()->value)) return;
    }
  }

  // The pending writes as bytes for a frame: count, then (key, there?, value).
  void changes(Bytes& out) const;
  bool has_changes() const { return !pending_.empty(); }
  void committed();
  void abandon() { pending_.clear(); }
  // Takes what changes() or snapshot() gave, as committed. REQUIRES nothing is pending.
  Result<> fold(BytesView frame);
  // Up to about `budget` bytes of entries after `after` as a frame; the last key of it, or nothing at the
  // end. Keys with pending writes are left out: changes() tells them.
  std::optional<Bytes> snapshot(BytesView after, size_t budget, Bytes& out) const;

  size_t size() const { return entries_.size(); }
  size_t bytes() const { return entries_.bytes(); }

 private:
  PackedMap entries_;
  std::map<Bytes, std::optional<Bytes>, std::less<>> pending_;
};

}  // namespace tradewind::state
