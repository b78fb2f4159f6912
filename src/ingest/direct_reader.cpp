#include "ingest/direct_reader.h"

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "ingest/avro_bytes.h"
#include "ingest/json_tokens.h"
#include "ingest/plain_decimal.h"
#include "ingest/usual_object.h"

namespace tradewind::ingest {
namespace {

using schema::AvroKind;
using schema::AvroLogical;
using schema::AvroType;

constexpr size_t kMostDepth = 40;  // of records, lists and maps: far below what the careful reader takes
constexpr size_t kMostOneByteCount = 63;
constexpr size_t kMostAgain = 4;  // times a body's size

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

struct DirectReader::Work {
  // A member of an object whose members are in another order: where its value lies in `out`.
  struct Slot {
    size_t field;
    size_t begin;
    size_t end;
  };

  JsonTokens tokens;
  std::string list;          // of lines
  bool escapes = false;      // the body has some
  AvroBytes* out = nullptr;  // the values of the events
  std::string unescaped;
  std::vector<Slot> slots;         // of all objects in another order that are open
  std::vector<UsualObject> usual;  // by the record's number; then the event's, which may hold itself
  uint64_t usual_of = 0;           // the number of the plan whose these are
  const EventPlan* plan = nullptr;
  Events* events = nullptr;
  Event event;
  size_t key_begin = 0;  // of the event's, in the keys
  size_t depth = 0;
  size_t may_again = 0;  // bytes of this body that may still be read once more

  bool knows(const EventPlan& other) const { return usual_of == other.number; }

  // ---- a body ----

  bool read(const std::string& body, Shape shape, size_t most) {
    if (!knows(*plan)) {
      usual.assign(plan->records + 1, {});
      usual_of = plan->number;
    }
    may_again = body.size() * kMostAgain;
    escapes = body.find('\\') != std::string_view::npos;
    if (!(shape == Shape::json ? one_or_many(body, most) : lines(body, most))) return false;
    return tokens.at_end();
  }

  bool one_or_many(const std::string& body, size_t most) {
    if (!tokens.cut(body)) return false;
    if (tokens.peek() == '{') return take();
    size_t count = 0;
    return walk_list(tokens, [&] { return ++count <= most && take(); });
  }

  // Each must begin where its line does: lines are not mended.
  bool lines(std::string_view body, size_t most) {
    std::vector<size_t> starts;
    list_lines(body, starts);
    if (starts.empty() || !tokens.cut(list)) return false;
    size_t count = 0;
    const bool whole = walk_list(tokens, [&] {
      if (count >= starts.size() || tokens.at() != list.data() + starts[count]) return false;
      return ++count <= most && take();
    });
    return whole && count == starts.size();
  }

  void list_lines(std::string_view body, std::vector<size_t>& starts) {
    list = "[";
    while (!body.empty()) {
      const size_t end = std::min(body.find('\n'), body.size());
      const std::string_view line = body.substr(0, end);
      body.remove_prefix(std::min(end + 1, body.size()));
      if (is_blank(line)) continue;
      if (!starts.empty()) list += ',';
      starts.push_back(list.size() + line.find_first_not_of(" \t\r"));
      list += line;
    }
    list += ']';
  }

  bool take() {
    slots.clear();
    event = Event();
    depth = 0;
    key_begin = events->keys.size();
    out->raw(plan->head);
    if (!record(*plan->root, true)) return false;
    const size_t end = out->size();
    event.value_end = static_cast<uint32_t>(end);
    event.key_end = static_cast<uint32_t>(events->keys.size());
    events->all.push_back(event);
    return end < UINT32_MAX / 2;
  }

  // ---- records ----

  // Objects are tried in the order they had the last time: as a rule it is the schema's, and each member goes
  // where it belongs. One that is not is read once more; in objects in objects that would soon be very often.
  bool record(const RecordPlan& planned, bool root) {
    if (++depth > kMostDepth) return false;
    UsualObject& last = usual[root ? plan->records : planned.number];
    const size_t open = depth;
    if (last.in_order) {
      const JsonTokens::Mark mark = tokens.mark();
      const size_t begin = out->size();
      if (in_order(planned, last, root)) {
        --depth;
        return true;
      }
      const size_t again = tokens.written_since(mark).size();
      if (last.in_order || again > may_again) return false;
      may_again -= again;
      tokens.go_back(mark);
      out->shrink_to(begin);
      depth = open;
    }
    if (!in_any_order(planned, last, root)) return false;
    --depth;
    return true;
  }

