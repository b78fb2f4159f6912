#include "stream/runtime.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <future>
#include <thread>

#include "stream/run/table_view.h"
#include "stream/run/worker.h"
#include "telemetry/logger.h"

namespace tradewind::stream {
namespace {

constexpr Duration kWait(250);  // for what only the clock brings; records and requests wake a worker at once
constexpr int kLongestPause = 20;  // times 50 ms, between tries of what is unavailable

// A worker and, with threads of its own, the loop around its step().
class Seat {
 public:
  Seat(int index, log::Log& log, schema::Registry& registry, Clock& clock, const RuntimeOptions& options,
       std::shared_ptr<IdleBoard> board)
      : worker_(index, options.workers, log, registry, clock, options, std::move(board)),
        log_(log),
        clock_(clock) {}

  Worker& worker() { return worker_; }

  // Runs `work` where the worker's other steps run, and answers what it answers; after stop() nothing runs.
  Result<> run(std::function<Result<>()> work) {
    if (!threaded_) return work();
    auto asked = std::make_shared<std::packaged_task<Result<>()>>(std::move(work));
    auto answer = asked->get_future();
    {
      const std::lock_guard lock(mutex_);
      if (failure_) return *failure_;
      if (closed_) return Error{Code::unavailable, "the queries have been stopped"};
      requests_.push_back([asked] { (*asked)(); });
    }
    log_.wake();
    return answer.get();
  }

  void start() {
    threaded_ = true;
    running_ = true;
    thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    log_.wake();
    thread_.join();
  }

  std::optional<Error> failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  // What its worker waits for: it is tried again until it heals; nothing: all is well.
  std::optional<Error> trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

  // How long its loop has made no step; 0 where none runs.
  double silent_seconds() const {
    const int64_t beat_ns = worker_.figures().beat_ns;
    if (!running_ || beat_ns == 0) return 0;
    return static_cast<double>(std::max<int64_t>(clock_.monotonic_ns() - beat_ns, 0)) / 1e9;
  }

 private:
  void loop(const std::stop_token& stop) {
    int retries = 0;
    while (!stop.stop_requested() && !failure()) {
      serve_requests();
      const auto done = worker_.step(kWait);
      // A full disk, and brokers that are away, are waited for as long as it takes: what is at hand is kept.
      const bool passes = !done.ok() && done.error().code == Code::unavailable;
      {
        const std::lock_guard lock(mutex_);
        trouble_ = passes ? std::optional(done.error()) : std::nullopt;
        if (!done.ok() && !passes) failure_ = done.error();
      }
      retries = passes ? std::min(retries + 1, kLongestPause) : 0;
      if (passes && !stop.stop_requested()) clock_.sleep(Duration(50 * retries));
    }
    running_ = false;
    close();  // what was asked before is done, what is asked from now on is refused: nobody waits forever
    serve_requests();
    if (failure()) return;
    const auto last = worker_.commit();
    const std::lock_guard lock(mutex_);
    trouble_ = last.ok() ? std::nullopt : std::optional(last.error());
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

  void serve_requests() {
    std::vector<std::function<void()>> requests;
    {
      const std::lock_guard lock(mutex_);
      requests.swap(requests_);
    }
    for (const auto& request : requests) request();
  }

  Worker worker_;
  log::Log& log_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::function<void()>> requests_;
  std::optional<Error> failure_;
  std::optional<Error> trouble_;
  bool threaded_ = false;  // from start() on
  std::atomic<bool> running_{false};
  bool closed_ = false;
  std::jthread thread_;
};

class WorkerRuntime final : public Runtime {
 public:
  WorkerRuntime(log::Log& log, schema::Registry& registry, Clock& clock, RuntimeOptions options)
      : log_(log), clock_(clock), options_(std::move(options)) {
    const auto board = std::make_shared<IdleBoard>();
    for (int i = 0; i < options_.workers; ++i) {
      seats_.push_back(std::make_unique<Seat>(i, log, registry, clock, options_, board));
    }
  }
  ~WorkerRuntime() override { stop(); }

  Result<> add(Topology topology, bool earliest, bool paused) override {
    TRY(make_topics(topology));
    const auto shared = std::make_shared<const Topology>(std::move(topology));
    for (const auto& seat : seats_) {
      TRY(seat->run([&] { return seat->worker().add(shared, earliest, paused); }));
    }
    show(shared);
    return {};
  }

  Result<> replace(Topology topology) override {
    const auto shared = std::make_shared<const Topology>(std::move(topology));
    TRY(at_home(shared->name, [&](Worker& worker) { return worker.replace(shared); }));
    show(shared);
    return {};
  }

  Result<> pause(const std::string& name, bool paused) override {
    return at_home(name, [&](Worker& worker) { return worker.pause(name, paused); });
  }

