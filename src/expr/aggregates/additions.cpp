#include "expr/aggregates/additions.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "expr/aggregates/decayed.h"
#include "expr/aggregates/funnel.h"
#include "expr/aggregates/quantile.h"
#include "expr/aggregates/top_items.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

constexpr const char* kAdditions[] = {"DECAY_COUNT", "DECAY_SUM", "FUNNEL", "QUANTILE", "TOP_ITEMS"};

const Error kNoSuchArguments{Code::invalid, ""};

bool is_literal(const ExpressionPtr& of, Kind kind) {
  return of->node == Node::constant && of->type.kind() == kind && !of->value.is_null();
}

Result<Value> half_life_of(const ExpressionPtr& argument) {
  if (!is_literal(argument, Kind::string)) return kNoSuchArguments;
  return Value(TRY(duration_of(argument->value.text())));
}

// DECAY_SUM(x, half-life), DECAY_COUNT(half-life); behind them the time.
Result<std::vector<Value>> decay_constants(bool counts, std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() != (counts ? 2 : 3)) return kNoSuchArguments;
  std::vector<Value> constants = {TRY(half_life_of(arguments[counts ? 0 : 1]))};
  const ExpressionPtr value = counts ? constant(Kind::integer, Value(int64_t{1})) : arguments[0];
  arguments = {structure_of({value, arguments.back()}, {"VALUE", "TIME"})};
  return constants;
}

// QUANTILE(x, share)
Result<std::vector<Value>> quantile_constants(std::vector<ExpressionPtr>& arguments) {
  arguments.pop_back();  // the time
  if (arguments.size() != 2 || arguments[1]->node != Node::constant || arguments[1]->value.is_null() ||
      !arguments[1]->type.is_number())
    return kNoSuchArguments;
  const Type& type = arguments[1]->type;
  const Value& value = arguments[1]->value;
  double share = 0;
  if (type.kind() == Kind::real) share = value.real();
  if (type.kind() == Kind::decimal) share = decimal_to_double(value.decimal(), type.scale());
  if (type.kind() == Kind::integer || type.kind() == Kind::bigint)
    share = static_cast<double>(value.number());
  if (!(share >= 0 && share <= 1))
    return Error{Code::invalid, "QUANTILE needs a share from 0 to 1, such as 0.95"};
  arguments.resize(1);
  return std::vector<Value>{Value(share)};
}

// TOP_ITEMS(item, weight, n [, half-life]); behind them the time.
Result<std::vector<Value>> top_constants(std::vector<ExpressionPtr>& arguments) {
  const ExpressionPtr time = arguments.back();
  arguments.pop_back();
  if (arguments.size() < 3 || arguments.size() > 4 || !is_literal(arguments[2], Kind::integer))
    return kNoSuchArguments;
  std::vector<Value> constants = {arguments[2]->value, Value()};
  if (constants[0].number() < 1 || constants[0].number() > 1000)
    return Error{Code::invalid, "TOP_ITEMS shows from 1 to 1000 items"};
  if (arguments.size() == 4) constants[1] = TRY(half_life_of(arguments[3]));
  arguments = {structure_of({arguments[0], arguments[1], time}, {"ITEM", "WEIGHT", "TIME"})};
  return constants;
}

}  // namespace

bool is_addition(std::string_view name) {
  return std::any_of(std::begin(kAdditions), std::end(kAdditions),
                     [&](const char* known) { return name == known; });
}

ExpressionPtr structure_of(std::vector<ExpressionPtr> parts, std::vector<std::string> names) {
  auto made = std::make_shared<Expression>();
  made->node = Node::make_structure;
  std::vector<Field> fields;
  for (size_t i = 0; i < parts.size(); ++i) fields.push_back({std::move(names[i]), parts[i]->type});
  made->type = Type::structure(std::move(fields));
  made->arguments = std::move(parts);
  return made;
}

Result<int64_t> duration_of(std::string text) {
  const Error bad{Code::invalid, "'" + text + "' is no time; write it like '2 HOURS'"};
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  const size_t blank = text.find(' ');
  if (blank == std::string::npos) return bad;
  int64_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + blank, count);
  const auto unit = unit_ms(text.substr(text.find_last_of(' ') + 1));
  int64_t ms = 0;
  if (read.ec != std::errc() || read.ptr != text.data() + blank || count <= 0 || !unit.ok() ||
      __builtin_mul_overflow(count, *unit, &ms) || ms > INT64_MAX / 4)
    return bad;
  return ms;
}

Result<std::vector<Value>> addition_constants(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  if (name == "QUANTILE") return quantile_constants(arguments);
  if (name == "TOP_ITEMS") return top_constants(arguments);
  if (name == "FUNNEL") return kNoSuchArguments;  // the binder makes two steps of it
  return decay_constants(name == "DECAY_COUNT", arguments);
}

BoundAggregate bind_funnel(ExpressionPtr step, ExpressionPtr elapsed, size_t steps) {
  BoundAggregate bound;
  bound.argument = structure_of({std::move(step), std::move(elapsed)}, {"STEP", "ELAPSED"});
  bound.constants = {Value(static_cast<int64_t>(steps))};
  bound.result = make_funnel(bound.argument->type, steps)->result_type();
  return bound;
}

std::unique_ptr<Aggregate> make_addition(std::string_view name, const Type& argument,
                                         std::span<const Value> constants) {
  if (constants.empty()) return nullptr;
  if (name == "QUANTILE") return make_quantile(argument, constants[0].real());
  if (name == "FUNNEL") return make_funnel(argument, static_cast<size_t>(constants[0].number()));
  if (name == "DECAY_SUM" || name == "DECAY_COUNT") return make_decayed_sum(argument, constants[0].number());
  if (constants.size() != 2) return nullptr;
  const auto half_life = constants[1].is_null() ? std::nullopt : std::optional(constants[1].number());
  return make_top_items(argument, static_cast<size_t>(constants[0].number()), half_life);
}

}  // namespace tradewind::expr
