// The one place that includes nghttp2.
#include "net/wire/http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "net/wire/http2_stream.h"

namespace tradewind::net {
namespace {

constexpr uint32_t kMostStreams = 100;         // of one connection
constexpr int32_t kStreamWindow = 256 * 1024;  // what a body may be ahead of its reader
constexpr int32_t kConnectionWindow = 1 << 20;
constexpr size_t kMostWaiting = 256 * 1024;  // written by a handler and not yet taken by the client
constexpr size_t kBatchBytes = 64 * 1024;
constexpr size_t kMostDropped = 4 << 20;  // of a body whose answer is out already
constexpr Duration kLook{100};            // how often a writer that waits looks whether the server stops

// RFC 4648's alphabet for addresses, which leaves the padding out.
std::optional<std::string> decode_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  Bytes out;
  if (!from_base64(text, out)) return std::nullopt;
  return std::string(out);
}

// The library copies what it is given, though it asks for bytes that it could write to.
uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

class Http2::Session {
 public:
  Session(Connection& connection, const Routes& routes, const HttpServerOptions& options,
          const std::atomic<bool>& stopping, Working& working, Budget& budget)
      : connection_(connection),
        routes_(routes),
        options_(options),
        stopping_(stopping),
        working_(working),
        budget_(budget) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    set_callbacks(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    CHECK(nghttp2_session_server_new2(&session_, callbacks, this, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Session() { nghttp2_session_del(session_); }

  void serve(std::string_view first) {
    begin();
    take(first);
    read_on();
  }

  bool serve_upgraded(std::string_view settings, Request request, const std::string& target,
                      std::string_view first) {
    const auto payload = decode_base64url(std::string(settings));
    const bool head = request.method == "HEAD";
    if (!payload) return false;
    if (nghttp2_session_upgrade2(session_, reinterpret_cast<const uint8_t*>(payload->data()), payload->size(),
                                 head ? 1 : 0, nullptr) != 0) {
      return false;
    }
    if (!connection_.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
      return true;
    begin();
    {
      const std::lock_guard lock(mutex_);
      const StreamPtr stream = add_stream(1);
      stream->request = std::move(request);
      stream->target = target;
      stream->body_ended = true;
      headers_came(stream);
      flush();
    }
    take(first);
    read_on();
    return true;
  }

 private:
  static Session& of(void* user) { return *static_cast<Session*>(user); }

  static void set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          const bool request =
              frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
          if (request) of(user).add_stream(frame->hd.stream_id);
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user) {
          of(user).header_came(frame->hd.stream_id, {reinterpret_cast<const char*>(name), name_size},
                               {reinterpret_cast<const char*>(value), value_size});
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          of(user).frame_came(*frame);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
          of(user).data_came(id, {reinterpret_cast<const char*>(data), size});
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t, void* user) {
          of(user).closed(id);
          return 0;
        });
  }

  void begin() {
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options_.header_bytes)}};
    const std::lock_guard lock(mutex_);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    connection_.set_wait(options_.request_time);
    flush();
  }

  void take(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes.empty() || dead_) return;
    const ssize_t used =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    flush();
    if (used < 0) dead_ = true;  // not HTTP/2
  }

  void read_on() {
    std::vector<char> buffer(kBatchBytes);
    auto heard = Now::now();
    while (wants_more()) {
      size_t got = 0;
      const Connection::Read read = connection_.read(buffer.data(), buffer.size(), got);
      if (read == Connection::Read::some) {
        heard = Now::now();
        take({buffer.data(), got});
      } else if (read != Connection::Read::late) {
        break;
      }
      if (!keep_watch(Now::now() - heard)) break;
    }
    std::unique_lock lock(mutex_);
    // Requests at hand are still answered when the server stops; else nobody is there to hear the rest.
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    dead_ = dead_ || !stopping_;
    flush();
    changed_.wait(lock, [&] { return threads_ == 0; });
    flush();
  }

  bool wants_more() {
    const std::lock_guard lock(mutex_);
    return !dead_ && !stopping_ &&
           (nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0);
  }

  // Who begins a request and does not end it is told so; false: nothing has been asked for too long.
  bool keep_watch(Now::duration quiet) {
    const std::lock_guard lock(mutex_);
    std::vector<StreamPtr> late;
    for (const auto& [id, stream] : streams_) {
      const bool waits = !stream->answering && !stream->body_ended;
      const bool old = Now::now() - stream->began > options_.request_time;
      if (waits && old) late.push_back(stream);
      const bool answered = stream->out_ended && !stream->body_ended;
      if (answered && (old || stream->dropped > kMostDropped))
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    }
    for (const StreamPtr& stream : late)
      refuse(stream, error_response(408, "the rest of the request did not come in time"));
    flush();
    return !streams_.empty() || quiet < options_.idle_time;
  }

  // What follows runs with the lock held.

  StreamPtr add_stream(int32_t id) {
    auto stream = std::make_shared<Stream>(budget_);
    stream->id = id;
    stream->request.peer = connection_.peer();
    return streams_[id] = stream;
  }

  StreamPtr find(int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
  }

  void header_came(int32_t id, std::string_view name, std::string_view value) {
    const StreamPtr stream = find(id);
    if (stream == nullptr || stream->answering) return;
    stream->header_bytes += name.size() + value.size() + 32;  // as RFC 9113 counts them
    if (stream->header_bytes > options_.header_bytes) return;
    if (name == ":method")
      stream->request.method = value;
    else if (name == ":path")
      stream->target = value;
    else if (name == ":authority")
      stream->request.headers.set("host", value);
    else if (name == "cookie" && stream->request.headers.contains("cookie"))
      stream->request.headers.set(name,
                                  std::string(stream->request.header(name)) + "; " + std::string(value));
    else if (!name.starts_with(':'))
      stream->request.headers.set(name, value);
  }

  void frame_came(const nghttp2_frame& frame) {
    const StreamPtr stream = find(frame.hd.stream_id);
    if (stream == nullptr) return;
    const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
      stream->body_ended = ends;
      return headers_came(stream);
    }
    if (!ends || (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS)) return;
    stream->body_ended = true;
    changed_.notify_all();
    if (!stream->answering) start(stream);
  }

  void headers_came(const StreamPtr& stream) {
    if (stream->header_bytes > options_.header_bytes)
      return refuse(stream, error_response(431, "the request's header is too large"));
    Response refusal;
    stream->route = routes_.find(stream->target, stream->request, refusal);
    if (stream->route == nullptr) return refuse(stream, std::move(refusal));
    if (stream->body_ended || stream->route->pieces) start(stream);
  }

  void data_came(int32_t id, std::string_view data) {
    const StreamPtr stream = find(id);
    if (stream != nullptr && stream->route != nullptr && stream->route->pieces && stream->answering &&
        !stream->out_ended) {
      stream->pieces.emplace_back(data);  // taken off the window when it is read
      changed_.notify_all();
      return;
    }
    nghttp2_session_consume(session_, id, data.size());
    if (stream == nullptr) return;
    if (stream->answering) return void(stream->dropped += data.size());
    if (stream->request.body.size() + data.size() > options_.body_bytes) {
      return refuse(stream, too_large_response(options_.body_bytes));
    }
    if (!stream->share.grow_to(stream->request.body.size() + data.size()))
      return refuse(stream, busy_response("requests at hand hold all the memory they may; try again"));
    stream->request.body += data;
  }

  void closed(int32_t id) {
    const StreamPtr stream = find(id);
    if (stream == nullptr) return;
    stream->closed = true;
    size_t unread = 0;
    for (const std::string& piece : stream->pieces) unread += piece.size();
    if (unread > 0) nghttp2_session_consume_connection(session_, unread);
    stream->pieces.clear();
    streams_.erase(id);
    changed_.notify_all();
  }

  void refuse(const StreamPtr& stream, Response response) {
    routes_.count(stream->request.method, nullptr, response.status, {});
    stream->answering = true;
    submit(stream, dressed(std::move(response), stream->request.answer_headers));
  }

  void start(const StreamPtr& stream) {
    if (working_.now >= working_.most) {
      return refuse(stream, busy_response("too many requests at hand; try again"));
    }
    stream->answering = true;
    ++working_.now;
    ++threads_;
    if (stream->route->pieces) {
      stream->request.read = [this, stream](std::string& piece, Duration wait) {
        return read_piece(*stream, piece, wait);
      };
    }
    try {
      std::thread([this, stream] { run(stream); }).detach();
    } catch (const std::system_error&) {  // no thread to be had
      --working_.now;
      --threads_;
      refuse(stream, busy_response("no thread is left; try again"));
    }
  }

  void submit(const StreamPtr& stream, Response response) {
    stream->response = std::move(response);
    const Response& said = stream->response;
    const std::string status = std::to_string(said.status);
    const std::string size = std::to_string(said.body.size());
    std::vector<std::string> names;
    names.reserve(said.headers.size());
    std::vector<nghttp2_nv> fields{field(":status", status), field("content-type", said.type())};
    for (const auto& [name, value] : said.headers) {
      names.push_back(lower(name));
      fields.push_back(field(names.back(), value));
    }
    if (said.stream == nullptr && said.status != 204) fields.push_back(field("content-length", size));
    const bool head = stream->request.method == "HEAD";
    stream->out_ended = said.stream == nullptr;
    if (!said.body.empty() && !head && said.stream == nullptr) {
      stream->out.push_back(said.body);
      stream->out_bytes = said.body.size();
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = stream.get();
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* to, size_t size, uint32_t* flags,
                                nghttp2_data_source* source, void* user) {
      return of(user).give(*static_cast<Stream*>(source->ptr), to, size, *flags);
    };
    const bool none = head || (stream->out_ended && stream->out.empty());
    nghttp2_submit_response(session_, stream->id, fields.data(), fields.size(), none ? nullptr : &provider);
  }

  // One piece at most, so that a client may take each frame for itself.
  ssize_t give(Stream& stream, uint8_t* to, size_t size, uint32_t& flags) {
    if (stream.out.empty() && !stream.out_ended) return NGHTTP2_ERR_DEFERRED;
    size_t given = 0;
    if (!stream.out.empty()) {
      const std::string& piece = stream.out.front();
      given = std::min(size, piece.size() - stream.out_offset);
      std::memcpy(to, piece.data() + stream.out_offset, given);
      stream.out_offset += given;
      stream.out_bytes -= given;
      if (stream.out_offset == piece.size()) {
        stream.out.pop_front();
        stream.out_offset = 0;
      }
    }
    if (stream.out.empty() && stream.out_ended) flags |= NGHTTP2_DATA_FLAG_EOF;
    changed_.notify_all();
    return static_cast<ssize_t>(given);
  }

  void flush() {
    std::string batch;
    while (!dead_) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size > 0) batch.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
      const bool last = size <= 0;
      if (!batch.empty() && (last || batch.size() >= kBatchBytes)) {
        dead_ = !connection_.write(batch);
        batch.clear();
      }
      dead_ = dead_ || size < 0;
      if (last) break;
    }
    if (dead_ || stopping_) changed_.notify_all();
  }

  // From here on without the lock, on a request's own thread.

  void run(const StreamPtr& stream) {
    Response response = routes_.answer(*stream->route, stream->request);
    if (response.socket != nullptr)
      response = error_response(400, "a WebSocket begins as a request of HTTP/1.1");
    std::unique_lock lock(mutex_);
    if (!stream->closed) {
      submit(stream, std::move(response));
      flush();
      if (stream->response.stream != nullptr) {
        lock.unlock();
        stream->response.stream([&](std::string_view piece) { return write(*stream, piece); });
        lock.lock();
        stream->out_ended = true;
        if (!stream->closed) nghttp2_session_resume_data(session_, stream->id);
        flush();
      }
    }
    stream->response.stream = nullptr;  // what it holds on to is let go
    stream->request.read = nullptr;
    stream->share.grow_to(0);
    --threads_;
    --working_.now;
    changed_.notify_all();
  }

  bool write(Stream& stream, std::string_view piece) {
    std::unique_lock lock(mutex_);
    const auto alive = [&] { return !dead_ && !stream.closed && !stopping_; };
    if (piece.empty() || !alive()) return alive();
    const auto until = Now::now() + options_.request_time;
    while (alive() && stream.out_bytes >= kMostWaiting) {
      if (Now::now() >= until) {  // the client takes nothing
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
        flush();
        return false;
      }
      changed_.wait_for(lock, kLook);
    }
    if (dead_ || stream.closed) return false;
    stream.out.emplace_back(piece);
    stream.out_bytes += piece.size();
    nghttp2_session_resume_data(session_, stream.id);
    flush();
    return alive();
  }

  Piece read_piece(Stream& stream, std::string& piece, Duration wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] {
      return !stream.pieces.empty() || stream.body_ended || stream.closed || dead_ || stopping_;
    });
    if (!stream.pieces.empty()) {
      piece = std::move(stream.pieces.front());
      stream.pieces.pop_front();
      nghttp2_session_consume(session_, stream.id, piece.size());
      flush();
      return Piece::some;
    }
    if (stream.body_ended) return Piece::end;
    return stream.closed || dead_ || stopping_ ? Piece::broken : Piece::none;
  }

  Connection& connection_;
  const Routes& routes_;
  const HttpServerOptions& options_;
  const std::atomic<bool>& stopping_;
  Working& working_;
  Budget& budget_;
  std::mutex mutex_;
  std::condition_variable changed_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, StreamPtr> streams_;
  size_t threads_ = 0;  // requests at hand
  bool dead_ = false;   // nothing can be written any more
};

Http2::Http2(Connection& connection, const Routes& routes, const HttpServerOptions& options,
             const std::atomic<bool>& stopping, Working& working, Budget& budget)
    : session_(std::make_unique<Session>(connection, routes, options, stopping, working, budget)) {}
Http2::~Http2() = default;

void Http2::serve(std::string_view first) {
  session_->serve(first);
}
bool Http2::serve_upgraded(std::string_view settings, Request request, const std::string& target,
                           std::string_view first) {
  return session_->serve_upgraded(settings, std::move(request), target, first);
}

}  // namespace tradewind::net
