#include "engine/resolved_text.h"

#include "schema/serde.h"
#include "sql/windowed_source.h"

namespace tradewind::engine {
namespace {

std::string quoted(const std::string& name) {
  return "`" + name + "`";
}

std::string literal(const std::string& text) {
  std::string made = "'";
  for (const char c : text) made += c == '\'' ? std::string("''") : std::string(1, c);
  return made + "'";
}

std::string property(const std::string& name, const std::string& value) {
  return name + "=" + literal(value);
}

// What is said of the format of keys or values ("KEY", "VALUE").
std::string detail_text(const std::string& of, schema::Format format, const schema::FormatDetail& detail) {
  std::string text;
  if (format == schema::Format::delimited)
    text += ", " + property(of + "_DELIMITER", std::string(1, detail.delimiter));
  if (!detail.record_name.empty()) text += ", " + property(of + "_SCHEMA_FULL_NAME", detail.record_name);
  if (detail.schema_id != 0) text += ", " + of + "_SCHEMA_ID=" + std::to_string(detail.schema_id);
  return text;
}

}  // namespace

std::string resolved_text(const sql::Source& source) {
  std::string text = std::string("CREATE ") + (source.read_only ? "SOURCE " : "") +
                     (source.table ? "TABLE " : "STREAM ") + quoted(source.name) + " (";
  for (size_t i = 0; i < source.columns.size(); ++i) {
    const sql::SourceColumn& column = source.columns[i];
    text += (i == 0 ? "" : ", ") + quoted(column.name) + " " + column.type.text();
    if (column.key) text += source.table ? " PRIMARY KEY" : " KEY";
    if (column.headers)
      text += column.header_key ? " HEADER(" + literal(*column.header_key) + ")" : " HEADERS";
  }
  text += ") WITH (" + property("KAFKA_TOPIC", source.topic) + ", " +
          property("KEY_FORMAT", schema::name_of(source.key_format)) + ", " +
          property("VALUE_FORMAT", schema::name_of(source.value_format)) +
          ", PARTITIONS=" + std::to_string(source.partitions);
  if (!source.timestamp_column.empty()) text += ", " + property("TIMESTAMP", quoted(source.timestamp_column));
  if (!source.timestamp_format.empty()) text += ", " + property("TIMESTAMP_FORMAT", source.timestamp_format);
  text += detail_text("KEY", source.key_format, source.key_detail) +
          detail_text("VALUE", source.value_format, source.value_detail);
  if (!source.value_detail.wrapped) text += ", WRAP_SINGLE_VALUE=false";
  if (source.window_type) text += ", " + property("WINDOW_TYPE", sql::name_of(*source.window_type));
  if (source.window_size_ms) {
    text += ", " + property("WINDOW_SIZE", std::to_string(*source.window_size_ms) + " MILLISECONDS");
  }
  return text + ")";
}

}  // namespace tradewind::engine
