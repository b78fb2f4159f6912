#include "random_avro.h"

#include <cmath>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::schema {
namespace {

Json text_json(const std::string& text) {
  return Json::string(text);
}

Json logical(const char* base, const char* name) {
  return Json::object({{"type", text_json(base)}, {"logicalType", text_json(name)}});
}

Json decimal_json(Json::Member base, int precision, int scale) {
  return Json::object({std::move(base),
                       {"logicalType", text_json("decimal")},
                       {"precision", Json::number(int64_t{precision})},
                       {"scale", Json::number(int64_t{scale})}});
}

// The object with some members replaced.
Json with(const Json& object, const std::string& name, Json value) {
  Json result = Json::object();
  for (const Json::Member& member : object.members()) {
    if (member.name != name) result.set(member.name, member.value);
  }
  result.set(name, std::move(value));
  return result;
}

bool is_type(const Json& json, const char* type) {
  return json.is(Json::Kind::object) && json.string_at("type") == type;
}

}  // namespace

Json RandomAvro::record() {
  return record_of(0);
}

Json RandomAvro::record_of(int depth) {
  Json fields = Json::array();
  const uint64_t count = 1 + random_.below(depth == 0 ? 8 : 4);
  for (uint64_t i = 0; i < count; ++i) {
    fields.push(Json::object({{"name", text_json(name("f"))}, {"type", field_type(depth)}}));
  }
  return Json::object(
      {{"type", text_json("record")}, {"name", text_json(name("R"))}, {"fields", std::move(fields)}});
}

Json RandomAvro::field_type(int depth) {
  const uint64_t draw = depth < 3 ? random_.below(20) : random_.below(14);
  if (draw < 10) return scalar();
  if (draw < 14) {
    Json inner = depth < 3 && random_.chance(0.4) ? field_type(depth + 1) : scalar();
    if (inner.is(Json::Kind::array)) return inner;
    if (random_.chance(0.5)) return Json::array({text_json("null"), std::move(inner)});
    return Json::array({std::move(inner), text_json("null")});
  }
  if (draw < 16) return Json::object({{"type", text_json("array")}, {"items", field_type(depth + 1)}});
  if (draw < 17) return Json::object({{"type", text_json("map")}, {"values", field_type(depth + 1)}});
  if (draw < 18)
    return Json::array({text_json("null"), text_json("int"), text_json("string"), text_json("boolean")});
  return record_of(depth + 1);
}

Json RandomAvro::scalar() {
  switch (random_.below(20)) {
    case 0: return text_json("boolean");
    case 1: return text_json("int");
    case 2: return text_json("long");
    case 3: return text_json("float");
    case 4: return text_json("double");
    case 5: return text_json("bytes");
    case 6:
      return Json::object({{"type", text_json("fixed")},
                           {"name", text_json(name("F"))},
                           {"size", Json::number(static_cast<int64_t>(1 + random_.below(20)))}});
    case 7: {
      Json symbols = Json::array();
      const uint64_t count = 1 + random_.below(5);
      for (uint64_t i = 0; i < count; ++i) symbols.push(text_json("S" + std::to_string(i)));
      return Json::object({{"type", text_json("enum")},
                           {"name", text_json(name("E"))},
                           {"symbols", std::move(symbols)},
                           {"default", text_json("S0")}});
    }
    case 8: {
      const int precision = static_cast<int>(1 + random_.below(38));
      return decimal_json({"type", text_json("bytes")}, precision,
                          static_cast<int>(random_.below(static_cast<uint64_t>(precision) + 1)));
    }
    case 9: {
      const int precision = static_cast<int>(1 + random_.below(18));
      Json fixed = decimal_json({"type", text_json("fixed")}, precision,
                                static_cast<int>(random_.below(2)) % precision);
      fixed.set("name", text_json(name("D")));
      fixed.set("size", Json::number(static_cast<int64_t>(8 + random_.below(12))));
      return fixed;
    }
    case 10: return logical("int", "date");
    case 11: return logical("int", "time-millis");
    case 12: return logical("long", "time-micros");
    case 13: return logical("long", "timestamp-millis");
    case 14: return logical("long", "timestamp-micros");
    default: return text_json("string");
  }
}

