#include "stream/test_driver.h"

#include "base/check.h"

namespace tradewind::stream {
namespace {

constexpr int kQuietSteps = 3;

RuntimeOptions without_threads(RuntimeOptions options) {
  options.own_threads = false;
  options.idle_commit = Duration(0);
  return options;
}

}  // namespace

TestDriver::TestDriver(log::Log& log, schema::Registry& registry, RuntimeOptions options)
    : log_(log),
      registry_(registry),
      runtime_(make_runtime(log, registry, clock_, without_threads(std::move(options)))) {}

Result<> TestDriver::add(Topology topology) {
  return runtime_->add(std::move(topology), true);
}

Result<> TestDriver::start() {
  return runtime_->start();
}

Result<> TestDriver::feed(const SourceSpec& source, const std::vector<std::string>& lines) {
  const auto spec = TRY(log_.topic(source.topic));
  return append(log_, source.topic, TRY(records_of(lines, source, spec.partitions, registry_)));
}

// A worker may find that it has to commit only after it has read nothing, and what one worker writes is read
// by the next: hence several quiet rounds.
Result<> TestDriver::settle() {
  for (int quiet = 0; quiet < kQuietSteps;) {
    clock_.advance(Duration(1));
    quiet = TRY(runtime_->step()) ? 0 : quiet + 1;
  }
  return log_.wait_durable(log_.written());
}

Result<Cells> TestDriver::rows(const Topology& topology) {
  return rows_in(log_, registry_, written_by(topology));
}

SourceSpec written_by(const Topology& topology) {
  CHECK(topology.sink);
  const SinkSpec& sink = *topology.sink;
  SourceSpec source;
  source.topic = sink.topic;
  source.table = sink.table;
  source.key_format = sink.key_format;
  source.value_format = sink.value_format;
  source.key_detail = sink.key_detail;
  source.value_detail = sink.value_detail;
  const Schema& schema = topology.schemas.back();
  for (const size_t i : sink.key_columns) source.key_columns.push_back(schema[i]);
  for (const size_t i : sink.value_columns) source.value_columns.push_back(schema[i]);
  source.sessions = sink.window_end.has_value();
  if (sink.window_start && !source.sessions) {
    source.window_size = Duration(0);
    if (const auto at = topology.aggregate()) {
      const auto& window = std::get<AggregateStep>(topology.steps[*at]).window;
      if (window) source.window_size = window->size;
    }
  }
  return source;
}

}  // namespace tradewind::stream
