#include "state/packed_map.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/coding.h"

namespace tradewind::state {
namespace {

constexpr size_t kFullBlock = 4096;
constexpr size_t kThinBlock = 1024;
constexpr size_t kSpare = 256;          // bytes that a block takes for what comes next
constexpr size_t kMostSpare = 1024;     // and may keep
constexpr size_t kBlockOverhead = 176;  // a node of the tree with its key, and what the allocator takes

// The entry at `at`, which moves behind it.
PackedMap::Entry entry_at(const std::vector<char>& block, size_t& at) {
  BytesView rest(block.data() + at, block.size() - at);
  PackedMap::Entry entry;
  CHECK(get_bytes(rest, entry.key) && get_bytes(rest, entry.value));
  at = block.size() - rest.size();
  return entry;
}

}  // namespace

void PackedMap::Cursor::next() {
  entry_.reset();
  while (block_ != blocks_->end()) {
    if (next_ < block_->second.size()) {
      entry_ = entry_at(block_->second, next_);
      return;
    }
    ++block_;
    next_ = 0;
  }
}

PackedMap::Place PackedMap::place_in(const Block& block, BytesView key) {
  Place place;
  while (place.end < block.size()) {
    place.begin = place.end;
    place.entry = entry_at(block, place.end);
    const int order = place.entry.key.compare(key);
    if (order < 0) continue;
    place.found = order == 0;
    if (!place.found) place.end = place.begin;
    return place;
  }
  place.begin = place.end;
  return place;
}

PackedMap::Blocks::iterator PackedMap::block_of(BytesView key) {
  if (blocks_.empty()) {
    bytes_ += kBlockOverhead;
    return blocks_.emplace(Bytes(), Block()).first;
  }
  const auto behind = blocks_.upper_bound(key);
  return behind == blocks_.begin() ? behind : std::prev(behind);
}

std::optional<BytesView> PackedMap::find(BytesView key) const {
  const auto behind = blocks_.upper_bound(key);
  if (behind == blocks_.begin()) return std::nullopt;
  const Place place = place_in(std::prev(behind)->second, key);
  if (!place.found) return std::nullopt;
  return place.entry.value;
}

PackedMap::Cursor PackedMap::at_least(BytesView from) const {
  Cursor cursor;
  cursor.blocks_ = &blocks_;
  cursor.block_ = blocks_.upper_bound(from);
  if (cursor.block_ != blocks_.begin()) {
    --cursor.block_;
    cursor.next_ = place_in(cursor.block_->second, from).begin;
  }
  cursor.next();
  return cursor;
}

// Puts `with` in the place of the bytes from begin to end.
void PackedMap::replace(Blocks::iterator at, size_t begin, size_t end, BytesView with) {
  Block& block = at->second;
  const size_t size = block.size() - (end - begin) + with.size();
  bytes_ -= block.capacity();
  if (size > block.capacity() || block.capacity() > size + kMostSpare) {
    Block other;
    other.reserve(size + kSpare);
    other.insert(other.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(begin));
    other.insert(other.end(), with.begin(), with.end());
    other.insert(other.end(), block.begin() + static_cast<std::ptrdiff_t>(end), block.end());
    block = std::move(other);
  } else {
    const auto first = block.begin() + static_cast<std::ptrdiff_t>(begin);
    const size_t same = std::min(end - begin, with.size());
    std::copy_n(with.begin(), same, first);
    const auto behind = first + static_cast<std::ptrdiff_t>(same);
    if (with.size() > same)
      block.insert(behind, with.begin() + static_cast<std::ptrdiff_t>(same), with.end());
    else
      block.erase(behind, block.begin() + static_cast<std::ptrdiff_t>(end));
  }
  bytes_ += block.capacity();
}

void PackedMap::put(BytesView key, BytesView value) {
  const auto at = block_of(key);
  const Place place = place_in(at->second, key);
  packed_.clear();
  put_bytes(packed_, key);
  put_bytes(packed_, value);
  replace(at, place.begin, place.end, packed_);
  size_ += place.found ? 0 : 1;
  if (at->second.size() > kFullBlock) split(at);
}

// In halves by bytes, or so that a large entry lies alone.
void PackedMap::split(Blocks::iterator at) {
  const Block& block = at->second;
  size_t half = 0;
  while (half < block.size() / 2) entry_at(block, half);
  if (half == block.size()) {  // the last entry is larger than all before it
    size_t last = 0;
    for (size_t next = 0; next < block.size();) {
      last = next;
      entry_at(block, next);
    }
    half = last;
  }
  if (half == 0) return;
  size_t behind = half;
  const Bytes first(entry_at(block, behind).key);
  Block upper(block.begin() + static_cast<std::ptrdiff_t>(half), block.end());
  bytes_ += upper.capacity() + kBlockOverhead;
  const auto added = blocks_.emplace_hint(std::next(at), first, std::move(upper));
  replace(at, half, at->second.size(), {});
  if (added->second.size() > kFullBlock) split(added);
}

void PackedMap::erase(BytesView key) {
  if (blocks_.empty()) return;
  const auto at = block_of(key);
  const Place place = place_in(at->second, key);
  if (!place.found) return;
  replace(at, place.begin, place.end, {});
  --size_;
  if (at->second.size() < kThinBlock) join(at);
}

// With the neighbour behind or before it, where both have room in one block. The first block stays to the
// end.
void PackedMap::join(Blocks::iterator at) {
  const auto room = [](const Block& one, const Block& other) {
    return one.empty() || other.empty() || one.size() + other.size() <= kFullBlock - kThinBlock;
  };
  const auto take_over = [&](Blocks::iterator block, Blocks::iterator behind) {
    replace(block, block->second.size(), block->second.size(),
            {behind->second.data(), behind->second.size()});
    drop(behind);
  };
  if (const auto behind = std::next(at); behind != blocks_.end() && room(at->second, behind->second))
    take_over(at, behind);
  else if (at != blocks_.begin() && room(std::prev(at)->second, at->second))
    take_over(std::prev(at), at);
  if (size_ == 0) drop(blocks_.begin());
}

void PackedMap::drop(Blocks::iterator at) {
  bytes_ -= at->second.capacity() + kBlockOverhead;
  blocks_.erase(at);
}

}  // namespace tradewind::state
