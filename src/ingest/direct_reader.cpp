#include "ingest/direct_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/coding.h"
#include "ingest/plain_decimal.h"

namespace tradewind::ingest {
namespace {

namespace ondemand = simdjson::ondemand;
using schema::AvroKind;
using schema::AvroLogical;
using schema::AvroType;

constexpr size_t kMostDepth = 40;  // far below what the careful reader takes
constexpr size_t kMostOneByteCount = 63;
constexpr size_t kUnknown = SIZE_MAX;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && is_blank(token.substr(token.size() - 1))) token.remove_suffix(1);
  return token;
}

}  // namespace

struct DirectReader::Work {
  // A field of a record at hand: where its value lies in the scratch.
  struct Slot {
    size_t field;
    size_t begin;
    size_t end;
  };

  ondemand::parser parser;
  std::string padded;
  std::string scratch;
  std::vector<Slot> slots;  // of all records that are open
  std::vector<std::vector<size_t>>
      usual;                            // per record's number: which field the n-th member was the last time
  const EventPlan* usual_of = nullptr;  // whose these are
  schema::SchemaId usual_schema = 0;
  const EventPlan* plan = nullptr;
  Events* events = nullptr;
  Event event;
  size_t depth = 0;
  std::vector<Bytes> written_at;  // by depth, for records within records

  // ---- bytes ----

