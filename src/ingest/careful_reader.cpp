#include "ingest/careful_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/coding.h"
#include "base/json.h"
#include "data/decimal.h"

namespace tradewind::ingest {
namespace {

using schema::AvroKind;
using schema::AvroLogical;
using schema::AvroType;

constexpr size_t kMostShown = 60;  // bytes of a wrong value in a message
constexpr JsonLimits kLimits{.bytes = size_t{64} << 20};

bool is_micros(const AvroType& type) {
  return type.logical == AvroLogical::timestamp_micros ||
         type.logical == AvroLogical::local_timestamp_micros || type.logical == AvroLogical::time_micros;
}

// A number, or a text that is one.
const std::string* number_text(const Json& json) {
  return json.is(Json::Kind::number) || json.is(Json::Kind::string) ? &json.text() : nullptr;
}

// 12, "12", 12.0 and 1.2e1; not 12.5.
std::optional<int64_t> whole_number(const Json& json) {
  const std::string* text = number_text(json);
  if (text == nullptr || text->empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size()) return value;
  char* rest = nullptr;
  const double real = std::strtod(text->c_str(), &rest);
  if (*rest != '\0' || std::trunc(real) != real || !(std::abs(real) < 9.2e18)) return std::nullopt;
  return static_cast<int64_t>(real);
}

std::optional<double> real_number(const Json& json) {
  const std::string* text = number_text(json);
  if (text == nullptr || text->empty()) return std::nullopt;
  char* rest = nullptr;
  const double value = std::strtod(text->c_str(), &rest);
  if (*rest != '\0') return std::nullopt;
  return value;
}

// Exact: no digit is lost.
std::optional<Int128> decimal_number(const Json& json, const AvroType& type) {
  const std::string* written = number_text(json);
  if (written == nullptr || type.precision > 38) return std::nullopt;
  std::string_view text = *written;
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    text = text.substr(0, e);
  }
  const auto parsed = parse_decimal(text);
  if (!parsed || std::abs(exponent) > 1000) return std::nullopt;
  const int scale = parsed->scale - static_cast<int>(exponent);
  std::optional<Int128> unscaled = parsed->unscaled;
  if (scale < 0) unscaled = rescale(*unscaled, scale, 0);
  if (!unscaled) return std::nullopt;
  const int lifted = std::max(scale, 0);
  const auto scaled = rescale(*unscaled, lifted, type.scale);
  if (!scaled || !fits_precision(*scaled, type.precision)) return std::nullopt;
  if (lifted > type.scale && rescale(*scaled, type.scale, lifted) != unscaled) return std::nullopt;
  return scaled;
}

std::string path_of(const std::string& place, const std::string& name) {
  return place.empty() ? name : place + "." + name;
}

// One event.
class EventReader {
 public:
  EventReader(const EventPlan& plan, Events& events) : plan_(plan), events_(events) {}

  // Null is an event that says nothing: all that may be missing is.
  void read(const Json& json, size_t index) {
    if (json.is_null()) return read(Json::object(), index);
    event_ = Event();
    value_ = plan_.head;
    const size_t keys_before = events_.keys.size();
    wrong_ = Rejected{.index = index};
    if (!record(json, *plan_.root, "", value_)) {
      events_.keys.resize(keys_before);
      events_.rejected.push_back(std::move(wrong_));
      return;
    }
    note_key_time_id(json);
    events_.values.raw(value_);
    event_.value_end = static_cast<uint32_t>(events_.values.size());
    event_.key_end = static_cast<uint32_t>(events_.keys.size());
    events_.all.push_back(event_);
  }

 private:
  static const Json* member(const Json& object, const FieldPlan& field) {
    if (const Json* exact = object.find(field.name)) return exact;
    const std::string name = schema::upper_case(field.name);
    const Json* found = nullptr;
    for (const Json::Member& other : object.members()) {
      if (schema::upper_case(other.name) == name) found = &other.value;
    }
    return found;
  }

  bool record(const Json& json, const RecordPlan& plan, const std::string& place, Bytes& out) {
    if (!json.is(Json::Kind::object)) return refuse(json, "an object", place);
    for (const FieldPlan& field : plan.fields) {
      const Json* own = member(json, field);
      const bool null = own != nullptr && own->is_null();
      if (own == nullptr || (null && !field.value.null_bytes)) {
        if (!field.fallback) return missing(field, path_of(place, field.name));
        out += *field.fallback;
      } else if (!value(*own, field.value, path_of(place, field.name), out)) {
        return false;
      }
    }
    return true;
  }