Json RandomAvro::evolved(const Json& writer) {
  Json reader = widened(writer);
  const bool plain = reader.is(Json::Kind::string) && reader.text() != "null";
  return plain && random_.chance(0.15) ? Json::array({text_json("null"), std::move(reader)}) : reader;
}

Json RandomAvro::widened(const Json& writer) {
  if (writer.is(Json::Kind::array)) {
    Json branches = Json::array();
    const bool several = writer.elements().size() > 2;
    for (const Json& branch : writer.elements()) branches.push(several ? branch : widened(branch));
    return branches;
  }
  if (writer.is(Json::Kind::string)) {
    const std::string& type = writer.text();
    if (type == "int" && random_.chance(0.4)) return text_json(random_.chance(0.5) ? "long" : "double");
    if (type == "long" && random_.chance(0.3)) return text_json("double");
    if (type == "float" && random_.chance(0.4)) return text_json("double");
    if (type == "string" && random_.chance(0.1)) return text_json("bytes");
    return writer;
  }
  if (is_type(writer, "record")) return evolved_record(writer);
  if (is_type(writer, "enum")) return evolved_enum(writer);
  if (is_type(writer, "array")) return with(writer, "items", evolved(*writer.find("items")));
  if (is_type(writer, "map")) return with(writer, "values", evolved(*writer.find("values")));
  return writer;
}

Json RandomAvro::evolved_record(const Json& writer) {
  std::vector<Json> fields;
  for (const Json& field : writer.find("fields")->elements()) {
    if (random_.chance(0.15) && !fields.empty()) continue;
    Json kept = Json::object({{"name", *field.find("name")}, {"type", evolved(*field.find("type"))}});
    if (random_.chance(0.15)) {
      kept = Json::object({{"name", text_json(name("renamed"))},
                           {"aliases", Json::array({*field.find("name")})},
                           {"type", *kept.find("type")}});
    }
    const auto place =
        static_cast<std::ptrdiff_t>(random_.chance(0.3) ? random_.below(fields.size() + 1) : fields.size());
    fields.insert(fields.begin() + place, std::move(kept));
  }
  if (random_.chance(0.5)) fields.push_back(new_field());
  return with(writer, "fields", Json::array(std::move(fields)));
}

Json RandomAvro::evolved_enum(const Json& writer) {
  Json symbols = Json::array();
  for (const Json& symbol : writer.find("symbols")->elements()) {
    if (symbol.text() == "S0" || random_.chance(0.7)) symbols.push(symbol);
  }
  return with(writer, "symbols", std::move(symbols));
}

Json RandomAvro::new_field() {
  Json field = Json::object({{"name", text_json(name("added"))}});
  const auto add = [&](Json type, Json fallback) {
    field.set("type", std::move(type));
    field.set("default", std::move(fallback));
  };
  switch (random_.below(6)) {
    case 0: add(text_json("string"), text_json("none")); break;
    case 1: add(text_json("int"), Json::number(int64_t{-7})); break;
    case 2: add(Json::array({text_json("null"), text_json("long")}), Json()); break;
    case 3:
      add(Json::object({{"type", text_json("array")}, {"items", text_json("int")}}),
          Json::array({Json::number(int64_t{1}), Json::number(int64_t{2})}));
      break;
    case 4:
      add(Json::object({{"type", text_json("map")}, {"values", text_json("string")}}),
          Json::object({{"k", text_json("v")}}));
      break;
    default: add(text_json("double"), Json::number("2.5")); break;
  }
  return field;
}

int64_t RandomAvro::number(int64_t low, int64_t high) {
  if (random_.chance(0.3)) return std::max(low, std::min(high, random_.between(-3, 3)));
  if (low != INT64_MIN || high != INT64_MAX) return random_.between(low, high);
  return static_cast<int64_t>(random_.next() >> random_.below(64)) * (random_.chance(0.5) ? -1 : 1);
}