  void put(const void* from, size_t size) { scratch.append(static_cast<const char*>(from), size); }
  void put_text(std::string_view text) {
    char length[12];
    put(length, static_cast<size_t>(write_varint(length, text.size() * 2) - length));
    scratch += text;
  }
  void put_number(int64_t value) {
    char bytes[12];
    put(bytes, static_cast<size_t>(write_varint(bytes, zigzag(value)) - bytes));
  }
  void put_decimal(int64_t value) {
    const auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(value ^ (value >> 63))));
    const size_t size = bits / 8 + 1;
    scratch += static_cast<char>(size * 2);
    const uint64_t word = __builtin_bswap64(static_cast<uint64_t>(value) << (64 - 8 * size));
    put(&word, size);
  }

  // ---- a body ----

  bool read(std::string_view body, Shape shape, size_t most) {
    if (usual_of != plan || usual_schema != plan->schema_id) {
      usual.assign(plan->records, {});
      usual_of = plan;
      usual_schema = plan->schema_id;
    }
    std::vector<size_t> starts;
    if (!pad(body, shape, starts)) return false;
    ondemand::document document;
    ondemand::array outer;
    if (parser.iterate(padded.data(), padded.size(), padded.capacity()).get(document)) return false;
    if (document.get_array().get(outer)) return false;
    size_t count = 0;
    for (auto element : outer) {
      ondemand::value value;
      ondemand::json_type type;
      if (element.get(value) || value.type().get(type)) return false;
      if (shape == Shape::json) {
        if (count++ > 0) return false;
        if (!one_or_many(value, type, most)) return false;
        continue;
      }
      // Each must begin where its line does: lines are not mended.
      if (count >= starts.size() || type != ondemand::json_type::object) return false;
      if (value.raw_json_token().data() != padded.data() + starts[count]) return false;
      if (++count > most || !take(value)) return false;
    }
    const char* rest = nullptr;
    const bool whole = document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
    return whole && count == (shape == Shape::json ? 1 : starts.size());
  }

  // The body in brackets, lines with commas between.
  bool pad(std::string_view body, Shape shape, std::vector<size_t>& starts) {
    padded.clear();
    padded.reserve(body.size() + 64 + simdjson::SIMDJSON_PADDING);
    padded += '[';
    if (shape == Shape::json) {
      padded += body;
    } else {
      while (!body.empty()) {
        const size_t end = std::min(body.find('\n'), body.size());
        const std::string_view line = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (is_blank(line)) continue;
        if (!starts.empty()) padded += ',';
        starts.push_back(padded.size() + line.find_first_not_of(" \t\r"));
        padded += line;
      }
      if (starts.empty()) return false;
    }
    padded += ']';
    padded.reserve(padded.size() + simdjson::SIMDJSON_PADDING);
    return true;
  }

  bool one_or_many(ondemand::value value, ondemand::json_type type, size_t most) {
    if (type == ondemand::json_type::object) return take(value);
    ondemand::array array;
    if (type != ondemand::json_type::array || value.get_array().get(array)) return false;
    size_t count = 0;
    for (auto element : array) {
      ondemand::value one;
      if (element.get(one) || ++count > most || !take(one)) return false;
    }
    return true;
  }

  bool take(ondemand::value value) {
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    scratch.clear();
    slots.clear();
    event = Event();
    depth = 0;
    events->values += plan->head;
    if (!members(object, *plan->root, true) || !assemble(*plan->root, 0, events->values)) return false;
    event.value_end = static_cast<uint32_t>(events->values.size());
    event.key_end = static_cast<uint32_t>(events->keys.size());
    events->all.push_back(event);
    return events->values.size() < UINT32_MAX / 2;
  }

  // ---- records ----

  // Reads the members of an object into the scratch, a slot for each.
  bool members(ondemand::object object, const RecordPlan& record, bool root) {
    if (++depth > kMostDepth) return false;
    std::vector<size_t>& guesses = usual[record.number];
    size_t number = 0;
    for (auto member : object) {
      ondemand::field field;
      if (std::move(member).get(field)) return false;
      const size_t index = field_of(field, record, guesses, number++);
      if (index == kUnknown) {
        if (!skip(field, record)) return false;
        continue;
      }
      const size_t begin = scratch.size();
      const FieldPlan& planned = record.fields[index];
      const bool took = root && (index == plan->key || index == plan->time || index == plan->id)
                            ? noted(field.value(), planned.value, index)
                            : value(field.value(), planned.value);
      if (!took) return false;
      slots.push_back({index, begin, scratch.size()});
    }
    --depth;
    return true;
  }

  // Members come in the same order as a rule: the name is compared with the last one's, and looked up if not.
  static size_t field_of(ondemand::field& field, const RecordPlan& record, std::vector<size_t>& guesses,
                         size_t number) {
    const char* raw = field.key().raw();
    if (number < guesses.size() && guesses[number] != kUnknown) {
      const std::string& name = record.fields[guesses[number]].name;
      if (std::memcmp(raw, name.data(), name.size()) == 0 && raw[name.size()] == '"') return guesses[number];
    }
    size_t size = 0;  // names of Avro hold no escapes
    while (raw[size] != '"' && raw[size] != '\\') ++size;
    const auto found = record.find({raw, size});
    const size_t index = raw[size] == '"' && found ? *found : kUnknown;
    if (number < 256) {
      guesses.resize(std::max(guesses.size(), number + 1), kUnknown);
      guesses[number] = index;
    }
    return index;
  }

  // A member that no field takes must be JSON all the same. False also where a field takes it in other
  // letters.
  bool skip(ondemand::field& field, const RecordPlan& record) {
    std::string_view name;
    if (field.unescaped_key().get(name)) return false;
    return !record.find_ignoring_case(name) && is_json(field.value(), depth);
  }

  static bool is_json(ondemand::value value, size_t depth) {
    ondemand::json_type type;
    if (depth > kMostDepth || value.type().get(type)) return false;
    switch (type) {
      case ondemand::json_type::null: {
        bool null = false;
        return value.is_null().get(null) == simdjson::SUCCESS && null;
      }
      case ondemand::json_type::boolean: {
        bool truth = false;
        return value.get_bool().get(truth) == simdjson::SUCCESS;
      }
      case ondemand::json_type::number: {
        double number = 0;
        return value.get_double().get(number) == simdjson::SUCCESS;
      }
      case ondemand::json_type::string: {
        std::string_view text;
        return value.get_string().get(text) == simdjson::SUCCESS;
      }
      case ondemand::json_type::array: {
        ondemand::array array;
        if (value.get_array().get(array)) return false;
        for (auto element : array) {
          ondemand::value inner;
          if (element.get(inner) || !is_json(inner, depth + 1)) return false;
        }
        return true;
      }
      case ondemand::json_type::object: {
        ondemand::object object;
        if (value.get_object().get(object)) return false;
        for (auto member : object) {
          ondemand::field field;
          std::string_view name;
          if (std::move(member).get(field) || field.unescaped_key().get(name)) return false;
          if (!is_json(field.value(), depth + 1)) return false;
        }
        return true;
      }
    }
    return false;
  }

  // Writes a record whose members are in the slots from `first` on, and takes these away. `out` is not the
  // scratch.
  bool assemble(const RecordPlan& record, size_t first, Bytes& out) {
    const auto begin = slots.begin() + static_cast<ptrdiff_t>(first);
    bool ordered = true;
    for (size_t i = first + 1; i < slots.size(); ++i)
      ordered = ordered && slots[i - 1].field < slots[i].field;
    if (!ordered) {
      std::stable_sort(begin, slots.end(), [](const Slot& a, const Slot& b) { return a.field < b.field; });
      for (size_t i = first + 1; i < slots.size(); ++i) {
        if (slots[i - 1].field == slots[i].field) return false;  // twice
      }
    }
    size_t next = 0;
    for (size_t i = first; i < slots.size(); ++i) {
      const Slot& slot = slots[i];
      if (!fill(record, next, slot.field, out)) return false;
      out.append(scratch, slot.begin, slot.end - slot.begin);
      next = slot.field + 1;
    }
    slots.resize(first);
    return fill(record, next, record.fields.size(), out);
  }

  // What stands in for the fields of [from, to).
  static bool fill(const RecordPlan& record, size_t from, size_t to, Bytes& out) {
    if (from == to) return true;
    if (record.required[to] != record.required[from]) return false;
    const size_t begin = from == 0 ? 0 : record.ends[from - 1];
    out.append(record.fallbacks, begin, record.ends[to - 1] - begin);
    return true;
  }

  // ---- values, at the end of the scratch ----

  bool value(ondemand::value json, const ValuePlan& planned) {
    ondemand::json_type type;
    if (json.type().get(type)) return false;
    if (type == ondemand::json_type::null) {
      bool null = false;
      if (json.is_null().get(null) || !null || !planned.null_bytes) return false;
      scratch += *planned.null_bytes;
      return true;
    }
    if (!planned.branches.empty()) return false;
    scratch += planned.branch;
    return other_value(json, type, planned);
  }

  bool other_value(ondemand::value json, ondemand::json_type type, const ValuePlan& planned) {
    const AvroType& avro = *planned.type;
    switch (avro.kind) {
      case AvroKind::string: {
        std::string_view text;
        if (json.get_string().get(text)) return false;
        put_text(text);
        return true;
      }
      case AvroKind::int32:
      case AvroKind::int64: return whole(json, type, avro);
      case AvroKind::boolean: {
        bool truth = false;
        if (json.get_bool().get(truth)) return false;
        scratch += truth ? '\1' : '\0';
        return true;
      }
      case AvroKind::float32:
      case AvroKind::float64: return real(json, type, avro);
      case AvroKind::enumeration: return symbol(json, avro);
      case AvroKind::bytes: return avro.logical == AvroLogical::decimal && decimal(json, type, avro);
      case AvroKind::record: return record(json, *planned.record);
      case AvroKind::array: return array(json, *planned.element);
      case AvroKind::map: return map(json, *planned.element);
      case AvroKind::null:
      case AvroKind::fixed:
      case AvroKind::choice: break;
    }
    return false;
  }

  bool whole(ondemand::value json, ondemand::json_type type, const AvroType& avro) {
    int64_t number = 0;
    if (type != ondemand::json_type::number || json.get_int64().get(number)) return false;
    if (avro.kind == AvroKind::int32 && number != static_cast<int32_t>(number)) return false;
    const bool micros = avro.logical == AvroLogical::timestamp_micros ||
                        avro.logical == AvroLogical::local_timestamp_micros ||
                        avro.logical == AvroLogical::time_micros;
    if (micros) return false;
    put_number(number);
    return true;
  }

  bool real(ondemand::value json, ondemand::json_type type, const AvroType& avro) {
    double number = 0;
    if (type != ondemand::json_type::number || json.get_double().get(number)) return false;
    if (avro.kind == AvroKind::float32) {
      const auto narrow = static_cast<float>(number);
      put(&narrow, sizeof narrow);
    } else {
      put(&number, sizeof number);
    }
    return true;
  }

  bool symbol(ondemand::value json, const AvroType& avro) {
    std::string_view text;
    if (json.get_string().get(text)) return false;
    const auto found = std::ranges::find(avro.symbols, text);
    if (found == avro.symbols.end()) return false;
    put_number(found - avro.symbols.begin());
    return true;
  }

  bool decimal(ondemand::value json, ondemand::json_type type, const AvroType& avro) {
    std::string_view text;
    if (type == ondemand::json_type::string) {
      if (json.get_string().get(text)) return false;
    } else {
      double ignored = 0;
      text = trimmed(json.raw_json_token());
      if (type != ondemand::json_type::number || json.get_double().get(ignored)) return false;
    }
    const auto number = plain_decimal(text, avro.precision, avro.scale);
    if (number) put_decimal(*number);
    return number.has_value();
  }

  bool record(ondemand::value json, const RecordPlan& planned) {
    ondemand::object object;
    if (json.get_object().get(object)) return false;
    const size_t first = slots.size();
    const size_t begin = scratch.size();
    if (!members(object, planned, false)) return false;
    // What was read makes room for what is written.
    if (written_at.size() <= depth) written_at.resize(depth + 1);
    Bytes& written = written_at[depth];
    written.clear();
    if (!assemble(planned, first, written)) return false;
    scratch.resize(begin);
    scratch += written;
    return true;
  }

  bool array(ondemand::value json, const ValuePlan& planned) {
    ondemand::array array;
    if (json.get_array().get(array)) return false;
    const size_t begin = scratch.size();
    scratch += '\0';
    size_t count = 0;
    for (auto element : array) {
      ondemand::value inner;
      if (element.get(inner) || ++count > kMostOneByteCount) return false;
      if (!value(inner, planned)) return false;
    }
    return close_block(begin, count);
  }

  bool map(ondemand::value json, const ValuePlan& planned) {
    ondemand::object object;
    if (json.get_object().get(object)) return false;
    const size_t begin = scratch.size();
    scratch += '\0';
    size_t count = 0;
    for (auto member : object) {
      ondemand::field field;
      std::string_view name;
      if (std::move(member).get(field) || field.unescaped_key().get(name) || ++count > kMostOneByteCount)
        return false;
      put_text(name);
      if (!value(field.value(), planned)) return false;
    }
    return close_block(begin, count);
  }

  // The count stands in front, and a block of none behind.
  bool close_block(size_t begin, size_t count) {
    if (count == 0) return true;
    scratch[begin] = static_cast<char>(count * 2);
    scratch += '\0';
    return true;
  }

  // Key, time and id are looked at beside being written.
  bool noted(ondemand::value json, const ValuePlan& planned, size_t index) {
    const size_t begin = scratch.size();
    if (!value(json, planned)) return false;
    BytesView written = BytesView(scratch).substr(begin);
    if (planned.null_bytes && written == *planned.null_bytes) return true;  // only null is written so
    written.remove_prefix(planned.branch.size());
    const AvroKind kind = planned.type->kind;
    if (kind == AvroKind::string) {
      int64_t size = 0;
      if (!get_zigzag(written, size)) return false;
      const BytesView text = written;
      if (index == plan->key) note_key(text);
      if (index == plan->id) note_id(text);
    } else if (kind == AvroKind::int64 || kind == AvroKind::int32) {
      int64_t number = 0;
      if (!get_zigzag(written, number)) return false;
      if (index == plan->time && kind == AvroKind::int64) event.time_ms = number;
      if (index == plan->id) note_id(std::to_string(number));
    } else if (index != plan->time) {
      return false;  // keys and ids of other kinds
    }
    return true;
  }

  void note_key(BytesView text) {
    events->keys += text;
    event.has_key = true;
  }
  void note_id(BytesView text) {
    event.id = id_of(plan->topic_hash, text);
    event.has_id = true;
  }
};

DirectReader::DirectReader() : work_(std::make_unique<Work>()) {}
DirectReader::~DirectReader() = default;

bool DirectReader::read(const EventPlan& plan, std::string_view body, Shape shape, size_t most,
                        Events& events) {
  const size_t values = events.values.size();
  const size_t keys = events.keys.size();
  const size_t count = events.all.size();
  work_->plan = &plan;
  work_->events = &events;
  if (work_->read(body, shape, most)) return true;
  events.values.resize(values);
  events.keys.resize(keys);
  events.all.resize(count);
  return false;
}

}  // namespace tradewind::ingest
