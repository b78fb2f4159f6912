#include "sql/plan.h"

#include "sql/parse.h"

namespace tradewind::sql {
namespace {

using testing::HasSubstr;

class Lookup final : public SchemaLookup {
 public:
  Result<std::vector<Field>> columns(const std::string&, bool, schema::SchemaId) override {
    return std::vector<Field>{{"ID", Kind::string}, {"AMOUNT", Type::decimal(18, 4)}};
  }
  Result<int32_t> partitions(const std::string& topic) override {
    if (topic == "orders") return 4;
    return Error{Code::not_found, "no topic"};
  }
};

class Plan : public testing::Test {
 protected:
  Plan() {
    Source orders;
    orders.name = "ORDERS";
    orders.topic = "orders";
    orders.partitions = 4;
    orders.columns = {
        {"CUSTOMER", Kind::string, true},
        {"CATEGORY", Kind::string},
        {"PRICE", Type::decimal(18, 4)},
        {"QUANTITY", Kind::integer},
        {"TS", Kind::timestamp},
        {"ITEMS", Type::array(Type::structure({{"SKU", Kind::string}, {"UNITS", Kind::integer}}))},
        {"TAGS", Type::map(Kind::string, Kind::string)}};
    catalog_.sources["ORDERS"] = orders;
    Source table = orders;
    table.name = "PRICES";
    table.table = true;
    table.columns = {{"SKU", Kind::string, true}, {"PRICE", Kind::bigint}};
    table.query_id = "CTAS_PRICES_1";
    catalog_.sources["PRICES"] = table;
  }

  Result<SourcePlan> create(const std::string& text) {
    const auto statements = TRY(parse(text));
    return plan_source(std::get<CreateSource>(statements.at(0).is), catalog_, lookup_);
  }
  std::string error(const std::string& text) {
    const auto plan = create(text);
    return plan.ok() ? "no error" : plan.error().message;
  }
  Type type_of(const std::string& expression) {
    const auto plan = create("CREATE STREAM s AS SELECT customer, " + expression + " AS x FROM orders;");
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    return plan.ok() ? plan->source.columns.back().type : Type(Kind::boolean);
  }

