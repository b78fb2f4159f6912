#include "data/value.h"

#include "base/time.h"
#include "data/decimal.h"
#include "data/double_text.h"

namespace tradewind {

Value value_at(const Column& column, size_t row) {
  CHECK(row < column.size());
  if (column.is_null(row)) return {};
  switch (column.type().layout()) {
    case Layout::u8: return int64_t{column.data<uint8_t>()[row]};
    case Layout::i32: return int64_t{column.data<int32_t>()[row]};
    case Layout::i64:
      if (column.type().kind() == Kind::decimal) return Int128{column.data<int64_t>()[row]};
      return column.data<int64_t>()[row];
    case Layout::i128: return column.data<Int128>()[row];
    case Layout::f64: return column.data<double>()[row];
    case Layout::view: return std::string(column.data<BytesView>()[row]);
    case Layout::list: {
      std::vector<Value> parts;
      for (uint32_t at = column.offsets()[row]; at < column.offsets()[row + 1]; ++at) {
        for (const ColumnPtr& child : column.children()) parts.push_back(value_at(*child, at));
      }
      return parts;
    }
    case Layout::record: {
      std::vector<Value> parts;
      for (const ColumnPtr& child : column.children()) {
        parts.push_back(child == nullptr ? Value() : value_at(*child, row));
      }
      return parts;
    }
  }
  return {};
}

ColumnBuilder::ColumnBuilder(Type type) : type_(std::move(type)), column_(std::make_shared<Column>(type_)) {
  if (type_.kind() == Kind::array) children_.emplace_back(type_.element());
  if (type_.kind() == Kind::map) {
    children_.emplace_back(type_.key());
    children_.emplace_back(type_.element());
  }
  if (type_.kind() == Kind::structure) {
    for (const Field& field : type_.fields()) children_.emplace_back(field.type);
  }
}

void ColumnBuilder::append(const Value& value) {
  const size_t row = column_->size();
  column_->resize(row + 1);
  const bool null = value.is_null();
  switch (type_.layout()) {
    case Layout::u8:
      column_->data<uint8_t>()[row] = null ? 0 : static_cast<uint8_t>(value.number() != 0);
      break;
    case Layout::i32: column_->data<int32_t>()[row] = null ? 0 : static_cast<int32_t>(value.number()); break;
    case Layout::i64:
      if (type_.kind() == Kind::decimal) {
        column_->data<int64_t>()[row] = null ? 0 : static_cast<int64_t>(value.decimal());
      } else {
        column_->data<int64_t>()[row] = null ? 0 : value.number();
      }
      break;
    case Layout::i128: column_->data<Int128>()[row] = null ? 0 : value.decimal(); break;
    case Layout::f64: column_->data<double>()[row] = null ? 0 : value.real(); break;
    case Layout::view:
      column_->data<BytesView>()[row] = null ? BytesView() : column_->store(value.text());
      break;
    case Layout::list:
      if (!null) {
        for (size_t i = 0; i < value.parts().size(); ++i)
          children_[i % children_.size()].append(value.parts()[i]);
      }
      column_->offsets()[row + 1] = static_cast<uint32_t>(children_[0].size());
      break;
    case Layout::record:
      for (size_t i = 0; i < children_.size(); ++i) children_[i].append(null ? Value() : value.parts()[i]);
      break;
  }
  if (null) column_->set_null(row);
}

ColumnPtr ColumnBuilder::finish() {
  for (size_t i = 0; i < children_.size(); ++i) column_->children()[i] = children_[i].finish();
  ColumnPtr done = std::move(column_);
  column_ = std::make_shared<Column>(type_);
  return done;
}

ColumnPtr constant_column(const Type& type, const Value& value, size_t rows) {
  ColumnBuilder builder(type);
  builder.append(value);
  const ColumnPtr one = builder.finish();
  const std::vector<uint32_t> zeros(rows, 0);
  return one->gather(zeros.data(), rows);
}

std::string value_text(const Type& type, const Value& value) {
  if (value.is_null()) return "null";
  switch (type.kind()) {
    case Kind::boolean: return value.number() != 0 ? "true" : "false";
    case Kind::integer:
    case Kind::bigint: return std::to_string(value.number());
    case Kind::time: return to_iso({value.number()}).substr(11, 12);
    case Kind::date: return to_iso({value.number() * 86'400'000}).substr(0, 10);
    case Kind::timestamp: return to_iso({value.number()}).substr(0, 23);
    case Kind::real: return double_text(value.real());
    case Kind::decimal: return decimal_text(value.decimal(), type.scale());
    case Kind::string: return value.text();
    case Kind::bytes: return to_base64(value.text());
    case Kind::array:
    case Kind::map:
    case Kind::structure: break;
  }
  std::string text = type.kind() == Kind::array ? "[" : "{";
  const std::vector<Value>& parts = value.parts();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (type.kind() == Kind::map && i % 2 == 1) {
      text += "=" + value_text(type.element(), parts[i]);
      continue;
    }
    if (i > 0) text += ", ";
    if (type.kind() == Kind::array) text += value_text(type.element(), parts[i]);
    if (type.kind() == Kind::map) text += value_text(type.key(), parts[i]);
    if (type.kind() == Kind::structure) {
      text += type.fields()[i].name + "=" + value_text(type.fields()[i].type, parts[i]);
    }
  }
  return text + (type.kind() == Kind::array ? "]" : "}");
}

}  // namespace tradewind
