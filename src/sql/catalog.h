#pragma once
// Catalog: what the names in a statement mean: streams, tables, types. A plain value; the engine guards it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/type.h"
#include "schema/serde.h"
#include "stream/window.h"

namespace tradewind::sql {

struct SourceColumn {
  std::string name;
  Type type;
  bool key = false;
  bool headers = false;                   // read from the records' headers, never written
  std::optional<std::string> header_key;  // of one header; none: all of them
};

struct Source {
  std::string name;
  bool table = false;
  std::vector<SourceColumn> columns;  // keys first
  std::string topic;
  int32_t partitions = 1;
  schema::Format key_format = schema::Format::kafka;
  schema::Format value_format = schema::Format::avro;
  std::optional<stream::WindowSpec::Kind> window_type;  // windowed key
  std::optional<int64_t> window_size_ms;                // unless they are sessions
  std::optional<Duration> windows_kept;                 // by the query that makes them
  std::string timestamp_column;
  std::string timestamp_format;       // of a STRING column
  std::optional<Duration> retention;  // of a topic that is made for it; none: the log's own
  schema::FormatDetail key_detail;
  schema::FormatDetail value_detail;
  std::string query_id;    // of the query that writes it; empty: declared by hand
  std::string statement;   // as listed
  bool read_only = false;  // CREATE SOURCE ...
};

struct Catalog {
  std::map<std::string, Source> sources;
  std::map<std::string, Type> types;
  // TABLE_LATE of each windowed table: the rows that came too late for it. A name in `sources` hides one.
  std::map<std::string, Source> late;

  const Source* find(const std::string& name) const {
    if (const Source* made = find_made(name)) return made;
    const auto found = late.find(name);
    return found == late.end() ? nullptr : &found->second;
  }
  // One that a statement made.
  const Source* find_made(const std::string& name) const {
    const auto found = sources.find(name);
    return found == sources.end() ? nullptr : &found->second;
  }
};

}  // namespace tradewind::sql