  Result<> remove(const std::string& name) override {
    {
      const std::lock_guard lock(mutex_);
      views_.erase(name);
      topologies_.erase(name);
    }
    return at_home(name, [&](Worker& worker) { return worker.remove(name); });
  }

  void gather() override {
    for (const auto& seat : seats_) seat->worker().gather(1);
  }
  void gathered() override {
    for (const auto& seat : seats_) seat->worker().gather(-1);
    log_.wake();
  }

  Result<> start() override {
    const int64_t began = clock_.monotonic_ns();
    restoring_ = true;
    TRY(make_topic({.name = kProcessingLogTopic, .partitions = 1}));
    for (const auto& seat : seats_) TRY(seat->worker().open());
    restore_seconds_ = static_cast<double>(clock_.monotonic_ns() - began) / 1e9;
    restoring_ = false;
    if (const RuntimeFigures sum = figures(); options_.logger != nullptr && sum.restore_records > 0) {
      char seconds[32];
      std::snprintf(seconds, sizeof seconds, "%.1f", sum.restore_seconds);
      options_.logger->info("stream", "state is restored",
                            {{"records", std::to_string(sum.restored_records)},
                             {"mb", std::to_string(sum.restored_bytes >> 20)},
                             {"seconds", seconds}});
    }
    if (options_.own_threads) {
      for (const auto& seat : seats_) seat->start();
    }
    return {};
  }

  void stop() override {
    for (const auto& seat : seats_) seat->stop();
  }

  Result<bool> step() override {
    CHECK(!options_.own_threads);
    bool worked = false;
    for (const auto& seat : seats_) worked = TRY(seat->worker().step(Duration(0))) || worked;
    return worked;
  }

  std::shared_ptr<const View> view(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = views_.find(name);
    return found == views_.end() ? nullptr : found->second;
  }

  std::shared_ptr<const Topology> topology(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = topologies_.find(name);
    return found == topologies_.end() ? nullptr : found->second;
  }

  std::vector<QueryStatus> status() const override {
    std::vector<QueryStatus> all = told_status();
    for (QueryStatus& status : all) measure_lag(status);
    return all;
  }

  log::Offsets positions(const std::string& name) const override {
    for (QueryStatus& status : told_status()) {
      if (status.name == name) return std::move(status.positions);
    }
    return {};
  }

  std::vector<std::shared_ptr<const Topology>> topologies() const override {
    std::map<std::string, std::shared_ptr<const Topology>> by_name;
    for (const auto& seat : seats_) {
      for (const auto& query : seat->worker().queries()) by_name[query->topology->name] = query->topology;
    }
    std::vector<std::shared_ptr<const Topology>> all;
    for (auto& [name, topology] : by_name) all.push_back(std::move(topology));
    return all;
  }

  RuntimeFigures figures() const override {
    RuntimeFigures sum;
    for (const auto& seat : seats_) {
      const WorkerFigures& figures = seat->worker().figures();
      sum.commits += figures.commits;
      sum.commit_ns += figures.commit_ns;
      sum.rows += figures.rows;
      sum.bad_records += figures.bad_records;
      sum.gone_records += figures.gone_records;
      sum.too_large += figures.too_large;
      sum.state_bytes += figures.state_bytes;
      sum.restore_records += figures.restore_records;
      sum.restored_records += figures.restored_records;
      sum.restored_bytes += figures.restored_bytes;
      sum.silent_seconds = std::max(sum.silent_seconds, seat->silent_seconds());
      if (sum.waits_for.empty()) sum.waits_for = figures.waits_for();
      if (sum.untrimmed.empty()) sum.untrimmed = figures.untrimmed();
      sum.untrimmed_partitions += figures.untrimmed_partitions;
      if (const auto trouble = seat->trouble()) sum.trouble = trouble->message;
    }
    sum.restoring = restoring_;
    sum.restore_seconds = restore_seconds_;
    return sum;
  }

  bool wait_until(const std::string& name, const log::Offsets& reached, Duration wait) override {
    const int64_t deadline = clock_.monotonic_ns() + wait.count() * 1'000'000;
    while (true) {
      bool there = true;
      const log::Offsets at = positions(name);
      for (const auto& [position, offset] : reached) {
        const auto found = at.find(position);
        there = there && (offset == 0 || (found != at.end() && found->second >= offset));
      }
      if (there) return true;
      if (clock_.monotonic_ns() >= deadline || !options_.own_threads) return false;
      clock_.sleep(Duration(1));
    }
  }

  std::optional<Error> failure() const override {
    for (const auto& seat : seats_) {
      if (auto failure = seat->failure()) return failure;
    }
    return std::nullopt;
  }

