#include "sql/source_properties.h"

#include <algorithm>
#include <charconv>

#include "expr/evaluate.h"
#include "expr/function.h"

namespace tradewind::sql {
namespace {

const char* const kProperties[] = {"KAFKA_TOPIC",
                                   "FORMAT",
                                   "KEY_FORMAT",
                                   "VALUE_FORMAT",
                                   "PARTITIONS",
                                   "REPLICAS",
                                   "RETENTION_MS",
                                   "CLEANUP_POLICY",
                                   "TIMESTAMP",
                                   "TIMESTAMP_FORMAT",
                                   "KEY_DELIMITER",
                                   "VALUE_DELIMITER",
                                   "WRAP_SINGLE_VALUE",
                                   "WINDOW_TYPE",
                                   "WINDOW_SIZE",
                                   "KEY_SCHEMA_ID",
                                   "VALUE_SCHEMA_ID",
                                   "KEY_SCHEMA_FULL_NAME",
                                   "VALUE_SCHEMA_FULL_NAME",
                                   "VALUE_AVRO_SCHEMA_FULL_NAME",
                                   "SOURCED_BY_CONNECTOR"};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

const std::string* value_of(const Properties& with, const char* name) {
  const auto found = with.find(name);
  return found == with.end() ? nullptr : &found->second;
}

Result<std::optional<int32_t>> number_of(const Properties& with, const char* name, int32_t most) {
  const std::string* text = value_of(with, name);
  if (text == nullptr) return std::optional<int32_t>();
  int32_t count = 0;
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data(), end, count).ptr != end || count < 1 || count > most) {
    return Error{Code::invalid, std::string(name) + " is a number from 1 to " + std::to_string(most) +
                                    ", not '" + *text + "'"};
  }
  return std::optional(count);
}

Result<> apply_delimiter(const Properties& with, const char* name, char& delimiter) {
  const std::string* text = value_of(with, name);
  if (text == nullptr) return {};
  const std::string word = upper(*text);
  const std::string character = word == "TAB" ? "\t" : word == "SPACE" ? " " : *text;
  if (character.size() != 1)
    return Error{Code::invalid,
                 std::string(name) + " is one character, or SPACE or TAB, not '" + *text + "'"};
  delimiter = character[0];
  return {};
}

// A dotted name of letters, digits and underlines.
bool is_record_name(const std::string& text) {
  bool first = true;
  for (const char c : text) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (c == '.' ? first : !letter && (first || std::isdigit(static_cast<unsigned char>(c)) == 0))
      return false;
    first = c == '.';
  }
  return !first;
}

Result<> apply_record_name(const Properties& with, const char* name, std::string& into) {
  const std::string* text = value_of(with, name);
  if (text == nullptr) return {};
  if (!is_record_name(*text))
    return Error{Code::invalid, std::string(name) + " is a name such as shop.Order, not '" + *text + "'"};
  into = *text;
  return {};
}

// A pattern that writes no time reads none.
Result<> check_pattern(const std::string& pattern) {
  const auto written = TRY(expr::call("FORMAT_TIMESTAMP", {expr::constant(Kind::timestamp, Value(int64_t{0})),
                                                           expr::constant(Kind::string, Value(pattern))}));
  expr::Notes notes;
  const Batch one(std::make_shared<const Schema>(), {}, {0});
  (void)expr::evaluate(*written, one, notes);
  if (notes.empty()) return {};
  return Error{Code::invalid, "TIMESTAMP_FORMAT '" + pattern + "': " + notes[0].reason};
}

Error no_use(const char* name, schema::Format format, const std::string& with) {
  return {Code::invalid,
          std::string(name) + " is for " + with + ", not for the format " + schema::name_of(format)};
}

}  // namespace

Result<> check_properties(const Properties& with) {
  for (const auto& property : with) {
    const std::string& name = property.first;
    const bool known =
        std::any_of(std::begin(kProperties), std::end(kProperties), [&](const char* k) { return name == k; });
    if (known) continue;
    if (name.ends_with("PROTOBUF_NULLABLE_REPRESENTATION"))
      return Error{Code::unsupported, name + ": the format PROTOBUF is not offered"};
    return Error{Code::invalid,
                 "no property is called " + name +
                     "; there are KAFKA_TOPIC, VALUE_FORMAT, KEY_FORMAT, FORMAT, PARTITIONS, REPLICAS, "
                     "TIMESTAMP, VALUE_DELIMITER and more"};
  }
  if (with.contains("FORMAT") && (with.contains("KEY_FORMAT") || with.contains("VALUE_FORMAT")))
    return Error{Code::invalid, "FORMAT sets both formats; give either it or KEY_FORMAT and VALUE_FORMAT"};
  TRY(number_of(with, "REPLICAS", INT16_MAX));
  return {};
}

