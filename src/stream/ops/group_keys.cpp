#include "stream/ops/group_keys.h"

#include <algorithm>

#include "base/check.h"
#include "log/partitioner.h"

namespace tradewind::stream {

std::vector<Type> types_of(const std::vector<expr::ExpressionPtr>& expressions) {
  std::vector<Type> types;
  for (const expr::ExpressionPtr& expression : expressions) types.push_back(expression->type);
  return types;
}

std::vector<Type> types_of(const Schema& schema, const std::vector<size_t>& columns) {
  std::vector<Type> types;
  for (const size_t i : columns) types.push_back(schema[i].type);
  return types;
}

GroupKeys::GroupKeys(std::vector<Type> types, std::shared_ptr<Dictionary> dictionary, int32_t groups)
    : dictionary_(std::move(dictionary)), groups_(groups), row_key_(std::move(types)) {}

const uint32_t* GroupKeys::intern(const std::vector<ColumnPtr>& columns, size_t count) {
  if (row_key_.plain()) return dictionary_->intern_column(*columns[0]).data();
  ids_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const bool null =
        std::any_of(columns.begin(), columns.end(), [&](const ColumnPtr& c) { return c->is_null(i); });
    if (null) {
      ids_[i] = Dictionary::kNone;
      continue;
    }
    scratch_.clear();
    row_key_.encode(columns, i, scratch_);
    ids_[i] = dictionary_->intern(scratch_);
  }
  return ids_.data();
}

uint32_t GroupKeys::find(const std::vector<Value>& key) const {
  Bytes bytes;
  row_key_.encode(key, bytes);
  return dictionary_->find(bytes);
}

void GroupKeys::columns(const std::vector<uint32_t>& ids, std::vector<ColumnPtr>& out) const {
  if (row_key_.plain()) {
    auto column = std::make_shared<Column>(row_key_.types()[0], ids.size());
    BytesView* views = column->data<BytesView>();
    for (const uint32_t id : ids) dictionary_->look(id);
    for (size_t i = 0; i < ids.size(); ++i) views[i] = dictionary_->key(ids[i]);
    out.push_back(std::move(column));
    return;
  }
  std::vector<ColumnBuilder> builders;
  for (const Type& type : row_key_.types()) builders.emplace_back(type);
  for (const uint32_t id : ids) {
    const auto values = row_key_.decode(dictionary_->key(id));
    CHECK(values.has_value());
    for (size_t i = 0; i < builders.size(); ++i) builders[i].append((*values)[i]);
  }
  for (ColumnBuilder& builder : builders) out.push_back(builder.finish());
}

int32_t GroupKeys::group_of(uint32_t id) {
  if (groups_ == 1) return 0;
  if (group_epoch_ != dictionary_->epoch()) {
    group_of_.clear();
    group_epoch_ = dictionary_->epoch();
  }
  if (id >= group_of_.size()) group_of_.resize(std::max<size_t>(dictionary_->size(), id + 1), -1);
  if (group_of_[id] < 0) group_of_[id] = log::partition_of(dictionary_->key(id), groups_);
  return group_of_[id];
}

}  // namespace tradewind::stream
