// Prints the tables of functions and aggregates, a line each: kind, name, signature, description, example,
// and what the example gives, between tabs. tools/reference makes docs/reference/functions.md of it.
#include <cctype>
#include <cstdio>
#include <string>

#include "expr/aggregate.h"
#include "expr/function.h"
#include "sql/parse.h"
#include "sql/plan.h"

namespace tradewind {
namespace {

// By way of INSERT VALUES; the clock's and chance's functions give nothing that stands still.
std::string value_of(const std::string& expression) {
  sql::Catalog catalog;
  sql::Source target{.name = "T", .columns = {{"X", Kind::string}}, .topic = "t"};
  catalog.sources["T"] = target;
  const auto statements = sql::parse("INSERT INTO t (x) VALUES (CAST(" + expression + " AS STRING));");
  if (!statements.ok()) return "";
  const auto once = sql::plan_insert(std::get<sql::InsertValues>((*statements)[0].is), catalog);
  if (!once.ok()) return "";
  return once->values[0].is_null() ? "null" : once->values[0].text();
}

bool stands_still(std::string_view name) {
  return name != "RANDOM" && name != "UUID" && name != "UNIX_TIMESTAMP" && name != "UNIX_DATE";
}

void print(const char* kind, std::string_view name, std::string_view signature, std::string_view description,
           std::string_view example, const std::string& gives) {
  std::string line = kind;
  for (const std::string_view part : {name, signature, description, example, std::string_view(gives)}) {
    line += "\t" + std::string(part);
  }
  std::printf("%s\n", line.c_str());
}

}  // namespace
}  // namespace tradewind

int main() {
  using namespace tradewind;
  for (const auto& row : expr::aggregate_kinds()) {
    print(row.retracts ? "aggregate, also over tables" : "aggregate", row.name, row.signature,
          row.description, row.example, row.merges ? "" : "order");
  }
  for (const auto& row : expr::table_functions())
    print("table function", row.name, row.signature, row.description, row.example, "");
  for (const auto& row : expr::function_rows()) {
    const bool word = std::isalpha(static_cast<unsigned char>(row.name[0])) != 0;
    const std::string gives = stands_still(row.name) ? value_of(std::string(row.example)) : "";
    print(word && row.name.find(' ') == std::string_view::npos ? "function" : "operator", row.name,
          row.signature, row.description, row.example, gives);
  }
  return 0;
}
