#include "server/routes/schemas.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "base/json.h"
#include "log/breakable_log.h"

namespace tradewind::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
};

// A registry that answers on a free port of the loopback; spoken to byte for byte.
class SchemasTest : public testing::Test {
 protected:
  SchemasTest() { restart(); }
  ~SchemasTest() override { http_->stop(); }

  void restart() {
    if (http_ != nullptr) http_->stop();
    registry_ = std::move(schema::LocalRegistry::open(log_)).value();
    http_ = std::make_unique<net::HttpServer>(net::HttpServerOptions{.port = 0});
    declare_schema_routes(*http_, *registry_);
    EXPECT_TRUE(http_->start().ok());
  }

  Reply ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::string& headers = "") const {
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(http_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string request = method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                                headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                body;
    EXPECT_EQ(::send(connection, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string all;
    char buffer[4096];
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(connection, buffer, sizeof buffer, 0);
      if (got > 0) all.append(buffer, static_cast<size_t>(got));
    }
    ::close(connection);
    const size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    return {std::atoi(all.c_str() + 9), all.substr(0, end), all.substr(end + 4)};
  }
  Reply get(const std::string& target) const { return ask("GET", target); }
  Reply post(const std::string& target, const std::string& body) const { return ask("POST", target, body); }
  Reply put(const std::string& target, const std::string& body) const { return ask("PUT", target, body); }
  Reply remove(const std::string& target) const { return ask("DELETE", target); }

  // The error's number, after a look at its form.
  static int64_t refused(const Reply& reply) {
    const auto json = parse_json(reply.body);
    if (!json.ok() || !json->string_at("message") || json->find("error_code") == nullptr) return -1;
    const int64_t number = json->find("error_code")->integer().value_or(-1);
    EXPECT_EQ(reply.status, number < 1000 ? number : number / 100) << reply.body;
    return number;
  }

  static std::string schema_body(const std::string& text, const std::string& more = "") {
    return "{\"schema\":" + Json::string(text).dump() + more + "}";
  }
  static std::string record(const std::string& fields, const std::string& name = "R") {
    return R"({"type":"record","name":")" + name + R"(","fields":[)" + fields + "]}";
  }
  Reply add(const std::string& subject, const std::string& text, const std::string& more = "") const {
    return post("/subjects/" + subject + "/versions", schema_body(text, more));
  }
  void level(const std::string& subject, const std::string& name) const {
    EXPECT_EQ(put("/config/" + subject, R"({"compatibility":")" + name + "\"}").status, 200);
  }

  log::BreakableLog log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<net::HttpServer> http_;
};

const std::string kA = R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})";
const std::string kAB =
    R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]})";
const std::string kNeedsC =
    R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"c","type":"string"}]})";

TEST_F(SchemasTest, ARegisteredSchemaIsServedInEveryWay) {
  EXPECT_EQ(add("x", kA).body, R"({"id":1})");
  EXPECT_EQ(add("x", kAB).body, R"({"id":2})");
  EXPECT_EQ(get("/subjects").body, R"(["x"])");
  EXPECT_EQ(get("/subjects/x/versions").body, "[1,2]");
  const std::string second =
      R"({"subject":"x","version":2,"id":2,"schema":)" + Json::string(kAB).dump() + "}";
  for (const char* version : {"2", "latest", "-1"})
    EXPECT_EQ(get("/subjects/x/versions/" + std::string(version)).body, second);
  EXPECT_EQ(get("/subjects/x/versions/1/schema").body, kA);
  EXPECT_EQ(get("/schemas/ids/1").body, "{\"schema\":" + Json::string(kA).dump() + "}");
  EXPECT_EQ(parse_json(get("/schemas/ids/1?fetchMaxId=true").body)->find("maxId")->integer(), 2);
  EXPECT_EQ(get("/schemas/ids/2/schema").body, kAB);
  EXPECT_EQ(get("/schemas/ids/2/subjects").body, R"(["x"])");
  EXPECT_EQ(get("/schemas/ids/2/versions").body, R"([{"subject":"x","version":2}])");
  EXPECT_EQ(post("/subjects/x", schema_body(kAB)).body, second);
  EXPECT_EQ(get("/schemas?latestOnly=true").body, "[" + second + "]");
  EXPECT_EQ(get("/schemas?offset=1&limit=5").body, "[" + second + "]");
  EXPECT_EQ(get("/schemas/types").body, R"(["JSON","PROTOBUF","AVRO"])");
  EXPECT_EQ(get("/contexts").body, R"(["."])");
  EXPECT_THAT(get("/v1/metadata/id").body, HasSubstr("\"schema-registry-cluster\":"));
  EXPECT_THAT(get("/v1/metadata/version").body, HasSubstr("\"version\":"));
}

