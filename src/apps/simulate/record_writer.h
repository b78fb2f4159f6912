#pragma once
// RecordWriter: one Avro record after another of one schema: fields by index, all others their defaults.
//
// Made for speed: what is not set is copied from an image of the record of defaults, a run of fields at a
// time, and nothing is allocated per record. Threads: one. The schema must outlive it.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "schema/avro.h"

namespace tradewind::simulate {

class RecordWriter {
 public:
  static constexpr size_t kMostFields = 128;

  // REQUIRES a record of at most kMostFields fields whose unions are ["null", T].
  explicit RecordWriter(const schema::AvroType& record);

  // REQUIRES a field of that name.
  size_t index_of(std::string_view field) const;
  const schema::AvroType& type_of(size_t field) const;

  void begin();
  // The setters write the branch of the union too, where the field is one.
  void text(size_t field, std::string_view value);
  void number(size_t field, int64_t value);  // int, long, times, and symbols by their number
  void money(size_t field, int64_t unscaled);
  void boolean(size_t field, bool value);
  void real32(size_t field, float value);
  void real64(size_t field, double value);
  // The value as it is encoded, without the branch.
  void raw(size_t field, BytesView encoded);
  // Several texts, each as one element.
  void texts(size_t field, const std::string* values, size_t count);
  // Appends the record.
  void end(Bytes& out);

 private:
  struct Span {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  char* open(size_t field, size_t most_bytes);
  void close(size_t field, const char* end);

  const schema::AvroType& record_;
  std::vector<bool> optional_;
  Bytes defaults_;                              // the record of defaults
  std::array<uint32_t, kMostFields + 1> at_{};  // where each field begins in it
  std::array<Span, kMostFields> set_{};
  std::array<uint64_t, 2> is_set_{};
  Bytes scratch_;  // what was set, in the order of setting
  size_t used_ = 0;
};

// The type behind "null", or the type itself; of an array its element.
const schema::AvroType& value_type(const schema::AvroType& type);

}  // namespace tradewind::simulate
