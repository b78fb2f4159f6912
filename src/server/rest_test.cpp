// ksqlDB's REST as its clients see it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ticking_clock.h"
#include "server/served_platform.h"

namespace tradewind::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kDelimited = "application/vnd.ksqlapi.delimited.v1";
constexpr const char* kSales =
    "CREATE STREAM sales (country STRING KEY, units BIGINT) WITH (KAFKA_TOPIC='sales', PARTITIONS=1, "
    "VALUE_FORMAT='JSON');";
constexpr const char* kTotals =
    "CREATE TABLE totals AS SELECT country, SUM(units) AS units FROM sales GROUP BY country EMIT CHANGES;";

class RestTest : public testing::Test, protected ServedPlatform<TickingClock> {
 protected:
  RestTest() { make_ready(); }

  net::Answer post(const std::string& target, const std::string& body, const std::string& accept = "") {
    std::map<std::string, std::string> headers;
    if (!accept.empty()) headers["Accept"] = accept;
    return ServedPlatform::post(target, body, headers);
  }
  static int64_t code(const net::Answer& answer) {
    const Json body = parsed(answer);
    const Json* number = body.find("error_code");
    return number == nullptr ? 0 : number->integer().value_or(0);
  }
  void sell(const std::string& country, int units) {
    net::HttpClient other(url());
    const auto sold = other.post(
        "/ksql",
        asking("ksql", "INSERT INTO sales VALUES ('" + country + "', " + std::to_string(units) + ");"), {},
        Duration(20'000));
    EXPECT_EQ(sold->body, "[]");
  }

  // A connection of its own, and what was sent on it.
  int dial(const std::string& bytes) const {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(descriptor, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return descriptor;
  }
};

TEST_F(RestTest, NothingIsDoneWhenALaterStatementCannotBe) {
  const auto answer = ksql(std::string(kSales) + kTotals + "DROP TABLE nobody;");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(code(answer), 40001);
  EXPECT_EQ(parsed(answer).string_at("statementText"), "DROP TABLE nobody");
  EXPECT_EQ(parsed(answer).find("entities")->elements().size(), 0u);
  EXPECT_EQ(parsed(ksql("SHOW STREAMS;")).elements()[0].find("streams")->elements().size(), 0u);
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
}

TEST_F(RestTest, WhatWasDoneBeforeAnErrorIsSaid) {
  const auto answer = ksql(std::string(kSales) + "ASSERT TOPIC nowhere TIMEOUT 0 SECONDS;");
  EXPECT_EQ(answer.status, 417);
  EXPECT_EQ(code(answer), 41700);
  EXPECT_THAT(parsed(answer).find("entities")->dump(), HasSubstr("stream/`SALES`/create"));
  EXPECT_EQ(ksql("ASSERT TOPIC sales WITH (PARTITIONS=1); ASSERT NOT EXISTS TOPIC nowhere;").status, 200);
  EXPECT_EQ(ksql("ASSERT TOPIC sales WITH (PARTITIONS=2) TIMEOUT 0 SECONDS;").status, 417);
  EXPECT_EQ(ksql("ASSERT NOT EXISTS SCHEMA SUBJECT 'sales-value';").status, 200);
  EXPECT_EQ(ksql("ASSERT SCHEMA SUBJECT 'sales-value' TIMEOUT 0 SECONDS;").status, 417);
}

TEST_F(RestTest, WaitsForACommandAndSaysWhenItDoesNotCome) {
  const auto made = ksql(kSales);
  const Json entity = parsed(made).elements().at(0);
  const int64_t number = *entity.find("commandSequenceNumber")->integer();
  EXPECT_EQ(ksql("SHOW STREAMS;", ",\"commandSequenceNumber\":" + std::to_string(number)).status, 200);
  const auto late = ksql("SHOW STREAMS;", ",\"commandSequenceNumber\":" + std::to_string(number + 1) +
                                              R"(,"streamsProperties":{"tradewind.command.wait.ms":"1"})");
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(code(late), 50301);
}

TEST_F(RestTest, StatusesPropertiesAndTheSmallRoutes) {
  EXPECT_EQ(ksql(kSales).status, 200);
  EXPECT_THAT(get("/status").body, HasSubstr("\"stream/`SALES`/create\":\"SUCCESS\""));
  EXPECT_THAT(get("/status/stream/%60SALES%60/create").body, HasSubstr("\"status\":\"SUCCESS\""));
  EXPECT_EQ(get("/status/stream/SALES/create").status, 200);
  EXPECT_EQ(code(get("/status/stream/NOBODY/create")), 40400);
  EXPECT_EQ(get("/is_valid_property/auto.offset.reset").body, "true");
  EXPECT_EQ(code(get("/is_valid_property/no.such.thing")), 40000);
  EXPECT_EQ(get("/chc/ready").status, 200);
  EXPECT_EQ(get("/chc/live").status, 200);
  EXPECT_THAT(get("/v1/metadata").body, HasSubstr("\"kafka-cluster\""));
  EXPECT_TRUE(parsed(get("/v1/metadata/id")).string_at("id").has_value());
  EXPECT_TRUE(parsed(get("/clusterStatus")).find("clusterStatus") != nullptr);
  EXPECT_EQ(get("/").status, 307);
}

TEST_F(RestTest, RowsComeInTheShapeTheClientAccepts) {
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
  sell("DE", 42);
  const std::string body = asking("sql", "SELECT * FROM totals WHERE country = 'DE';");
  EXPECT_THAT(post("/query-stream", body, kDelimited).body, HasSubstr("}\n[\"DE\",42]\n"));
  const auto array = post("/query-stream", body, "application/json");
  EXPECT_EQ(parsed(array).elements().at(1).dump(), "[\"DE\",42]");
  const auto rows = post("/query-stream", body, "application/vnd.ksql.v1+json");
  EXPECT_EQ(parsed(rows).elements().at(1).dump(), "{\"row\":{\"columns\":[\"DE\",42]}}");
  EXPECT_THAT(rows.body, HasSubstr("`COUNTRY` STRING KEY, `UNITS` BIGINT"));
  EXPECT_EQ(post("/query-stream", body, "text/html").status, 406);
  const std::string print = asking("sql", "PRINT sales FROM BEGINNING LIMIT 1;");
  EXPECT_EQ(post("/query-stream", print, "application/json").status, 406);
  EXPECT_THAT(post("/query-stream", print).body,
              AllOf(HasSubstr("Key format: KAFKA_STRING\nValue format: JSON\n"),
                    HasSubstr("key: DE, value: {\"UNITS\":42}, partition: 0\n")));
}

TEST_F(RestTest, InsertsAreAcknowledgedOneByOne) {
  EXPECT_EQ(ksql("CREATE STREAM all_kinds (id STRING KEY, price DECIMAL(9, 2), raw BYTES, at TIMESTAMP, "
                 "inner_one STRUCT<a INTEGER, b ARRAY<STRING>>) WITH (KAFKA_TOPIC='k', PARTITIONS=1, "
                 "VALUE_FORMAT='AVRO');")
                .status,
            200);
  const std::string lines =
      "{\"target\":\"all_kinds\"}\n"
      R"({"id":"a","price":2.50,"raw":"aGk=","at":"2024-01-31T10:00:00.000","inner_one":{"a":1,"b":["x"]}})"
      "\n"
      R"({"id":"b","price":"0.25"})"
      "\nnonsense\n"
      R"({"id":"c","price":"much"})";
  const auto acks = post("/inserts-stream", lines);
  EXPECT_THAT(acks.body, StartsWith("{\"status\":\"ok\",\"seq\":0}\n{\"status\":\"ok\",\"seq\":1}\n"
                                    "{\"status\":\"error\",\"seq\":2,\"error_code\":40000,"));
  EXPECT_THAT(acks.body, HasSubstr("{\"status\":\"error\",\"seq\":3,"));
  const auto rows = post("/query-stream", asking("sql", "SELECT * FROM all_kinds;"));
  EXPECT_THAT(rows.body, HasSubstr(R"(["a",2.50,"aGk=","2024-01-31T10:00:00.000",{"A":1,"B":["x"]}])"));
  EXPECT_THAT(rows.body, HasSubstr(R"(["b",0.25,null,null,null])"));
  EXPECT_EQ(post("/inserts-stream", "{\"target\":\"nobody\"}\n").status, 400);
  EXPECT_EQ(post("/inserts-stream", "").status, 400);
  const auto array =
      post("/inserts-stream", "{\"target\":\"all_kinds\"}\n{\"id\":\"d\"}\n", "application/json");
  EXPECT_EQ(array.body, "[{\"status\":\"ok\",\"seq\":0}]");
}

TEST_F(RestTest, ARowThatIsGoneIsATombstone) {
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
  std::string got;
  int sold = 0;
  const auto answer =
      client_->stream("/query", asking("ksql", "SELECT * FROM totals WHERE units < 2 EMIT CHANGES LIMIT 2;"),
                      {}, Duration(20'000), [&](std::string_view piece) {
                        got += piece;
                        const bool header = got.find("header") != std::string::npos && sold == 0;
                        const bool first = got.find("[\"DE\",1]") != std::string::npos && sold == 1;
                        if (header || first) {
                          ++sold;
                          sell("DE", 1);
                        }
                        return true;
                      });
  EXPECT_TRUE(answer.ok());
  EXPECT_THAT(got, HasSubstr(",\n{\"row\":{\"columns\":[\"DE\",1]}}"));
  EXPECT_THAT(got, HasSubstr(",\n{\"row\":{\"columns\":[\"DE\",null],\"tombstone\":true}}"));
  EXPECT_THAT(got, HasSubstr(",\n{\"finalMessage\":\"Limit Reached\"}]"));
}

TEST_F(RestTest, LiveShowsWhatIsThereAndThenWhatComes) {
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
  sell("DE", 40);
  EXPECT_THAT(post("/query-stream", asking("sql", "SELECT * FROM totals WHERE country = 'DE';")).body,
              HasSubstr("[\"DE\",40]"));
  std::string got;
  bool sold = false;
  const std::string asked =
      "GET /live?sql=SELECT%20*%20FROM%20totals%20EMIT%20CHANGES HTTP/1.1\r\nHost: x\r\n\r\n";
  const int descriptor = dial(asked);
  char buffer[4096];
  for (ssize_t size; (size = recv(descriptor, buffer, sizeof buffer, 0)) > 0;) {
    got.append(buffer, static_cast<size_t>(size));
    if (!sold && got.find("event: header") != std::string::npos) {
      sold = true;
      sell("DE", 2);
    }
    if (got.find("42}") != std::string::npos) break;
  }
  close(descriptor);
  EXPECT_THAT(got, HasSubstr("text/event-stream"));
  EXPECT_LT(got.find("data: {\"COUNTRY\":\"DE\",\"UNITS\":40}"),
            got.find("data: {\"COUNTRY\":\"DE\",\"UNITS\":42}"));
  EXPECT_THAT(get("/live").body, HasSubstr("?sql="));
}

TEST_F(RestTest, SeveralQueriesShareOneConnectionAndOneThatFailsLeavesTheOthersAlone) {
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
  sell("DE", 40);
  EXPECT_THAT(post("/query-stream", asking("sql", "SELECT * FROM totals WHERE country = 'DE';")).body,
              HasSubstr("[\"DE\",40]"));
  std::string got;
  bool sold = false;
  const auto answer = client_->stream("/live",
                                      R"({"queries": [{"sql": "SELECT * FROM totals EMIT CHANGES;"},
                                      {"sql": "SELECT * FROM nowhere EMIT CHANGES;"},
                                      {"sql": "SELECT units FROM sales EMIT CHANGES LIMIT 1;"}]})",
                                      {}, Duration(20'000), [&](std::string_view piece) {
                                        got += piece;
                                        if (!sold && got.find("event: held/2") != std::string::npos) {
                                          sold = true;
                                          sell("DE", 2);
                                        }
                                        return got.find("\"UNITS\":42") == std::string::npos ||
                                               got.find("event: end/2") == std::string::npos;
                                      });
  EXPECT_TRUE(answer.ok());
  const std::string before = "event: row/0\ndata: {\"COUNTRY\":\"DE\",\"UNITS\":40}";
  EXPECT_LT(got.find("event: header/0"), got.find(before));
  EXPECT_LT(got.find(before), got.find("event: held/0"));
  EXPECT_LT(got.find("event: held/0"), got.find("event: row/0\ndata: {\"COUNTRY\":\"DE\",\"UNITS\":42}"));
  EXPECT_THAT(got, HasSubstr("event: failure/1\ndata: {\"@type\":\"generic_error\",\"error_code\":40001"));
  EXPECT_THAT(got, HasSubstr("event: row/2\ndata: {\"UNITS\":2}"));
  EXPECT_THAT(got, Not(HasSubstr("event: row/1")));
}