TEST_F(SchemasTest, TheSameSchemaHasOneIdEverywhere) {
  add("x", kA);
  EXPECT_EQ(add("x", kA).body, R"({"id":1})");
  EXPECT_EQ(add("y", " " + kA + "\n").body, R"({"id":1})");
  const std::string turned = R"({"name":"R","fields":[{"type":"int","name":"a"}],"type":"record"})";
  EXPECT_EQ(add("x", turned).body, R"({"id":1})");
  EXPECT_EQ(get("/subjects/x/versions").body, "[1]");
  EXPECT_EQ(get("/schemas/ids/1/subjects").body, R"(["x","y"])");
}

TEST_F(SchemasTest, NormalizeSeesThroughWaysOfWriting) {
  const std::string plain = R"({"type":"record","name":"n.R","fields":[{"name":"a","type":"int"},)"
                            R"({"name":"r","type":["null","n.R"]}]})";
  const std::string wordy = R"({"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":)"
                            R"({"type":"int"}},{"name":"r","type":["null","R"]}]})";
  EXPECT_EQ(add("x", plain).body, R"({"id":1})");
  EXPECT_EQ(refused(post("/subjects/x", schema_body(wordy))), 40403);
  EXPECT_EQ(post("/subjects/x?normalize=true", schema_body(wordy)).status, 200);
  EXPECT_EQ(post("/subjects/x/versions?normalize=True", schema_body(wordy)).body, R"({"id":1})");
  EXPECT_EQ(post("/subjects/y/versions?normalize=true", schema_body(wordy)).status, 200);
  EXPECT_EQ(
      get("/subjects/y/versions/1/schema").body,
      R"({"fields":[{"name":"a","type":"int"},{"name":"r","type":["null","n.R"]}],"name":"n.R","type":"record"})");
}

TEST_F(SchemasTest, WhatIsNotThereHasItsNumber) {
  add("x", kA);
  EXPECT_EQ(refused(get("/subjects/z/versions")), 40401);
  EXPECT_EQ(refused(get("/subjects/z/versions/1")), 40401);
  EXPECT_EQ(refused(post("/subjects/z", schema_body(kA))), 40401);
  EXPECT_EQ(refused(remove("/subjects/z")), 40401);
  EXPECT_EQ(refused(get("/subjects/x/versions/7")), 40402);
  EXPECT_EQ(refused(get("/subjects/x/versions/7/referencedby")), 40402);
  EXPECT_EQ(refused(remove("/subjects/x/versions/7")), 40402);
  EXPECT_EQ(refused(post("/subjects/x", schema_body(kAB))), 40403);
  for (const char* more : {"", "/schema", "/subjects", "/versions"})
    EXPECT_EQ(refused(get("/schemas/ids/9" + std::string(more))), 40403) << more;
  EXPECT_EQ(refused(get("/config/x")), 40408);
  EXPECT_EQ(refused(get("/mode/x")), 40409);
  EXPECT_EQ(refused(remove("/config/x")), 40408);
  EXPECT_EQ(refused(remove("/mode/x")), 40409);
}

