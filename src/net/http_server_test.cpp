#include "net/http_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "net/http_client.h"

namespace tradewind::net {
namespace {

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest()
      : server_({.port = 0, .header_bytes = 4096, .body_bytes = 10'000, .request_time = Duration(300)}) {
    server_.route("POST", "/echo/{name}", [](const Request& request) {
      Response response;
      response.body = request.captures.at("name") + ":" + request.body;
      return response;
    });
    server_.route("GET", "/stream", [](const Request&) {
      Response response;
      response.stream = [](const WritePiece& write) {
        for (int i = 0; i < 3; ++i) write("piece ");
      };
      return response;
    });
    EXPECT_TRUE(server_.start().ok());
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

  // What comes back for raw bytes until the server closes.
  std::string raw(const std::string& bytes) {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_.port()));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got; (got = recv(descriptor, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<size_t>(got));
    close(descriptor);
    return answer;
  }

  HttpServer server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  HttpClient client(url());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.post("/echo/a%2Fb", "hello", {}, Duration(5000));
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->body, "a/b:hello");
  }
  EXPECT_EQ(client.get("/nowhere", Duration(5000))->status, 404);
  EXPECT_EQ(client.get("/echo/x", Duration(5000))->status, 405);
  EXPECT_EQ(client.get("/stream", Duration(5000))->body, "piece piece piece ");
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrHalf) {
  HttpClient client(url());
  EXPECT_EQ(client.post("/echo/x", std::string(20'000, 'x'), {}, Duration(5000))->status, 413);
  EXPECT_THAT(raw("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n"), testing::HasSubstr(" 431 "));
  EXPECT_THAT(raw("this is no request\r\n\r\n"), testing::HasSubstr(" 400 "));
  EXPECT_THAT(raw("POST /echo/x HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"), testing::HasSubstr(" 408 "));
  EXPECT_EQ(client.post("/echo/x", "still there", {}, Duration(5000))->status, 200);
}

TEST_F(HttpServerTest, RefusesBrokenEscapes) {
  for (const std::string target : {"/echo/%4", "/echo/%", "/echo/%zz", "/echo/x?a=%", "/echo/x?%1=a"}) {
    EXPECT_THAT(raw("POST " + target + " HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                testing::HasSubstr(" 400 "))
        << target;
  }
  EXPECT_EQ(decode_url("%41%2f+", true), "A/ ");
  EXPECT_EQ(decode_url("%4", false), std::nullopt);
}

TEST_F(HttpServerTest, AnswersPipelinedAndChunkedRequestsInOrder) {
  const std::string answers =
      raw("POST /echo/a HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
          "POST /echo/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
          "3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
  EXPECT_THAT(answers, testing::HasSubstr("a:one"));
  EXPECT_LT(answers.find("a:one"), answers.find("b:twothree"));
}

TEST_F(HttpServerTest, TellsWhyItRefusesAlsoWhoStillSends) {
  const std::string head = "POST /echo/x HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n";
  EXPECT_THAT(raw(head + std::string(3'000'000, 'x')), testing::HasSubstr(" 413 "));
  const std::string chunk = "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  EXPECT_THAT(raw("POST /echo/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk),
              testing::HasSubstr(" 413 "));
}

TEST_F(HttpServerTest, WritesPathsOfAnyBytesAsValidJson) {
  const std::string answer = raw("GET /\xff\"%0a%22\\ HTTP/1.1\r\nConnection: close\r\n\r\n");
  const size_t body = answer.find("\r\n\r\n");
  ASSERT_NE(body, std::string::npos) << answer;
  EXPECT_TRUE(parse_json(answer.substr(body + 4)).ok()) << answer;
}

}  // namespace
}  // namespace tradewind::net