std::string RandomAvro::text() {
  constexpr const char* kPieces[] = {"a", "tradewind",  "\xc3\xa9", "\xe2\x82\xac", "\"", "\\",
                                     " ", "0123456789", "\n"};
  std::string text;
  const uint64_t pieces = random_.chance(0.02) ? 50 : random_.below(5);
  for (uint64_t i = 0; i < pieces; ++i) text += kPieces[random_.below(9)];
  return text;
}

void RandomAvro::value(const AvroType& type, bool blocks, Bytes& out) {
  using enum AvroLogical;
  switch (type.kind) {
    case AvroKind::null: return;
    case AvroKind::boolean: out += static_cast<char>(random_.below(2)); return;
    case AvroKind::int32:
      if (type.logical == date) return put_zigzag(out, random_.between(-100'000, 100'000));
      if (type.logical == time_millis) return put_zigzag(out, random_.between(0, 86'399'999));
      return put_zigzag(out, number(INT32_MIN, INT32_MAX));
    case AvroKind::int64:
      if (type.logical == time_micros) return put_zigzag(out, random_.between(0, 86'399'999) * 1000);
      if (type.logical == timestamp_millis)
        return put_zigzag(out, random_.between(-1'000'000'000'000, 4'000'000'000'000));
      if (type.logical == timestamp_micros) {
        return put_zigzag(out, random_.between(-1'000'000'000'000, 4'000'000'000'000) * 1000);
      }
      return put_zigzag(out, number(INT64_MIN, INT64_MAX));
    case AvroKind::float32: return put_fixed(out, static_cast<float>(random_.unit() * 1e6 - 5e5));
    case AvroKind::float64: return put_fixed(out, random_.unit() * 1e12 - 5e11);
    case AvroKind::string: {
      const std::string value = text();
      put_zigzag(out, static_cast<int64_t>(value.size()));
      out += value;
      return;
    }
    case AvroKind::bytes:
    case AvroKind::fixed: return bytes_value(type, out);
    case AvroKind::enumeration:
      return put_zigzag(out, static_cast<int64_t>(random_.below(type.symbols.size())));
    case AvroKind::choice: {
      const uint64_t branch = random_.below(type.branches.size());
      put_zigzag(out, static_cast<int64_t>(branch));
      return value(*type.branches[branch], blocks, out);
    }
    case AvroKind::array:
    case AvroKind::map: return list(type, blocks, out);
    case AvroKind::record:
      for (const AvroField& field : type.fields) value(*field.type, blocks, out);
      return;
  }
}

void RandomAvro::bytes_value(const AvroType& type, Bytes& out) {
  const bool sized = type.kind == AvroKind::fixed;
  if (type.logical != AvroLogical::decimal) {
    const uint64_t size = sized ? type.size : random_.below(12);
    if (!sized) put_zigzag(out, static_cast<int64_t>(size));
    for (uint64_t i = 0; i < size; ++i) out += static_cast<char>(random_.below(256));
    return;
  }
  Int128 unscaled = static_cast<Int128>(random_.next()) << 64 | random_.next();
  unscaled %= power_of_ten(static_cast<int>(random_.below(static_cast<uint64_t>(type.precision) + 1)));
  const std::string bytes = decimal_bytes(unscaled);
  if (sized) {
    out.append(type.size - bytes.size(), unscaled < 0 ? '\xff' : '\0');
  } else {
    put_zigzag(out, static_cast<int64_t>(bytes.size()));
  }
  out += bytes;
}

void RandomAvro::list(const AvroType& type, bool blocks, Bytes& out) {
  const uint64_t parts = blocks ? random_.below(3) : random_.below(2);
  for (uint64_t part = 0; part < parts; ++part) {
    const auto count = static_cast<int64_t>(1 + random_.below(3));
    Bytes body;
    for (int64_t i = 0; i < count; ++i) {
      if (type.kind == AvroKind::map) {
        const std::string key = name("k");
        put_zigzag(body, static_cast<int64_t>(key.size()));
        body += key;
      }
      value(*type.element, blocks, body);
    }
    const bool sized = blocks && random_.chance(0.5);
    put_zigzag(out, sized ? -count : count);
    if (sized) put_zigzag(out, static_cast<int64_t>(body.size()));
    out += body;
  }
  put_zigzag(out, 0);
}

}  // namespace tradewind::schema
