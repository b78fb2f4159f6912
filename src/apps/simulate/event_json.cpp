#include "apps/simulate/event_json.h"

#include <charconv>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::simulate {
namespace {

using schema::AvroKind;
using schema::AvroLogical;
using schema::AvroType;

bool put(const AvroType& type, BytesView& in, std::string& out);

bool put_integer(BytesView& in, std::string& out) {
  int64_t value = 0;
  if (!get_zigzag(in, value)) return false;
  out += std::to_string(value);
  return true;
}

template <typename T>
bool put_real(BytesView& in, std::string& out) {
  T value = 0;
  if (!get_fixed(in, value)) return false;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
  return true;
}

bool take_bytes(BytesView& in, BytesView& bytes) {
  int64_t size = 0;
  if (!get_zigzag(in, size) || size < 0 || static_cast<uint64_t>(size) > in.size()) return false;
  bytes = in.substr(0, static_cast<size_t>(size));
  in.remove_prefix(static_cast<size_t>(size));
  return true;
}

bool put_bytes_like(const AvroType& type, BytesView& in, std::string& out) {
  BytesView bytes;
  if (!take_bytes(in, bytes)) return false;
  if (type.logical != AvroLogical::decimal) {
    append_json_string(out, bytes);
    return true;
  }
  const auto unscaled = decimal_from_bytes(bytes);
  if (unscaled) out += decimal_text(*unscaled, type.scale);
  return unscaled.has_value();
}

bool put_symbol(const AvroType& type, BytesView& in, std::string& out) {
  int64_t number = 0;
  if (!get_zigzag(in, number) || number < 0 || static_cast<size_t>(number) >= type.symbols.size())
    return false;
  append_json_string(out, type.symbols[static_cast<size_t>(number)]);
  return true;
}

// Blocks of elements, or of names and values; each may tell its bytes.
bool put_blocks(const AvroType& type, BytesView& in, std::string& out) {
  const bool map = type.kind == AvroKind::map;
  out += map ? '{' : '[';
  bool first = true;
  while (true) {
    int64_t count = 0, bytes = 0;
    if (!get_zigzag(in, count)) return false;
    if (count == 0) break;
    if (count < 0 && !get_zigzag(in, bytes)) return false;
    for (int64_t left = count < 0 ? -count : count; left > 0; --left) {
      if (!std::exchange(first, false)) out += ',';
      BytesView name;
      if (map && !take_bytes(in, name)) return false;
      if (map) {
        append_json_string(out, name);
        out += ':';
      }
      if (!put(*type.element, in, out)) return false;
    }
  }
  out += map ? '}' : ']';
  return true;
}

bool put_record(const AvroType& type, BytesView& in, std::string& out) {
  out += '{';
  bool first = true;
  for (const schema::AvroField& field : type.fields) {
    const size_t before = out.size();
    if (!first) out += ',';
    append_json_string(out, field.name);
    out += ':';
    const size_t value = out.size();
    if (!put(*field.type, in, out)) return false;
    const std::string_view written = std::string_view(out).substr(value);
    if (written == "null" || written == "[]" || written == "{}")
      out.resize(before);
    else
      first = false;
  }
  out += '}';
  return true;
}

bool put(const AvroType& type, BytesView& in, std::string& out) {
  switch (type.kind) {
    case AvroKind::null: out += "null"; return true;
    case AvroKind::boolean: {
      if (in.empty()) return false;
      out += in[0] != '\0' ? "true" : "false";
      in.remove_prefix(1);
      return true;
    }
    case AvroKind::int32:
    case AvroKind::int64: return put_integer(in, out);
    case AvroKind::float32: return put_real<float>(in, out);
    case AvroKind::float64: return put_real<double>(in, out);
    case AvroKind::bytes:
    case AvroKind::string: return put_bytes_like(type, in, out);
    case AvroKind::record: return put_record(type, in, out);
    case AvroKind::enumeration: return put_symbol(type, in, out);
    case AvroKind::array:
    case AvroKind::map: return put_blocks(type, in, out);
    case AvroKind::choice: {
      int64_t branch = 0;
      if (!get_zigzag(in, branch) || branch < 0 || static_cast<size_t>(branch) >= type.branches.size())
        return false;
      return put(*type.branches[static_cast<size_t>(branch)], in, out);
    }
    case AvroKind::fixed: break;
  }
  return false;  // the shop's schemas have no fixed
}

}  // namespace

bool EventJson::append(BytesView body, std::string& out) const {
  return put_record(record_, body, out) && body.empty();
}

}  // namespace tradewind::simulate
