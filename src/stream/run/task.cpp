#include "stream/run/task.h"

#include <algorithm>

#include "base/hash.h"
#include "expr/function.h"
#include "stream/ops/deduplicate.h"
#include "stream/ops/enter.h"
#include "stream/run/processing_log.h"
#include "stream/runtime.h"

namespace tradewind::stream {
namespace {

// Where a column comes from, as text that is equal for equal columns of one source: queries that group by the
// same column then share a dictionary, and each value of a batch is looked up once for all of them.
std::optional<std::string> lineage(const Topology& topology, size_t step,
                                   const expr::Expression& expression) {
  if (expression.node == expr::Node::field) {
    const auto of = lineage(topology, step, *expression.arguments[0]);
    if (!of) return std::nullopt;
    return *of + "." + std::to_string(expression.index);
  }
  if (expression.node != expr::Node::column) return std::nullopt;
  if (step == 0) return topology.source.topic + "/" + topology.schemas[0][expression.index].name;
  const Step& before = topology.steps[step - 1];
  if (const auto* project = std::get_if<ProjectStep>(&before)) {
    return lineage(topology, step - 1, *project->expressions[expression.index]);
  }
  if (std::holds_alternative<AggregateStep>(before) || std::holds_alternative<JoinStep>(before) ||
      std::holds_alternative<FunnelStep>(before))
    return std::nullopt;
  const size_t width = topology.schemas[step - 1].size();
  if (const auto* explode = std::get_if<ExplodeStep>(&before);
      explode != nullptr && expression.index >= width) {
    const auto of = lineage(topology, step - 1, *explode->arrays[expression.index - width]);
    if (!of) return std::nullopt;
    return *of + "[]";
  }
  return lineage(topology, step - 1, expression);
}

bool asks_moment(const Step& step) {
  const auto any = [](const std::vector<expr::ExpressionPtr>& of) {
    return std::any_of(of.begin(), of.end(), [](const auto& one) { return expr::asks_moment(*one); });
  };
  if (const auto* filter = std::get_if<FilterStep>(&step)) return expr::asks_moment(*filter->condition);
  if (const auto* project = std::get_if<ProjectStep>(&step)) return any(project->expressions);
  if (const auto* explode = std::get_if<ExplodeStep>(&step)) return any(explode->arrays);
  if (const auto* join = std::get_if<JoinStep>(&step)) return any(join->left_keys) || any(join->right_keys);
  if (const auto* funnel = std::get_if<FunnelStep>(&step))
    return any({funnel->person, funnel->time}) || any(funnel->conditions) || any(funnel->groups);
  if (const auto* enter = std::get_if<EnterStep>(&step))
    return expr::asks_moment(*enter->condition) || any(enter->keys) ||
           (enter->clear != nullptr && expr::asks_moment(*enter->clear));
  if (const auto* deduplicate = std::get_if<DeduplicateStep>(&step)) return any(deduplicate->keys);
  const auto* aggregate = std::get_if<AggregateStep>(&step);
  if (aggregate == nullptr) return false;
  return any(aggregate->keys) ||
         std::any_of(aggregate->calls.begin(), aggregate->calls.end(), [](const AggregateCall& call) {
           return call.argument != nullptr && expr::asks_moment(*call.argument);
         });
}

std::string dictionary_name(const Topology& topology, size_t step, const AggregateStep& aggregate) {
  if (aggregate.keys.size() == 1 && aggregate.keys[0]->type.layout() == Layout::view) {
    if (const auto name = lineage(topology, step, *aggregate.keys[0])) return *name;
  }
  return "=" + topology.name;
}

}  // namespace

// Hands what an operator emits to the next one.
class Task::Chain final : public Collector {
 public:
  Chain(Task& task, size_t next) : task_(task), next_(next) {}
  Result<> emit(Batch batch) override { return task_.emit_from(next_, batch); }

