#include "stream/ops/sliding_table.h"

#include <algorithm>

#include "base/check.h"

namespace tradewind::stream {
namespace {

// What is kept of a row: the arguments, and one column more, so that a lone text keeps its null mark.
std::vector<Type> value_types(const AggregateStep& step) {
  std::vector<Type> types;
  for (const AggregateCall& call : step.calls) {
    if (call.argument != nullptr) types.push_back(call.argument->type);
  }
  types.emplace_back(Kind::boolean);
  return types;
}

void read_results(const std::vector<std::unique_ptr<expr::Aggregate>>& aggregates, char* state,
                  std::vector<Value>& into) {
  for (const auto& aggregate : aggregates) {
    Column column(aggregate->result_type(), 1);
    aggregate->result(&state, 1, column, 0);
    into.push_back(value_at(column, 0));
  }
}

}  // namespace

SlidingTable::SlidingTable(const AggregateStep& step, std::shared_ptr<Dictionary> keys, int32_t groups)
    : step_(step),
      keys_(types_of(step.keys), std::move(keys), groups),
      groups_(groups),
      size_(step.window->size.count()),
      grace_(step.window->grace.count()),
      values_(value_types(step)) {
  const auto make = [&](const AggregateCall& call) {
    std::optional<Type> argument;
    if (call.argument != nullptr) argument = call.argument->type;
    auto made = expr::make_retracting_aggregate(call.name, argument, call.constants);
    if (made == nullptr) {
      takes_out_ = false;
      auto usual = expr::make_aggregate(call.name, argument, call.constants);
      CHECK(usual.ok());  // build() has tried it
      made = std::move(*usual);
    }
    return made;
  };
  for (const AggregateCall& call : step_.calls) {
    for (Aggregates* of : {&running_, &anew_}) of->emplace_back(make(call))->place(state_bytes_);
    state_bytes_ += anew_.back()->state_bytes();
  }
  most_rows_ = takes_out_ || !step_.each ? kMostRows : kMostRowsFoldedEach;
}

SlidingTable::Group& SlidingTable::touch(uint32_t id) {
  if (id >= by_key_.size()) by_key_.resize(std::max<size_t>(keys_.dictionary().size(), id + 1));
  if (by_key_[id] == nullptr) {
    by_key_[id] = std::make_unique<Group>();
    keys_.dictionary().retain(id);
  }
  Group& group = *by_key_[id];
  if (group.pending != nullptr) return group;
  auto pending = std::make_unique<Pending>();
  if (!restoring_) pending->before = committed_of(id);
  group.pending = std::move(pending);
  changed_.push_back(id);
  return group;
}

void SlidingTable::raise_progress(int32_t partition, int64_t time_ms) {
  const auto [at, added] = progress_.emplace(partition, time_ms);
  if (!added) at->second = std::max(at->second, time_ms);
}

Result<> SlidingTable::fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes,
                                 std::vector<Value>* each) {
  std::vector<ColumnPtr> columns;
  for (const expr::ExpressionPtr& key : step_.keys) columns.push_back(expr::evaluate(*key, rows, notes));
  const uint32_t* ids = keys_.intern(columns, rows.rows());
  std::vector<ColumnPtr> arguments;
  for (const AggregateCall& call : step_.calls) {
    if (call.argument != nullptr) arguments.push_back(expr::evaluate(*call.argument, rows, notes));
  }
  arguments.push_back(constant_column(Kind::boolean, Value(), rows.rows()));
  const int32_t partition = rows.origin().partition;
  for (size_t i = 0; i < rows.rows(); ++i) {
    const int64_t time = rows.times_ms()[i];
    raise_progress(partition, time);
    if (ids[i] == Dictionary::kNone) continue;
    if (time < progress_[partition] - grace_ || time < expired_) {
      late.push_back({static_cast<uint32_t>(i), progress_[partition]});
      continue;
    }
    Bytes values;
    values_.encode(arguments, i, values);
    TRY(put(ids[i], time, std::move(values)));
    if (each == nullptr) continue;
    const Group& group = *by_key_[ids[i]];
    append(*each, ids[i], {group.newest_ms, TRY(results(group))});
  }
  return {};
}

