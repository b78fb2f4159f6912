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

Result<Type> one_double(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  TRY(one_number(name, arguments));
  arguments[0] = cast_if_needed(arguments[0], Kind::real);
  return Type(Kind::real);
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
  const Int128 unit = power_of_ten(types[0].scale());
  Int128 rest = a[0].decimal() % unit;
  if (rest < 0) rest += unit;
  const Int128 down = a[0].decimal() - rest;
  return Value(kUp && rest != 0 ? down + unit : down);
}

Result<Type> bind_round(std::vector<ExpressionPtr>& arguments) {
  if (arguments.empty() || arguments.size() > 2 || !arguments[0]->type.is_number())
    return does_not_take("ROUND", arguments);
  if (arguments.size() == 2 && arguments[1]->type.kind() != Kind::integer)
    return does_not_take("ROUND", arguments);
  if (arguments.size() == 1 && arguments[0]->type.kind() == Kind::real) return Type(Kind::bigint);
  return arguments[0]->type;
}

// Half towards positive infinity.
Result<Value> round(std::span<const Value> a, std::span<const Type> types) {
  const int64_t digits = a.size() == 2 ? a[1].number() : 0;
  if (types[0].kind() == Kind::real) {
    if (a.size() == 1) return Value(static_cast<int64_t>(std::floor(a[0].real() + 0.5)));
    const double unit = std::pow(10.0, static_cast<double>(digits));
    return Value(std::floor(a[0].real() * unit + 0.5) / unit);
  }
  if (types[0].kind() != Kind::decimal || digits >= types[0].scale()) return a[0];
  const int64_t lost = types[0].scale() - digits;
  if (lost > 38) return Value(Int128{0});
  const Int128 unit = power_of_ten(static_cast<int>(lost));
  Int128 rest = a[0].decimal() % unit;
  if (rest < 0) rest += unit;
  const Int128 down = a[0].decimal() - rest;
  return Value(rest * 2 >= unit ? down + unit : down);
}

Result<Value> sign(std::span<const Value> a, std::span<const Type> types) {
  if (types[0].kind() == Kind::real) return Value(int64_t{a[0].real() > 0 ? 1 : a[0].real() < 0 ? -1 : 0});
  const Int128 exact = types[0].kind() == Kind::decimal ? a[0].decimal() : Int128{a[0].number()};
  return Value(int64_t{exact > 0 ? 1 : exact < 0 ? -1 : 0});
}

template <double (*kFunction)(double)>
Result<Value> of_double(std::span<const Value> a, std::span<const Type>) {
  return Value(kFunction(a[0].real()));
}

Result<Value> power(std::span<const Value> a, std::span<const Type>) {
  return Value(std::pow(a[0].real(), a[1].real()));
}

template <bool kGreatest>
ColumnPtr extreme(const Call& call) {
  ColumnBuilder builder(call.type);
  const auto less = [](const Value& a, const Value& b) {
    if (const auto* number = std::get_if<int64_t>(&a.is)) return *number < b.number();
    if (const auto* real = std::get_if<double>(&a.is)) return *real < b.real();
    if (const auto* exact = std::get_if<Int128>(&a.is)) return *exact < b.decimal();
    return a.text() < b.text();
  };
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

#define OF_DOUBLE(name, function, about, example)                                                       \
  {                                                                                                     \
    name, name "(number) -> DOUBLE", about, example,                                                    \
        [](std::vector<ExpressionPtr>& a) { return one_double(name, a); }, nullptr, of_double<function> \
  }

const Function kRows[] = {
    {"ABS", "ABS(number)", "The value without its sign.", "ABS(-3)",
     [](std::vector<ExpressionPtr>& a) { return one_number("ABS", a); }, nullptr, absolute},
    {"CEIL", "CEIL(number)", "The least whole number that is not less.", "CEIL(1.2)",
     [](std::vector<ExpressionPtr>& a) { return one_number("CEIL", a); }, nullptr, whole<true>},
    {"FLOOR", "FLOOR(number)", "The greatest whole number that is not greater.", "FLOOR(1.8)",
     [](std::vector<ExpressionPtr>& a) { return one_number("FLOOR", a); }, nullptr, whole<false>},
    {"ROUND", "ROUND(number [, digits])",
     "Half up to so many digits; a DOUBLE without digits becomes a BIGINT.", "ROUND(1.25, 1)", bind_round,
     nullptr, round},
    {"SIGN", "SIGN(number) -> INTEGER", "1, 0 or -1.", "SIGN(-3)",
     [](std::vector<ExpressionPtr>& a) -> Result<Type> {
       TRY(one_number("SIGN", a));
       return Type(Kind::integer);
     },
     nullptr, sign},
    OF_DOUBLE("SQRT", std::sqrt, "The square root.", "SQRT(4)"),
    OF_DOUBLE("CBRT", std::cbrt, "The cube root.", "CBRT(8)"),
    OF_DOUBLE("EXP", std::exp, "e to that power.", "EXP(1)"),
    OF_DOUBLE("LN", std::log, "The natural logarithm.", "LN(2)"),
    OF_DOUBLE("SIN", std::sin, "The sine of radians.", "SIN(0)"),
    OF_DOUBLE("COS", std::cos, "The cosine of radians.", "COS(0)"),
    OF_DOUBLE("TAN", std::tan, "The tangent of radians.", "TAN(0)"),
    {"POWER", "POWER(base, exponent) -> DOUBLE", "The base to the power of the exponent.", "POWER(2, 10)",
     [](std::vector<ExpressionPtr>& a) -> Result<Type> {
       if (a.size() != 2 || !a[0]->type.is_number() || !a[1]->type.is_number())
         return does_not_take("POWER", a);
       for (ExpressionPtr& argument : a) argument = cast_if_needed(argument, Kind::real);
       return Type(Kind::real);
     },
     nullptr, power},
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
