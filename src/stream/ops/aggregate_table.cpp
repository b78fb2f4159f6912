#include "stream/ops/aggregate_table.h"

#include <algorithm>

#include "data/value.h"
#include "stream/ops/aggregate_states.h"

namespace tradewind::stream {
namespace {

constexpr size_t kAhead = 24;  // rows that memory is asked for before they are read

}  // namespace

AggregateTable::AggregateTable(AggregateStep step, std::shared_ptr<Dictionary> keys, int32_t groups)
    : step_(std::move(step)),
      keys_(types_of(step_.keys), std::move(keys), groups),
      groups_(groups),
      state_(place_states(step_, sizeof(state::RowHeader), aggregates_) - sizeof(state::RowHeader),
             keys_.dictionary()),
      group_expired_(static_cast<size_t>(groups), INT64_MIN) {
  for (const auto& aggregate : aggregates_) grows_ = grows_ || aggregate->grows();
  CHECK(!step_.window || step_.window->advance.count() > 0);
}

Result<std::unique_ptr<AggregateTable>> AggregateTable::make(const AggregateStep& step, const Schema&,
                                                             std::shared_ptr<Dictionary> keys,
                                                             int32_t groups) {
  auto made = std::unique_ptr<AggregateTable>(new AggregateTable(step, std::move(keys), groups));
  if (step.total) made->add_total();
  return made;
}

// The group of all rows, none of which has come.
void AggregateTable::add_total() {
  CHECK(!step_.window);
  std::vector<ColumnPtr> keys;
  for (const expr::ExpressionPtr& key : step_.keys) {
    CHECK(key->node == expr::Node::constant);
    ColumnBuilder one(key->type);
    one.append(key->value);
    keys.push_back(one.finish());
  }
  state_.touch(state_.window(state::TableState::kNoWindow), keys_.intern(keys, 1)[0]);
}

void AggregateTable::raise_progress(int32_t partition, int64_t time_ms) {
  const auto [at, added] = progress_.emplace(partition, time_ms);
  if (!added) at->second = std::max(at->second, time_ms);
  if (partition == kGivenOut) closed_ = std::max(closed_, at->second);
}

// Of each row the window that is the `pass`th, by its start, of those that hold it; null where it does not
// count. How far stream time is behind the batch. The windows of a row close in the order of their starts, so
// the first pass meets every row that is late for any of them.
int64_t AggregateTable::find_windows(const Batch& rows, int64_t pass, int64_t stream_time,
                                     std::vector<LateRow>& late) {
  const int64_t* times = rows.times_ms().data();
  const size_t count = rows.rows();
  const int64_t size = step_.window->size.count();
  const int64_t advance = step_.window->advance.count();
  const int64_t closing = size + step_.window->grace.count();
  int64_t start = 0;
  int64_t from = 0;  // the times whose `pass`th window is this one; none at first
  int64_t to = 0;
  state::TableState::Window* window = nullptr;
  for (size_t i = 0; i < count; ++i) {
    const int64_t time = times[i];
    stream_time = std::max(stream_time, time);
    windows_[i] = nullptr;
    if (ids_[i] == Dictionary::kNone) continue;
    if (time < from || time >= to) {
      to = floor_to(Timestamp{time - size}, step_.window->advance).ms + advance + size;
      from = to - advance;
      start = to - size + pass * advance;
      window = nullptr;
    }
    if (pass > 0 && start > time) continue;  // this row lies in fewer windows
    if (start + closing <= stream_time || start < closed_) {
      if (pass == 0) late.push_back({static_cast<uint32_t>(i), stream_time});
      continue;
    }
    if (window == nullptr) window = &state_.window(start);
    windows_[i] = window;
  }
  return stream_time;
}

// The rows of the groups, in blocks small enough for the first cache and passes that let memory work ahead.
void AggregateTable::find_rows(const int64_t* times, size_t count) {
  constexpr size_t kBlock = 128;
  for (size_t from = 0; from < count; from += kBlock) {
    const size_t to = std::min(from + kBlock, count);
    for (size_t i = from; i < to; ++i) {
      if (windows_[i] != nullptr) state_.look(*windows_[i], ids_[i]);
    }
    for (size_t i = from; i < to; ++i) {
      rows_[i] = windows_[i] == nullptr ? nullptr : state_.find_row(*windows_[i], ids_[i]);
    }
    for (size_t i = from; i < to; ++i) {
      if (rows_[i] == nullptr) continue;
      state_.mark_changed(*windows_[i], rows_[i]);
      state::RowHeader& header = state::TableState::header(rows_[i]);
      header.time_ms = std::max(header.time_ms, times[i]);
    }
  }
}

// Interns the keys; the arguments of the calls. The ids live no longer than `keys`.
std::vector<ColumnPtr> AggregateTable::begin_fold(const Batch& rows, std::vector<ColumnPtr>& keys,
                                                  expr::Notes& notes) {
  for (const expr::ExpressionPtr& key : step_.keys) keys.push_back(expr::evaluate(*key, rows, notes));
  ids_ = keys_.intern(keys, rows.rows());
  std::vector<ColumnPtr> arguments;
  for (const AggregateCall& call : step_.calls) {
    arguments.push_back(call.argument == nullptr ? nullptr : expr::evaluate(*call.argument, rows, notes));
  }
  rows_.resize(rows.rows());
  windows_.resize(rows.rows());
  return arguments;
}

// By stretches in which no key comes twice, so that each row's result can be read behind all of them.
Result<> AggregateTable::fold_each(const Batch& rows, expr::Notes& notes, const SchemaPtr& schema,
                                   Collector& out) {
  const size_t count = rows.rows();
  std::vector<ColumnPtr> keys;
  const std::vector<ColumnPtr> arguments = begin_fold(rows, keys, notes);
  const uint32_t* ids = ids_;
  state::TableState::Window* all = &state_.window(state::TableState::kNoWindow);
  if (stretch_of_.size() < keys_.dictionary().size()) stretch_of_.resize(keys_.dictionary().size() * 2, 0);
  std::vector<Seen> seen;
  for (size_t from = 0, to = 0; from < count; from = to) {
    ++stretch_;
    std::fill(windows_.begin(), windows_.end(), nullptr);
    for (; to < count; ++to) {
      if (ids[to] == Dictionary::kNone) continue;
      if (stretch_of_[ids[to]] == stretch_) break;
      stretch_of_[ids[to]] = stretch_;
      windows_[to] = all;
    }
    TRY(fold_pass(rows, arguments));
    seen.clear();
    for (size_t i = from; i < to; ++i) {
      if (rows_[i] != nullptr) seen.push_back({rows_[i], 0});
    }
    Batch batch = batch_of(schema, seen, nullptr);
    batch.with_origin(rows.origin());
    TRY(out.emit(std::move(batch)));
  }
  return {};
}

Result<> AggregateTable::fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes) {
  const size_t count = rows.rows();
  if (count == 0) return {};
  std::vector<ColumnPtr> keys;
  const std::vector<ColumnPtr> arguments = begin_fold(rows, keys, notes);
  if (!step_.window) {
    state::TableState::Window* all = &state_.window(state::TableState::kNoWindow);
    for (size_t i = 0; i < count; ++i) windows_[i] = ids_[i] == Dictionary::kNone ? nullptr : all;
    return fold_pass(rows, arguments);
  }
  const int32_t partition = rows.origin().partition;
  const auto seen = progress_.find(partition);
  const int64_t before = seen == progress_.end() ? INT64_MIN : seen->second;
  const int64_t passes = most_windows(*step_.window);
  for (int64_t pass = 0; pass < passes; ++pass) {
    progress_[partition] = find_windows(rows, pass, before, late);
    TRY(fold_pass(rows, arguments));
  }
  return {};
}

