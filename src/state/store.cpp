#include "state/store.h"

#include "base/check.h"
#include "base/coding.h"

namespace tradewind::state {
namespace {

constexpr size_t kEntryOverhead = 152;  // a node with two strings, and what the allocator takes for three

void put_entry(BytesView key, const std::optional<BytesView>& value, Bytes& out) {
  put_bytes(out, key);
  out += value ? '\x01' : '\0';
  if (value) put_bytes(out, *value);
}

}  // namespace

std::optional<BytesView> Store::get(BytesView key) const {
  if (const auto pending = pending_.find(key); pending != pending_.end()) {
    if (!pending->second) return std::nullopt;
    return BytesView(*pending->second);
  }
  return get_committed(key);
}

std::optional<BytesView> Store::get_committed(BytesView key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return BytesView(found->second);
}

void Store::put(BytesView key, BytesView value) {
  pending_.insert_or_assign(Bytes(key), Bytes(value));
}

void Store::erase(BytesView key) {
  pending_.insert_or_assign(Bytes(key), std::nullopt);
}

void Store::changes(Bytes& out) const {
  for (const auto& [key, value] : pending_) put_entry(key, value, out);
}

void Store::committed() {
  for (auto& [key, value] : pending_) {
    if (value)
      keep(key, std::move(*value));
    else
      forget(key);
  }
  pending_.clear();
}

void Store::keep(BytesView key, Bytes value) {
  bytes_ += value.size();
  const auto at = entries_.lower_bound(key);
  if (at != entries_.end() && at->first == key) {
    bytes_ -= at->second.size();
    at->second = std::move(value);
    return;
  }
  bytes_ += key.size() + kEntryOverhead;
  entries_.emplace_hint(at, key, std::move(value));
}

void Store::forget(BytesView key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  bytes_ -= at->second.size() + key.size() + kEntryOverhead;
  entries_.erase(at);
}

Result<> Store::fold(BytesView frame) {
  CHECK(pending_.empty());
  while (!frame.empty()) {
    BytesView key;
    if (!get_bytes(frame, key) || frame.empty())
      return Error{Code::corrupt, "a store's frame ends too early"};
    const bool there = frame[0] != '\0';
    frame.remove_prefix(1);
    BytesView value;
    if (there && !get_bytes(frame, value)) return Error{Code::corrupt, "a store's frame ends within a value"};
    if (there)
      keep(key, Bytes(value));
    else
      forget(key);
  }
  return {};
}

std::optional<Bytes> Store::snapshot(BytesView after, size_t budget, Bytes& out) const {
  const size_t most = out.size() + budget;
  for (auto at = entries_.upper_bound(after); at != entries_.end(); ++at) {
    // What changes in this commit stands in its frame already, before this one.
    if (!pending_.contains(at->first)) put_entry(at->first, BytesView(at->second), out);
    if (out.size() >= most) return at->first;
  }
  return std::nullopt;
}

}  // namespace tradewind::state
