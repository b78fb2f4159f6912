// The server with many clients: what waits costs little, what asks too much is told so.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "net/http_client.h"
#include "net/http_server.h"

namespace tradewind::net {
namespace {

using testing::HasSubstr;

// A client that writes bytes as it likes.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval wait{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  ~RawClient() {
    if (socket_ >= 0) close(socket_);
  }
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;

  void send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t now = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return;
      sent += static_cast<size_t>(now);
    }
  }
  int local_port() const { return port_of(socket_, getsockname); }
  static int port_of(int socket, int (*name)(int, sockaddr*, socklen_t*)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    return name(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? ntohs(address.sin_port) : -1;
  }
  void send_no_more() const { shutdown(socket_, SHUT_WR); }
  // Until `end` has come, or the server closes.
  std::string read_to(const std::string& end) const {
    std::string text;
    char buffer[4096];
    while (text.find(end) == std::string::npos) {
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<size_t>(got));
    }
    return text;
  }
  std::string read_all() const { return read_to("no such end"); }

 private:
  int socket_;
};

std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class FrontTest : public testing::Test {
 protected:
  void start(HttpServerOptions options) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(options);
    server_->route("POST", "/echo", [](const Request& request) { return Response{.body = request.body}; });
    server_->route("GET", "/peer", [](const Request& request) { return Response{.body = request.peer}; });
    server_->route("GET", "/stream", [](const Request&) {
      Response response;
      response.stream = [](const WritePiece& write) {
        for (int i = 0; i < 3; ++i) write("piece ");
      };
      return response;
    });
    server_->route("GET", "/endless", [](const Request&) {
      Response response;
      response.stream = [](const WritePiece& write) {
        while (write("more ")) std::this_thread::yield();
      };
      return response;
    });
    server_->route_later("POST", "/later", [this](const Request& request, Reply reply) {
      const std::lock_guard lock(mutex_);
      replies_.push_back([reply, body = request.body] { reply(Response{.body = "later " + body}); });
    });
    server_->set_gate([](Request& request, std::string_view pattern) -> std::optional<Response> {
      request.answer_headers["X-Gate"] = std::string(pattern);
      if (request.header("x-key") != "wrong") return std::nullopt;
      return Response{.status = 401, .body = "no"};
    });
    EXPECT_TRUE(server_->start().ok());
  }
  RawClient client() const { return RawClient(server_->port()); }

  size_t waiting_replies() {
    const std::lock_guard lock(mutex_);
    return replies_.size();
  }
  void let_go() {
    std::vector<std::function<void()>> replies;
    {
      const std::lock_guard lock(mutex_);
      replies.swap(replies_);
    }
    for (const auto& reply : replies) reply();
  }
  template <typename Condition>
  static void wait_until(Condition condition) {
    for (int i = 0; i < 10'000 && !condition(); ++i) usleep(1000);
    EXPECT_TRUE(condition());
  }

  std::mutex mutex_;
  std::vector<std::function<void()>> replies_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(FrontTest, AThousandIdleConnectionsHoldNoMemoryOfRequestsAndNobodyUp) {
  start({});
  std::vector<RawClient> idle;
  for (int i = 0; i < 1000; ++i) idle.push_back(client());
  HttpClient other("http://127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_EQ(other.post("/echo", "hello", {}, Duration(5000))->body, "hello");
  wait_until(
      [&] { return server_->request_bytes() == 0; });  // the answer may be here before its memory is back
  for (const RawClient& one : idle) one.send(post("/echo", "x"));
  for (const RawClient& one : idle) EXPECT_THAT(one.read_to("\r\n\r\nx"), HasSubstr(" 200 "));
}

// Whether an epoll of this process watches the descriptor.
bool is_watched(int descriptor) {
  for (int epoll = 0; epoll < 256; ++epoll) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(epoll));
    for (std::string line; std::getline(info, line);) {
      std::istringstream words(line);
      std::string name;
      int watched = -1;
      if (words >> name >> watched && name == "tfd:" && watched == descriptor) return true;
    }
  }
  return false;
}

// A process that is started from this one has all connections for a moment; epoll would go on telling of
// them.
TEST_F(FrontTest, AConnectionThatAChildStillHoldsIsForgottenAllTheSame) {
  start({});
  const RawClient leaves = client();
  leaves.send(post("/echo", "x"));
  leaves.read_to("\r\n\r\nx");
  int socket = 3;
  while (socket < 256 && RawClient::port_of(socket, getpeername) != leaves.local_port()) ++socket;
  ASSERT_TRUE(is_watched(socket));
  const auto held =
      static_cast<int>(syscall(SYS_dup, socket));  // as a child would, unseen by who watches threads
  leaves.send_no_more();
  wait_until([&] { return fcntl(socket, F_GETFD) < 0; });
  EXPECT_FALSE(is_watched(socket));
  close(held);
}

TEST_F(FrontTest, OneConnectionTooManyIsToldSo) {
  start({.most_connections = 2});
  const RawClient first = client();
  const RawClient second = client();
  second.send(post("/echo", "x"));
  EXPECT_THAT(second.read_to("\r\n\r\nx"), HasSubstr(" 200 "));
  EXPECT_THAT(client().read_all(), testing::AllOf(HasSubstr(" 503 "), HasSubstr("Retry-After: 1")));
}

