#include "ingest/event_plan.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "ingest/events.h"

namespace tradewind::ingest {
namespace {

using schema::AvroKind;
using schema::AvroType;

constexpr size_t kMostSymbolsSaid = 12;

// A default as Avro means it: of a union the first branch, bytes as characters.
void put_default(const AvroType& type, const Json& json, Bytes& out);

void put_default_record(const AvroType& type, const Json& json, Bytes& out) {
  for (const schema::AvroField& field : type.fields) {
    const Json* own = json.find(field.name);
    if (own == nullptr && field.fallback) own = &*field.fallback;
    CHECK(own != nullptr);  // the registry checked the defaults
    put_default(*field.type, *own, out);
  }
}

void put_default_bytes(const AvroType& type, const Json& json, Bytes& out) {
  const Bytes bytes = schema::bytes_of_json(json.text()).value_or("");
  if (type.kind == AvroKind::bytes)
    put_text(out, bytes);
  else
    out += bytes;
}

void put_default_real(const AvroType& type, const Json& json, Bytes& out) {
  const double number = json.is(Json::Kind::number) ? json.real().value_or(0)
                                                    : std::strtod(json.text().c_str(), nullptr);  // "NaN"
  if (type.kind == AvroKind::float32)
    put_fixed(out, static_cast<float>(number));
  else
    put_fixed(out, number);
}

void put_default(const AvroType& type, const Json& json, Bytes& out) {
  switch (type.kind) {
    case AvroKind::null: return;
    case AvroKind::boolean: out += json.truth() ? '\1' : '\0'; return;
    case AvroKind::int32:
    case AvroKind::int64: return put_zigzag(out, json.integer().value_or(0));
    case AvroKind::float32:
    case AvroKind::float64: return put_default_real(type, json, out);
    case AvroKind::string: return put_text(out, json.text());
    case AvroKind::bytes:
    case AvroKind::fixed: return put_default_bytes(type, json, out);
    case AvroKind::enumeration: {
      const auto found = std::ranges::find(type.symbols, json.text());
      return put_zigzag(out, found - type.symbols.begin());
    }
    case AvroKind::array:
      if (!json.elements().empty()) put_zigzag(out, static_cast<int64_t>(json.elements().size()));
      for (const Json& element : json.elements()) put_default(*type.element, element, out);
      out += '\0';
      return;
    case AvroKind::map:
      if (!json.members().empty()) put_zigzag(out, static_cast<int64_t>(json.members().size()));
      for (const Json::Member& member : json.members()) {
        put_text(out, member.name);
        put_default(*type.element, member.value, out);
      }
      out += '\0';
      return;
    case AvroKind::choice: out += '\0'; return put_default(*type.branches[0], json, out);
    case AvroKind::record: return put_default_record(type, json, out);
  }
}

Bytes branch_number(size_t branch) {
  Bytes number;
  put_zigzag(number, static_cast<int64_t>(branch));
  return number;
}

}  // namespace

class EventPlan::Maker {
 public:
  explicit Maker(EventPlan& plan) : plan_(plan) {}

  // Records may hold themselves: a plan is known before it is filled.
  const RecordPlan* record(const AvroType& type) {
    RecordPlan*& known = known_[&type];
    if (known != nullptr) return known;
    plan_.plans_.push_back(std::make_unique<RecordPlan>());
    RecordPlan& made = *plan_.plans_.back();
    known = &made;
    made.number = plan_.plans_.size() - 1;
    for (const schema::AvroField& field : type.fields) {
      FieldPlan planned{.name = field.name, .value = value(*field.type)};
      if (field.fallback) {
        put_default(*field.type, *field.fallback, planned.fallback.emplace());
      } else {
        planned.fallback = planned.value.null_bytes;
      }
      made.fields.push_back(std::move(planned));
    }
    index(made);
    return &made;
  }

 private:
  ValuePlan value(const AvroType& type) {
    ValuePlan planned;
    planned.type = &type;
    if (type.kind == AvroKind::null) planned.null_bytes.emplace();
    if (type.kind == AvroKind::choice) {
      if (const auto null = type.null_branch()) planned.null_bytes = branch_number(*null);
      const AvroType* only = type.only();
      if (only == nullptr || only->kind == AvroKind::null) {
        for (const AvroType* branch : type.branches) planned.branches.push_back(value(*branch));
        return planned;
      }
      const auto place = std::ranges::find(type.branches, only);
      planned.branch = branch_number(static_cast<size_t>(place - type.branches.begin()));
      planned.type = only;
    }
    if (planned.type->kind == AvroKind::record) planned.record = record(*planned.type);
    if (planned.type->element != nullptr)
      planned.element = std::make_unique<ValuePlan>(value(*planned.type->element));
    return planned;
  }

