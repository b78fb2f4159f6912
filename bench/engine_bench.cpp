#include "engine_bench.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tradewind::bench {

EngineUnderTest::EngineUnderTest(int workers)
    : workers_(workers), directory_("/tmp/tradewind-bench-" + std::to_string(clock_.monotonic_ns())) {}

EngineUnderTest::~EngineUnderTest() {
  close();
  std::filesystem::remove_all(directory_);
}

Result<> EngineUnderTest::open() {
  log_ = TRY(log::open_embedded({.directory = directory_}));
  registry_ = TRY(schema::LocalRegistry::open(*log_));
  producer_ = TRY(log_->producer({}));
  stream::RuntimeOptions options;
  options.workers = workers_;
  engine_ = std::make_unique<engine::Engine>(*log_, *registry_, clock_, options);
  return engine_->start();
}

void EngineUnderTest::close() {
  if (engine_ != nullptr) engine_->stop();
  engine_.reset();
  producer_.reset();
  registry_.reset();
  log_.reset();
}

Result<> EngineUnderTest::run(const std::string& text) {
  engine::Session session = {{"auto.offset.reset", "earliest"}};
  for (const sql::Statement& statement : TRY(engine_->parse(text, {}))) {
    auto done = engine_->execute(statement, session);
    if (!done.ok()) return done.error().within(statement.text);
  }
  return {};
}

Result<size_t> EngineUnderTest::rows(const std::string& text) {
  const auto statements = TRY(engine_->parse(text, {}));
  const engine::Session session = {{"tradewind.pull.wait.ms", "0"}};
  const auto stream = TRY(engine_->select(std::get<sql::Select>(statements.at(0).is).query, session));
  size_t rows = 0;
  while (const auto batch = TRY(stream->next(Duration(1000)))) rows += batch->rows();
  return rows;
}

Result<> EngineUnderTest::make_input() {
  TRY(registry_->register_schema("page_views-value", schema::SchemaKind::avro, kPageViewSchema));
  TRY(log_->create_topic({.name = "page_views", .partitions = 1}));
  return run(
      "CREATE STREAM page_views (visitor STRING KEY) WITH (kafka_topic='page_views', value_format='AVRO');");
}

Result<> EngineUnderTest::append(Workload& workload, int64_t views) {
  std::vector<Bytes> keys;
  std::vector<Bytes> values;
  std::vector<int64_t> times;
  Event event;
  Bytes key;
  Bytes value;
  while (static_cast<int64_t>(keys.size()) < views && workload.next(event, key, value)) {
    if (event.order) continue;
    keys.push_back(key);
    values.push_back(value);
    times.push_back(event.time_ms);
  }
  std::vector<log::RecordView> records;
  for (size_t i = 0; i < keys.size(); ++i) {
    records.push_back({.key = keys[i], .value = values[i], .time = Timestamp{times[i]}});
  }
  TRY(producer_->append({"page_views", 0}, records));
  return {};
}

double rss_mb() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace tradewind::bench
