#include "stream/ops/session_table.h"

#include <algorithm>

#include "base/check.h"
#include "stream/ops/aggregate_states.h"

namespace tradewind::stream {
namespace {

constexpr size_t kSessionBytes = 96;  // of a session beside its states, about

}  // namespace

SessionTable::SessionTable(const AggregateStep& step, std::shared_ptr<Dictionary> keys, int32_t groups)
    : step_(step),
      keys_(types_of(step.keys), std::move(keys), groups),
      groups_(groups),
      gap_(step.window->size.count()),
      grace_(step.window->grace.count()),
      reach_(step.final ? gap_ + grace_ : std::max(step.window->retention.count(), gap_ + grace_)) {
  row_bytes_ = place_states(step_, row_bytes_, aggregates_);
}

std::unique_ptr<char[]> SessionTable::new_row() const {
  return std::unique_ptr<char[]>(new char[row_bytes_]());
}

void SessionTable::drop_row(char* row) {
  for (const auto& aggregate : aggregates_) aggregate->dropped(row);
}

void SessionTable::raise_progress(int32_t partition, int64_t time_ms) {
  const auto [at, added] = progress_.emplace(partition, time_ms);
  if (!added) at->second = std::max(at->second, time_ms);
  if (partition == kGivenOut) closed_ = std::max(closed_, at->second);
}

// The key, about to change: what readers see of it until the commit is put aside.
SessionTable::Key& SessionTable::touch(uint32_t id) {
  if (id >= by_key_.size()) by_key_.resize(std::max<size_t>(keys_.dictionary().size(), id + 1));
  if (by_key_[id] == nullptr) {
    by_key_[id] = std::make_unique<Key>();
    keys_.dictionary().retain(id);
  }
  Key& key = *by_key_[id];
  if (key.changed) return key;
  key.changed = true;
  changed_.push_back(id);
  for (const Session& session : key.sessions) {
    Session copy{.start = session.start, .end = session.end, .row = new_row()};
    std::copy_n(session.row.get(), row_bytes_, copy.row.get());
    key.before.push_back(std::move(copy));
  }
  return key;
}

Result<> SessionTable::merge(Session& into, Session& from) {
  Bytes states;
  const char* saved[] = {from.row.get()};
  char* loaded[] = {into.row.get()};
  for (const auto& aggregate : aggregates_) {
    states.clear();
    aggregate->save(saved, 1, true, states);
    BytesView in = states;
    if (!aggregate->load(loaded, 1, in, false)) return Error{Code::corrupt, "two sessions cannot be merged"};
  }
  into.start = std::min(into.start, from.start);
  into.end = std::max(into.end, from.end);
  merged_.push_back(std::move(from.row));
  return {};
}

// The states that a row goes into, made or merged; null when it is late. Sessions that have closed, or have
// been kept for long enough, in the eyes of the row take no more: whether they are still there is a matter of
// when a commit was. `merges`: before this can be asked, what came before must have been added.
Result<char*> SessionTable::place(uint32_t id, int64_t time, int64_t stream_time, bool& merges) {
  static const std::vector<Session> kNone;
  const bool known = id < by_key_.size() && by_key_[id] != nullptr;
  const std::vector<Session>& there = known ? by_key_[id]->sessions : kNone;
  const int64_t least_end = std::max({time - gap_, stream_time - reach_, closed_});
  const auto first = std::lower_bound(there.begin(), there.end(), least_end,
                                      [](const Session& session, int64_t end) { return session.end < end; });
  auto last = first;
  while (last != there.end() && last->start <= time + gap_) ++last;
  const int64_t end = first == last ? time : std::max(time, (last - 1)->end);
  if (end < stream_time - grace_ - gap_ || end < closed_) return nullptr;
  if (last - first > 1 && !merges) {
    merges = true;
    return nullptr;
  }
  const auto at = first - there.begin();
  const auto count = last - first;
  Key& key = touch(id);
  if (count == 0) {
    Session fresh{.start = time, .end = time, .row = new_row()};
    key.sessions.insert(key.sessions.begin() + at, std::move(fresh));
  } else {
    for (auto i = at; i < at + count; ++i) ends_.erase({key.sessions[static_cast<size_t>(i)].end, id});
  }
  Session& session = key.sessions[static_cast<size_t>(at)];
  for (auto i = at + 1; i < at + count; ++i) TRY(merge(session, key.sessions[static_cast<size_t>(i)]));
  if (count > 1) key.sessions.erase(key.sessions.begin() + at + 1, key.sessions.begin() + at + count);
  session.start = std::min(session.start, time);
  session.end = std::max(session.end, time);
  session.changed = true;
  ends_.insert({session.end, id});
  return session.row.get();
}

// The values of the rows up to `to` that have not been added yet.
Result<> SessionTable::add(const std::vector<ColumnPtr>& arguments, const Change* changes, size_t to) {
  for (size_t a = 0; a < aggregates_.size(); ++a) {
    auto added = aggregates_[a]->add(rows_.data(), arguments[a].get(), changes, to);
    if (!added.ok()) return added.error().within(step_.calls[a].output);
  }
  for (; added_ < to; ++added_) rows_[added_] = nullptr;
  return {};
}

Result<> SessionTable::fold_rows(const Batch& rows, std::vector<LateRow>& late, expr::Notes& notes) {
  const size_t count = rows.rows();
  if (count == 0) return {};
  std::vector<ColumnPtr> columns;
  for (const expr::ExpressionPtr& key : step_.keys) columns.push_back(expr::evaluate(*key, rows, notes));
  ids_ = keys_.intern(columns, count);
  std::vector<ColumnPtr> arguments;
  for (const AggregateCall& call : step_.calls) {
    arguments.push_back(call.argument == nullptr ? nullptr : expr::evaluate(*call.argument, rows, notes));
  }
  rows_.assign(count, nullptr);
  added_ = 0;
  const int32_t partition = rows.origin().partition;
  for (size_t i = 0; i < count; ++i) {
    const int64_t time = rows.times_ms()[i];
    raise_progress(partition, time);
    if (ids_[i] == Dictionary::kNone) continue;
    const int64_t stream_time = progress_[partition];
    bool merges = false;
    rows_[i] = TRY(place(ids_[i], time, stream_time, merges));
    if (merges) {
      TRY(add(arguments, rows.changes(), i));
      rows_[i] = TRY(place(ids_[i], time, stream_time, merges));
    }
    if (rows_[i] == nullptr) late.push_back({static_cast<uint32_t>(i), stream_time});
  }
  return add(arguments, rows.changes(), count);
}

size_t SessionTable::changed_bytes() const {
  return changed_.size() * (row_bytes_ + kSessionBytes);
}

Result<> SessionTable::emit_changes(const SchemaPtr& schema, bool retracts, size_t rows_per_batch,
                                    Collector& out) const {
  std::vector<Seen> rows;
  std::vector<Change> changes;
  const auto show = [&](const Session& session, uint32_t id, Change change) {
    rows.push_back({&session, id});
    changes.push_back(change);
  };
  const auto twin = [](const std::vector<Session>& among, const Session& of) {
    return std::find_if(among.begin(), among.end(),
                        [&](const Session& s) { return s.start == of.start && s.end == of.end; });
  };
  for (size_t i = 0; i < changed_.size(); ++i) {
    const uint32_t id = changed_[i];
    const Key& key = *by_key_[id];
    for (const Session& old : key.before) {
      if (twin(key.sessions, old) == key.sessions.end()) show(old, id, Change::retract);
    }
    for (const Session& session : key.sessions) {
      if (!session.changed) continue;
      const auto old = twin(key.before, session);
      if (retracts && old != key.before.end()) show(*old, id, Change::retract);
      show(session, id, Change::insert);
    }
    if (rows.size() < rows_per_batch && i + 1 < changed_.size()) continue;
    TRY(out.emit(batch_of(schema, rows, &changes)));
    rows.clear();
    changes.clear();
  }
  return {};
}

bool SessionTable::has_closed(int64_t end_ms) const {
  const auto first = ends_.lower_bound({closed_, 0});
  return first != ends_.end() && first->first < end_ms;
}

Result<> SessionTable::emit_closed(const SchemaPtr& schema, int64_t end_ms, size_t rows_per_batch,
                                   Collector& out) {
  if (!has_closed(end_ms)) return {};
  std::vector<Seen> rows;
  for (auto at = ends_.lower_bound({closed_, 0}); at != ends_.end() && at->first < end_ms; ++at) {
    for (const Session& session : by_key_[at->second]->sessions) {
      if (session.end == at->first) rows.push_back({&session, at->second});
    }
  }
  std::sort(rows.begin(), rows.end(), [&](const Seen& a, const Seen& b) {
    if (a.session->start != b.session->start) return a.session->start < b.session->start;
    return keys_.key(a.key) < keys_.key(b.key);
  });
  for (size_t from = 0; from < rows.size(); from += rows_per_batch) {
    const std::vector<Seen> some(rows.data() + from,
                                 rows.data() + std::min(from + rows_per_batch, rows.size()));
    TRY(out.emit(batch_of(schema, some, nullptr)));
  }
  raise_progress(kGivenOut, end_ms);
  return {};
}

Batch SessionTable::batch_of(const SchemaPtr& schema, const std::vector<Seen>& rows,
                             const std::vector<Change>* changes) const {
  std::vector<uint32_t> ids;
  std::vector<const char*> states;
  std::vector<int64_t> times;
  auto starts = std::make_shared<Column>(Kind::bigint, rows.size());
  auto ends = std::make_shared<Column>(Kind::bigint, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    ids.push_back(rows[i].key);
    states.push_back(rows[i].session->row.get());
    times.push_back(rows[i].session->end);
    starts->data<int64_t>()[i] = rows[i].session->start;
    ends->data<int64_t>()[i] = rows[i].session->end;
  }
  std::vector<ColumnPtr> columns;
  keys_.columns(ids, columns);
  columns.push_back(std::move(starts));
  columns.push_back(std::move(ends));
  for (const auto& aggregate : aggregates_) {
    auto column = std::make_shared<Column>(aggregate->result_type(), rows.size());
    aggregate->result(states.data(), rows.size(), *column, 0);
    columns.push_back(std::move(column));
  }
  Batch batch(schema, std::move(columns), std::move(times));
  if (changes != nullptr) batch.with_changes(*changes);
  return batch;
}

void SessionTable::see(uint32_t id, int64_t from, int64_t to, std::vector<Seen>& rows) const {
  if (id >= by_key_.size() || by_key_[id] == nullptr) return;
  for (const Session& session : committed_sessions(*by_key_[id])) {
    if (session.start >= from && session.start <= to) rows.push_back({&session, id});
  }
}

bool SessionTable::scan(const SchemaPtr& schema, Cursor& cursor, size_t most, Batch& out) const {
  std::vector<Seen> rows;
  for (size_t keys = 0; keys < most && cursor.key < by_key_.size() && rows.size() < most; ++keys) {
    see(cursor.key++, cursor.from, cursor.to, rows);
  }
  out = batch_of(schema, rows, nullptr);
  return cursor.key < by_key_.size();
}

Batch SessionTable::find(const SchemaPtr& schema, const std::vector<Value>& key, int64_t from,
                         int64_t to) const {
  std::vector<Seen> rows;
  see(keys_.find(key), from, to, rows);
  return batch_of(schema, rows, nullptr);
}

size_t SessionTable::bytes() const {
  size_t bytes = ends_.size() * (row_bytes_ + kSessionBytes) + by_key_.size() * sizeof(by_key_[0]);
  for (const auto& aggregate : aggregates_) bytes += aggregate->pool_bytes();
  return bytes;
}

}  // namespace tradewind::stream
