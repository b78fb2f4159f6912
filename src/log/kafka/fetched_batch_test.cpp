#include "log/kafka/fetched_batch.h"

#include <gmock/gmock.h>
#include <snappy-c.h>
#include <zstd.h>

#include <cstring>

#include "base/random.h"
#include "log/kafka/stored_bytes.h"

namespace tradewind::log::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr Packing kAll[] = {Packing::none, Packing::gzip, Packing::snappy, Packing::lz4, Packing::zstd};

StoredBatch taken(BytesView bytes) {
  auto batch = take_batch(bytes);
  EXPECT_TRUE(batch.ok() && *batch);
  return batch.ok() && *batch ? **batch : StoredBatch();
}

// "offset key=value@time name:value", "-" for null; "broken" where it ends.
std::vector<std::string> read(const StoredBatch& batch) {
  Buffer list;
  if (const auto done = unpack(batch, list); !done.ok()) return {done.error().message};
  StoredRecords records(batch, list.view());
  std::vector<std::string> all;
  const auto text = [](const std::optional<BytesView>& bytes) { return bytes ? std::string(*bytes) : "-"; };
  while (records.left() > 0) {
    RecordView record;
    std::vector<HeaderView> headers;
    if (!records.next(record, headers)) {
      all.emplace_back("broken");
      break;
    }
    std::string told = std::to_string(record.offset) + " " + text(record.key) + "=" + text(record.value) +
                       "@" + std::to_string(record.time.ms);
    for (const HeaderView& header : headers)
      told += " " + std::string(header.name) + ":" + text(header.value);
    all.push_back(told);
  }
  return all;
}

