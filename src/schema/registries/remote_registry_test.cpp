#include "schema/remote_registry.h"

#include "schema/refusal.h"
#include "schema/stub_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tradewind::schema {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kText = R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})";

std::string refused(int status, int number, const std::string& message = "no") {
  return StubRegistry::answer(
      status, R"({"error_code":)" + std::to_string(number) + R"(,"message":")" + message + "\"}");
}

std::string found(SchemaId id, const std::string& subject, int32_t version) {
  return StubRegistry::answer(200, R"({"subject":")" + subject + R"(","version":)" + std::to_string(version) +
                                       R"(,"id":)" + std::to_string(id) + R"(,"schema":"\"int\""})");
}

class RemoteRegistryTest : public testing::Test {
 protected:
  RemoteRegistryTest() : stub_([](const StubRequest&) { return found(7, "s", 1); }) {
    options_.url = stub_.url();
    options_.patience = Duration(400);
    options_.timeout = Duration(150);
  }
  RemoteRegistry& registry() {
    if (made_ == nullptr) made_ = RemoteRegistry::open(options_, clock_).value();
    return *made_;
  }
  void answers(int status, const std::string& body, const std::string& more = "") {
    stub_.answer_with([=](const StubRequest&) { return StubRegistry::answer(status, body, more); });
  }
  void refuses(int status, int number) {
    stub_.answer_with([=](const StubRequest&) { return refused(status, number, "said so"); });
  }
  // The first `times` requests get `fault`, the others an answer.
  void fails_first(int times, const std::string& fault) {
    stub_.answer_with(
        [=, left = times](const StubRequest&) mutable { return left-- > 0 ? fault : found(7, "s", 1); });
  }

  SystemClock clock_;
  StubRegistry stub_;
  RemoteRegistryOptions options_;
  std::unique_ptr<RemoteRegistry> made_;
};

TEST_F(RemoteRegistryTest, AsksForAnIdOnce) {
  EXPECT_EQ(registry().by_id(7)->text, "\"int\"");
  EXPECT_EQ(registry().by_id(7)->id, 7);
  EXPECT_THAT(stub_.asked(), ElementsAre("GET /schemas/ids/7"));
}

TEST_F(RemoteRegistryTest, PutsTheAddressesPathInFrontAndEscapesSubjects) {
  options_.url = stub_.url() + "/apis/ccompat/v7/";
  EXPECT_TRUE(registry().latest("a/b c").ok());
  EXPECT_THAT(stub_.asked(), ElementsAre("GET /apis/ccompat/v7/subjects/a%2Fb%20c/versions/latest"));
}

TEST_F(RemoteRegistryTest, TakesTheLatestForAWhile) {
  options_.latest_kept = Duration(50);
  EXPECT_EQ(registry().latest("s")->version, 1);
  EXPECT_EQ(registry().latest("s")->version, 1);
  EXPECT_THAT(stub_.asked(), SizeIs(1));
  stub_.answer_with([](const StubRequest&) { return found(9, "s", 2); });
  clock_.sleep(Duration(60));
  EXPECT_EQ(registry().latest("s")->id, 9);
}

TEST_F(RemoteRegistryTest, GivesWhatItKnowsWhileTheRegistryIsAway) {
  options_.latest_kept = Duration(0);
  EXPECT_EQ(registry().latest("s")->id, 7);
  stub_.stop();
  EXPECT_EQ(registry().latest("s")->id, 7);
  EXPECT_EQ(registry().by_id(7)->id, 7);
  EXPECT_EQ(registry().version("s", 1)->id, 7);
  ASSERT_TRUE(registry().trouble());
  const auto unknown = registry().by_id(8);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, Code::unavailable);
  EXPECT_THAT(unknown.error().message, AllOf(HasSubstr(stub_.url()), HasSubstr("registry.url")));
}

