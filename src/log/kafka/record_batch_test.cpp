#include "log/kafka/record_batch.h"

#include <gmock/gmock.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "base/coding.h"
#include "base/hash.h"
#include "log/kafka/protocol.h"

namespace tradewind::log::kafka {
namespace {

using testing::ElementsAre;

constexpr size_t kLengthAt = 8;
constexpr size_t kCrcAt = 17;
constexpr size_t kListAt = 61;

RecordView record(BytesView key, BytesView value, int64_t time_ms) {
  return {.key = key, .value = value, .time = Timestamp{time_ms}};
}

uint32_t number_at(const Bytes& batch, size_t at) {
  BytesView bytes = BytesView(batch).substr(at);
  uint32_t number = 0;
  get_big32(bytes, number);
  return number;
}

// Key and value of each, with "-" for null, and the time of those whose time rides in a header.
std::vector<std::string> records_of(BytesView list) {
  std::vector<std::string> all;
  const auto text = [](BytesView& from) {
    int64_t size = 0;
    EXPECT_TRUE(get_zigzag(from, size));
    if (size < 0) return std::string("-");
    const std::string made(from.substr(0, static_cast<size_t>(size)));
    from.remove_prefix(static_cast<size_t>(size));
    return made;
  };
  while (!list.empty()) {
    BytesView one;
    int64_t size = 0;
    EXPECT_TRUE(get_zigzag(list, size));
    one = list.substr(0, static_cast<size_t>(size));
    list.remove_prefix(static_cast<size_t>(size));
    one.remove_prefix(1);
    int64_t time = 0;
    int64_t number = 0;
    int64_t headers = 0;
    EXPECT_TRUE(get_zigzag(one, time) && get_zigzag(one, number));
    EXPECT_EQ(number, static_cast<int64_t>(all.size()));
    std::string told = "+" + std::to_string(time) + " " + text(one);
    told += "=" + text(one);
    EXPECT_TRUE(get_zigzag(one, headers));
    for (; headers > 0; --headers) {
      told += " " + text(one);
      told += ":" + std::to_string(text(one).size());
    }
    EXPECT_TRUE(one.empty());
    all.push_back(told);
  }
  return all;
}

TEST(RecordBatch, HoldsItsRecordsAndWhoWroteThem) {
  const RecordView records[] = {
      record("a", "1", 1'000), {.key = "b", .time = Timestamp{1'500}}, record("", "", 999)};
  const Bytes batch = batch_of(records, {.id = 7, .epoch = 3, .sequence = 41}, Packing::none);
  EXPECT_EQ(number_at(batch, kLengthAt), batch.size() - kLengthAt - 4);
  EXPECT_EQ(number_at(batch, kCrcAt), crc32c(BytesView(batch).substr(kCrcAt + 4)));
  Told told(BytesView(batch).substr(kCrcAt + 4));
  EXPECT_EQ(told.number16(), 0x10);  // of a transaction, not packed
  EXPECT_EQ(told.number32(), 2);     // how far the last is behind the first
  EXPECT_EQ(told.number64(), 1'000);
  EXPECT_EQ(told.number64(), 1'500);
  EXPECT_EQ(told.number64(), 7);
  EXPECT_EQ(told.number16(), 3);
  EXPECT_EQ(told.number32(), 41);
  EXPECT_EQ(told.number32(), 3);
  EXPECT_THAT(records_of(BytesView(batch).substr(kListAt)), ElementsAre("+0 a=1", "+500 b=-", "+-1 ="));
}

TEST(RecordBatch, CarriesATimeKafkaDoesNotKeepInAHeader) {
  const RecordView records[] = {record("a", "1", 0), record("b", "2", -5)};
  const Bytes batch = batch_of(records, {}, Packing::none);
  EXPECT_THAT(records_of(BytesView(batch).substr(kListAt)),
              ElementsAre("+0 a=1 tw.time:8", "+0 b=2 tw.time:8"));
}

TEST(RecordBatch, IsPackedInFramesThatStandForThemselves) {
  const Bytes value(200'000, 'x');
  const RecordView records[] = {record("a", value, 1), record("b", value, 1)};
  const Bytes plain = batch_of(records, {}, Packing::none).substr(kListAt);
  const Bytes zstd = batch_of(records, {}, Packing::zstd).substr(kListAt);
  Bytes unpacked(plain.size(), '\0');
  EXPECT_EQ(ZSTD_decompress(unpacked.data(), unpacked.size(), zstd.data(), zstd.size()), plain.size());
  EXPECT_EQ(unpacked, plain);

  const Bytes lz4 = batch_of(records, {}, Packing::lz4).substr(kListAt);
  EXPECT_LT(lz4.size(), plain.size() / 10);
  LZ4F_dctx* context = nullptr;
  LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
  LZ4F_frameInfo_t info{};
  size_t left = lz4.size();
  LZ4F_getFrameInfo(context, &info, lz4.data(), &left);
  EXPECT_EQ(info.blockMode, LZ4F_blockIndependent);
  size_t size = unpacked.size();
  size_t rest = lz4.size() - left;
  EXPECT_EQ(LZ4F_decompress(context, unpacked.data(), &size, lz4.data() + left, &rest, nullptr), 0U);
  EXPECT_EQ(unpacked, plain);
  LZ4F_freeDecompressionContext(context);
}

TEST(RecordBatch, IsPackedByWhatIsOldToo) {
  const Bytes value(200'000, 'x');
  const RecordView records[] = {record("a", value, 1), record("b", value, 1)};
  const Bytes plain = batch_of(records, {}, Packing::none).substr(kListAt);
  Bytes unpacked(plain.size(), '\0');
  const Bytes snappy = batch_of(records, {}, Packing::snappy).substr(kListAt);
  size_t size = unpacked.size();
  ASSERT_EQ(snappy_uncompress(snappy.data(), snappy.size(), unpacked.data(), &size), SNAPPY_OK);
  EXPECT_EQ(unpacked, plain);

  unpacked.assign(plain.size(), '\0');
  Bytes gzip = batch_of(records, {}, Packing::gzip).substr(kListAt);
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);  // gzip only
  stream.next_in = reinterpret_cast<Bytef*>(gzip.data());
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  EXPECT_EQ(unpacked, plain);
}

TEST(RecordBatch, TakesAsManyRecordsAsBrokersTakeAndOneThatIsLarger) {
  const Bytes large(400'000, 'x');
  const Bytes larger(2'000'000, 'x');
  const RecordView records[] = {record("a", large, 1), record("b", large, 1), record("c", large, 1)};
  const RecordView one[] = {record("a", larger, 1), record("b", "", 1)};
  size_t bytes = 5;
  EXPECT_EQ(batch_size(records, bytes), 2U);
  EXPECT_GT(bytes, 800'005U);
  EXPECT_EQ(batch_size(one, bytes), 1U);
}

TEST(Told, IsBrokenBehindItsEndAndByListsThatCannotBe) {
  Asked asked;
  asked.number16(5).text("abc").number32(1'000'000);
  Told told(asked.body());
  EXPECT_EQ(told.number16(), 5);
  EXPECT_EQ(told.text(), "abc");
  EXPECT_FALSE(told.broken());
  EXPECT_EQ(told.count(2), 0);
  EXPECT_TRUE(told.broken());
  EXPECT_EQ(told.number64(), 0);
}

}  // namespace
}  // namespace tradewind::log::kafka
