// The runtime on a disk that loses power at any write, on one that fills up, and stopped behind any step of a
// commit: random plans over random rows, one thread, and an oracle that folds what durably lies in the input.
// What a seed found once is found again: TW_SEED=n runs that seed alone, TW_SEEDS=n so many of them.
#include <array>
#include <cstdlib>
#include <set>

#include "base/coding.h"
#include "base/json.h"
#include "data/value.h"
#include "gtest/gtest.h"
#include "join_oracle.h"
#include "log/faulty_disk.h"
#include "log/open.h"
#include "log/partitioner.h"
#include "oracle.h"
#include "schema/local_registry.h"
#include "stream/runtime.h"

namespace tradewind::simulate {
namespace {

constexpr int kSeeds = 240;
constexpr int kLongSeeds = 10'000;

std::string text_at(const Batch& rows, size_t column, size_t row) {
  return value_text((*rows.schema())[column].type, value_at(*rows.column(column), row));
}

// How often a simulation with one worker or two was stopped behind each step of a commit, and how often a
// commit waited for room on the disk.
struct Coverage {
  std::array<std::array<int, stream::kCommitSteps>, 2> stops{};
  int full_disks = 0;
  int64_t moved_bytes = 0;
  int64_t compacted_records = 0;
  std::array<size_t, 4> joined{};  // results of joins that were compared, by form
};

class Simulation {
 public:
  Simulation(uint64_t seed, Coverage& coverage)
      : coverage_(coverage),
        random_(seed),
        disk_(seed * 31 + 7),
        choices_(random_plans(random_)),
        joins_(random_joins(random_)),
        partitions_(static_cast<int32_t>(random_.between(1, 4))),
        workers_(static_cast<int>(random_.between(1, 2))) {
    // With several partitions it hangs on how they were interleaved which row of a session is late.
    for (PlanChoice& choice : choices_) {
      if (!choice.session || partitions_ == 1) continue;
      choice.final = false;
      choice.grace_ms = 1LL << 40;
    }
  }

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
      for (int i = 0; i < steps && alive_; ++i) {
        if (i == full_from_) disk_.set_capacity(used_bytes() + random_.below(20'000));
        if (i == full_until_) disk_.set_capacity(UINT64_MAX);
        if (introduced_ < choices_.size() && random_.chance(0.05)) introduce();
        if (introduced_joins_ < joins_.size() && random_.chance(0.05)) introduce_join();
        if (!joins_.empty() && random_.chance(0.3)) append_joined();
        if (alive_ && random_.chance(0.3)) keep();
        random_.chance(0.5) ? append() : work();
      }
      close();
      if (random_.chance(0.7)) disk_.cut_power();  // else only the process died
      disk_.set_capacity(UINT64_MAX);
    }
    finish();
  }

 private:
  // What goes wrong in this life, if anything does.
  void trouble() {
    stop_after_ = UINT64_MAX;
    full_from_ = full_until_ = -1;
    const uint64_t kind = random_.below(20);
    if (kind < 6) {
      disk_.stop_after_writes(random_.below(160));
    } else if (kind < 8) {
      disk_.fail_sync(random_.below(20));
    } else if (kind < 16) {
      // The steps of a snapshot come seldom: they are chosen more often, and the first of them counts.
      constexpr stream::CommitStep kSeldom[] = {stream::CommitStep::snapshot, stream::CommitStep::trimmed_one,
                                                stream::CommitStep::trimmed};
      const bool seldom = random_.chance(0.3);
      stop_step_ = seldom ? kSeldom[random_.below(3)]
                          : static_cast<stream::CommitStep>(random_.below(stream::kCommitSteps));
      stop_after_ = seldom ? 0 : random_.below(8);
    } else if (kind < 18) {
      full_from_ = static_cast<int>(random_.below(40));
      full_until_ = full_from_ + static_cast<int>(random_.below(60));
    }
  }

  bool goes_on(stream::CommitStep step) {
    if (step != stop_step_ || stop_after_ == UINT64_MAX || stop_after_-- > 0) return true;
    ++coverage_.stops[static_cast<size_t>(workers_ - 1)][static_cast<size_t>(step)];
    return false;
  }

  uint64_t used_bytes() const {
    uint64_t bytes = 0;
    for (const std::string& path : disk_.files()) bytes += disk_.content(path).size();
    return bytes;
  }

