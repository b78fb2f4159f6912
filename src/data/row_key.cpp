#include "data/row_key.h"

#include <cstring>

#include "base/coding.h"

namespace tradewind {
namespace {

void put_text(BytesView text, Bytes& out) {
  for (const char c : text) {
    out += c;
    if (c == '\0') out += '\xff';
  }
  out.append(2, '\0');
}

bool get_text(BytesView& in, std::string& text) {
  text.clear();
  for (size_t i = 0; i + 1 < in.size(); ++i) {
    if (in[i] != '\0') {
      text += in[i];
      continue;
    }
    if (in[i + 1] == '\0') {
      in.remove_prefix(i + 2);
      return true;
    }
    text += '\0';
    ++i;
  }
  return false;
}

uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  return (bits >> 63) != 0 ? ~bits : bits | (1ULL << 63);
}

double from_ordered_bits(uint64_t bits) {
  return std::bit_cast<double>((bits >> 63) != 0 ? bits & ~(1ULL << 63) : ~bits);
}

void put_value(const Type& type, const Value& value, Bytes& out);

void put_parts(const Type& type, const std::vector<Value>& parts, Bytes& out) {
  if (type.kind() == Kind::structure) {
    for (size_t i = 0; i < parts.size(); ++i) put_value(type.fields()[i].type, parts[i], out);
    return;
  }
  const bool map = type.kind() == Kind::map;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!map || i % 2 == 0) out += '\x01';
    put_value(map && i % 2 == 0 ? type.key() : type.element(), parts[i], out);
  }
  out += '\0';
}

void put_value(const Type& type, const Value& value, Bytes& out) {
  if (value.is_null()) {
    out += '\0';
    return;
  }
  out += '\x01';
  switch (type.layout()) {
    case Layout::u8:
    case Layout::i32: put_ordered64(out, value.number()); break;
    case Layout::i64:
      put_ordered64(out,
                    type.kind() == Kind::decimal ? static_cast<int64_t>(value.decimal()) : value.number());
      break;
    case Layout::i128:
      put_ordered64(out, static_cast<int64_t>(value.decimal() >> 64));
      put_big64(out, static_cast<uint64_t>(value.decimal()));
      break;
    case Layout::f64: put_big64(out, ordered_bits(value.real())); break;
    case Layout::view: put_text(value.text(), out); break;
    case Layout::list:
    case Layout::record: put_parts(type, value.parts(), out); break;
  }
}

bool get_value(const Type& type, BytesView& in, Value& value);

bool get_parts(const Type& type, BytesView& in, std::vector<Value>& parts) {
  if (type.kind() == Kind::structure) {
    for (const Field& field : type.fields()) {
      if (!get_value(field.type, in, parts.emplace_back())) return false;
    }
    return true;
  }
  while (!in.empty()) {
    const char more = in[0];
    in.remove_prefix(1);
    if (more == '\0') return true;
    if (type.kind() == Kind::map && !get_value(type.key(), in, parts.emplace_back())) return false;
    if (!get_value(type.element(), in, parts.emplace_back())) return false;
  }
  return false;
}

bool get_value(const Type& type, BytesView& in, Value& value) {
  if (in.empty()) return false;
  const bool null = in[0] == '\0';
  in.remove_prefix(1);
  value = Value();
  if (null) return true;
  int64_t number = 0;
  uint64_t bits = 0;
  switch (type.layout()) {
    case Layout::u8:
    case Layout::i32:
    case Layout::i64:
      if (!get_ordered64(in, number)) return false;
      value = type.kind() == Kind::decimal ? Value(Int128{number}) : Value(number);
      return true;
    case Layout::i128:
      if (!get_ordered64(in, number) || !get_big64(in, bits)) return false;
      value = Value(static_cast<Int128>(number) << 64 | static_cast<Int128>(bits));
      return true;
    case Layout::f64:
      if (!get_big64(in, bits)) return false;
      value = Value(from_ordered_bits(bits));
      return true;
    case Layout::view: {
      std::string text;
      if (!get_text(in, text)) return false;
      value = Value(std::move(text));
      return true;
    }
    case Layout::list:
    case Layout::record: {
      std::vector<Value> parts;
      if (!get_parts(type, in, parts)) return false;
      value = Value(std::move(parts));
      return true;
    }
  }
  return false;
}

// The common columns without going through a Value. False when the layout is not among them.
bool put_quickly(const Column& column, size_t row, Bytes& out) {
  if (column.is_null(row)) {
    out += '\0';
    return true;
  }
  int64_t number = 0;
  switch (column.type().layout()) {
    case Layout::u8: number = column.data<uint8_t>()[row]; break;
    case Layout::i32: number = column.data<int32_t>()[row]; break;
    case Layout::i64: number = column.data<int64_t>()[row]; break;
    case Layout::view:
      out += '\x01';
      put_text(column.data<BytesView>()[row], out);
      return true;
    default: return false;
  }
  out += '\x01';
  put_ordered64(out, number);
  return true;
}

}  // namespace

RowKey::RowKey(std::vector<Type> types)
    : types_(std::move(types)), plain_(types_.size() == 1 && types_[0].layout() == Layout::view) {}

void RowKey::encode(const std::vector<ColumnPtr>& columns, size_t row, Bytes& out) const {
  CHECK(columns.size() == types_.size());
  if (plain_) {
    out.append(columns[0]->data<BytesView>()[row]);
    return;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!put_quickly(*columns[i], row, out)) put_value(types_[i], value_at(*columns[i], row), out);
  }
}

void RowKey::encode(const std::vector<Value>& values, Bytes& out) const {
  CHECK(values.size() == types_.size());
  if (plain_) {
    out.append(values[0].text());
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) put_value(types_[i], values[i], out);
}

std::optional<std::vector<Value>> RowKey::decode(BytesView key) const {
  std::vector<Value> values;
  if (plain_) {
    values.emplace_back(std::string(key));
    return values;
  }
  for (const Type& type : types_) {
    if (!get_value(type, key, values.emplace_back())) return std::nullopt;
  }
  if (!key.empty()) return std::nullopt;
  return values;
}

}  // namespace tradewind
