#include <algorithm>
#include <map>

#include "schema/avro/plan.h"

namespace tradewind::schema::avro {
namespace {

constexpr size_t kMostLeast = 1 << 20;
constexpr int kMostInlined = 10'000;  // fields of records skipped one by one; the rest is skipped as wholes

size_t least(const AvroType& type, std::map<const AvroType*, size_t>& known) {
  switch (type.kind) {
    case AvroKind::null: return 0;
    case AvroKind::float32: return 4;
    case AvroKind::float64: return 8;
    case AvroKind::fixed: return type.size;
    case AvroKind::record: break;
    default: return 1;
  }
  if (const auto found = known.find(&type); found != known.end()) return found->second;
  known[&type] = 0;  // a record in itself counts nothing
  size_t sum = 0;
  for (const AvroField& field : type.fields) sum = std::min(sum + least(*field.type, known), kMostLeast);
  known[&type] = sum;
  return sum;
}

const AvroField* field_named(const AvroType& record, std::string_view name, bool any_case) {
  for (const AvroField& field : record.fields) {
    if (any_case ? upper_case(field.name) == upper_case(name) : field.name == name) return &field;
  }
  return nullptr;
}

// Exactly, then ignoring case.
const AvroField* field_for(const AvroType& record, std::string_view column) {
  const AvroField* field = field_named(record, column, false);
  return field != nullptr ? field : field_named(record, column, true);
}

class Compiler {
 public:
  Compiler(Plan& plan, const Slots& slots) : plan_(plan), slots_(slots) {}

  void record(const AvroType& writer, const AvroType* reader, const std::vector<Field>& columns,
              const std::vector<int>& slots, const std::string& place, Steps& steps) {
    std::vector<size_t> column_of(writer.fields.size(), SIZE_MAX);
    std::vector<const AvroField*> reader_fields(columns.size(), nullptr);
    std::vector<size_t> missing;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (slots[i] < 0) continue;
      reader_fields[i] = reader == nullptr ? nullptr : field_for(*reader, columns[i].name);
      const AvroField* found = source_of(writer, reader_fields[i], columns[i].name);
      const size_t number = found == nullptr ? SIZE_MAX : static_cast<size_t>(found - writer.fields.data());
      if (found == nullptr || column_of[number] != SIZE_MAX) {
        missing.push_back(i);
      } else {
        column_of[number] = i;
      }
    }
    for (size_t i = 0; i < writer.fields.size(); ++i) {
      const AvroField& field = writer.fields[i];
      const std::string at = place.empty() ? field.name : place + "." + field.name;
      if (column_of[i] == SIZE_MAX) {
        skip(*field.type, at);
        continue;
      }
      const AvroField* as = reader_fields[column_of[i]];
      value(*field.type, as == nullptr ? nullptr : as->type, slots[column_of[i]], at, steps);
    }
    for (const size_t i : missing) fill(reader_fields[i], columns[i].type, slots[i], place, steps);
  }

  void value(const AvroType& writer, const AvroType* reader, int slot, const std::string& place,
             Steps& steps) {
    if (writer.kind == AvroKind::choice) return choice(writer, reader, slot, place, steps);
    const Type& target = slots_[slot].type;
    const AvroType* as = branch_for(reader, writer);
    if (writer.kind == AvroKind::record && target.kind() == Kind::structure) {
      if (!stands_for_union(reader)) {
        return record(writer, as, target.fields(), slots_[slot].children, place, steps);
      }
    }
    if (stands_for_union(reader) && target.kind() == Kind::structure && as != nullptr) {
      return into_branch(writer, *as, as, slot, place, steps);
    }
    if (writer.kind == AvroKind::array && target.kind() == Kind::array)
      return array(writer, as, slot, place, steps);
    if (writer.kind == AvroKind::map && target.kind() == Kind::map)
      return map(writer, as, slot, place, steps);
    Step step = scalar(writer, as, target);
    step.slot = slot;
    push(step, place, steps);
  }

  // The skips gathered so far must be done before anything else is read.
  void flush(Steps& steps) {
    if (pending_.empty()) return;
    Step step{.op = Op::skip};
    step.first = static_cast<uint32_t>(plan_.skips.size());
    step.count = static_cast<uint32_t>(pending_.size());
    step.place = pending_.front().place;
    plan_.skips.insert(plan_.skips.end(), pending_.begin(), pending_.end());
    pending_.clear();
    steps.push_back(step);
  }

 private:
  static const AvroField* source_of(const AvroType& writer, const AvroField* reader,
                                    const std::string& column) {
    if (reader == nullptr) return field_for(writer, column);
    if (const AvroField* same = field_named(writer, reader->name, false)) return same;
    for (const std::string& alias : reader->aliases) {
      if (const AvroField* old = field_named(writer, alias, false)) return old;
    }
    return field_named(writer, reader->name, true);
  }

