// The one place that includes Boost.Beast (it costs 15 s to compile).
#include "net/wire/http1.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstring>

#include "net/wire/answer.h"

namespace tradewind::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

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

std::string_view text_of(const boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

bool names_token(std::string_view list, std::string_view token) {
  return http::token_list(boost::beast::string_view(list.data(), list.size()))
      .exists(boost::beast::string_view(token.data(), token.size()));
}

}  // namespace

// One request of a connection.
class Http1::Turn {
 public:
  Turn(Http1& owner, ByteStream& stream, boost::beast::flat_buffer& buffer)
      : owner_(owner),
        options_(owner.options_),
        routes_(owner.routes_),
        stopping_(owner.stopping_),
        connection_(stream.connection),
        stream_(stream),
        buffer_(buffer),
        share_(owner.budget_) {}

  // False: the connection ends.
  bool serve() {
    Parser parser;
    parser.header_limit(static_cast<uint32_t>(options_.header_bytes));
    parser.body_limit(boost::none);
    boost::system::error_code error;
    connection_.set_wait(options_.idle_time);
    http::read_header(stream_, buffer_, parser, error);
    connection_.set_wait(options_.request_time);
    if (error) return refuse_unread(error, parser.got_some());
    if (parser.get()[http::field::expect] == "100-continue") {
      if (!connection_.write("HTTP/1.1 100 Continue\r\n\r\n")) return false;
    }
    Request request = request_of(parser.get());
    const std::string target(parser.get().target());
    Response refusal;
    const Route* route = routes_.find(target, request, refusal);
    always_ = request.answer_headers;
    const bool keep = parser.get().keep_alive();
    if (route != nullptr && route->pieces) {
      BodyPieces pieces{stream_, buffer_, parser, options_.request_time};
      request.read = [&pieces](std::string& piece, Duration wait) { return pieces.next(piece, wait); };
      const Response response = routes_.answer(*route, request);
      return owner_.answer(connection_, response, keep, request.method == "HEAD") && keep && parser.is_done();
    }
    if (!read_body(parser)) return false;
    if (websocket::is_upgrade(parser.get())) request.headers.set("upgrade", "websocket");
    request.body = std::move(parser.get().body());
    if (upgrades_to_http2(request)) return become_http2(std::move(request), target);
    if (route == nullptr) {
      routes_.count(request.method, nullptr, refusal.status, {});
      refusal = dressed(std::move(refusal), always_);
    }
    const Response response = route == nullptr ? std::move(refusal) : routes_.answer(*route, request);
    if (response.socket != nullptr) return talk(parser.get(), response);
    return owner_.answer(connection_, response, keep, request.method == "HEAD") && keep;
  }

 private:
  bool read_body(Parser& parser) {
    if (parser.content_length().value_or(0) > options_.body_bytes)
      return refuse_unread(http::error::body_limit, true);
    parser.body_limit(options_.body_bytes);
    boost::system::error_code error;
    while (!parser.is_done() && !error) {
      http::read_some(stream_, buffer_, parser, error);
      if (share_.grow_to(parser.get().body().size())) continue;
      return refuse(busy_response("requests at hand hold all the memory they may; try again"));
    }
    return !error || refuse_unread(error, parser.got_some());
  }

