// bench flow: the comparison workload end to end on the embedded log: input already in a journal, Avro
// decoded, windowed group-bys, results as Avro records, exactly-once commits, fsync, checksums verified;
// every result row recounted. With --rate: the time from an event's scheduled append to its committed,
// durable result.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "allocations.h"
#include "base/coding.h"
#include "base/time.h"
#include "data/decimal.h"
#include "flow_queries.h"
#include "log/open.h"
#include "log/partitioner.h"
#include "measure.h"
#include "schema/local_registry.h"
#include "stream/runtime.h"

namespace tradewind::bench {
namespace {

constexpr const char* kHelp =
    R"(tradewind bench flow: events per second and core, and latency, through 1 to 5 windowed queries.

  --queries N    1 to 5 (default 5)
  --events N     default 4000000
  --seed N       default 1
  --rate N       instead: N events a second in ticks of 5 ms; prints p50 and p99 to the committed result
  --seconds S    with --rate: how long (default 10)
  --dump DIR     writes input and result rows as CSV, so that somebody else can recount
  --data DIR     where the journal lies while it runs (default: a folder in /tmp, removed at the end)
  --durability fsync|os
  --json
)";

struct Options {
  int queries = 5;
  int64_t events = 4'000'000;
  uint64_t seed = 1;
  int64_t rate = 0;
  int64_t seconds = 10;
  std::string dump;
  std::string data;
  log::Durability durability = log::Durability::fsync;
  bool json = false;
};

// Batches of up to 64 KiB per partition, as a Kafka producer makes them.
class InputWriter {
 public:
  InputWriter(log::Log& log, log::Producer& producer) : producer_(producer) {
    for (const char* topic : {"page_views", "orders"}) {
      for (int32_t p = 0; p < kPartitions; ++p) parts_.push_back({{topic, p}, {}, {}});
    }
    (void)log;
  }

  void add(const Event& event, BytesView key, BytesView value) {
    Part& part =
        parts_[static_cast<size_t>((event.order ? kPartitions : 0) + log::partition_of(key, kPartitions))];
    part.sizes.push_back({key.size(), value.size(), event.time_ms});
    part.bytes.append(key);
    part.bytes.append(value);
    pending_ += part.bytes.size() >= 64 * 1024 ? 1 : 0;
  }

  // Appends what is there; all of it, or only full batches.
  Result<> flush(bool all) {
    if (!all && pending_ < 16) return {};
    pending_ = 0;
    std::vector<std::vector<log::RecordView>> records(parts_.size());
    std::vector<log::Appending> appendings;
    for (size_t i = 0; i < parts_.size(); ++i) {
      size_t at = 0;
      for (const Size& size : parts_[i].sizes) {
        log::RecordView record{.time = Timestamp{size.time_ms}};
        record.key = BytesView(parts_[i].bytes).substr(at, size.key);
        record.value = BytesView(parts_[i].bytes).substr(at + size.key, size.value);
        at += size.key + size.value;
        records[i].push_back(record);
      }
      if (!records[i].empty()) appendings.push_back({parts_[i].position, records[i]});
    }
    if (!appendings.empty()) TRY(producer_.append_all(appendings));
    for (Part& part : parts_) {
      part.bytes.clear();
      part.sizes.clear();
    }
    return {};
  }

 private:
  struct Size {
    size_t key, value;
    int64_t time_ms;
  };
  struct Part {
    log::Position position;
    Bytes bytes;
    std::vector<Size> sizes;
  };
  log::Producer& producer_;
  std::vector<Part> parts_;
  int pending_ = 0;
};

struct Measured {
  double cpu_ns_per_event = 0;
  double events_per_second = 0;
  double wall_seconds = 0;
  double allocations_per_event = 0;
  int64_t commits = 0;
  int64_t result_records = 0;
};

class Flow {
 public:
  explicit Flow(Options options) : options_(std::move(options)) {}

  Result<int> run() {
    directory_ = options_.data.empty() ? "/tmp/tradewind-flow-" + std::to_string(clock_.monotonic_ns())
                                       : options_.data;
    log_ = TRY(log::open_embedded({.directory = directory_, .durability = options_.durability}));
    registry_ = TRY(schema::LocalRegistry::open(*log_));
    TRY(registry_->register_schema("page_views-value", schema::SchemaKind::avro, kPageViewSchema));
    TRY(registry_->register_schema("orders-value", schema::SchemaKind::avro, kOrderSchema));
    for (const char* topic : {"page_views", "orders"}) {
      TRY(log_->create_topic({.name = topic, .partitions = kPartitions}));
    }
    producer_ = TRY(log_->producer({}));
    topologies_ = TRY(flow_queries(options_.queries));
    const int code = options_.rate > 0 ? TRY(latency()) : TRY(throughput());
    log_.reset();
    if (options_.data.empty()) std::filesystem::remove_all(directory_);
    return code;
  }

