#include "expr/aggregates/put_values.h"

#include "base/coding.h"
#include "data/row_key.h"

namespace tradewind::expr {

void put_values(std::span<const Value> values, Column& out, size_t from) {
  const Type& type = out.type();
  CHECK(!type.is_nested() || (from == 0 && values.size() == out.size()));
  if (type.is_nested()) {
    ColumnBuilder builder(type);
    for (const Value& value : values) builder.append(value);
    out = std::move(*std::const_pointer_cast<Column>(builder.finish()));
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Value& value = values[i];
    const size_t row = from + i;
    const bool null = value.is_null();
    if (null) out.set_null(row);
    switch (type.layout()) {
      case Layout::u8: out.data<uint8_t>()[row] = !null && value.number() != 0 ? 1 : 0; break;
      case Layout::i32: out.data<int32_t>()[row] = null ? 0 : static_cast<int32_t>(value.number()); break;
      case Layout::i64:
        out.data<int64_t>()[row] = null                           ? 0
                                   : type.kind() == Kind::decimal ? static_cast<int64_t>(value.decimal())
                                                                  : value.number();
        break;
      case Layout::i128: out.data<Int128>()[row] = null ? Int128{0} : value.decimal(); break;
      case Layout::f64: out.data<double>()[row] = null ? 0 : value.real(); break;
      case Layout::view: out.data<BytesView>()[row] = null ? BytesView() : out.store(value.text()); break;
      case Layout::list:
      case Layout::record: break;
    }
  }
}

void save_value(const Type& type, const Value& value, Bytes& out) {
  Bytes bytes;
  // Two columns, so that a lone text is written with its null mark and its end.
  RowKey({type, Kind::boolean}).encode(std::vector<Value>{value, Value()}, bytes);
  put_bytes(out, bytes);
}

bool load_value(const Type& type, BytesView& in, Value& value) {
  BytesView bytes;
  if (!get_bytes(in, bytes)) return false;
  auto decoded = RowKey({type, Kind::boolean}).decode(bytes);
  if (!decoded) return false;
  value = std::move((*decoded)[0]);
  return true;
}

size_t bytes_of(const Value& value) {
  size_t bytes = sizeof value;
  if (const auto* text = std::get_if<std::string>(&value.is)) bytes += text->capacity();
  if (const auto* parts = std::get_if<std::vector<Value>>(&value.is)) {
    for (const Value& part : *parts) bytes += bytes_of(part);
  }
  return bytes;
}

}  // namespace tradewind::expr
