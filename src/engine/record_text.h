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
  struct Shown {
    std::string
        format;  // AVRO, JSON, KAFKA_STRING, KAFKA_INT, KAFKA_BIGINT or KAFKA_BYTES; empty: there is none
    std::string text;  // of AVRO and JSON a JSON document
  };

  explicit RecordText(schema::Registry& registry);
  ~RecordText();
  Shown of(const std::optional<BytesView>& bytes);

 private:
  struct Reader;

  std::optional<std::string> avro(BytesView bytes);
  bool open(schema::SchemaId id, Reader& reader);

  schema::Registry& registry_;
  std::map<schema::SchemaId, Reader> readers_;
};

}  // namespace tradewind::engine
