#include <algorithm>
#include <cmath>

#include "data/decimal.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

Result<Type> one_number(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() != 1 || !arguments[0]->type.is_number()) return does_not_take(name, arguments);
  return arguments[0]->type;
}

Result<Value> absolute(std::span<const Value> a, std::span<const Type> types) {
  if (types[0].kind() == Kind::real) return Value(std::fabs(a[0].real()));
  if (types[0].kind() == Kind::decimal) return Value(a[0].decimal() < 0 ? -a[0].decimal() : a[0].decimal());
  return Value(a[0].number() < 0 ? -a[0].number() : a[0].number());
}

// Down or up to a whole number of the same type.
template <bool kUp>
Result<Value> whole(std::span<const Value> a, std::span<const Type> types) {
  if (types[0].kind() == Kind::real) return Value(kUp ? std::ceil(a[0].real()) : std::floor(a[0].real()));
  if (types[0].kind() != Kind::decimal) return a[0];
  if (types[0].scale() > 38) return Value(Int128{0});
  const Int128 unit = power_of_ten(types[0].scale());
  Int128 rest = a[0].decimal() % unit;
  if (rest < 0) rest += unit;
  const Int128 down = a[0].decimal() - rest;
  return Value(kUp && rest != 0 ? down + unit : down);
}

Result<Type> bind_round(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  if (arguments.empty() || arguments.size() > 2 || !arguments[0]->type.is_number())
    return does_not_take(name, arguments);
  if (arguments.size() == 2) {
    if (arguments[1]->type.kind() != Kind::integer && !is_null_literal(arguments[1]))
      return does_not_take(name, arguments);
    arguments[1] = cast_if_needed(arguments[1], Kind::integer);
  }
  if (arguments.size() == 1 && arguments[0]->type.kind() == Kind::real) return Type(Kind::bigint);
  return arguments[0]->type;
}

Result<Value> whole_of(double value) {
  if (std::isnan(value)) return Value(int64_t{0});
  if (value >= 9.2233720368547758e18) return Value(INT64_MAX);
  if (value <= -9.2233720368547758e18) return Value(INT64_MIN);
  return Value(static_cast<int64_t>(value));
}

// The value without the digits behind `digits`, and what is left of it, never negative, as parts of a unit.
struct Cut {
  Int128 down, rest, unit;
};
std::optional<Cut> cut(Int128 value, int scale, int64_t digits) {
  const int64_t lost = scale - digits;
  if (lost > 38) return std::nullopt;
  const Int128 unit = power_of_ten(static_cast<int>(lost));
  Int128 rest = value % unit;
  if (rest < 0) rest += unit;
  return Cut{value - rest, rest, unit};
}

// Exact by way of the shortest text of the DOUBLE: 1.005 rounds up at two digits, as people expect.
template <bool kRound>
Value real_at(double value, int64_t digits) {
  const double unit = std::pow(10.0, static_cast<double>(digits));
  if (!std::isfinite(value) || !std::isfinite(unit) || unit == 0) return Value(value);
  if (!kRound) return Value(std::trunc(value * unit) / unit);
  if (digits >= 0 && digits <= 15 && std::fabs(value) < 1e15) {
    const auto exact = double_to_decimal(value, 38, 20);
    const auto parts = exact ? cut(*exact, 20, digits) : std::nullopt;
    if (parts) {
      const Int128 rounded = parts->rest * 2 >= parts->unit ? parts->down + parts->unit : parts->down;
      return Value(decimal_to_double(rounded, 20));
    }
  }
  return Value(std::floor(value * unit + 0.5) / unit);
}

// Half towards positive infinity.
Result<Value> round(std::span<const Value> a, std::span<const Type> types) {
  const int64_t digits = a.size() == 2 ? a[1].number() : 0;
  if (types[0].kind() == Kind::real)
    return a.size() == 1 ? whole_of(std::floor(a[0].real() + 0.5)) : real_at<true>(a[0].real(), digits);
  const bool exact = types[0].kind() == Kind::decimal;
  const int scale = exact ? types[0].scale() : 0;
  if (digits >= scale) return a[0];
  const auto parts = cut(exact ? a[0].decimal() : Int128{a[0].number()}, scale, digits);
  if (!parts) return exact ? Value(Int128{0}) : Value(int64_t{0});
  const Int128 rounded = parts->rest * 2 >= parts->unit ? parts->down + parts->unit : parts->down;
  return exact ? Value(rounded) : Value(static_cast<int64_t>(rounded));
}

