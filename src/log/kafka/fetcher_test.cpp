#include "log/kafka/fetcher.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "log/kafka/fake_broker.h"
#include "log/kafka/stored_bytes.h"

namespace tradewind::log::kafka {
namespace {

using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Does = FakeBroker::Does;

constexpr int64_t kMs = 1'000'000;  // ns

class FetcherTest : public testing::Test {
 protected:
  // One batch of `count` records behind all there is.
  void put(const Position& position, size_t count, int64_t writer = -1, const Bytes& value = "v") {
    const std::vector<RecordView> records(count, {.key = "k", .value = value, .time = {1'000}});
    const std::lock_guard lock(cluster.mutex);
    FakeCluster::Stored& all = cluster.stored[position];
    const Offset first = end_of(all);
    all.batches.emplace_back(first + static_cast<Offset>(count), stored(records, first, writer));
    all.committed = end_of(all);
  }
  void put_mark(const Position& position, bool commit, int64_t writer) {
    const std::lock_guard lock(cluster.mutex);
    FakeCluster::Stored& all = cluster.stored[position];
    const Offset at = end_of(all);
    all.batches.emplace_back(at + 1, mark_of(commit, at, writer));
    all.committed = at + 1;
  }
  static Offset end_of(const FakeCluster::Stored& all) {
    return all.batches.empty() ? all.begin : all.batches.back().first;
  }

  // Fetches until the part is at `until`, or it takes too long.
  void fetch(Fetcher& fetcher, const Fetcher::Part& part, Offset until, Duration patience = Duration(5'000)) {
    const int64_t began = clock.monotonic_ns();
    while (part.next < until && clock.monotonic_ns() - began < patience.count() * kMs) {
      fetcher.hear();
      fetcher.ask();
      fetcher.wait(Duration(10));
    }
    EXPECT_EQ(part.next, until) << part.code << " " << fetcher.trouble();
  }
  // "first-next" of each batch, "next" where there is only a place.
  static std::vector<std::string> held(const Fetcher::Part& part) {
    std::vector<std::string> all;
    for (const Fetcher::Held& one : part.held) {
      const std::string first = one.answer == nullptr ? "" : std::to_string(one.batch.first) + "-";
      all.push_back(first + std::to_string(one.next));
    }
    return all;
  }
  Duration since(int64_t began_ns) { return Duration((clock.monotonic_ns() - began_ns) / kMs); }

  SystemClock clock;
  FakeCluster cluster;
  FakeBroker broker{cluster};
  KafkaOptions options{.servers = broker.address(), .patience = Duration(1'000), .clock = &clock};
  Fetcher fetcher{options, Visibility::durable};
  const Position orders{"orders", 0};
  const Position views{"views", 3};
};

TEST_F(FetcherTest, GivesTheBatchesOfAllPartitionsByOneRequestAndGoesOnBehindThem) {
  put(orders, 3);
  put(orders, 2);
  put(views, 4);
  Fetcher::Part& of_orders = fetcher.start(orders, 0);
  Fetcher::Part& of_views = fetcher.start(views, 0);
  fetch(fetcher, of_orders, 5);
  fetch(fetcher, of_views, 4);
  EXPECT_THAT(held(of_orders), ElementsAre("0-3", "3-5"));
  EXPECT_THAT(held(of_views), ElementsAre("0-4"));
  EXPECT_EQ(of_orders.end, 5);
  put(orders, 1);
  fetch(fetcher, of_orders, 6);
  EXPECT_THAT(held(of_orders), ElementsAre("0-3", "3-5", "5-6"));
}

TEST_F(FetcherTest, BeginsInTheMiddleOfABatch) {
  put(orders, 10);
  Fetcher::Part& part = fetcher.start(orders, 7);
  fetch(fetcher, part, 10);
  EXPECT_THAT(held(part), ElementsAre("0-10"));
}

TEST_F(FetcherTest, LeavesOutWhatWasGivenUpAndTheMarksThatEndTransactions) {
  put(orders, 2, 7);
  put(orders, 2, 8);
  put_mark(orders, false, 7);
  put(orders, 2, 7);  // of its next transaction
  put_mark(orders, true, 8);
  put_mark(orders, true, 7);
  cluster.stored[orders].given_up = {{7, 0}};
  Fetcher::Part& part = fetcher.start(orders, 0);
  fetch(fetcher, part, 9);
  EXPECT_THAT(held(part), ElementsAre("2", "2-4", "5", "5-7", "9"));

  Fetcher all(options, Visibility::written);
  Fetcher::Part& of_all = all.start(orders, 0);
  fetch(all, of_all, 9);
  EXPECT_THAT(held(of_all), ElementsAre("0-2", "2-4", "5", "5-7", "9"));
}

TEST_F(FetcherTest, DoesNotWaitForAnAnswerThatComesByTheByte) {
  put(orders, 3);
  broker.next(Api::fetch, {.does = Does::dribbles});
  Fetcher::Part& part = fetcher.start(orders, 0);
  fetcher.ask();
  int64_t longest = 0;
  while (part.next < 3) {
    const int64_t began = clock.monotonic_ns();
    fetcher.hear();
    fetcher.ask();
    longest = std::max(longest, clock.monotonic_ns() - began);
    fetcher.wait(Duration(10));
  }
  EXPECT_LT(longest, 500 * kMs);
  EXPECT_THAT(held(part), ElementsAre("0-3"));
}

TEST_F(FetcherTest, AsksAgainWhereAConnectionEndsOrABrokerIsSilent) {
  put(orders, 3);
  for (const Does does : {Does::cuts_before, Does::cuts_after, Does::is_silent}) {
    broker.next(Api::fetch, {.does = does});
    Fetcher::Part& part = fetcher.start(orders, 0);
    fetch(fetcher, part, 3);
    EXPECT_THAT(held(part), ElementsAre("0-3"));
  }
}

TEST_F(FetcherTest, FollowsTheLeader) {
  put(orders, 3);
  Fetcher::Part& part = fetcher.start(orders, 0);
  fetch(fetcher, part, 3);
  FakeBroker other(cluster);
  {
    const std::lock_guard lock(cluster.mutex);
    cluster.leader_port = other.port();
  }
  constexpr int16_t kNotLeader = 6;
  broker.always(Api::fetch, {.does = Does::refuses, .code = kNotLeader});
  put(orders, 2);
  fetch(fetcher, part, 5);
  EXPECT_THAT(other.asked(Api::fetch), SizeIs(Gt(0U)));
}

TEST_F(FetcherTest, TellsWhatKeepsItFromFetchingAndTriesAgain) {
  put(orders, 3);
  put(views, 3);
  constexpr int16_t kDenied = 29;
  broker.next(Api::fetch, {.does = Does::refuses, .code = kDenied, .topic = "orders"});
  Fetcher::Part& part = fetcher.start(orders, 0);
  Fetcher::Part& other = fetcher.start(views, 0);
  while (part.code == 0 && part.next == 0) {
    fetcher.hear();
    fetcher.ask();
    fetcher.wait(Duration(5));
  }
  EXPECT_EQ(part.code, kDenied);
  fetch(fetcher, other, 3);
  fetch(fetcher, part, 3);
  EXPECT_EQ(part.code, 0);
}

TEST_F(FetcherTest, TellsThatAPlaceIsOutOfRange) {
  put(orders, 3);
  cluster.stored[orders].begin = 2;
  constexpr int kOutOfRange = 1;
  for (const Offset from : {Offset{1}, Offset{4}}) {
    Fetcher::Part& part = fetcher.start(orders, from);
    for (int i = 0; i < 100 && part.code == 0; ++i) {
      fetcher.hear();
      fetcher.ask();
      fetcher.wait(Duration(10));
    }
    EXPECT_EQ(part.code, kOutOfRange);
    EXPECT_EQ(part.next, from);
  }
}

TEST_F(FetcherTest, AsksForMoreWhereABatchIsLargerThanItsShare) {
  options.fetch_bytes = 1'000;
  Fetcher small(options, Visibility::durable);
  put(orders, 1);
  put(views, 1, -1, Bytes(50'000, 'x'));
  Fetcher::Part& of_orders = small.start(orders, 0);
  Fetcher::Part& of_views = small.start(views, 0);
  fetch(small, of_orders, 1);
  fetch(small, of_views, 1);
}

TEST_F(FetcherTest, HoldsNoMoreThanThereIsRoomFor) {
  options.fetch_bytes = 1 << 20;
  Fetcher large(options, Visibility::durable);
  for (int i = 0; i < 20; ++i) put(orders, 1, -1, Bytes(900'000, 'x'));
  Fetcher::Part& part = large.start(orders, 0);
  for (int i = 0; i < 100; ++i) {
    large.hear();
    large.ask();
    large.wait(Duration(2));
  }
  EXPECT_LT(part.next, 12);
  Offset read = 0;
  while (read < 20) {
    while (!part.held.empty()) {
      read = part.held.front().next;
      large.drop_first(part);
    }
    large.hear();
    large.ask();
    large.wait(Duration(10));
  }
}

TEST_F(FetcherTest, ForgetsWhatWasAskedForBeforeItWasStartedAnew) {
  put(orders, 3);
  put(orders, 3);
  fetcher.start(orders, 0);
  fetcher.ask();
  Fetcher::Part& part = fetcher.start(orders, 3);
  fetcher.wait(Duration(1'000));
  fetcher.hear();
  EXPECT_THAT(held(part), IsEmpty());
  fetch(fetcher, part, 6);
  EXPECT_THAT(held(part), ElementsAre("3-6"));
  fetcher.stop(orders);
  fetcher.hear();
  fetcher.ask();
}

TEST_F(FetcherTest, NamesDamagedBytesAndReadsThemWhenTheyAreMended) {
  put(orders, 3);
  {
    const std::lock_guard lock(cluster.mutex);
    cluster.stored[orders].batches[0].second.back() ^= 1;
  }
  Fetcher::Part& part = fetcher.start(orders, 0);
  for (int i = 0; i < 100 && part.code == 0; ++i) {
    fetcher.hear();
    fetcher.ask();
    fetcher.wait(Duration(10));
  }
  EXPECT_THAT(part.why, HasSubstr("from offset 0 on its bytes are damaged"));
  {
    const std::lock_guard lock(cluster.mutex);
    cluster.stored[orders].batches[0].second.back() ^= 1;
  }
  fetch(fetcher, part, 3);
  EXPECT_THAT(part.why, IsEmpty());
}

TEST_F(FetcherTest, RingsWhenSomethingComes) {
  Bell bell;
  const Ears ears(bell);
  put(orders, 3);
  Fetcher::Part& part = fetcher.start(orders, 0);
  fetcher.ask();
  fetcher.listen(ears);
  const int64_t began = clock.monotonic_ns();
  bell.wait(0, Duration(5'000));
  EXPECT_LT(since(began).count(), 4'000);
  fetcher.hear();
  EXPECT_EQ(part.next, 3);
}

// Whatever is answered: it is not believed, nor does it last.
TEST_F(FetcherTest, BearsAnswersOfRandomBytes) {
  Random random(6);
  put(orders, 3);
  for (int round = 0; round < 300; ++round) {
    Bytes bytes(random.below(120), '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random.below(3) == 0 ? random.below(256) : random.below(3));
    broker.next(random.below(4) == 0 ? Api::metadata : Api::fetch, {.does = Does::babbles, .bytes = bytes});
    Fetcher one(options, Visibility::durable);
    one.start(orders, 0);
    one.start(views, 0);
    const int64_t began = clock.monotonic_ns();
    for (int i = 0; i < 4; ++i) {
      one.hear();
      one.ask();
      one.wait(Duration(5));
    }
    ASSERT_LT(since(began).count(), 2'000);
  }
  Fetcher::Part& part = fetcher.start(orders, 0);
  fetch(fetcher, part, 3);
}

}  // namespace
}  // namespace tradewind::log::kafka