TEST_F(SchemasTest, WhatIsWrongHasItsNumber) {
  add("x", kA);
  EXPECT_EQ(refused(add("x", "{")), 42201);
  EXPECT_EQ(refused(add("x", R"({"type":"rekord"})")), 42201);
  EXPECT_EQ(refused(add("x", record(R"({"name":"a","type":"int","default":"x"})"))), 42201);
  EXPECT_EQ(refused(post("/subjects/x/versions", "{}")), 42201);
  EXPECT_EQ(refused(add("x", kA, R"(,"schemaType":"XML")")), 42201);
  EXPECT_EQ(refused(add("x", kA, R"(,"ruleSet":{})")), 42201);
  EXPECT_EQ(refused(add("x", kA, R"(,"references":[{"name":"Q"}])")), 42201);
  EXPECT_EQ(refused(post("/subjects/x/versions", "{")), 400);
  EXPECT_EQ(refused(post("/subjects/x/versions", "[]")), 400);
  for (const char* version : {"0", "abc", "1x", "-2", "99999999999"})
    EXPECT_EQ(refused(get("/subjects/x/versions/" + std::string(version))), 42202) << version;
  EXPECT_EQ(refused(put("/config", R"({"compatibility":"SIDEWAYS"})")), 42203);
  EXPECT_EQ(refused(put("/config/x", "{}")), 42203);
  EXPECT_EQ(refused(put("/config/x", R"({"compatibility":"FULL","alias":"y"})")), 42205);
  EXPECT_EQ(refused(put("/mode", R"({"mode":"SLEEPY"})")), 42204);
  EXPECT_EQ(refused(add("a%0Ab", kA)), 42208);
  EXPECT_EQ(refused(add(std::string(1001, 's'), kA)), 42208);
}

TEST_F(SchemasTest, AnswersComeInTheTypeTheClientAsksFor) {
  const auto type = [&](const std::string& accept) {
    const Reply reply = ask("GET", "/subjects", "", accept.empty() ? "" : "Accept: " + accept + "\r\n");
    const size_t at = reply.head.find("Content-Type: ") + 14;
    return std::to_string(reply.status) + " " + reply.head.substr(at, reply.head.find('\r', at) - at);
  };
  const std::string ours = "200 application/vnd.schemaregistry.v1+json";
  EXPECT_EQ(type(""), ours);
  EXPECT_EQ(type("*/*"), ours);
  EXPECT_EQ(
      type("application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"),
      ours);
  EXPECT_EQ(type("application/json"), "200 application/json");
  EXPECT_EQ(type("application/json;q=0.5, application/vnd.schemaregistry+json;q=0.9"),
            "200 application/vnd.schemaregistry+json");
  EXPECT_EQ(type("text/html, */*;q=0.1"), ours);
  EXPECT_EQ(refused(ask("GET", "/subjects", "", "Accept: text/html\r\n")), 406);
  const std::string body = schema_body(kA);
  EXPECT_EQ(refused(ask("POST", "/subjects/x/versions", body, "Content-Type: text/plain\r\n")), 415);
  EXPECT_EQ(
      ask("POST", "/subjects/x/versions", body, "Content-Type: application/json; charset=utf-8\r\n").status,
      200);
}

TEST_F(SchemasTest, NamesWithSlashesAndColonsAreNames) {
  EXPECT_EQ(add("a%2Fb%3Ac%20d", kA).status, 200);
  EXPECT_EQ(get("/subjects").body, R"(["a/b:c d"])");
  EXPECT_EQ(get("/subjects/a%2Fb%3Ac%20d/versions").body, "[1]");
  EXPECT_EQ(get("/subjects?subjectPrefix=a%2Fb").body, R"(["a/b:c d"])");
  EXPECT_EQ(get("/subjects?subjectPrefix=:*:a").body, R"(["a/b:c d"])");
  EXPECT_EQ(get("/subjects?subjectPrefix=b").body, "[]");
}