// A row older than the window of its group changes nothing any more.
Result<> SlidingTable::put(uint32_t id, int64_t time, Bytes values) {
  Group& group = touch(id);
  move_to(id, group, time);
  if (time <= group.newest_ms - size_) return {};
  const auto at =
      std::upper_bound(group.rows.begin() + static_cast<std::ptrdiff_t>(group.left), group.rows.end(), time,
                       [](int64_t wanted, const Row& row) { return wanted < row.time_ms; });
  const Row& row = *group.rows.insert(at, {time, std::move(values)});
  ++rows_;
  value_bytes_ += row.values.capacity();
  group.pending->added.push_back(row);
  if (group.state != nullptr) TRY(count(group, row, Change::insert));
  TRY(leave_out_old(group));
  if (takes_out_ && group.state == nullptr && group.inside().size() > kFewRows) TRY(run(group));
  return {};
}

Result<> SlidingTable::run(Group& group) {
  group.state = std::unique_ptr<char[]>(new char[state_bytes_]());
  ++states_;
  for (const Row& row : group.inside()) TRY(count(group, row, Change::insert));
  return {};
}

void SlidingTable::stop_running(Group& group) {
  if (group.state == nullptr) return;
  for (const auto& aggregate : running_) aggregate->dropped(group.state.get());
  group.state.reset();
  --states_;
  ++dropped_;
}

void SlidingTable::move_to(uint32_t id, Group& group, int64_t time) {
  if (time <= group.newest_ms) return;
  newest_.erase({group.newest_ms, id});
  newest_.insert({time, id});
  group.newest_ms = time;
}

Result<> SlidingTable::leave_out_old(Group& group) {
  std::vector<Row>& rows = group.rows;
  while (rows[group.left].time_ms <= group.newest_ms - size_ || group.inside().size() > most_rows_) {
    Row& old = rows[group.left];
    if (old.time_ms > group.newest_ms - size_) ++left_out_;
    if (group.state != nullptr) TRY(count(group, old, Change::retract));
    value_bytes_ -= old.values.capacity();
    old.values = Bytes();
    ++group.left;
    --rows_;
  }
  if (group.left > kFewRows / 2 && group.left * 2 > rows.size()) {
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(group.left));
    group.left = 0;
  }
  if (group.inside().size() <= kFewRows / 2) stop_running(group);
  return {};
}

// Into or out of the running state.
Result<> SlidingTable::count(Group& group, const Row& row, Change change) {
  const auto values = values_.decode(row.values);
  CHECK(values.has_value());
  char* state = group.state.get();
  size_t argument = 0;
  for (size_t a = 0; a < running_.size(); ++a) {
    ColumnPtr column;
    if (const auto& of = step_.calls[a].argument; of != nullptr)
      column = constant_column(of->type, (*values)[argument++], 1);
    auto added = running_[a]->add(&state, column.get(), &change, 1);
    if (!added.ok()) return added.error().within(step_.calls[a].output);
  }
  return {};
}

void SlidingTable::settle_running() {
  dropped_ = 0;
  const std::unique_ptr<char[]> any(new char[state_bytes_]());
  for (const auto& aggregate : running_) aggregate->settled(any.get());
}

Result<std::vector<Value>> SlidingTable::results(const Group& group) const {
  if (group.state == nullptr) return fold_anew(group.inside());
  std::vector<Value> made;
  read_results(running_, group.state.get(), made);
  return made;
}

Result<std::vector<Value>> SlidingTable::fold_anew(std::span<const Row> rows) const {
  std::vector<ColumnBuilder> builders;
  for (const Type& type : values_.types()) builders.emplace_back(type);
  for (const Row& row : rows) {
    const auto values = values_.decode(row.values);
    CHECK(values.has_value());
    for (size_t i = 0; i < builders.size(); ++i) builders[i].append((*values)[i]);
  }
  const std::unique_ptr<char[]> state(new char[state_bytes_]());
  const std::vector<char*> states(rows.size(), state.get());
  size_t argument = 0;
  for (size_t a = 0; a < anew_.size(); ++a) {
    const ColumnPtr column = step_.calls[a].argument == nullptr ? nullptr : builders[argument++].finish();
    auto added = anew_[a]->add(states.data(), column.get(), nullptr, states.size());
    if (!added.ok()) return added.error().within(step_.calls[a].output);
  }
  std::vector<Value> made;
  read_results(anew_, state.get(), made);
  for (const auto& aggregate : anew_) {
    aggregate->settled(state.get());
    aggregate->dropped(state.get());
  }
  return made;
}

// A row of `rows`: key id, newest time, results.
void SlidingTable::append(std::vector<Value>& rows, uint32_t id, const Shown& shown) const {
  std::vector<Value> row = {Value(static_cast<int64_t>(id)), Value(shown.newest_ms)};
  row.insert(row.end(), shown.values.begin(), shown.values.end());
  rows.emplace_back(std::move(row));
}

