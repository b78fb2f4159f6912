// The one place that includes Boost.Beast (it costs 15 s to compile).
#include "net/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "base/planted.h"
#include "net/metrics.h"

namespace tradewind::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;
  Handler handler;
};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(path[0] == '/' ? 1 : 0);
    const size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// A pattern's segment takes the raw one before it is decoded, so that %2F stays inside a name. REQUIRES the
// escapes of `raw` are whole.
bool matches(const Route& route, const std::vector<std::string>& raw,
             std::map<std::string, std::string>& captures) {
  if (route.segments.size() != raw.size()) return false;
  for (size_t i = 0; i < raw.size(); ++i) {
    const std::string& wanted = route.segments[i];
    if (wanted.size() > 2 && wanted.front() == '{') {
      captures[wanted.substr(1, wanted.size() - 2)] = decode_url(raw[i], false).value_or("");
    } else if (wanted != raw[i]) {
      captures.clear();
      return false;
    }
  }
  return true;
}

std::string error_body(int status, const std::string& message) {
  std::string body = "{\"error_code\":" + std::to_string(status * 100) + ",\"message\":";
  planted() ? void(body += '"' + message + '"') : append_json_string(body, message);
  return body + "}";
}

Response error_response(int status, const std::string& message) {
  Response response;
  response.status = status;
  response.body = error_body(status, message);
  return response;
}

// Blocking calls on the native socket: with Asio's own, a timeout of the socket would only make it wait
// again.
class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(tcp::socket& socket) : socket_(socket) {}

  Read read(char* out, size_t size, size_t& got) override {
    const ssize_t done = ::recv(socket_.native_handle(), out, size, 0);
    got = done > 0 ? static_cast<size_t>(done) : 0;
    if (done > 0) return Read::some;
    if (done == 0) return Read::end;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Read::late : Read::broken;
  }

  bool write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  void set_wait(Duration wait) override {
    timeval time{};
    time.tv_sec = wait.count() / 1000;
    time.tv_usec = static_cast<suseconds_t>(wait.count() % 1000 * 1000);
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  }

  bool gone() override {
    char byte;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  // Closing while the client still sends would reset the connection, and with it the answer on its way: what
  // comes is taken for a moment longer.
  void finish() {
    ::shutdown(socket_.native_handle(), SHUT_WR);
    const auto until = std::chrono::steady_clock::now() + kLinger;
    set_wait(kLinger);
    std::vector<char> ignored(64 * 1024);
    size_t got = 0;
    while (read(ignored.data(), ignored.size(), got) == Read::some) {
      if (std::chrono::steady_clock::now() >= until) return;
    }
  }

 private:
  static constexpr Duration kLinger{1000};
  tcp::socket& socket_;
};

// A Connection as Beast wants to read it.
struct ByteStream {
  Connection& connection;