TEST_F(SchemasTest, DeletingIsSoftAndThenForGood) {
  add("x", kA);
  add("x", kAB);
  EXPECT_EQ(refused(remove("/subjects/x/versions/1?permanent=true")), 40407);
  EXPECT_EQ(remove("/subjects/x/versions/1").body, "1");
  EXPECT_EQ(refused(remove("/subjects/x/versions/1")), 40406);
  EXPECT_EQ(get("/subjects/x/versions").body, "[2]");
  EXPECT_EQ(get("/subjects/x/versions?deleted=true").body, "[1,2]");
  EXPECT_EQ(get("/subjects/x/versions?deletedOnly=true").body, "[1]");
  EXPECT_EQ(refused(get("/subjects/x/versions/1")), 40402);
  EXPECT_EQ(get("/subjects/x/versions/1?deleted=true").status, 200);
  EXPECT_EQ(get("/schemas/ids/1").status, 200);
  EXPECT_EQ(remove("/subjects/x/versions/1?permanent=true").body, "1");
  EXPECT_EQ(refused(get("/schemas/ids/1")), 40403);
  EXPECT_EQ(get("/subjects/x/versions?deleted=true").body, "[2]");

  EXPECT_EQ(refused(remove("/subjects/x?permanent=true")), 40405);
  level("x", "FULL");
  EXPECT_EQ(remove("/subjects/x").body, "[2]");
  EXPECT_EQ(refused(get("/config/x")), 40408);
  EXPECT_EQ(refused(remove("/subjects/x")), 40404);
  EXPECT_EQ(get("/subjects").body, "[]");
  EXPECT_EQ(get("/subjects?deleted=true").body, R"(["x"])");
  EXPECT_EQ(get("/subjects?deletedOnly=true").body, R"(["x"])");
  EXPECT_EQ(remove("/subjects/x?permanent=true").body, "[2]");
  EXPECT_EQ(get("/subjects?deleted=true").body, "[]");
}

TEST_F(SchemasTest, AnIdIsNeverGivenTwiceEvenAfterARestart) {
  add("x", kA);
  remove("/subjects/x");
  EXPECT_EQ(add("x", kA).body, R"({"id":1})") << "softly deleted, the schema keeps its id";
  EXPECT_EQ(get("/subjects/x/versions").body, "[2]");
  remove("/subjects/x");
  remove("/subjects/x?permanent=true");
  restart();
  EXPECT_EQ(add("x", kA).body, R"({"id":2})");
  EXPECT_EQ(get("/subjects/x/versions").body, "[1]");
}

TEST_F(SchemasTest, EverythingIsThereAfterARestart) {
  add("x", kA);
  add("x", kAB);
  add("j", "{}", R"(,"schemaType":"JSON")");
  add("y", R"({"type":"array","items":"R"})", R"(,"references":[{"name":"R","subject":"x","version":1}])");
  remove("/subjects/x/versions/2");
  level("x", "FULL_TRANSITIVE");
  put("/config", R"({"compatibility":"NONE"})");
  put("/mode/j", R"({"mode":"READONLY"})");
  const auto seen = [&] {
    std::string all;
    for (const char* target :
         {"/schemas?deleted=true", "/subjects", "/subjects/x/versions", "/config", "/config/x", "/mode",
          "/mode/j", "/subjects/x/versions/1/referencedby", "/schemas/ids/4"})
      all += get(target).body + "\n";
    return all;
  };
  const std::string before = seen();
  EXPECT_THAT(before, AllOf(HasSubstr("READONLY"), HasSubstr("FULL_TRANSITIVE"), HasSubstr("NONE"),
                            HasSubstr("\"schemaType\":\"JSON\""), HasSubstr("[4]")));
  restart();
  EXPECT_EQ(seen(), before);
}