  Catalog catalog_;
  Lookup lookup_;
};

TEST_F(Plan, TypesDecimalsByTheRulesOfTheDialect) {
  EXPECT_EQ(type_of("price * quantity").text(), "DECIMAL(29, 4)");
  EXPECT_EQ(type_of("price + 1").text(), "DECIMAL(19, 4)");
  EXPECT_EQ(type_of("price / price").text(), "DECIMAL(41, 23)");
  EXPECT_EQ(type_of("quantity / 2").text(), "INTEGER");
  EXPECT_EQ(type_of("CASE WHEN quantity > 0 THEN price ELSE 0 END").text(), "DECIMAL(18, 4)");
  EXPECT_EQ(type_of("CAST(price AS DOUBLE) * 2").text(), "DOUBLE");
}

TEST_F(Plan, NamesColumnsWithoutAliases) {
  const auto plan = create("CREATE STREAM s AS SELECT customer, quantity + 1, UCASE(category) FROM orders;");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->source.columns[1].name, "KSQL_COL_0");
  EXPECT_EQ(plan->source.columns[2].name, "KSQL_COL_1");
}

TEST_F(Plan, ReadsOnlyWhatTheQueryNeeds) {
  const auto plan = create(
      "CREATE TABLE t AS SELECT EXPLODE(items)->sku AS sku, SUM(EXPLODE(items)->units) AS units FROM orders "
      "GROUP BY EXPLODE(items)->sku;");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto& wanted = plan->topology->source.wanted;
  EXPECT_FALSE(wanted[0].any);
  EXPECT_FALSE(wanted[2].any);
  EXPECT_TRUE(wanted[5].any);
  EXPECT_FALSE(wanted[6].any);
  EXPECT_TRUE(std::holds_alternative<stream::ExplodeStep>(plan->topology->steps[0]));
}

TEST_F(Plan, GivesWindowsTheDefaultsOfTheDialect) {
  const auto plan = create(
      "CREATE TABLE t AS SELECT category, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY "
      "category;");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto& step = std::get<stream::AggregateStep>(plan->topology->steps[0]);
  EXPECT_EQ(step.window->grace, Duration(23 * 3'600'000));
  EXPECT_EQ(step.window->retention, Duration(24 * 3'600'000));
  EXPECT_EQ(plan->source.window_size_ms, 3'600'000);
}

TEST_F(Plan, RefusesWithPlaceAndRemedy) {
  EXPECT_THAT(error("CREATE STREAM s AS SELECT customer,\n  nothing FROM orders;"),
              HasSubstr("line 2, column 3: no column is called NOTHING"));
  EXPECT_THAT(error("CREATE TABLE t AS SELECT category, price, COUNT(*) FROM orders GROUP BY category;"),
              HasSubstr("GROUP BY"));
  EXPECT_THAT(error("CREATE STREAM s AS SELECT category FROM orders;"), HasSubstr("key column CUSTOMER"));
  EXPECT_THAT(error("CREATE STREAM s AS SELECT customer, COUNT(*) FROM orders;"), HasSubstr("GROUP BY"));
  EXPECT_THAT(error("CREATE TABLE t AS SELECT price, MAX(price) AS m FROM prices GROUP BY price;"),
              HasSubstr("does not work on a table"));
  EXPECT_THAT(error("CREATE STREAM s AS SELECT customer, ROWTIME FROM orders;"), HasSubstr("alias"));
  EXPECT_THAT(error("CREATE STREAM s AS SELECT customer, category = 5 AS x FROM orders;"),
              HasSubstr("line 1"));
  EXPECT_THAT(error("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='new', VALUE_FORMAT='JSON');"),
              HasSubstr("PARTITIONS"));
  EXPECT_THAT(
      error("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', NONSENSE='1');"),
      HasSubstr("NONSENSE"));
  EXPECT_THAT(error("CREATE TABLE t (a INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');"),
              HasSubstr("PRIMARY KEY"));
}

TEST_F(Plan, LooksUpKeysAndWindowsOfPullQueries) {
  const auto statements = parse("SELECT * FROM prices WHERE sku IN ('a', 'b', 'a') AND price > 3;");
  const auto plan = plan_select(std::get<Select>((*statements)[0].is).query, catalog_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto& pull = std::get<PullPlan>(*plan);
  ASSERT_TRUE(pull.keys.has_value());
  EXPECT_EQ(pull.keys->size(), 2U);
  EXPECT_NE(pull.where, nullptr);
}

TEST(Parse, NamesLineColumnAndWhatIsExpected) {
  const auto failed = [](const std::string& text) {
    return parse(text).ok() ? "" : parse(text).error().message;
  };
  EXPECT_THAT(failed("SELECT a\nFORM t;"), HasSubstr("line 2"));
  EXPECT_THAT(failed("SELECT 'open FROM t;"), HasSubstr("not closed"));
  EXPECT_THAT(failed("CREATE STREAM s (a WRONG) WITH (KAFKA_TOPIC='x');"), HasSubstr("no type is called"));
  EXPECT_THAT(failed("SELECT " + std::string(1000, '(') + "1"), HasSubstr("nested too deeply"));
}

TEST(Parse, ReadsPrintAndAssert) {
  const auto statements = parse(
      "PRINT 'x' FROM BEGINNING INTERVAL 2 LIMIT 3; ASSERT NOT EXISTS TOPIC t;"
      "ASSERT SCHEMA SUBJECT 't-value' ID 4 TIMEOUT 5 SECONDS;");
  ASSERT_TRUE(statements.ok()) << statements.error().message;
  const auto& print = std::get<Print>((*statements)[0].is);
  EXPECT_EQ(print.topic, "x");
  EXPECT_TRUE(print.from_beginning);
  EXPECT_EQ(print.interval, 2);
  EXPECT_EQ(print.limit, 3);
  const auto& topic = std::get<Assert>((*statements)[1].is);
  EXPECT_FALSE(topic.exists);
  EXPECT_EQ(topic.topic, "t");
  EXPECT_EQ(topic.timeout_ms, 1000);
  const auto& schema = std::get<Assert>((*statements)[2].is);
  EXPECT_EQ(schema.subject, "t-value");
  EXPECT_EQ(schema.id, 4);
  EXPECT_EQ(schema.timeout_ms, 5000);
  EXPECT_FALSE(parse("ASSERT SCHEMA;").ok());
  EXPECT_FALSE(parse("PRINT t INTERVAL 0;").ok());
}

TEST(Parse, KnowsStatementsThatAreNotOfferedYet) {
  for (const char* text :
       {"CREATE SINK CONNECTOR c WITH (a='b');", "CREATE SOURCE CONNECTOR c WITH (a='b');"}) {
    const auto statements = parse(text);
    ASSERT_TRUE(statements.ok()) << text;
    EXPECT_TRUE(std::holds_alternative<Unsupported>((*statements)[0].is)) << text;
  }
}

TEST(Parse, FillsVariablesInAndKeepsTheText) {
  const auto statements = parse("DEFINE t = 'orders'; SELECT * FROM ${t} EMIT CHANGES LIMIT 5;");
  ASSERT_TRUE(statements.ok());
  EXPECT_EQ(std::get<Select>((*statements)[1].is).query.from, "ORDERS");
  EXPECT_EQ((*statements)[1].text, "SELECT * FROM orders EMIT CHANGES LIMIT 5");
}

}  // namespace
}  // namespace tradewind::sql
