#include <cmath>

#include "base/time.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "engine/engine.h"

namespace tradewind::engine {
namespace {

void append_text(BytesView text, std::string& out) {
  JsonWriter(out).string(text);
}

void append_list(const Type& type, const Column& column, size_t row, std::string& out) {
  const bool map = type.kind() == Kind::map;
  out += map ? '{' : '[';
  for (uint32_t at = column.offsets()[row]; at < column.offsets()[row + 1]; ++at) {
    if (at != column.offsets()[row]) out += ',';
    if (map) {
      append_text(value_text(type.key(), value_at(*column.children()[0], at)), out);
      out += ':';
    }
    append_json(type.element(), *column.children()[map ? 1 : 0], at, out);
  }
  out += map ? '}' : ']';
}

}  // namespace

void append_json(const Type& type, const Column& column, size_t row, std::string& out) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  switch (type.kind()) {
    case Kind::boolean: out += column.data<uint8_t>()[row] != 0 ? "true" : "false"; return;
    case Kind::integer: out += std::to_string(column.data<int32_t>()[row]); return;
    case Kind::bigint: out += std::to_string(column.data<int64_t>()[row]); return;
    case Kind::real: {
      const double value = column.data<double>()[row];
      if (std::isfinite(value))
        out += double_text(value);
      else
        append_text(double_text(value), out);
      return;
    }
    case Kind::decimal: out += decimal_text(value_at(column, row).decimal(), type.scale()); return;
    case Kind::string: append_text(column.data<BytesView>()[row], out); return;
    case Kind::bytes:
    case Kind::time:
    case Kind::date:
    case Kind::timestamp: append_text(value_text(type, value_at(column, row)), out); return;
    case Kind::array:
    case Kind::map: append_list(type, column, row, out); return;
    case Kind::structure:
      out += '{';
      for (size_t i = 0; i < type.fields().size(); ++i) {
        if (i > 0) out += ',';
        append_text(type.fields()[i].name, out);
        out += ':';
        if (column.children()[i] == nullptr)
          out += "null";
        else
          append_json(type.fields()[i].type, *column.children()[i], row, out);
      }
      out += '}';
      return;
  }
}

}  // namespace tradewind::engine