TEST_F(SchemasTest, AnIncompatibleSchemaIs409AndNamesThePath) {
  add("x", kA);
  const Reply reply = add("x", kNeedsC);
  EXPECT_EQ(refused(reply), 409);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("R.c"), HasSubstr("BACKWARD"), HasSubstr("version 1")));
  const Reply checked = post("/compatibility/subjects/x/versions/latest?verbose=true", schema_body(kNeedsC));
  EXPECT_THAT(checked.body, AllOf(HasSubstr("\"is_compatible\":false"), HasSubstr("R.c")));
  EXPECT_EQ(post("/compatibility/subjects/x/versions/1", schema_body(kNeedsC)).body,
            R"({"is_compatible":false})");
  EXPECT_EQ(post("/compatibility/subjects/x/versions?verbose=True", schema_body(kAB)).body,
            R"({"is_compatible":true,"messages":[]})");
  EXPECT_EQ(post("/compatibility/subjects/new/versions", schema_body(kA)).body, R"({"is_compatible":true})");
  EXPECT_EQ(refused(post("/compatibility/subjects/new/versions/latest", schema_body(kA))), 40401);
  EXPECT_EQ(refused(post("/compatibility/subjects/x/versions/9", schema_body(kA))), 40402);
  EXPECT_EQ(refused(post("/compatibility/subjects/x/versions/latest", schema_body("{"))), 42201);
}

TEST_F(SchemasTest, EachLevelTakesWhatItMay) {
  // Versions 1 and 2 are kA and kAB. Each next schema: needs a field, drops one without a default, or
  // neither.
  const std::string needs_b = record(R"({"name":"a","type":"int"},{"name":"b","type":"int"})");
  const std::string lacks_a = record(R"({"name":"b","type":"int","default":0})");
  const std::string more = record(R"({"name":"a","type":"int"},{"name":"d","type":"int","default":0})");
  const std::map<std::string, std::string> wanted = {
      {"NONE", "yyy"},           {"BACKWARD", "yyy"},           {"BACKWARD_TRANSITIVE", "nyy"},
      {"FORWARD", "yny"},        {"FORWARD_TRANSITIVE", "yny"}, {"FULL", "yny"},
      {"FULL_TRANSITIVE", "nny"}};
  add("x", kA);
  add("x", kAB);
  for (const auto& [name, answers] : wanted) {
    level("x", name);
    EXPECT_EQ(get("/config/x").body, R"({"compatibilityLevel":")" + name + "\"}");
    std::string found;
    for (const std::string& next : {needs_b, lacks_a, more}) {
      const Reply reply = post("/compatibility/subjects/x/versions", schema_body(next));
      found += reply.body == R"({"is_compatible":true})" ? 'y' : 'n';
    }
    EXPECT_EQ(found, answers) << name;
  }
}

TEST_F(SchemasTest, ADeletedVersionIsNotComparedAndTheOthersKeepTheirNumbers) {
  level("x", "BACKWARD_TRANSITIVE");
  add("x", kA);
  add("x", kAB);
  remove("/subjects/x/versions/1");
  const Reply reply = add("x", record(R"({"name":"a","type":"int"},{"name":"b","type":"string"})"));
  EXPECT_EQ(refused(reply), 409);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("version 2"), Not(HasSubstr("version 1"))));
}

TEST_F(SchemasTest, LevelsOfSubjectsStandBeforeTheGlobalOne) {
  EXPECT_EQ(get("/config").body, R"({"compatibilityLevel":"BACKWARD"})");
  EXPECT_EQ(put("/config", R"({"compatibility":"none"})").body, R"({"compatibility":"NONE"})");
  EXPECT_EQ(get("/config/x?defaultToGlobal=true").body, R"({"compatibilityLevel":"NONE"})");
  level("x", "FULL");
  EXPECT_EQ(get("/config/x").body, R"({"compatibilityLevel":"FULL"})");
  EXPECT_EQ(remove("/config/x").body, R"({"compatibilityLevel":"FULL","compatibility":"FULL"})");
  EXPECT_EQ(remove("/config").status, 200);
  EXPECT_EQ(get("/config").body, R"({"compatibilityLevel":"BACKWARD"})");
}