 private:
  // What the workers tell of their queries.
  std::vector<QueryStatus> told_status() const {
    std::map<std::string, QueryStatus> by_name;
    for (const auto& seat : seats_) {
      for (const auto& query : seat->worker().queries()) {
        QueryStatus& status = by_name[query->name];
        status.name = query->name;
        status.rows_in += query->figures.rows_in;
        status.rows_out += query->figures.rows_out;
        status.paused = query->paused;
        status.late_rows += query->figures.late_rows;
        status.bad_rows += query->figures.bad_rows;
        status.state_bytes += query->figures.state_bytes;
        const std::lock_guard lock(query->about);
        status.positions.insert(query->positions.begin(), query->positions.end());
        if (!query->error.empty()) {
          status.running = false;
          status.error = query->error;
        }
      }
    }
    std::vector<QueryStatus> all;
    for (auto& [name, status] : by_name) all.push_back(std::move(status));
    return all;
  }

  // By the log's own ends, so that it is true of a query that stands still, too.
  void measure_lag(QueryStatus& status) const {
    log::Offsets places = status.positions;
    std::erase_if(places, [partials = partials_topic(status.name)](const auto& place) {
      return place.first.topic == partials;
    });
    const Timestamp now = clock_.now();
    for (const auto& [position, backlog] : log_.backlog(places)) {
      status.lag += backlog.records;
      if (!backlog.oldest) continue;
      status.lag_seconds =
          std::max(status.lag_seconds, static_cast<double>(now.ms - backlog.oldest->ms) / 1000);
    }
  }

  // In every worker that the query lives in.
  Result<> at_home(const std::string& name, const std::function<Result<>(Worker&)>& work) {
    bool found = false;
    for (const auto& seat : seats_) {
      TRY(seat->run([&]() -> Result<> {
        if (seat->worker().query(name) == nullptr) return {};
        found = true;
        return work(seat->worker());
      }));
    }
    if (!found) return Error{Code::not_found, "no query is called " + name};
    return {};
  }

  // What readers see of a query.
  void show(const std::shared_ptr<const Topology>& topology) {
    std::vector<Worker*> workers;
    for (const auto& seat : seats_) {
      if (seat->worker().query(topology->name) != nullptr) workers.push_back(&seat->worker());
    }
    const std::lock_guard lock(mutex_);
    topologies_[topology->name] = topology;
    if (auto view = make_table_view(topology, workers)) views_[topology->name] = std::move(view);
  }

  Result<> make_topic(const log::TopicSpec& spec) {
    auto made = log_.create_topic(spec);
    if (!made.ok() && made.error().code != Code::conflict) return made.error();
    return {};
  }

  Result<> make_topics(const Topology& topology) {
    TRY(make_topic({.name = kProcessingLogTopic, .partitions = 1}));
    // One that has got other partitions since is no reason not to start.
    if (topology.sink && !topology.sink->topic.empty()) TRY(make_topic(topic_of(*topology.sink)));
    if (topology.has_late_rows()) TRY(make_topic({.name = late_topic(topology.name), .partitions = 1}));
    if (!topology.aggregate()) return {};
    if (options_.workers > 1 && !topology.one_worker) {
      // Not by time: what is merged is trimmed, what is not must stay however long a query is not running.
      TRY(make_topic({.name = partials_topic(topology.name),
                      .partitions = topology.sink ? topology.sink->partitions : 1,
                      .retention = Duration(-1)}));
    }
    return {};
  }

  log::Log& log_;
  Clock& clock_;
  const RuntimeOptions options_;
  std::vector<std::unique_ptr<Seat>> seats_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Topology>> topologies_;
  std::map<std::string, std::shared_ptr<const View>> views_;
  std::atomic<double> restore_seconds_{0};
  std::atomic<bool> restoring_{false};
};

}  // namespace

log::TopicSpec topic_of(const SinkSpec& sink) {
  log::TopicSpec spec{.name = sink.topic, .partitions = sink.partitions};
  if (sink.table) spec.cleanup = sink.window_start ? log::Cleanup::compact_and_remove : log::Cleanup::compact;
  spec.retention = sink.retention.value_or(std::max(spec.retention, sink.windows_kept.value_or(Duration(0))));
  return spec;
}

std::unique_ptr<Runtime> make_runtime(log::Log& log, schema::Registry& registry, Clock& clock,
                                      const RuntimeOptions& options) {
  return std::make_unique<WorkerRuntime>(log, registry, clock, options);
}

std::string state_topic(const std::string& application) {
  return "tw." + application + ".state";
}
std::string late_topic(const std::string& query) {
  return "tw." + query + ".late";
}
std::string partials_topic(const std::string& query) {
  return "tw." + query + ".partials";
}

}  // namespace tradewind::stream