TEST_F(RestTest, AListOfLiveQueriesThatIsNoneNamesWhatIsWrong) {
  EXPECT_THAT(post("/live", "{}").body, HasSubstr("\\\"queries\\\""));
  EXPECT_THAT(post("/live", R"({"queries": []})").body, HasSubstr("\\\"queries\\\""));
  EXPECT_THAT(post("/live", R"({"queries": [{"sql": "SELECT 1;"}, {}]})").body, HasSubstr("queries[1]: "));
  std::string many = R"({"sql": "SELECT 1;"})";
  for (int i = 0; i < 32; ++i) many += R"(, {"sql": "SELECT 1;"})";
  const auto refused = post("/live", "{\"queries\": [" + many + "]}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("33 queries"));
}

TEST_F(RestTest, AWebSocketGetsTheSchemaTheRowsAndAGoodbye) {
  EXPECT_EQ(ksql(std::string(kSales) + kTotals).status, 200);
  sell("DE", 7);
  const auto talk = [&](const std::string& sql) {
    const std::string asked =
        "GET /ws/query?version=1&request=" + net::encode_url(asking("ksql", sql)) +
        " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const int descriptor = dial(asked);
    std::string got;
    char buffer[4096];
    const std::string goodbye = "\x88\x82" + std::string(4, '\0') + "\x03\xe8";  // masked with zeros: 1000
    for (ssize_t size; (size = recv(descriptor, buffer, sizeof buffer, 0)) > 0;) {
      got.append(buffer, static_cast<size_t>(size));
      if (got.find('\x88') != std::string::npos) {
        EXPECT_EQ(send(descriptor, goodbye.data(), goodbye.size(), MSG_NOSIGNAL), 8);
        break;
      }
    }
    close(descriptor);
    return got;
  };
  const std::string rows = talk("SELECT * FROM totals WHERE country = 'DE';");
  EXPECT_THAT(rows, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));  // RFC 6455's example
  EXPECT_THAT(rows, HasSubstr("[{\"name\":\"COUNTRY\""));
  EXPECT_THAT(rows, HasSubstr("{\"row\":{\"columns\":[\"DE\",7]}}"));
  EXPECT_THAT(rows, HasSubstr("\x03\xe8"
                              "done"));
  EXPECT_THAT(talk("SHOW STREAMS;"), HasSubstr("\x03\xeb"));  // 1003
  EXPECT_EQ(get("/ws/query").status, 400);
}