TEST_F(SchemasTest, ReadOnlyTakesNothing) {
  add("x", kA);
  EXPECT_EQ(put("/mode", R"({"mode":"READONLY"})").body, R"({"mode":"READONLY"})");
  EXPECT_EQ(refused(add("x", kAB)), 42205);
  EXPECT_EQ(refused(remove("/subjects/x")), 42205);
  EXPECT_EQ(refused(put("/config/x", R"({"compatibility":"FULL"})")), 42205);
  EXPECT_EQ(get("/mode/x?defaultToGlobal=true").body, R"({"mode":"READONLY"})");
  put("/mode/x", R"({"mode":"READWRITE"})");
  EXPECT_EQ(add("x", kAB).status, 200);
  put("/mode", R"({"mode":"READONLY_OVERRIDE"})");
  EXPECT_EQ(refused(add("x", kA)), 42205);
  EXPECT_EQ(get("/mode/x").body, R"({"mode":"READWRITE"})");
  EXPECT_EQ(remove("/mode/x").status, 200);
  EXPECT_EQ(remove("/mode").body, R"({"mode":"READONLY_OVERRIDE"})");
  EXPECT_EQ(get("/mode").body, R"({"mode":"READWRITE"})");
}

TEST_F(SchemasTest, ImportKeepsIdsAndVersions) {
  add("old", kA);
  EXPECT_EQ(refused(add("x", kAB, R"(,"id":70)")), 42205) << "not in import mode";
  EXPECT_EQ(refused(put("/mode", R"({"mode":"IMPORT"})")), 42205) << "there are subjects";
  EXPECT_EQ(refused(put("/mode/old", R"({"mode":"IMPORT"})")), 42205);
  EXPECT_EQ(put("/mode/old?force=true", R"({"mode":"IMPORT"})").status, 200);
  EXPECT_EQ(put("/mode/x", R"({"mode":"IMPORT"})").status, 200);
  EXPECT_EQ(refused(add("x", kAB)), 42205) << "an import brings its id";
  EXPECT_EQ(add("x", kAB, R"(,"id":70,"version":3)").body, R"({"id":70})");
  EXPECT_EQ(get("/subjects/x/versions").body, "[3]");
  EXPECT_EQ(add("x", kAB, R"(,"id":70,"version":3)").body, R"({"id":70})");
  EXPECT_EQ(refused(add("x", kNeedsC, R"(,"id":70,"version":4)")), 42205) << "an id means one schema";
  EXPECT_EQ(refused(add("x", kNeedsC, R"(,"id":71,"version":3)")), 42205) << "a version has one id";
  EXPECT_EQ(add("x", kNeedsC, R"(,"id":60)").body, R"({"id":60})") << "compatibility is not asked for";
  EXPECT_EQ(add("x", kA, R"(,"id":1,"version":10000)").status, 200);
  EXPECT_EQ(refused(add("x", "\"int\"", R"(,"id":80,"version":10001)")), 42201) << "too many versions";
  remove("/mode/x");
  EXPECT_EQ(add("x", kA).body, R"({"id":1})") << "what is there needs no further version";
  level("x", "NONE");
  EXPECT_EQ(refused(add("x", "\"int\"")), 42201);
  EXPECT_EQ(add("y", "\"string\"").body, R"({"id":71})");
}

TEST_F(SchemasTest, AVersionOfOnesOwnMustBeTheNext) {
  add("x", kA);
  EXPECT_EQ(refused(add("x", kAB, R"(,"version":5)")), 42201);
  EXPECT_EQ(add("x", kAB, R"(,"version":2,"id":-1)").status, 200);
}

