#include "apps/simulate/record_writer.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"

namespace tradewind::simulate {
namespace {

using schema::AvroKind;
using schema::AvroType;

// Defaults as the shop's schemas have them: null, numbers, texts, flags, first symbols, nothing in lists.
void put_default(const schema::AvroField& field, Bytes& out) {
  const AvroType& type = *field.type;
  const Json nothing;
  const Json& value = field.fallback ? *field.fallback : nothing;
  switch (type.kind) {
    case AvroKind::choice: out.push_back('\0'); return;
    case AvroKind::boolean:
      out.push_back(value.is(Json::Kind::boolean) && value.truth() ? '\1' : '\0');
      return;
    case AvroKind::int32:
    case AvroKind::int64: put_zigzag(out, value.integer().value_or(0)); return;
    case AvroKind::float32: out.append(4, '\0'); return;
    case AvroKind::float64: out.append(8, '\0'); return;
    case AvroKind::bytes:
    case AvroKind::string: {
      const std::string text = value.is(Json::Kind::string) ? value.text() : std::string();
      put_zigzag(out, static_cast<int64_t>(text.size()));
      out += text;
      return;
    }
    case AvroKind::enumeration:
    case AvroKind::array:
    case AvroKind::map: out.push_back('\0'); return;
    case AvroKind::null: return;
    case AvroKind::record:
    case AvroKind::fixed: break;
  }
  CHECK(false);  // the shop's schemas have none of these as a field of its own
}

// Two's complement, big-endian, shortest, with the length in front.
char* write_money(char* at, int64_t unscaled) {
  size_t bytes = 1;
  while (bytes < 8 && (unscaled >> (8 * bytes - 1)) != 0 && (unscaled >> (8 * bytes - 1)) != -1) ++bytes;
  *at++ = static_cast<char>(bytes << 1);
  for (size_t i = bytes; i-- > 0;) *at++ = static_cast<char>(unscaled >> (8 * i));
  return at;
}

}  // namespace

const schema::AvroType& value_type(const AvroType& type) {
  const AvroType* inner = type.only();
  CHECK(inner != nullptr);
  return inner->kind == AvroKind::array ? *inner->element : *inner;
}

RecordWriter::RecordWriter(const AvroType& record) : record_(record), scratch_(size_t{1} << 16, '\0') {
  CHECK(record.kind == AvroKind::record && record.fields.size() <= kMostFields);
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const AvroType& type = *record.fields[i].type;
    optional_.push_back(type.kind == AvroKind::choice);
    if (optional_.back()) CHECK(type.null_branch() == std::optional<size_t>(0) && type.branches.size() == 2);
    at_[i] = static_cast<uint32_t>(defaults_.size());
    put_default(record.fields[i], defaults_);
  }
  at_[record.fields.size()] = static_cast<uint32_t>(defaults_.size());
}

size_t RecordWriter::index_of(std::string_view field) const {
  for (size_t i = 0; i < record_.fields.size(); ++i) {
    if (record_.fields[i].name == field) return i;
  }
  CHECK(false);
  return 0;
}

const AvroType& RecordWriter::type_of(size_t field) const {
  return *record_.fields[field].type;
}

void RecordWriter::begin() {
  is_set_ = {};
  used_ = 0;
}

char* RecordWriter::open(size_t field, size_t most_bytes) {
  if (used_ + most_bytes + 16 > scratch_.size()) scratch_.resize(2 * (used_ + most_bytes + 16));
  is_set_[field / 64] |= uint64_t{1} << (field % 64);
  set_[field].begin = static_cast<uint32_t>(used_);
  char* at = scratch_.data() + used_;
  if (optional_[field]) *at++ = 2;
  return at;
}

void RecordWriter::close(size_t field, const char* end) {
  used_ = static_cast<size_t>(end - scratch_.data());
  set_[field].end = static_cast<uint32_t>(used_);
}

void RecordWriter::text(size_t field, std::string_view value) {
  char* at = write_varint(open(field, value.size()), zigzag(static_cast<int64_t>(value.size())));
  close(field, write_raw(at, value.data(), value.size()));
}

void RecordWriter::number(size_t field, int64_t value) {
  close(field, write_varint(open(field, 0), zigzag(value)));
}

void RecordWriter::money(size_t field, int64_t unscaled) {
  close(field, write_money(open(field, 0), unscaled));
}

void RecordWriter::boolean(size_t field, bool value) {
  char* at = open(field, 0);
  *at++ = value ? 1 : 0;
  close(field, at);
}

void RecordWriter::real32(size_t field, float value) {
  char* at = open(field, 0);
  std::memcpy(at, &value, sizeof value);
  close(field, at + sizeof value);
}

void RecordWriter::real64(size_t field, double value) {
  char* at = open(field, 0);
  std::memcpy(at, &value, sizeof value);
  close(field, at + sizeof value);
}

void RecordWriter::raw(size_t field, BytesView encoded) {
  char* at = open(field, encoded.size());
  close(field, write_raw(at, encoded.data(), encoded.size()));
}

void RecordWriter::texts(size_t field, const std::string* values, size_t count) {
  size_t bytes = 16;
  for (size_t i = 0; i < count; ++i) bytes += values[i].size() + 10;
  char* at = open(field, bytes);
  if (count > 0) at = write_varint(at, zigzag(static_cast<int64_t>(count)));
  for (size_t i = 0; i < count; ++i) {
    at = write_varint(at, zigzag(static_cast<int64_t>(values[i].size())));
    at = write_raw(at, values[i].data(), values[i].size());
  }
  *at++ = 0;
  close(field, at);
}

void RecordWriter::end(Bytes& out) {
  const size_t before = out.size();
  out.resize(before + used_ + defaults_.size());
  char* at = out.data() + before;
  uint32_t copied = 0;  // of the defaults
  for (size_t word = 0; word < is_set_.size(); ++word) {
    for (uint64_t left = is_set_[word]; left != 0; left &= left - 1) {
      const size_t field = 64 * word + static_cast<size_t>(std::countr_zero(left));
      at = write_raw(at, defaults_.data() + copied, at_[field] - copied);
      at = write_raw(at, scratch_.data() + set_[field].begin, set_[field].end - set_[field].begin);
      copied = at_[field + 1];
    }
  }
  at = write_raw(at, defaults_.data() + copied, defaults_.size() - copied);
  out.resize(static_cast<size_t>(at - out.data()));
}

}  // namespace tradewind::simulate
