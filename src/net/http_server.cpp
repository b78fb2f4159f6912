// The one place that includes Boost.Beast (it costs 15 s to compile).
#include "net/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "net/metrics.h"
#include "net/wire/http2.h"
#include "net/wire/routes.h"
#include "net/wire/socket_connection.h"

namespace tradewind::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

// A Connection as Beast wants to read and, for WebSockets, to write it.
struct ByteStream {
  Connection& connection;
  asio::io_context& context;
  std::string looked_at{};  // read already, to see whether something came

  using executor_type = asio::io_context::executor_type;
  executor_type get_executor() { return context.get_executor(); }

  template <typename Buffers>
  size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    const asio::mutable_buffer buffer = *asio::buffer_sequence_begin(buffers);
    error = {};
    if (!looked_at.empty()) {
      const size_t size = std::min(buffer.size(), looked_at.size());
      std::memcpy(buffer.data(), looked_at.data(), size);
      looked_at.erase(0, size);
      return size;
    }
    size_t got = 0;
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
  template <typename Buffers>
  size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    std::string bytes;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::const_buffer buffer = *at;
      bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    error = {};
    if (!connection.write(bytes)) error = asio::error::make_error_code(asio::error::broken_pipe);
    return error ? 0 : bytes.size();
  }
  template <typename Buffers>
  size_t write_some(const Buffers& buffers) {
    boost::system::error_code error;
    const size_t sent = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return sent;
  }

  // What comes within a moment; false: the client is gone.
  bool look() {
    char bytes[512];
    size_t got = 0;
    const Connection::Read read = connection.read(bytes, sizeof bytes, got);
    looked_at.append(bytes, got);
    return read == Connection::Read::some || read == Connection::Read::late;
  }
};

// Beast asks for these by their names when a WebSocket ends; the connection is closed by its owner.
[[maybe_unused]] void teardown(boost::beast::role_type, ByteStream&, boost::system::error_code& error) {
  error = {};
}
[[maybe_unused]] void beast_close_socket(ByteStream&) {}

using Message = http::request<http::string_body>;
using Parser = http::request_parser<http::string_body>;

// A body as it comes. REQUIRES the header has been read.
struct BodyPieces {
  ByteStream& stream;
  boost::beast::flat_buffer& buffer;
  Parser& parser;
  Duration usual_wait;

  Piece next(std::string& piece, Duration wait) {
    boost::system::error_code error;
    stream.connection.set_wait(std::max(wait, Duration(1)));  // nothing would be for ever
    while (!parser.is_done() && !error && parser.get().body().empty())
      http::read_some(stream, buffer, parser, error);
    stream.connection.set_wait(usual_wait);
    piece = std::move(parser.get().body());
    parser.get().body().clear();
    if (!piece.empty()) return Piece::some;
    if (parser.is_done()) return Piece::end;
    return error == asio::error::timed_out ? Piece::none : Piece::broken;
  }
};

bool names_token(std::string_view list, std::string_view token) {
  return http::token_list(boost::beast::string_view(list.data(), list.size()))
      .exists(boost::beast::string_view(token.data(), token.size()));
}

}  // namespace

class HttpServer::Engine {
 public:
  explicit Engine(HttpServerOptions options)
      : options_(std::move(options)), routes_(options_.metrics), acceptor_(context_) {
    working_.most = options_.most_connections;
    if (options_.metrics != nullptr) connections_ = &options_.metrics->gauge(kConnections);
  }
  ~Engine() { stop(); }

  void route(const std::string& method, const std::string& pattern, Handler handler, bool pieces) {
    routes_.add(method, pattern, std::move(handler), pieces);
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
    ByteStream stream{connection, context_};
    try {
      if (speaks_http2(stream, buffer)) {
        Http2 http2(connection, routes_, options_, stopping_, working_);
        return http2.serve(text_of(buffer));
      }
      while (!stopping_ && serve_one(stream, buffer)) {
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
    SocketConnection connection(socket.native_handle());
    connection.set_wait(Duration(1000));
    Response full = error_response(503, "too many connections; try again");
    full.headers["Retry-After"] = "1";
    routes_.count("other", nullptr, 503, {});
    answer(connection, full, false, "GET");
  }

  void serve(tcp::socket& socket) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      open_.push_back(&socket);
    }
    SocketConnection connection(socket.native_handle());
    serve(connection);
    connection.finish();
    const std::lock_guard lock(mutex_);
    open_.remove(&socket);
    quiet_.notify_all();
  }

  static std::string_view text_of(const boost::beast::flat_buffer& buffer) {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
  }

