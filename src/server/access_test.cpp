#include "server/access.h"

#include "base/bytes.h"

namespace tradewind::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKeys =
    "# of the shop\n"
    "web write web-key-0123456789\n"
    "reports read reports-key-012345\n"
    "ops all ops-key-0123456789\n";

net::Request request(const std::string& method, const std::string& path,
                     const std::vector<std::pair<std::string, std::string>>& headers = {}) {
  net::Request made;
  made.method = method;
  made.path = path;
  for (const auto& [name, value] : headers) made.headers.set(name, value);
  return made;
}

class AccessTest : public testing::Test {
 protected:
  static Access access(AccessOptions options = {.keys = Secret(kKeys)}) {
    auto made = Access::create(options, "127.0.0.1");
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(*made);
  }
  // The status, 0 when it is let in.
  static int asked(const Access& access, net::Request request, const std::string& pattern) {
    const auto refused = access.admit(request, pattern);
    return refused ? refused->status : 0;
  }
  static int with_key(const std::string& key, const std::string& method, const std::string& pattern) {
    return asked(access(), request(method, pattern, {{"authorization", "Bearer " + key}}), pattern);
  }
  static std::string refused(const AccessOptions& options, const std::string& address = "127.0.0.1") {
    const auto made = Access::create(options, address);
    return made.ok() ? "" : made.error().message;
  }
};

TEST_F(AccessTest, WithoutKeysEverybodyOnThisMachineMayDoAll) {
  EXPECT_EQ(asked(Access(), request("POST", "/ksql"), "/ksql"), 0);
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({}, "::1"), "");
}

TEST_F(AccessTest, WhereOthersReachTheServerItWantsKeysOrToBeToldOtherwise) {
  for (const char* address : {"0.0.0.0", "192.168.1.7", "::"}) {
    EXPECT_THAT(refused({}, address), AllOf(HasSubstr("server.keys"), HasSubstr("server.open")));
    EXPECT_EQ(refused({.open = true}, address), "");
    EXPECT_EQ(refused({.keys = Secret(kKeys)}, address), "");
  }
}

TEST_F(AccessTest, EachRightOpensItsRoutesAndNoOthers) {
  struct Case {
    const char* method;
    const char* pattern;
    int web, reports;  // the status each is answered with
  };
  for (const Case& c : {Case{"POST", "/v1/events/{topic}", 0, 403},
                        {"GET", "/v1/producers/{id}", 0, 403},
                        {"POST", "/query", 403, 0},
                        {"POST", "/live", 403, 0},
                        {"GET", "/live", 403, 0},
                        {"GET", "/subjects", 403, 0},
                        {"POST", "/subjects/{subject}", 403, 0},
                        {"POST", "/subjects/{subject}/versions", 403, 403},
                        {"POST", "/inserts-stream", 403, 403},
                        {"DELETE", "/subjects/{subject}", 403, 403},
                        {"PUT", "/config", 403, 403},
                        {"GET", "/v1/backup", 403, 403},
                        {"POST", "/v1/topics", 403, 403},
                        {"GET", "/metrics", 403, 0}}) {
    EXPECT_EQ(with_key("web-key-0123456789", c.method, c.pattern), c.web) << c.pattern;
    EXPECT_EQ(with_key("reports-key-012345", c.method, c.pattern), c.reports) << c.pattern;
    EXPECT_EQ(with_key("ops-key-0123456789", c.method, c.pattern), 0) << c.pattern;
    EXPECT_EQ(with_key("some-other-key-0123", c.method, c.pattern), 401) << c.pattern;
    EXPECT_EQ(asked(access(), request(c.method, c.pattern), c.pattern), 401) << c.pattern;
  }
}

TEST_F(AccessTest, ProbesAndThePageAskForNoKey) {
  for (const char* pattern : {"/healthz", "/readyz", "/startupz", "/", "/console/{file}", "/chc/live"})
    EXPECT_EQ(asked(access(), request("GET", pattern), pattern), 0) << pattern;
  EXPECT_EQ(asked(access(), request("GET", "/metrics"), "/metrics"), 401);
  EXPECT_EQ(
      asked(access({.keys = Secret(kKeys), .open_metrics = true}), request("GET", "/metrics"), "/metrics"),
      0);
}

TEST_F(AccessTest, AKeyIsShownInThreeWays) {
  const auto shown = [](const std::string& name, const std::string& value) {
    return asked(access(), request("POST", "/query", {{name, value}}), "/query");
  };
  const std::string key = "reports-key-012345";
  EXPECT_EQ(shown("authorization", "bearer " + key), 0);
  EXPECT_EQ(shown("x-api-key", key), 0);
  EXPECT_EQ(shown("authorization", "Basic " + to_base64("reports:" + key)), 0);
  EXPECT_EQ(shown("authorization", "Basic " + to_base64("ops:" + key)), 401);
  EXPECT_EQ(shown("authorization", "Basic " + to_base64(key)), 401);
  EXPECT_EQ(shown("authorization", "Basic ???"), 401);
  EXPECT_EQ(shown("authorization", "Bearer"), 401);
  EXPECT_EQ(shown("authorization", "Bearer " + key.substr(1)), 401);
  EXPECT_EQ(shown("authorization", "Bearer " + key + "x"), 401);
}

