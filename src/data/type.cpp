#include "data/type.h"

#include "base/check.h"

namespace tradewind {

Type Type::decimal(int precision, int scale) {
  CHECK(precision >= 1 && scale >= 0 && scale <= precision);
  Type type(Kind::decimal);
  type.precision_ = precision;
  type.scale_ = scale;
  return type;
}

Type Type::array(Type element) {
  Type type(Kind::array);
  type.children_ =
      std::make_shared<const std::vector<Field>>(std::vector<Field>{{"element", std::move(element)}});
  return type;
}

Type Type::map(Type key, Type value) {
  Type type(Kind::map);
  type.children_ = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"key", std::move(key)}, {"value", std::move(value)}});
  return type;
}

Type Type::structure(std::vector<Field> fields) {
  Type type(Kind::structure);
  type.children_ = std::make_shared<const std::vector<Field>>(std::move(fields));
  return type;
}

const Type& Type::element() const {
  CHECK(kind_ == Kind::array || kind_ == Kind::map);
  return children_->back().type;
}

const Type& Type::key() const {
  CHECK(kind_ == Kind::map);
  return children_->front().type;
}

const std::vector<Field>& Type::fields() const {
  CHECK(kind_ == Kind::structure);
  return *children_;
}

Layout Type::layout() const {
  switch (kind_) {
    case Kind::boolean: return Layout::u8;
    case Kind::integer:
    case Kind::time:
    case Kind::date: return Layout::i32;
    case Kind::bigint:
    case Kind::timestamp: return Layout::i64;
    case Kind::real: return Layout::f64;
    case Kind::decimal: return precision_ <= 18 ? Layout::i64 : Layout::i128;
    case Kind::string:
    case Kind::bytes: return Layout::view;
    case Kind::array:
    case Kind::map: return Layout::list;
    case Kind::structure: return Layout::record;
  }
  return Layout::u8;
}

bool Type::is_number() const {
  return kind_ == Kind::integer || kind_ == Kind::bigint || kind_ == Kind::decimal || kind_ == Kind::real;
}

std::string Type::text() const {
  switch (kind_) {
    case Kind::boolean: return "BOOLEAN";
    case Kind::integer: return "INTEGER";
    case Kind::bigint: return "BIGINT";
    case Kind::real: return "DOUBLE";
    case Kind::decimal: return "DECIMAL(" + std::to_string(precision_) + ", " + std::to_string(scale_) + ")";
    case Kind::string: return "STRING";
    case Kind::bytes: return "BYTES";
    case Kind::time: return "TIME";
    case Kind::date: return "DATE";
    case Kind::timestamp: return "TIMESTAMP";
    case Kind::array: return "ARRAY<" + element().text() + ">";
    case Kind::map: return "MAP<" + key().text() + ", " + element().text() + ">";
    case Kind::structure: break;
  }
  std::string text = "STRUCT<";
  for (const Field& field : fields()) {
    if (text.size() > 7) text += ", ";
    text += "`" + field.name + "` " + field.type.text();
  }
  return text + ">";
}

bool Type::operator==(const Type& other) const {
  if (kind_ != other.kind_ || precision_ != other.precision_ || scale_ != other.scale_) return false;
  if (children_ == other.children_) return true;
  return children_ != nullptr && other.children_ != nullptr && *children_ == *other.children_;
}

std::optional<size_t> Schema::find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace tradewind
