#include <algorithm>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool widens(Kind from, Kind to) {
  if (from == to) return true;
  if (to == Kind::bigint) return from == Kind::integer;
  if (to == Kind::timestamp) return from == Kind::bigint;
  return to == Kind::real && (from == Kind::integer || from == Kind::bigint || from == Kind::decimal);
}

}  // namespace

bool is_text(const ExpressionPtr& argument) {
  return argument->type.kind() == Kind::string;
}

bool is_null_literal(const ExpressionPtr& argument) {
  return argument->node == Node::constant && argument->value.is_null();
}

Error does_not_take(std::string_view name, const Arguments& arguments) {
  std::string text = std::string(name) + " does not take (";
  for (size_t i = 0; i < arguments.size(); ++i) {
    text += i == 0 ? "" : ", ";
    if (arguments[i]->node == Node::lambda)
      text += "a lambda";
    else
      text += is_null_literal(arguments[i]) ? std::string("NULL") : arguments[i]->type.text();
  }
  text += ")";
  if (const Function* function = find_function(name)) text += "; it is " + std::string(function->signature);
  return {Code::invalid, text};
}

Result<Type> take(std::string_view name, Arguments& a, std::initializer_list<Kind> kinds, Type result,
                  size_t optional) {
  if (a.size() > kinds.size() || a.size() + optional < kinds.size()) return does_not_take(name, a);
  auto kind = kinds.begin();
  for (ExpressionPtr& argument : a) {
    const Type wanted(*kind++);
    const bool time_text =
        argument->node == Node::constant && argument->type.kind() == Kind::string &&
        (wanted.kind() == Kind::timestamp || wanted.kind() == Kind::date || wanted.kind() == Kind::time);
    if (!is_null_literal(argument) && !time_text && !widens(argument->type.kind(), wanted.kind()))
      return does_not_take(name, a);
    argument = cast_if_needed(argument, wanted);
  }
  return result;
}

Result<Type> take_common(std::string_view name, Arguments& a, size_t from) {
  const auto type = common_type(std::span<const ExpressionPtr>(a).subspan(from));
  if (!type.ok() || !*type) return does_not_take(name, a);
  for (size_t i = from; i < a.size(); ++i) a[i] = cast_if_needed(a[i], **type);
  return **type;
}

ColumnPtr by_row(const Call& call, const std::function<Result<Value>(Values)>& each) {
  ColumnBuilder builder(call.type);
  std::vector<Value> values(call.arguments.size());
  for (size_t row = 0; row < call.rows; ++row) {
    bool null = false;
    for (size_t a = 0; a < values.size(); ++a) {
      values[a] = value_at(*call.arguments[a], row);
      null = null || values[a].is_null();
    }
    if (null) {
      builder.append_null();
      continue;
    }
    auto result = each(values);
    if (!result.ok()) call.notes.push_back({static_cast<uint32_t>(row), result.error().message});
    builder.append(result.ok() ? *result : Value());
  }
  return builder.finish();
}

bool less(const Value& a, const Value& b) {
  if (const auto* number = std::get_if<int64_t>(&a.is)) return *number < b.number();
  if (const auto* real = std::get_if<double>(&a.is)) return *real < b.real();
  if (const auto* exact = std::get_if<Int128>(&a.is)) return *exact < b.decimal();
  return a.text() < b.text();
}

}  // namespace tradewind::expr