  // False, and last.in_order too: it is in another order.
  bool in_order(const RecordPlan& planned, UsualObject& last, bool root) {
    last.behind.resize(planned.fields.size() + 1);
    size_t next = 0;  // behind the last member's field
    for (bool opened = false;; opened = true) {
      UsualMember& usual = last.behind[next];
      if ((next > 0 || !opened) && tokens.take(usual.opening)) {
        next = usual.field + 1;  // now: a record that holds itself may learn another member while it is read
        if (!usual_value(planned.fields[next - 1], usual, root)) return false;
        continue;
      }
      if (opened && tokens.take('}')) break;
      if (!opened && is_empty_object()) break;
      if (!other_member(planned, last, next, opened, root)) return false;
    }
    return fill(planned, next, planned.fields.size());
  }

  bool is_empty_object() {
    const JsonTokens::Mark mark = tokens.mark();
    if (tokens.take('{') && tokens.take('}')) return true;
    tokens.go_back(mark);
    return false;
  }

  // One that is not as it was the last time, which it will be the next. Moves `next` behind its field, if it
  // has one.
  [[gnu::noinline]] bool other_member(const RecordPlan& planned, UsualObject& last, size_t& next, bool opened,
                                      bool root) {
    const JsonTokens::Mark mark = tokens.mark();
    std::string_view name;
    if (!tokens.take(opened ? ',' : '{') || !member_name(tokens, name)) return false;
    const size_t index = planned.find(name).value_or(kUnknownField);
    if (index == kUnknownField) return skip(name, planned);
    UsualMember& usual = last.behind[next];
    last.in_order = index >= next && usual.learn(planned, next, index, root && is_looked_at(index));
    if (!last.in_order) return false;
    usual.opening.set(next > 0 || !opened ? tokens.written_since(mark) : "");
    next = index + 1;
    return usual_value(planned.fields[index], usual, root);
  }

  [[gnu::always_inline]] bool usual_value(const FieldPlan& planned, UsualMember& usual, bool root) {
    if (usual.kind == UsualMember::Kind::other || tokens.peek() != '"') {
      out->raw(BytesView(usual.lead).substr(0, usual.stand_ins));
      return member(planned, usual.field, root);
    }
    std::string_view text;
    if (!plain_text(text)) return false;
    if (usual.kind == UsualMember::Kind::symbol) {
      out->raw(usual.lead);
      return symbol(*planned.value.type, text, usual.symbol);
    }
    out->text(usual.lead, text);
    if (usual.kind == UsualMember::Kind::noted_text) note_text(usual.field, text);
    return true;
  }

  // First all members, then each in its place.
  bool in_any_order(const RecordPlan& planned, UsualObject& last, bool root) {
    const size_t first = slots.size();
    const size_t begin = out->size();
    size_t number = 0;
    const bool whole = walk_object(tokens, [&](std::string_view name) {
      const size_t index = last.field_of(name, planned, number++);
      if (index == kUnknownField) return skip(name, planned);
      const size_t at = out->size();
      if (!member(planned.fields[index], index, root)) return false;
      slots.push_back({index, at, out->size()});
      return true;
    });
    if (!whole || !sort_slots(first, last)) return false;
    const std::string written(out->view(begin));
    out->shrink_to(begin);
    size_t next = 0;
    for (size_t i = first; i < slots.size(); ++i) {
      const Slot& slot = slots[i];
      if (!fill(planned, next, slot.field)) return false;
      out->raw(BytesView(written).substr(slot.begin - begin, slot.end - slot.begin));
      next = slot.field + 1;
    }
    slots.resize(first);
    return fill(planned, next, planned.fields.size());
  }