 private:
  Result<> write_input() {
    Workload workload(options_.seed, options_.events);
    InputWriter writer(*log_, *producer_);
    std::ofstream views, lines;
    if (!options_.dump.empty()) {
      std::filesystem::create_directories(options_.dump);
      views.open(options_.dump + "/page_views.csv");
      lines.open(options_.dump + "/order_lines.csv");
      views << "event_time,visitor_id,event_type,product_id\n";
      lines << "order,event_time,customer_id,total,product_id,category,quantity,price\n";
    }
    Event event;
    Bytes key;
    Bytes value;
    for (int64_t n = 0; workload.next(event, key, value); ++n) {
      writer.add(event, key, value);
      recount_.add(event);
      if (views.is_open()) dump_event(n, event, key, views, lines);
      if (n % 1024 == 0) TRY(writer.flush(false));
    }
    return writer.flush(true);
  }

  static void dump_event(int64_t n, const Event& event, const Bytes& key, std::ofstream& views,
                         std::ofstream& lines) {
    if (!event.order) {
      views << event.time_ms << ',' << key << ',' << Workload::event_type_name(event.event_type) << ','
            << Workload::product_id(event.product) << '\n';
      return;
    }
    for (const OrderLine& line : event.lines) {
      lines << n << ',' << event.time_ms << ',' << key << ',' << decimal_text(event.total, 4) << ','
            << Workload::product_id(line.product) << ',' << Workload::category_name(line.category) << ','
            << line.quantity << ',' << decimal_text(line.price, 4) << '\n';
    }
  }

  Result<int> throughput() {
    TRY(write_input());
    stream::RuntimeOptions runtime_options;
    runtime_options.application = "flow";
    runtime_options.own_threads = false;
    auto runtime = stream::make_runtime(*log_, *registry_, clock_, runtime_options);
    for (const stream::Topology& topology : topologies_) TRY(runtime->add(topology, true));
    TRY(runtime->start());
    const int64_t cpu = cpu_ns();
    const int64_t allocated = allocations();
    const int64_t began = clock_.monotonic_ns();
    while (TRY(runtime->step()) || lag(*runtime) > 0) {
    }
    while (TRY(runtime->step())) {
    }
    TRY(log_->wait_durable(log_->written()));
    const auto events = static_cast<double>(options_.events);
    Measured figures;
    figures.cpu_ns_per_event = static_cast<double>(cpu_ns() - cpu) / events;
    figures.allocations_per_event = static_cast<double>(allocations() - allocated) / events;
    const int64_t ended = clock_.monotonic_ns();
    if (std::getenv("TW_BENCH_MARK") != nullptr) {  // for perf report --time
      std::fprintf(stderr, "measured %.6f,%.6f\n", static_cast<double>(began) / 1e9,
                   static_cast<double>(ended) / 1e9);
    }
    figures.wall_seconds = static_cast<double>(ended - began) / 1e9;
    figures.events_per_second = events / figures.wall_seconds;
    figures.commits = runtime->figures().commits;
    for (const auto& status : runtime->status()) figures.result_records += status.rows_out;
    runtime.reset();
    const int wrong = TRY(compare());
    print(figures, wrong);
    return wrong == 0 ? 0 : 1;
  }

  static int64_t lag(stream::Runtime& runtime) {
    int64_t lag = 0;
    for (const auto& status : runtime.status()) lag += status.lag;
    return lag;
  }

  Result<int> compare() {
    int wrong = 0;
    for (size_t q = 0; q < topologies_.size(); ++q) {
      const Results found = TRY(read_results(*log_, *registry_, topologies_[q]));
      const Results& wanted = recount_.results(static_cast<int>(q) + 1);
      if (found != wanted) {
        std::fprintf(stderr, "Q%zu is wrong: %zu rows, recounted %zu\n", q + 1, found.size(), wanted.size());
        ++wrong;
      }
      rows_ += static_cast<int64_t>(found.size());
      if (options_.dump.empty()) continue;
      std::ofstream out(options_.dump + "/" + result_topic(static_cast<int>(q) + 1) + ".csv");
      out << "key,window_start,count,sum\n";
      for (const auto& [key, value] : found) {
        out << key.first << ',' << key.second << ',' << value.count << ',' << decimal_text(value.sum, 4)
            << '\n';
      }
    }
    return wrong;
  }

