#include <algorithm>
#include <cctype>
#include <map>

#include "data/decimal.h"
#include "expr/function.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return result;
}

std::vector<Function> all_rows() {
  std::vector<Function> all;
  for (const auto part :
       {arithmetic_functions(), compare_functions(), number_functions(), real_functions(), text_functions(),
        text_part_functions(), mask_functions(), regex_functions(), bytes_functions(), time_functions(),
        time_shift_functions(), array_functions(), set_functions(), map_functions(), lambda_functions(),
        json_functions(), url_functions(), chance_functions()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

const std::vector<Function>& table() {
  static const std::vector<Function> rows = all_rows();
  return rows;
}

}  // namespace

std::span<const Function> function_rows() {
  return table();
}

std::span<const TableFunction> table_functions() {
  static const TableFunction kRows[] = {
      {"EXPLODE", "EXPLODE(array) or EXPLODE(map)",
       "A row for each element, or for each entry as STRUCT<K, V>; several in one SELECT go side by side.",
       "EXPLODE(ARRAY['a', 'b'])"},
      {"CUBE_EXPLODE", "CUBE_EXPLODE(array)",
       "A row for each choice of elements kept, the others null; for totals at every level.",
       "CUBE_EXPLODE(ARRAY['a', 'b'])"},
  };
  return kRows;
}

const Function* find_function(std::string_view name) {
  static const std::map<std::string, const Function*> by_name = [] {
    std::map<std::string, const Function*> map;
    for (const Function& function : table()) map[std::string(function.name)] = &function;
    return map;
  }();
  const auto found = by_name.find(upper(name));
  return found == by_name.end() ? nullptr : found->second;
}

bool asks_moment(const Expression& expression) {
  if (expression.node == Node::call && expression.function->moment) return true;
  return std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     [](const ExpressionPtr& argument) { return asks_moment(*argument); });
}

Result<ExpressionPtr> call(std::string_view name, std::vector<ExpressionPtr> arguments, size_t site) {
  const Function* function = find_function(name);
  if (function == nullptr)
    return Error{Code::invalid, "no function is called " + upper(name) + "; SHOW FUNCTIONS lists them"};
  auto made = std::make_shared<Expression>();
  made->type = TRY(function->bind(arguments));
  made->node = Node::call;
  made->function = function;
  if (function->moment) made->index = site;
  made->arguments = std::move(arguments);
  return ExpressionPtr(made);
}

ExpressionPtr cast_if_needed(ExpressionPtr of, const Type& to) {
  if (of->type == to) return of;
  if (of->node == Node::constant) {
    if (of->value.is_null()) return constant(to, Value());
    if (auto value = cast_value(of->value, of->type, to); value.ok()) return constant(to, std::move(*value));
  }
  return cast(std::move(of), to);
}

Result<Type> common_type(const Type& a, const Type& b) {
  if (a == b) return a;
  if (a.is_number() && b.is_number()) {
    if (a.kind() == Kind::real || b.kind() == Kind::real) return Type(Kind::real);
    if (a.kind() == Kind::decimal || b.kind() == Kind::decimal) {
      const Type x = as_decimal(a);
      const Type y = as_decimal(b);
      const int scale = std::max(x.scale(), y.scale());
      return Type::decimal(std::max(x.precision() - x.scale(), y.precision() - y.scale()) + scale, scale);
    }
    return Type(Kind::bigint);
  }
  const auto timely = [](const Type& type) {
    return type.kind() == Kind::timestamp || type.kind() == Kind::date || type.kind() == Kind::time;
  };
  if (timely(a) && b.kind() == Kind::string) return a;
  if (timely(b) && a.kind() == Kind::string) return b;
  return Error{Code::invalid, a.text() + " and " + b.text() + " have no common type; CAST one of them"};
}

Result<std::optional<Type>> common_type(std::span<const ExpressionPtr> of) {
  std::optional<Type> type;
  const auto literal = [](const ExpressionPtr& one) {
    return one->node == Node::constant && one->type.kind() == Kind::string;
  };
  // A literal text takes the type of its neighbours: IN (1, '2').
  const bool others =
      std::any_of(of.begin(), of.end(), [&](const ExpressionPtr& one) { return !literal(one); });
  for (const ExpressionPtr& one : of) {
    if (one->node == Node::constant && one->value.is_null()) continue;
    if (literal(one) && others) continue;
    type = type ? TRY(common_type(*type, one->type)) : one->type;
  }
  for (const ExpressionPtr& one : of) {
    if (!others || !literal(one) || one->value.is_null() || !type) continue;
    const auto read = cast_value(one->value, one->type, *type);
    if (!read.ok() || type->is_nested())
      return Error{Code::invalid, "'" + one->value.text() + "' is no " + type->text()};
  }
  return type;
}

Result<ExpressionPtr> choose(std::vector<ExpressionPtr> parts, bool has_else) {
  const auto null = [](const ExpressionPtr& e) { return e->node == Node::constant && e->value.is_null(); };
  std::optional<Type> type;
  const auto widen = [&](const ExpressionPtr& result) -> Result<> {
    if (null(result)) return {};
    if (!type)
      type = result->type;
    else
      type = TRY(common_type(*type, result->type));
    return {};
  };
  const size_t pairs = parts.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    if (parts[2 * i]->type.kind() != Kind::boolean)
      return Error{Code::invalid, "a WHEN needs a BOOLEAN condition"};
    TRY(widen(parts[2 * i + 1]));
  }
  if (has_else) TRY(widen(parts.back()));
  if (!type) return Error{Code::invalid, "all results of the CASE are NULL; CAST one of them to a type"};
  for (size_t i = 0; i < pairs; ++i) parts[2 * i + 1] = cast_if_needed(parts[2 * i + 1], *type);
  if (has_else) parts.back() = cast_if_needed(parts.back(), *type);
  auto made = std::make_shared<Expression>();
  made->node = Node::choose;
  made->type = *type;
  made->arguments = std::move(parts);
  return ExpressionPtr(made);
}

Result<ExpressionPtr> element(ExpressionPtr of, ExpressionPtr index) {
  const Kind kind = of->type.kind();
  if (kind == Kind::array && index->type.kind() != Kind::integer && index->type.kind() != Kind::bigint) {
    return Error{Code::invalid, "an array is indexed by a whole number, 1 for its first element"};
  }
  if (kind == Kind::map && !(index->type == of->type.key())) {
    return Error{Code::invalid,
                 "the map's keys are " + of->type.key().text() + ", not " + index->type.text()};
  }
  if (kind != Kind::array && kind != Kind::map) {
    return Error{Code::invalid, of->type.text() + " has no elements; [] is for arrays and maps"};
  }
  auto made = std::make_shared<Expression>();
  made->node = Node::element;
  made->type = of->type.element();
  made->arguments = {std::move(of), std::move(index)};
  return ExpressionPtr(made);
}

}  // namespace tradewind::expr
