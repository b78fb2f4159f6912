// Any bytes as the journal's segments: opening ends with a log that can be read and written, or with an
// Error.
//
// The first byte chooses: how the input is divided into segments, whether the checksums of what looks like
// headers, frames and entries are made right (else few inputs get past them).

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "log/embedded/frame.h"
#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

template <typename T>
T header_at(const Bytes& bytes, size_t at) {
  T header;
  std::memcpy(&header, bytes.data() + at, sizeof header);
  return header;
}

void write_at(Bytes& bytes, size_t at, const void* from, size_t size) {
  std::memcpy(bytes.data() + at, from, size);
}

void repair_frame(Bytes& bytes, size_t at) {
  auto header = header_at<FrameHeader>(bytes, at);
  header.length = static_cast<uint32_t>(std::min<size_t>(header.length, bytes.size() - at - sizeof header));
  header.crc = 0;
  uint32_t crc = crc32c(BytesView(reinterpret_cast<const char*>(&header), sizeof header));
  const size_t end = at + sizeof header + header.length;
  for (size_t entry_at = at + sizeof header; entry_at + sizeof(EntryHeader) <= end;) {
    auto entry = header_at<EntryHeader>(bytes, entry_at);
    const size_t payload_at = entry_at + sizeof entry;
    entry.length = static_cast<uint32_t>(std::min<size_t>(entry.length, end - payload_at));
    entry.crc = crc32c(BytesView(bytes).substr(payload_at, entry.length));
    write_at(bytes, entry_at, &entry, sizeof entry);
    crc = crc32c(BytesView(reinterpret_cast<const char*>(&entry), sizeof entry), crc);
    entry_at = payload_at + entry.length;
  }
  header.crc = crc;
  write_at(bytes, at, &header, sizeof header);
}

void repair_footer(Bytes& bytes, size_t at) {
  auto header = header_at<FrameHeader>(bytes, at);
  header.length = static_cast<uint32_t>(std::min<size_t>(header.length, bytes.size() - at - sizeof header));
  header.crc = 0;
  const BytesView body = BytesView(bytes).substr(at + sizeof header, header.length);
  header.crc = crc32c(body, crc32c(BytesView(reinterpret_cast<const char*>(&header), sizeof header)));
  write_at(bytes, at, &header, sizeof header);
}

void repair(Bytes& bytes) {
  if (bytes.size() < sizeof(SegmentHeader)) return;
  auto header = header_at<SegmentHeader>(bytes, 0);
  header.magic = kSegmentMagic;
  header.crc = crc32c(BytesView(reinterpret_cast<const char*>(&header), offsetof(SegmentHeader, crc)));
  write_at(bytes, 0, &header, sizeof header);
  for (size_t at = sizeof header; at + sizeof(FrameHeader) <= bytes.size(); ++at) {
    const auto magic = header_at<uint32_t>(bytes, at);
    if (magic == kFrameMagic) repair_frame(bytes, at);
    if (magic == kFooterMagic) repair_footer(bytes, at);
  }
}

void use(EmbeddedLog& log) {
  const auto topics = log.topics();
  CHECK(topics.ok());
  auto consumer = std::move(log.consumer(Visibility::durable)).value();
  for (const TopicSpec& topic : *topics) {
    for (int32_t partition = 0; partition < std::min(topic.partitions, 4); ++partition) {
      const Position position{topic.name, partition};
      const auto bounds = log.bounds(position, Visibility::durable);
      CHECK(bounds.ok() && bounds->begin <= bounds->end);
      CHECK(consumer->assign(position, 0).ok());
    }
  }
  for (int i = 0; i < 20; ++i) {
    const auto polled = consumer->poll(Duration(0), 100);
    if (!polled.ok() || polled->empty()) break;
    for (const FetchedBatch& batch : *polled) CHECK(batch.next <= batch.end);
  }
  (void)log.verify().ok();
  for (int i = 0; i < 20; ++i) {
    const auto kept = log.keep();
    if (!kept.ok() || !*kept) break;
  }
  auto producer = std::move(log.producer({})).value();
  const RecordView records[] = {{.key = "k", .value = "v"}};
  if (!topics->empty()) (void)producer->append({topics->front().name, 0}, records).ok();
}

Result<std::unique_ptr<EmbeddedLog>> open(FaultyDisk& disk) {
  return open_embedded({.directory = "/log",
                        .disk = &disk,
                        .own_thread = false,
                        .first_segment_bytes = 4096,
                        .most_segment_bytes = 65'536});
}

}  // namespace
}  // namespace tradewind::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tradewind::log;
  if (size == 0) return 0;
  const size_t pieces = (data[0] & 3) + 1;
  const bool repaired = (data[0] & 4) != 0;
  const tradewind::BytesView input(reinterpret_cast<const char*>(data) + 1, size - 1);
  FaultyDisk disk(data[0]);
  for (size_t i = 0; i < pieces; ++i) {
    const size_t from = input.size() * i / pieces;
    tradewind::Bytes bytes(input.substr(from, input.size() * (i + 1) / pieces - from));
    if (repaired) repair(bytes);
    disk.set_content("/log/journal/00000000000" + std::to_string(i + 1) + ".seg", bytes);
  }
  auto opened = open(disk);
  if (!opened.ok()) {
    CHECK(!opened.error().message.empty());
    return 0;
  }
  use(**opened);
  opened->reset();
  CHECK(open(disk).ok());
  return 0;
}