// The rows whose windows have been found, into those.
Result<> AggregateTable::fold_pass(const Batch& rows, const std::vector<ColumnPtr>& arguments) {
  find_rows(rows.times_ms().data(), rows.rows());
  for (size_t a = 0; a < aggregates_.size(); ++a) {
    auto added = aggregates_[a]->add(rows_.data(), arguments[a].get(), rows.changes(), rows.rows());
    if (!added.ok()) return added.error().within(step_.calls[a].output);
  }
  return {};
}

Batch AggregateTable::batch_of(const SchemaPtr& schema, const std::vector<Seen>& rows,
                               const std::vector<Change>* changes) const {
  std::vector<uint32_t> ids(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) ids[i] = state::TableState::header(rows[i].row).key;
  std::vector<ColumnPtr> columns;
  keys_.columns(ids, columns);
  if (step_.window) {
    auto starts = std::make_shared<Column>(Kind::bigint, rows.size());
    auto ends = std::make_shared<Column>(Kind::bigint, rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      starts->data<int64_t>()[i] = rows[i].window;
      ends->data<int64_t>()[i] = rows[i].window + step_.window->size.count();
    }
    columns.push_back(std::move(starts));
    columns.push_back(std::move(ends));
  }
  std::vector<const char*> states(rows.size());
  std::vector<int64_t> times(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    states[i] = rows[i].row;
    // What is taken back is so at the time of what takes its place.
    const bool replaced = changes != nullptr && (*changes)[i] == Change::retract && i + 1 < rows.size();
    times[i] = state::TableState::header(rows[replaced ? i + 1 : i].row).time_ms;
  }
  for (const auto& aggregate : aggregates_) {
    auto column = std::make_shared<Column>(aggregate->result_type(), rows.size());
    aggregate->result(states.data(), rows.size(), *column, 0);
    columns.push_back(std::move(column));
  }
  Batch batch(schema, std::move(columns), std::move(times));
  if (changes != nullptr) batch.with_changes(*changes);
  return batch;
}

