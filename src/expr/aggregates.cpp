#include <algorithm>
#include <array>
#include <cctype>

#include "expr/aggregate.h"
#include "expr/aggregates/additions.h"
#include "expr/aggregates/collected.h"
#include "expr/aggregates/counting.h"
#include "expr/aggregates/extremes.h"
#include "expr/aggregates/moments.h"
#include "expr/aggregates/sums.h"
#include "expr/function.h"

namespace tradewind::expr {
namespace {

// Name, works on tables, merges from partials; then what people read.
constexpr std::array<AggregateKind, 23> kKinds = {{
    {"ATTR", true, true, "ATTR(x) -> type of x", "The value that all rows have; null when they differ.",
     "ATTR(customer_id)"},
    {"AVG", true, true, "AVG(number) -> DOUBLE", "The mean of the values that are not null; 0.0 of none.",
     "AVG(amount)"},
    {"COLLECT_LIST", true, false, "COLLECT_LIST(x) -> ARRAY", "All values in the order they came.",
     "COLLECT_LIST(amount)"},
    {"COLLECT_SET", false, false, "COLLECT_SET(x) -> ARRAY",
     "The different values in the order they first came.", "COLLECT_SET(customer_id)"},
    {"CORRELATION", true, true, "CORRELATION(x, y) -> DOUBLE",
     "Pearson's correlation of two numbers; NaN where there is none.", "CORRELATION(amount, amount)"},
    {"COUNT", true, true, "COUNT(*) or COUNT(x) -> BIGINT", "Rows, or rows where x is not null.", "COUNT(*)"},
    {"COUNT_DISTINCT", false, true, "COUNT_DISTINCT(x) -> BIGINT",
     "Different values that are not null: exact up to 65,536 in a group, an estimate within 1 % beyond.",
     "COUNT_DISTINCT(customer_id)"},
    {"DECAY_COUNT", true, true, "DECAY_COUNT(half-life) -> DOUBLE",
     "Rows, each counting half for each half-life it is older than the newest row of the group.",
     "DECAY_COUNT('2 HOURS')", true},
    {"DECAY_SUM", true, true, "DECAY_SUM(number, half-life) -> DOUBLE",
     "The sum of the values, each weighing half for each half-life it is older than the newest row of the "
     "group; exact to 12 digits in any order of rows, forgotten after 40 half-lives.",
     "DECAY_SUM(amount, '2 HOURS')", true},
    {"EARLIEST_BY_OFFSET", false, false,
     "EARLIEST_BY_OFFSET(x [, n] [, ignore_nulls]) -> type of x, or ARRAY",
     "The value, or the n values, that came first; nulls left out unless ignore_nulls is FALSE.",
     "EARLIEST_BY_OFFSET(customer_id)"},
    {"FUNNEL", false, true,
     "FUNNEL(person, time, 'within', 'ORDERED', 'BEST' or 'FIRST', condition, condition [, ...]) -> "
     "ARRAY<STRUCT<STEP, ENTERED, CONVERTED, RATE, RATE_LOW, RATE_HIGH, P50_MS, P90_MS>>",
     "How many took each step in time after the first, by event time; a person counts in the window and "
     "group of the first step. BEST: each first step is a try; FIRST: one open try a person. RATE to the "
     "next "
     "step with its 95 % interval; P50_MS and P90_MS since the step before.",
     "FUNNEL(customer_id, ROWTIME, '1 DAY', 'ORDERED', 'BEST', amount > 0, amount > 10)"},
    {"HISTOGRAM", true, true, "HISTOGRAM(text) -> MAP<STRING, BIGINT>",
     "How often each text came; at most 1,000 different ones.", "HISTOGRAM(customer_id)"},
    {"LATEST_BY_OFFSET", false, false, "LATEST_BY_OFFSET(x [, n] [, ignore_nulls]) -> type of x, or ARRAY",
     "The value, or the n values, that came last; nulls left out unless ignore_nulls is FALSE.",
     "LATEST_BY_OFFSET(customer_id, 3)"},
    {"MAX", false, true, "MAX(x) -> type of x", "The greatest value that is not null.", "MAX(amount)"},
    {"MIN", false, true, "MIN(x) -> type of x", "The least value that is not null.", "MIN(amount)"},
    {"QUANTILE", true, true, "QUANTILE(number, share) -> DOUBLE",
     "The value below which that share of the values lies, within 1 % of it; null of none.",
     "QUANTILE(amount, 0.95)", true},
    {"STDDEV_SAMP", true, true, "STDDEV_SAMP(number) -> DOUBLE",
     "The variance of a sample, under the name it has in ksqlDB; STDDEV_SAMPLE is the deviation.",
     "STDDEV_SAMP(amount)"},
    {"STDDEV_SAMPLE", true, true, "STDDEV_SAMPLE(number) -> DOUBLE", "The standard deviation of a sample.",
     "STDDEV_SAMPLE(amount)"},
    {"SUM", true, true, "SUM(number) -> type of number",
     "The sum of the values that are not null; a DECIMAL sum that outgrows its precision stops the query.",
     "SUM(amount)"},
    {"SUM_LIST", true, true, "SUM_LIST(ARRAY of numbers) -> type of the numbers", "The sum of all elements.",
     "SUM_LIST(ARRAY[amount, 1.5])"},
    {"TOPK", false, true, "TOPK(x [, more, ...], n) -> ARRAY of x, or of STRUCT<SORT_COL, COL0, ...>",
     "The n greatest values, greatest first, with what stood beside them.", "TOPK(amount, customer_id, 3)"},
    {"TOP_ITEMS", true, true, "TOP_ITEMS(item, weight, n [, half-life]) -> ARRAY<STRUCT<ITEM, WEIGHT>>",
     "The n items with the greatest sums of weights above 0, each once; with a half-life a weight counts "
     "half "
     "for each one it is older than the newest row of the group. Exact up to 65,536 items in a group.",
     "TOP_ITEMS(customer_id, amount, 3, '2 HOURS')", true},
    {"TOPKDISTINCT", false, true, "TOPKDISTINCT(x, n) -> ARRAY",
     "The n greatest different values, greatest first.", "TOPKDISTINCT(amount, 3)"},
}};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

bool is_top(std::string_view name) {
  return name == "TOPK" || name == "TOPKDISTINCT";
}
bool is_by_offset(std::string_view name) {
  return name == "LATEST_BY_OFFSET" || name == "EARLIEST_BY_OFFSET";
}

bool is_literal(const ExpressionPtr& of, Kind kind) {
  return of->node == Node::constant && of->type.kind() == kind && !of->value.is_null();
}

// Nothing: not for such arguments. Otherwise what is left of them is the one to fold.
std::optional<std::vector<Value>> constants_of(std::string_view name, std::vector<ExpressionPtr>& arguments) {
  std::vector<Value> constants;
  if (is_top(name)) {
    if (arguments.size() < 2 || !is_literal(arguments.back(), Kind::integer)) return std::nullopt;
    if (arguments.back()->value.number() < 1) return std::nullopt;
    constants.push_back(arguments.back()->value);
    arguments.pop_back();
    if (name == "TOPKDISTINCT" && arguments.size() > 1) return std::nullopt;
    if (arguments.size() > 1) {
      std::vector<std::string> names = {"SORT_COL"};
      while (names.size() < arguments.size()) names.push_back("COL" + std::to_string(names.size() - 1));
      arguments = {structure_of(std::move(arguments), std::move(names))};
    }
  }
  if (is_by_offset(name)) {
    constants = {Value(), Value(int64_t{1})};  // n, ignore nulls
    for (size_t i = 1; i < arguments.size(); ++i) {
      const bool count = i == 1 && is_literal(arguments[i], Kind::integer);
      if (!count && !(i + 1 == arguments.size() && is_literal(arguments[i], Kind::boolean)))
        return std::nullopt;
      if (count && arguments[i]->value.number() < 1) return std::nullopt;
      constants[count ? 0 : 1] = arguments[i]->value;
    }
    if (!arguments.empty()) arguments.resize(1);
  }
  if (name == "CORRELATION") {
    if (arguments.size() != 2) return std::nullopt;
    for (ExpressionPtr& argument : arguments) {
      if (!argument->type.is_number()) return std::nullopt;
      argument = cast_if_needed(argument, Kind::real);
    }
    arguments = {structure_of(std::move(arguments), {"X", "Y"})};
  }
  if (arguments.size() > 1) return std::nullopt;
  return constants;
}

Error does_not_take(const AggregateKind& kind, const std::string& what) {
  return {Code::invalid,
          std::string(kind.name) + " does not take " + what + "; it is " + std::string(kind.signature)};
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

Result<BoundAggregate> bind_aggregate(std::string_view name, std::vector<ExpressionPtr> arguments) {
  const AggregateKind* kind = find_aggregate(name);
  if (kind == nullptr) return Error{Code::invalid, "no aggregate is called " + std::string(name)};
  std::string told = "(";
  for (const ExpressionPtr& argument : std::span(arguments).first(arguments.size() - (kind->timed ? 1 : 0)))
    told += (told.size() > 1 ? ", " : "") + argument->type.text();
  if (kind->name == "COUNT" && arguments.size() == 1 && arguments[0]->node == Node::constant)
    arguments.clear();
  BoundAggregate bound;
  if (is_addition(kind->name)) {
    auto constants = addition_constants(kind->name, arguments);
    if (!constants.ok() && !constants.error().message.empty()) return constants.error();
    if (!constants.ok()) return does_not_take(*kind, told + ")");
    bound.constants = std::move(*constants);
  } else {
    const auto constants = constants_of(kind->name, arguments);
    if (!constants) return does_not_take(*kind, told + ")");
    bound.constants = *constants;
  }
  std::optional<Type> type;
  if (!arguments.empty()) {
    bound.argument = arguments[0];
    type = bound.argument->type;
  }
  const auto made = TRY(make_aggregate(name, type, bound.constants));
  bound.result = made->result_type();
  return bound;
}

Result<std::unique_ptr<Aggregate>> make_aggregate(std::string_view called,
                                                  const std::optional<Type>& argument,
                                                  std::span<const Value> constants) {
  const AggregateKind* kind = find_aggregate(called);
  if (kind == nullptr) return Error{Code::invalid, "no aggregate is called " + std::string(called)};
  const std::string_view name = kind->name;
  std::unique_ptr<Aggregate> made;
  if (name == "COUNT") made = make_count();
  if (argument) {
    if (name == "SUM") made = make_sum(*argument);
    if (name == "SUM_LIST") made = make_sum_list(*argument);
    if (name == "AVG") made = make_average(*argument);
    if (name == "MIN" || name == "MAX") made = make_extreme(*argument, name == "MAX");
    if (name == "COUNT_DISTINCT") made = make_count_distinct(*argument);
    if (name == "COLLECT_LIST") made = make_collect_list(*argument);
    if (name == "COLLECT_SET") made = make_collect_set(*argument);
    if (name == "HISTOGRAM") made = make_histogram(*argument);
    if (name == "ATTR") made = make_attr(*argument);
    if (name == "STDDEV_SAMP" || name == "STDDEV_SAMPLE")
      made = make_deviation(*argument, name == "STDDEV_SAMPLE");
    if (name == "CORRELATION") made = make_correlation(*argument);
    if (is_top(name) && constants.size() == 1)
      made = make_top(*argument, static_cast<size_t>(constants[0].number()), name == "TOPKDISTINCT");
    if (is_addition(name)) made = make_addition(name, *argument, constants);
    if (is_by_offset(name) && constants.size() == 2) {
      const auto count =
          constants[0].is_null() ? std::nullopt : std::optional(static_cast<size_t>(constants[0].number()));
      made = make_by_offset(*argument, count, name == "LATEST_BY_OFFSET", constants[1].number() != 0);
    }
  }
  if (made == nullptr) return does_not_take(*kind, argument ? argument->text() : std::string("*"));
  return made;
}

}  // namespace tradewind::expr
