// Any text as SQL: it parses or is refused with a place; what parses binds against a small catalogue or is
// refused.
#include <algorithm>
#include <cstdint>

#include "base/random.h"
#include "sql/parse.h"
#include "sql/plan.h"

namespace {

using namespace tradewind;

class NoSchemas final : public sql::SchemaLookup {
 public:
  Result<std::vector<Field>> columns(const std::string&, bool, schema::SchemaId) override {
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

// What statements are made of; bytes alone seldom make a clause at a place where one may stand.
constexpr std::string_view kPhrases[] = {
    "SELECT *",
    "SELECT K, COUNT(*) AS N",
    "FROM S",
    "FROM T",
    "WINDOW TUMBLING (SIZE 1 SECOND)",
    "WINDOW TUMBLING (SIZE 2 DAYS, RETENTION 4 DAYS, GRACE PERIOD 1 HOUR)",
    "WHERE A > 0",
    "WHERE K IN ('a', 'b')",
    "WHERE WINDOWSTART >= 10",
    "GROUP BY K",
    "GROUP BY A, T",
    "PARTITION BY A",
    "HAVING COUNT(*) > 1",
    "EMIT CHANGES",
    "LIMIT 3",
    ";",
    ", SUM(D) AS D",
    ", EXPLODE(L) AS E",
    ", CASE WHEN A IS NULL THEN 0 ELSE A END AS C",
    ", L[1]->F AS F",
    ", M['x'] AS M",
    "CREATE TABLE X AS",
    "CREATE STREAM Y AS",
    "EXPLAIN",
    "AND NOT",
    "|| 'text'",
    "CAST(A AS DECIMAL(9, 2))",
    "BETWEEN 1 AND 2.5e3"};

// Puts a phrase between two words, or in the place of some.
std::string with_phrase(const std::string& text, Random& random) {
  std::vector<size_t> gaps = {0, text.size()};
  for (size_t at = text.find(' '); at != std::string::npos; at = text.find(' ', at + 1)) gaps.push_back(at);
  const size_t from = gaps[random.below(gaps.size())];
  const size_t to = random.chance(0.5) ? from : gaps[random.below(gaps.size())];
  const std::string_view phrase = kPhrases[random.below(std::size(kPhrases))];
  return text.substr(0, std::min(from, to)) + " " + std::string(phrase) + " " +
         text.substr(std::max(from, to));
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  Random random(seed);
  if (random.chance(0.5)) return LLVMFuzzerMutate(data, size, most);
  const std::string text = with_phrase(std::string(reinterpret_cast<const char*>(data), size), random);
  const size_t kept = std::min(text.size(), most);
  std::copy_n(text.data(), kept, data);
  return kept;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sql::Catalog catalog = small_catalog();
  NoSchemas lookup;
  const auto statements = sql::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!statements.ok()) return 0;
  for (const sql::Statement& statement : *statements) {
    if (const auto* create = std::get_if<sql::CreateSource>(&statement.is))
      (void)sql::plan_source(*create, catalog, lookup).ok();
    if (const auto* select = std::get_if<sql::Select>(&statement.is))
      (void)sql::plan_select(select->query, catalog).ok();
    if (const auto* insert = std::get_if<sql::InsertValues>(&statement.is))
      (void)sql::plan_insert(*insert, catalog).ok();
    if (const auto* explained = std::get_if<sql::Explain>(&statement.is); explained && explained->query)
      (void)sql::explain(*explained->query, catalog, lookup).ok();
  }
  return 0;
}
