#include <condition_variable>
#include <mutex>

#include "server/served_platform.h"

namespace tradewind::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Duration kStuckAfter(60'000);

// Keeps whoever comes through waiting while it is closed.
class Gate {
 public:
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    if (!closed_) return;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    --waiting_;
  }
  void wait_until_somebody_waits() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

// Beside the platform, which ends while it is there.
struct HasGate {
  Gate gate_;
};

stream::RuntimeOptions held_by(Gate& gate) {
  stream::RuntimeOptions options;
  options.goes_on = [&gate](stream::CommitStep step) {
    if (step == stream::CommitStep::begun) gate.pass();
    return true;
  };
  return options;
}

// A platform whose clock stands until it is moved, and whose worker can be held within a commit.
class HealthTest : public testing::Test, protected HasGate, protected ServedPlatform<ManualClock> {
 protected:
  HealthTest() : ServedPlatform({{"sales", {.key_field = "country"}}}, held_by(gate_), kStuckAfter) {
    add_topic({.name = "sales"},
              R"({"type": "record", "name": "Sale", "fields": [{"name": "country", "type": "string"}]})");
  }
  ~HealthTest() override { gate_.open(); }

  void start_with_table() {
    make_ready();
    EXPECT_EQ(ksql("CREATE STREAM sales WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');").status, 200);
    EXPECT_EQ(ksql("CREATE TABLE n AS SELECT country, COUNT(*) AS n FROM sales GROUP BY country;").status,
              200);
  }
  // An event whose commit does not come to its end before the gate is opened.
  void sell_and_hold_the_worker() {
    gate_.close();
    EXPECT_EQ(sell().status, 202);
    gate_.wait_until_somebody_waits();
  }

  net::Answer sell() { return post("/v1/events/sales", R"({"country":"DE"})"); }
  Json query_in_health() {
    const auto page = parse_json(get("/v1/health").body);
    EXPECT_TRUE(page.ok());
    return page->find("queries")->elements().at(0);
  }
  std::string line_of_metrics(const std::string& name) {
    const std::string page = get("/metrics").body;
    const size_t at = page.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const size_t from = at + name.size() + 2;
    return page.substr(from, page.find('\n', from) - from);
  }
};

TEST_F(HealthTest, AStartSaysHowFarItIsAndThatRequestsShouldComeAgain) {
  server_->set_stage("reading the ids of the last events");
  EXPECT_EQ(get("/healthz").status, 200);
  const auto startup = get("/startupz");
  EXPECT_EQ(startup.status, 503);
  EXPECT_THAT(startup.body, AllOf(HasSubstr(R"("started":false)"),
                                  HasSubstr(R"("reasons":["reading the ids of the last events"])")));
  for (const auto& refused : {sell(), ksql("SHOW TOPICS;")}) {
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.retry_after_seconds, 1);
    EXPECT_THAT(refused.body, HasSubstr("the server is starting: reading the ids of the last events"));
  }
  make_ready();
  EXPECT_EQ(get("/startupz").status, 200);
  EXPECT_THAT(get("/startupz").body, AllOf(HasSubstr(R"("started":true)"), HasSubstr(R"("reasons":[])")));
  EXPECT_EQ(ksql("SHOW TOPICS;").status, 200);
}

TEST_F(HealthTest, EventsAreTakenWhileTheEngineStillRestores) {
  EXPECT_TRUE(ingestor_->start().ok());
  server_->set_taking();
  EXPECT_EQ(sell().status, 202);
  EXPECT_EQ(ksql("SHOW TOPICS;").status, 503);
}