  static bool stands_for_union(const AvroType* reader) {
    return reader != nullptr && reader->kind == AvroKind::choice && reader->only() == nullptr;
  }

  // The part of the reader's type that takes what `writer` wrote; null when unknown.
  static const AvroType* branch_for(const AvroType* reader, const AvroType& writer) {
    if (reader == nullptr || reader->kind != AvroKind::choice) return reader;
    if (const AvroType* only = reader->only()) return only;
    for (const AvroType* branch : reader->branches) {
      if (branch->kind == writer.kind && short_name(branch->name) == short_name(writer.name)) return branch;
    }
    for (const AvroType* branch : reader->branches) {
      if (branch->kind == writer.kind) return branch;
    }
    using enum AvroKind;
    const auto number = [](AvroKind kind) { return kind >= int32 && kind <= float64; };
    for (const AvroType* branch : reader->branches) {
      if (number(writer.kind) && number(branch->kind) && branch->kind > writer.kind) return branch;
    }
    return nullptr;
  }

  // One branch of a union that is a STRUCT in SQL: sets its field, and the others to null.
  void into_branch(const AvroType& writer, const AvroType& branch, const AvroType* reader, int slot,
                   const std::string& place, Steps& steps) {
    const Slot& shape = slots_[slot];
    const std::string name = branch_field(branch);
    flush(steps);
    int child = -2;
    std::vector<int> blanks;
    for (size_t i = 0; i < shape.children.size(); ++i) {
      if (shape.type.fields()[i].name == name) {
        child = shape.children[i];
      } else if (shape.children[i] >= 0) {
        blanks.push_back(shape.children[i]);
      }
    }
    if (child == -2) return refuse("no field " + name + " in " + shape.type.text(), place, steps);
    for (const int blank : blanks) {
      Step step{.op = Op::fill, .slot = blank};
      step.first = static_cast<uint32_t>(plan_.values.size());
      plan_.values.emplace_back();
      push(step, place, steps);
    }
    if (child < 0) return skip(writer, place);
    value(writer, reader, child, place, steps);
  }

  void choice(const AvroType& writer, const AvroType* reader, int slot, const std::string& place,
              Steps& steps) {
    const AvroType* only = writer.only();
    const Type& target = slots_[slot].type;
    if (only != nullptr && writer.branches.size() == 2 && !target.is_nested()) {
      Step step = scalar(*only, branch_for(reader, *only), target);
      step.slot = slot;
      step.null_branch = static_cast<uint8_t>(*writer.null_branch());
      if (step.op != Op::refuse) return push(step, place, steps);
    }
    flush(steps);
    ChoicePart part;
    for (const AvroType* branch : writer.branches) {
      ChoicePart::Branch taken;
      if (branch->kind == AvroKind::null) {
        taken.null = true;
        taken.blanks = {slot};
      } else if (only == nullptr && target.kind() == Kind::structure && names_branches(target, writer)) {
        const AvroType* as = branch_for(reader, *branch);
        into_branch(*branch, as == nullptr ? *branch : *as, as, slot, place, taken.steps);
      } else {
        value(*branch, reader, slot, place, taken.steps);
      }
      flush(taken.steps);
      part.branches.push_back(std::move(taken));
    }
    Step step{.op = Op::choice, .slot = slot};
    step.first = static_cast<uint32_t>(plan_.choices.size());
    plan_.choices.push_back(std::move(part));
    push(step, place, steps);
  }

  // Whether the STRUCT has a field named after some branch of the union.
  static bool names_branches(const Type& target, const AvroType& writer) {
    return std::any_of(writer.branches.begin(), writer.branches.end(), [&](const AvroType* branch) {
      return std::any_of(target.fields().begin(), target.fields().end(),
                         [&](const Field& field) { return field.name == branch_field(*branch); });
    });
  }

  void array(const AvroType& writer, const AvroType* reader, int slot, const std::string& place,
             Steps& steps) {
    flush(steps);
    ListPart part;
    part.element_bytes = least_bytes(*writer.element);
    part_value(*writer.element, reader, slots_[slot].children[0], place + "[]", part.steps);
    flush(part.steps);
    list(std::move(part), slot, place, steps);
  }

  void map(const AvroType& writer, const AvroType* reader, int slot, const std::string& place, Steps& steps) {
    flush(steps);
    ListPart part;
    part.element_bytes = 1 + least_bytes(*writer.element);
    const int key = slots_[slot].children[0];
    if (slots_[slot].type.key().kind() != Kind::string) {
      return refuse("the keys of an Avro map are strings, not " + slots_[slot].type.key().text(), place,
                    steps);
    }
    if (key >= 0) push({.op = Op::text, .slot = key}, place + "{}", part.steps);
    if (key < 0) pending_.push_back({.what = Skip::texts, .count = 1, .place = at(place + "{}")});
    part_value(*writer.element, reader, slots_[slot].children[1], place + "{}", part.steps);
    flush(part.steps);
    list(std::move(part), slot, place, steps);
  }

