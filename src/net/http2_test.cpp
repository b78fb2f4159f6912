// HTTP/2 on the same port, spoken by libcurl, and by hand where it is to be spoken wrongly.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "net/http_server.h"

namespace tradewind::net {
namespace {

using testing::HasSubstr;

constexpr long kBoth[] = {CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, CURL_HTTP_VERSION_1_1};

struct Got {
  long status = 0;
  long version = 0;
  CURLcode code = CURLE_OK;
  std::string body;
};

size_t keep(char* data, size_t, size_t size, void* to) {
  static_cast<Got*>(to)->body.append(data, size);
  return size;
}

class Http2Test : public testing::Test {
 protected:
  Http2Test()
      : server_({.port = 0, .header_bytes = 4096, .body_bytes = 100'000, .request_time = Duration(300)}) {
    server_.route("POST", "/echo/{name}", [](const Request& request) {
      Response response;
      response.headers["X-Kind"] = std::string(request.header("x-kind"));
      response.body = request.captures.at("name") + ":" + request.body;
      return response;
    });
    server_.route("GET", "/large", [](const Request&) {
      Response response;
      response.stream = [](const WritePiece& write) {
        for (int i = 0; i < 300; ++i) write(std::string(10'000, static_cast<char>('a' + i % 26)));
      };
      return response;
    });
    server_.route("GET", "/endless", [this](const Request&) {
      Response response;
      response.stream = [this](const WritePiece& write) {
        begun_ = true;
        while (write(std::string(1000, 'x'))) {
        }
        ended_ = true;
        ended_.notify_all();
      };
      return response;
    });
    server_.route_in_pieces("POST", "/upper", [](const Request& request) {
      Response response;
      response.stream = [read = request.read](const WritePiece& write) {
        std::string piece;
        for (Piece got; (got = read(piece, Duration(5000))) == Piece::some;) {
          for (char& c : piece) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
          if (!write(piece)) return;
        }
        write("|end");
      };
      return response;
    });
    EXPECT_TRUE(server_.start().ok());
  }

  Got ask(const std::string& target, const std::string* body, long version) {
    CURL* curl = curl_easy_init();
    Got got;
    curl_easy_setopt(curl, CURLOPT_URL,
                     ("http://127.0.0.1:" + std::to_string(server_.port()) + target).c_str());
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20'000L);
    if (body != nullptr) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    }
    got.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &got.status);
    curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &got.version);
    curl_easy_cleanup(curl);
    return got;
  }
  Got get(const std::string& target) { return ask(target, nullptr, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE); }
  Got post(const std::string& target, const std::string& body) {
    return ask(target, &body, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
  }

  int dial() const {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_.port()));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return descriptor;
  }
  static std::string all_of(int descriptor) {
    std::string answer;
    char buffer[4096];
    for (ssize_t got; (got = recv(descriptor, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<size_t>(got));
    close(descriptor);
    return answer;
  }

  std::atomic<bool> begun_{false};
  std::atomic<bool> ended_{false};
  HttpServer server_;
};

TEST_F(Http2Test, AnswersWithPriorKnowledge) {
  const Got got = post("/echo/a%2Fb", "hello");
  EXPECT_EQ(got.code, CURLE_OK) << curl_easy_strerror(got.code);
  EXPECT_EQ(got.version, CURL_HTTP_VERSION_2_0);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "a/b:hello");
  EXPECT_EQ(get("/nowhere").status, 404);
  EXPECT_EQ(get("/echo/x").status, 405);
}

TEST_F(Http2Test, TakesAConnectionOverByUpgrade) {
  const Got got = ask("/large", nullptr, CURL_HTTP_VERSION_2_0);
  EXPECT_EQ(got.version, CURL_HTTP_VERSION_2_0);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body.size(), 3'000'000u);
  const std::string body = "by upgrade";
  EXPECT_EQ(ask("/echo/x", &body, CURL_HTTP_VERSION_2_0).body, "x:by upgrade");
}

TEST_F(Http2Test, StreamsMoreThanAnyWindowHolds) {
  const Got got = get("/large");
  EXPECT_EQ(got.code, CURLE_OK);
  ASSERT_EQ(got.body.size(), 3'000'000u);
  EXPECT_EQ(got.body.substr(9'999, 2), "ab");
}

TEST_F(Http2Test, ReadsBodiesInPieces) {
  for (const long version : kBoth) {
    const std::string body = std::string(700'000, 'a') + "b";  // beyond the limit of other bodies
    const Got got = ask("/upper", &body, version);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, std::string(700'000, 'A') + "B|end") << version;
  }
}

// Sends the next line only after the answer to the last has come.
struct Dialogue {
  CURL* curl = nullptr;
  int said = 0;
  size_t owed = 0;
  Got got;
};

TEST_F(Http2Test, AnswersWhileTheBodyIsStillOpen) {
  for (const long version : kBoth) {
    Dialogue dialogue;
    dialogue.curl = curl_easy_init();
    CURL* curl = dialogue.curl;
    const std::string url = "http://127.0.0.1:" + std::to_string(server_.port()) + "/upper";
    curl_slist* headers = curl_slist_append(nullptr, "Transfer-Encoding: chunked");
    if (version == CURL_HTTP_VERSION_1_1) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20'000L);
    curl_read_callback say = [](char* to, size_t, size_t, void* user) -> size_t {
      auto& talk = *static_cast<Dialogue*>(user);
      if (talk.owed > 0) return CURL_READFUNC_PAUSE;
      if (talk.said == 3) return 0;
      ++talk.said;
      talk.owed = 4;
      std::copy_n("line", 4, to);
      return 4;
    };
    curl_write_callback hear = [](char* data, size_t, size_t size, void* user) -> size_t {
      auto& talk = *static_cast<Dialogue*>(user);
      talk.got.body.append(data, size);
      talk.owed -= std::min(talk.owed, size);
      curl_easy_pause(talk.curl, CURLPAUSE_CONT);
      return size;
    };
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, say);
    curl_easy_setopt(curl, CURLOPT_READDATA, &dialogue);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, hear);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &dialogue);
    EXPECT_EQ(curl_easy_perform(curl), CURLE_OK) << version;
    EXPECT_EQ(dialogue.got.body, "LINELINELINE|end") << version;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
}

TEST_F(Http2Test, RefusesWhatIsTooLarge) {
  EXPECT_EQ(post("/echo/x", std::string(200'000, 'x')).status, 413);
  EXPECT_EQ(get("/" + std::string(9'000, 'x')).status, 431);
  EXPECT_EQ(post("/echo/x", "still there").status, 200);
}

TEST_F(Http2Test, ClosesWhoSpeaksSomethingElse) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const int garbage = dial();
  const std::string bytes = preface + std::string("\xff\xff\xff\x00\x00\x00\x00\x00\x01", 9) + "garbage";
  EXPECT_EQ(send(garbage, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  // Its settings, then GOAWAY (frame type 7) with FRAME_SIZE_ERROR (6).
  const std::string answer = all_of(garbage);
  EXPECT_THAT(answer, HasSubstr(std::string("\x07\x00\x00\x00\x00\x00", 6)));
  const int half = dial();
  const std::string begun = preface.substr(0, 20);
  EXPECT_EQ(send(half, begun.data(), begun.size(), MSG_NOSIGNAL), 20);
  all_of(half);  // ends: the rest did not come in time
}

TEST_F(Http2Test, AStopEndsStreamsAndSaysGoodbye) {
  Got got;
  std::thread client([&] { got = get("/endless"); });
  while (!begun_) std::this_thread::yield();
  server_.stop();
  client.join();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.code, CURLE_OK) << curl_easy_strerror(got.code);
}

TEST_F(Http2Test, AStreamEndsWithItsClient) {
  const std::string limited = "/endless";
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL,
                   ("http://127.0.0.1:" + std::to_string(server_.port()) + limited).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  curl_write_callback leave = [](char*, size_t, size_t, void*) -> size_t { return 0; };
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, leave);
  EXPECT_EQ(curl_easy_perform(curl), CURLE_WRITE_ERROR);
  curl_easy_cleanup(curl);
  ended_.wait(false);
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace tradewind::net
