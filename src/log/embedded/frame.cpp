#include "log/embedded/frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"

namespace tradewind::log {
namespace {

char* put_optional(char* at, const std::optional<BytesView>& bytes) {
  return write_varint(at, bytes ? bytes->size() + 1 : 0);
}

char* put_raw(char* at, const std::optional<BytesView>& bytes) {
  return bytes ? write_raw(at, bytes->data(), bytes->size()) : at;
}

// All of a record but its offset; `base_time` is the batch's.
char* put_record(char* at, const RecordView& record, int64_t base_time) {
  at = write_varint(at, zigzag(static_cast<int64_t>(static_cast<uint64_t>(record.time.ms) -
                                                    static_cast<uint64_t>(base_time))));
  at = put_optional(at, record.key);
  at = put_optional(at, record.value);
  at = write_varint(at, record.header_count);
  at = put_raw(at, record.key);
  at = put_raw(at, record.value);
  for (uint32_t h = 0; h < record.header_count; ++h) {
    at = write_varint(at, record.headers[h].name.size());
    at = write_raw(at, record.headers[h].name.data(), record.headers[h].name.size());
    at = put_optional(at, record.headers[h].value);
    at = put_raw(at, record.headers[h].value);
  }
  return at;
}

// No less than what a record takes.
size_t most_bytes(const RecordView& record) {
  size_t bytes = 40 + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const HeaderView& header = record.headers[i];
    bytes += 20 + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return bytes;
}

bool take(BytesView& in, uint64_t size, BytesView& out) {
  if (size > in.size()) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

bool take_optional(BytesView& in, uint64_t size_plus_one, std::optional<BytesView>& out) {
  out.reset();
  if (size_plus_one == 0) return true;
  BytesView bytes;
  if (!take(in, size_plus_one - 1, bytes)) return false;
  out = bytes;
  return true;
}

bool take_header(BytesView& in, HeaderView& header) {
  uint64_t size = 0;
  BytesView name;
  if (!get_varint(in, size) || !take(in, size, name)) return false;
  header.name = name;
  return get_varint(in, size) && take_optional(in, size, header.value);
}

// `count` records from offset `next` on; with gaps each tells how many offsets before it are skipped, and all
// lie before `end`.
template <bool kGaps>
bool decode_records(BytesView in, uint32_t record_count, Offset next, Offset end_offset,
                    std::vector<RecordView>& records, std::vector<HeaderView>& headers) {
  uint64_t raw = 0;
  if (!get_varint(in, raw) || record_count > in.size()) return false;
  const int64_t base_time = unzigzag(raw);
  const size_t first = records.size();
  records.resize(first + record_count);
  const char* at = in.data();
  const char* const end = at + in.size();
  for (uint32_t i = 0; i < record_count; ++i) {
    RecordView& record = records[first + i];
    uint64_t time = 0;
    uint64_t key = 0;  // sizes, one more than the bytes; 0: none
    uint64_t value = 0;
    uint64_t count = 0;
    if constexpr (kGaps) {
      uint64_t skipped = 0;
      if (!read_varint(at, end, skipped) || next >= end_offset ||
          skipped >= static_cast<uint64_t>(end_offset - next))
        return false;
      next += static_cast<Offset>(skipped);
    }
    if (!read_varint(at, end, time) || !read_varint(at, end, key) || !read_varint(at, end, value) ||
        !read_varint(at, end, count))
      return false;
    record.time = Timestamp{
        static_cast<int64_t>(static_cast<uint64_t>(base_time) + static_cast<uint64_t>(unzigzag(time)))};
    record.offset = next++;
    const auto left = static_cast<uint64_t>(end - at);
    const uint64_t key_size = key == 0 ? 0 : key - 1;
    const uint64_t value_size = value == 0 ? 0 : value - 1;
    if (key_size > left || value_size > left - key_size || count > left) return false;
    if (key != 0) record.key.emplace(at, key_size);
    at += key_size;
    if (value != 0) record.value.emplace(at, value_size);
    at += value_size;
    if (count == 0) continue;
    record.header_count = static_cast<uint32_t>(count);
    // Until all are known the place is kept as an index; the caller's vector may move.
    record.headers = reinterpret_cast<const HeaderView*>(headers.size() * sizeof(HeaderView));
    BytesView rest(at, static_cast<size_t>(end - at));
    for (uint64_t h = 0; h < count; ++h) {
      if (!take_header(rest, headers.emplace_back())) return false;
    }
    at = rest.data();
  }
  return at == end;
}

}  // namespace

char* FrameBytes::reserve(size_t more) {
  if (size_ + more > capacity_) {
    capacity_ = std::max(size_ + more, capacity_ * 2);
    Memory larger = allocate(capacity_);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
  }
  return bytes_.get() + size_;
}

FrameBytes FrameKeep::take() {
  const std::lock_guard lock(mutex_);
  if (kept_.empty()) return {};
  FrameBytes frame = std::move(kept_.back());
  kept_.pop_back();
  return frame;
}

void FrameKeep::give_back(std::vector<FrameBytes>& frames) {
  const std::lock_guard lock(mutex_);
  for (FrameBytes& frame : frames) {
    if (kept_.size() >= kMost) break;
    frame.clear();
    kept_.push_back(std::move(frame));
  }
  frames.clear();
}

FrameBytes& FrameGroup::open_frame() {
  if (frames_.empty() || frames_.back().size() >= kMostFrameBytes) {
    frames_.push_back(keep_ == nullptr ? FrameBytes() : keep_->take());
    char* at = frames_.back().reserve(sizeof(FrameHeader));
    frames_.back().set_end(at + sizeof(FrameHeader));
  }
  return frames_.back();
}

void FrameGroup::close_entry(FrameBytes& frame, Entry entry) {
  const BytesView payload = frame.view().substr(entry.at + sizeof(EntryHeader));
  CHECK(payload.size() <= kMostEntryBytes);
  entry.frame = frames_.size() - 1;
  entry.header.length = static_cast<uint32_t>(payload.size());
  entry.header.crc = crc32c(payload);
  entries_.push_back(entry);
}

void FrameGroup::add(EntryKind kind, uint32_t topic, uint32_t partition, BytesView payload) {
  FrameBytes& frame = open_frame();
  Entry entry{.at = frame.size(), .header = {.kind = kind, .topic = topic, .partition = partition}};
  char* at = frame.reserve(sizeof(EntryHeader) + payload.size()) + sizeof(EntryHeader);
  if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
  frame.set_end(at + payload.size());
  close_entry(frame, entry);
}

void FrameGroup::add_batch(uint32_t topic, uint32_t partition, std::span<const RecordView> records) {
  while (!records.empty()) {
    FrameBytes& frame = open_frame();
    size_t room = 16;
    size_t count = 0;
    while (count < records.size() && (count == 0 || room < 512 * 1024)) room += most_bytes(records[count++]);
    Entry entry{.at = frame.size(), .header = {.topic = topic, .partition = partition}};
    entry.header.count = static_cast<uint32_t>(count);
    char* at = frame.reserve(sizeof(EntryHeader) + room) + sizeof(EntryHeader);
    const int64_t base_time = records[0].time.ms;
    at = write_varint(at, zigzag(base_time));
    for (size_t i = 0; i < count; ++i) {
      const RecordView& record = records[i];
      at = put_record(at, record, base_time);
      entry.data_bytes += static_cast<int64_t>((record.key ? record.key->size() : 0) +
                                               (record.value ? record.value->size() : 0));
    }
    frame.set_end(at);
    close_entry(frame, entry);
    records = records.subspan(count);
  }
}

void FrameGroup::add_moved(const EntryHeader& from, BytesView payload, int64_t appended_ms) {
  FrameBytes& frame = open_frame();
  Entry entry{.at = frame.size(), .header = from, .rewritten = {appended_ms, from.count}};
  Bytes prefix;
  if (is_rewritten(from.kind)) {
    BytesView in = payload;
    CHECK(get_rewritten(in, from, entry.rewritten));
  } else {
    entry.header.kind = EntryKind::moved;
    put_rewritten(prefix, entry.rewritten);
  }
  char* at = frame.reserve(sizeof(EntryHeader) + prefix.size() + payload.size()) + sizeof(EntryHeader);
  at = write_raw(at, prefix.data(), prefix.size());
  frame.set_end(write_raw(at, payload.data(), payload.size()));
  close_entry(frame, entry);
}

void FrameGroup::add_compacted(uint32_t topic, uint32_t partition, Offset base, const Rewritten& rewritten,
                               std::span<const RecordView> records) {
  FrameBytes& frame = open_frame();
  Entry entry{.at = frame.size(), .rewritten = rewritten};
  entry.header = {.kind = EntryKind::compacted, .topic = topic, .partition = partition};
  entry.header.count = static_cast<uint32_t>(records.size());
  entry.header.base_offset = base;
  Bytes prefix;
  put_rewritten(prefix, rewritten);
  size_t room = prefix.size() + 16;
  for (const RecordView& record : records) room += most_bytes(record) + 10;
  char* at = frame.reserve(sizeof(EntryHeader) + room) + sizeof(EntryHeader);
  at = write_raw(at, prefix.data(), prefix.size());
  const int64_t base_time = records.empty() ? 0 : records[0].time.ms;
  at = write_varint(at, zigzag(base_time));
  for (const RecordView& record : records) {
    CHECK(record.offset >= base);
    at = write_varint(at, static_cast<uint64_t>(record.offset - base));
    at = put_record(at, record, base_time);
    base = record.offset + 1;
  }
  frame.set_end(at);
  close_entry(frame, entry);
}

size_t FrameGroup::bytes() const {
  size_t bytes = 0;
  for (const FrameBytes& frame : frames_) bytes += frame.size();
  return bytes;
}

void FrameGroup::seal(uint64_t first_number, uint64_t segment, uint64_t synced) {
  std::vector<uint32_t> crcs(frames_.size());
  for (size_t i = 0; i < frames_.size(); ++i) {
    FrameHeader header;
    header.length = static_cast<uint32_t>(frames_[i].size() - sizeof(FrameHeader));
    header.number = first_number + i;
    header.segment = segment;
    header.synced = synced;
    header.parts_left = static_cast<uint32_t>(frames_.size() - 1 - i);
    std::memcpy(frames_[i].data(), &header, sizeof header);
    crcs[i] = crc32c(BytesView(frames_[i].data(), sizeof header));
  }
  for (const Entry& entry : entries_) {
    char* at = frames_[entry.frame].data() + entry.at;
    std::memcpy(at, &entry.header, sizeof entry.header);
    crcs[entry.frame] = crc32c(BytesView(at, sizeof entry.header), crcs[entry.frame]);
  }
  for (size_t i = 0; i < frames_.size(); ++i) {
    std::memcpy(frames_[i].data() + offsetof(FrameHeader, crc), &crcs[i], sizeof(uint32_t));
  }
}

void put_rewritten(Bytes& out, const Rewritten& rewritten) {
  put_zigzag(out, rewritten.appended_ms);
  put_varint(out, rewritten.span);
}

bool get_rewritten(BytesView& in, const EntryHeader& header, Rewritten& rewritten) {
  uint64_t span = 0;
  if (!get_zigzag(in, rewritten.appended_ms) || !get_varint(in, span)) return false;
  if (span == 0 || span > UINT32_MAX || header.count > span) return false;
  if (header.kind == EntryKind::moved && span != header.count) return false;
  if (header.base_offset < 0 || header.base_offset > kMostNumber - static_cast<int64_t>(span)) return false;
  rewritten.span = static_cast<uint32_t>(span);
  return true;
}

bool decode_batch(const EntryHeader& header, BytesView in, std::vector<RecordView>& records,
                  std::vector<HeaderView>& headers) {
  const Offset first = header.base_offset;
  if (header.kind == EntryKind::batch)
    return decode_records<false>(in, header.count, first, 0, records, headers);
  Rewritten rewritten;
  if (!is_rewritten(header.kind) || !get_rewritten(in, header, rewritten)) return false;
  if (header.kind == EntryKind::moved)
    return decode_records<false>(in, header.count, first, 0, records, headers);
  return decode_records<true>(in, header.count, first, first + rewritten.span, records, headers);
}

void link_headers(std::vector<RecordView>& records, const std::vector<HeaderView>& headers) {
  for (RecordView& record : records) {
    if (record.header_count == 0)
      record.headers = nullptr;
    else
      record.headers = headers.data() + reinterpret_cast<uintptr_t>(record.headers) / sizeof(HeaderView);
  }
}

bool walk_frame(BytesView frame, const FrameHeader& header, bool check_payloads,
                const std::function<void(const EntryHeader&, size_t, BytesView)>& each) {
  if (frame.size() < sizeof(FrameHeader) + header.length) return false;
  FrameHeader hashed = header;
  hashed.crc = 0;
  uint32_t crc = crc32c(BytesView(reinterpret_cast<const char*>(&hashed), sizeof hashed));
  struct Found {
    EntryHeader header;
    size_t at;
  };
  std::vector<Found> found;
  size_t at = sizeof(FrameHeader);
  const size_t end = at + header.length;
  while (at < end) {
    EntryHeader entry;
    if (end - at < sizeof entry) return false;
    std::memcpy(&entry, frame.data() + at, sizeof entry);
    if (entry.length > end - at - sizeof entry) return false;
    crc = crc32c(frame.substr(at, sizeof entry), crc);
    found.push_back({entry, at});
    at += sizeof entry + entry.length;
  }
  if (crc != header.crc) return false;
  for (const Found& entry : found) {
    const BytesView payload = frame.substr(entry.at + sizeof(EntryHeader), entry.header.length);
    if (check_payloads && crc32c(payload) != entry.header.crc) return false;
  }
  for (const Found& entry : found) {
    each(entry.header, entry.at, frame.substr(entry.at + sizeof(EntryHeader), entry.header.length));
  }
  return true;
}

}  // namespace tradewind::log