  void part_value(const AvroType& writer, const AvroType* reader, int slot, const std::string& place,
                  Steps& steps) {
    if (slot < 0) return skip(writer, place);
    value(writer, reader == nullptr ? nullptr : reader->element, slot, place, steps);
  }

  void list(ListPart part, int slot, const std::string& place, Steps& steps) {
    Step step{.op = Op::list, .slot = slot};
    step.first = static_cast<uint32_t>(plan_.lists.size());
    plan_.lists.push_back(std::move(part));
    push(step, place, steps);
  }

  Step scalar(const AvroType& writer, const AvroType* reader, const Type& target) {
    const Kind kind = target.kind();
    const bool whole = kind == Kind::integer || kind == Kind::date || kind == Kind::time;
    const bool micros = writer.logical == AvroLogical::timestamp_micros ||
                        writer.logical == AvroLogical::local_timestamp_micros;
    switch (writer.kind) {
      case AvroKind::boolean:
        if (kind == Kind::boolean) return {.op = Op::boolean};
        break;
      case AvroKind::int32:
      case AvroKind::int64:
        if (kind == Kind::real) return {.op = Op::long_real};
        if (kind == Kind::timestamp) return {.op = micros ? Op::micros : Op::int64};
        if (kind == Kind::bigint) return {.op = Op::int64};
        if (kind == Kind::time && writer.logical == AvroLogical::time_micros) return {.op = Op::micros_time};
        if (whole && (writer.kind == AvroKind::int32 || kind == Kind::time)) return {.op = Op::int32};
        break;
      case AvroKind::float32:
        if (kind == Kind::real) return {.op = Op::float_real};
        break;
      case AvroKind::float64:
        if (kind == Kind::real) return {.op = Op::double_real};
        break;
      case AvroKind::string:
        if (kind == Kind::string || kind == Kind::bytes) return {.op = Op::text};
        break;
      case AvroKind::bytes:
      case AvroKind::fixed: return bytes(writer, target);
      case AvroKind::enumeration:
        if (kind == Kind::string) return symbol(writer, reader);
        break;
      default: break;
    }
    return cannot(writer, target);
  }

  Step bytes(const AvroType& writer, const Type& target) {
    const uint32_t size = writer.kind == AvroKind::fixed ? static_cast<uint32_t>(writer.size) : kLengthFirst;
    const bool lengthy = writer.kind == AvroKind::bytes;
    if (target.kind() == Kind::bytes || (lengthy && target.kind() == Kind::string)) {
      return {.op = lengthy ? Op::text : Op::fixed, .size = size};
    }
    if (target.kind() != Kind::decimal || writer.logical != AvroLogical::decimal)
      return cannot(writer, target);
    Step step{.op = Op::decimal64, .size = size};
    step.count = static_cast<uint32_t>(target.precision());
    if (writer.scale == target.scale() && target.layout() == Layout::i64) return step;
    step.op = Op::decimal;
    step.first = static_cast<uint32_t>(plan_.decimals.size());
    plan_.decimals.push_back(
        {.from_scale = writer.scale, .to_scale = target.scale(), .precision = target.precision()});
    return step;
  }

  Step symbol(const AvroType& writer, const AvroType* reader) {
    EnumPart part;
    const bool known_only = reader != nullptr && reader->kind == AvroKind::enumeration;
    for (const std::string& symbol : writer.symbols) {
      BytesView view = symbol;
      if (known_only &&
          std::find(reader->symbols.begin(), reader->symbols.end(), symbol) == reader->symbols.end()) {
        view = reader->symbol_default ? BytesView(*reader->symbol_default) : BytesView();
      }
      part.symbols.push_back(view);
    }
    Step step{.op = Op::symbol};
    step.first = static_cast<uint32_t>(plan_.enumerations.size());
    plan_.enumerations.push_back(std::move(part));
    return step;
  }

  Step cannot(const AvroType& writer, const Type& target) {
    Step step{.op = Op::refuse};
    step.first = static_cast<uint32_t>(plan_.reasons.size());
    plan_.reasons.push_back(std::string("an Avro ") + name_of(writer.kind) + " cannot become " +
                            target.text());
    return step;
  }

  void refuse(const std::string& reason, const std::string& place, Steps& steps) {
    Step step{.op = Op::refuse};
    step.first = static_cast<uint32_t>(plan_.reasons.size());
    plan_.reasons.push_back(reason);
    push(step, place, steps);
  }