TEST_F(AccessTest, OnlyAKeyThatMayJustWriteEventsIsTakenInTheAddress) {
  const auto in_address = [](const std::string& key, const std::string& method, const std::string& pattern) {
    net::Request made = request(method, pattern);
    made.query["api_key"] = key;
    return asked(access(), made, pattern);
  };
  EXPECT_EQ(in_address("web-key-0123456789", "POST", "/v1/events/{topic}"), 0);
  EXPECT_EQ(in_address("ops-key-0123456789", "POST", "/v1/events/{topic}"), 403);
  EXPECT_EQ(in_address("web-key-0123456789", "GET", "/v1/producers/{id}"), 403);
  EXPECT_EQ(in_address("reports-key-012345", "POST", "/query"), 403);
}

TEST_F(AccessTest, WhoIsLetInIsNamedAndNoKeyIsEverSaid) {
  net::Request made = request("POST", "/query", {{"x-api-key", "reports-key-012345"}});
  EXPECT_FALSE(access().admit(made, "/query").has_value());
  EXPECT_EQ(made.caller, "reports");
  EXPECT_EQ(made.rights, kMayRead);
  net::Request wrong = request("POST", "/ksql", {{"x-api-key", "web-key-0123456789"}});
  EXPECT_THAT(access().admit(wrong, "/ksql")->body, AllOf(HasSubstr("web"), Not(HasSubstr("web-key"))));
}

TEST_F(AccessTest, ARefusalHasTheShapeOfItsFamily) {
  net::Request ksql = request("POST", "/query");
  EXPECT_THAT(access().admit(ksql, "/query")->body,
              AllOf(HasSubstr("generic_error"), HasSubstr("\"error_code\":40100")));
  net::Request registry = request("GET", "/subjects");
  const auto told = access().admit(registry, "/subjects");
  EXPECT_THAT(told->body, AllOf(HasSubstr("\"error_code\":401,"), Not(HasSubstr("@type"))));
  EXPECT_TRUE(told->headers.contains("WWW-Authenticate"));
}

TEST_F(AccessTest, WrongKeysAreRefusedByTheirLineAndNotShown) {
  const auto said = [](const std::string& text) { return refused({.keys = Secret(text)}); };
  EXPECT_THAT(said("web write"), HasSubstr("line 1"));
  EXPECT_THAT(said("\nweb some web-key-0123456789"), AllOf(HasSubstr("line 2"), HasSubstr("'some'")));
  EXPECT_THAT(said("web write short"), AllOf(HasSubstr("key web"), HasSubstr("16"), Not(HasSubstr("short"))));
  EXPECT_THAT(said("a write web-key-0123456789; b read web-key-0123456789"), HasSubstr("key b is the same"));
  EXPECT_THAT(said("# nobody"), HasSubstr("names no key"));
}

TEST_F(AccessTest, PagesOfKnownOriginsMaySendEventsAndReadAlsoWhenRefused) {
  const Access known =
      access({.keys = Secret(kKeys), .cors_origins = "https://shop.example, http://localhost:3000"});
  const auto origin_of = [&](const std::string& origin, const std::string& method,
                             const std::string& pattern) {
    net::Request made = request(method, pattern, {{"origin", origin}});
    (void)known.admit(made, pattern);
    return made.answer_headers["Access-Control-Allow-Origin"];
  };
  EXPECT_EQ(origin_of("https://shop.example", "POST", "/v1/events/{topic}"), "https://shop.example");
  EXPECT_EQ(origin_of("http://localhost:3000", "GET", "/live"), "http://localhost:3000");
  EXPECT_EQ(origin_of("https://other.example", "GET", "/live"), "");
  EXPECT_EQ(origin_of("https://shop.example", "POST", "/inserts-stream"), "");
}

TEST_F(AccessTest, ABrowserIsToldBeforehandWhatItMaySend) {
  const auto preflight = [](const Access& access, const std::string& pattern, const std::string& method) {
    net::Request made = request(
        "OPTIONS", pattern, {{"origin", "https://shop.example"}, {"access-control-request-method", method}});
    return access.admit(made, pattern);
  };
  const Access any = access({.keys = Secret(kKeys), .cors_origins = "*"});
  const auto told = preflight(any, "/v1/events/{topic}", "POST");
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->status, 204);
  EXPECT_EQ(told->headers.at("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(told->headers.at("Access-Control-Allow-Methods"), "POST");
  EXPECT_THAT(told->headers.at("Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  EXPECT_EQ(told->headers.at("Access-Control-Max-Age"), "600");
  EXPECT_FALSE(preflight(any, "/subjects/{subject}", "DELETE").has_value() &&
               preflight(any, "/subjects/{subject}", "DELETE")->status == 204);
  EXPECT_FALSE(preflight(Access(), "/v1/events/{topic}", "POST").has_value());
}

TEST_F(AccessTest, OriginsAreOriginsAndNotAddresses) {
  for (const char* wrong :
       {"shop.example", "https://shop.example/", "https://shop.example/path", "https://*"})
    EXPECT_THAT(refused({.cors_origins = wrong}), HasSubstr("server.cors_origins")) << wrong;
  EXPECT_EQ(refused({.cors_origins = "none"}), "");
}

}  // namespace
}  // namespace tradewind::server
