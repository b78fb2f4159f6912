#pragma once
// GroupKeys: the keys of the groups of one aggregation: from rows to dense ids, back to columns, and to the
// part of the state they belong to.
//
// Threads: one worker owns it; columns() and find() may be called by others while the worker's lock is held.

#include <memory>
#include <vector>

#include "data/dictionary.h"
#include "data/row_key.h"
#include "expr/expression.h"

namespace tradewind::stream {

std::vector<Type> types_of(const std::vector<expr::ExpressionPtr>& expressions);
std::vector<Type> types_of(const Schema& schema, const std::vector<size_t>& columns);

class GroupKeys {
 public:
  GroupKeys(std::vector<Type> types, std::shared_ptr<Dictionary> dictionary, int32_t groups);

  Dictionary& dictionary() const { return *dictionary_; }
  BytesView key(uint32_t id) const { return dictionary_->key(id); }

  // One id per row, kNone where a part of its key is null; valid until the next call.
  const uint32_t* intern(const std::vector<ColumnPtr>& columns, size_t count);
  // kNone when the key is not there.
  uint32_t find(const std::vector<Value>& key) const;
  // Appends the columns of these keys.
  void columns(const std::vector<uint32_t>& ids, std::vector<ColumnPtr>& out) const;
  // Which part of the state a key belongs to.
  int32_t group_of(uint32_t id);

 private:
  std::shared_ptr<Dictionary> dictionary_;
  int32_t groups_;
  RowKey row_key_;
  std::vector<uint32_t> ids_;      // of the batch at hand
  std::vector<int32_t> group_of_;  // by key id, -1 unknown
  uint64_t group_epoch_ = 0;
  Bytes scratch_;
};

}  // namespace tradewind::stream
