#include "log/kafka/record_batch.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "log/kafka/client.h"
#include "log/kafka/protocol.h"

namespace tradewind::log::kafka {
namespace {

constexpr size_t kMostBatch = 900'000;  // bytes, with room below max.message.bytes' default of 1 MB
constexpr size_t kAround = 32;          // bytes of a record beside key, value and headers, at most
constexpr int8_t kMagic = 2;
constexpr int16_t kTransactional = 1 << 4;
constexpr size_t kBeforeLength = 12;  // offset and length
constexpr size_t kBeforeCrc = 17;     // and leader epoch and magic
constexpr size_t kCrc = 4;
constexpr int kZstdLevel = 3;

int64_t time_of(const RecordView& record) {
  return std::max<int64_t>(record.time.ms, 1);
}

size_t size_of(const RecordView& record) {
  size_t size = kAround + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const HeaderView& header = record.headers[i];
    size += kAround + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return size;
}

void put_nullable(Bytes& out, const std::optional<BytesView>& bytes) {
  put_zigzag(out, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) out.append(*bytes);
}

void put_header(Bytes& out, BytesView name, const std::optional<BytesView>& value) {
  put_zigzag(out, static_cast<int64_t>(name.size()));
  out.append(name);
  put_nullable(out, value);
}

void put_record(Bytes& out, const RecordView& record, int64_t first_time, size_t number, Bytes& one) {
  one.clear();
  one.push_back('\0');  // no attributes
  put_zigzag(one, time_of(record) - first_time);
  put_zigzag(one, static_cast<int64_t>(number));
  put_nullable(one, record.key);
  put_nullable(one, record.value);
  const bool odd_time = record.time.ms <= 0;
  put_zigzag(one, static_cast<int64_t>(record.header_count) + (odd_time ? 1 : 0));
  for (uint32_t i = 0; i < record.header_count; ++i)
    put_header(one, record.headers[i].name, record.headers[i].value);
  if (odd_time) {
    Bytes time;
    put_big64(time, static_cast<uint64_t>(record.time.ms));
    put_header(one, kTimeHeader, BytesView(time));
  }
  put_zigzag(out, static_cast<int64_t>(one.size()));
  out.append(one);
}

// Kafka's reader takes a frame whose blocks stand for themselves.
Bytes lz4_of(BytesView bytes) {
  LZ4F_preferences_t how{};
  how.frameInfo.blockMode = LZ4F_blockIndependent;
  Bytes packed(LZ4F_compressFrameBound(bytes.size(), &how), '\0');
  const size_t size = LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &how);
  CHECK(LZ4F_isError(size) == 0);
  packed.resize(size);
  return packed;
}

Bytes zstd_of(BytesView bytes) {
  Bytes packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), kZstdLevel);
  CHECK(ZSTD_isError(size) == 0);
  packed.resize(size);
  return packed;
}

Bytes gzip_of(const Bytes& bytes) {
  constexpr int kGzip = 15 + 16;  // zlib's number for the greatest window, with gzip's head
  constexpr int kMemory = 8;      // zlib's default
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes snappy_of(BytesView bytes) {
  size_t size = snappy_max_compressed_length(bytes.size());
  Bytes packed(size, '\0');
  CHECK(snappy_compress(bytes.data(), bytes.size(), packed.data(), &size) == SNAPPY_OK);
  packed.resize(size);
  return packed;
}

Bytes packed_by(Packing packing, Bytes bytes) {
  switch (packing) {
    case Packing::none: return bytes;
    case Packing::gzip: return gzip_of(bytes);
    case Packing::snappy: return snappy_of(bytes);
    case Packing::lz4: return lz4_of(bytes);
    case Packing::zstd: return zstd_of(bytes);
  }
  return bytes;
}

}  // namespace

std::optional<Packing> packing_of(const std::string& name) {
  if (name == "none") return Packing::none;
  if (name == "gzip") return Packing::gzip;
  if (name == "snappy") return Packing::snappy;
  if (name == "lz4") return Packing::lz4;
  if (name == "zstd") return Packing::zstd;
  return std::nullopt;
}

size_t batch_size(std::span<const RecordView> records, size_t& bytes) {
  CHECK(!records.empty());
  size_t batch = size_of(records[0]);
  size_t count = 1;
  for (; count < records.size(); ++count) {
    const size_t more = size_of(records[count]);
    if (batch + more > kMostBatch) break;
    batch += more;
  }
  bytes += batch;
  return count;
}

Bytes batch_of(std::span<const RecordView> records, const Writer& writer, Packing packing) {
  CHECK(!records.empty());
  const int64_t first_time = time_of(records.front());
  int64_t last_time = first_time;
  Bytes list;
  Bytes one;
  for (size_t i = 0; i < records.size(); ++i) {
    put_record(list, records[i], first_time, i, one);
    last_time = std::max(last_time, time_of(records[i]));
  }
  const Bytes packed = packed_by(packing, std::move(list));
  Asked checked;  // what the CRC is of
  checked.number16(static_cast<int16_t>(static_cast<int16_t>(packing) | kTransactional))
      .number32(static_cast<int32_t>(records.size() - 1))
      .number64(first_time)
      .number64(last_time)
      .number64(writer.id)
      .number16(writer.epoch)
      .number32(writer.sequence)
      .number32(static_cast<int32_t>(records.size()))
      .raw(packed);
  const Bytes& rest = checked.body();
  Asked head;
  head.number64(0)
      .number32(static_cast<int32_t>(kBeforeCrc - kBeforeLength + kCrc + rest.size()))
      .number32(-1)
      .number8(kMagic)
      .number32(static_cast<int32_t>(crc32c(rest)));
  return head.body() + rest;
}

}  // namespace tradewind::log::kafka
