#pragma once
// Store: an ordered map from bytes to bytes that one task owns. Its writer sees its own writes at once;
// readers see the last commit. It knows no log and no disk: at a commit it yields its changes, and it can be
// folded from them.
//
// Threads: one owner; readers only while the owner is kept out.

#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

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
    for (auto at = entries_.lower_bound(from);
         at != entries_.end() && (to.empty() || BytesView(at->first) < to); ++at) {
      if (!each(BytesView(at->first), BytesView(at->second))) return;
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
  size_t bytes() const { return bytes_; }

 private:
  void keep(BytesView key, Bytes value);
  void forget(BytesView key);

  std::map<Bytes, Bytes, std::less<>> entries_;
  std::map<Bytes, std::optional<Bytes>, std::less<>> pending_;
  size_t bytes_ = 0;
};

}  // namespace tradewind::state