  // Those from `first` on. False: a field is there twice.
  bool sort_slots(size_t first, UsualObject& last) {
    const auto before = [](const Slot& a, const Slot& b) { return a.field < b.field; };
    const auto begin = slots.begin() + static_cast<ptrdiff_t>(first);
    last.in_order = std::is_sorted(begin, slots.end(), before);
    if (!last.in_order) std::sort(begin, slots.end(), before);
    return std::adjacent_find(begin, slots.end(),
                              [](const Slot& a, const Slot& b) { return a.field == b.field; }) == slots.end();
  }

  bool member(const FieldPlan& planned, size_t index, bool root) {
    return root && is_looked_at(index) ? noted(planned.value, index) : value(planned.value);
  }

  bool is_looked_at(size_t index) const {
    return index == plan->key || index == plan->time || index == plan->id;
  }

  // What stands in for the fields of [from, to).
  bool fill(const RecordPlan& planned, size_t from, size_t to) {
    if (from == to) return true;
    if (planned.required[to] != planned.required[from]) return false;
    out->raw(planned.stand_ins(from, to));
    return true;
  }

  // A member that no field takes must be JSON all the same. False also where its name has escapes, or a field
  // takes it in other letters.
  bool skip(std::string_view name, const RecordPlan& planned) {
    return !escaped(name) && !planned.find_ignoring_case(name) && is_json(depth);
  }

  bool escaped(std::string_view raw) const { return escapes && tokens.has_escape(raw); }

  bool is_json(size_t deep) {
    if (deep > kMostDepth) return false;
    switch (tokens.peek()) {
      case '{':
        return walk_object(
            tokens, [&](std::string_view name) { return unescape(name, unescaped) && is_json(deep + 1); });
      case '[': return walk_list(tokens, [&] { return is_json(deep + 1); });
      case '"': return unescape(tokens.raw_text(), unescaped);
      default: break;
    }
    const std::string_view word = tokens.word();
    return word == "null" || word == "true" || word == "false" || real_number(word).has_value();
  }

  // ---- values ----

  bool value(const ValuePlan& planned) {
    if (tokens.peek() == 'n') {
      if (tokens.word() != "null" || !planned.null_bytes) return false;
      out->raw(*planned.null_bytes);
      return true;
    }
    if (!planned.branches.empty()) return false;
    out->raw(planned.branch);
    return planned.type->kind == AvroKind::string ? text() : other_value(planned);
  }

  bool other_value(const ValuePlan& planned) {
    const AvroType& avro = *planned.type;
    switch (avro.kind) {
      case AvroKind::string: return text();
      case AvroKind::int32:
      case AvroKind::int64: {
        int64_t number = 0;
        return whole(avro, number);
      }
      case AvroKind::boolean: return truth();
      case AvroKind::float32:
      case AvroKind::float64: return real(avro);
      case AvroKind::enumeration: {
        std::string_view text;
        size_t usual = 0;
        return plain_text(text) && symbol(avro, text, usual);
      }
      case AvroKind::bytes: return avro.logical == AvroLogical::decimal && decimal(avro);
      case AvroKind::record: return record(*planned.record, false);
      case AvroKind::array: return array(*planned.element);
      case AvroKind::map: return map(*planned.element);
      case AvroKind::null:
      case AvroKind::fixed:
      case AvroKind::choice: break;
    }
    return false;
  }

  // A text without its escapes. False: none is at hand, or an escape is broken.
  bool plain_text(std::string_view& text) {
    if (tokens.peek() != '"') return false;
    text = tokens.raw_text();
    if (!escaped(text)) return true;
    if (!unescape(text, unescaped)) return false;
    text = unescaped;
    return true;
  }

  bool text() {
    std::string_view text;
    if (!plain_text(text)) return false;
    out->text(text);
    return true;
  }

  bool whole(const AvroType& avro, int64_t& number) {
    if (!tokens.whole_number(number)) return false;
    if (avro.kind == AvroKind::int32 && number != static_cast<int32_t>(number)) return false;
    const bool micros = avro.logical == AvroLogical::timestamp_micros ||
                        avro.logical == AvroLogical::local_timestamp_micros ||
                        avro.logical == AvroLogical::time_micros;
    if (micros) return false;
    out->number(number);
    return true;
  }

