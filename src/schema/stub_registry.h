#pragma once
// StubRegistry: what a test says, answered over HTTP on loopback, byte by byte as it likes.
//
// Threads: answers come from one of its own; the test's function is called there.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tradewind::schema {

struct StubRequest {
  std::string method;
  std::string target;  // as it was sent
  std::string head;    // all of the header
  std::string body;
};

class StubRegistry {
 public:
  // All of an answer's bytes; empty: the connection is closed without one.
  using Answer = std::function<std::string(const StubRequest&)>;

  explicit StubRegistry(Answer answer) : answer_(std::make_shared<Answer>(std::move(answer))) {
    listen_at(0);
  }
  ~StubRegistry() { stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  void answer_with(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::make_shared<Answer>(std::move(answer));
  }
  // "GET /subjects" of each request so far.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  StubRequest last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  // Nobody listens any more; start() listens at the same port again.
  void stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
    if (listening_ >= 0) ::close(listening_);
    listening_ = -1;
  }
  void start() { listen_at(port_); }

  static std::string answer(int status, const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\nConnection: close\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void listen_at(int port) {
    listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
    if (::listen(listening_, 64) != 0) std::abort();
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ended_ = false;
    thread_ = std::jthread([this] { run(); });
  }

  void run() {
    while (!ended_) {
      pollfd waiting{.fd = listening_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 10) <= 0) continue;
      const int connection = ::accept(listening_, nullptr, nullptr);
      if (connection < 0) continue;
      serve(connection);
      ::close(connection);
    }
  }

  void serve(int connection) {
    std::string all;
    size_t head = std::string::npos;
    size_t wanted = 0;
    char piece[4096];
    while (head == std::string::npos || all.size() < wanted) {
      const ssize_t count = ::recv(connection, piece, sizeof piece, 0);
      if (count <= 0) return;
      all.append(piece, static_cast<size_t>(count));
      head = all.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const size_t length = all.find("Content-Length: ");
      wanted = head + 4 + (length < head ? std::strtoul(all.c_str() + length + 16, nullptr, 10) : 0);
    }
    StubRequest request{.head = all.substr(0, head), .body = all.substr(head + 4)};
    request.method = all.substr(0, all.find(' '));
    request.target = all.substr(request.method.size() + 1);
    request.target.resize(request.target.find(' '));
    std::shared_ptr<Answer> answer;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(request.method + " " + request.target);
      last_ = request;
      answer = answer_;
    }
    const std::string bytes = (*answer)(request);
    if (!bytes.empty()) (void)::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Answer> answer_;
  std::vector<std::string> asked_;
  StubRequest last_;
  int listening_ = -1;
  int port_ = 0;
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

}  // namespace tradewind::schema
