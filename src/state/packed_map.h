#pragma once
// PackedMap: an ordered map from bytes to bytes that costs few bytes beside them.
//
// Entries lie packed and sorted in blocks of up to about 4 KB (larger only for one large entry); a tree finds
// the block and a scan of its few dozen entries the key. Blocks split when they are full and join a neighbour
// when they are nearly empty, as the leaves of a B-tree do (Bayer and McCreight, 1972). Views of entries are
// valid until the next change. Threads: one owner; readers only while nobody changes it.

#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace tradewind::state {

class PackedMap {
  using Block = std::vector<char>;
  using Blocks = std::map<Bytes, Block, std::less<>>;

 public:
  struct Entry {
    BytesView key;
    BytesView value;
  };
  // Walks the entries in order.
  class Cursor {
   public:
    // Nothing at the end.
    const std::optional<Entry>& entry() const { return entry_; }
    void next();

   private:
    friend class PackedMap;

    const Blocks* blocks_ = nullptr;
    Blocks::const_iterator block_;
    size_t next_ = 0;  // where the entry behind this one begins in its block
    std::optional<Entry> entry_;
  };

  std::optional<BytesView> find(BytesView key) const;
  // The first entry whose key is at least `from`.
  Cursor at_least(BytesView from) const;

  void put(BytesView key, BytesView value);
  void erase(BytesView key);

  size_t size() const { return size_; }
  // Memory it takes, about.
  size_t bytes() const { return bytes_; }

 private:
  struct Place {  // of an entry in its block, or where it would go
    size_t begin = 0;
    size_t end = 0;
    bool found = false;
    Entry entry;
  };
  static Place place_in(const Block& block, BytesView key);
  Blocks::iterator block_of(BytesView key);
  void replace(Blocks::iterator block, size_t begin, size_t end, BytesView with);
  void split(Blocks::iterator block);
  void join(Blocks::iterator block);
  void drop(Blocks::iterator block);

  Blocks blocks_;  // by a key that is no greater than any of theirs and greater than all before
  size_t size_ = 0;
  size_t bytes_ = 0;
  Bytes packed_;  // kept for its memory
};

}  // namespace tradewind::state
