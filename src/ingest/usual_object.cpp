#include "ingest/usual_object.h"

#include <algorithm>

namespace tradewind::ingest {
namespace {

using schema::AvroKind;

constexpr size_t kMostUsual = 256;

}  // namespace

bool UsualMember::learn(const RecordPlan& planned, size_t from, size_t index, bool noted) {
  if (from < index && planned.required[index] != planned.required[from]) return false;
  const ValuePlan& value = planned.fields[index].value;
  field = index;
  lead.assign(planned.stand_ins(from, index));
  stand_ins = lead.size();
  lead += value.branch;
  symbol = 0;
  kind = Kind::other;
  if (!value.branches.empty()) return true;
  if (value.type->kind == AvroKind::string) kind = noted ? Kind::noted_text : Kind::text;
  if (value.type->kind == AvroKind::enumeration && !noted) kind = Kind::symbol;
  return true;
}

size_t UsualObject::field_of(std::string_view name, const RecordPlan& planned, size_t number) {
  if (number < fields.size() && fields[number] != kUnknownField) {
    const size_t index = fields[number];
    if (same_name(planned.fields[index].name, name)) return index;
  }
  const size_t index = planned.find(name).value_or(kUnknownField);
  if (number < kMostUsual) {
    fields.resize(std::max(fields.size(), number + 1), kUnknownField);
    fields[number] = index;
  }
  return index;
}

}  // namespace tradewind::ingest
