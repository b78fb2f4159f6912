#pragma once
// Serde: the key or the value bytes of records <-> columns, for one format and one list of columns.
//
// A bad payload is data, not an error: it is answered with its reason and its row holds nulls. Errors are for
// what is wrong with all rows (a registry that does not answer: unavailable; a column no schema has:
// invalid). Threads: a decoder or encoder belongs to one thread. Decoded views point into the payloads;
// `buffer` keeps them alive.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "data/column.h"
#include "data/type.h"
#include "schema/registry.h"

namespace tradewind::schema {

enum class Format { none, kafka, json, json_sr, avro, delimited };

// What is said of a format beside its name.
struct FormatDetail {
  char delimiter = ',';     // DELIMITED
  bool wrapped = true;      // a single value column stands in an object or record
  std::string record_name;  // AVRO: of the record, with its namespace; empty: the usual one
  SchemaId schema_id = 0;   // written with this schema of the registry; 0: with one of the columns
  bool operator==(const FormatDetail&) const = default;
};

// Which part of a value its readers need. Nothing wanted below a scalar; a list's or record's parts by index.
struct Wanted {
  bool any = true;            // false: this part is not needed and its column stays null
  std::vector<Wanted> parts;  // empty: all of it; array: one; map: key, value; structure: one per field
};

struct SerdeSpec {
  Format format = Format::avro;
  std::vector<Field>
      columns;  // SQL columns (upper-case names; matched to fields exactly, then ignoring case)
  std::vector<Wanted> wanted;  // per column; empty: all of all
  bool key = false;            // a key: a single column is not wrapped in a record
  std::string topic;           // subject = <topic>-key or <topic>-value
  FormatDetail detail;

  // Whether the columns are members of an object or record; else the only one is the whole payload.
  bool wrapped() const { return columns.size() != 1 || (!key && detail.wrapped); }
};

struct BadRow {
  uint32_t row = 0;
  std::string reason;
};

struct Decoded {
  std::vector<ColumnPtr> columns;  // one per column of the spec; null where not wanted
  std::vector<BadRow> bad;         // ascending by row
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // One row per payload; a missing payload (tombstone, no key) is a row of nulls.
  virtual Result<Decoded> decode(std::span<const std::optional<BytesView>> payloads,
                                 const std::shared_ptr<const void>& buffer) = 0;
};

// Encoded payloads one behind the other: number i is bytes[ends[i - 1], ends[i]).
struct Encoded {
  Bytes bytes;
  std::vector<uint32_t> ends;

  BytesView operator[](size_t i) const {
    const uint32_t from = i == 0 ? 0 : ends[i - 1];
    return BytesView(bytes).substr(from, ends[i] - from);
  }
  size_t size() const { return ends.size(); }
  void clear() {
    bytes.clear();
    ends.clear();
  }
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends one payload per row. REQUIRES one column per column of the spec, all of `rows` rows.
  virtual Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) = 0;
};

// The registry is used by AVRO and JSON_SR only: decoders ask for writers' schemas as their ids come up,
// encoders register the schema of the columns (or use the subject's latest when it can hold them) when they
// are made.
Result<std::unique_ptr<Decoder>> make_decoder(const SerdeSpec& spec, Registry* registry);
Result<std::unique_ptr<Encoder>> make_encoder(const SerdeSpec& spec, Registry* registry);

// "AVRO", any case; unsupported: a format of ksqlDB that is not offered.
Result<Format> format_from(const std::string& name);
// Whether its payloads name a schema of the registry.
bool uses_registry(Format format);
const char* name_of(Format format);

// What fields become as columns: SQL names, upper-cased; or as the schema writes them (Avro only).
enum class Naming : uint8_t { upper, as_written };
// The columns that a registered schema gives a source without declared ones. `lone` becomes whether it is no
// record, but one bare value.
Result<std::vector<Field>> columns_of(const RegisteredSchema& schema, Naming naming = Naming::upper,
                                      bool* lone = nullptr);

}  // namespace tradewind::schema
