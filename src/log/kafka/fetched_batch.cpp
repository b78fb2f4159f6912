#include "log/kafka/fetched_batch.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/coding.h"
#include "base/hash.h"
#include "log/kafka/protocol.h"

namespace tradewind::log::kafka {
namespace {

constexpr size_t kBeforeBody = 12;  // offset and length
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kListAt = 61;
constexpr int8_t kMagic = 2;
constexpr int16_t kPackingBits = 7;
constexpr int16_t kAppendTime = 1 << 3;
constexpr int16_t kTransactional = 1 << 4;
constexpr int16_t kControl = 1 << 5;
constexpr size_t kMostUnpacked = size_t{256} << 20;  // bytes
constexpr size_t kPiece = size_t{64} << 10;

Error damaged(const std::string& how) {
  return {Code::corrupt, "its bytes are damaged (" + how + ")"};
}

// Makes room for more, or says that there is enough: a few bytes can stand for endlessly many.
bool grow(Buffer& to) {
  if (to.size() >= kMostUnpacked) return false;
  to.resize(std::min(std::max(2 * to.size(), kPiece), kMostUnpacked));
  return true;
}

// What it likely needs, or all it has.
void begin(Buffer& to, BytesView packed) {
  to.resize(std::max({4 * packed.size(), kPiece, to.room()}));
}

Result<> from_gzip(BytesView packed, Buffer& to) {
  constexpr int kGzipOrZlib = 15 + 32;  // zlib's number for the greatest window, and for any head
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOrZlib) != Z_OK) return damaged("gzip");
  const std::unique_ptr<z_stream, void (*)(z_stream*)> held(&stream, [](z_stream* one) { inflateEnd(one); });
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  begin(to, packed);
  for (int did = Z_OK; did != Z_STREAM_END;) {
    if (stream.total_out == to.size() && !grow(to)) return damaged("gzip, too much of it");
    stream.next_out = reinterpret_cast<Bytef*>(to.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(to.size() - stream.total_out);
    did = inflate(&stream, Z_NO_FLUSH);
    if (did != Z_OK && did != Z_STREAM_END) return damaged("gzip");
  }
  to.resize(stream.total_out);
  return {};
}

Result<> add_snappy(BytesView packed, Buffer& to) {
  size_t size = 0;
  if (snappy_uncompressed_length(packed.data(), packed.size(), &size) != SNAPPY_OK) return damaged("snappy");
  if (size > kMostUnpacked - to.size()) return damaged("snappy, too much of it");
  const size_t at = to.size();
  to.resize(at + size);
  if (snappy_uncompress(packed.data(), packed.size(), to.data() + at, &size) != SNAPPY_OK)
    return damaged("snappy");
  return {};
}

// Kafka's own clients put blocks of snappy behind a head of xerial's: 8 bytes of name, two versions.
Result<> from_snappy(BytesView packed, Buffer& to) {
  constexpr BytesView kName("\x82SNAPPY\0", 8);
  constexpr size_t kHead = 16;
  to.resize(0);
  if (!packed.starts_with(kName) || packed.size() < kHead) return add_snappy(packed, to);
  packed.remove_prefix(kHead);
  while (!packed.empty()) {
    uint32_t size = 0;
    if (!get_big32(packed, size) || size > packed.size()) return damaged("snappy");
    TRY(add_snappy(packed.substr(0, size), to));
    packed.remove_prefix(size);
  }
  return {};
}

Result<> from_lz4(BytesView packed, Buffer& to) {
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0) return damaged("lz4");
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> held(made,
                                                                          LZ4F_freeDecompressionContext);
  begin(to, packed);
  size_t used = 0;
  for (size_t wanted = 1; wanted != 0;) {
    if (used == to.size() && !grow(to)) return damaged("lz4, too much of it");
    size_t room = to.size() - used;
    size_t taken = packed.size();
    wanted = LZ4F_decompress(made, to.data() + used, &room, packed.data(), &taken, nullptr);
    if (LZ4F_isError(wanted) != 0) return damaged("lz4");
    used += room;
    packed.remove_prefix(taken);
    if (wanted != 0 && taken == 0 && room == 0) return damaged("lz4, cut off");
  }
  to.resize(used);
  return {};
}

Result<> from_zstd(BytesView packed, Buffer& to) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  begin(to, packed);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer out{to.data(), to.size(), 0};
  for (size_t wanted = 1; wanted != 0;) {
    if (out.pos == out.size) {
      if (!grow(to)) return damaged("zstd, too much of it");
      out.dst = to.data();
      out.size = to.size();
    }
    const size_t taken = in.pos;
    const size_t given = out.pos;
    wanted = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(wanted) != 0) return damaged("zstd");
    if (wanted != 0 && in.pos == taken && out.pos == given) return damaged("zstd, cut off");
  }
  to.resize(out.pos);
  return {};
}

}  // namespace

