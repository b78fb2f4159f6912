#pragma once
// AvroSchema: an Avro schema as a tree of types, parsed from its JSON text; and its relation to SQL columns.
//
// Threads: immutable, share freely. Types live as long as their schema; recursive ones point back to
// themselves. Errors: `invalid`, with the path of the place: "Order.items[].price: ...".

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "data/type.h"

namespace tradewind::schema {

enum class Naming : uint8_t;

enum class AvroKind : uint8_t {
  null,
  boolean,
  int32,
  int64,
  float32,
  float64,
  bytes,
  string,
  record,
  enumeration,
  array,
  map,
  choice,
  fixed
};

// An unknown logical type, or one that does not fit its base type, is none.
enum class AvroLogical : uint8_t {
  none,
  decimal,
  uuid,
  date,
  time_millis,
  time_micros,
  timestamp_millis,
  timestamp_micros,
  local_timestamp_millis,
  local_timestamp_micros,
  duration
};

struct AvroType;

struct AvroField {
  std::string name;
  std::vector<std::string> aliases;
  const AvroType* type = nullptr;
  std::optional<Json> fallback;  // the default
};

struct AvroType {
  AvroKind kind = AvroKind::null;
  AvroLogical logical = AvroLogical::none;
  int precision = 0;  // decimal
  int scale = 0;
  std::string name;                  // record, enumeration, fixed: with namespace
  std::vector<std::string> aliases;  // with namespace
  std::vector<AvroField> fields;     // record
  std::vector<std::string> symbols;  // enumeration
  std::optional<std::string> symbol_default;
  const AvroType* element = nullptr;      // array; map: its value
  std::vector<const AvroType*> branches;  // choice: Avro's union
  size_t size = 0;                        // fixed

  // The branch that is null; nothing when there is none or this is no union.
  std::optional<size_t> null_branch() const;
  // Of ["null", T], [T, "null"] or [T]: T. Of anything that is no union: itself. Of other unions: null.
  const AvroType* only() const;
};

class AvroSchema {
 public:
  // Never throws; a text of at most 1 MiB, nested at most 64 deep. The types of the texts in `needed` have
  // names in it.
  static Result<std::shared_ptr<const AvroSchema>> parse(std::string_view text,
                                                         std::span<const std::string> needed = {});

  const AvroType& root() const { return *root_; }

 private:
  friend class AvroParser;
  std::vector<std::unique_ptr<AvroType>> types_;
  const AvroType* root_ = nullptr;
};

using AvroSchemaPtr = std::shared_ptr<const AvroSchema>;

// The JSON of a schema's text, which may also be the bare name of a primitive type.
Result<Json> avro_json(std::string_view text);

const char* name_of(AvroKind kind);
// The name without namespace.
std::string_view short_name(std::string_view full_name);
// "INT", "STRING", "ADDRESS": the field of a STRUCT that stands for a branch of a union.
std::string branch_field(const AvroType& branch);
std::string upper_case(std::string_view text);
// Whether the default of every field is a value of its type (of the first branch, for unions).
Result<> check_defaults(const AvroSchema& schema);
Result<> check_default(const AvroType& type, const Json& value, const std::string& place);
// Avro's JSON strings for bytes: one character U+0000 to U+00FF per byte; nothing for other characters.
std::optional<std::string> bytes_of_json(std::string_view text);

// The SQL type of a type; recursive types and null alone have none.
Result<Type> sql_type_of(const AvroType& type, const std::string& place);
// The columns of a record; of anything else one column named `lone`.
Result<std::vector<Field>> columns_of(const AvroSchema& schema, const std::string& lone, Naming naming);
// The same, upper-cased.
Result<std::vector<Field>> columns_of(const AvroSchema& schema, const std::string& lone);

// The text of a schema that holds these columns: record KsqlDataSourceSchema, every field null by default.
std::string avro_text_of(const std::vector<Field>& columns, const std::string& record_name = "");
// The same for one column that is not wrapped in a record.
std::string avro_text_of(const Type& type, const std::string& record_name = "");

}  // namespace tradewind::schema