class FetchedBatch : public testing::Test {
 protected:
  const HeaderView headers[2] = {{.name = "source", .value = "web"}, {.name = "none"}};
  const RecordView records[3] = {{.key = "a", .value = "1", .time = {1'000}},
                                 {.key = "b", .time = {1'500}, .headers = headers, .header_count = 2},
                                 {.value = "", .time = {999}}};
};

TEST_F(FetchedBatch, GivesWhatWasWrittenHoweverItIsPacked) {
  for (const Packing packing : kAll) {
    const Bytes bytes = stored(records, 40, -1, packing);
    const StoredBatch batch = taken(bytes);
    EXPECT_EQ(batch.packing, packing);
    EXPECT_EQ(batch.first, 40);
    EXPECT_EQ(batch.next, 43);
    EXPECT_FALSE(batch.transactional || batch.control);
    EXPECT_THAT(read(batch), ElementsAre("40 a=1@1000", "41 b=-@1500 source:web none:-", "42 -=@999"));
  }
}

TEST_F(FetchedBatch, UnpacksWhatIsManyTimesAsLarge) {
  const Bytes large(800'000, 'x');
  const RecordView one{.key = "k", .value = large, .time = {1}};
  for (const Packing packing : kAll)
    EXPECT_THAT(read(taken(stored({&one, 1}, 0, -1, packing))), ElementsAre("0 k=" + large + "@1"));
}

TEST_F(FetchedBatch, UnpacksSnappyAsJavasClientsPackIt) {
  const Bytes plain = stored(records, 7);
  const StoredBatch batch = taken(plain);
  Bytes list("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  for (size_t at = 0; at < batch.list.size(); at += 10) {
    const BytesView piece = batch.list.substr(at, 10);
    size_t size = snappy_max_compressed_length(piece.size());
    Bytes packed(size, '\0');
    snappy_compress(piece.data(), piece.size(), packed.data(), &size);
    Asked block;
    list += block.bytes(BytesView(packed).substr(0, size)).body();
  }
  StoredBatch packed = batch;
  packed.packing = Packing::snappy;
  packed.list = list;
  EXPECT_EQ(read(packed), read(batch));
}

TEST_F(FetchedBatch, TellsWhoWroteItAndWhetherItGivesUp) {
  const Bytes bytes = stored(records, 3, 17);
  EXPECT_EQ(taken(bytes).writer, 17);
  EXPECT_TRUE(taken(bytes).transactional);
  for (const bool commit : {true, false}) {
    const Bytes mark = mark_of(commit, 9, 17);
    const StoredBatch batch = taken(mark);
    EXPECT_TRUE(batch.control && batch.transactional);
    EXPECT_EQ(batch.next, 10);
    const auto up = gives_up(batch);
    ASSERT_TRUE(up.ok());
    EXPECT_EQ(*up, !commit);
  }
  EXPECT_FALSE(gives_up(taken(stored(records, 3, 17))).ok());
}

TEST_F(FetchedBatch, HasTheTimeOfTheBrokerWhereItKeepsThat) {
  const Bytes bytes = stored(batch_of(records, {}, Packing::none), 0, 1 << 3);
  EXPECT_EQ(taken(bytes).appended_ms, 1'500);
  EXPECT_THAT(read(taken(bytes)), ElementsAre("0 a=1@1500", "1 b=-@1500 source:web none:-", "2 -=@1500"));
}

TEST_F(FetchedBatch, TakesOneBehindTheOtherUntilOneIsCutOff) {
  const Bytes one = stored(records, 0);
  const Bytes two = stored(records, 3);
  for (size_t cut = 0; cut < two.size(); ++cut) {
    const std::vector<char> bytes = [&] {  // exactly so many: a reader beyond them would be seen
      const Bytes all = one + two.substr(0, cut);
      return std::vector<char>(all.begin(), all.end());
    }();
    BytesView left(bytes.data(), bytes.size());
    ASSERT_TRUE((*take_batch(left)).has_value());
    const auto second = take_batch(left);
    ASSERT_TRUE(second.ok());
    EXPECT_FALSE(second->has_value());
    EXPECT_THAT(left, SizeIs(cut));
  }
}

TEST_F(FetchedBatch, BelievesNoByteThatAnotherStandsFor) {
  const Bytes bytes = stored(records, 0);
  constexpr size_t kCrcAt = 17;
  for (size_t at = kCrcAt; at < bytes.size(); ++at) {
    Bytes other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0x40);
    BytesView left = other;
    const auto batch = take_batch(left);
    ASSERT_FALSE(batch.ok()) << at;
    EXPECT_EQ(batch.error().code, Code::corrupt);
  }
}

TEST_F(FetchedBatch, NamesAFormatThatIsTooOld) {
  Bytes bytes = stored(records, 0);
  constexpr size_t kMagicAt = 16;
  bytes[kMagicAt] = 1;
  BytesView left = bytes;
  const auto batch = take_batch(left);
  ASSERT_FALSE(batch.ok());
  EXPECT_EQ(batch.error().code, Code::unsupported);
  EXPECT_THAT(batch.error().message, HasSubstr("before Kafka 0.11"));
}

// Sums are right, what they are of is not.
TEST_F(FetchedBatch, BearsListsOfRandomBytes) {
  Random random(3);
  for (int round = 0; round < 3'000; ++round) {
    const Packing packing = kAll[random.below(std::size(kAll))];
    Bytes bytes = stored(records, 5, -1, packing);
    constexpr size_t kListAt = 61;
    const size_t flips = 1 + random.below(4);
    for (size_t i = 0; i < flips; ++i)
      bytes[kListAt + random.below(bytes.size() - kListAt)] = static_cast<char>(random.below(256));
    bytes = stored(std::move(bytes), 5, 0);
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto all = read(taken({exact.data(), exact.size()}));
    ASSERT_LE(all.size(), 4U);
  }
}

TEST_F(FetchedBatch, UnpacksNoMoreThanAnybodyWouldWrite) {
  const Bytes zeros(size_t{300} << 20, '\0');
  Bytes packed(ZSTD_compressBound(zeros.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), zeros.data(), zeros.size(), 1);
  StoredBatch batch;
  batch.packing = Packing::zstd;
  batch.list = BytesView(packed).substr(0, size);
  EXPECT_THAT(read(batch), ElementsAre(HasSubstr("too much")));
}

}  // namespace
}  // namespace tradewind::log::kafka
