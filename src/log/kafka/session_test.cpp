#include "log/kafka/session.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "log/kafka/fake_broker.h"

namespace tradewind::log::kafka {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Does = FakeBroker::Does;

constexpr int64_t kMs = 1'000'000;  // ns

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    options.servers = broker.address();
    options.clock = &clock;
  }

  int64_t in(Duration wait) { return clock.monotonic_ns() + wait.count() * kMs; }
  void take() { ASSERT_EQ(session.take(in(kLong)), 0) << session.trouble(); }

  // One record of these bytes to each position.
  int write(const std::vector<Position>& positions, const std::string& value = "v", Duration wait = kLong,
            size_t records = 1) {
    const std::vector<RecordView> all(records, {.key = "k", .value = value, .time = {1'000}});
    std::vector<Appending> parts;
    for (const Position& position : positions) parts.push_back({position, all});
    slots.clear();
    return session.write(parts, {}, slots, in(wait));
  }
  Offset first(size_t part = 0) const { return slots.at(part).first; }
  size_t batches(const Position& position) {
    const std::lock_guard lock(cluster.mutex);
    return cluster.held[position].size();
  }
  std::vector<bool> ended() {
    const std::lock_guard lock(cluster.mutex);
    return cluster.ended;
  }
  Duration since(int64_t began_ns) { return Duration((clock.monotonic_ns() - began_ns) / kMs); }

  static constexpr Duration kLong{20'000};
  SystemClock clock;
  FakeCluster cluster;
  FakeBroker broker{cluster};
  KafkaOptions options;
  Session session{options, "shop.0"};
  std::deque<Deliveries::Slot> slots;
  const Position orders{"orders", 0};
  const Position views{"views", 3};
};

TEST_F(SessionTest, WritesAllPartitionsOfABrokerInOneRequest) {
  take();
  ASSERT_EQ(write({orders, views, {"orders", 1}}), 0) << session.trouble();
  ASSERT_EQ(session.end(true, in(kLong)), 0);
  EXPECT_THAT(broker.asked(Api::produce), SizeIs(1));
  EXPECT_THAT(slots, SizeIs(3));
  EXPECT_EQ(batches(orders), 1U);
  EXPECT_THAT(ended(), ElementsAre(true));
  EXPECT_TRUE(session.sound());
}

TEST_F(SessionTest, CountsRecordsOfEachPartitionThroughTransactions) {
  take();
  for (const bool commit : {true, false, true}) {
    ASSERT_EQ(write({orders}, "v", kLong, 3), 0);
    ASSERT_EQ(session.end(commit, in(kLong)), 0);
  }
  EXPECT_EQ(batches(orders), 3U);
  EXPECT_EQ(first(), 6);
  EXPECT_THAT(ended(), ElementsAre(true, false, true));
}

TEST_F(SessionTest, SendsTheSameBytesAgainWhenTheConnectionEndsBeforeOrBehindTheWriting) {
  for (const Does does : {Does::cuts_before, Does::cuts_after}) {
    take();
    broker.next(Api::produce, {.does = does});
    const size_t before = broker.asked(Api::produce).size();
    const size_t held = batches(orders);
    ASSERT_EQ(write({orders, views}, "v", kLong, 5), 0) << session.trouble();
    const std::vector<Bytes> asked = broker.asked(Api::produce);
    ASSERT_EQ(asked.size(), before + 2);
    EXPECT_EQ(asked[before], asked[before + 1]);
    EXPECT_EQ(batches(orders), held + 1);
    EXPECT_EQ(first(), static_cast<Offset>(held * 5));
    ASSERT_EQ(session.end(true, in(kLong)), 0);
  }
}

TEST_F(SessionTest, IsNotSoundAfterAConnectionEndedInATransactionButSoInTheNext) {
  take();
  EXPECT_TRUE(session.sound());
  broker.next(Api::end_txn, {.does = Does::cuts_after});
  ASSERT_EQ(write({orders}), 0);
  ASSERT_EQ(session.end(true, in(kLong)), 0);
  EXPECT_THAT(ended(), ElementsAre(true));
  EXPECT_FALSE(session.sound());
  take();
  EXPECT_TRUE(session.sound());
}

TEST_F(SessionTest, FindsItsRecordsAtANewLeaderThatHasThem) {
  FakeBroker other(cluster);
  take();
  ASSERT_EQ(write({orders}), 0);
  broker.next(Api::produce, {.does = Does::cuts_after});
  // Whoever asks where partitions are is sent on to the other.
  broker.always(Api::produce, {.does = Does::refuses, .code = 6});
  {
    const std::lock_guard lock(cluster.mutex);
    cluster.leader_port = other.port();
  }
  ASSERT_EQ(write({orders}), 0) << session.trouble();
  ASSERT_EQ(session.end(true, in(kLong)), 0);
  EXPECT_EQ(first(), 1);
  EXPECT_EQ(batches(orders), 2U);
  EXPECT_THAT(other.asked(Api::produce), SizeIs(1));
  EXPECT_EQ(other.asked(Api::produce).back(), broker.asked(Api::produce).at(1));
}

TEST_F(SessionTest, WaitsForWhatPasses) {
  take();
  // Unknown topic, no leader, another leader, timed out, no broker, no replica, network, too few replicas,
  // too few behind the writing, the transaction before, the disk.
  for (const int16_t code : {3, 5, 6, 7, 8, 9, 13, 19, 20, 51, 56}) {
    for (const Does does : {Does::refuses, Does::half}) {
      const size_t held = batches(orders);
      const size_t before = broker.asked(Api::produce).size();
      broker.next(Api::produce, {.does = does, .code = code});
      ASSERT_EQ(write({orders}), 0) << code;
      ASSERT_EQ(session.end(true, in(kLong)), 0) << code;
      const std::vector<Bytes> asked = broker.asked(Api::produce);
      ASSERT_EQ(asked.size(), before + 2) << code;
      EXPECT_EQ(asked[before], asked[before + 1]) << code;
      EXPECT_EQ(batches(orders), held + 1) << code;
      EXPECT_TRUE(session.sound()) << code;
    }
  }
}

TEST_F(SessionTest, TellsWhatDoesNotPassAtOnce) {
  // Unknown error, corrupt, too large, too large together, forbidden, out of order, known already, an epoch
  // of before, a transaction's state, unknown id, unknown writer, fenced, an invalid record.
  for (const int16_t code : {-1, 2, 10, 18, 29, 45, 46, 47, 48, 49, 59, 87, 90}) {
    take();
    const size_t before = broker.asked(Api::produce).size();
    broker.next(Api::produce, {.code = code, .topic = "views"});
    EXPECT_EQ(write({orders, views}), code);
    EXPECT_EQ(session.topic(), "views");
    EXPECT_EQ(broker.asked(Api::produce).size(), before + 1) << code;
    EXPECT_EQ(session.end(false, in(kLong)), 0) << code;
    EXPECT_EQ(session.sound(), code != -1) << code;
  }
}

TEST_F(SessionTest, WritesOnUnderTheNumbersOfWhatWasGivenUp) {
  take();
  broker.next(Api::produce, {.code = 10, .topic = "views"});
  ASSERT_EQ(write({orders, views}), 10);
  ASSERT_EQ(session.end(false, in(kLong)), 0);
  ASSERT_TRUE(session.sound());
  ASSERT_EQ(write({orders, views}), 0);
  ASSERT_EQ(session.end(true, in(kLong)), 0);
  EXPECT_EQ(slots.at(0).first, 1);
  EXPECT_EQ(slots.at(1).first, 0);
  EXPECT_THAT(ended(), ElementsAre(false, true));
}

// Else the next transaction's records of the same numbers would be dropped as known.
TEST_F(SessionTest, IsNotSoundWhenRecordsMayLieInAPartitionThatNobodyAcknowledged) {
  take();
  broker.next(Api::produce, {.does = Does::half, .code = 20, .topic = "orders"});
  broker.next(Api::produce, {.does = Does::refuses, .code = 10});
  ASSERT_EQ(write({orders, views}), 10);
  ASSERT_EQ(session.end(false, in(kLong)), 0);
  EXPECT_EQ(batches(orders), 1U);
  EXPECT_FALSE(session.sound());
}

TEST_F(SessionTest, EndsATransactionOnceHoweverOftenItAsks) {
  take();
  for (const Does does : {Does::cuts_before, Does::cuts_after, Does::half}) {
    ASSERT_EQ(write({orders}), 0);
    broker.next(Api::end_txn, {.does = does, .code = 51});
    ASSERT_EQ(session.end(true, in(kLong)), 0);
  }
  EXPECT_THAT(ended(), ElementsAre(true, true, true));
}

TEST_F(SessionTest, TellsHowAnEndWasRefused) {
  take();
  for (const int16_t code : {47, 48, 49, 53, 90}) {
    ASSERT_EQ(write({orders}), 0);
    broker.next(Api::end_txn, {.code = code});
    EXPECT_EQ(session.end(true, in(kLong)), code);
  }
  EXPECT_EQ(session.end(true, in(kLong)), 0);
}

TEST_F(SessionTest, TakesTheIdThoughAnotherTakingIsUnderWay) {
  for (const int16_t code : {14, 15, 16, 47, 51, 90}) {
    broker.next(Api::init_producer_id, {.code = code});
    EXPECT_EQ(session.take(in(kLong)), 0) << code;
  }
  broker.next(Api::init_producer_id, {.code = 53});
  EXPECT_EQ(session.take(in(kLong)), 53);
}

TEST_F(SessionTest, NamesTheTopicThatMayNotBeSeenOrWritten) {
  take();
  broker.next(Api::metadata, {.code = 29, .topic = "orders"});
  EXPECT_EQ(write({orders, views}), 29);
  EXPECT_EQ(session.topic(), "orders");
  broker.next(Api::add_partitions_to_txn, {.code = 29, .topic = "views"});
  EXPECT_EQ(write({orders, views}), 29);
  EXPECT_EQ(session.topic(), "views");
  EXPECT_THAT(broker.asked(Api::produce), IsEmpty());
}

TEST_F(SessionTest, SendsPlacesWhileRecordsAreWritten) {
  take();
  const RecordView record{.key = "k", .value = "v", .time = {1'000}};
  const std::vector<Appending> parts{{orders, {&record, 1}}};
  broker.next(Api::txn_offset_commit, {.code = 14});
  broker.next(Api::add_offsets_to_txn, {.code = 51});
  ASSERT_EQ(session.write(parts, {"shop", {{views, 17}}}, slots, in(kLong)), 0);
  broker.next(Api::txn_offset_commit, {.code = 30});
  ASSERT_EQ(session.write(parts, {"shop", {{views, 18}}}, slots, in(kLong)), 30);
  ASSERT_EQ(session.end(false, in(kLong)), 0);
  EXPECT_EQ(batches(orders), 2U);
}

TEST_F(SessionTest, EndsWithinTheTimeWhenABrokerIsSilentOrSlow) {
  for (const Does does : {Does::is_silent, Does::dribbles}) {
    for (const Api api : {Api::init_producer_id, Api::metadata, Api::find_coordinator}) {
      FakeBroker bad(cluster);
      KafkaOptions at = options;
      at.servers = bad.address();
      bad.always(api, {.does = does});
      {
        const std::lock_guard lock(cluster.mutex);
        cluster.leader_port = bad.port();
      }
      Session one(at, "shop.1");
      const int64_t began_ns = clock.monotonic_ns();
      const RecordView record{.key = "k", .value = "v", .time = {1'000}};
      const std::vector<Appending> parts{{orders, {&record, 1}}};
      int code = one.take(in(Duration(300)));
      if (code == 0) code = one.write(parts, {}, slots, in(Duration(300)));
      // A dribbled answer of few bytes comes in time.
      if (does == Does::is_silent) {
        EXPECT_EQ(code, kGone);
      }
      EXPECT_LT(since(began_ns).count(), 2'000);
    }
  }
}

TEST_F(SessionTest, EndsWithinTheTimeWhenALeaderTakesNoConnections) {
  take();
  // Nobody accepts there, and one that waits is all that the machine lets wait.
  const int deaf = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  auto* any = reinterpret_cast<sockaddr*>(&where);
  ASSERT_EQ(::bind(deaf, any, size), 0);
  ASSERT_EQ(::listen(deaf, 0), 0);
  ASSERT_EQ(::getsockname(deaf, any, &size), 0);
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(waiting.back(), any, size);
  }
  {
    const std::lock_guard lock(cluster.mutex);
    cluster.leader_port = ntohs(where.sin_port);
  }
  std::vector<Position> positions;
  for (int i = 0; i < 32; ++i) positions.push_back({"orders", i});
  const int64_t began_ns = clock.monotonic_ns();
  EXPECT_EQ(write(positions, "v", Duration(500)), kGone);
  EXPECT_LT(since(began_ns).count(), 2'500);
  for (const int one : waiting) ::close(one);
  ::close(deaf);
}

TEST_F(SessionTest, EndsWithinTheTimeWhenNobodyKnowsTheBrokersName) {
  options.servers = "nobody.invalid:9092,also.invalid:9092";
  const int64_t began_ns = clock.monotonic_ns();
  EXPECT_EQ(session.take(in(Duration(300))), kGone);
  EXPECT_THAT(session.trouble(), testing::HasSubstr(".invalid"));
  EXPECT_LT(since(began_ns).count(), 2'000);
}

TEST_F(SessionTest, TriesTheBrokersItWasToldOfOneAfterTheOther) {
  options.servers = "nobody.invalid:9092,[::1]:1,127.0.0.1:1,localhost:" + std::to_string(broker.port());
  take();
  ASSERT_EQ(write({orders}), 0);
  ASSERT_EQ(session.end(true, in(kLong)), 0);
}

TEST_F(SessionTest, WaitsAsLongAsItIsThrottledOverOneConnection) {
  options.patience = Duration(1'000);  // for an answer
  take();
  broker.next(Api::produce, {.does = Does::throttles, .wait = Duration(1'500)});
  broker.next(Api::end_txn, {.does = Does::throttles, .wait = Duration(1'500)});
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(write({orders}), 0);
    ASSERT_EQ(session.end(true, in(kLong)), 0);
  }
  EXPECT_THAT(broker.asked(Api::produce), SizeIs(2));
  EXPECT_EQ(session.breaks(), 0);
}

TEST_F(SessionTest, AsksForLessWhereBrokersTakeNoLargeRequests) {
  take();
  broker.most_request(4 << 20);
  std::vector<Position> positions;
  for (int i = 0; i < 20; ++i) positions.push_back({"orders", i});
  ASSERT_EQ(write(positions, std::string(800'000, 'v')), 0) << session.trouble();
  ASSERT_EQ(session.end(true, in(kLong)), 0);
  for (const Position& position : positions) EXPECT_EQ(batches(position), 1U);
}

TEST_F(SessionTest, CutsBatchesThatAreTooLargeForATopicAndPassesOverRecordsThatAre) {
  constexpr int16_t kTooLarge = 10;
  take();
  for (int i = 0; i < 2; ++i)
    broker.next(Api::produce, {.does = Does::refuses, .code = kTooLarge, .topic = "orders"});
  ASSERT_EQ(write({orders, views}, "v", kLong, 4), 0) << session.trouble();
  EXPECT_EQ(batches(orders), 4U);  // four, then two, are too many
  EXPECT_EQ(batches(views), 1U);
  EXPECT_THAT(session.too_large(), IsEmpty());
  for (int i = 0; i < 3; ++i)
    broker.next(Api::produce, {.does = Does::refuses, .code = kTooLarge, .topic = "orders"});
  EXPECT_EQ(write({orders, views}, "v", kLong, 4), kTooLarge);
  ASSERT_THAT(session.too_large(), SizeIs(1));
  EXPECT_EQ(session.too_large()[0].position, orders);
  EXPECT_EQ(session.too_large()[0].record, 0U);
  EXPECT_EQ(session.topic(), "orders");
  EXPECT_EQ(batches(orders), 7U);
  EXPECT_TRUE(session.sound());
  ASSERT_EQ(session.end(false, in(kLong)), 0);
  EXPECT_THAT(ended(), ElementsAre(false));
}

TEST_F(SessionTest, WritesManyBatchesOfOnePartitionOneAfterTheOther) {
  take();
  broker.next(Api::produce, {.does = Does::cuts_after});
  ASSERT_EQ(write({orders}, std::string(400'000, 'v'), kLong, 9), 0);
  EXPECT_EQ(batches(orders), 5U);
  EXPECT_EQ(slots.at(0).first, 0);
  EXPECT_EQ(slots.at(0).last, 8);
}

Bytes produced(const std::vector<std::pair<Position, Offset>>& parts) {
  Asked answer;
  answer.number32(static_cast<int32_t>(parts.size()));
  for (const auto& [position, offset] : parts)
    answer.text(position.topic)
        .number32(1)
        .number32(position.partition)
        .number16(0)
        .number64(offset)
        .number64(-1)
        .number64(0);
  return answer.number32(0).body();
}

TEST_F(SessionTest, BelievesNoAnswerThatLacksOrRepeatsPartitions) {
  for (const auto& answer :
       {produced({}), produced({{orders, 4}}), produced({{orders, 4}, {orders, 4}, {views, 1}}),
        produced({{orders, 4}, {{"carts", 0}, 1}, {views, 1}})}) {
    take();
    const size_t held = batches(views);
    broker.next(Api::produce, {.does = Does::babbles, .bytes = answer});
    ASSERT_EQ(write({orders, views}), 0) << session.trouble();
    EXPECT_EQ(batches(views), held + 1);
    ASSERT_EQ(session.end(true, in(kLong)), 0);
  }
  take();
  broker.next(Api::produce, {.does = Does::babbles, .bytes = produced({{orders, -1}})});
  EXPECT_EQ(write({orders}), -1);
}

TEST_F(SessionTest, ForgetsNoPartitionOfAnAnswerThatLacksIt) {
  take();
  broker.always(Api::produce, {.does = Does::babbles, .bytes = produced({})});
  const int64_t began_ns = clock.monotonic_ns();
  EXPECT_EQ(write({orders}, "v", Duration(300)), kGone);
  EXPECT_LT(since(began_ns).count(), 2'000);
  EXPECT_FALSE(session.sound());
}

// Whatever is answered: a code comes back in time.
TEST_F(SessionTest, BearsAnswersOfRandomBytes) {
  Random random(5);
  constexpr Api kAll[] = {
      Api::produce, Api::metadata,           Api::find_coordinator,  Api::init_producer_id,
      Api::end_txn, Api::add_offsets_to_txn, Api::txn_offset_commit, Api::add_partitions_to_txn};
  const RecordView record{.key = "k", .value = "v", .time = {1'000}};
  const std::vector<Appending> parts{{orders, {&record, 1}}, {views, {&record, 1}}};
  for (int round = 0; round < 120; ++round) {
    Session one(options, "shop.random");
    const Api api = kAll[random.below(std::size(kAll))];
    for (int i = 0; i < 3; ++i) {
      Bytes bytes(random.below(80), '\0');
      // Numbers that are small make more sense, and so go further.
      for (char& byte : bytes)
        byte = static_cast<char>(random.below(3) == 0 ? random.below(256) : random.below(3));
      broker.next(api, {.does = Does::babbles, .bytes = bytes});
    }
    const int64_t began_ns = clock.monotonic_ns();
    int code = one.take(in(Duration(40)));
    if (code == 0) code = one.write(parts, {"shop", {{orders, 1}}}, slots, in(Duration(40)));
    one.end(code == 0, in(Duration(40)));
    ASSERT_LT(since(began_ns).count(), 2'000);
  }
}

}  // namespace
}  // namespace tradewind::log::kafka