TEST_F(RemoteRegistryTest, AsksAgainAfterServerErrorsBusyAnswersAndClosedConnections) {
  for (const std::string& fault : {StubRegistry::answer(500, "oops"), StubRegistry::answer(503, ""),
                                   StubRegistry::answer(429, "{}"), std::string()}) {
    made_.reset();
    fails_first(2, fault);
    EXPECT_TRUE(registry().by_id(7).ok()) << fault;
    EXPECT_FALSE(registry().trouble()) << fault;
  }
  EXPECT_THAT(stub_.asked(), SizeIs(12));
}

TEST_F(RemoteRegistryTest, EndsWithinItsPatience) {
  answers(500, "down for repair");
  const int64_t began_ns = clock_.monotonic_ns();
  const auto asked = registry().by_id(7);
  EXPECT_LT(clock_.monotonic_ns() - began_ns, 1'000'000'000);
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, Code::unavailable);
  EXPECT_THAT(asked.error().message, AllOf(HasSubstr("500"), HasSubstr("down for repair")));
  const size_t before = stub_.asked().size();
  EXPECT_FALSE(registry().by_id(7).ok());  // at once: it is known to be away
  EXPECT_EQ(stub_.asked().size(), before);
}

TEST_F(RemoteRegistryTest, DoesNotWaitForASlowOneForEver) {
  stub_.answer_with([this](const StubRequest&) {
    clock_.sleep(Duration(300));
    return found(7, "s", 1);
  });
  const auto asked = registry().by_id(7);
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, Code::unavailable);
}

TEST_F(RemoteRegistryTest, AsksTheNextAddressWhereOneIsAway) {
  StubRegistry gone([](const StubRequest&) { return std::string(); });
  const std::string away = gone.url();
  gone.stop();
  options_.url = away + ", " + stub_.url();
  EXPECT_TRUE(registry().by_id(7).ok());
  EXPECT_TRUE(registry().by_id(8).ok());
  EXPECT_THAT(stub_.asked(), SizeIs(2));
}

TEST_F(RemoteRegistryTest, ComesBackWithTheRegistry) {
  stub_.stop();
  EXPECT_FALSE(registry().by_id(7).ok());
  stub_.start();
  bool there = false;
  for (int i = 0; i < 100 && !there; ++i) {
    there = registry().by_id(7).ok();
    if (!there) clock_.sleep(Duration(50));
  }
  EXPECT_TRUE(there);
  EXPECT_FALSE(registry().trouble());
}

TEST_F(RemoteRegistryTest, TellsWhatIsNotThereFromWhoDoesNotKnow) {
  struct Case {
    int status;
    int number;
    Code code;
  };
  for (const Case& one : {Case{404, 40401, Code::not_found}, Case{404, 40402, Code::not_found},
                          Case{404, 40403, Code::not_found}, Case{404, 404, Code::unavailable},
                          Case{401, 40101, Code::unavailable}, Case{403, 40301, Code::unavailable},
                          Case{422, 42202, Code::invalid}}) {
    refuses(one.status, one.number);
    const auto asked = registry().by_id(7);
    ASSERT_FALSE(asked.ok());
    EXPECT_EQ(asked.error().code, one.code) << one.number << " " << asked.error().message;
    EXPECT_THAT(asked.error().message, HasSubstr(stub_.url()));
  }
  EXPECT_THAT(stub_.asked(), SizeIs(7));  // none is asked twice
}

TEST_F(RemoteRegistryTest, TakesNothingThatIsNoRegistryForAnAnswer) {
  for (const std::string& body : {"<html>hello</html>", "", "null", "[]", R"({"schema":7})"}) {
    answers(200, body);
    const auto asked = registry().by_id(7);
    ASSERT_FALSE(asked.ok()) << body;
    EXPECT_EQ(asked.error().code, Code::unavailable) << body;
    EXPECT_TRUE(registry().trouble()) << body;
  }
  answers(404, "<html>not here</html>");
  EXPECT_THAT(registry().by_id(7).error().message, HasSubstr("path of its API"));
  answers(400, "Bad Request");
  EXPECT_EQ(registry().by_id(7).error().code, Code::unavailable);
  answers(302, "", "Location: http://elsewhere/login\r\n");
  EXPECT_THAT(registry().by_id(7).error().message, HasSubstr("http://elsewhere/login"));
}

