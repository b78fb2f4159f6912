#include "state/store.h"

#include "base/check.h"
#include "base/coding.h"

namespace tradewind::state {
namespace {

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
  return entries_.find(key);
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
  for (const auto& [key, value] : pending_) {
    if (value)
      entries_.put(key, *value);
    else
      entries_.erase(key);
  }
  pending_.clear();
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
      entries_.put(key, value);
    else
      entries_.erase(key);
  }
  return {};
}

std::optional<Bytes> Store::snapshot(BytesView after, size_t budget, Bytes& out) const {
  const size_t most = out.size() + budget;
  auto at = entries_.at_least(after);
  if (!after.empty() && at.entry() && at.entry()->key == after) at.next();
  for (; at.entry(); at.next()) {
    const auto& [key, value] = *at.entry();
    // What changes in this commit stands in its frame already, before this one.
    if (!pending_.contains(key)) put_entry(key, value, out);
    if (out.size() >= most && !key.empty()) return Bytes(key);
  }
  return std::nullopt;
}

}  // namespace tradewind::state