TEST_F(RestTest, VariablesAndPropertiesHoldForTheRequest) {
  const auto made = ksql(
      "DEFINE t = 'sales'; CREATE STREAM ${name} (country STRING KEY, units BIGINT) WITH "
      "(KAFKA_TOPIC='${t}', PARTITIONS=1, VALUE_FORMAT='JSON'); SHOW VARIABLES;",
      R"(,"sessionVariables":{"name":"sales"})");
  EXPECT_EQ(made.status, 200) << made.body;
  const Json listed = parsed(made).elements().at(1);
  EXPECT_EQ(listed.find("variables")->dump(),
            R"([{"name":"NAME","value":"sales"},{"name":"T","value":"sales"}])");
  EXPECT_EQ(parsed(ksql("SHOW VARIABLES;")).elements().at(0).find("variables")->elements().size(), 0u);
  const auto properties = ksql("SET 'auto.offset.reset'='earliest'; SHOW PROPERTIES;");
  EXPECT_THAT(properties.body, HasSubstr("\"overwrittenProperties\":[\"auto.offset.reset\"]"));
  EXPECT_THAT(ksql("CREATE STREAM IF NOT EXISTS sales (x STRING KEY) WITH (KAFKA_TOPIC='sales', "
                   "VALUE_FORMAT='JSON');")
                  .body,
              HasSubstr("\"@type\":\"warning_entity\""));
  EXPECT_EQ(code(ksql("PRINT sales;")), 40002);
  EXPECT_THAT(ksql("DESCRIBE STREAMS EXTENDED;").body, HasSubstr("\"@type\":\"source_descriptions\""));
}

}  // namespace
}  // namespace tradewind::server