TEST_F(RemoteRegistryTest, RegistersWhatIsNotThere) {
  stub_.answer_with([registered = false](const StubRequest& request) mutable {
    if (request.target.find("/versions") != std::string::npos) {
      registered = true;
      return StubRegistry::answer(200, R"({"id":12})");
    }
    return registered ? found(12, "s", 3) : refused(404, 40403);
  });
  const auto made = registry().register_schema("s", SchemaKind::avro, kText);
  EXPECT_EQ(made->id, 12);
  EXPECT_EQ(made->version, 3);
  EXPECT_EQ(registry().register_schema("s", SchemaKind::avro, kText)->id, 12);
  EXPECT_THAT(stub_.asked(),
              ElementsAre("POST /subjects/s?normalize=true", "POST /subjects/s/versions?normalize=true",
                          "POST /subjects/s?normalize=true"));
}

TEST_F(RemoteRegistryTest, OnlyLooksUpWhatIsThere) {
  EXPECT_EQ(registry().register_schema("s", SchemaKind::json, "{}")->id, 7);
  EXPECT_THAT(stub_.asked(), ElementsAre("POST /subjects/s?normalize=true"));
  EXPECT_EQ(stub_.last().body, R"({"schema":"{}","schemaType":"JSON"})");
}

TEST_F(RemoteRegistryTest, SaysWhyItMayNotRegister) {
  struct Case {
    int status;
    int number;
    Code code;
    int told;
  };
  for (const Case& one :
       {Case{409, 409, Code::conflict, kIncompatible}, Case{409, 40901, Code::conflict, kIncompatible},
        Case{422, 42201, Code::invalid, kSchemaInvalid}, Case{422, 42205, Code::invalid, kNotPermitted},
        Case{403, 40301, Code::invalid, 403}}) {
    stub_.answer_with([=](const StubRequest& request) {
      const bool looks = request.target.find("/versions") == std::string::npos;
      return looks ? refused(404, 40401) : refused(one.status, one.number, "because");
    });
    const auto made = registry().register_schema("orders", SchemaKind::avro, kText);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, one.code);
    EXPECT_EQ(made.error().number, one.told);
    EXPECT_THAT(made.error().message,
                AllOf(HasSubstr("orders"), HasSubstr("because"), HasSubstr(stub_.url())));
  }
}

TEST_F(RemoteRegistryTest, FollowsReferences) {
  stub_.answer_with([](const StubRequest& request) {
    if (request.target == "/schemas/ids/7")
      return StubRegistry::answer(200, R"({"schema":"outer","references":[
          {"name":"shop.B","subject":"b","version":2},{"name":"shop.C","subject":"c","version":1}]})");
    const std::string subject = request.target.substr(10, 1);
    const std::string more =
        subject == "b" ? R"(,"references":[{"name":"shop.C","subject":"c","version":1}])" : "";
    return StubRegistry::answer(200, R"({"subject":")" + subject +
                                         R"(","version":1,"id":3,"schema":"text of )" + subject + "\"" +
                                         more + "}");
  });
  EXPECT_THAT(registry().by_id(7)->needed, ElementsAre("text of c", "text of b"));
  EXPECT_THAT(stub_.asked(), SizeIs(3));
}

TEST_F(RemoteRegistryTest, DoesNotFollowReferencesInCircles) {
  stub_.answer_with([](const StubRequest&) {
    return StubRegistry::answer(200, R"({"subject":"b","version":1,"id":3,"schema":"x",
        "references":[{"name":"B","subject":"b","version":1}]})");
  });
  const auto asked = registry().by_id(7);
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, Code::not_found);
}

