#include "stream/run/table_view.h"

#include <algorithm>
#include <numeric>

#include "expr/evaluate.h"

namespace tradewind::stream {
namespace {

constexpr size_t kRowsPerLock = 256;

class TableView final : public View {
 public:
  TableView(std::shared_ptr<const Topology> topology, std::vector<Worker*> workers)
      : topology_(std::move(topology)), workers_(std::move(workers)) {
    const auto at = topology_->aggregate();
    first_step_ = topology_->kept_before();
    windowed_ = topology_->sink->window_start.has_value();
    if (topology_->source.window_size) window_size_ = *topology_->source.window_size;
    if (at && windowed_) window_size_ = std::get<AggregateStep>(topology_->steps[*at]).window->size;
    const Schema& last = topology_->schemas.back();
    std::vector<Field> fields;
    for (const size_t i : topology_->sink->key_columns) fields.push_back(last[i]);
    if (windowed_) {
      fields.push_back({"WINDOWSTART", Kind::bigint});
      fields.push_back({"WINDOWEND", Kind::bigint});
    }
    for (const size_t i : topology_->sink->value_columns) fields.push_back(last[i]);
    fields.push_back({"ROWTIME", Kind::bigint});
    schema_ = std::make_shared<const Schema>(std::move(fields));
    stored_schema_ = std::make_shared<const Schema>(topology_->schemas[first_step_]);
    map_keys();
  }

  const Schema& schema() const override { return *schema_; }
  size_t key_columns() const override { return topology_->sink->key_columns.size(); }
  bool windowed() const override { return windowed_; }

  Result<> read(const ViewRequest& request, const std::function<bool(const Batch&)>& each) const override {
    for (Worker* worker : workers_) {
      const std::shared_ptr<Worker::Query> query = worker->query(topology_->name);
      if (query == nullptr) return Error{Code::not_found, "query " + topology_->name + " is gone"};
      if (!(request.keys && stored_key_ ? find(*worker, *query, request, each)
                                        : scan(*worker, *query, request, each))) {
        const std::lock_guard lock(query->about);
        if (!query->error.empty()) {
          return Error{Code::unavailable, "query " + topology_->name + " has stopped: " + query->error};
        }
        return {};
      }
    }
    return {};
  }

  log::Offsets positions() const override {
    log::Offsets all;
    for (Worker* worker : workers_) {
      const std::shared_ptr<Worker::Query> query = worker->query(topology_->name);
      if (query == nullptr) continue;
      const std::lock_guard lock(query->about);
      all.insert(query->positions.begin(), query->positions.end());
    }
    return all;
  }

 private:
  // Which of the view's key columns is the nth stored key column; nothing when they are not the same columns.
  void map_keys() {
    if (windowed_ && !topology_->aggregate()) return;  // a window's start is part of what is stored
    const std::vector<size_t> stored = stored_keys();
    std::vector<size_t> order(stored.size(), SIZE_MAX);
    for (size_t k = 0; k < topology_->sink->key_columns.size(); ++k) {
      std::optional<size_t> column = topology_->sink->key_columns[k];
      for (size_t step = topology_->steps.size(); step > first_step_ && column; --step) {
        const auto* project = std::get_if<ProjectStep>(&topology_->steps[step - 1]);
        if (project == nullptr) continue;
        const expr::Expression& expression = *project->expressions[*column];
        column = expression.node == expr::Node::column ? std::optional(expression.index) : std::nullopt;
      }
      const auto at = column ? std::find(stored.begin(), stored.end(), *column) : stored.end();
      if (at != stored.end()) order[static_cast<size_t>(at - stored.begin())] = k;
    }
    if (std::find(order.begin(), order.end(), SIZE_MAX) == order.end()) stored_key_ = order;
  }

  // The columns that rows are stored by.
  std::vector<size_t> stored_keys() const {
    if (!topology_->aggregate() && first_step_ > 0)
      return std::get<KeepStep>(topology_->steps[first_step_ - 1]).keys;
    const size_t count = topology_->aggregate()
                             ? std::get<AggregateStep>(topology_->steps[first_step_ - 1]).keys.size()
                             : topology_->source.key_columns.size();
    std::vector<size_t> keys(count);
    std::iota(keys.begin(), keys.end(), size_t{0});
    return keys;
  }

  // The rest of the chain, as the sink would see the rows.
  Batch finish(Batch rows) const {
    expr::Notes notes;
    for (size_t step = first_step_; step < topology_->steps.size(); ++step) {
      if (const auto* filter = std::get_if<FilterStep>(&topology_->steps[step])) {
        rows = rows.filtered(expr::rows_where(*filter->condition, rows, notes));
      }
      if (const auto* project = std::get_if<ProjectStep>(&topology_->steps[step])) {
        std::vector<ColumnPtr> columns;
        for (const auto& expression : project->expressions)
          columns.push_back(expr::evaluate(*expression, rows, notes));
        rows = rows.with_columns(std::make_shared<const Schema>(topology_->schemas[step + 1]),
                                 std::move(columns));
      }
    }
    return shown(rows);
  }