  bool value(const Json& json, const ValuePlan& plan, const std::string& place, Bytes& out) {
    if (json.is_null()) {
      if (!plan.null_bytes) return refuse(json, expected_of(*plan.type), place);
      out += *plan.null_bytes;
      return true;
    }
    if (!plan.branches.empty()) return branch(json, plan, place, out);
    out += plan.branch;
    const AvroType& type = *plan.type;
    bool fine = false;
    switch (type.kind) {
      case AvroKind::null:
      case AvroKind::choice: break;
      case AvroKind::boolean:
        fine = json.is(Json::Kind::boolean);
        if (fine) out += json.truth() ? '\1' : '\0';
        break;
      case AvroKind::int32:
      case AvroKind::int64: fine = put_whole(json, type, out); break;
      case AvroKind::float32:
      case AvroKind::float64: fine = put_real(json, type, out); break;
      case AvroKind::string: put_text(out, text_of(json)); return true;
      case AvroKind::enumeration: fine = put_symbol(json, type, out); break;
      case AvroKind::bytes:
      case AvroKind::fixed: fine = put_binary(json, type, out); break;
      case AvroKind::array: return array(json, plan, place, out);
      case AvroKind::map: return map(json, plan, place, out);
      case AvroKind::record: return record(json, *plan.record, place, out);
    }
    return fine || refuse(json, expected_of(type), place);
  }

  // As it is written; of lists and objects their JSON.
  static std::string text_of(const Json& json) {
    const std::string* text = number_text(json);
    return text != nullptr ? *text : json.dump();
  }

  static bool put_whole(const Json& json, const AvroType& type, Bytes& out) {
    auto number = whole_number(json);
    if (!number) return false;
    if (type.kind == AvroKind::int32 && *number != static_cast<int32_t>(*number)) return false;
    int64_t value = *number;
    if (is_micros(type) && __builtin_mul_overflow(value, int64_t{1000}, &value)) return false;
    put_zigzag(out, value);
    return true;
  }

  static bool put_real(const Json& json, const AvroType& type, Bytes& out) {
    const auto number = real_number(json);
    if (!number) return false;
    if (type.kind == AvroKind::float32)
      put_fixed(out, static_cast<float>(*number));
    else
      put_fixed(out, *number);
    return true;
  }

  static bool put_symbol(const Json& json, const AvroType& type, Bytes& out) {
    if (!json.is(Json::Kind::string)) return false;
    const auto found = std::ranges::find(type.symbols, json.text());
    if (found == type.symbols.end()) return false;
    put_zigzag(out, found - type.symbols.begin());
    return true;
  }

  static bool put_binary(const Json& json, const AvroType& type, Bytes& out) {
    Bytes bytes;
    if (type.logical == AvroLogical::decimal) {
      const auto number = decimal_number(json, type);
      if (!number) return false;
      bytes = decimal_bytes(*number);
      if (type.kind == AvroKind::fixed) {
        if (bytes.size() > type.size) return false;
        bytes.insert(0, type.size - bytes.size(), *number < 0 ? '\xff' : '\0');
      }
    } else if (!json.is(Json::Kind::string) || !from_base64(json.text(), bytes)) {
      return false;
    }
    if (type.kind == AvroKind::bytes) {
      put_text(out, bytes);
      return true;
    }
    out += bytes;
    return bytes.size() == type.size;
  }

  bool array(const Json& json, const ValuePlan& plan, const std::string& place, Bytes& out) {
    if (!json.is(Json::Kind::array)) return refuse(json, expected_of(*plan.type), place);
    if (!json.elements().empty()) put_zigzag(out, static_cast<int64_t>(json.elements().size()));
    for (size_t i = 0; i < json.elements().size(); ++i) {
      if (!value(json.elements()[i], *plan.element, place + "[" + std::to_string(i) + "]", out)) return false;
    }
    out += '\0';
    return true;
  }

  bool map(const Json& json, const ValuePlan& plan, const std::string& place, Bytes& out) {
    if (!json.is(Json::Kind::object)) return refuse(json, expected_of(*plan.type), place);
    if (!json.members().empty()) put_zigzag(out, static_cast<int64_t>(json.members().size()));
    for (const Json::Member& entry : json.members()) {
      put_text(out, entry.name);
      if (!value(entry.value, *plan.element, path_of(place, entry.name), out)) return false;
    }
    out += '\0';
    return true;
  }

