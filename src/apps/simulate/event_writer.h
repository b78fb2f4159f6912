#pragma once
// EventWriter: what happens in the simulated shop as Avro in the shop's schemas. open_… begins an event with
// what is always said; the caller adds what is special through the record, and closes it.
//
// Threads: one.

#include <memory>

#include "apps/simulate/event_batch.h"
#include "apps/simulate/event_fields.h"
#include "apps/simulate/event_parts.h"
#include "apps/simulate/record_writer.h"
#include "apps/simulate/world.h"

namespace tradewind::simulate {

// The ids that the registry gave the schemas, by Topic.
using SchemaIds = std::array<int32_t, kTopics>;

// The text of a topic's schema, and the topic's name.
const char* schema_of(Topic topic);
const char* name_of(Topic topic);

// The number of the person behind a guest's visitor.
inline uint64_t guest_of(uint32_t visitor) {
  return (uint64_t{1} << 40) + visitor;
}

class EventWriter {
 public:
  using Writers = std::array<std::unique_ptr<RecordWriter>, kTopics>;
  struct Fields {
    explicit Fields(const Writers& in)
        : envelope{EnvelopeFields(*in[0]), EnvelopeFields(*in[1]), EnvelopeFields(*in[2]),
                   EnvelopeFields(*in[3]), EnvelopeFields(*in[4])},
          visit(*in[0]),
          order(*in[1]),
          stock(*in[2]),
          profile(*in[3]),
          truth(*in[4]) {}
    std::array<EnvelopeFields, kTopics> envelope;
    VisitFields visit;
    OrderFields order;
    StockFields stock;
    ProfileFields profile;
    TruthFields truth;
  };

  EventWriter(const Catalogue& catalogue, const People& people, uint64_t seed, const SchemaIds& ids);
  ~EventWriter();

  // Where the next events go.
  void write_to(EventBatch& batch) { batch_ = &batch; }
  EventBatch& batch() { return *batch_; }

  RecordWriter& open_visit(Did what, const Visit& visit, const Counters& count);
  RecordWriter& open_order(OrderStep what, const Order& order, const Counters& count);
  // Raises the version.
  RecordWriter& open_stock(Movement what, uint16_t product, uint8_t location, Stock& stock,
                           const Counters& count);
  RecordWriter& open_profile(ProfileChange what, uint32_t customer, uint8_t place, const Customer& facts,
                             const Counters& count);
  // Appends what was opened last.
  void close(Counters& count);
  // A label of a session, or of an order.
  void write_truth(Truth what, const Visit& visit, const Order* order, Counters& count);

  const Fields& fields() const;
  EventParts& parts() { return *parts_; }
  const EventParts& parts() const { return *parts_; }
  int64_t price(uint16_t product) const { return parts_->price(product); }

 private:
  RecordWriter& open(Topic topic, std::string_view key, int64_t type, const Counters& count);
  RecordWriter& writer(Topic topic) { return *writers_[static_cast<size_t>(topic)]; }

  const Catalogue& catalogue_;
  const People& people_;
  uint64_t seed_;
  SchemaIds ids_;
  std::array<schema::AvroSchemaPtr, kTopics> schemas_;
  Writers writers_;
  std::unique_ptr<Fields> fields_;
  std::unique_ptr<EventParts> parts_;
  EventBatch* batch_ = nullptr;
  Topic open_ = Topic::customer_events;
  size_t open_key_bytes_ = 0;
};

}  // namespace tradewind::simulate
