#pragma once
// EventBatch: events as records, in the order in which the shop sends them; cleared and filled again without
// allocating.
//
// Threads: one. Views hold until the batch is changed.

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace tradewind::simulate {

enum class Topic : uint8_t { customer_events, orders, inventory, user_profiles, truth };
inline constexpr size_t kTopics = 5;

struct EventView {
  Topic topic = Topic::customer_events;
  BytesView key;
  BytesView value;  // Avro with Confluent's five bytes in front
  Timestamp time;   // when it happened
};

class EventBatch {
 public:
  static constexpr size_t kHeaderBytes = 5;

  size_t size() const { return entries_.size(); }
  EventView operator[](size_t i) const {
    const Entry& entry = entries_[i];
    const size_t begin = i == 0 ? 0 : entries_[i - 1].end;
    return {entry.topic, BytesView(bytes_).substr(begin, entry.key_bytes),
            BytesView(bytes_).substr(begin + entry.key_bytes, entry.end - begin - entry.key_bytes),
            entry.time};
  }
  void clear() {
    bytes_.clear();
    entries_.clear();
  }
  // All bytes, for a writer that appends a key and then a value, and tells with add() what it was.
  Bytes& bytes() { return bytes_; }
  void add(Topic topic, size_t key_bytes, Timestamp time) {
    entries_.push_back({bytes_.size(), static_cast<uint32_t>(key_bytes), topic, time});
  }
  void append(const EventView& event) {
    bytes_ += event.key;
    bytes_ += event.value;
    add(event.topic, event.key.size(), event.time);
  }
  // Takes one event out; cheap near the end.
  void remove(size_t i) {
    const size_t begin = i == 0 ? 0 : entries_[i - 1].end;
    const size_t bytes = entries_[i].end - begin;
    bytes_.erase(begin, bytes);
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(i));
    for (; i < entries_.size(); ++i) entries_[i].end -= bytes;
  }

 private:
  struct Entry {
    size_t end = 0;
    uint32_t key_bytes = 0;
    Topic topic = Topic::customer_events;
    Timestamp time;
  };
  Bytes bytes_;
  std::vector<Entry> entries_;
};

}  // namespace tradewind::simulate
