#pragma once
// RecordText: a record's key or value as text when nothing says what it is. The format is guessed: a
// registered schema's id in front, JSON, text, or a number of four or eight bytes.
//
// Threads: one. The registry outlives it.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "schema/registry.h"

namespace tradewind::engine {

class RecordText {
 public:
  // shown: for people, as ksqlDB's PRINT shows rows. exact: fields as their schema names them, times as
  // numbers; what RecordWriter takes.
  enum class Form { shown, exact };

  struct Shown {
    std::string
        format;  // AVRO, JSON, JSON_SR, KAFKA_STRING, KAFKA_INT, KAFKA_BIGINT or KAFKA_BYTES; empty: none
    std::string text;  // of AVRO, JSON and JSON_SR a JSON document
    // Whether `text` is JSON as it is.
    bool is_json() const { return format == "AVRO" || format == "JSON" || format == "JSON_SR"; }
  };

  explicit RecordText(schema::Registry& registry, Form form = Form::shown);
  ~RecordText();
  Shown of(const std::optional<BytesView>& bytes);

 private:
  struct Reader;

  std::optional<Shown> registered(BytesView bytes);
  std::optional<std::string> avro(Reader& reader, BytesView bytes) const;
  bool open(schema::SchemaId id, Reader& reader) const;

  schema::Registry& registry_;
  const Form form_;
  std::map<schema::SchemaId, Reader> readers_;
};

}  // namespace tradewind::engine