  // {"string": "x"}: the member names the branch.
  bool branch(const Json& json, const ValuePlan& plan, const std::string& place, Bytes& out) {
    if (!json.is(Json::Kind::object)) return refuse(json, expected_of(*plan.type), place);
    for (size_t i = 0; i < plan.branches.size(); ++i) {
      const ValuePlan& one = plan.branches[i];
      for (const Json::Member& member : json.members()) {
        const bool named = schema::upper_case(member.name) == schema::branch_field(*one.type) ||
                           member.name == one.type->name;
        if (!named || member.value.is_null()) continue;
        put_zigzag(out, static_cast<int64_t>(i));
        return value(member.value, one, path_of(place, member.name), out);
      }
    }
    return refuse(json, expected_of(*plan.type), place);
  }

  bool missing(const FieldPlan& field, const std::string& place) {
    wrong_.field = place;
    wrong_.expected = expected_of(*field.value.type);
    wrong_.error = "field " + place + " is missing";
    return false;
  }

  bool refuse(const Json& json, const std::string& expected, const std::string& place) {
    std::string found = json.dump();
    if (found.size() > kMostShown) found = found.substr(0, kMostShown) + "...";
    wrong_.field = place;
    wrong_.expected = expected;
    wrong_.error = (place.empty() ? std::string("the event") : "field " + place) + ": expected " + expected +
                   ", found " + found;
    return false;
  }

  void note_key_time_id(const Json& json) {
    const auto own = [&](std::optional<size_t> field) -> const Json* {
      const Json* found = field ? member(json, plan_.root->fields[*field]) : nullptr;
      return found == nullptr || found->is_null() ? nullptr : found;
    };
    const auto type = [&](size_t field) { return plan_.root->fields[field].value.type->kind; };
    if (const Json* key = own(plan_.key); key != nullptr && is_text(type(*plan_.key))) {
      events_.keys += bytes_in(*key, type(*plan_.key));
      event_.has_key = true;
    }
    if (const Json* time = own(plan_.time); time != nullptr && type(*plan_.time) == AvroKind::int64)
      event_.time_ms = whole_number(*time);
    if (const Json* id = own(plan_.id); id != nullptr) {
      const AvroKind kind = type(*plan_.id);
      if (is_text(kind)) {
        event_.has_id = true;
        event_.id = id_of(plan_.topic_hash, bytes_in(*id, kind));
      } else if (kind == AvroKind::int32 || kind == AvroKind::int64) {
        event_.has_id = true;
        event_.id = id_of(plan_.topic_hash, std::to_string(*whole_number(*id)));
      }
    }
  }

  static bool is_text(AvroKind kind) {
    return kind == AvroKind::string || kind == AvroKind::enumeration || kind == AvroKind::bytes;
  }
  static Bytes bytes_in(const Json& json, AvroKind kind) {
    Bytes bytes;
    if (kind == AvroKind::bytes && json.is(Json::Kind::string) && from_base64(json.text(), bytes))
      return bytes;
    return text_of(json);
  }

  const EventPlan& plan_;
  Events& events_;
  Bytes value_;
  Event event_;
  Rejected wrong_;
};

Error too_many(size_t count, size_t most) {
  return Error{Code::invalid,
               std::to_string(count) + " events at once; send at most " + std::to_string(most)};
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

Result<> read_lines(std::string_view body, size_t most, EventReader& reader, Events& events) {
  size_t index = 0;
  while (!body.empty()) {
    const size_t end = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (is_blank(line)) continue;
    if (index >= most) return too_many(index + 1, most);
    const auto json = parse_json(line, kLimits);
    if (json.ok())
      reader.read(*json, index);
    else
      events.rejected.push_back({index, json.error().message, "", "one event a line, as a JSON object"});
    ++index;
  }
  return {};
}

}  // namespace

Result<> read_carefully(const EventPlan& plan, std::string_view body, Shape shape, size_t most,
                        Events& events) {
  EventReader reader(plan, events);
  if (shape == Shape::lines) return read_lines(body, most, reader, events);
  const Json json = TRY(parse_json(body, kLimits));
  if (!json.is(Json::Kind::array)) {
    reader.read(json, 0);
    return {};
  }
  if (json.elements().size() > most) return too_many(json.elements().size(), most);
  for (size_t i = 0; i < json.elements().size(); ++i) reader.read(json.elements()[i], i);
  return {};
}

}  // namespace tradewind::ingest