  static void index(RecordPlan& plan) {
    size_t required = 0;
    for (size_t i = 0; i < plan.fields.size(); ++i) {
      plan.required.push_back(required);
      required += plan.fields[i].fallback ? 0 : 1;
      plan.fallbacks += plan.fields[i].fallback.value_or("");
      plan.ends.push_back(plan.fallbacks.size());
      plan.by_name.emplace(plan.fields[i].name, i);
      plan.by_upper_name.emplace(schema::upper_case(plan.fields[i].name), i);
    }
    plan.required.push_back(required);
  }

  EventPlan& plan_;
  std::map<const AvroType*, RecordPlan*> known_;
};

std::optional<size_t> RecordPlan::find(std::string_view name) const {
  const auto found = by_name.find(name);
  if (found == by_name.end()) return std::nullopt;
  return found->second;
}

std::optional<size_t> RecordPlan::find_ignoring_case(std::string_view name) const {
  const auto found = by_upper_name.find(schema::upper_case(name));
  if (found == by_upper_name.end()) return std::nullopt;
  return found->second;
}

Result<std::shared_ptr<const EventPlan>> EventPlan::create(const schema::RegisteredSchema& schema,
                                                           const std::string& topic, int32_t partitions,
                                                           const TopicRule& rule) {
  auto plan = std::make_shared<EventPlan>();
  if (schema.kind == schema::SchemaKind::avro)
    plan->schema_ = TRY(schema::AvroSchema::parse(schema.text, schema.needed));
  if (plan->schema_ == nullptr || plan->schema_->root().kind != AvroKind::record)
    return Error{Code::invalid, "topic " + topic + " takes no events: its schema is not a record of Avro"};
  static std::atomic<uint64_t> made{0};
  plan->number = ++made;
  plan->topic = topic;
  plan->partitions = partitions;
  plan->schema_id = schema.id;
  plan->topic_hash = hash64(topic);
  plan->head += '\0';
  put_big32(plan->head, static_cast<uint32_t>(schema.id));
  Maker maker(*plan);
  plan->root = maker.record(plan->schema_->root());
  plan->records = plan->plans_.size();
  plan->key = plan->root->find_ignoring_case(rule.key_field);
  plan->time = plan->root->find_ignoring_case(rule.time_field);
  plan->id = plan->root->find_ignoring_case(rule.id_field);
  return std::shared_ptr<const EventPlan>(std::move(plan));
}

std::string expected_of(const AvroType& type) {
  switch (type.kind) {
    case AvroKind::null: return "null";
    case AvroKind::boolean: return "true or false";
    case AvroKind::int32: return "a whole number from -2147483648 to 2147483647";
    case AvroKind::int64:
      return type.logical == schema::AvroLogical::none ? "a whole number of 64 bits"
                                                       : "milliseconds since 1970 as a whole number";
    case AvroKind::float32:
    case AvroKind::float64: return "a number";
    case AvroKind::string: return "a text";
    case AvroKind::bytes:
    case AvroKind::fixed:
      if (type.logical == schema::AvroLogical::decimal) {
        return "a decimal number of at most " + std::to_string(type.precision) + " digits, " +
               std::to_string(type.scale) + " of them behind the point";
      }
      return (type.kind == AvroKind::fixed ? std::to_string(type.size) + " bytes" : std::string("bytes")) +
             " as a text in base64";
    case AvroKind::enumeration: break;
    case AvroKind::array: return "a list";
    case AvroKind::map:
    case AvroKind::record: return "an object";
    case AvroKind::choice: return "an object with one member, named as the branch it is of";
  }
  std::string text = "one of ";
  for (size_t i = 0; i < std::min(type.symbols.size(), kMostSymbolsSaid); ++i)
    text += (i == 0 ? "" : ", ") + type.symbols[i];
  if (type.symbols.size() > kMostSymbolsSaid)
    text += ", ... (" + std::to_string(type.symbols.size()) + " in all)";
  return text;
}

}  // namespace tradewind::ingest