  template <typename Buffers>
  size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    const asio::mutable_buffer buffer = *asio::buffer_sequence_begin(buffers);
    size_t got = 0;
    error = {};
    switch (connection.read(static_cast<char*>(buffer.data()), buffer.size(), got)) {
      case Connection::Read::some: return got;
      case Connection::Read::end: error = asio::error::make_error_code(asio::error::eof); break;
      case Connection::Read::late: error = asio::error::make_error_code(asio::error::timed_out); break;
      case Connection::Read::broken:
        error = asio::error::make_error_code(asio::error::connection_reset);
        break;
    }
    return 0;
  }
  template <typename Buffers>
  size_t read_some(const Buffers& buffers) {
    boost::system::error_code error;
    const size_t got = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return got;
  }
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_url(pair.substr(0, equals), true);
    const auto value = decode_url(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return false;
    query[*name] = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_url(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string encode_url(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

class HttpServer::Engine {
 public:
  explicit Engine(HttpServerOptions options) : options_(std::move(options)), acceptor_(context_) {
    if (options_.metrics != nullptr) connections_ = &options_.metrics->gauge(kConnections);
  }
  ~Engine() { stop(); }

  void route(const std::string& method, const std::string& pattern, Handler handler) {
    routes_.push_back({method, pattern, split_path(pattern), std::move(handler)});
  }

  Result<> start() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error)
      return Error{Code::invalid, "'" + options_.address + "' is no address; use one like 127.0.0.1"};
    const tcp::endpoint endpoint(address, static_cast<unsigned short>(options_.port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Error{Code::io, "cannot listen on " + options_.address + ":" + std::to_string(options_.port) +
                                 ": " + error.message() +
                                 "; stop what uses it or choose another with --listen"};
    }
    port_ = acceptor_.local_endpoint().port();
    accepting_ = std::jthread([this] { accept(); });
    return {};
  }

  void stop() {
    if (stopping_.exchange(true)) return;
    boost::system::error_code ignored;
    if (accepting_.joinable()) {
      ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
      accepting_.join();
    }
    acceptor_.close(ignored);
    std::unique_lock lock(mutex_);
    for (tcp::socket* socket : open_)
      ::shutdown(socket->native_handle(), SHUT_RD);  // ends idle reads; answers still go out
    quiet_.wait(lock, [&] { return open_.empty() && busy_ == 0; });
  }

  int port() const { return port_; }

  void serve(Connection& connection) {
    boost::beast::flat_buffer buffer;
    buffer.reserve(64 * 1024);
    try {
      while (!stopping_ && serve_one(connection, buffer)) {
      }
    } catch (const std::exception&) {
      // The client broke off.
    }
  }

 private:
  void accept() {
    while (!stopping_) {
      boost::system::error_code error;
      tcp::socket socket(context_);
      acceptor_.accept(socket, error);
      if (stopping_) return;
      if (error) {
        std::this_thread::yield();
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      if (busy_.load() >= options_.most_connections) {
        turn_away(socket);
        continue;
      }
      ++busy_;
      show_connections();
      const auto moved = std::make_shared<tcp::socket>(std::move(socket));
      try {
        std::thread([this, moved] {
          serve(*moved);
          boost::system::error_code ignored;
          moved->close(ignored);
          const std::lock_guard lock(mutex_);
          --busy_;
          show_connections();
          quiet_.notify_all();
        }).detach();
      } catch (const std::system_error&) {  // no thread to be had
        --busy_;
        show_connections();
        turn_away(*moved);
      }
    }
  }

  void turn_away(tcp::socket& socket) {
    SocketConnection connection(socket);
    connection.set_wait(Duration(1000));
    Response full = error_response(503, "too many connections; try again");
    full.headers["Retry-After"] = "1";
    count("other", nullptr, 503, {});
    answer(connection, full, false, "GET");
  }

  void serve(tcp::socket& socket) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      open_.push_back(&socket);
    }
    SocketConnection connection(socket);
    serve(connection);
    connection.finish();
    const std::lock_guard lock(mutex_);
    open_.remove(&socket);
    quiet_.notify_all();
  }

  // False: the connection ends.
  bool serve_one(Connection& connection, boost::beast::flat_buffer& buffer) {
    ByteStream stream{connection};
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<uint32_t>(options_.header_bytes));
    parser.body_limit(options_.body_bytes);
    boost::system::error_code error;
    connection.set_wait(options_.idle_time);
    http::read_header(stream, buffer, parser, error);
    connection.set_wait(options_.request_time);
    if (!error && parser.get()[http::field::expect] == "100-continue") {
      if (!connection.write("HTTP/1.1 100 Continue\r\n\r\n")) return false;
    }
    if (!error) http::read(stream, buffer, parser, error);
    if (error) return refuse_unread(connection, error, parser.got_some());
    auto message = parser.release();
    const bool keep = message.keep_alive();
    const std::string method(message.method_string());
    const bool usual = message.method() != http::verb::unknown;
    const auto began = std::chrono::steady_clock::now();
    const Route* route = nullptr;
    const Response response = dispatch(message, route);
    count(usual ? method : "other", route, response.status, std::chrono::steady_clock::now() - began);
    return answer(connection, response, keep, method) && keep;
  }

  // What no route took has no time: that would be the client's, not ours.
  void count(std::string_view method, const Route* route, int status, std::chrono::nanoseconds took) {
    if (options_.metrics == nullptr) return;
    const std::string_view pattern = route == nullptr ? std::string_view("none") : route->pattern;
    const std::string code = std::to_string(status);
    options_.metrics->counter(kRequests, std::array{method, pattern, std::string_view(code)}).add();
    if (route == nullptr) return;
    options_.metrics->histogram(kRequestDuration, std::array{method, pattern}).observe_ns(took.count());
  }

  void show_connections() {
    if (connections_ != nullptr) connections_->set(static_cast<double>(busy_.load()));
  }

  // What could not be read as a request is told why, where somebody is still there to hear it.
  bool refuse_unread(Connection& connection, const boost::system::error_code& error, bool begun) {
    if (error == http::error::header_limit)
      return refuse(connection, 431, "the request's header is too large");
    if (error == http::error::body_limit) {
      return refuse(
          connection, 413,
          "the body is larger than " + std::to_string(options_.body_bytes) + " bytes; send less at once");
    }
    if (error == asio::error::timed_out && begun)
      return refuse(connection, 408, "the rest of the request did not come in time");
    if (error == http::error::end_of_stream || error == asio::error::eof) return false;
    if (error.category() == http::make_error_code(http::error::bad_method).category())
      return refuse(connection, 400, "not HTTP/1.1: " + error.message());
    return false;
  }

  bool refuse(Connection& connection, int status, const std::string& why) {
    count("other", nullptr, status, {});
    answer(connection, error_response(status, why), false, "GET");
    return false;
  }

  Response dispatch(http::request<http::string_body>& message, const Route*& took) {
    Request request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const size_t question = target.find('?');
    const std::string raw_path = target.substr(0, question);
    const auto path = decode_url(raw_path, false);
    if (!path || (question != std::string::npos && !parse_query(target.substr(question + 1), request.query)))
      return error_response(400, "an escape in the address is broken: % wants two hexadecimal digits");
    request.path = *path;
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = std::string(field.value());
    }
    request.body = std::move(message.body());
    const std::vector<std::string> segments = split_path(raw_path);
    bool path_known = false;
    for (const Route& route : routes_) {
      if (!matches(route, segments, request.captures)) continue;
      path_known = true;
      const bool head = request.method == "HEAD" && route.method == "GET";
      if (route.method != request.method && !head) continue;
      took = &route;
      try {
        return route.handler(request);
      } catch (const std::exception& failure) {
        return error_response(500, failure.what());
      }
    }
    if (path_known) return error_response(405, request.method + " is not offered for " + request.path);
    return error_response(404, "nothing is at " + request.path);
  }

  bool answer(Connection& connection, const Response& response, bool keep, const std::string& method) {
    std::string head =
        "HTTP/1.1 " + std::to_string(response.status) + " " +
        std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)))) +
        "\r\nContent-Type: " + response.content_type + "\r\n";
    for (const auto& [name, value] : response.headers) head += name + ": " + value + "\r\n";
    if (!keep) head += "Connection: close\r\n";
    if (response.stream == nullptr) {
      head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
      if (method != "HEAD") head += response.body;
      return connection.write(head);
    }
    head += "Transfer-Encoding: chunked\r\n\r\n";
    if (!connection.write(head)) return false;
    bool alive = true;
    response.stream([&](std::string_view piece) {
      if (alive && !piece.empty()) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        alive = connection.write(size + std::string(piece) + "\r\n");
      }
      return alive && !stopping_ && !connection.gone();
    });
    return alive && connection.write("0\r\n\r\n");
  }

  HttpServerOptions options_;
  std::vector<Route> routes_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> busy_{0};
  telemetry::Gauge* connections_ = nullptr;
  std::mutex mutex_;
  std::condition_variable quiet_;
  std::list<tcp::socket*> open_;
  std::jthread accepting_;
};

HttpServer::HttpServer(HttpServerOptions options) : engine_(std::make_unique<Engine>(std::move(options))) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(const std::string& method, const std::string& pattern, Handler handler) {
  engine_->route(method, pattern, std::move(handler));
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
