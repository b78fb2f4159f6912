#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/ticking_clock.h"
#include "server/served_platform.h"

namespace tradewind::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kSale = R"({"type": "record", "name": "Sale", "fields": [
  {"name": "event_id", "type": "string"},
  {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "country", "type": "string"}, {"name": "units", "type": "long"}]})";

class ServerTest : public testing::Test, protected ServedPlatform<TickingClock> {
 protected:
  ServerTest() : ServedPlatform({{"sales", {.key_field = "country"}}}) {
    add_topic({.name = "sales", .partitions = 2}, kSale);
  }

  net::Answer select(const std::string& text) { return post("/query-stream", asking("sql", text)); }
};

TEST_F(ServerTest, IsAliveBeforeItIsReady) {
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/startupz").status, 503);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, R"({"ready":false,"reasons":["starting: opening"],"lagging":[]})");
  EXPECT_THAT(get("/healthcheck").body, AllOf(HasSubstr("\"isHealthy\":false"), HasSubstr("STARTING")));
  make_ready();
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/readyz").body, R"({"ready":true,"reasons":[],"lagging":[]})");
  EXPECT_THAT(get("/healthcheck").body, AllOf(HasSubstr("\"isHealthy\":true"), HasSubstr("RUNNING")));
}

TEST_F(ServerTest, IsNeitherAliveNorReadyOnceTheJournalCannotBeTrusted) {
  make_ready();
  disk_.fail_sync();
  const auto refused =
      post("/v1/events/sales", R"({"event_id":"a","event_time":1,"country":"DE","units":1})");
  EXPECT_GE(refused.status, 500);
  const auto alive = get("/healthz");
  EXPECT_EQ(alive.status, 503);
  EXPECT_FALSE(parsed(alive).find("alive")->truth());
  EXPECT_TRUE(parsed(alive).string_at("reason").has_value());
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/healthcheck").body, HasSubstr("\"isHealthy\":false"));
}

TEST_F(ServerTest, TakesEventsAndAnswersFromATable) {
  make_ready();
  EXPECT_EQ(ksql("CREATE STREAM sales WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');").status, 200);
  const auto created = ksql(
      "CREATE TABLE by_country AS SELECT country, SUM(units) AS units FROM sales GROUP BY country EMIT "
      "CHANGES;");
  EXPECT_EQ(created.status, 200);
  EXPECT_EQ(parsed(created).elements().at(0).string_at("@type"), "currentStatus");
  const auto taken = post("/v1/events/sales", R"([{"event_id":"a","event_time":1,"country":"DE","units":1},
    {"event_id":"b","event_time":1,"country":"DE","units":41},{"event_id":"c"}])");
  EXPECT_EQ(taken.status, 202);
  EXPECT_EQ(
      taken.body,
      R"({"accepted":2,"rejected":[{"index":2,"field":"event_time","expected":"milliseconds since 1970 as a whole number","error":"field event_time is missing"}]})");
  const auto rows = select("SELECT * FROM by_country WHERE country = 'DE';");
  EXPECT_EQ(rows.status, 200);
  EXPECT_THAT(rows.body, HasSubstr("\n[\"DE\",42]\n"));
  const auto old = post("/query", asking("ksql", "SELECT * FROM by_country WHERE country = 'DE';"));
  EXPECT_THAT(old.body, HasSubstr("{\"row\":{\"columns\":[\"DE\",42]}}"));
}