  bool truth() {
    const std::string_view word = tokens.word();
    out->byte(word == "true" ? '\1' : '\0');
    return word == "true" || word == "false";
  }

  bool real(const AvroType& avro) {
    const auto number = real_number(tokens.word());
    if (!number) return false;
    if (avro.kind == AvroKind::float32) {
      const auto narrow = static_cast<float>(*number);
      out->raw({reinterpret_cast<const char*>(&narrow), sizeof narrow});
    } else {
      out->raw({reinterpret_cast<const char*>(&*number), sizeof *number});
    }
    return true;
  }

  bool symbol(const AvroType& avro, std::string_view text, size_t& usual) {
    if (avro.symbols.empty()) return false;
    if (!same_name(avro.symbols[usual], text)) {
      const auto found = std::ranges::find_if(
          avro.symbols, [&](const std::string& symbol) { return same_name(symbol, text); });
      if (found == avro.symbols.end()) return false;
      usual = static_cast<size_t>(found - avro.symbols.begin());
    }
    out->number(static_cast<int64_t>(usual));
    return true;
  }

  bool decimal(const AvroType& avro) {
    std::string_view digits;
    if (tokens.peek() != '"')
      digits = tokens.word();
    else if (!plain_text(digits))
      return false;
    const auto number = plain_decimal(digits, avro.precision, avro.scale);
    if (number) out->unscaled(*number);
    return number.has_value();
  }

  bool array(const ValuePlan& planned) {
    const size_t begin = out->size();
    out->byte('\0');
    size_t count = 0;
    if (++depth > kMostDepth) return false;
    const bool whole = walk_list(tokens, [&] { return ++count <= kMostOneByteCount && value(planned); });
    --depth;
    return whole && close_block(begin, count);
  }

  bool map(const ValuePlan& planned) {
    const size_t begin = out->size();
    out->byte('\0');
    size_t count = 0;
    if (++depth > kMostDepth) return false;
    const bool whole = walk_object(tokens, [&](std::string_view name) {
      const bool plain = !escaped(name);
      if (++count > kMostOneByteCount || (!plain && !unescape(name, unescaped))) return false;
      out->text(plain ? name : std::string_view(unescaped));
      return value(planned);
    });
    --depth;
    return whole && close_block(begin, count);
  }

  // The count stands in front, and a block of none behind.
  bool close_block(size_t begin, size_t count) {
    if (count == 0) return true;
    out->set(begin, static_cast<char>(count * 2));
    out->byte('\0');
    return true;
  }

  // Key, time and id are looked at beside being written.
  bool noted(const ValuePlan& planned, size_t index) {
    const AvroKind kind = planned.type->kind;
    if (tokens.peek() == 'n' || !planned.branches.empty()) return value(planned);
    if (kind == AvroKind::string) {
      std::string_view text;
      if (!plain_text(text)) return false;
      out->text(planned.branch, text);
      note_text(index, text);
      return true;
    }
    if (kind == AvroKind::int64 || kind == AvroKind::int32) {
      int64_t number = 0;
      out->raw(planned.branch);
      if (!whole(*planned.type, number)) return false;
      if (index == plan->time && kind == AvroKind::int64) event.time_ms = number;
      if (index == plan->id) note_id(std::to_string(number));
      return true;
    }
    return index != plan->key && index != plan->id && value(planned);  // not those of other kinds
  }

  void note_text(size_t index, BytesView text) {
    if (index == plan->key) note_key(text);
    if (index == plan->id) note_id(text);
  }
  // An object that is read again has the same one again.
  void note_key(BytesView text) {
    events->keys.resize(key_begin);
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

bool DirectReader::knows(const EventPlan& plan) const {
  return work_->knows(plan);
}

bool DirectReader::read(const EventPlan& plan, const std::string& body, Shape shape, size_t most,
                        Events& events) {
  const size_t values = events.values.size();
  const size_t keys = events.keys.size();
  const size_t count = events.all.size();
  work_->plan = &plan;
  work_->events = &events;
  work_->out = &events.values;
  if (work_->read(body, shape, most)) return true;
  events.values.shrink_to(values);
  events.keys.resize(keys);
  events.all.resize(count);
  return false;
}

}  // namespace tradewind::ingest
