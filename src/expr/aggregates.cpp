#include <algorithm>
#include <array>
#include <cctype>

#include "expr/aggregate.h"
#include "expr/aggregates/counting.h"
#include "expr/aggregates/extremes.h"
#include "expr/aggregates/sums.h"

namespace tradewind::expr {
namespace {

constexpr std::array<AggregateKind, 6> kKinds = {{
    {"AVG", true, "AVG(number) -> DOUBLE", "The mean of the values that are not null.", "AVG(amount)"},
    {"COUNT", true, "COUNT(*) or COUNT(x) -> BIGINT", "Rows, or rows where x is not null.", "COUNT(*)"},
    {"COUNT_DISTINCT", false, "COUNT_DISTINCT(x) -> BIGINT",
     "Different values that are not null: exact up to 65,536 in a group, an estimate within 1 % beyond.",
     "COUNT_DISTINCT(customer_id)"},
    {"MAX", false, "MAX(x) -> type of x", "The greatest value that is not null.", "MAX(amount)"},
    {"MIN", false, "MIN(x) -> type of x", "The least value that is not null.", "MIN(amount)"},
    {"SUM", true, "SUM(number) -> type of number",
     "The sum of the values that are not null; a DECIMAL sum that outgrows its precision stops the query.",
     "SUM(amount)"},
}};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

std::span<const AggregateKind> aggregate_kinds() {
  return kKinds;
}

const AggregateKind* find_aggregate(std::string_view name) {
  for (const AggregateKind& kind : kKinds) {
    if (same_name(kind.name, name)) return &kind;
  }
  return nullptr;
}

Result<std::unique_ptr<Aggregate>> make_aggregate(std::string_view name,
                                                  const std::optional<Type>& argument) {
  const AggregateKind* kind = find_aggregate(name);
  if (kind == nullptr) return Error{Code::invalid, "no aggregate is called " + std::string(name)};
  std::unique_ptr<Aggregate> made;
  if (kind->name == "COUNT") made = make_count();
  if (argument) {
    if (kind->name == "SUM") made = make_sum(*argument);
    if (kind->name == "AVG") made = make_average(*argument);
    if (kind->name == "MIN" || kind->name == "MAX") made = make_extreme(*argument, kind->name == "MAX");
    if (kind->name == "COUNT_DISTINCT") made = make_count_distinct(*argument);
  }
  if (made == nullptr) {
    return Error{Code::invalid, std::string(kind->name) + " does not take " +
                                    (argument ? argument->text() : std::string("*")) + "; it is " +
                                    std::string(kind->signature)};
  }
  return made;
}

}  // namespace tradewind::expr
