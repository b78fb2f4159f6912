#include "runner/assertions.h"

#include <algorithm>
#include <cmath>

#include "data/value.h"
#include "sql/plan.h"

namespace tradewind::runner {
namespace {

constexpr double kNear = 1e-6;

bool same(const Value& a, const Value& b) {
  if (std::holds_alternative<double>(a.is) && std::holds_alternative<double>(b.is)) {
    if (std::isnan(a.real()) || std::isnan(b.real())) return std::isnan(a.real()) && std::isnan(b.real());
    return a.real() == b.real() || std::abs(a.real() - b.real()) <= kNear;
  }
  if (!std::holds_alternative<std::vector<Value>>(a.is) || !std::holds_alternative<std::vector<Value>>(b.is))
    return a == b;
  return std::equal(a.parts().begin(), a.parts().end(), b.parts().begin(), b.parts().end(), same);
}

// The columns of a record, decoded, and its times.
struct Row {
  std::map<std::string, std::pair<Type, Value>> columns;
  bool tombstone = false;
};

Result<> decode_part(const sql::Source& source, bool key, const std::optional<BytesView>& bytes,
                     schema::Registry& registry, Row& row) {
  const schema::SerdeSpec spec = sql::serde_spec(source, key);
  if (spec.columns.empty() || spec.format == schema::Format::none) return {};
  const auto decoder = TRY(schema::make_decoder(spec, &registry));
  const schema::Decoded decoded = TRY(decoder->decode({&bytes, 1}, nullptr));
  if (!decoded.bad.empty()) return Error{Code::corrupt, decoded.bad[0].reason};
  for (size_t i = 0; i < spec.columns.size(); ++i) {
    row.columns[spec.columns[i].name] = {spec.columns[i].type, value_at(*decoded.columns[i], 0)};
  }
  return {};
}

Result<Row> row_of(const sql::Source& source, const TopicRecord& record, schema::Registry& registry) {
  Row row{.tombstone = !record.value};
  std::optional<BytesView> key;
  if (record.key) key = *record.key;
  if (key) {
    if (const auto window = take_window(source, *key)) {
      row.columns["WINDOWSTART"] = {Kind::bigint, Value(window->start_ms)};
      row.columns["WINDOWEND"] = {Kind::bigint, Value(window->end_ms)};
    }
  }
  const auto value = record.value ? std::optional<BytesView>(*record.value) : std::nullopt;
  TRY(decode_part(source, true, key, registry, row));
  TRY(decode_part(source, false, value, registry, row));
  row.columns["ROWTIME"] = {Kind::bigint, Value(record.time.ms)};
  return row;
}

std::string text_of(const std::map<std::string, std::pair<Type, Value>>& columns) {
  std::string text;
  for (const auto& [name, column] : columns)
    text += (text.empty() ? "" : ", ") + name + "=" + value_text(column.first, column.second);
  return text;
}

std::string text_of(const Row& row) {
  return text_of(row.columns) + (row.tombstone ? ", without a value" : "");
}

// The values asserted, as those of a source that rows could be inserted into.
Result<std::map<std::string, std::pair<Type, Value>>> wanted_of(const sql::InsertValues& asserted,
                                                                const sql::Source& source, bool keys_only) {
  sql::Source open = source;
  open.read_only = false;
  open.window_type.reset();
  open.window_size_ms.reset();
  open.table = false;
  for (const char* bound : {"WINDOWSTART", "WINDOWEND"}) {
    if (source.window_type) open.columns.push_back({bound, Kind::bigint, false});
  }
  sql::InsertValues row = asserted;
  for (const sql::SourceColumn& column : source.columns) {
    const bool named = !asserted.columns.empty();
    if (!named && !column.headers && (column.key || !keys_only)) row.columns.push_back(column.name);
  }
  sql::Catalog catalog;
  catalog.sources[open.name] = open;
  const sql::InsertPlan plan = TRY(sql::plan_insert(row, catalog));
  std::map<std::string, std::pair<Type, Value>> wanted;
  for (size_t i = 0; i < open.columns.size(); ++i) {
    const std::string& name = open.columns[i].name;
    if (std::find(row.columns.begin(), row.columns.end(), name) != row.columns.end())
      wanted[name] = {open.columns[i].type, plan.values[i]};
  }
  if (plan.time_ms) wanted["ROWTIME"] = {Kind::bigint, Value(*plan.time_ms)};
  return wanted;
}

std::string columns_text(const sql::Source& source) {
  std::string text;
  for (const sql::SourceColumn& column : source.columns) {
    text += (text.empty() ? "" : ", ") + column.name + " " + column.type.text();
    if (column.key) text += source.table ? " PRIMARY KEY" : " KEY";
  }
  return text;
}

std::string columns_text(const sql::CreateSource& source) {
  std::string text;
  for (const bool key : {true, false}) {
    for (const sql::ColumnClause& column : source.columns) {
      if (column.key != key) continue;
      text += (text.empty() ? "" : ", ") + column.name + " " + column.type.text();
      if (column.key) text += source.table ? " PRIMARY KEY" : " KEY";
    }
  }
  return text;
}

Complaint other(const std::string& what, const std::string& wanted, const std::string& got) {
  if (wanted == got) return std::nullopt;
  return what + "\n  wanted: " + wanted + "\n  got: " + got;
}

}  // namespace

Result<Complaint> Assertions::check(const sql::AssertValues& asserted) {
  const sql::Catalog known = run_.engine().catalog();
  const sql::Source* source = known.find(asserted.row.target);
  if (source == nullptr) return Error{Code::not_found, "no stream or table is called " + asserted.row.target};
  const auto wanted = TRY(wanted_of(asserted.row, *source, asserted.tombstone));
  const std::vector<TopicRecord> records = run_.written_to(source->topic);
  const size_t number = ++next_[source->topic];
  const std::string place = source->name + ", record " + std::to_string(number);
  const std::string asked = text_of(wanted) + (asserted.tombstone ? ", without a value" : "");
  if (number > records.size())
    return Complaint(place + "\n  wanted: " + asked + "\n  got: no more than " +
                     std::to_string(records.size()) + " records");
  const Row row = TRY(row_of(*source, records[number - 1], run_.registry()));
  bool holds = row.tombstone == asserted.tombstone;
  for (const auto& [name, value] : wanted) {
    const auto found = row.columns.find(name);
    holds = holds && found != row.columns.end() && same(found->second.second, value.second);
  }
  if (holds) return Complaint();
  return Complaint(place + "\n  wanted: " + asked + "\n  got: " + text_of(row));
}

Result<Complaint> Assertions::check(const sql::AssertSource& asserted) {
  const sql::Catalog known = run_.engine().catalog();
  const sql::CreateSource& wanted = asserted.source;
  const sql::Source* source = known.find(wanted.name);
  if (source == nullptr) return Error{Code::not_found, "no stream or table is called " + wanted.name};
  if (auto kind = other(source->name, wanted.table ? "TABLE" : "STREAM", source->table ? "TABLE" : "STREAM"))
    return kind;
  if (!wanted.columns.empty()) {
    if (auto columns = other(source->name, columns_text(wanted), columns_text(*source))) return columns;
  }
  const std::map<std::string, std::string> has = {
      {"KAFKA_TOPIC", source->topic},
      {"KEY_FORMAT", schema::name_of(source->key_format)},
      {"VALUE_FORMAT", schema::name_of(source->value_format)},
      {"FORMAT", schema::name_of(source->value_format)},
      {"TIMESTAMP", source->timestamp_column},
      {"TIMESTAMP_FORMAT", source->timestamp_format},
      {"WRAP_SINGLE_VALUE", source->value_detail.wrapped ? "true" : "false"},
      {"PARTITIONS", std::to_string(source->partitions)}};
  for (const auto& [name, value] : wanted.with) {
    const auto found = has.find(name);
    if (found == has.end()) return Error{Code::unsupported, "ASSERT does not look at " + name};
    if (auto property = other(source->name + ", " + name, value, found->second)) return property;
  }
  return Complaint();
}

}  // namespace tradewind::runner
