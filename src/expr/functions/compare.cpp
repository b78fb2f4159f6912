#include <algorithm>

#include "data/decimal.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

enum class Relation { equal, unequal, less, at_most, greater, at_least };

template <Relation kRelation, typename T>
bool holds(const T& a, const T& b) {
  if constexpr (kRelation == Relation::equal) return a == b;
  if constexpr (kRelation == Relation::unequal) return !(a == b);
  if constexpr (kRelation == Relation::less) return a < b;
  if constexpr (kRelation == Relation::at_most) return !(b < a);
  if constexpr (kRelation == Relation::greater) return b < a;
  if constexpr (kRelation == Relation::at_least) return !(a < b);
}

// Two-valued: a null operand gives false.
template <Relation kRelation>
ColumnPtr compare(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  uint8_t* result = out->data<uint8_t>();
  const Column& a = *call.arguments[0];
  const Column& b = *call.arguments[1];
  const auto loop = [&](const auto* x, const auto* y) {
    for (size_t i = 0; i < call.rows; ++i) result[i] = holds<kRelation>(x[i], y[i]) ? 1 : 0;
  };
  switch (a.type().layout()) {
    case Layout::u8: loop(a.data<uint8_t>(), b.data<uint8_t>()); break;
    case Layout::i32: loop(a.data<int32_t>(), b.data<int32_t>()); break;
    case Layout::i64: loop(a.data<int64_t>(), b.data<int64_t>()); break;
    case Layout::i128: loop(a.data<Int128>(), b.data<Int128>()); break;
    case Layout::f64: loop(a.data<double>(), b.data<double>()); break;
    case Layout::view: loop(a.data<BytesView>(), b.data<BytesView>()); break;
    case Layout::list:
    case Layout::record:
      for (size_t i = 0; i < call.rows; ++i) {
        result[i] = (value_at(a, i) == value_at(b, i)) == (kRelation == Relation::equal) ? 1 : 0;
      }
      break;
  }
  for (size_t i = 0; (a.valid() != nullptr || b.valid() != nullptr) && i < call.rows; ++i) {
    if (a.is_null(i) || b.is_null(i)) result[i] = 0;
  }
  return out;
}

template <bool kDistinct>
ColumnPtr distinct(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  for (size_t i = 0; i < call.rows; ++i) {
    const bool equal = value_at(*call.arguments[0], i) == value_at(*call.arguments[1], i);
    out->data<uint8_t>()[i] = equal != kDistinct ? 1 : 0;
  }
  return out;
}

template <bool kNull>
ColumnPtr null_test(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  for (size_t i = 0; i < call.rows; ++i)
    out->data<uint8_t>()[i] = call.arguments[0]->is_null(i) == kNull ? 1 : 0;
  return out;
}

ColumnPtr negate(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  for (size_t i = 0; i < call.rows; ++i) {
    if (call.arguments[0]->is_null(i)) {
      out->set_null(i);
      call.notes.push_back({static_cast<uint32_t>(i), "the operand of NOT is null"});
    }
    out->data<uint8_t>()[i] = call.arguments[0]->data<uint8_t>()[i] != 0 ? 0 : 1;
  }
  return out;
}

ColumnPtr in_list(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  for (size_t i = 0; i < call.rows; ++i) {
    bool found = false;
    const Value value = value_at(*call.arguments[0], i);
    for (size_t a = 1; a < call.arguments.size() && !found && !value.is_null(); ++a) {
      found = value == value_at(*call.arguments[a], i);
    }
    out->data<uint8_t>()[i] = found ? 1 : 0;
  }
  return out;
}

// The bytes of the character at `at`.
size_t width_at(BytesView text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
  return end - at;
}

bool like(BytesView text, BytesView pattern, char escape) {
  size_t t = 0;
  size_t p = 0;
  size_t star = BytesView::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && escape != '\0' && pattern[p] == escape;
    if (p < pattern.size() && !escaped && pattern[p] == '%') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && !escaped && pattern[p] == '_') {
      ++p;
      t += width_at(text, t);
      continue;
    }
    if (p < pattern.size() && pattern[p + (escaped ? 1 : 0)] == text[t]) {
      p += escaped ? 2 : 1;
      ++t;
      continue;
    }
    if (star == BytesView::npos) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

ColumnPtr like_kernel(const Call& call) {
  auto out = std::make_shared<Column>(Kind::boolean, call.rows);
  for (size_t i = 0; i < call.rows; ++i) {
    bool null = false;
    for (const ColumnPtr& argument : call.arguments) null = null || argument->is_null(i);
    const char escape =
        !null && call.arguments.size() == 3 && !call.arguments[2]->data<BytesView>()[i].empty()
            ? call.arguments[2]->data<BytesView>()[i][0]
            : '\0';
    out->data<uint8_t>()[i] = !null && like(call.arguments[0]->data<BytesView>()[i],
                                            call.arguments[1]->data<BytesView>()[i], escape)
                                  ? 1
                                  : 0;
  }
  return out;
}

Result<Type> bind_compared(std::string_view name, std::vector<ExpressionPtr>& arguments, bool ordered) {
  if (arguments.size() != 2) return does_not_take(name, arguments);
  for (const ExpressionPtr& argument : arguments) {
    if (argument->node == Node::constant && argument->value.is_null()) {
      return Error{Code::invalid, "comparing with NULL is never true; use IS NULL or IS NOT NULL"};
    }
  }
  const auto type = common_type(arguments[0]->type, arguments[1]->type);
  if (!type.ok()) return does_not_take(name, arguments);
  if (ordered && (type->is_nested() || type->kind() == Kind::boolean)) return does_not_take(name, arguments);
  for (ExpressionPtr& argument : arguments) {
    argument = cast_if_needed(argument, *type);
    if (argument->node == Node::cast && argument->arguments[0]->node == Node::constant) {
      return Error{Code::invalid,
                   "'" + value_text(argument->arguments[0]->type, argument->arguments[0]->value) +
                       "' is no " + type->text()};
    }
  }
  return Type(Kind::boolean);
}

