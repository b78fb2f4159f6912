#pragma once
// RowKey: the values of key columns as bytes that sort (memcmp) like the rows, and back.
//
// One STRING or BYTES column is written as its plain bytes. Anything else: each value in turn,
// self-delimiting: a byte 0 for null or 1, then integers big-endian with the sign flipped, doubles in
// order-preserving bits, strings with 0x00 escaped as 00 ff and ended by 00 00. Nested types: their parts in
// turn.

#include <optional>
#include <vector>

#include "data/value.h"

namespace tradewind {

class RowKey {
 public:
  explicit RowKey(std::vector<Type> types);

  bool plain() const { return plain_; }  // a lone STRING or BYTES
  const std::vector<Type>& types() const { return types_; }

  // Appends the key of `row`. REQUIRES one column per type.
  void encode(const std::vector<ColumnPtr>& columns, size_t row, Bytes& out) const;
  void encode(const std::vector<Value>& values, Bytes& out) const;
  // Nothing when the bytes are not such a key.
  std::optional<std::vector<Value>> decode(BytesView key) const;

 private:
  std::vector<Type> types_;
  bool plain_;
};

}  // namespace tradewind
