// The runtime on a disk that loses power at any write: random plans over random rows, one thread, and an
// oracle that folds what durably lies in the input. What a seed found once is found again: TW_SEED=n runs
// that seed alone.
#include <cstdlib>

#include "base/coding.h"
#include "base/json.h"
#include "data/value.h"
#include "gtest/gtest.h"
#include "log/faulty_disk.h"
#include "log/open.h"
#include "log/partitioner.h"
#include "oracle.h"
#include "schema/local_registry.h"
#include "stream/runtime.h"

namespace tradewind::simulate {
namespace {

constexpr int kSeeds = 200;
constexpr int kLongSeeds = 5000;

std::string text_at(const Batch& rows, size_t column, size_t row) {
  return value_text((*rows.schema())[column].type, value_at(*rows.column(column), row));
}

class Simulation {
 public:
  explicit Simulation(uint64_t seed)
      : random_(seed),
        disk_(seed * 31 + 7),
        choice_(random_plan(random_)),
        partitions_(static_cast<int32_t>(random_.between(1, 4))),
        workers_(static_cast<int>(random_.between(1, 2))) {}

  void run() {
    const int lives = static_cast<int>(random_.between(2, 5));
    for (int life = 0; life < lives; ++life) {
      if (!open()) {
        close();
        disk_.cut_power();
        continue;
      }
      trouble();
      const int steps = static_cast<int>(random_.between(5, 120));
      for (int i = 0; i < steps && alive_; ++i) random_.chance(0.5) ? append() : work();
      close();
      if (random_.chance(0.7)) disk_.cut_power();  // else only the process died
      disk_.set_capacity(UINT64_MAX);
    }
    finish();
  }

 private:
  // What goes wrong in this life, if anything does.
  void trouble() {
    const uint64_t kind = random_.below(10);
    if (kind < 6)
      disk_.stop_after_writes(random_.below(160));
    else if (kind < 8)
      disk_.fail_sync(random_.below(20));
  }

