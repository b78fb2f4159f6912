// The registry's REST where the registry runs elsewhere.
#include "base/json.h"
#include "net/http_client.h"
#include "schema/stub_registry.h"
#include "server/routes/schemas.h"

namespace tradewind::server {
namespace {

using schema::StubRegistry;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Duration kDeadline(10'000);

class ForwardedSchemasTest : public testing::Test {
 protected:
  ForwardedSchemasTest() {
    schema::RemoteRegistryOptions options;
    options.url = stub_.url() + "/api";
    options.patience = Duration(300);
    registry_ = schema::RemoteRegistry::open(options, clock_).value();
    declare_forwarded_routes(http_, *registry_);
    EXPECT_TRUE(http_.start().ok());
    client_ = std::make_unique<net::HttpClient>("http://127.0.0.1:" + std::to_string(http_.port()));
  }
  ~ForwardedSchemasTest() override { http_.stop(); }

  SystemClock clock_;
  StubRegistry stub_{[](const schema::StubRequest&) { return StubRegistry::answer(200, "[1,2]"); }};
  std::unique_ptr<schema::RemoteRegistry> registry_;
  net::HttpServer http_{net::HttpServerOptions{.port = 0}};
  std::unique_ptr<net::HttpClient> client_;
};

TEST_F(ForwardedSchemasTest, GoAsTheyCome) {
  const auto answer = client_->get("/subjects/a%2Fb%20c/versions?deleted=true&subjectPrefix=%26", kDeadline);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "[1,2]");
  EXPECT_EQ(answer->content_type, "application/vnd.schemaregistry.v1+json");
  EXPECT_THAT(stub_.asked(),
              ElementsAre("GET /api/subjects/a%2Fb%20c/versions?deleted=true&subjectPrefix=%26"));
}

TEST_F(ForwardedSchemasTest, BringTheirBodiesAndErrors) {
  stub_.answer_with([](const schema::StubRequest&) {
    return StubRegistry::answer(409, R"({"error_code":409,"message":"no"})");
  });
  const auto answer = client_->post("/subjects/s/versions", R"({"schema":"x"})", {}, kDeadline);
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->body, R"({"error_code":409,"message":"no"})");
  EXPECT_EQ(stub_.last().body, R"({"schema":"x"})");
}

TEST_F(ForwardedSchemasTest, SayWhyTheyCouldNotBeHandedOn) {
  stub_.stop();
  const auto answer = client_->get("/subjects", kDeadline);
  EXPECT_EQ(answer->status, 500);
  const auto body = parse_json(answer->body);
  ASSERT_TRUE(body.ok()) << answer->body;
  EXPECT_EQ(body->find("error_code")->integer(), 50003);
  EXPECT_THAT(body->string_at("message").value_or(""), HasSubstr(stub_.url()));
}

}  // namespace
}  // namespace tradewind::server