 private:
  Task& task_;
  size_t next_;
};

Task::Task(std::shared_ptr<const Topology> topology, schema::Registry& registry, TaskHost& host,
           TaskFigures& figures, RowReceiver receiver)
    : topology_(std::move(topology)),
      registry_(registry),
      host_(host),
      figures_(figures),
      receiver_(std::move(receiver)) {}

int32_t Task::groups_of(const Topology& topology, int32_t source_partitions) {
  if (topology.aggregate() && topology.sink) return topology.sink->partitions;
  return std::max(source_partitions, 1);
}

Result<std::unique_ptr<Task>> Task::make(std::shared_ptr<const Topology> topology, AggregateMode mode,
                                         schema::Registry& registry, TaskHost& host, TaskFigures& figures,
                                         RowReceiver receiver) {
  std::unique_ptr<Task> task(new Task(std::move(topology), registry, host, figures, std::move(receiver)));
  // What is joined is one sequence of rows, wherever they came from.
  if (task->topology_->inputs.empty())
    task->source_partitions_ = host.source_partitions(task->topology_->source.topic);
  task->groups_ = groups_of(*task->topology_, task->source_partitions_);
  TRY(task->make_operators(mode));
  return task;
}

Result<> Task::make_operators(AggregateMode mode) {
  const Topology& topology = *topology_;
  asks_moment_ = std::any_of(topology.steps.begin(), topology.steps.end(), asks_moment);
  only_projects_ = std::all_of(topology.steps.begin(), topology.steps.end(),
                               [](const Step& step) { return std::holds_alternative<ProjectStep>(step); });
  if (topology.materialized)
    make_kept(topology.present(0), row_key_columns(topology.source), topology.schemas[0],
              only_projects_ && topology.sink.has_value());
  for (size_t i = 0; i < topology.steps.size(); ++i) {
    const Schema& output = topology.schemas[i + 1];
    if (const auto* filter = std::get_if<FilterStep>(&topology.steps[i]))
      operators_.push_back(make_filter(*filter));
    if (const auto* project = std::get_if<ProjectStep>(&topology.steps[i])) {
      operators_.push_back(make_project(*project, output));
    }
    if (const auto* explode = std::get_if<ExplodeStep>(&topology.steps[i])) {
      operators_.push_back(make_explode(*explode, output));
    }
    if (const auto* keep = std::get_if<KeepStep>(&topology.steps[i]))
      make_kept(topology.present(i), keep->keys, topology.schemas[i], false);
    if (const auto* join = std::get_if<JoinStep>(&topology.steps[i])) make_join_operator(*join, i);
    if (const auto* funnel = std::get_if<FunnelStep>(&topology.steps[i])) {
      auto made = std::make_unique<FunnelOperator>(*funnel, output);
      funnel_ = made.get();
      operators_.push_back(std::move(made));
    }
    if (const auto* enter = std::get_if<EnterStep>(&topology.steps[i]))
      operators_.push_back(std::make_unique<EnterOperator>(*enter));
    if (const auto* deduplicate = std::get_if<DeduplicateStep>(&topology.steps[i]))
      operators_.push_back(std::make_unique<DeduplicateOperator>(*deduplicate));
    if (std::holds_alternative<AggregateStep>(topology.steps[i])) make_aggregate(i, mode);
  }
  if (topology.sink && !topology.sink->topic.empty())
    operators_.push_back(make_sink(*topology.sink, topology.schemas.back(), registry_));
  for (const auto& made : operators_) TRY(made->open(*this));
  return {};
}

void Task::make_kept(std::vector<bool> kept, std::vector<size_t> keys, const Schema& schema,
                     bool passes_deletes) {
  for (const size_t i : keys) kept[i] = true;
  // The state of the first is called "rows"; a join may keep its left side and its result.
  const auto before = std::count_if(operators_.begin(), operators_.end(), [](const auto& made) {
    return dynamic_cast<const MaterializeOperator*>(made.get()) != nullptr;
  });
  const std::string name = before == 0 ? "rows" : "rows" + std::to_string(before);
  auto made =
      std::make_unique<MaterializeOperator>(schema, std::move(kept), std::move(keys), passes_deletes, name);
  materialized_ = made.get();
  operators_.push_back(std::move(made));
}

void Task::make_join_operator(const JoinStep& step, size_t at) {
  const Topology& topology = *topology_;
  JoinParts parts{.step = step,
                  .left = topology.schemas[at],
                  .right = source_schema(topology.inputs[step.input]),
                  .output = topology.schemas[at + 1],
                  .left_kept = topology.present(at),
                  .name = "join" + std::to_string(step.input)};
  const std::vector<bool> all = topology.present(at + 1);
  const auto first = all.begin() + static_cast<ptrdiff_t>(parts.left.size());
  parts.right_kept.assign(first, first + static_cast<ptrdiff_t>(parts.right.size()));
  auto made = make_join(std::move(parts));
  joins_.push_back({made.get(), operators_.size()});
  operators_.push_back(std::move(made));
}

// For those who ask the clock or chance.
Batch Task::at_moment(const Batch& rows) {
  if (!asks_moment_) return rows;
  const int64_t now = host_.now().ms;
  const uint64_t asked = mix64(hash64(topology_->name), mix64(static_cast<uint64_t>(now), ++moments_));
  return rows.at_moment({now, asked});
}

void Task::make_aggregate(size_t step, AggregateMode mode) {
  const Topology& topology = *topology_;
  const auto& aggregate = std::get<AggregateStep>(topology.steps[step]);
  const Schema& output = topology.schemas[step + 1];
  // Old rows are needed where a row can stop to match.
  const bool retracts =
      std::any_of(topology.steps.begin() + static_cast<ptrdiff_t>(step), topology.steps.end(),
                  [](const Step& one) { return std::holds_alternative<FilterStep>(one); });
  const std::string dictionary = dictionary_name(topology, step, aggregate);
  if (aggregate.window && aggregate.window->kind == WindowSpec::Kind::session) {
    auto made = std::make_unique<SessionOperator>(aggregate, output, retracts, dictionary);
    sessions_ = made.get();
    operators_.push_back(std::move(made));
    return;
  }
  if (aggregate.window && aggregate.window->kind == WindowSpec::Kind::sliding) {
    auto made = std::make_unique<SlidingOperator>(aggregate, output, retracts, dictionary);
    sliding_ = made.get();
    operators_.push_back(std::move(made));
    return;
  }
  auto made = std::make_unique<AggregateOperator>(aggregate, topology.schemas[step], output, mode, retracts,
                                                  dictionary);
  aggregate_ = made.get();
  operators_.push_back(std::move(made));
}

Result<> Task::emit_from(size_t step, const Batch& rows) {
  if (rows.rows() == 0) return {};
  if (step == operators_.size()) {
    figures_.rows_out += static_cast<int64_t>(rows.rows());
    return receiver_ == nullptr ? Result<>() : receiver_(rows);
  }
  if (!host_.each_row() || !topology_->aggregate()) return run_operator(step, rows);
  // An aggregate's results are what it holds at a commit: row by row there is one behind each row.
  for (size_t row = 0; row < rows.rows();) {
    const bool update = rows.change(row) == Change::retract && row + 1 < rows.rows();
    const size_t next = row + (update ? 2 : 1);
    TRY(give_out(step, rows.slice(row, next)));
    row = next;
  }
  return {};
}

Result<> Task::give_out(size_t step, const Batch& rows) {
  TRY(run_operator(step, rows));
  if (dynamic_cast<Operator*>(aggregate_) != operators_[step].get() &&
      dynamic_cast<Operator*>(sessions_) != operators_[step].get())
    return {};
  Chain chain(*this, step + 1);
  TRY(operators_[step]->flush(chain));
  for (const Kept& kept : durables_) kept.durable->committed();
  return {};
}

Result<> Task::run_operator(size_t step, const Batch& rows) {
  Chain chain(*this, step + 1);
  return operators_[step]->process(at_moment(rows), chain);
}

// The first join takes both sides as they are; what stands before it, or behind it and is joined again, needs
// its rows one run after the other.
Result<> Task::process_merged(const MergedRows& rows) {
  const bool whole = joins_.size() == 1 && joins_[0].at == 0;
  if (!whole || rows.runs.size() == 1) {
    for (const MergedRows::Run& run : rows.runs) {
      const MergedRows::Part& part = rows.parts[run.part];
      const bool all = run.from == 0 && run.to == part.rows.rows();
      if (run.from < run.to)
        TRY(process_input(all ? part.rows : part.rows.slice(run.from, run.to), part.input));
    }
    return {};
  }
  for (const MergedRows::Run& run : rows.runs) figures_.rows_in += run.to - run.from;
  Chain chain(*this, 1);
  if (!asks_moment_) return joins_[0].made->process_merged(rows, chain);
  MergedRows now = rows;
  for (MergedRows::Part& part : now.parts) part.rows = at_moment(part.rows);
  return joins_[0].made->process_merged(now, chain);
}

Result<> Task::process_input(const Batch& rows, size_t input) {
  figures_.rows_in += static_cast<int64_t>(rows.rows());
  const auto take = [&](const Batch& some) -> Result<> {
    if (input == 0) return emit_from(0, some);
    if (some.rows() == 0) return {};
    const Join& join = joins_[input - 1];
    Chain chain(*this, join.at + 1);
    return join.made->process_right(at_moment(some), chain);
  };
  if (rows.changes() == nullptr || topology_->input(input).table || only_projects_) return take(rows);
  std::vector<uint32_t> valued;
  for (uint32_t i = 0; i < rows.rows(); ++i) {
    if (rows.change(i) == Change::insert) valued.push_back(i);
  }
  return take(rows.filtered(std::move(valued)));
}

Result<> Task::merge(const log::FetchedBatch& partials) {
  CHECK(aggregate_ != nullptr);
  for (const log::RecordView& record : partials.records) {
    if (record.value) TRY(aggregate_->merge(*record.value));
  }
  return {};
}

Result<> Task::flush() {
  for (size_t i = 0; i < operators_.size(); ++i) {
    Chain chain(*this, i + 1);
    TRY(operators_[i]->flush(chain));
  }
  int64_t late = 0;
  if (aggregate_ != nullptr) late += aggregate_->late_rows();
  if (sessions_ != nullptr) late += sessions_->late_rows();
  for (const Join& join : joins_) late += join.made->late_rows();
  if (sliding_ != nullptr) late += sliding_->late_rows();
  if (funnel_ != nullptr) late += funnel_->late_rows();
  figures_.late_rows = late;
  return {};
}

size_t Task::changed_bytes() const {
  size_t bytes = 0;
  if (sessions_ != nullptr) bytes += sessions_->table().changed_bytes();
  if (sliding_ != nullptr) bytes += sliding_->table().changed_bytes();
  if (aggregate_ != nullptr) bytes += aggregate_->table()->changed_bytes();
  for (const Join& join : joins_) bytes += join.made->changed_bytes();
  return bytes;
}

void Task::note(RowNote note) {
  note.query = topology_->name;
  if (note.topic.empty()) note.topic = topology_->source.topic;
  ++figures_.bad_rows;
  host_.note(std::move(note));
}

// What goes into no record is told and left out; the query goes on.
Result<> Task::append(const log::Position& position, std::span<const log::RecordView> records) {
  const int64_t most = host_.most_record_bytes();
  for (size_t from = 0; from < records.size();) {
    size_t to = from;
    while (to < records.size() && log::payload_bytes(records[to]) <= most) ++to;
    if (to > from) TRY(host_.append(position, records.subspan(from, to - from)));
    figures_.rows_out += static_cast<int64_t>(to - from);
    if (to < records.size()) {
      const log::RecordView& record = records[to++];
      RowNote told = too_large_note(
          position, record.key ? std::optional(Bytes(*record.key)) : std::nullopt, log::payload_bytes(record),
          "the " + std::to_string(most) + " that the log", "make the result smaller");
      told.query = topology_->name;
      host_.note(std::move(told));
    }
    from = to;
  }
  return {};
}

}  // namespace tradewind::stream