  void fill(const AvroField* reader, const Type& sql, int slot, const std::string& place, Steps& steps) {
    Value value;
    if (reader != nullptr && reader->fallback && check_default(*reader->type, *reader->fallback, "").ok()) {
      value = value_of_default(*reader->type, *reader->fallback, sql);
    }
    Step step{.op = Op::fill, .slot = slot};
    step.first = constant(std::move(value));
    step.place = at(place);
    steps.push_back(step);  // reads nothing, so no skip has to come before it
  }

  uint32_t constant(Value value) {
    plan_.values.push_back(std::move(value));
    return static_cast<uint32_t>(plan_.values.size() - 1);
  }

  uint32_t at(const std::string& place) {
    if (plan_.places.empty() || plan_.places.back() != place) plan_.places.push_back(place);
    return static_cast<uint32_t>(plan_.places.size() - 1);
  }

  void push(Step step, const std::string& place, Steps& steps) {
    flush(steps);
    step.place = at(place);
    steps.push_back(step);
  }

  void skip(const AvroType& type, const std::string& place, int depth = 0) {
    SkipPart part = skip_of(type);
    if (part.what == Skip::bytes && part.count == 0) return;
    if (type.kind == AvroKind::record && inlined_ < kMostInlined && depth < 16) {
      inlined_ += static_cast<int>(type.fields.size()) + 1;
      for (const AvroField& field : type.fields) skip(*field.type, place + "." + field.name, depth + 1);
      return;
    }
    part.place = at(place);
    const bool joins = part.what == Skip::varints || part.what == Skip::texts || part.what == Skip::bytes;
    if (joins && !pending_.empty() && pending_.back().what == part.what) {
      pending_.back().count += part.count;
      return;
    }
    pending_.push_back(part);
  }

  static SkipPart skip_of(const AvroType& type) {
    switch (type.kind) {
      case AvroKind::null: return {.what = Skip::bytes, .count = 0};
      case AvroKind::boolean: return {.what = Skip::bytes, .count = 1};
      case AvroKind::float32: return {.what = Skip::bytes, .count = 4};
      case AvroKind::float64: return {.what = Skip::bytes, .count = 8};
      case AvroKind::fixed: return {.what = Skip::bytes, .count = static_cast<uint32_t>(type.size)};
      case AvroKind::int32:
      case AvroKind::int64:
      case AvroKind::enumeration: return {.what = Skip::varints, .count = 1};
      case AvroKind::bytes:
      case AvroKind::string: return {.what = Skip::texts, .count = 1};
      case AvroKind::choice: return skip_of_choice(type);
      default: return {.what = Skip::other, .type = &type};
    }
  }

  static SkipPart skip_of_choice(const AvroType& type) {
    const AvroType* only = type.only();
    if (only != nullptr && type.branches.size() == 2) {
      SkipPart part = skip_of(*only);
      part.null_branch = static_cast<uint8_t>(*type.null_branch());
      if (part.what == Skip::varints)
        part.what = Skip::nullable_varint;
      else if (part.what == Skip::texts)
        part.what = Skip::nullable_text;
      else if (part.what == Skip::bytes)
        part.what = Skip::nullable_bytes;
      if (part.what != Skip::other) return part;
    }
    return {.what = Skip::other, .type = &type};
  }

  Plan& plan_;
  const Slots& slots_;
  std::vector<SkipPart> pending_;
  int inlined_ = 0;
};

}  // namespace

size_t least_bytes(const AvroType& type) {
  std::map<const AvroType*, size_t> known;
  return least(type, known);
}

std::shared_ptr<const Plan> resolve(const AvroSchemaPtr& writer, const AvroSchemaPtr& reader,
                                    const Slots& slots, bool wrapped) {
  auto plan = std::make_shared<Plan>();
  plan->writer = writer;
  plan->reader = reader;
  Compiler compiler(*plan, slots);
  const AvroType& root = writer->root();
  const AvroType* as = reader == nullptr ? nullptr : &reader->root();
  if (!wrapped) {
    CHECK(slots.columns().size() == 1);
    if (slots.tops()[0] >= 0) compiler.value(root, as, slots.tops()[0], "", plan->steps);
    return plan;
  }
  const AvroType* inner = as == nullptr ? nullptr : as->only();
  if (root.kind == AvroKind::record) {
    compiler.record(root, inner != nullptr && inner->kind == AvroKind::record ? inner : nullptr,
                    slots.columns(), slots.tops(), "", plan->steps);
    return plan;
  }
  Step step{.op = Op::refuse};
  plan->reasons.push_back(std::string("the value is an Avro ") + name_of(root.kind) + ", not a record");
  plan->places.push_back("");
  plan->steps.push_back(step);
  return plan;
}

}  // namespace tradewind::schema::avro
