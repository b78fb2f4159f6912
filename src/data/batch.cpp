#include "data/batch.h"

#include <numeric>

namespace tradewind {
namespace {

template <typename T>
std::shared_ptr<const std::vector<T>> pick(const std::shared_ptr<const std::vector<T>>& from,
                                           const std::vector<uint32_t>& rows) {
  if (from == nullptr) return nullptr;
  std::vector<T> picked(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) picked[i] = (*from)[rows[i]];
  return std::make_shared<const std::vector<T>>(std::move(picked));
}

ColumnPtr pick(const ColumnPtr& from, const std::vector<uint32_t>& rows) {
  return from == nullptr ? nullptr : from->gather(rows.data(), rows.size());
}

}  // namespace

Batch::Batch(SchemaPtr schema, std::vector<ColumnPtr> columns, std::vector<int64_t> times_ms)
    : schema_(std::move(schema)),
      columns_(std::move(columns)),
      times_(std::make_shared<const std::vector<int64_t>>(std::move(times_ms))),
      rows_(times_->size()) {
  CHECK(columns_.size() == schema_->size());
  for (const ColumnPtr& column : columns_) CHECK(column == nullptr || column->size() == rows_);
}

const ColumnPtr& Batch::column(size_t i) const {
  CHECK(i < columns_.size() && columns_[i] != nullptr);
  if (selection_ != nullptr && gathered_[i] == 0) {
    columns_[i] = columns_[i]->gather(selection_->data(), selection_->size());
    gathered_[i] = 1;
  }
  return columns_[i];
}

Batch& Batch::with_changes(std::vector<Change> changes) {
  CHECK(changes.size() == rows_);
  changes_ = std::make_shared<const std::vector<Change>>(std::move(changes));
  return *this;
}

Batch& Batch::with_origin(Origin origin, std::shared_ptr<const std::vector<int64_t>> offsets) {
  CHECK(offsets == nullptr || offsets->size() == rows_);
  origin_ = origin;
  offsets_ = std::move(offsets);
  return *this;
}

Batch& Batch::with_headers(ColumnPtr headers) {
  CHECK(headers == nullptr || headers->size() == rows_);
  headers_ = std::move(headers);
  return *this;
}

Batch Batch::at_moment(Moment moment) const {
  Batch result = *this;
  result.origin_.moment = moment;
  return result;
}

Batch Batch::filtered(std::vector<uint32_t> rows) const {
  if (rows.size() == rows_) return *this;
  Batch result;
  result.schema_ = schema_;
  result.origin_ = origin_;
  result.rows_ = rows.size();
  result.times_ = pick(times_, rows);
  result.changes_ = pick(changes_, rows);
  result.offsets_ = pick(offsets_, rows);
  result.headers_ = pick(headers_, rows);
  result.columns_ = columns_;
  result.gathered_.assign(columns_.size(), 0);
  if (selection_ !=
      nullptr) {  // a second filter: the gathered columns are of our rows, the others of the first ones
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] != nullptr) result.columns_[i] = column(i);
    }
  }
  result.selection_ = std::make_shared<const std::vector<uint32_t>>(std::move(rows));
  return result;
}

Batch Batch::slice(size_t from, size_t to) const {
  CHECK(from <= to && to <= rows_);
  std::vector<uint32_t> rows(to - from);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(from));
  return filtered(std::move(rows));
}

Batch Batch::with_columns(SchemaPtr schema, std::vector<ColumnPtr> columns) const {
  CHECK(columns.size() == schema->size());
  for (const ColumnPtr& column : columns) CHECK(column == nullptr || column->size() == rows_);
  Batch result;
  result.schema_ = std::move(schema);
  result.columns_ = std::move(columns);
  result.times_ = times_;
  result.changes_ = changes_;
  result.offsets_ = offsets_;
  result.headers_ = headers_;
  result.origin_ = origin_;
  result.rows_ = rows_;
  return result;
}

Batch Batch::expanded(SchemaPtr schema, std::vector<ColumnPtr> columns,
                      const std::vector<uint32_t>& parents) const {
  CHECK(columns.size() == schema->size());
  Batch result;
  result.schema_ = std::move(schema);
  result.columns_ = std::move(columns);
  result.times_ = pick(times_, parents);
  result.changes_ = pick(changes_, parents);
  result.headers_ = pick(headers_, parents);
  result.origin_ = origin_;
  result.rows_ = parents.size();
  return result;
}

}  // namespace tradewind
