#include "sql/check_source.h"

#include <algorithm>

namespace tradewind::sql {
namespace {

// Whether the type is, or holds, one for which `what` is true.
template <typename What>
bool holds(const Type& type, const What& what) {
  if (what(type)) return true;
  if (type.kind() == Kind::array) return holds(type.element(), what);
  if (type.kind() == Kind::map) return holds(type.element(), what);
  if (type.kind() != Kind::structure) return false;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [&](const Field& field) { return holds(field.type, what); });
}

bool is_map(const Type& type) {
  return type.kind() == Kind::map;
}
bool is_map_without_text_keys(const Type& type) {
  return is_map(type) && type.key().kind() != Kind::string;
}

bool kafka_holds(const Type& type) {
  const Kind kind = type.kind();
  return kind == Kind::integer || kind == Kind::bigint || kind == Kind::real || kind == Kind::string ||
         kind == Kind::bytes;
}

Error wrong(const Source& source, const SourceColumn& column, const std::string& what) {
  return {Code::invalid, "column " + column.name + " of " + source.name + ": " + what};
}

Result<> check_column(const Source& source, const SourceColumn& column) {
  for (const char* pseudo : {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"}) {
    if (column.name == pseudo)
      return wrong(source, column, "every row has that already; choose another name");
  }
  if (column.headers) return {};
  if (column.key && holds(column.type, is_map)) return wrong(source, column, "a key holds no MAP");
  const schema::Format format = column.key ? source.key_format : source.value_format;
  const std::string name = schema::name_of(format);
  const std::string remedy = "; use JSON or AVRO";
  if (format == schema::Format::kafka && !kafka_holds(column.type)) {
    return wrong(source, column, "KAFKA holds no " + column.type.text() + remedy);
  }
  if (format == schema::Format::delimited && column.type.is_nested()) {
    return wrong(source, column, "DELIMITED holds no " + column.type.text() + remedy);
  }
  if (format == schema::Format::none) return wrong(source, column, "with the format NONE there is no column");
  if (holds(column.type, is_map_without_text_keys)) {
    return wrong(source, column, name + " holds only MAPs whose keys are STRING");
  }
  return {};
}

}  // namespace

Result<> check_source(const Source& source) {
  for (const SourceColumn& column : source.columns) TRY(check_column(source, column));
  for (const bool key : {true, false}) {
    const auto count =
        std::count_if(source.columns.begin(), source.columns.end(),
                      [&](const SourceColumn& column) { return column.key == key && !column.headers; });
    const schema::Format format = key ? source.key_format : source.value_format;
    if (format == schema::Format::kafka && count > 1) {
      return Error{Code::invalid, std::string("the KAFKA ") + (key ? "key" : "value") +
                                      " format holds one column, " + source.name + " has " +
                                      std::to_string(count) + "; use JSON or AVRO"};
    }
    if (!key && format == schema::Format::none) {
      return Error{Code::invalid, "NONE is a format of keys only; choose a VALUE_FORMAT for " + source.name};
    }
  }
  return {};
}

}  // namespace tradewind::sql
