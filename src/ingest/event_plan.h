#pragma once
// EventPlan: how events of one topic become records: its Avro schema made ready for writing, what stands in
// for fields that are missing, and which fields are key, time and id.
//
// Threads: immutable, share freely.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "schema/avro.h"
#include "schema/registry.h"

namespace tradewind::ingest {

// What the ingestor must know of a topic that takes events.
struct TopicRule {
  std::string key_field;                  // its text becomes the record's key
  std::string time_field = "event_time";  // milliseconds; the record's time
  std::string id_field = "event_id";      // events with an id seen before are accepted, not appended again
};

struct RecordPlan;

// A value of one type.
struct ValuePlan {
  const schema::AvroType* type = nullptr;  // behind the union, where null is its only other branch
  std::optional<Bytes> null_bytes;         // what null is written as; nothing: null is no value of it
  Bytes branch;                            // in front of any other value
  const RecordPlan* record = nullptr;      // of a record
  std::unique_ptr<ValuePlan> element;      // of an array or map
  std::vector<ValuePlan> branches;         // of a union of several
};

struct FieldPlan {
  std::string name;
  ValuePlan value;
  std::optional<Bytes> fallback;  // written where the field is missing; nothing: it must be there
};

struct RecordPlan {
  size_t number = 0;  // in its plan
  std::vector<FieldPlan> fields;
  // The fallbacks of all fields one behind the other: of field i they end at ends[i].
  Bytes fallbacks;
  std::vector<size_t> ends;
  std::vector<size_t> required;  // how many fields before i must be there
  std::unordered_map<std::string_view, size_t> by_name;
  std::unordered_map<std::string, size_t> by_upper_name;

  // The fallbacks of the fields [from, to).
  BytesView stand_ins(size_t from, size_t to) const {
    const size_t begin = from == 0 ? 0 : ends[from - 1];
    return BytesView(fallbacks).substr(begin, to == 0 ? 0 : ends[to - 1] - begin);
  }
  std::optional<size_t> find(std::string_view name) const;
  std::optional<size_t> find_ignoring_case(std::string_view name) const;
};

class EventPlan {
 public:
  // invalid: the schema is not a record.
  static Result<std::shared_ptr<const EventPlan>> create(const schema::RegisteredSchema& schema,
                                                         const std::string& topic, int32_t partitions,
                                                         const TopicRule& rule);

  uint64_t number = 0;  // of all that this process made; from 1
  std::string topic;
  int32_t partitions = 1;
  schema::SchemaId schema_id = 0;
  Bytes head;  // of every value: names the schema
  const RecordPlan* root = nullptr;
  size_t records = 0;                   // plans of them
  std::optional<size_t> key, time, id;  // fields of the root
  uint64_t topic_hash = 0;

 private:
  class Maker;
  schema::AvroSchemaPtr schema_;
  std::vector<std::unique_ptr<RecordPlan>> plans_;
};

// "one of SALE, RETURN": what may stand for a type, for who sent something else.
std::string expected_of(const schema::AvroType& type);

}  // namespace tradewind::ingest