  void print(const Measured& f, int wrong) const {
    const double per_core = 1e9 / f.cpu_ns_per_event;
    if (options_.json) {
      std::printf(
          "{\"queries\":%d,\"events\":%lld,\"seed\":%llu,\"cpu_ns_per_event\":%.1f,\"events_per_second_per_"
          "core\":%.0f,"
          "\"events_per_second\":%.0f,\"peak_rss_mb\":%.1f,\"allocations_per_event\":%.4f,\"commits\":%lld,"
          "\"result_records\":%lld,\"result_rows\":%lld,\"wrong_queries\":%d,\"durability\":\"%s\"}\n",
          options_.queries, static_cast<long long>(options_.events),
          static_cast<unsigned long long>(options_.seed), f.cpu_ns_per_event, per_core, f.events_per_second,
          peak_rss_mb(), f.allocations_per_event, static_cast<long long>(f.commits),
          static_cast<long long>(f.result_records), static_cast<long long>(rows_), wrong,
          options_.durability == log::Durability::fsync ? "fsync" : "os");
      return;
    }
    std::printf("%d queries over %lld events, every result row %s\n", options_.queries,
                static_cast<long long>(options_.events),
                wrong == 0 ? "equal to the recount" : "NOT equal to the recount");
    std::printf("  CPU per event        %8.1f ns (user + system, all threads)\n", f.cpu_ns_per_event);
    std::printf("  events/s per core    %8.2f M\n", per_core / 1e6);
    std::printf("  events/s, wall       %8.2f M\n", f.events_per_second / 1e6);
    std::printf("  allocations/event    %8.4f\n", f.allocations_per_event);
    std::printf("  commits              %8lld, %lld result records\n", static_cast<long long>(f.commits),
                static_cast<long long>(f.result_records));
    std::printf("  peak memory          %8.1f MB (with the recount)\n", peak_rss_mb());
  }

  // Events are due in ticks of 5 ms; a result is there when a reader of durable records has seen counts that
  // include it.
  Result<int> latency() {
    const int64_t events = options_.rate * options_.seconds;
    Workload workload(options_.seed, events);
    stream::RuntimeOptions runtime_options;
    runtime_options.application = "flow";
    auto runtime = stream::make_runtime(*log_, *registry_, clock_, runtime_options);
    TRY(runtime->start());
    for (const stream::Topology& topology : topologies_) TRY(runtime->add(topology, true));
    const int64_t per_tick = std::max<int64_t>(options_.rate / 200, 1);
    std::vector<int64_t> due(static_cast<size_t>((events + per_tick - 1) / per_tick));
    std::vector<double> waited;
    std::atomic<bool> failed{false};
    const int64_t start = clock_.monotonic_ns() + 200'000'000;
    std::jthread writing([&] { failed = !write_ticks(workload, per_tick, start, due).ok(); });
    TRY(watch(events, per_tick, start, waited, failed));
    writing.join();
    runtime->stop();
    std::sort(waited.begin(), waited.end());
    const auto at = [&](double share) {
      return waited.empty() ? 0.0
                            : waited[static_cast<size_t>(share * static_cast<double>(waited.size() - 1))];
    };
    const auto log = log_->figures();
    const double sync_ms =
        log.syncs == 0 ? 0 : static_cast<double>(log.sync_ns) / 1e6 / static_cast<double>(log.syncs);
    if (options_.json) {
      std::printf(
          "{\"rate\":%lld,\"events\":%lld,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"sync_mean_ms\":%."
          "2f,\"peak_rss_mb\":%.1f}\n",
          static_cast<long long>(options_.rate), static_cast<long long>(events), at(0.5), at(0.99), at(1),
          sync_ms, peak_rss_mb());
    } else {
      std::printf(
          "%lld events/s for %lld s, from the scheduled append to the durable result: p50 %.2f ms, p99 %.2f "
          "ms, "
          "most %.2f ms (a sync took %.2f ms on average)\n",
          static_cast<long long>(options_.rate), static_cast<long long>(options_.seconds), at(0.5), at(0.99),
          at(1), sync_ms);
    }
    return failed ? 1 : 0;
  }