TEST_F(SchemasTest, ReferencesAreResolvedAndHoldWhatTheyName) {
  const std::string item = R"({"type":"record","name":"shop.Item","fields":[{"name":"price","type":"int"}]})";
  const std::string order =
      R"({"type":"record","name":"shop.Order","fields":[{"name":"item","type":"Item"}]})";
  const std::string to_item = R"(,"references":[{"name":"shop.Item","subject":"item","version":1}])";
  EXPECT_EQ(refused(add("order", order)), 42201);
  EXPECT_EQ(refused(add("order", order, to_item)), 42201);
  add("item", item);
  EXPECT_EQ(add("order", order, to_item).body, R"({"id":2})");
  EXPECT_THAT(get("/subjects/order/versions/1").body, HasSubstr(to_item.substr(1)));
  EXPECT_THAT(get("/schemas/ids/2").body, HasSubstr(to_item.substr(1)));
  EXPECT_EQ(get("/subjects/item/versions/1/referencedby").body, "[2]");
  EXPECT_EQ(post("/subjects/order", schema_body(order, to_item)).status, 200);
  EXPECT_EQ(refused(post("/subjects/order", schema_body(order))), 42201);

  // The path of a difference leads through the reference.
  EXPECT_EQ(
      add("item", R"({"type":"record","name":"shop.Item","fields":[{"name":"price","type":"long"}]})").status,
      200);
  level("order", "FULL");
  const Reply reply =
      add("order", order, R"(,"references":[{"name":"shop.Item","subject":"item","version":2}])");
  EXPECT_EQ(refused(reply), 409);
  EXPECT_THAT(reply.body, HasSubstr("Order.item.price"));

  EXPECT_EQ(refused(remove("/subjects/item/versions/1")), 42206);
  EXPECT_EQ(refused(remove("/subjects/item")), 42206);
  EXPECT_EQ(remove("/subjects/order").body, "[1]");
  EXPECT_EQ(remove("/subjects/item/versions/1").body, "1");
  EXPECT_EQ(refused(remove("/subjects/item/versions/1?permanent=true")), 42206)
      << "still served to whoever asks";
  EXPECT_EQ(remove("/subjects/order?permanent=true").status, 200);
  EXPECT_EQ(remove("/subjects/item/versions/1?permanent=true").status, 200);
}

TEST_F(SchemasTest, JsonAndProtobufAreKeptAndOnlyTheSameTextIsKnownToBeCompatible) {
  const std::string json = R"(,"schemaType":"JSON")";
  const std::string proto = R"(,"schemaType":"PROTOBUF")";
  EXPECT_EQ(add("j", R"({ "type": "object" })", json).body, R"({"id":1})");
  EXPECT_EQ(get("/schemas/ids/1").body, R"({"schemaType":"JSON","schema":"{\"type\":\"object\"}"})");
  EXPECT_EQ(add("j", R"({"type":"object"})", json).body, R"({"id":1})");
  EXPECT_EQ(refused(add("j", R"({"type":"array"})", json)), 409);
  EXPECT_EQ(refused(add("j", kA)), 409) << "another kind";
  EXPECT_EQ(refused(add("j", "[1]", json)), 42201);
  EXPECT_EQ(refused(add("j", "{", json)), 42201);
  level("j", "NONE");
  EXPECT_EQ(add("j", R"({"type":"array"})", json).body, R"({"id":2})");
  EXPECT_EQ(add("p", "syntax = \"proto3\";\nmessage M {}", proto).body, R"({"id":3})");
  EXPECT_EQ(get("/subjects/p/versions/1/schema").body, "syntax = \"proto3\";\nmessage M {}");
  EXPECT_EQ(refused(add("p", "", proto)), 42201);
}

TEST_F(SchemasTest, ALogThatFailsIs50001AndNothingIsKept) {
  log_.broken = Error{Code::io, "no disk"};
  EXPECT_EQ(refused(add("x", kA)), 50001);
  log_.broken.reset();
  EXPECT_EQ(get("/subjects").body, "[]");
  EXPECT_EQ(add("x", kA).body, R"({"id":1})");
}

TEST_F(SchemasTest, ManyAtOnceGetOneIdPerSchemaAndOneVersionEach) {
  level("s", "NONE");
  std::vector<std::jthread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([this] {
      for (int i = 0; i < 10; ++i) {
        const std::string text = record(R"({"name":"f)" + std::to_string(i) + R"(","type":"int"})");
        EXPECT_EQ(add("s", text).status, 200);
      }
    });
  }
  clients.clear();
  EXPECT_EQ(get("/subjects/s/versions").body, "[1,2,3,4,5,6,7,8,9,10]");
  EXPECT_EQ(get("/schemas/ids/10").status, 200);
  EXPECT_EQ(refused(get("/schemas/ids/11")), 40403);
}

}  // namespace
}  // namespace tradewind::server