  Request request_of(const Message& message) const {
    Request request;
    request.peer = connection_.peer();
    request.method = std::string(message.method_string());
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers.set(name, std::string_view(field.value().data(), field.value().size()));
    }
    return request;
  }

  bool upgrades_to_http2(const Request& request) const {
    return !stopping_ && request.headers.contains("http2-settings") &&
           names_token(request.header("upgrade"), "h2c");
  }

  bool become_http2(Request request, const std::string& target) {
    Http2 http2(connection_, routes_, options_, stopping_, owner_.working_, owner_.budget_);
    const std::string settings(request.header("http2-settings"));
    if (http2.serve_upgraded(settings, std::move(request), target, text_of(buffer_))) return false;
    return refuse(error_response(400, "HTTP2-Settings is broken"));
  }

  // A WebSocket, to its end.
  bool talk(const Message& message, const Response& response) {
    if (!websocket::is_upgrade(message))
      return refuse(error_response(400, "this speaks WebSocket: the request must ask for an upgrade"));
    websocket::stream<ByteStream&> socket(stream_);
    boost::system::error_code error;
    socket.accept(message, error);
    if (error) return false;
    socket.text(true);
    boost::beast::flat_buffer heard;
    const auto listen = [&] {  // what clients say is only that they go, or ping
      connection_.set_wait(Duration(1));
      const bool there = stream_.look();
      connection_.set_wait(options_.request_time);
      if (!there && !stopping_) return false;
      if (stream_.looked_at.empty()) return true;
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

  // What could not be read as a request is told why, where somebody is still there to hear it.
  bool refuse_unread(const boost::system::error_code& error, bool begun) {
    if (error == http::error::header_limit)
      return refuse(error_response(431, "the request's header is too large"));
    if (error == http::error::body_limit) return refuse(too_large_response(options_.body_bytes));
    if (error == asio::error::timed_out && begun)
      return refuse(error_response(408, "the rest of the request did not come in time"));
    if (error == http::error::end_of_stream || error == asio::error::eof) return false;
    if (error.category() == http::make_error_code(http::error::bad_method).category())
      return refuse(error_response(400, "not HTTP/1.1: " + error.message()));
    return false;
  }

  bool refuse(Response response) {
    routes_.count("other", nullptr, response.status, {});
    connection_.write(answer_text(dressed(std::move(response), always_), false, false));
    return false;
  }

  Http1& owner_;
  const HttpServerOptions& options_;
  const Routes& routes_;
  const std::atomic<bool>& stopping_;
  Connection& connection_;
  ByteStream& stream_;
  boost::beast::flat_buffer& buffer_;
  Share share_;
  std::map<std::string, std::string> always_;
};

namespace {

// Reads as much as it takes to tell.
bool speaks_http2(ByteStream& stream, boost::beast::flat_buffer& buffer, const HttpServerOptions& options) {
  stream.connection.set_wait(options.idle_time);
  while (buffer.size() < kHttp2Preface.size()) {
    boost::system::error_code error;
    const size_t got = stream.read_some(buffer.prepare(4096), error);
    buffer.commit(got);
    if (error || !kHttp2Preface.starts_with(text_of(buffer).substr(0, kHttp2Preface.size()))) return false;
    stream.connection.set_wait(options.request_time);
  }
  return text_of(buffer).starts_with(kHttp2Preface);
}

}  // namespace

void Http1::serve(Connection& connection) {
  std::optional<std::string> rest = std::string();
  while (rest && !stopping_) rest = serve_one(connection, std::move(*rest));
}

std::optional<std::string> Http1::serve_one(Connection& connection, std::string begun) {
  asio::io_context context;
  boost::beast::flat_buffer buffer;
  buffer.reserve(64 * 1024);
  ByteStream stream{connection, context, std::move(begun)};
  try {
    if (speaks_http2(stream, buffer, options_)) {
      Http2 http2(connection, routes_, options_, stopping_, working_, budget_);
      http2.serve(std::string(text_of(buffer)) + stream.looked_at);
      return std::nullopt;
    }
    if (!Turn(*this, stream, buffer).serve()) return std::nullopt;
    return std::string(text_of(buffer)) + stream.looked_at;
  } catch (const std::exception&) {
    return std::nullopt;  // the client broke off
  }
}

bool Http1::answer(Connection& connection, const Response& response, bool keep, bool head_only) {
  if (response.stream == nullptr) return connection.write(answer_text(response, keep, head_only));
  return stream(connection, response, keep, head_only) && keep;
}

bool Http1::stream(Connection& connection, const Response& response, bool keep, bool head_only) {
  if (!connection.write(answer_head(response, keep))) return false;
  if (head_only) return true;
  bool alive = true;
  response.stream([&](std::string_view piece) {
    if (alive && !piece.empty()) alive = connection.write(answer_chunk(piece));
    return alive && !stopping_ && !connection.gone();
  });
  return alive && connection.write("0\r\n\r\n");
}

}  // namespace tradewind::net
