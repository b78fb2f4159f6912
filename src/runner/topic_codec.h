#pragma once
// TopicCodec: records of one topic between JSON, as tests say them, and bytes in the formats of a source.
//
// JSON formats take the JSON as it stands; AVRO and KAFKA take it by the columns that are declared; DELIMITED
// takes text. Threads: one. The registry outlives it.

#include <memory>
#include <string>

#include "log/record.h"
#include "runner/test_record.h"
#include "schema/registry.h"
#include "schema/serde.h"
#include "sql/catalog.h"

namespace tradewind::runner {

// A record that owns its bytes.
struct TopicRecord {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  Timestamp time;
  std::vector<TestHeader> headers;
};

// Takes the window off the key of a source that has windows.
std::optional<TestWindow> take_window(const sql::Source& source, BytesView& key);

class TopicCodec {
 public:
  // invalid or unsupported: the formats cannot hold the columns.
  static Result<TopicCodec> make(const sql::Source& source, schema::Registry& registry);

  // invalid: what does not fit the columns.
  Result<TopicRecord> encode(const TestRecord& record);
  // What cannot be read is told in `unreadable`.
  Result<TestRecord> decode(const TopicRecord& record);

  const sql::Source& source() const { return source_; }

 private:
  // The key, or the value.
  struct Part {
    schema::SerdeSpec spec;
    bool as_written = false;  // the format takes JSON as it stands
    bool text = false;        // DELIMITED
    std::unique_ptr<schema::Decoder> from_json;
    std::unique_ptr<schema::Encoder> to_json;
    std::unique_ptr<schema::Decoder> decoder;
    std::unique_ptr<schema::Encoder> encoder;  // made when it is first needed: that registers a schema
  };

  explicit TopicCodec(sql::Source source) : source_(std::move(source)) {}
  Result<> prepare(Part& part, schema::Registry& registry) const;
  Result<std::optional<Bytes>> encode_part(Part& part, const Json& json);
  Result<Json> decode_part(Part& part, const std::optional<BytesView>& bytes, std::string& unreadable) const;

  sql::Source source_;
  schema::Registry* registry_ = nullptr;
  Part key_;
  Part value_;
};

}  // namespace tradewind::runner
