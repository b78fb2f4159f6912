#include <charconv>
#include <cmath>
#include <cstring>

#include "base/time.h"
#include "data/decimal.h"
#include "expr/function.h"

namespace tradewind::expr {
namespace {

Error no_such(const std::string& what, const Type& to) {
  return {Code::invalid, "'" + what + "' is no " + to.text()};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

Result<Value> whole_in_range(Int128 value, const Type& to) {
  const bool fits = to.kind() == Kind::integer ? value >= INT32_MIN && value <= INT32_MAX
                                               : value >= INT64_MIN && value <= INT64_MAX;
  if (!fits) return Error{Code::invalid, decimal_text(value, 0) + " does not fit " + to.text()};
  return Value(static_cast<int64_t>(value));
}

Result<Value> decimal_in_range(std::optional<Int128> value, const std::string& shown, const Type& to) {
  if (!value || !fits_precision(*value, to.precision()))
    return Error{Code::invalid, shown + " does not fit " + to.text()};
  return Value(*value);
}

Result<Value> truth_of(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool yes = !lower.empty() && (std::string_view("true").starts_with(lower) ||
                                      std::string_view("yes").starts_with(lower));
  return Value(int64_t{yes ? 1 : 0});
}

Result<Value> time_of(std::string_view text, const Type& to) {
  if (to.kind() == Kind::time) {
    const auto time = from_iso("1970-01-01T" + std::string(text));
    if (!time) return no_such(std::string(text), to);
    return Value(time->ms);
  }
  const auto time = from_iso(text);
  if (!time) return no_such(std::string(text), to);
  if (to.kind() == Kind::timestamp) return Value(time->ms);
  return Value(floor_to(*time, std::chrono::days(1)).ms / 86'400'000);
}

Result<Value> from_text(const std::string& raw, const Type& to) {
  const std::string_view text = trimmed(raw);
  switch (to.kind()) {
    case Kind::boolean: return truth_of(text);
    case Kind::integer:
    case Kind::bigint: {
      const auto number = parse_decimal(text);
      if (!number || number->scale != 0) return no_such(raw, to);
      return whole_in_range(number->unscaled, to);
    }
    case Kind::decimal: {
      const auto number = parse_decimal(text);
      if (!number) return no_such(raw, to);
      return decimal_in_range(rescale(number->unscaled, number->scale, to.scale()), raw, to);
    }
    case Kind::real: {
      double value = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
      if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return no_such(raw, to);
      return Value(value);
    }
    case Kind::time:
    case Kind::date:
    case Kind::timestamp: return time_of(text, to);
    default: return no_such(raw, to);
  }
}

Result<Value> from_number(const Value& value, const Type& from, const Type& to) {
  const bool real = from.kind() == Kind::real;
  const int scale = from.kind() == Kind::decimal ? from.scale() : 0;
  const Int128 exact = real ? 0 : from.kind() == Kind::decimal ? value.decimal() : Int128{value.number()};
  switch (to.kind()) {
    case Kind::integer:
    case Kind::bigint:
      if (real) {
        if (!std::isfinite(value.real()) || std::fabs(value.real()) > 9.2e18)
          return no_such(value_text(from, value), to);
        return whole_in_range(static_cast<Int128>(value.real()), to);
      }
      return whole_in_range(scale == 0 ? exact : scale > 38 ? 0 : exact / power_of_ten(scale), to);
    case Kind::real: return Value(real ? value.real() : decimal_to_double(exact, scale));
    case Kind::decimal:
      if (real) {
        return decimal_in_range(double_to_decimal(value.real(), to.precision(), to.scale()),
                                value_text(from, value), to);
      }
      return decimal_in_range(rescale(exact, scale, to.scale()), value_text(from, value), to);
    case Kind::timestamp:
      if (from.kind() == Kind::bigint) return value;
      break;
    default: break;
  }
  return no_such(value_text(from, value), to);
}

// Element by element; structures by the names of their fields, what is missing is null.
Result<Value> nested(const Value& value, const Type& from, const Type& to) {
  std::vector<Value> parts;
  const std::vector<Value>& given = value.parts();
  if (from.kind() == Kind::structure) {
    for (const Field& field : to.fields()) {
      Value part;
      for (size_t i = 0; i < given.size(); ++i) {
        if (from.fields()[i].name == field.name)
          part = TRY(cast_value(given[i], from.fields()[i].type, field.type));
      }
      parts.push_back(std::move(part));
    }
    return Value(std::move(parts));
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const bool key = from.kind() == Kind::map && i % 2 == 0;
    parts.push_back(
        TRY(cast_value(given[i], key ? from.key() : from.element(), key ? to.key() : to.element())));
  }
  return Value(std::move(parts));
}

bool can_cast(const Type& from, const Type& to) {
  const auto timely = [](Kind kind) {
    return kind == Kind::time || kind == Kind::date || kind == Kind::timestamp;
  };
  if (from == to || (to.kind() == Kind::string && from.kind() != Kind::bytes)) return true;
  if (from.kind() == Kind::string) return !to.is_nested() && to.kind() != Kind::bytes;
  if (from.is_number() && to.is_number()) return true;
  if (from.kind() == Kind::timestamp) return timely(to.kind()) || to.kind() == Kind::bigint;
  if (to.kind() == Kind::timestamp) return from.kind() == Kind::bigint || from.kind() == Kind::date;
  if (!from.is_nested() || from.kind() != to.kind()) return false;
  if (from.kind() == Kind::array) return can_cast(from.element(), to.element());
  if (from.kind() == Kind::map)
    return can_cast(from.key(), to.key()) && can_cast(from.element(), to.element());
  for (const Field& field : to.fields()) {
    for (const Field& given : from.fields()) {
      if (given.name == field.name && !can_cast(given.type, field.type)) return false;
    }
  }
  return true;
}

}  // namespace

Result<Value> cast_value(const Value& value, const Type& from, const Type& to) {
  if (from == to || value.is_null()) return value;
  if (to.kind() == Kind::string && from.kind() != Kind::bytes) return Value(value_text(from, value));
  if (from.kind() == Kind::string) return from_text(value.text(), to);
  if (from.is_number()) return from_number(value, from, to);
  if (from.kind() == Kind::timestamp && to.kind() == Kind::date) {
    return Value(floor_to(Timestamp{value.number()}, std::chrono::days(1)).ms / 86'400'000);
  }
  if (from.kind() == Kind::timestamp && to.kind() == Kind::time) {
    return Value(value.number() - floor_to(Timestamp{value.number()}, std::chrono::days(1)).ms);
  }
  if (from.kind() == Kind::timestamp && to.kind() == Kind::bigint) return value;
  if (from.kind() == Kind::date && to.kind() == Kind::timestamp) return Value(value.number() * 86'400'000);
  if (from.is_nested() && from.kind() == to.kind()) return nested(value, from, to);
  return no_such(value_text(from, value), to);
}

Result<ExpressionPtr> checked_cast(ExpressionPtr of, const Type& to) {
  const Type& from = of->type;
  const bool null = of->node == Node::constant && of->value.is_null();
  const bool possible = null || can_cast(from, to);
  if (!possible) return Error{Code::invalid, from.text() + " cannot be cast to " + to.text()};
  return cast_if_needed(std::move(of), to);
}

}  // namespace tradewind::expr
