#include "net/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <thread>

#include "net/metrics.h"
#include "net/wire/answer.h"
#include "net/wire/front.h"
#include "net/wire/http1.h"
#include "net/wire/socket_connection.h"

namespace tradewind::net {
namespace {

constexpr size_t kOtherFiles = 512;  // that the process may open beside connections

void set_blocking(int socket, bool blocking) {
  const int flags = ::fcntl(socket, F_GETFL);
  ::fcntl(socket, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

std::string text_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  if (address.ss_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
  return text;
}

// A socket that listens; its port, if any free one was asked for, in `port`.
Result<int> listen_on(const std::string& host, int& port) {
  sockaddr_storage address{};
  socklen_t size = 0;
  auto& four = reinterpret_cast<sockaddr_in&>(address);
  auto& six = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(static_cast<uint16_t>(port));
    size = sizeof four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(static_cast<uint16_t>(port));
    size = sizeof six;
  } else {
    return Error{Code::invalid, "'" + host + "' is no address; use one like 127.0.0.1"};
  }
  const int socket = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (socket < 0 || ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket, any, size) != 0 || ::listen(socket, SOMAXCONN) != 0 ||
      ::getsockname(socket, any, &size) != 0) {
    const std::string why = std::strerror(errno);
    if (socket >= 0) ::close(socket);
    return Error{Code::io, "cannot listen on " + host + ":" + std::to_string(port) + ": " + why +
                               "; stop what uses it or choose another with --listen"};
  }
  port = ntohs(address.ss_family == AF_INET ? four.sin_port : six.sin6_port);
  return socket;
}

// As many files as the connections need, if the system gives them.
void raise_file_limit(size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, connections + kOtherFiles);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

class HttpServer::Engine {
 public:
  explicit Engine(HttpServerOptions options)
      : options_(std::move(options)),
        routes_(options_.metrics),
        budget_(options_.request_memory),
        working_{.most = options_.most_requests},
        http1_(routes_, options_, budget_, working_, stopping_),
        streams_(options_.most_requests, 0),
        workers_(options_.most_requests, options_.most_connections) {
    if (options_.metrics == nullptr) return;
    connections_ = &options_.metrics->gauge(kConnections);
    request_bytes_ = &options_.metrics->gauge(kRequestBytes);
  }
  ~Engine() {
    stop();
    if (stop_event_ >= 0) ::close(stop_event_);
  }

  Routes& routes() { return routes_; }
  int port() const { return port_; }
  size_t request_bytes() const { return budget_.used(); }
  std::shared_ptr<void> hold(size_t bytes) {
    auto share = std::make_shared<Share>(budget_);
    return share->grow_to(bytes) ? share : nullptr;
  }
  void serve(Connection& connection) { http1_.serve(connection); }

  Result<> start() {
    raise_file_limit(options_.most_connections);
    port_ = options_.port;
    stop_event_ = ::eventfd(0, EFD_CLOEXEC);
    if (stop_event_ < 0) return Error{Code::io, "the server has no descriptor left"};
    listening_ = TRY(listen_on(options_.address, port_));
    for (int i = 0; i < options_.readers; ++i) {
      fronts_.push_back(std::make_unique<Front>(Front::World{
          .routes = routes_,
          .options = options_,
          .budget = budget_,
          .workers = workers_,
          .leave = [this, i](Leaving& leaving) { return take_over(leaving, static_cast<size_t>(i)); },
          .closed = [this] { count_closed(); }}));
      TRY(fronts_.back()->start());
    }
    accepting_ = std::jthread([this] { accept(); });
    return {};
  }

  void stop() {
    if (stopping_.exchange(true)) return;
    if (listening_ >= 0) ::shutdown(listening_, SHUT_RDWR);
    if (accepting_.joinable()) accepting_.join();
    if (listening_ >= 0) ::close(listening_);
    // Ends idle reads; answers still go out.
    if (stop_event_ >= 0) ::eventfd_write(stop_event_, 1);
    streams_.finish();
    for (const auto& front : fronts_) front->stop();
    workers_.finish();
  }

