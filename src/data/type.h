#pragma once
// Type: what a column holds, in SQL's words. Schema: named, typed columns in order.
//
// Threads: immutable, share freely; copying is cheap.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradewind {

enum class Kind : uint8_t {
  boolean,
  integer,  // 32 bit
  bigint,   // 64 bit
  real,     // SQL DOUBLE
  decimal,  // precision and scale; unscaled value in 64 bits up to precision 18, else in 128
  string,
  bytes,
  time,       // milliseconds of the day
  date,       // days since 1970-01-01
  timestamp,  // milliseconds since 1970-01-01 UTC
  array,
  map,  // keys are strings, or any scalar inside the platform
  structure,
};

// How values of a kind lie in memory.
enum class Layout : uint8_t { u8, i32, i64, i128, f64, view, list, record };

struct Field;

class Type {
 public:
  Type() = default;
  Type(Kind kind) : kind_(kind) {}  // NOLINT: scalar kinds are types
  static Type decimal(int precision, int scale);
  static Type array(Type element);
  static Type map(Type key, Type value);
  static Type structure(std::vector<Field> fields);

  Kind kind() const { return kind_; }
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  // REQUIRES array or map (its value).
  const Type& element() const;
  // REQUIRES map.
  const Type& key() const;
  // REQUIRES structure.
  const std::vector<Field>& fields() const;

  Layout layout() const;
  bool is_number() const;  // integer, bigint, decimal, real
  bool is_nested() const { return kind_ == Kind::array || kind_ == Kind::map || kind_ == Kind::structure; }

  // SQL text: "DECIMAL(18, 4)", "ARRAY<STRUCT<`A` INTEGER>>".
  std::string text() const;
  bool operator==(const Type& other) const;

 private:
  Kind kind_ = Kind::string;
  int precision_ = 0;
  int scale_ = 0;
  std::shared_ptr<const std::vector<Field>> children_;  // array: element; map: key, value; structure: fields
};

struct Field {
  std::string name;
  Type type;
  bool operator==(const Field&) const = default;
};

class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  size_t size() const { return fields_.size(); }
  const Field& operator[](size_t i) const { return fields_[i]; }
  const std::vector<Field>& fields() const { return fields_; }
  // The index of the column of exactly this name.
  std::optional<size_t> find(std::string_view name) const;
  bool operator==(const Schema&) const = default;

 private:
  std::vector<Field> fields_;
};

using SchemaPtr = std::shared_ptr<const Schema>;

}  // namespace tradewind