TEST_F(FrontTest, RequestsThatCouldHoldMoreThanTheyMayAreAnswered503) {
  start({.request_memory = 1 << 20, .body_bytes = 1 << 20});
  std::vector<RawClient> slow;
  for (int i = 0; i < 8; ++i) {  // each half a body of 300 KB: a part of them finds room
    slow.push_back(client());
    slow.back().send(post("/echo", std::string(300'000, 'x')).substr(0, 250'000));
  }
  wait_until([&] { return server_->request_bytes() > 200'000; });
  size_t refused = 0;
  for (const RawClient& one : slow) {
    one.send(std::string(51'000, 'x'));
    one.send_no_more();
    const std::string answer = one.read_all();
    if (answer.find(" 503 ") != std::string::npos) {
      EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
      ++refused;
    } else {
      EXPECT_THAT(answer.substr(0, 40), HasSubstr(" 200 "));
    }
  }
  EXPECT_GE(refused, 1u);
  EXPECT_LT(refused, 8u);
  wait_until([&] { return server_->request_bytes() == 0; });
}

TEST_F(FrontTest, AnswersThatComeLaterHoldNoThreadAndKeepTheirOrder) {
  start({.most_requests = 2});
  std::vector<RawClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(client());
    clients.back().send(post("/later", std::to_string(i)) + post("/later", "behind"));
  }
  wait_until([&] { return waiting_replies() == 50; });
  HttpClient other("http://127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_EQ(other.get("/peer", Duration(5000))->body, "127.0.0.1");
  let_go();
  for (int i = 0; i < 50; ++i) {
    const std::string answer = clients[static_cast<size_t>(i)].read_to("later " + std::to_string(i));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nlater " + std::to_string(i)));
  }
  wait_until([&] { return waiting_replies() == 50; });
  let_go();
  for (const RawClient& one : clients) EXPECT_THAT(one.read_to("later behind"), HasSubstr("later behind"));
}

TEST_F(FrontTest, ManyRequestsSentAheadAreAllAnsweredInOrder) {
  start({});
  const RawClient one = client();
  std::string all;
  for (int i = 0; i < 5000; ++i)
    all += post(i % 2 == 0 ? "/echo" : "/nowhere", "<" + std::to_string(i) + ">");
  std::thread sender([&] {
    one.send(all);
    one.send_no_more();
  });
  const std::string answers = one.read_all();
  sender.join();
  size_t at = 0;
  for (int i = 0; i < 5000; i += 2) {
    at = answers.find("<" + std::to_string(i) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(FrontTest, AConnectionComesBackFromAStreamAndFromChunks) {
  start({});
  const RawClient one = client();
  one.send("GET /stream HTTP/1.1\r\n\r\n");
  EXPECT_THAT(one.read_to("0\r\n\r\n"), HasSubstr("piece "));
  one.send(post("/echo", "behind the stream"));
  EXPECT_THAT(one.read_to("behind the stream"), HasSubstr(" 200 "));
  one.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n" +
           post("/echo", "two"));
  EXPECT_THAT(one.read_to("\r\n\r\ntwo"), HasSubstr("\r\n\r\none"));
}

TEST_F(FrontTest, WhoSendsTheHeadByteByByteIsReadAndWhoStopsIsToldLate) {
  start({.request_time = Duration(500)});
  const RawClient one = client();
  for (const char c : post("/echo", "slowly")) one.send(std::string(1, c));
  EXPECT_THAT(one.read_to("slowly"), HasSubstr(" 200 "));
  one.send("POST /echo HT");
  EXPECT_THAT(one.read_all(), HasSubstr(" 408 "));
}

TEST_F(FrontTest, WhoMustNotSendIsToldBeforeTheBody) {
  start({.body_bytes = 1000});
  const RawClient refused = client();
  refused.send("POST /echo HTTP/1.1\r\nX-Key: wrong\r\nContent-Length: 900\r\n\r\nhalf");
  EXPECT_THAT(refused.read_all(), testing::AllOf(HasSubstr(" 401 "), HasSubstr("X-Gate: /echo")));
  const RawClient large = client();
  large.send("POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_THAT(large.read_all(), testing::AllOf(HasSubstr(" 413 "), HasSubstr("X-Gate: /echo")));
  const RawClient asks = client();
  asks.send("POST /echo HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(asks.read_to("\r\n\r\n"), HasSubstr("100 Continue"));
  asks.send("yes");
  EXPECT_THAT(asks.read_to("yes"), HasSubstr(" 200 "));
}

TEST_F(FrontTest, TwoLengthsOrALengthAndChunksAreNotGuessedAt) {
  start({});
  for (const char* fields :
       {"Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: x\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length : 3\r\n"}) {
    const RawClient one = client();
    one.send("POST /echo HTTP/1.1\r\n" + std::string(fields) + "\r\nabc");
    one.send_no_more();
    EXPECT_THAT(one.read_all(), HasSubstr(" 400 ")) << fields;
  }
}

TEST_F(FrontTest, AStopAnswersWhatIsAtHandAndEndsStreams) {
  start({});
  const RawClient streams = client();
  streams.send("GET /endless HTTP/1.1\r\n\r\n");
  streams.read_to("more ");
  const RawClient waits = client();
  waits.send(post("/later", "last"));
  wait_until([&] { return waiting_replies() == 1; });
  const RawClient idle = client();
  idle.send(post("/echo", "x"));
  idle.read_to("\r\n\r\nx");
  std::thread stopping([&] { server_->stop(); });
  idle.read_all();  // closed: the stop has reached all connections
  let_go();
  EXPECT_THAT(waits.read_all(), testing::AllOf(HasSubstr("later last"), HasSubstr("Connection: close")));
  stopping.join();
}

}  // namespace
}  // namespace tradewind::net