Batch SlidingTable::batch_of(const SchemaPtr& schema, const std::vector<Value>& rows,
                             const Origin& origin) const {
  std::vector<uint32_t> ids;
  std::vector<int64_t> times;
  auto starts = std::make_shared<Column>(Kind::bigint, rows.size());
  auto ends = std::make_shared<Column>(Kind::bigint, rows.size());
  std::vector<ColumnBuilder> builders;
  for (const auto& aggregate : anew_) builders.emplace_back(aggregate->result_type());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<Value>& parts = rows[i].parts();
    ids.push_back(static_cast<uint32_t>(parts[0].number()));
    times.push_back(parts[1].number());
    starts->data<int64_t>()[i] = times.back() - size_;
    ends->data<int64_t>()[i] = times.back();
    for (size_t a = 0; a < builders.size(); ++a) builders[a].append(parts[a + 2]);
  }
  std::vector<ColumnPtr> columns;
  keys_.columns(ids, columns);
  columns.push_back(std::move(starts));
  columns.push_back(std::move(ends));
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  Batch batch(schema, std::move(columns), std::move(times));
  batch.with_origin(origin);
  return batch;
}

Result<> SlidingTable::emit_changes(const SchemaPtr& schema, bool retracts, std::optional<int64_t> reached,
                                    size_t rows_per_batch, Collector& out) {
  std::vector<Value> rows;
  std::vector<Change> changes;
  const auto show = [&](uint32_t id, const Shown& shown, Change change) {
    append(rows, id, shown);
    changes.push_back(change);
  };
  const auto give = [&]() -> Result<> {
    if (rows.empty()) return {};
    Batch batch = batch_of(schema, rows, {});
    batch.with_changes(changes);
    rows.clear();
    changes.clear();
    return out.emit(std::move(batch));
  };
  if (reached) {
    expired_ = std::max(expired_, *reached - size_ - grace_ + 1);
    for (auto at = newest_.begin(); at != newest_.end() && at->first < expired_; ++at) {
      if (!step_.each) {
        if (const auto old = committed_of(at->second)) show(at->second, *old, Change::retract);
      }
      gone_.push_back(at->second);
    }
    TRY(give());
  }
  if (step_.each) return {};
  for (const uint32_t id : changed_) {
    Group& group = *by_key_[id];
    if (group.newest_ms < expired_) continue;
    Pending& pending = *group.pending;
    pending.now = {group.newest_ms, TRY(results(group))};
    if (retracts && pending.before) show(id, *pending.before, Change::retract);
    show(id, pending.now, Change::insert);
    if (rows.size() >= rows_per_batch) TRY(give());
  }
  return give();
}

std::optional<SlidingTable::Shown> SlidingTable::committed_of(uint32_t id) const {
  if (id >= by_key_.size() || by_key_[id] == nullptr || step_.each) return std::nullopt;
  const Group& group = *by_key_[id];
  if (group.pending != nullptr) return group.pending->before;
  if (!group.committed) return std::nullopt;
  auto made = results(group);
  if (!made.ok()) return std::nullopt;
  return Shown{group.newest_ms, std::move(*made)};
}

bool SlidingTable::scan(const SchemaPtr& schema, uint32_t& cursor, size_t most, Batch& out) const {
  std::vector<Value> rows;
  for (size_t keys = 0; keys < most && cursor < by_key_.size(); ++keys, ++cursor) {
    if (const auto shown = committed_of(cursor)) append(rows, cursor, *shown);
  }
  out = batch_of(schema, rows, {});
  return cursor < by_key_.size();
}

Batch SlidingTable::find(const SchemaPtr& schema, const std::vector<Value>& key) const {
  std::vector<Value> rows;
  const uint32_t id = keys_.find(key);
  if (id != Dictionary::kNone) {
    if (const auto shown = committed_of(id)) append(rows, id, *shown);
  }
  return batch_of(schema, rows, {});
}

size_t SlidingTable::changed_bytes() const {
  return changed_.size() * (state_bytes_ + 64);
}

size_t SlidingTable::bytes() const {
  constexpr size_t kAllocated = 16;   // what the allocator takes for a piece of memory
  constexpr size_t kNewestNode = 64;  // in newest_
  size_t bytes = rows_ * (sizeof(Row) + kAllocated) + value_bytes_ + states_ * (state_bytes_ + kAllocated) +
                 newest_.size() * (sizeof(Group) + kNewestNode + 2 * kAllocated) +
                 by_key_.capacity() * sizeof(by_key_[0]);
  for (const auto& aggregate : running_) bytes += aggregate->pool_bytes();
  return bytes;
}

}  // namespace tradewind::stream