// Null is a value here, and a literal one is of any type.
Result<Type> bind_distinct(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() == 2 && (is_null_literal(arguments[0]) || is_null_literal(arguments[1]))) {
    TRY(take_common(name, arguments));
    return Type(Kind::boolean);
  }
  return bind_compared(name, arguments, false);
}

Result<Type> bind_truths(std::string_view name, std::vector<ExpressionPtr>& arguments, size_t count) {
  if (arguments.size() != count) return does_not_take(name, arguments);
  for (const ExpressionPtr& argument : arguments) {
    if (argument->type.kind() != Kind::boolean) return does_not_take(name, arguments);
  }
  return Type(Kind::boolean);
}

Result<Type> bind_one(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() != 1) return does_not_take("IS NULL", arguments);
  return Type(Kind::boolean);
}

Result<Type> bind_list(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() < 2) return does_not_take("IN", arguments);
  const std::optional<Type> type = TRY(common_type(arguments));
  if (!type) return does_not_take("IN", arguments);
  for (ExpressionPtr& argument : arguments) argument = cast_if_needed(argument, *type);
  return Type(Kind::boolean);
}

Result<Type> bind_like(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() < 2 || !std::all_of(arguments.begin(), arguments.end(), is_text)) {
    return does_not_take("LIKE", arguments);
  }
  return Type(Kind::boolean);
}

Result<Type> bind_same(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  const std::optional<Type> type = TRY(common_type(arguments));
  if (!type) return does_not_take(name, arguments);
  for (ExpressionPtr& argument : arguments) argument = cast_if_needed(argument, *type);
  return *type;
}

Result<Value> null_if(std::span<const Value> a, std::span<const Type>) {
  return a[0] == a[1] ? Value() : a[0];
}

#define COMPARISON(name, relation, ordered, about)                                     \
  {                                                                                    \
    name, "x " name " y", about, "1 " name " 2",                                       \
        [](std::vector<ExpressionPtr>& a) { return bind_compared(name, a, ordered); }, \
        compare<Relation::relation>                                                    \
  }

const Function kRows[] = {
    COMPARISON("=", equal, false, "True when both are equal; false when one is null."),
    COMPARISON("<>", unequal, false, "True when they differ; false when one is null."),
    COMPARISON("<", less, true, "True when the first is less; false when one is null."),
    COMPARISON("<=", at_most, true, "True when the first is not greater; false when one is null."),
    COMPARISON(">", greater, true, "True when the first is greater; false when one is null."),
    COMPARISON(">=", at_least, true, "True when the first is not less; false when one is null."),
    {"IS DISTINCT FROM", "x IS DISTINCT FROM y", "True when they differ; null equals null.",
     "1 IS DISTINCT FROM 2",
     [](std::vector<ExpressionPtr>& a) { return bind_distinct("IS DISTINCT FROM", a); }, distinct<true>},
    {"IS NOT DISTINCT FROM", "x IS NOT DISTINCT FROM y", "True when they are equal; null equals null.",
     "1 IS NOT DISTINCT FROM 1",
     [](std::vector<ExpressionPtr>& a) { return bind_distinct("IS NOT DISTINCT FROM", a); }, distinct<false>},
    {"IS NULL", "x IS NULL", "True when there is no value.", "'a' IS NULL", bind_one, null_test<true>},
    {"IS NOT NULL", "x IS NOT NULL", "True when there is a value.", "'a' IS NOT NULL", bind_one,
     null_test<false>},
    {"NOT", "NOT condition", "The opposite.", "NOT TRUE",
     [](std::vector<ExpressionPtr>& a) { return bind_truths("NOT", a, 1); }, negate},
    {"AND", "condition AND condition", "True when both are.", "TRUE AND FALSE",
     [](std::vector<ExpressionPtr>& a) { return bind_truths("AND", a, 2); }, nullptr, nullptr, true},
    {"OR", "condition OR condition", "True when one is.", "TRUE OR FALSE",
     [](std::vector<ExpressionPtr>& a) { return bind_truths("OR", a, 2); }, nullptr, nullptr, true},
    {"IN", "x IN (a, b, ...)", "True when x equals one of them.", "1 IN (1, 2)", bind_list, in_list},
    {"LIKE", "text LIKE pattern [ESCAPE c]", "% stands for any text, _ for one character.", "'abc' LIKE 'a%'",
     bind_like, like_kernel},
    {"COALESCE", "COALESCE(x, ...)", "The first that is not null.", "COALESCE('a', 'b')",
     [](std::vector<ExpressionPtr>& a) { return bind_same("COALESCE", a); }, nullptr, nullptr, true},
    {"IFNULL", "IFNULL(x, otherwise)", "x, or the other where x is null.", "IFNULL('a', 'b')",
     [](std::vector<ExpressionPtr>& a) { return bind_same("IFNULL", a); }, nullptr, nullptr, true},
    {"NULLIF", "NULLIF(x, y)", "Null where both are equal, else x.", "NULLIF(1, 2)",
     [](std::vector<ExpressionPtr>& a) { return bind_same("NULLIF", a); }, nullptr, null_if, false, true},
};

}  // namespace

std::span<const Function> compare_functions() {
  return kRows;
}

}  // namespace tradewind::expr
