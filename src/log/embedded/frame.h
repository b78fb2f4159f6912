#pragma once
// Frames and batches: what the journal's bytes mean. docs/formats/journal.md shows each byte.
//
// Segment: SegmentHeader, then frames. Frame: FrameHeader, then entries. Entry: EntryHeader, then its
// payload. An entry's payload has a CRC of its own, so that a batch can be read alone; the frame's CRC covers
// its header and the headers of its entries, so every byte is hashed once. Threads: none; pure functions over
// bytes.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/result.h"
#include "log/record.h"

namespace tradewind::log {

constexpr uint32_t kSegmentMagic = 0x314a5754;  // "TWJ1"
constexpr uint32_t kFrameMagic = 0x4d415246;    // "FRAM"
constexpr uint32_t kFooterMagic = 0x544f4f46;   // "FOOT"
constexpr uint32_t kVersion = 2;                // 1 had no rewritten batches and no ages; it is read as well
constexpr size_t kMostFrameBytes = 4 * 1024 * 1024;  // aimed at; one entry may be larger
constexpr uint32_t kMostEntryBytes = 128 * 1024 * 1024;
constexpr int64_t kMostNumber =
    1LL << 62;  // of a frame, an offset, an epoch: so that counting on never overflows
// No log counts so far, but damaged bytes may say that one did. What would go beyond is refused when it is
// written, as it is when it is read: what opens today opens tomorrow.
inline Error no_numbers_left() {
  return {Code::corrupt, "the journal's numbers are at their end; look at the disk"};
}

struct SegmentHeader {
  uint32_t magic = kSegmentMagic;
  uint32_t version = kVersion;
  uint64_t number = 0;  // the segment's; a recycled file gets a new one, which is its generation
  uint64_t first_frame = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // of the bytes before
};
static_assert(sizeof(SegmentHeader) == 32);

struct FrameHeader {
  uint32_t magic = kFrameMagic;
  uint32_t length = 0;      // of the entries
  uint64_t number = 0;      // one more than the frame before
  uint64_t segment = 0;     // must be the number of the segment it lies in
  uint64_t synced = 0;      // the last frame known to be durable when this one was written
  uint32_t parts_left = 0;  // frames of the same atomic group behind this one
  uint32_t crc = 0;         // of this header (with 0 here) and of the entries' headers
};
static_assert(sizeof(FrameHeader) == 40);

enum class EntryKind : uint32_t {
  batch = 1,
  topic = 2,
  dropped_topic = 3,
  partition = 4,
  producer = 5,
  group = 6,
  moved = 7,      // a batch again, at the end of the journal
  compacted = 8,  // some records of one batch or of several
  ages = 9        // when the segments were begun
};

constexpr bool is_rewritten(EntryKind kind) {
  return kind == EntryKind::moved || kind == EntryKind::compacted;
}
constexpr bool holds_records(EntryKind kind) {
  return kind == EntryKind::batch || is_rewritten(kind);
}

struct EntryHeader {
  EntryKind kind = EntryKind::batch;
  uint32_t length = 0;  // of the payload
  uint32_t crc = 0;     // of the payload
  uint32_t topic = 0;   // with records, partition: the topic's number
  uint32_t partition = 0;
  uint32_t count = 0;       // of records
  int64_t base_offset = 0;  // batch: of its first record; rewritten: where what it replaces begins
};
static_assert(sizeof(EntryHeader) == 32);

// What stands before the records of a rewritten batch: it replaces what the journal held of the offsets
// [base_offset, base_offset + span).
struct Rewritten {
  int64_t appended_ms = 0;  // wall time before which its records were first appended
  uint32_t span = 0;
};
void put_rewritten(Bytes& out, const Rewritten& rewritten);
// Takes it from the front of `in`; false when it makes no sense.
bool get_rewritten(BytesView& in, const EntryHeader& header, Rewritten& rewritten);
constexpr size_t kMostRewrittenBytes = 20;  // of its encoding

// The bytes of a frame under construction. Growing does not zero, and a kept one is filled again: commits of
// megabytes otherwise cost more in fresh memory than in work.
class FrameBytes {
 public:
  BytesView view() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  char* data() { return bytes_.get(); }
  // Makes room for `more` bytes behind what is there; where they go.
  char* reserve(size_t more);
  void set_end(const char* end) { size_ = static_cast<size_t>(end - bytes_.get()); }
  void clear() { size_ = 0; }

 private:
  Memory bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Frames that are not in use. Threads: shared freely.
class FrameKeep {
 public:
  FrameBytes take();
  void give_back(std::vector<FrameBytes>& frames);

 private:
  static constexpr size_t kMost = 10;  // of some 4 MB
  std::mutex mutex_;
  std::vector<FrameBytes> kept_;
};

// One or more frames under construction: an atomic group. Payloads are encoded and hashed as they are added;
// offsets and numbers are filled in when the journal takes it.
class FrameGroup {
 public:
  struct Entry {
    size_t frame = 0;
    size_t at = 0;           // of its header in the frame's bytes
    int64_t data_bytes = 0;  // batch: keys and values
    EntryHeader header;
    Rewritten rewritten;
  };

  FrameGroup() = default;
  // Takes its memory from `keep`, which outlives it.
  explicit FrameGroup(FrameKeep& keep) : keep_(&keep) {}
  ~FrameGroup() {
    if (keep_ != nullptr) keep_->give_back(frames_);
  }
  FrameGroup(const FrameGroup&) = delete;
  FrameGroup& operator=(const FrameGroup&) = delete;

  void add_batch(uint32_t topic, uint32_t partition, std::span<const RecordView> records);
  // The batch (or rewritten batch) `from` once more. `appended_ms` counts if it was not rewritten before.
  void add_moved(const EntryHeader& from, BytesView payload, int64_t appended_ms);
  // What is left of [base, base + rewritten.span). REQUIRES the records' offsets ascend within it.
  void add_compacted(uint32_t topic, uint32_t partition, Offset base, const Rewritten& rewritten,
                     std::span<const RecordView> records);
  void add(EntryKind kind, uint32_t topic, uint32_t partition, BytesView payload);
  bool empty() const { return frames_.empty(); }
  size_t bytes() const;
  std::vector<Entry>& entries() { return entries_; }
  const std::vector<FrameBytes>& frames() const { return frames_; }
  // Writes headers: the frames are then ready for the disk.
  void seal(uint64_t first_number, uint64_t segment, uint64_t synced);

 private:
  FrameBytes& open_frame();
  void close_entry(FrameBytes& frame, Entry entry);

  FrameKeep* keep_ = nullptr;
  std::vector<FrameBytes> frames_;
  std::vector<Entry> entries_;
};

// The records of a payload that holds some; views into it. `headers` has room for all of them once counted.
// False: not a batch.
bool decode_batch(const EntryHeader& header, BytesView payload, std::vector<RecordView>& records,
                  std::vector<HeaderView>& headers);

// Lets records that decode_batch() gave point into `headers`, which must stay where it is from now on.
void link_headers(std::vector<RecordView>& records, const std::vector<HeaderView>& headers);

// Walks the entries of a frame whose bytes (header and entries) are given; false when header or entries are
// not what they should be. `check_payloads`: their CRCs too. `each` gets the header, where it lies in
// `frame`, the payload.
bool walk_frame(BytesView frame, const FrameHeader& header, bool check_payloads,
                const std::function<void(const EntryHeader&, size_t, BytesView)>& each);

}  // namespace tradewind::log
