// Any text as SQL: it parses or is refused with a place; what parses binds against a small catalogue or is
// refused.
#include <cstdint>
#include <cstdlib>

#include "sql/parse.h"
#include "sql/plan.h"

namespace {

using namespace tradewind;

class NoSchemas final : public sql::SchemaLookup {
 public:
  Result<std::vector<Field>> columns(const std::string&, bool) override {
    return std::vector<Field>{{"A", Kind::string}};
  }
  Result<int32_t> partitions(const std::string&) override { return 2; }
};

sql::Catalog small_catalog() {
  sql::Catalog catalog;
  sql::Source source;
  source.name = "S";
  source.topic = "s";
  source.columns = {{"K", Kind::string, true},
                    {"A", Kind::integer},
                    {"D", Type::decimal(10, 2)},
                    {"L", Type::array(Type::structure({{"F", Kind::bigint}}))},
                    {"M", Type::map(Kind::string, Kind::real)},
                    {"T", Kind::timestamp}};
  catalog.sources["S"] = source;
  source.name = "T";
  source.table = true;
  source.query_id = "CTAS_T_0";
  source.window_size_ms = 1000;
  catalog.sources["T"] = source;
  return catalog;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sql::Catalog catalog = small_catalog();
  NoSchemas lookup;
  const auto statements = sql::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!statements.ok()) return 0;
  for (const sql::Statement& statement : *statements) {
#ifdef TW_PLANTED_BUG
    if (std::holds_alternative<sql::Select>(statement.is)) std::abort();
#endif
    if (const auto* create = std::get_if<sql::CreateSource>(&statement.is))
      (void)sql::plan_source(*create, catalog, lookup).ok();
    if (const auto* select = std::get_if<sql::Select>(&statement.is))
      (void)sql::plan_select(select->query, catalog).ok();
    if (const auto* insert = std::get_if<sql::InsertValues>(&statement.is))
      (void)sql::plan_insert(*insert, catalog).ok();
  }
  return 0;
}