  bool open() {
    auto log = log::open_embedded({.directory = "/log",
                                   .disk = &disk_,
                                   .clock = &clock_,
                                   .own_thread = false,
                                   .first_segment_bytes = 16 << 10,
                                   .most_segment_bytes = 128 << 10,
                                   .spare_percent = static_cast<int>(random_.between(5, 100)),
                                   .dirty_percent = static_cast<int>(random_.between(1, 60)),
                                   .tombstone_retention = Duration(random_.chance(0.5) ? 0 : 500),
                                   .compaction_memory = 100 + random_.below(10'000)});
    if (!log.ok()) return refused(log.error());
    log_ = std::move(*log);
    for (const char* topic : {kInput, kLeft, kRight}) {
      if (auto made = log_->create_topic({.name = topic, .partitions = partitions_}); !made.ok())
        return refused(made.error());
    }
    auto registry = schema::LocalRegistry::open(*log_);
    if (!registry.ok()) return refused(registry.error());
    registry_ = std::move(*registry);
    auto producer = log_->producer({});
    if (!producer.ok()) return refused(producer.error());
    producer_ = std::move(*producer);
    stream::RuntimeOptions options;
    if (random_.chance(0.2)) workers_ = 3 - workers_;  // a restart may bring more or fewer
    options.workers = workers_;
    options.own_threads = false;
    options.idle_commit = Duration(0);
    options.idle_partition = Duration(1LL << 40);  // a window waits for every partition
    options.commit_interval = Duration(random_.between(0, 50));
    options.rows_per_poll = static_cast<size_t>(random_.between(1, 200));
    options.rows_per_batch = static_cast<size_t>(random_.between(1, 64));
    options.rows_per_commit = static_cast<size_t>(random_.between(1, 300));
    const bool often = random_.chance(0.5);  // snapshots begin soon and are done at once
    options.snapshot_slice_bytes = often ? 100'000 : static_cast<size_t>(random_.between(50, 5'000));
    options.snapshot_frame_bytes = often ? 200 : random_.between(200, 20'000);
    options.goes_on = [this](stream::CommitStep step) { return goes_on(step); };
    runtime_ = stream::make_runtime(*log_, *registry_, clock_, options);
    for (size_t i = 0; i < introduced_; ++i) {
      if (!add(choices_[i])) return false;
    }
    for (size_t i = 0; i < introduced_joins_; ++i) {
      if (!add(joins_[i])) return false;
    }
    if (auto started = runtime_->start(); !started.ok()) return refused(started.error());
    alive_ = true;
    return true;
  }

  template <typename Choice>
  bool add(const Choice& choice) {
    auto topology = stream::build(topology_of(choice, partitions_));
    if (!topology.ok()) return refused(topology.error());
    const auto added = runtime_->add(std::move(*topology), true);
    return added.ok() || refused(added.error());
  }

  // One query more, while the others run: it reads the input from its start, in a lane of its own until it
  // has caught up. From now on it is there at every start, as a statement that is recorded before it runs.
  void introduce() {
    if (!add(choices_[introduced_++])) alive_ = false;
  }

  void introduce_join() {
    if (!add(joins_[introduced_joins_++])) alive_ = false;
  }

  // A start may fail only where the disk does, or where it was stopped.
  bool refused(const Error& error) {
    EXPECT_TRUE(error.code == Code::io || error.code == Code::unavailable)
        << name_of(error.code) << ": " << error.message;
    return false;
  }

  void close() {
    if (log_ != nullptr) {
      const log::LogFigures figures = log_->figures();
      coverage_.moved_bytes += figures.moved_bytes;
      coverage_.compacted_records += figures.compacted_records;
    }
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
      row.list.resize(random_.below(4));
      for (int64_t& element : row.list) element = random_.between(-20, 100);
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
    const auto done = producer_->append({kInput, partition}, records);
    if (!done.ok() && done.error().code != Code::unavailable) alive_ = false;
  }

  void append_joined() {
    const bool left = random_.chance(0.5);
    append_to(left ? kLeft : kRight, join_input_.more(random_, left, partitions_));
  }

  void append_to(const std::string& topic, const std::vector<JoinRecord>& rows) {
    for (const JoinRecord& row : rows) {
      log::RecordView record{.key = row.key, .value = row.value, .time = Timestamp{row.time_ms}};
      if (row.tombstone) record.value.reset();
      const auto done = producer_->append({topic, row.partition}, {&record, 1});
      if (!done.ok() && done.error().code != Code::unavailable) alive_ = false;
    }
  }

  // The log keeps its space small meanwhile.
  void keep() {
    for (uint64_t steps = random_.below(8) + 1; steps > 0; --steps) {
      const auto more = log_->keep();
      if (!more.ok() && more.error().code != Code::unavailable) alive_ = false;
      if (!more.ok() || !*more) return;
    }
  }

  void work() {
    clock_.advance(Duration(random_.between(0, 30)));
    const auto done = runtime_->step();
    if (done.ok()) return;
    if (done.error().code == Code::unavailable)
      ++coverage_.full_disks;
    else
      alive_ = false;
  }

  // A last life without trouble: everything is read out, then compared.
  void finish() {
    disk_.fail_sync(uint64_t{1} << 60);
    disk_.cut_power();
    stop_after_ = UINT64_MAX;
    introduced_ = choices_.size();
    introduced_joins_ = joins_.size();
    ASSERT_TRUE(open());
    for (const bool left : {true, false}) {
      append_to(left ? kLeft : kRight, join_input_.more(random_, left, partitions_));
    }
    for (const bool left : {true, false})
      append_to(left ? kLeft : kRight, {join_input_.last(left, partitions_)});
    for (int i = 0; i < 3; ++i) append();
    for (int quiet = 0; quiet < 3;) {
      clock_.advance(Duration(60));
      const auto done = runtime_->step();
      ASSERT_TRUE(done.ok()) << done.error().message;
      quiet = *done ? 0 : quiet + 1;
    }
    ASSERT_TRUE(log_->wait_durable(log_->written()).ok());
    while (true) {
      const auto more = log_->keep();
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) break;
    }
    for (const JoinChoice& choice : joins_) {
      SCOPED_TRACE(choice.query);
      const auto view = runtime_->view(choice.query);
      EXPECT_EQ(join_trouble(*log_, choice, partitions_, view.get(),
                             coverage_.joined[static_cast<size_t>(choice.form)]),
                "")
          << stream::build(topology_of(choice, partitions_))->text();
    }
    Table first;
    for (const PlanChoice& choice : choices_) {
      SCOPED_TRACE(choice.query);
      if (choice.over.empty()) {
        const Expected expected = fold(*log_, choice, partitions_);
        if (choice.query == "Q0") first = expected.rows;
        if (!choice.forgets()) {
          EXPECT_EQ(difference(view_rows(choice), expected.rows), "") << "the state";
        }
        EXPECT_EQ(difference(topic_rows(choice), expected.given), "") << "the topic";
        if (!choice.windowed) continue;
        const auto bounds = log_->bounds({stream::late_topic(choice.query), 0}, log::Visibility::durable);
        EXPECT_EQ(bounds->end, expected.late) << "late rows in their topic";
        continue;
      }
      const Table expected = fold_again(first);
      EXPECT_EQ(without_empty(view_rows(choice)), expected);
      EXPECT_EQ(without_empty(topic_rows(choice)), expected);
    }
    close();
  }

  // The first rows in which two tables differ; empty when they do not.
  static std::string difference(const Table& got, const Table& wanted) {
    std::string text;
    const auto row = [](const Table& table, const std::string& key) {
      const auto found = table.find(key);
      if (found == table.end()) return std::string("nothing");
      std::string shown;
      for (const std::string& value : found->second) shown += value + " ";
      return shown;
    };
    std::set<std::string> keys;
    for (const auto& entry : got) keys.insert(entry.first);
    for (const auto& entry : wanted) keys.insert(entry.first);
    int shown = 0;
    for (const std::string& key : keys) {
      const std::string a = row(got, key);
      const std::string b = row(wanted, key);
      if (a != b && shown++ < 3) text += key + ": got " + a + ", wanted " + b + "; ";
    }
    return text;
  }

  // A group that all rows have left stays with a count of 0, as in ksqlDB.
  static Table without_empty(Table table) {
    std::erase_if(table, [](const auto& row) { return row.second[0] == "0"; });
    return table;
  }

  static std::string key_of(const PlanChoice& choice, const std::vector<std::string>& keys,
                            const std::string& window) {
    std::string name = keys[0] + (choice.two_keys ? "|" + keys[1] : "");
    return choice.windowed ? name + "@" + window : name;
  }

  Table view_rows(const PlanChoice& choice) {
    Table table;
    const auto view = runtime_->view(choice.query);
    const auto done = view->read({}, [&](const Batch& rows) {
      const size_t keys = view->key_columns();
      const size_t first = keys + (choice.windowed ? 2 : 0);
      for (size_t row = 0; row < rows.rows(); ++row) {
        std::vector<std::string> names, values;
        for (size_t i = 0; i < keys; ++i) names.push_back(text_at(rows, i, row));
        for (size_t i = 0; i < value_columns(choice); ++i) values.push_back(text_at(rows, first + i, row));
        std::string window = choice.windowed ? text_at(rows, keys, row) : "";
        if (choice.session) window += "~" + text_at(rows, keys + 1, row);
        table[key_of(choice, names, window)] = values;
      }
      return true;
    });
    EXPECT_TRUE(done.ok());
    return table;
  }

  // The last value of each key in the sink topic, tombstones gone.
  Table topic_rows(const PlanChoice& choice) {
    Table table;
    const auto topology = stream::build(topology_of(choice, partitions_));
    schema::SerdeSpec spec{.format = schema::Format::json, .topic = choice.output};
    for (const size_t i : topology->sink->value_columns) spec.columns.push_back(topology->schemas.back()[i]);
    auto decoder = std::move(schema::make_decoder(spec, registry_.get())).value();
    for (int32_t p = 0; p < partitions_; ++p) {
      auto consumer = std::move(log_->consumer(log::Visibility::durable)).value();
      EXPECT_TRUE(consumer->assign({choice.output, p}, 0).ok());
      while (true) {
        const auto batches = consumer->poll(Duration(0), 1000);
        if (!batches.ok() || batches->empty()) break;
        const log::FetchedBatch& batch = (*batches)[0];
        std::vector<std::optional<BytesView>> payloads;
        for (const log::RecordView& record : batch.records) payloads.push_back(record.value);
        const auto decoded = decoder->decode(payloads, batch.buffer);
        for (size_t row = 0; row < batch.records.size(); ++row) {
          const std::string name = record_key(choice, *batch.records[row].key);
          if (!batch.records[row].value) {
            table.erase(name);
            continue;
          }
          std::vector<std::string> values;
          for (size_t i = 0; i < value_columns(choice); ++i)
            values.push_back(value_text(spec.columns[i].type, value_at(*decoded->columns[i], row)));
          EXPECT_FALSE(choice.final && table.contains(name)) << name << " was given out twice";
          table[name] = values;
        }
      }
    }
    return table;
  }

  static std::string record_key(const PlanChoice& choice, BytesView key) {
    uint64_t start = 0;
    uint64_t end = 0;
    if (choice.windowed) {
      const size_t width = choice.session ? 16 : 8;
      BytesView tail = key.substr(key.size() - width);
      if (choice.session) get_big64(tail, end);
      get_big64(tail, start);
      key.remove_suffix(width);
    }
    std::vector<std::string> names = {std::string(key)};
    if (choice.two_keys) {
      const auto document = parse_json(key);
      names = {document->string_at("G").value_or(""), document->string_at("K").value_or("")};
    }
    std::string window = std::to_string(static_cast<int64_t>(start));
    if (choice.session) window += "~" + std::to_string(static_cast<int64_t>(end));
    return key_of(choice, names, window);
  }

  Coverage& coverage_;
  Random random_;
  log::FaultyDisk disk_;
  ManualClock clock_{Timestamp{1'000'000}};
  std::vector<PlanChoice> choices_;
  std::vector<JoinChoice> joins_;
  int32_t partitions_;
  int workers_;
  size_t introduced_ = 1;  // queries that are there at a start
  size_t introduced_joins_ = 0;
  JoinInput join_input_;
  bool alive_ = false;
  stream::CommitStep stop_step_ = stream::CommitStep::begun;
  uint64_t stop_after_ = UINT64_MAX;  // passes through that step; UINT64_MAX: never
  int full_from_ = -1;                // steps of this life between which the disk is full
  int full_until_ = -1;
  int64_t event_ms_ = 100'000;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<stream::Runtime> runtime_;
};

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

TEST(PowerLoss, LeavesEveryResultEqualToAFoldOfTheDurableInput) {
  const uint64_t seeds = number_from("TW_SEEDS", std::getenv("TW_LONG") != nullptr ? kLongSeeds : kSeeds);
  const uint64_t one = number_from("TW_SEED", 0);
  Coverage coverage;
  for (uint64_t seed = one == 0 ? 1 : one; seed <= (one == 0 ? seeds : one); ++seed) {
    Simulation(seed, coverage).run();
    if (testing::Test::HasFailure()) {
      std::printf("reproduce: TW_SEED=%llu build/release/tests/simulate_test --gtest_filter=PowerLoss.*\n",
                  static_cast<unsigned long long>(seed));
      return;
    }
  }
  if (one != 0 || seeds < kSeeds) return;
  for (int workers = 1; workers <= 2; ++workers) {
    for (int step = 0; step < stream::kCommitSteps; ++step) {
      EXPECT_GT(coverage.stops[static_cast<size_t>(workers - 1)][static_cast<size_t>(step)], 0)
          << workers << " workers were never stopped behind step " << step << " of a commit";
    }
  }
  for (const size_t joined : coverage.joined) EXPECT_GT(joined, 100U) << "results of joins";
  EXPECT_GT(coverage.moved_bytes, 0);
  EXPECT_GT(coverage.compacted_records, 0);
  EXPECT_GT(coverage.full_disks, 0) << "no commit ever waited for room";
}

}  // namespace
}  // namespace tradewind::simulate
