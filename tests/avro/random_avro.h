#pragma once
// RandomAvro: random Avro schemas, readers that evolved from them, and random values; for oracles and
// fuzzing.
//
// Deterministic: the same seed gives the same schemas and bytes. One thread.

#include "base/bytes.h"
#include "base/json.h"
#include "base/random.h"
#include "schema/avro.h"

namespace tradewind::schema {

class RandomAvro {
 public:
  explicit RandomAvro(uint64_t seed) : random_(seed) {}

  // A record of one to eight fields of any type, nested up to three deep.
  Json record();
  // A schema that reads what `writer` wrote: fields gone, new, renamed, moved, widened; symbols gone.
  Json evolved(const Json& writer);
  // Appends a value; lists come in one block, or with `blocks` in several, some with their size in bytes.
  void value(const AvroType& type, bool blocks, Bytes& out);

  Random& random() { return random_; }

 private:
  Json record_of(int depth);
  Json field_type(int depth);
  Json scalar();
  Json widened(const Json& writer);
  Json evolved_record(const Json& writer);
  Json evolved_enum(const Json& writer);
  Json new_field();
  std::string name(const char* prefix) { return prefix + std::to_string(names_++); }
  int64_t number(int64_t low, int64_t high);
  std::string text();
  void list(const AvroType& type, bool blocks, Bytes& out);
  void bytes_value(const AvroType& type, Bytes& out);

  Random random_;
  int names_ = 0;
};

}  // namespace tradewind::schema