 private:
  void accept() {
    for (size_t turn = 0; !stopping_; ++turn) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int socket =
          ::accept4(listening_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) {
        // No file is left, or no memory: that passes.
        if (!stopping_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (open_.load() >= options_.most_connections) {
        turn_away(socket);
        continue;
      }
      ++open_;
      show();
      fronts_[turn % fronts_.size()]->adopt(socket, text_of(address), "");
    }
  }

  void turn_away(int socket) const {
    const std::string text = answer_text(busy_response("too many connections; try again"), false, false);
    routes_.count("other", nullptr, 503, {});
    (void)!::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
    char ignored[4096];
    (void)!::recv(socket, ignored, sizeof ignored, 0);
    ::close(socket);
  }

  // A connection goes the long way, on a thread of its own, and back to its front.
  bool take_over(Leaving& leaving, size_t front) {
    auto moved = std::make_shared<Leaving>(std::move(leaving));
    const bool taken = streams_.run([this, moved, front] {
      set_blocking(moved->socket, true);
      SocketConnection connection(moved->socket, moved->peer, stop_event_);
      const auto rest = go_long_way(*moved, connection);
      if (!rest) connection.finish();
      if (rest) {
        set_blocking(moved->socket, false);
        fronts_[front]->adopt(moved->socket, moved->peer, *rest);
        return;
      }
      ::close(moved->socket);
      count_closed();
    });
    if (!taken) leaving = std::move(*moved);
    return taken;
  }

  // Nothing: the connection ends.
  std::optional<std::string> go_long_way(Leaving& leaving, Connection& connection) {
    if (!leaving.has_response) return http1_.serve_one(connection, std::move(leaving.begun));
    connection.set_wait(options_.request_time);
    const bool goes_on = http1_.stream(connection, leaving.response, leaving.keep, leaving.head_only);
    leaving.response = Response();  // what it holds on to is let go
    if (!goes_on || !leaving.keep) return std::nullopt;
    return std::move(leaving.begun);
  }

  void count_closed() {
    --open_;
    show();
  }

  void show() {
    if (connections_ == nullptr) return;
    connections_->set(static_cast<double>(open_.load()));
    request_bytes_->set(static_cast<double>(budget_.used()));
  }

  HttpServerOptions options_;
  Routes routes_;
  Budget budget_;
  Working working_;
  std::atomic<bool> stopping_{false};
  Http1 http1_;
  int listening_ = -1;
  int port_ = 0;
  std::atomic<size_t> open_{0};  // connections
  telemetry::Gauge* connections_ = nullptr;
  telemetry::Gauge* request_bytes_ = nullptr;
  int stop_event_ = -1;  // for connections on threads of their own
  std::vector<std::unique_ptr<Front>> fronts_;
  Workers streams_;  // streams, HTTP/2, bodies in pieces: as long as the client likes
  Workers workers_;  // one answer each
  std::jthread accepting_;
};

HttpServer::HttpServer(HttpServerOptions options) : engine_(std::make_unique<Engine>(std::move(options))) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(const std::string& method, const std::string& pattern, Handler handler) {
  engine_->routes().add({.method = method, .pattern = pattern, .handler = std::move(handler)});
}
void HttpServer::route_in_pieces(const std::string& method, const std::string& pattern, Handler handler) {
  engine_->routes().add(
      {.method = method, .pattern = pattern, .handler = std::move(handler), .pieces = true});
}
void HttpServer::route_later(const std::string& method, const std::string& pattern, LaterHandler handler) {
  engine_->routes().add({.method = method, .pattern = pattern, .later = std::move(handler)});
}
void HttpServer::set_gate(Gate gate) {
  engine_->routes().set_gate(std::move(gate));
}
std::shared_ptr<void> HttpServer::hold(size_t bytes) {
  return engine_->hold(bytes);
}
size_t HttpServer::request_bytes() const {
  return engine_->request_bytes();
}
Result<> HttpServer::start() {
  return engine_->start();
}
void HttpServer::stop() {
  engine_->stop();
}
void HttpServer::serve(Connection& connection) {
  engine_->serve(connection);
}
int HttpServer::port() const {
  return engine_->port();
}

}  // namespace tradewind::net
