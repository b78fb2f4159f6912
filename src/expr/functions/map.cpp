// Maps: made, taken apart, united; and AS_VALUE.
#include <algorithm>
#include <numeric>

#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

bool is_map(const ExpressionPtr& argument) {
  return argument->type.kind() == Kind::map;
}

// Puts an entry in; a key that is there already gets the new value.
void put(std::vector<Value>& map, const Value& key, const Value& value) {
  for (size_t i = 0; i < map.size(); i += 2) {
    if (!(map[i] == key)) continue;
    map[i + 1] = value;
    return;
  }
  map.push_back(key);
  map.push_back(value);
}

Result<Value> as_map(Values a, Types) {
  const size_t count = std::min(a[0].parts().size(), a[1].parts().size());
  std::vector<Value> map;
  for (size_t i = 0; i < count; ++i) {
    if (a[0].parts()[i].is_null()) return Error{Code::invalid, "the key of a map cannot be null"};
    put(map, a[0].parts()[i], a[1].parts()[i]);
  }
  return Value(std::move(map));
}

Result<Type> bind_as_map(Arguments& a) {
  if (a.size() != 2 || a[0]->type.kind() != Kind::array || a[1]->type.kind() != Kind::array ||
      a[0]->type.element().kind() != Kind::string) {
    return does_not_take("AS_MAP", a);
  }
  return Type::map(Kind::string, a[1]->type.element());
}

Result<Value> entries(Values a, Types) {
  std::vector<size_t> order(a[0].parts().size() / 2);
  std::iota(order.begin(), order.end(), size_t{0});
  const std::vector<Value>& parts = a[0].parts();
  if (a[1].number() != 0) {
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t x, size_t y) { return less(parts[2 * x], parts[2 * y]); });
  }
  std::vector<Value> made;
  for (const size_t i : order) made.emplace_back(std::vector<Value>{parts[2 * i], parts[2 * i + 1]});
  return Value(std::move(made));
}

Result<Type> bind_entries(Arguments& a) {
  if (a.size() != 2 || !is_map(a[0]) || a[1]->type.kind() != Kind::boolean)
    return does_not_take("ENTRIES", a);
  std::vector<Field> fields = {{"K", a[0]->type.key()}, {"V", a[0]->type.element()}};
  return Type::array(Type::structure(std::move(fields)));
}

// Every other part: the keys, or the values.
template <size_t kFrom>
Result<Value> halves(Values a, Types) {
  std::vector<Value> parts;
  for (size_t i = kFrom; i < a[0].parts().size(); i += 2) parts.push_back(a[0].parts()[i]);
  return Value(std::move(parts));
}

Result<Value> unite(Values a, Types) {
  if (a[0].is_null()) return a[1];
  std::vector<Value> map = a[0].parts();
  for (size_t i = 0; !a[1].is_null() && i < a[1].parts().size(); i += 2)
    put(map, a[1].parts()[i], a[1].parts()[i + 1]);
  return Value(std::move(map));
}

Result<Type> bind_union(Arguments& a) {
  if (a.size() != 2) return does_not_take("MAP_UNION", a);
  const Type type = TRY(take_common("MAP_UNION", a));
  if (type.kind() != Kind::map) return does_not_take("MAP_UNION", a);
  return type;
}

Result<Type> bind_as_value(Arguments& a) {
  if (a.size() != 1) return does_not_take("AS_VALUE", a);
  return a[0]->type;
}

ColumnPtr as_value(const Call& call) {
  return call.arguments[0];
}

const Function kRows[] = {
    {"AS_MAP", "AS_MAP(keys, values) -> MAP", "A map of an array of keys and one of values.",
     "AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])", bind_as_map, nullptr, as_map},
    {"ENTRIES", "ENTRIES(map, sorted) -> ARRAY<STRUCT<K, V>>", "Its entries; sorted by key when asked.",
     "ENTRIES(MAP('b' := 1, 'a' := 2), TRUE)", bind_entries, nullptr, entries},
    {"MAP_KEYS", "MAP_KEYS(map) -> ARRAY", "Its keys.", "MAP_KEYS(MAP('a' := 1))",
     [](Arguments& a) -> Result<Type> {
       if (a.size() != 1 || !is_map(a[0])) return does_not_take("MAP_KEYS", a);
       return Type::array(a[0]->type.key());
     },
     nullptr, halves<0>},
    {"MAP_VALUES", "MAP_VALUES(map) -> ARRAY", "Its values.", "MAP_VALUES(MAP('a' := 1))",
     [](Arguments& a) -> Result<Type> {
       if (a.size() != 1 || !is_map(a[0])) return does_not_take("MAP_VALUES", a);
       return Type::array(a[0]->type.element());
     },
     nullptr, halves<1>},
    {"MAP_UNION", "MAP_UNION(map, map)", "The entries of both; of equal keys the second's.",
     "MAP_UNION(MAP('a' := 1), MAP('b' := 2))", bind_union, nullptr, unite, false, true},
    {"AS_VALUE", "AS_VALUE(key)", "A key column once more, as a value.", "AS_VALUE('a')", bind_as_value,
     as_value},
};

}  // namespace

std::span<const Function> map_functions() {
  return kRows;
}

}  // namespace tradewind::expr