TEST_F(HealthTest, AWorkerThatMakesNoStepIsTakenForDeadUntilItMakesOne) {
  start_with_table();
  sell_and_hold_the_worker();
  clock_.advance(kStuckAfter - Duration(1'000));
  EXPECT_EQ(get("/healthz").status, 200);
  clock_.advance(Duration(2'000));
  const auto dead = get("/healthz");
  EXPECT_EQ(dead.status, 503);
  EXPECT_EQ(dead.body,
            R"({"alive":false,"reason":"a worker has made no step for 61 s; restart the process"})");
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(line_of_metrics("tw_stream_heartbeat_age_seconds"), "61");
  gate_.open();
  EXPECT_EQ(ksql("DROP TABLE n;").status, 200);  // which the worker has to carry out
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HealthTest, LagIsToldInRecordsAndInSecondsSinceTheOldestWasAppended) {
  start_with_table();
  EXPECT_EQ(line_of_metrics(R"(tw_query_lag_seconds{query="CTAS_N_1"})"), "0");
  clock_.advance(Duration(10'000));
  EXPECT_EQ(line_of_metrics(R"(tw_query_lag_seconds{query="CTAS_N_1"})"), "0") << "nothing is unread";
  sell_and_hold_the_worker();
  clock_.advance(Duration(20'000));
  EXPECT_EQ(sell().status, 202);
  clock_.advance(Duration(15'500));
  EXPECT_EQ(query_in_health().find("lag_records")->integer(), 2);
  EXPECT_EQ(query_in_health().find("lag_ms")->integer(), 35'500);
  EXPECT_EQ(line_of_metrics(R"(tw_query_lag_records{query="CTAS_N_1"})"), "2");
  EXPECT_EQ(line_of_metrics(R"(tw_query_lag_seconds{query="CTAS_N_1"})"), "35.5");
  EXPECT_EQ(get("/readyz").body,
            R"({"ready":true,"reasons":[],"lagging":["CTAS_N_1 is 2 records and 36 s behind"]})");
  gate_.open();
  EXPECT_EQ(ksql("PAUSE CTAS_N_1;").status, 200);  // behind the commit
  EXPECT_EQ(query_in_health().string_at("state"), "PAUSED");
  EXPECT_EQ(sell().status, 202);
  clock_.advance(Duration(45'000));
  EXPECT_GE(*query_in_health().find("lag_ms")->integer(), 45'000);
  EXPECT_THAT(get("/readyz").body, HasSubstr(R"("lagging":[])")) << "that was asked for";
}

TEST_F(HealthTest, TheTimeFromAppendToCommitCountsTheWaitingToo) {
  start_with_table();
  sell_and_hold_the_worker();
  clock_.advance(Duration(7'250));
  gate_.open();
  EXPECT_EQ(ksql("PAUSE CTAS_N_1;").status, 200);  // behind the commit
  EXPECT_EQ(line_of_metrics("tw_stream_end_to_end_seconds_sum"), "7.25");
  EXPECT_EQ(line_of_metrics("tw_stream_end_to_end_seconds_count"), "1");
}

TEST_F(HealthTest, AFullDiskMakesItUnreadyUntilThereIsRoomAgain) {
  start_with_table();
  disk_.set_capacity(0);
  int status = 202;
  for (int i = 0; i < 100'000 && status == 202; ++i)
    status = post("/v1/events/sales", R"({"country":")" + std::string(1 << 20, 'x') + "\"}").status;
  EXPECT_EQ(status, 503);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, HasSubstr("the disk is full"));
  EXPECT_EQ(get("/healthz").status, 200) << "a new process would find the disk as full";
  disk_.set_capacity(UINT64_MAX);
  // Queries that waited for room find it at their next try, within a second.
  for (int tries = 0; tries < 100'000 && get("/readyz").status != 200; ++tries) {
  }
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(HealthTest, WhoStopsIsNotReadyAndStillAlive) {
  make_ready();
  server_->set_stopping();
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, HasSubstr(R"("reasons":["stopping"])"));
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HealthTest, TellsRecordsOfEachTopicAndTheRoomOfTheDisk) {
  start_with_table();
  EXPECT_EQ(sell().status, 202);
  EXPECT_EQ(sell().status, 202);
  EXPECT_EQ(line_of_metrics(R"(tw_topic_records_total{topic="sales"})"), "2");
  EXPECT_EQ(line_of_metrics(R"(tw_topic_bytes_total{topic="sales"})"), "20") << "DE, and Avro with its id";
  disk_.set_capacity(uint64_t{1} << 30);
  EXPECT_EQ(line_of_metrics("tw_disk_bytes"), "1073741824");
  EXPECT_GT(std::stoll(line_of_metrics("tw_disk_free_bytes")), 1 << 20);
}

}  // namespace
}  // namespace tradewind::server