TEST_F(RemoteRegistryTest, TellsWhatRegisteringWouldDo) {
  using Kind = Outlook::Kind;
  EXPECT_EQ(registry().outlook("s", SchemaKind::avro, kText)->kind, Kind::there);
  refuses(404, 40401);
  EXPECT_EQ(registry().outlook("s", SchemaKind::avro, kText)->kind, Kind::first);
  std::string verdict = R"({"is_compatible":true})";
  stub_.answer_with([&](const StubRequest& request) {
    const bool compares = request.target.starts_with("/compatibility/");
    return compares ? StubRegistry::answer(200, verdict) : refused(404, 40403);
  });
  EXPECT_EQ(registry().outlook("s", SchemaKind::avro, kText)->kind, Kind::next);
  verdict = R"({"is_compatible":false,"messages":["b has no default"]})";
  const auto refused_one = registry().outlook("s", SchemaKind::avro, kText);
  EXPECT_EQ(refused_one->kind, Kind::refused);
  EXPECT_THAT(refused_one->reasons, ElementsAre("b has no default"));
}

TEST_F(RemoteRegistryTest, ShowsWhoItIsAndTellsNobodyElse) {
  ::setenv("TW_API_KEY", "own-key", 1);
  EXPECT_TRUE(registry().by_id(1).ok());
  ::unsetenv("TW_API_KEY");
  EXPECT_THAT(stub_.last().head, Not(HasSubstr("uthorization")));
  made_.reset();
  options_.basic_auth = Secret("user:pass word");
  EXPECT_TRUE(registry().by_id(1).ok());
  EXPECT_THAT(stub_.last().head, HasSubstr("Authorization: Basic dXNlcjpwYXNzIHdvcmQ="));
  refuses(401, 40101);
  const auto denied = registry().by_id(2);
  EXPECT_THAT(denied.error().message, AllOf(HasSubstr("registry.basic.auth"), Not(HasSubstr("pass word")),
                                            Not(HasSubstr("dXNlcjp"))));
  made_.reset();
  options_.basic_auth = Secret();
  options_.bearer = Secret("token");
  (void)registry().by_id(1).ok();
  EXPECT_THAT(stub_.last().head, HasSubstr("Authorization: Bearer token"));
}

TEST_F(RemoteRegistryTest, HandsRequestsOnAndForgetsWhatTheyChange) {
  EXPECT_TRUE(registry().latest("s").ok());
  answers(409, R"({"error_code":409,"message":"no"})");
  const auto forwarded = registry().forward({"POST", "/subjects/s/versions", "{}"});
  EXPECT_EQ(forwarded->status, 409);
  EXPECT_EQ(forwarded->body, R"({"error_code":409,"message":"no"})");
  stub_.answer_with([](const StubRequest&) { return found(9, "s", 2); });
  EXPECT_EQ(registry().latest("s")->id, 9);
  fails_first(1, StubRegistry::answer(500, "x"));
  EXPECT_FALSE(registry().forward({"DELETE", "/subjects/s", ""}).ok());  // once is enough
}

TEST_F(RemoteRegistryTest, RefusesAddressesThatAreNone) {
  for (const std::string& url : {"", "localhost:8081", "ftp://host", "http://", "http://:80", "http://h/?a=b",
                                 "http://a b", "http://one,", "https://"}) {
    options_.url = url;
    const auto made = RemoteRegistry::open(options_, clock_);
    ASSERT_FALSE(made.ok()) << url;
    EXPECT_EQ(made.error().code, Code::invalid) << url;
    EXPECT_THAT(made.error().message, HasSubstr("registry.url")) << url;
  }
  options_.url = "http://user:hidden@host";
  EXPECT_THAT(RemoteRegistry::open(options_, clock_).error().message,
              AllOf(HasSubstr("registry.basic.auth"), Not(HasSubstr("hidden"))));
  options_.url = "http://host";
  options_.basic_auth = Secret("hidden");
  EXPECT_THAT(RemoteRegistry::open(options_, clock_).error().message, Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace tradewind::schema