  // Reads as much as it takes to tell.
  bool speaks_http2(ByteStream& stream, boost::beast::flat_buffer& buffer) {
    stream.connection.set_wait(options_.idle_time);
    while (buffer.size() < kHttp2Preface.size()) {
      boost::system::error_code error;
      const size_t got = stream.read_some(buffer.prepare(4096), error);
      buffer.commit(got);
      if (error || !kHttp2Preface.starts_with(text_of(buffer).substr(0, kHttp2Preface.size()))) return false;
      stream.connection.set_wait(options_.request_time);
    }
    return text_of(buffer).starts_with(kHttp2Preface);
  }

  // False: the connection ends.
  bool serve_one(ByteStream& stream, boost::beast::flat_buffer& buffer) {
    Parser parser;
    parser.header_limit(static_cast<uint32_t>(options_.header_bytes));
    parser.body_limit(boost::none);
    boost::system::error_code error;
    stream.connection.set_wait(options_.idle_time);
    http::read_header(stream, buffer, parser, error);
    stream.connection.set_wait(options_.request_time);
    if (error) return refuse_unread(stream.connection, error, parser.got_some());
    if (parser.get()[http::field::expect] == "100-continue") {
      if (!stream.connection.write("HTTP/1.1 100 Continue\r\n\r\n")) return false;
    }
    Request request = request_of(parser.get());
    const std::string target(parser.get().target());
    Response response;
    const Route* route = routes_.find(target, request, response);
    const bool keep = parser.get().keep_alive();
    if (route != nullptr && route->pieces) {
      BodyPieces pieces{stream, buffer, parser, options_.request_time};
      request.read = [&pieces](std::string& piece, Duration wait) { return pieces.next(piece, wait); };
      response = routes_.answer(*route, request);
      return answer(stream.connection, response, keep, request.method) && keep && parser.is_done();
    }
    if (parser.content_length().value_or(0) > options_.body_bytes)
      return refuse_unread(stream.connection, http::error::body_limit, true);
    parser.body_limit(options_.body_bytes);
    http::read(stream, buffer, parser, error);
    if (error) return refuse_unread(stream.connection, error, parser.got_some());
    if (websocket::is_upgrade(parser.get())) request.headers["upgrade"] = "websocket";
    request.body = std::move(parser.get().body());
    if (upgrades_to_http2(request)) {
      Http2 http2(stream.connection, routes_, options_, stopping_, working_);
      const std::string settings(request.header("http2-settings"));
      if (http2.serve_upgraded(settings, std::move(request), target, text_of(buffer))) return false;
      return refuse(stream.connection, 400, "HTTP2-Settings is broken");
    }
    if (route == nullptr)
      routes_.count(request.method, nullptr, response.status, {});
    else
      response = routes_.answer(*route, request);
    if (response.socket != nullptr) return talk(stream, parser.get(), response);
    return answer(stream.connection, response, keep, request.method) && keep;
  }

  static Request request_of(const Message& message) {
    Request request;
    request.method = std::string(message.method_string());
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = std::string(field.value());
    }
    return request;
  }

  bool upgrades_to_http2(const Request& request) const {
    return !stopping_ && request.headers.contains("http2-settings") &&
           names_token(request.header("upgrade"), "h2c");
  }

  // A WebSocket, to its end.
  bool talk(ByteStream& stream, const Message& message, const Response& response) {
    if (!websocket::is_upgrade(message))
      return refuse(stream.connection, 400, "this speaks WebSocket: the request must ask for an upgrade");
    websocket::stream<ByteStream&> socket(stream);
    boost::system::error_code error;
    socket.accept(message, error);
    if (error) return false;
    socket.text(true);
    boost::beast::flat_buffer heard;
    const auto listen = [&] {  // what clients say is only that they go, or ping
      stream.connection.set_wait(Duration(1));
      const bool there = stream.look();
      stream.connection.set_wait(options_.request_time);
      if (!there && !stopping_) return false;
      if (stream.looked_at.empty()) return true;
      socket.read_some(heard, 4096, error);
      heard.clear();
      return !error;
    };
    const Farewell farewell = response.socket([&](std::string_view piece) {
      if (!piece.empty() && !error) socket.write(asio::const_buffer(piece.data(), piece.size()), error);
      return !error && !stopping_ && listen();
    });
    if (!error) {
      socket.close({static_cast<websocket::close_code>(farewell.code), farewell.reason.substr(0, 120)},
                   error);
    }
    return false;
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
    routes_.count("other", nullptr, status, {});
    answer(connection, error_response(status, why), false, "GET");
    return false;
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
  Routes routes_;
  Working working_;
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
  engine_->route(method, pattern, std::move(handler), false);
}
void HttpServer::route_in_pieces(const std::string& method, const std::string& pattern, Handler handler) {
  engine_->route(method, pattern, std::move(handler), true);
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
