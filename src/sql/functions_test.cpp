// The example of each function is bound and evaluated; expressions follow the dialect's rules for nulls and
// numbers.
#include "expr/aggregate.h"
#include "expr/function.h"
#include "sql/parse.h"
#include "sql/plan.h"

namespace tradewind::sql {
namespace {

// The value of a constant expression, by way of INSERT VALUES: text, or "error: ..." or "null".
std::string value_of(const std::string& expression, const std::string& type = "STRING") {
  Catalog catalog;
  Source target;
  target.name = "T";
  target.topic = "t";
  target.columns = {{"X", Kind::string}};
  catalog.sources["T"] = target;
  const bool text = type == "STRING";
  const auto statements =
      parse("INSERT INTO t (x) VALUES (" + (text ? "CAST(" + expression + " AS STRING)" : expression) + ");");
  if (!statements.ok()) return "error: " + statements.error().message;
  const auto plan = plan_insert(std::get<InsertValues>((*statements)[0].is), catalog);
  if (!plan.ok()) return "error: " + plan.error().message;
  return plan->values[0].is_null() ? "null" : plan->values[0].text();
}

TEST(Functions, HaveExamplesThatWork) {
  for (const expr::Function& row : expr::function_rows()) {
    EXPECT_EQ(value_of(std::string(row.example)).find("error"), std::string::npos)
        << row.name << ": " << row.example << " gives " << value_of(std::string(row.example));
    EXPECT_FALSE(row.description.empty()) << row.name;
  }
}

TEST(Functions, HaveAggregatesWhoseExamplesAreBound) {
  Catalog catalog;
  Source source;
  source.name = "S";
  source.topic = "s";
  source.columns = {{"K", Kind::string, true}, {"AMOUNT", Kind::real}, {"CUSTOMER_ID", Kind::string}};
  catalog.sources["S"] = source;
  for (const expr::AggregateKind& kind : expr::aggregate_kinds()) {
    const auto statements =
        parse("SELECT k, " + std::string(kind.example) + " FROM s GROUP BY k EMIT CHANGES;");
    ASSERT_TRUE(statements.ok()) << kind.example << ": " << statements.error().message;
    const auto plan = plan_select(std::get<Select>((*statements)[0].is).query, catalog);
    EXPECT_TRUE(plan.ok()) << kind.example << ": " << plan.error().message;
    EXPECT_FALSE(kind.description.empty()) << kind.name;
  }
}

TEST(Functions, GiveWhatTheDialectGives) {
  EXPECT_EQ(value_of("7 / 2"), "3");
  EXPECT_EQ(value_of("-7 % 4"), "-3");
  EXPECT_EQ(value_of("1.10 + 2"), "3.10");
  EXPECT_EQ(value_of("1e1 * 2"), "20.0");
  EXPECT_EQ(value_of("1.5 * 1.5"), "2.25");
  EXPECT_EQ(value_of("1.0 / 4"), "0.250000000000");
  EXPECT_EQ(value_of("SUBSTRING('tradewind', -4, 2)"), "wi");
  EXPECT_EQ(value_of("ROUND(-1.5e0)"), "-1");
  EXPECT_EQ(value_of("CAST(2.675e0 AS DECIMAL(10, 2))"), "2.68");
  EXPECT_EQ(value_of("FORMAT_TIMESTAMP(FROM_UNIXTIME(1321531200000), 'yyyy-MM-dd HH:mm')"),
            "2011-11-17 12:00");
  EXPECT_EQ(value_of("CASE WHEN 1 > 2 THEN 'a' WHEN 2 > 1 THEN 'b' END"), "b");
  EXPECT_EQ(value_of("'a' || 'b'"), "ab");
  EXPECT_EQ(value_of("'abc' LIKE 'a_c'"), "true");
  EXPECT_EQ(value_of("3 BETWEEN 1 AND 3"), "true");
  EXPECT_EQ(value_of("5 IN (1, 2, 3)"), "false");
  EXPECT_EQ(value_of("ARRAY[1, 2, 3][-1]"), "3");
  EXPECT_EQ(value_of("MAP('a' := 1)['b']"), "null");
  EXPECT_EQ(value_of("STRUCT(f := 4)->f"), "4");
  EXPECT_EQ(value_of("NULLIF(1, 1)"), "null");
  EXPECT_EQ(value_of("COALESCE(NULL, 'x')"), "x");
  EXPECT_EQ(value_of("REDUCE(ARRAY[1, 2, 3], 0.5, (s, x) => s + x)"), "6.5");
  EXPECT_EQ(value_of("FORMAT_TIMESTAMP('2012-03-25T01:30', 'HH:mm z', 'Europe/Berlin')"), "03:30 CEST");
  EXPECT_EQ(value_of("UCASE('Straße ñ σ ж')"), "STRASSE Ñ Σ Ж");
  EXPECT_EQ(value_of("TO_JSON_STRING(MAP('a' := ARRAY[1.50, NULL]))"), "{\"a\":[1.50,null]}");
}

TEST(Functions, HaveTableFunctionsWhoseExamplesAreBound) {
  Catalog catalog;
  Source source;
  source.name = "S";
  source.topic = "s";
  source.columns = {{"K", Kind::string, true}};
  catalog.sources["S"] = source;
  for (const expr::TableFunction& row : expr::table_functions()) {
    const auto statements = parse("SELECT k, " + std::string(row.example) + " FROM s EMIT CHANGES;");
    ASSERT_TRUE(statements.ok()) << row.example << ": " << statements.error().message;
    const auto plan = plan_select(std::get<Select>((*statements)[0].is).query, catalog);
    EXPECT_TRUE(plan.ok()) << row.example << ": " << plan.error().message;
  }
}

TEST(Functions, AreAllThatADialectOfThisKindHas) {
  EXPECT_GE(expr::function_rows().size() + expr::aggregate_kinds().size() + expr::table_functions().size(),
            170U);
}

TEST(Functions, AskTheMomentTheyAreGiven) {
  Catalog catalog;
  Source target;
  target.name = "T";
  target.topic = "t";
  target.columns = {{"A", Kind::bigint}, {"B", Kind::string}, {"C", Kind::string}};
  catalog.sources["T"] = target;
  const auto statements = parse("INSERT INTO t (a, b, c) VALUES (UNIX_TIMESTAMP(), UUID(), UUID());");
  ASSERT_TRUE(statements.ok());
  const auto& insert = std::get<InsertValues>((*statements)[0].is);
  const auto plan = plan_insert(insert, catalog, {.now_ms = 1321531200000, .chance = 7});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->values[0].number(), 1321531200000);
  EXPECT_NE(plan->values[1].text(), plan->values[2].text());
  const auto again = plan_insert(insert, catalog, {.now_ms = 1321531200000, .chance = 7});
  EXPECT_EQ(plan->values, again->values);
  const auto other = plan_insert(insert, catalog, {.now_ms = 1321531200000, .chance = 8});
  EXPECT_NE(plan->values[1].text(), other->values[1].text());
}

TEST(Functions, TellWhatIsWrong) {
  EXPECT_THAT(value_of("1 / 0"), testing::HasSubstr("division by zero"));
  EXPECT_THAT(value_of("1.0 / 3"), testing::HasSubstr("does not end"));
  EXPECT_THAT(value_of("NOSUCH(1)"), testing::HasSubstr("no function is called NOSUCH"));
  EXPECT_THAT(value_of("1 = NULL"), testing::HasSubstr("IS NULL"));
  EXPECT_THAT(value_of("UCASE(1)"), testing::HasSubstr("UCASE does not take (INTEGER)"));
  EXPECT_THAT(value_of("CAST('x' AS INT)"), testing::HasSubstr("'x' is no INTEGER"));
  EXPECT_THAT(value_of("REGEXP_EXTRACT('(a', 'a')"), testing::HasSubstr("is no regular expression"));
  EXPECT_THAT(value_of("REGEXP_EXTRACT('(a*)*b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac')"),
              testing::AnyOf(testing::HasSubstr("takes too long"), testing::StrEq("null")));
  EXPECT_THAT(value_of("CONVERT_TZ('2011', 'UTC', 'Nowhere')"), testing::HasSubstr("no time zone is called"));
  EXPECT_THAT(value_of("PARSE_DATE('2011-02-30', 'yyyy-MM-dd')"), testing::HasSubstr("does not match"));
  EXPECT_THAT(value_of("FORMAT_DATE('2011-02-03', 'yyyy b')"), testing::HasSubstr("letter 'b'"));
  EXPECT_THAT(value_of("TRANSFORM(1, x => x)"), testing::HasSubstr("array or map"));
  EXPECT_THAT(value_of("x => x"), testing::HasSubstr("expected"));
}

}  // namespace
}  // namespace tradewind::sql
