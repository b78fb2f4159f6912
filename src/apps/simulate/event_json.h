#pragma once
// EventJson: Avro values of one schema as compact JSON events, as POST /v1/events takes them: what is null or
// empty is left out.
//
// Pure; share freely. The schema must outlive it.

#include "base/bytes.h"
#include "schema/avro.h"

namespace tradewind::simulate {

class EventJson {
 public:
  // REQUIRES a record.
  explicit EventJson(const schema::AvroType& record) : record_(record) {}

  // Appends the object of a body without Confluent's header. False: the body is not of this schema; what was
  // appended is to be thrown away.
  bool append(BytesView body, std::string& out) const;

 private:
  const schema::AvroType& record_;
};

}  // namespace tradewind::simulate