Result<> AggregateTable::emit_changes(const SchemaPtr& schema, bool retracts, size_t rows_per_batch,
                                      Collector& out) const {
  const auto& dirty = state_.dirty();
  std::vector<Seen> rows;
  std::vector<Change> changes;
  for (size_t i = 0; i < dirty.size(); ++i) {
    if (i + kAhead < dirty.size()) __builtin_prefetch(dirty[i + kAhead].row);
    const int64_t window = dirty[i].window->start();
    const bool gone = step_.window && window < expired_;
    if (!gone && retracts && dirty[i].before != nullptr) {
      rows.push_back({dirty[i].before, window});
      changes.push_back(Change::retract);
    }
    if (!gone) {
      rows.push_back({dirty[i].row, window});
      changes.push_back(Change::insert);
    }
    if (rows.empty()) continue;
    if (rows.size() + 1 >= rows_per_batch || i + 1 == dirty.size()) {
      TRY(out.emit(batch_of(schema, rows, retracts ? &changes : nullptr)));
      rows.clear();
      changes.clear();
    }
  }
  return {};
}

bool AggregateTable::has_closed(int64_t start_ms) const {
  const auto first = state_.windows().lower_bound(closed_);
  return first != state_.windows().end() && first->first < start_ms;
}

Result<> AggregateTable::emit_closed(const SchemaPtr& schema, int64_t start_ms, size_t rows_per_batch,
                                     Collector& out) {
  if (!has_closed(start_ms)) return {};
  std::vector<Seen> rows;
  const auto& windows = state_.windows();
  for (auto at = windows.lower_bound(closed_); at != windows.end() && at->first < start_ms; ++at) {
    rows.clear();
    for (uint32_t n = 0; n < at->second->rows(); ++n) rows.push_back({state_.row(*at->second, n), at->first});
    std::sort(rows.begin(), rows.end(), [&](const Seen& a, const Seen& b) {
      return keys_.key(state::TableState::header(a.row).key) <
             keys_.key(state::TableState::header(b.row).key);
    });
    for (size_t from = 0; from < rows.size(); from += rows_per_batch) {
      const size_t to = std::min(from + rows_per_batch, rows.size());
      const std::vector<Seen> some(rows.data() + from, rows.data() + to);
      TRY(out.emit(batch_of(schema, some, nullptr)));
    }
  }
  raise_progress(kGivenOut, start_ms);
  return {};
}

bool AggregateTable::scan(const SchemaPtr& schema, Cursor& cursor, int64_t window_to, size_t most,
                          Batch& out) const {
  std::vector<Seen> rows;
  auto at = state_.windows().lower_bound(cursor.window);
  size_t looked_at = 0;
  while (at != state_.windows().end() && at->first <= window_to && looked_at < most) {
    const state::TableState::Window& window = *at->second;
    uint32_t n = at->first == cursor.window ? cursor.row : 0;
    for (; n < window.rows() && looked_at < most; ++n, ++looked_at) {
      if (const char* seen = state_.committed_row(state_.row(window, n))) rows.push_back({seen, at->first});
    }
    cursor = {at->first, n};
    if (n < window.rows()) break;
    ++at;
    if (at != state_.windows().end()) cursor = {at->first, 0};
  }
  out = batch_of(schema, rows, nullptr);
  return at != state_.windows().end() && at->first <= window_to;
}

Batch AggregateTable::find(const SchemaPtr& schema, const std::vector<Value>& key, int64_t from,
                           int64_t to) const {
  std::vector<Seen> rows;
  const uint32_t id = keys_.find(key);
  if (id != Dictionary::kNone) {
    for (auto at = state_.windows().lower_bound(from); at != state_.windows().end() && at->first <= to;
         ++at) {
      if (const char* seen = state_.committed_row(*at->second, id)) rows.push_back({seen, at->first});
    }
  }
  return batch_of(schema, rows, nullptr);
}

size_t AggregateTable::bytes() const {
  size_t bytes = state_.bytes();
  for (const auto& aggregate : aggregates_) bytes += aggregate->pool_bytes();
  return bytes;
}

}  // namespace tradewind::stream