TEST_F(ServerTest, RejectedEventsOnlyAre400AndTheirReasonsAreThere) {
  make_ready();
  const auto answer = post("/v1/events/sales", R"([{"event_id":"c"}])");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(
      answer.body,
      R"({"accepted":0,"rejected":[{"index":0,"field":"event_time","expected":"milliseconds since 1970 as a whole number","error":"field event_time is missing"}]})");
  const auto broken = post("/v1/events/sales", "{");
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(parsed(broken).find("error_code")->integer(), 40000);
  const auto unknown = post("/v1/events/nowhere", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(parsed(unknown).find("error_code")->integer(), 40400);
  EXPECT_THAT(*parsed(unknown).string_at("message"), HasSubstr("nowhere"));
}

TEST_F(ServerTest, AProducersLastNumberCanBeAskedFor) {
  make_ready();
  EXPECT_EQ(get("/v1/producers/file-1").body, "{\"sequence\":-1}");
  const auto sent =
      client_->post("/v1/events/sales", R"({"event_id":"a","event_time":1,"country":"DE","units":1})",
                    {{"tw-producer", "file-1"}, {"tw-sequence", "17"}}, Duration(20'000));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->status, 202);
  EXPECT_EQ(get("/v1/producers/file-1").body, "{\"sequence\":17}");
}

TEST_F(ServerTest, AProducerWithoutANumberIsToldSoAndNothingIsTaken) {
  make_ready();
  for (const char* route : {"/v1/events/sales", "/v1/topics/sales/records"}) {
    for (const char* number : {"", "12x", "-4", "1.5", "99999999999999999999"}) {
      const auto sent = client_->post(route, R"({"event_id":"a","event_time":1,"country":"DE","units":1})",
                                      {{"tw-producer", "file-2"}, {"tw-sequence", number}}, Duration(20'000));
      ASSERT_TRUE(sent.ok());
      EXPECT_EQ(sent->status, 400) << route << number;
      EXPECT_THAT(sent->body, HasSubstr("Tw-Sequence")) << route << number;
    }
  }
  EXPECT_EQ(get("/v1/producers/file-2").body, "{\"sequence\":-1}");
}

TEST_F(ServerTest, ErrorsOfStatementsHaveTheirTextAndPlace) {
  make_ready();
  const auto answer = ksql("CREATE TABLE x AS\n  SELEKT 1;");
  EXPECT_EQ(answer.status, 400);
  const Json body = parsed(answer);
  EXPECT_EQ(body.string_at("@type"), "statement_error");
  EXPECT_EQ(body.find("error_code")->integer(), 40001);
  EXPECT_THAT(*body.string_at("message"), HasSubstr("line 2"));
  EXPECT_EQ(body.string_at("statementText"), "CREATE TABLE x AS\n  SELEKT 1;");
  EXPECT_EQ(ksql("DROP STREAM nowhere;").status, 400);
  EXPECT_EQ(select("SELECT * FROM nowhere;").status, 400);
}

TEST_F(ServerTest, BodiesThatAskForNothingAre400) {
  make_ready();
  for (const char* route : {"/ksql", "/query", "/query-stream"}) {
    for (const char* body : {"", "{", "[]", "{}", "{\"ksql\": 1}"}) {
      const auto answer = post(route, body);
      EXPECT_EQ(answer.status, 400) << route << body;
      EXPECT_EQ(parsed(answer).string_at("@type"), "generic_error") << route << body;
    }
  }
  EXPECT_EQ(ksql("SELECT * FROM x;").status, 400);
  EXPECT_EQ(select("SHOW STREAMS;").status, 400);
  EXPECT_EQ(post("/close-query", R"({"queryId": "query_99"})").status, 400);
}

TEST_F(ServerTest, WhatIsNotThereIs404AndAWrongMethod405) {
  EXPECT_EQ(get("/nowhere").status, 404);
  EXPECT_EQ(get("/ksql").status, 405);
  EXPECT_EQ(post("/metrics", "").status, 405);
  EXPECT_EQ(get("/info").status, 200);
  EXPECT_THAT(get("/info").body, HasSubstr("KsqlServerInfo"));
}

// An answer with its headers, as it came.
std::string raw(int port, const std::string& asked) {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string whole = asked + "Host: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(descriptor, whole.data(), whole.size(), MSG_NOSIGNAL), static_cast<ssize_t>(whole.size()));
  std::string got;
  char buffer[4096];
  for (ssize_t size; (size = recv(descriptor, buffer, sizeof buffer, 0)) > 0;)
    got.append(buffer, static_cast<size_t>(size));
  close(descriptor);
  return got;
}

TEST_F(ServerTest, ShowsPeopleTheConsoleAndSendsProgramsToInfo) {
  const std::string page = raw(server_->port(), "GET / HTTP/1.1\r\nAccept: text/html\r\n");
  EXPECT_THAT(page,
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("text/html"), HasSubstr("/console/console.js"),
                    HasSubstr("Content-Security-Policy: default-src 'none'")));
  EXPECT_THAT(raw(server_->port(), "GET / HTTP/1.1\r\n"),
              AllOf(StartsWith("HTTP/1.1 307"), HasSubstr("Location: /info")));
  EXPECT_EQ(get("/console/nothing.js").status, 404);
}

TEST_F(ServerTest, TheConsolesFilesAreSentOnceAndPacked) {
  const std::string plain = raw(server_->port(), "GET /console/console.js HTTP/1.1\r\n");
  const std::string packed =
      raw(server_->port(), "GET /console/console.js HTTP/1.1\r\nAccept-Encoding: gzip, br\r\n");
  EXPECT_THAT(plain, AllOf(HasSubstr("text/javascript"), Not(HasSubstr("Content-Encoding"))));
  EXPECT_THAT(packed, AllOf(HasSubstr("Content-Encoding: gzip"), HasSubstr("\r\n\r\n\x1f\x8b")));
  EXPECT_LT(packed.size(), plain.size() / 2);
  const size_t at = plain.find("ETag: ");
  ASSERT_NE(at, std::string::npos);
  const std::string tag = plain.substr(at + 6, plain.find("\r\n", at) - at - 6);
  const std::string same =
      raw(server_->port(), "GET /console/console.js HTTP/1.1\r\nIf-None-Match: " + tag + "\r\n");
  EXPECT_THAT(same, AllOf(StartsWith("HTTP/1.1 304"), HasSubstr("ETag: " + tag), Not(HasSubstr("function"))));
  EXPECT_THAT(raw(server_->port(), "GET /console/console.js HTTP/1.1\r\nIf-None-Match: \"1\"\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ListsTopicsWithTheirBounds) {
  make_ready();
  EXPECT_EQ(post("/v1/events/sales", R"({"event_id":"a","event_time":1,"country":"DE","units":1})").status,
            202);
  const Json list = parsed(get("/v1/topics"));
  const auto sales = std::ranges::find_if(
      list.elements(), [](const Json& topic) { return topic.string_at("name") == "sales"; });
  ASSERT_NE(sales, list.elements().end());
  EXPECT_EQ(sales->find("partitions")->integer(), 2);
  EXPECT_EQ(sales->find("records")->integer(), 1);
  EXPECT_EQ(sales->find("ends")->elements().size(), 2U);
}

TEST_F(ServerTest, PagesThroughATopicNewestFirstAndGivesEveryRecordOnce) {
  make_ready();
  for (int batch = 0; batch < 14; ++batch) {
    std::string events;
    for (int i = batch * 50; i < batch * 50 + 50; ++i) {
      events += (events.empty() ? "[{\"event_id\":\"e" : ",{\"event_id\":\"e") + std::to_string(i) +
                "\",\"event_time\":" + std::to_string(1000 + i * 37 % 700) + ",\"country\":\"" +
                (i % 3 == 0 ? "FR" : "DE") + "\",\"units\":" + std::to_string(i) + "}";
    }
    EXPECT_EQ(post("/v1/events/sales", events + "]").status, 202);
  }
  std::set<int64_t> units;
  std::string before;
  size_t pages = 0;
  for (; pages < 100; ++pages) {
    const Json page = parsed(get("/v1/topics/sales/records?limit=64" + before));
    EXPECT_LE(page.find("records")->elements().size(), 64U);
    for (const Json& record : page.find("records")->elements()) {
      EXPECT_EQ(record.string_at("valueFormat"), "AVRO");
      EXPECT_TRUE(units.insert(*record.find("value")->find("UNITS")->integer()).second);
    }
    if (page.find("next")->is_null()) break;
    before = "&before=" + *page.string_at("next");
  }
  EXPECT_EQ(units.size(), 700U);
  EXPECT_LT(pages, 100U);
}

TEST_F(ServerTest, WhatCannotBeAPageOfATopicIsRefused) {
  make_ready();
  EXPECT_EQ(get("/v1/topics/nowhere/records").status, 404);
  for (const char* wrong :
       {"limit=0", "limit=1001", "limit=x", "before=1", "before=1,x", "before=-1,2", "before=1,2,3"}) {
    const auto answer = get("/v1/topics/sales/records?" + std::string(wrong));
    EXPECT_EQ(answer.status, 400) << wrong;
    EXPECT_THAT(answer.body, HasSubstr(std::string(wrong))) << wrong;
  }
  EXPECT_EQ(get("/v1/topics/sales/records?before=0,0").body, R"({"records":[],"next":null})");
  EXPECT_EQ(get("/v1/topics/sales/records?before=9999,9999").status, 200);
}

// What a scraper makes of the page; throws nothing, says what is wrong.
struct Page {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> values;  // by name and labels, as written
  std::vector<std::string> problems;
};

// The end of `{name="value",...}` at `at`; npos when it is not so.
size_t end_of_labels(const std::string& line, size_t at) {
  std::set<std::string> seen;
  while (at < line.size()) {
    const size_t equals = line.find("=\"", at + 1);
    if (equals == std::string::npos) return equals;
    const std::string name = line.substr(at + 1, equals - at - 1);
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos ||
        !seen.insert(name).second) {
      return std::string::npos;
    }
    at = equals + 2;
    for (; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && std::string("\\n\"").find(line[++at]) == std::string::npos)
        return std::string::npos;
    }
    if (++at >= line.size()) return std::string::npos;
    if (line[at] == '}') return at + 1;
    if (line[at] != ',') return std::string::npos;
  }
  return std::string::npos;
}

void read_sample(const std::string& line, const std::string& family, Page& page) {
  size_t at = line.find_first_of("{ ");
  if (at == std::string::npos) return page.problems.push_back("no value: " + line);
  const std::string name = line.substr(0, at);
  const std::string rest = name.starts_with(family) ? name.substr(family.size()) : "?";
  const bool histogram = page.types[family] == "histogram";
  const bool known = histogram ? rest == "_bucket" || rest == "_sum" || rest == "_count" : rest.empty();
  if (!known) page.problems.push_back("outside its family: " + line);
  if (line[at] == '{') at = end_of_labels(line, at);
  if (at == std::string::npos || line[at] != ' ') return page.problems.push_back("labels: " + line);
  char* end = nullptr;
  (void)std::strtod(line.c_str() + at + 1, &end);
  if (*end != '\0' || end == line.c_str() + at + 1) page.problems.push_back("no number: " + line);
  if (!page.values.emplace(line.substr(0, at), line.substr(at + 1)).second)
    page.problems.push_back("twice: " + line);
}

Page read_page(const std::string& text) {
  Page page;
  std::string family;
  std::string helped;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      helped = line.substr(7, line.find(' ', 7) - 7);
    } else if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      if (family != helped) page.problems.push_back("TYPE without its HELP: " + line);
      if (!page.types.emplace(family, line.substr(8 + family.size())).second)
        page.problems.push_back("declared twice: " + line);
    } else {
      read_sample(line, family, page);
    }
  }
  if (!text.ends_with("\n")) page.problems.push_back("no newline at the end");
  return page;
}

TEST_F(ServerTest, TheMetricsPageIsWhatAScraperExpects) {
  make_ready();
  EXPECT_EQ(ksql("CREATE STREAM sales WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');").status, 200);
  EXPECT_EQ(ksql("CREATE TABLE `q-1` AS SELECT country, COUNT(*) AS n FROM sales GROUP BY country;").status,
            200);
  EXPECT_EQ(
      post("/v1/events/sales", R"([{"event_id":"a","event_time":1,"country":"DE","units":1}, 1])").status,
      202);
  get("/nowhere/at/all?x=1");
  const Page page = read_page(get("/metrics").body);
  EXPECT_THAT(page.problems, testing::IsEmpty());
  std::set<std::string> declared;
  for (const telemetry::Metric* metric : all_metrics()) declared.insert(metric->name);
  std::set<std::string> shown;
  for (const auto& [name, type] : page.types) shown.insert(name);
  EXPECT_EQ(shown, declared);
  EXPECT_EQ(page.values.at("tw_ingest_events_total{outcome=\"accepted\"}"), "1");
  EXPECT_EQ(page.values.at("tw_ingest_events_total{outcome=\"rejected\"}"), "1");
  EXPECT_EQ(page.values.at("tw_http_requests_total{method=\"POST\",route=\"/ksql\",status=\"200\"}"), "2");
  EXPECT_EQ(page.values.at("tw_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}"), "1");
  EXPECT_EQ(
      page.values.at("tw_http_request_duration_seconds_count{method=\"POST\",route=\"/v1/events/{topic}\"}"),
      "1");
  EXPECT_EQ(page.values.at("tw_query_running{query=\"CTAS_q-1_1\"}"), "1");
  EXPECT_NE(page.values.at("tw_log_sync_duration_seconds_count"), "0");
  EXPECT_EQ(page.values.at("tw_log_sync_duration_seconds_bucket{le=\"+Inf\"}"),
            page.values.at("tw_log_sync_duration_seconds_count"));
}

TEST_F(ServerTest, CommitsAndTheirDelaysAreSeen) {
  make_ready();
  EXPECT_EQ(ksql("CREATE STREAM sales WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='AVRO');").status, 200);
  EXPECT_EQ(ksql("CREATE TABLE n AS SELECT country, COUNT(*) AS n FROM sales GROUP BY country;").status, 200);
  post("/v1/events/sales", R"({"event_id":"a","event_time":1,"country":"DE","units":1})");
  EXPECT_THAT(select("SELECT * FROM n WHERE country = 'DE';").body, HasSubstr("[\"DE\",1]"));
  const Page page = read_page(get("/metrics").body);
  EXPECT_GE(std::stoi(page.values.at("tw_stream_commit_duration_seconds_count")), 1);
  EXPECT_EQ(page.values.at("tw_stream_result_delay_seconds_count"), "1");
  EXPECT_EQ(page.values.at("tw_query_rows_in_total{query=\"CTAS_N_1\"}"), "1");
}

TEST_F(ServerTest, TheReaderOfThePageSeesWhatIsWrong) {
  const auto problem = [](const std::string& text) {
    const Page page = read_page("# HELP a_b x\n# TYPE a_b gauge\n" + text);
    return page.problems.empty() ? std::string("none") : page.problems[0];
  };
  EXPECT_EQ(problem("a_b{l=\"x\\\"y\"} 1\n"), "none");
  EXPECT_THAT(problem("a_b{l=\"x\"y\"} 1\n"), StartsWith("labels"));
  EXPECT_THAT(problem("a_b{l=\"\\x\"} 1\n"), StartsWith("labels"));
  EXPECT_THAT(problem("a_b 1\na_b 2\n"), StartsWith("twice"));
  EXPECT_THAT(problem("a_c 1\n"), StartsWith("outside"));
  EXPECT_THAT(problem("a_b x\n"), StartsWith("no number"));
  EXPECT_THAT(problem("# HELP a_b x\n# TYPE a_b gauge\n"), StartsWith("declared twice"));
  EXPECT_THAT(problem("a_b 1"), StartsWith("no newline"));
}

}  // namespace
}  // namespace tradewind::server