  Batch shown(const Batch& rows) const {
    std::vector<ColumnPtr> columns;
    for (const size_t i : topology_->sink->key_columns) columns.push_back(rows.column(i));
    if (windowed_) {
      const ColumnPtr starts = rows.column(*topology_->sink->window_start);
      columns.push_back(starts);
    }
    if (topology_->sink->window_end) {
      columns.push_back(rows.column(*topology_->sink->window_end));
    } else if (windowed_) {
      const ColumnPtr& starts = columns.back();
      auto ends = std::make_shared<Column>(Kind::bigint, rows.rows());
      for (size_t i = 0; i < rows.rows(); ++i) {
        ends->data<int64_t>()[i] = starts->data<int64_t>()[i] + window_size_.count();
      }
      columns.push_back(std::move(ends));
    }
    for (const size_t i : topology_->sink->value_columns) columns.push_back(rows.column(i));
    auto times = std::make_shared<Column>(Kind::bigint, rows.rows());
    std::copy(rows.times_ms().begin(), rows.times_ms().end(), times->data<int64_t>());
    columns.push_back(std::move(times));
    return rows.with_columns(schema_, std::move(columns));
  }

  // Copies what points into the dictionary, so that the rows outlive the lock.
  static Batch own(const Batch& rows) {
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < rows.schema()->size(); ++i) {
      const ColumnPtr& from = rows.column(i);
      if (from->type().layout() != Layout::view) {
        columns.push_back(from);
        continue;
      }
      auto copy = std::make_shared<Column>(from->type(), rows.rows());
      for (size_t row = 0; row < rows.rows(); ++row) {
        copy->data<BytesView>()[row] = copy->store(from->data<BytesView>()[row]);
        if (from->is_null(row)) copy->set_null(row);
      }
      columns.push_back(std::move(copy));
    }
    return rows.with_columns(rows.schema(), std::move(columns));
  }

  bool find(Worker& worker, const Worker::Query& query, const ViewRequest& request,
            const std::function<bool(const Batch&)>& each) const {
    const auto& types = stored_schema();
    for (const std::vector<Value>& wanted : *request.keys) {
      std::vector<Value> key;
      for (const size_t k : *stored_key_) key.push_back(wanted[k]);
      Batch rows;
      {
        const std::lock_guard lock(worker.lock());
        if (query.task == nullptr) return false;
        if (query.task->sessions() != nullptr) {
          rows = query.task->sessions()->find(types, key, request.window_from, request.window_to);
        } else if (query.task->sliding() != nullptr) {
          rows = query.task->sliding()->find(types, key);
        } else {
          rows = query.task->aggregate() != nullptr
                     ? query.task->aggregate()->find(types, key, request.window_from, request.window_to)
                     : query.task->materialized()->find(key);
        }
        rows = own_stored(rows);
      }
      if (rows.rows() != 0 && !each(finish(rows))) return true;
    }
    return true;
  }

  bool scan(Worker& worker, const Worker::Query& query, const ViewRequest& request,
            const std::function<bool(const Batch&)>& each) const {
    AggregateTable::Cursor cursor{.window = request.window_from};
    SessionTable::Cursor sessions{.from = request.window_from, .to = request.window_to};
    uint32_t sliding = 0;
    int32_t group = 0;
    Bytes after;
    bool more = true;
    while (more) {
      Batch rows;
      {
        const std::lock_guard lock(worker.lock());
        if (query.task == nullptr) return false;
        if (query.task->sessions() != nullptr) {
          more = query.task->sessions()->scan(stored_schema(), sessions, kRowsPerLock, rows);
        } else if (query.task->sliding() != nullptr) {
          more = query.task->sliding()->scan(stored_schema(), sliding, kRowsPerLock, rows);
        } else if (query.task->aggregate() != nullptr) {
          more =
              query.task->aggregate()->scan(stored_schema(), cursor, request.window_to, kRowsPerLock, rows);
        } else {
          const auto last = query.task->materialized()->scan(group, after, kRowsPerLock, rows);
          after = last.value_or(Bytes());
          if (!last) ++group;
          more = group < query.task->materialized()->groups();
        }
        rows = own_stored(rows);
      }
      if (rows.rows() != 0 && !each(finish(rows))) return true;
    }
    return true;
  }

  const SchemaPtr& stored_schema() const { return stored_schema_; }

  // Aggregates give views into the dictionary; rows kept by key are copies already.
  Batch own_stored(const Batch& rows) const {
    return topology_->aggregate() && rows.rows() != 0 ? own(rows) : rows;
  }

  std::shared_ptr<const Topology> topology_;
  std::vector<Worker*> workers_;
  size_t first_step_ = 0;
  bool windowed_ = false;
  Duration window_size_{0};
  SchemaPtr schema_;
  std::optional<std::vector<size_t>> stored_key_;
  SchemaPtr stored_schema_;
};

}  // namespace

std::shared_ptr<const View> make_table_view(std::shared_ptr<const Topology> topology,
                                            std::vector<Worker*> workers) {
  if (!topology->keeps() || !topology->sink || !topology->sink->table) return nullptr;
  return std::make_shared<TableView>(std::move(topology), std::move(workers));
}

}  // namespace tradewind::stream
