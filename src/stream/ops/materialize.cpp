#include "stream/ops/ops.h"

#include <algorithm>

namespace tradewind::stream {
namespace {

std::vector<Type> pick_types(const Schema& schema, const std::vector<bool>& kept) {
  std::vector<Type> types;
  for (size_t i = 0; i < schema.size(); ++i) {
    if (kept[i]) types.push_back(schema[i].type);
  }
  types.emplace_back(Kind::bigint);  // the event time
  return types;
}

}  // namespace

MaterializeOperator::MaterializeOperator(Schema schema, std::vector<bool> kept, std::vector<size_t> keys,
                                         bool passes_deletes, std::string name)
    : schema_(std::make_shared<const Schema>(std::move(schema))),
      kept_(std::move(kept)),
      kept_types_(pick_types(*schema_, kept_)),
      key_(types_of(*schema_, keys)),
      keys_(std::move(keys)),
      row_(kept_types_),
      passes_deletes_(passes_deletes),
      name_(std::move(name)) {}

Result<> MaterializeOperator::open(Context& context) {
  stores_.resize(static_cast<size_t>(context.groups()));
  context.keep(name_, *this);
  return {};
}

std::vector<ColumnBuilder> MaterializeOperator::builders() const {
  std::vector<ColumnBuilder> made;
  for (size_t i = 0; i + 1 < kept_types_.size(); ++i) made.emplace_back(kept_types_[i]);
  return made;
}

void MaterializeOperator::append_row(BytesView row, std::vector<ColumnBuilder>& builders,
                                     std::vector<int64_t>& times) const {
  const auto values = row_.decode(row);
  CHECK(values.has_value());
  for (size_t i = 0; i < builders.size(); ++i) builders[i].append((*values)[i]);
  times.push_back(values->back().number());
}

// A row of which nothing is known but its key.
void MaterializeOperator::append_key(const Batch& rows, size_t row,
                                     std::vector<ColumnBuilder>& builders) const {
  size_t next = 0;
  for (size_t i = 0; i < schema_->size(); ++i) {
    if (!kept_[i]) continue;
    const bool key = std::find(keys_.begin(), keys_.end(), i) != keys_.end();
    builders[next++].append(key ? value_at(*rows.column(i), row) : Value());
  }
}

Batch MaterializeOperator::finish(std::vector<ColumnBuilder>& builders, std::vector<int64_t> times) const {
  std::vector<ColumnPtr> columns(schema_->size());
  size_t next = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (kept_[i]) columns[i] = builders[next++].finish();
  }
  return {schema_, std::move(columns), std::move(times)};
}

Result<> MaterializeOperator::process(const Batch& rows, Collector& out) {
  std::vector<ColumnBuilder> into = builders();
  std::vector<int64_t> times;
  std::vector<Change> changes;
  std::vector<uint32_t> parents;  // the row that each of the new ones came of
  state::Store& store = stores_[static_cast<size_t>(rows.origin().partition) % stores_.size()];
  std::vector<ColumnPtr> key_columns;
  for (const size_t i : keys_) key_columns.push_back(rows.column(i));
  Bytes key;
  Bytes encoded;
  for (size_t row = 0; row < rows.rows(); ++row) {
    bool null_key = false;
    for (const ColumnPtr& column : key_columns) null_key = null_key || column->is_null(row);
    if (null_key) continue;
    key.clear();
    key_.encode(key_columns, row, key);
    const size_t shown = changes.size();
    if (const auto old = store.get(key)) {
      append_row(*old, into, times);
      times.back() = rows.times_ms()[row];
      changes.push_back(Change::retract);
      parents.push_back(static_cast<uint32_t>(row));
    }
    if (rows.change(row) == Change::retract) {
      if (passes_deletes_ && changes.size() == shown) {
        append_key(rows, row, into);
        times.push_back(rows.times_ms()[row]);
        changes.push_back(Change::retract);
        parents.push_back(static_cast<uint32_t>(row));
      }
      store.erase(key);
      continue;
    }
    std::vector<Value> values;
    for (size_t i = 0; i < schema_->size(); ++i) {
      if (kept_[i]) values.push_back(value_at(*rows.column(i), row));
    }
    values.emplace_back(rows.times_ms()[row]);
    encoded.clear();
    row_.encode(values, encoded);
    store.put(key, encoded);
    append_row(encoded, into, times);
    changes.push_back(Change::insert);
    parents.push_back(static_cast<uint32_t>(row));
  }
  if (changes.empty()) return {};
  Batch batch = finish(into, std::move(times));
  batch.with_changes(std::move(changes));
  batch.with_origin(rows.origin());
  if (rows.headers() != nullptr) batch.with_headers(rows.headers()->gather(parents.data(), parents.size()));
  return out.emit(std::move(batch));
}

void MaterializeOperator::changes(state::FrameSink& sink) {
  for (size_t g = 0; g < stores_.size(); ++g) {
    if (!stores_[g].has_changes()) continue;
    Bytes frame;
    stores_[g].changes(frame);
    sink.frame(static_cast<int32_t>(g), frame);
  }
}

void MaterializeOperator::committed() {
  for (state::Store& store : stores_) store.committed();
}

Result<> MaterializeOperator::fold(int32_t group, BytesView frame) {
  if (group < 0 || group >= groups()) return Error{Code::corrupt, "a frame of an unknown group"};
  return stores_[static_cast<size_t>(group)].fold(frame);
}

bool MaterializeOperator::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame;
  const auto last = stores_[static_cast<size_t>(snapshot_group_)].snapshot(snapshot_after_, budget, frame);
  if (!frame.empty()) sink.frame(snapshot_group_, frame);
  if (last) {
    snapshot_after_ = *last;
    return false;
  }
  snapshot_after_.clear();
  snapshot_group_ = (snapshot_group_ + 1) % groups();
  return snapshot_group_ == 0;
}

size_t MaterializeOperator::bytes() const {
  size_t bytes = 0;
  for (const state::Store& store : stores_) bytes += store.bytes();
  return bytes;
}

std::optional<Bytes> MaterializeOperator::scan(int32_t group, BytesView after, size_t most,
                                               Batch& out) const {
  std::vector<ColumnBuilder> into = builders();
  std::vector<int64_t> times;
  Bytes from(after);
  if (!from.empty()) from += '\0';  // the least key behind it
  std::optional<Bytes> last;
  stores_[static_cast<size_t>(group)].scan_committed(from, {}, [&](BytesView key, BytesView row) {
    append_row(row, into, times);
    if (times.size() < most) return true;
    last = Bytes(key);
    return false;
  });
  out = finish(into, std::move(times));
  return last;
}

Batch MaterializeOperator::find(const std::vector<Value>& key) const {
  Bytes bytes;
  key_.encode(key, bytes);
  std::vector<ColumnBuilder> into = builders();
  std::vector<int64_t> times;
  for (const state::Store& store : stores_) {
    if (const auto row = store.get_committed(bytes)) append_row(*row, into, times);
  }
  return finish(into, std::move(times));
}

}  // namespace tradewind::stream