Result<std::optional<StoredBatch>> take_batch(BytesView& bytes) {
  if (bytes.size() <= kMagicAt) return std::optional<StoredBatch>();
  Told told(bytes);
  StoredBatch batch;
  batch.first = told.number64();
  const int32_t length = told.number32();
  if (length < 0) return damaged("a batch's length is " + std::to_string(length));
  const size_t size = kBeforeBody + static_cast<size_t>(length);
  const auto magic = static_cast<int8_t>(bytes[kMagicAt]);
  if (size > bytes.size()) return std::optional<StoredBatch>();  // what fits into an answer may end anywhere
  if (magic != kMagic)
    return Error{Code::unsupported, "its records are in message format " + std::to_string(magic) +
                                        ", of before Kafka 0.11; have a client of Kafka 3 write them anew"};
  if (size < kListAt) return damaged("a batch of " + std::to_string(size) + " bytes");
  told.number32();  // leader epoch
  told.number8();   // magic
  const auto sum = static_cast<uint32_t>(told.number32());
  if (crc32c(bytes.substr(kCrcAt + sizeof sum, size - kCrcAt - sizeof sum)) != sum)
    return damaged("their sum is another");
  const int16_t attributes = told.number16();
  const int32_t last = told.number32();
  batch.first_ms = told.number64();
  const int64_t most_ms = told.number64();
  if ((attributes & kAppendTime) != 0) batch.appended_ms = most_ms;
  batch.writer = told.number64();
  told.number16();  // the writer's epoch
  told.number32();  // sequence
  batch.count = told.number32();
  if (last < 0 || batch.count < 0) return damaged("a batch of less than nothing");
  batch.next = batch.first + last + 1;
  batch.transactional = (attributes & kTransactional) != 0;
  batch.control = (attributes & kControl) != 0;
  const auto packing = static_cast<int16_t>(attributes & kPackingBits);
  if (packing > static_cast<int16_t>(Packing::zstd))
    return Error{Code::unsupported, "nobody knows packing " + std::to_string(packing) + " of its records"};
  batch.packing = Packing{packing};
  batch.list = bytes.substr(kListAt, size - kListAt);
  bytes.remove_prefix(size);
  return std::optional(batch);
}

Result<bool> gives_up(const StoredBatch& control) {
  Buffer list;
  TRY(unpack(control, list));
  StoredRecords records(control, list.view());
  std::vector<HeaderView> headers;
  RecordView mark;
  if (control.count != 1 || !records.next(mark, headers) || !mark.key) return damaged("a mark that is none");
  Told key(*mark.key);
  key.number16();  // version
  const int16_t kind = key.number16();
  if (key.broken()) return damaged("a mark that is none");
  constexpr int16_t kAbort = 0;
  return kind == kAbort;
}

Result<> unpack(const StoredBatch& batch, Buffer& to) {
  switch (batch.packing) {
    case Packing::none:
      to.resize(batch.list.size());
      std::memcpy(to.data(), batch.list.data(), batch.list.size());
      return {};
    case Packing::gzip: return from_gzip(batch.list, to);
    case Packing::snappy: return from_snappy(batch.list, to);
    case Packing::lz4: return from_lz4(batch.list, to);
    case Packing::zstd: return from_zstd(batch.list, to);
  }
  return damaged("packed");
}

bool StoredRecords::nullable(BytesView& from, std::optional<BytesView>& bytes) {
  int64_t size = 0;
  if (!get_zigzag(from, size) || size > static_cast<int64_t>(from.size())) return false;
  bytes.reset();
  if (size < 0) return true;
  bytes = from.substr(0, static_cast<size_t>(size));
  from.remove_prefix(static_cast<size_t>(size));
  return true;
}

bool StoredRecords::read_headers(BytesView& from, uint32_t count, std::vector<HeaderView>& headers) {
  for (; count > 0; --count) {
    std::optional<BytesView> name;
    HeaderView header;
    if (!nullable(from, name) || !name || !nullable(from, header.value)) return false;
    header.name = *name;
    headers.push_back(header);
  }
  return true;
}

bool StoredRecords::next(RecordView& record, std::vector<HeaderView>& headers) {
  int64_t size = 0;
  if (!get_zigzag(list_, size) || size < 1 || size > static_cast<int64_t>(list_.size())) return false;
  BytesView one = list_.substr(1, static_cast<size_t>(size) - 1);  // attributes say nothing
  list_.remove_prefix(static_cast<size_t>(size));
  int64_t time = 0;
  int64_t number = 0;
  int64_t count = 0;
  if (!get_zigzag(one, time) || !get_zigzag(one, number) || !nullable(one, record.key) ||
      !nullable(one, record.value) || !get_zigzag(one, count))
    return false;
  if (number < 0 || number >= next_ - first_ || count < 0 || count > static_cast<int64_t>(one.size()))
    return false;
  record.time.ms = appended_ms_.value_or(first_ms_ + time);
  record.offset = first_ + number;
  record.headers = nullptr;
  record.header_count = static_cast<uint32_t>(count);
  --left_;
  return count == 0 || read_headers(one, record.header_count, headers);
}

}  // namespace tradewind::log::kafka