Result<Value> truncate(std::span<const Value> a, std::span<const Type> types) {
  const int64_t digits = a.size() == 2 ? a[1].number() : 0;
  if (types[0].kind() == Kind::real)
    return a.size() == 1 ? whole_of(a[0].real()) : real_at<false>(a[0].real(), digits);
  const bool exact = types[0].kind() == Kind::decimal;
  const int scale = exact ? types[0].scale() : 0;
  if (digits >= scale) return a[0];
  const Int128 value = exact ? a[0].decimal() : Int128{a[0].number()};
  const auto parts = cut(value < 0 ? -value : value, scale, digits);
  const Int128 cut_off = !parts ? 0 : value < 0 ? -parts->down : parts->down;
  return exact ? Value(cut_off) : Value(static_cast<int64_t>(cut_off));
}

Result<Value> sign(std::span<const Value> a, std::span<const Type> types) {
  if (types[0].kind() == Kind::real) return Value(int64_t{a[0].real() > 0 ? 1 : a[0].real() < 0 ? -1 : 0});
  const Int128 exact = types[0].kind() == Kind::decimal ? a[0].decimal() : Int128{a[0].number()};
  return Value(int64_t{exact > 0 ? 1 : exact < 0 ? -1 : 0});
}

template <bool kGreatest>
ColumnPtr extreme(const Call& call) {
  ColumnBuilder builder(call.type);
  for (size_t row = 0; row < call.rows; ++row) {
    Value best;
    for (const ColumnPtr& argument : call.arguments) {
      const Value value = value_at(*argument, row);
      if (value.is_null()) continue;
      if (best.is_null() || (kGreatest ? less(best, value) : less(value, best))) best = value;
    }
    builder.append(best);
  }
  return builder.finish();
}

Result<Type> bind_extreme(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  const std::optional<Type> type = TRY(common_type(arguments));
  if (!type || type->is_nested()) return does_not_take(name, arguments);
  for (ExpressionPtr& argument : arguments) argument = cast_if_needed(argument, *type);
  return *type;
}

const Function kRows[] = {
    {"ABS", "ABS(number)", "The value without its sign.", "ABS(-3)",
     [](std::vector<ExpressionPtr>& a) { return one_number("ABS", a); }, nullptr, absolute},
    {"CEIL", "CEIL(number)", "The least whole number that is not less.", "CEIL(1.2)",
     [](std::vector<ExpressionPtr>& a) { return one_number("CEIL", a); }, nullptr, whole<true>},
    {"FLOOR", "FLOOR(number)", "The greatest whole number that is not greater.", "FLOOR(1.8)",
     [](std::vector<ExpressionPtr>& a) { return one_number("FLOOR", a); }, nullptr, whole<false>},
    {"ROUND", "ROUND(number [, digits])",
     "Half up to so many digits; a DOUBLE without digits becomes a BIGINT.", "ROUND(1.25, 1)",
     [](std::vector<ExpressionPtr>& a) { return bind_round("ROUND", a); }, nullptr, round},
    {"SIGN", "SIGN(number) -> INTEGER", "1, 0 or -1.", "SIGN(-3)",
     [](std::vector<ExpressionPtr>& a) -> Result<Type> {
       TRY(one_number("SIGN", a));
       return Type(Kind::integer);
     },
     nullptr, sign},
    {"TRUNC", "TRUNC(number [, digits])", "Cut to so many digits; a DOUBLE without digits becomes a BIGINT.",
     "TRUNC(-1.27, 1)", [](std::vector<ExpressionPtr>& a) { return bind_round("TRUNC", a); }, nullptr,
     truncate},
    {"GREATEST", "GREATEST(x, ...)", "The greatest that is not null.", "GREATEST(1, 2)",
     [](std::vector<ExpressionPtr>& a) { return bind_extreme("GREATEST", a); }, extreme<true>},
    {"LEAST", "LEAST(x, ...)", "The least that is not null.", "LEAST(1, 2)",
     [](std::vector<ExpressionPtr>& a) { return bind_extreme("LEAST", a); }, extreme<false>},
};

}  // namespace

std::span<const Function> number_functions() {
  return kRows;
}

}  // namespace tradewind::expr