  Result<> write_ticks(Workload& workload, int64_t per_tick, int64_t start, std::vector<int64_t>& due) {
    InputWriter writer(*log_, *producer_);
    Event event;
    Bytes key;
    Bytes value;
    for (size_t tick = 0; tick < due.size(); ++tick) {
      for (int64_t i = 0; i < per_tick && workload.next(event, key, value); ++i)
        writer.add(event, key, value);
      const int64_t at = start + static_cast<int64_t>(tick + 1) * 5'000'000;
      while (clock_.monotonic_ns() < at) std::this_thread::sleep_for(std::chrono::microseconds(100));
      TRY(writer.flush(true));
    }
    return {};
  }

  // Q3 counts every page view and Q4 every order: their sum is how many events have come out.
  Result<> watch(int64_t events, int64_t per_tick, int64_t start, std::vector<double>& waited,
                 const std::atomic<bool>& failed) {
    auto consumer = TRY(log_->consumer(log::Visibility::durable));
    for (const int query : {3, 4}) {
      for (int32_t p = 0; p < kPartitions; ++p) TRY(consumer->assign({result_topic(query), p}, 0));
    }
    std::map<std::string, int64_t> counts;
    int64_t seen = 0;
    int64_t told = 0;
    auto decoder3 = TRY(decoder_of(2));
    auto decoder4 = TRY(decoder_of(3));
    while (told < events && !failed) {
      const auto fetched = TRY(consumer->poll(Duration(20), 20'000));
      const int64_t now = clock_.monotonic_ns();
      for (const log::FetchedBatch& batch : fetched) {
        const bool steps = batch.position.topic == result_topic(3);
        std::vector<std::optional<BytesView>> payloads;
        for (const log::RecordView& record : batch.records) payloads.push_back(record.value);
        const auto decoded = TRY((steps ? decoder3 : decoder4)->decode(payloads, batch.buffer));
        for (size_t i = 0; i < batch.records.size(); ++i) {
          int64_t& count = counts[std::string(*batch.records[i].key)];
          const int64_t fresh = decoded.columns[0]->data<int64_t>()[i];
          seen += fresh - count;
          count = fresh;
        }
      }
      // An event is due at a uniform moment of its tick: the middle stands for it in the mean.
      for (; told < seen; ++told) {
        const int64_t tick = told / per_tick;
        const double part = static_cast<double>(told % per_tick) / static_cast<double>(per_tick);
        const double scheduled = static_cast<double>(start) + (static_cast<double>(tick) + part) * 5e6;
        waited.push_back((static_cast<double>(now) - scheduled) / 1e6);
      }
    }
    return {};
  }

  Result<std::unique_ptr<schema::Decoder>> decoder_of(size_t query) {
    schema::SerdeSpec spec;
    spec.topic = topologies_[query].sink->topic;
    for (const size_t i : topologies_[query].sink->value_columns)
      spec.columns.push_back(topologies_[query].schemas.back()[i]);
    return schema::make_decoder(spec, registry_.get());
  }

  Options options_;
  SystemClock clock_;
  std::string directory_;
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<log::Producer> producer_;
  std::vector<stream::Topology> topologies_;
  Recount recount_;
  int64_t rows_ = 0;
};

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  using namespace tradewind;
  using namespace tradewind::bench;
  if (flag(argc, argv, "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  bench::Options options;
  options.queries = std::atoi(option(argc, argv, "--queries", "5").c_str());
  options.events = std::atoll(option(argc, argv, "--events", "4000000").c_str());
  options.seed = std::strtoull(option(argc, argv, "--seed", "1").c_str(), nullptr, 10);
  options.rate = std::atoll(option(argc, argv, "--rate", "0").c_str());
  options.seconds = std::atoll(option(argc, argv, "--seconds", "10").c_str());
  options.dump = option(argc, argv, "--dump", "");
  options.data = option(argc, argv, "--data", "");
  options.json = flag(argc, argv, "--json");
  if (option(argc, argv, "--durability", "fsync") == "os") options.durability = log::Durability::os;
  if (options.rate > 0) options.queries = 5;
  if (options.queries < 1 || options.queries > 5 || options.events < 1) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const auto done = Flow(options).run();
  if (!done.ok()) {
    std::fprintf(stderr, "bench flow: %s\n", done.error().message.c_str());
    return 1;
  }
  return *done;
}