  bool open() {
    auto log = log::open_embedded({.directory = "/log",
                                   .disk = &disk_,
                                   .clock = &clock_,
                                   .own_thread = false,
                                   .first_segment_bytes = 16 << 10,
                                   .most_segment_bytes = 128 << 10});
    if (!log.ok()) return refused(log.error());
    log_ = std::move(*log);
    if (auto made = log_->create_topic({.name = kInput, .partitions = partitions_}); !made.ok())
      return refused(made.error());
    auto registry = schema::LocalRegistry::open(*log_);
    if (!registry.ok()) return refused(registry.error());
    registry_ = std::move(*registry);
    auto producer = log_->producer({});
    if (!producer.ok()) return refused(producer.error());
    producer_ = std::move(*producer);
    stream::RuntimeOptions options;
    options.workers = workers_;
    options.own_threads = false;
    options.idle_commit = Duration(0);
    options.commit_interval = Duration(random_.between(0, 50));
    options.rows_per_poll = static_cast<size_t>(random_.between(1, 200));
    options.rows_per_batch = static_cast<size_t>(random_.between(1, 64));
    options.rows_per_commit = static_cast<size_t>(random_.between(1, 300));
    options.snapshot_slice_bytes = static_cast<size_t>(random_.between(50, 5'000));
    options.snapshot_frame_bytes = random_.between(200, 20'000);
    runtime_ = stream::make_runtime(*log_, *registry_, clock_, options);
    auto topology = stream::build(topology_of(choice_, partitions_));
    if (!topology.ok()) return refused(topology.error());
    if (auto added = runtime_->add(std::move(*topology), true); !added.ok()) return refused(added.error());
    if (auto started = runtime_->start(); !started.ok()) return refused(started.error());
    alive_ = true;
    return true;
  }

  // A start may fail only where the disk does.
  bool refused(const Error& error) {
    EXPECT_TRUE(error.code == Code::io) << name_of(error.code) << ": " << error.message;
    return false;
  }

  void close() {
    runtime_.reset();
    producer_.reset();
    registry_.reset();
    log_.reset();
    alive_ = false;
  }

  void append() {
    std::vector<InputRow> rows(random_.below(20) + 1);
    std::vector<std::string> texts;
    for (InputRow& row : rows) {
      row.key = "k" + std::to_string(random_.below(6));
      row.group = "g" + std::to_string(random_.below(12));
      row.null_group = random_.chance(0.03);
      row.null_number = random_.chance(0.1);
      row.number = random_.between(-20, 100);
      row.money = random_.between(-50'000, 5'000'000);
      event_ms_ += random_.between(0, 2'000);
      row.time_ms = std::max<int64_t>(
          0, event_ms_ - (random_.chance(0.2) ? random_.between(0, 90'000) : random_.between(0, 4'000)));
      texts.push_back(to_json(row));
    }
    const auto partition = static_cast<int32_t>(random_.below(static_cast<uint64_t>(partitions_)));
    std::vector<log::RecordView> records;
    for (size_t i = 0; i < rows.size(); ++i) {
      records.push_back({.key = rows[i].key, .value = texts[i], .time = Timestamp{rows[i].time_ms}});
    }
    if (!producer_->append({kInput, partition}, records).ok()) alive_ = false;
  }

  void work() {
    clock_.advance(Duration(random_.between(0, 30)));
    const auto done = runtime_->step();
    if (!done.ok()) alive_ = false;
  }

  // A last life without trouble: everything is read out, then compared.
  void finish() {
    disk_.fail_sync(uint64_t{1} << 60);
    disk_.cut_power();
    ASSERT_TRUE(open());
    for (int i = 0; i < 3; ++i) append();
    for (int quiet = 0; quiet < 3;) {
      clock_.advance(Duration(60));
      const auto done = runtime_->step();
      ASSERT_TRUE(done.ok()) << done.error().message;
      quiet = *done ? 0 : quiet + 1;
    }
    ASSERT_TRUE(log_->wait_durable(log_->written()).ok());
    const Expected expected = fold(*log_, choice_, partitions_);
    EXPECT_EQ(view_rows(), expected.rows);
    EXPECT_EQ(topic_rows(), expected.rows);
    if (choice_.windowed) {
      const auto bounds = log_->bounds({stream::late_topic(kQuery), 0}, log::Visibility::durable);
      EXPECT_EQ(bounds->end, expected.late) << "late rows in their topic";
    }
    close();
  }

  std::string key_of(const std::vector<std::string>& keys, const std::string& window) const {
    std::string name = keys[0] + (choice_.two_keys ? "|" + keys[1] : "");
    return choice_.windowed ? name + "@" + window : name;
  }

  Table view_rows() {
    Table table;
    const auto view = runtime_->view(kQuery);
    const auto done = view->read({}, [&](const Batch& rows) {
      const size_t keys = view->key_columns();
      const size_t first = keys + (choice_.windowed ? 2 : 0);
      for (size_t row = 0; row < rows.rows(); ++row) {
        std::vector<std::string> names, values;
        for (size_t i = 0; i < keys; ++i) names.push_back(text_at(rows, i, row));
        for (size_t i = 0; i < 8; ++i) values.push_back(text_at(rows, first + i, row));
        table[key_of(names, choice_.windowed ? text_at(rows, keys, row) : "")] = values;
      }
      return true;
    });
    EXPECT_TRUE(done.ok());
    return table;
  }

  // The last value of each key in the sink topic, tombstones gone.
  Table topic_rows() {
    Table table;
    const auto topology = stream::build(topology_of(choice_, partitions_));
    schema::SerdeSpec spec{.format = schema::Format::json, .topic = kOutput};
    for (const size_t i : topology->sink->value_columns) spec.columns.push_back(topology->schemas.back()[i]);
    auto decoder = std::move(schema::make_decoder(spec, registry_.get())).value();
    for (int32_t p = 0; p < partitions_; ++p) {
      auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
      EXPECT_TRUE(consumer->assign({kOutput, p}, 0).ok());
      while (true) {
        const auto batches = consumer->poll(Duration(0), 1000);
        if (!batches.ok() || batches->empty()) break;
        const log::FetchedBatch& batch = (*batches)[0];
        std::vector<std::optional<BytesView>> payloads;
        for (const log::RecordView& record : batch.records) payloads.push_back(record.value);
        const auto decoded = decoder->decode(payloads, batch.buffer);
        for (size_t row = 0; row < batch.records.size(); ++row) {
          const std::string name = record_key(*batch.records[row].key);
          if (!batch.records[row].value) {
            table.erase(name);
            continue;
          }
          std::vector<std::string> values;
          for (size_t i = 0; i < 8; ++i)
            values.push_back(value_text(spec.columns[i].type, value_at(*decoded->columns[i], row)));
          table[name] = values;
        }
      }
    }
    return table;
  }

  std::string record_key(BytesView key) const {
    uint64_t start = 0;
    if (choice_.windowed) {
      BytesView tail = key.substr(key.size() - 8);
      get_big64(tail, start);
      key.remove_suffix(8);
    }
    std::vector<std::string> names = {std::string(key)};
    if (choice_.two_keys) {
      const auto document = parse_json(key);
      names = {document->string_at("G").value_or(""), document->string_at("K").value_or("")};
    }
    return key_of(names, std::to_string(start));
  }

  Random random_;
  log::FaultyDisk disk_;
  ManualClock clock_{Timestamp{1'000'000}};
  PlanChoice choice_;
  int32_t partitions_;
  int workers_;
  bool alive_ = false;
  int64_t event_ms_ = 100'000;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<stream::Runtime> runtime_;
};

TEST(PowerLoss, LeavesEveryResultEqualToAFoldOfTheDurableInput) {
  uint64_t first = 1;
  uint64_t last = std::getenv("TW_LONG") != nullptr ? kLongSeeds : kSeeds;
  if (const char* one = std::getenv("TW_SEED")) first = last = std::strtoull(one, nullptr, 10);
  for (uint64_t seed = first; seed <= last; ++seed) {
    Simulation(seed).run();
    if (testing::Test::HasFailure()) {
      std::printf("reproduce: TW_SEED=%llu build/release/tests/simulate_test --gtest_filter=PowerLoss.*\n",
                  static_cast<unsigned long long>(seed));
      return;
    }
  }
}

}  // namespace
}  // namespace tradewind::simulate