Result<> apply_formats(const Properties& with, Source& source) {
  const auto format = [&](const char* name, schema::Format& into) -> Result<> {
    if (const std::string* text = value_of(with, name)) into = TRY(schema::format_from(*text));
    return {};
  };
  TRY(format("FORMAT", source.key_format));
  TRY(format("FORMAT", source.value_format));
  TRY(format("KEY_FORMAT", source.key_format));
  TRY(format("VALUE_FORMAT", source.value_format));
  TRY(apply_delimiter(with, "KEY_DELIMITER", source.key_detail.delimiter));
  TRY(apply_delimiter(with, "VALUE_DELIMITER", source.value_detail.delimiter));
  TRY(apply_record_name(with, "KEY_SCHEMA_FULL_NAME", source.key_detail.record_name));
  TRY(apply_record_name(with, "VALUE_AVRO_SCHEMA_FULL_NAME", source.value_detail.record_name));
  TRY(apply_record_name(with, "VALUE_SCHEMA_FULL_NAME", source.value_detail.record_name));
  source.key_detail.schema_id = TRY(number_of(with, "KEY_SCHEMA_ID", INT32_MAX)).value_or(0);
  source.value_detail.schema_id = TRY(number_of(with, "VALUE_SCHEMA_ID", INT32_MAX)).value_or(0);
  if (const std::string* wrap = value_of(with, "WRAP_SINGLE_VALUE")) {
    const std::string word = upper(*wrap);
    if (word != "TRUE" && word != "FALSE")
      return Error{Code::invalid, "WRAP_SINGLE_VALUE is true or false, not '" + *wrap + "'"};
    source.value_detail.wrapped = word == "TRUE";
  }
  return {};
}

Result<> check_details(const Properties& with, const Source& source) {
  using schema::Format;
  if (with.contains("KEY_DELIMITER") && source.key_format != Format::delimited)
    return no_use("KEY_DELIMITER", source.key_format, "DELIMITED");
  if (with.contains("VALUE_DELIMITER") && source.value_format != Format::delimited)
    return no_use("VALUE_DELIMITER", source.value_format, "DELIMITED");
  if (with.contains("KEY_SCHEMA_FULL_NAME") && !schema::uses_registry(source.key_format))
    return no_use("KEY_SCHEMA_FULL_NAME", source.key_format, "AVRO");
  for (const char* name : {"VALUE_SCHEMA_FULL_NAME", "VALUE_AVRO_SCHEMA_FULL_NAME"}) {
    if (with.contains(name) && !schema::uses_registry(source.value_format))
      return no_use(name, source.value_format, "AVRO");
  }
  if (with.contains("KEY_SCHEMA_ID") && !schema::uses_registry(source.key_format))
    return no_use("KEY_SCHEMA_ID", source.key_format, "AVRO and JSON_SR");
  if (with.contains("VALUE_SCHEMA_ID") && !schema::uses_registry(source.value_format))
    return no_use("VALUE_SCHEMA_ID", source.value_format, "AVRO and JSON_SR");
  if (!with.contains("WRAP_SINGLE_VALUE")) return {};
  const auto values =
      std::count_if(source.columns.begin(), source.columns.end(),
                    [](const SourceColumn& column) { return !column.key && !column.headers; });
  if (values != 1) {
    return Error{Code::invalid, "WRAP_SINGLE_VALUE is for one value column; " + source.name + " has " +
                                    std::to_string(values)};
  }
  const bool never = source.value_format == Format::kafka || source.value_format == Format::delimited;
  if (never && source.value_detail.wrapped)
    return no_use("WRAP_SINGLE_VALUE", source.value_format, "JSON, JSON_SR and AVRO");
  return {};
}

Result<std::optional<int32_t>> partitions_of(const Properties& with) {
  return number_of(with, "PARTITIONS", 10'000);
}

Result<> apply_retention(const Properties& with, Source& source) {
  const std::string* text = value_of(with, "RETENTION_MS");
  if (text == nullptr) return {};
  int64_t ms = 0;
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data(), end, ms).ptr != end || ms < -1)
    return Error{Code::invalid,
                 "RETENTION_MS is a number of milliseconds, or -1 for ever, not '" + *text + "'"};
  source.retention = Duration(ms);
  return {};
}

Result<> apply_timestamp(const Properties& with, Source& source) {
  const std::string* given = value_of(with, "TIMESTAMP");
  const std::string* format = value_of(with, "TIMESTAMP_FORMAT");
  if (given == nullptr) {
    if (format == nullptr) return {};
    return Error{Code::invalid, "TIMESTAMP_FORMAT needs TIMESTAMP beside it: the column that it is of"};
  }
  // As written, then in upper case; back quotes may stand around it.
  std::string name = *given;
  const bool quoted = name.size() > 2 && name.front() == '`' && name.back() == '`';
  if (quoted) name = name.substr(1, name.size() - 2);
  const auto called = [&](const std::string& text) {
    return std::find_if(source.columns.begin(), source.columns.end(),
                        [&](const SourceColumn& column) { return column.name == text; });
  };
  auto column = quoted ? source.columns.end() : called(upper(name));
  if (column == source.columns.end()) column = called(name);
  if (column == source.columns.end())
    return Error{Code::invalid, "TIMESTAMP names " + name + ", which is no column of " + source.name};
  const Kind kind = column->type.kind();
  if (kind == Kind::string && format == nullptr) {
    return Error{Code::invalid, column->name +
                                    " is a STRING; TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss', or another "
                                    "pattern, must say how it is read"};
  }
  if (kind != Kind::bigint && kind != Kind::timestamp && kind != Kind::string) {
    return Error{Code::invalid, "TIMESTAMP needs a BIGINT, TIMESTAMP or STRING column; " + column->name +
                                    " is " + column->type.text()};
  }
  if (kind != Kind::string && format != nullptr)
    return Error{Code::invalid,
                 "TIMESTAMP_FORMAT is for a STRING column; " + column->name + " is " + column->type.text()};
  if (format != nullptr) TRY(check_pattern(*format));
  source.timestamp_column = column->name;
  source.timestamp_format = format == nullptr ? "" : *format;
  return {};
}

}  // namespace tradewind::sql
