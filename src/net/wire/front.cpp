#include "net/wire/front.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "net/wire/answer.h"
#include "net/wire/front_client.h"
#include "net/wire/inbox.h"
#include "net/wire/plain_request.h"

namespace tradewind::net {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kInlineBody = 64 * 1024;  // larger ones are handled where they hold nobody up
constexpr auto kSweep = std::chrono::milliseconds(100);
constexpr auto kLinger = std::chrono::milliseconds(1000);
constexpr const char* kNoMemory = "requests at hand hold all the memory they may; try again";

}  // namespace

class Front::Loop {
 public:
  explicit Loop(World world)
      : world_(std::move(world)), options_(world_.options), scratch_(kReadBytes, '\0') {}
  ~Loop() {
    stop();
    if (epoll_ >= 0) ::close(epoll_);
  }

  Result<> start() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{.events = EPOLLIN, .data = {.ptr = nullptr}};
    if (epoll_ < 0 || inbox_.descriptor() < 0 ||
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, inbox_.descriptor(), &wanted) != 0)
      return Error{Code::io, "no epoll is to be had; raise the limit on open files (ulimit -n)"};
    thread_ = std::jthread([this] { run(); });
    return {};
  }

  void stop() {
    stopping_ = true;
    if (!thread_.joinable()) return;
    inbox_.wake();
    thread_.join();
  }

  void adopt(int socket, std::string peer, std::string begun) {
    auto client = std::make_unique<Client>(world_.budget);
    client->socket = socket;
    client->peer = std::move(peer);
    client->in = std::move(begun);
    if (inbox_.adopt(client)) return;
    ::close(socket);
    world_.closed();
  }

 private:
  // ---- what comes from other threads ----

  void reply(Client* client, Response response) { inbox_.reply(client, std::move(response)); }

  // True: something was there.
  bool take_inbox() {
    if (!inbox_.take(answered_, adopted_)) return false;
    for (std::unique_ptr<Client>& client : adopted_) welcome(std::move(client));
    for (Answered& one : answered_) take_answer(*one.client, std::move(one.response));
    return true;
  }

  // ---- the loop ----

  void run() {
    std::array<epoll_event, 256> ready;
    auto swept = Now::now();
    while (true) {
      while (take_inbox()) {
      }
      if (stopping_ && close_for_good()) return;
      const int sleep_ms = !all_.empty() || stopping_ ? static_cast<int>(kSweep.count()) : -1;
      const int count = ::epoll_wait(epoll_, ready.data(), ready.size(), inbox_.may_sleep() ? sleep_ms : 0);
      inbox_.awake();
      now_ = Now::now();
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<size_t>(i)];
        if (event.data.ptr == nullptr)
          inbox_.drain();
        else
          happened(*static_cast<Client*>(event.data.ptr), event.events);
      }
      forgotten_.clear();
      if (now_ - swept < kSweep) continue;
      swept = now_;
      sweep();
    }
  }

  void happened(Client& client, uint32_t events) {
    if (client.socket < 0) return;  // closed in this round
    client.hung_up |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    switch (client.state) {
      case State::reading: return read_on(client);
      case State::at_hand: client.may_have_more = true; return;
      case State::writing:
        client.may_have_more |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
        if (write_on(client)) read_on(client);
        return;
      case State::lingering: return drop_what_comes(client);
    }
  }

  void welcome(std::unique_ptr<Client> client) {
    epoll_event wanted{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = client.get()}};
    Client& known = *client;
    now_ = Now::now();
    known.deadline = now_ + options_.idle_time;
    all_.emplace(&known, std::move(client));
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, known.socket, &wanted) != 0) return close(known);
    if (!known.in.empty()) consume(known);
    if (known.socket >= 0 && known.state == State::reading) read_on(known);
  }

  // Reads until there is nothing or a request is at hand. REQUIRES State::reading.
  void read_on(Client& client) {
    while (client.socket >= 0 && client.state == State::reading) {
      const ssize_t got = ::recv(client.socket, scratch_.data(), scratch_.size(), 0);
      if (got <= 0) {
        client.may_have_more = false;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        return close(client);  // what was half is nobody's any more
      }
      const std::string_view bytes(scratch_.data(), static_cast<size_t>(got));
      // Less than was asked for is all there is; epoll tells of what comes later.
      client.may_have_more = bytes.size() == scratch_.size() || client.hung_up;
      if (client.in.empty()) {
        keep_rest(client, bytes, use(client, bytes));
      } else if (append(client, bytes)) {
        consume(client);
      }
      if (!client.may_have_more) return;
    }
  }

  // Puts bytes behind those that are there. False: there was no room, and the client was told so.
  bool append(Client& client, std::string_view bytes) {
    const size_t size = client.in.size() + bytes.size();
    const size_t room = size <= client.in.capacity() ? client.in.capacity() : size + size / 2;
    if (!client.share.grow_to(std::max(client.share.held(), room))) {
      refuse(client, busy_response(kNoMemory));
      return false;
    }
    client.in.reserve(room);
    client.in.append(bytes);
    return true;
  }

  // What stands in client.in.
  void consume(Client& client) {
    std::string bytes = std::move(client.in);
    client.in.clear();
    const size_t used = use(client, bytes);
    if (used > 0) return keep_rest(client, std::string_view(bytes), used);
    if (client.socket < 0 || client.state != State::reading) return;
    client.in = std::move(bytes);
    client.deadline = std::min(client.deadline, now_ + options_.request_time);
  }

  // What is behind the `used` bytes of a request, or the beginning of one.
  void keep_rest(Client& client, std::string_view bytes, size_t used) {
    const std::string_view rest = bytes.substr(used);
    if (rest.empty() || client.socket < 0 || client.state == State::lingering) return;
    if (client.state == State::reading)
      client.deadline = std::min(client.deadline, now_ + options_.request_time);
    if (!client.share.grow_to(client.share.held() + rest.size())) {
      if (client.state == State::reading) return refuse(client, busy_response(kNoMemory));
      client.keep = false;  // what was sent ahead is not read: the connection ends behind the answer
      return;
    }
    client.in.assign(rest);
  }

  // Takes a request off the front of `bytes`; how many bytes it was. 0: it is not whole, or refused.
  size_t use(Client& client, std::string_view bytes) {
    if (bytes.empty()) return 0;
    Request& request = request_;
    request.headers.clear();
    PlainHead head;
    switch (read_plain_head(bytes, options_.header_bytes, head, request)) {
      case Plain::more: return 0;
      case Plain::no: leave(client, bytes); return bytes.size();
      case Plain::too_large:
        refuse(client, error_response(431, "the request's header is too large"));
        return 0;
      case Plain::yes: break;
    }
    request.peer = client.peer;
    request.caller.clear();
    request.rights = -1;
    const bool whole = bytes.size() >= head.bytes + head.body_bytes;
    if (!whole && client.looked_at) return 0;
    Response refusal;
    const Route* route = world_.routes.find(head.target, request, refusal);
    client.always = request.answer_headers;
    if (route != nullptr && route->pieces) {
      leave(client, bytes);
      return bytes.size();
    }
    if (head.body_bytes > options_.body_bytes) {
      refuse(client, too_large_response(options_.body_bytes));
      return 0;
    }
    if (!whole) {
      wait_for_body(client, route, head, std::move(refusal));
      return 0;
    }
    client.looked_at = false;
    client.keep = head.keep;
    client.head_only = request.method == "HEAD";
    client.method = request.method;
    request.body.assign(bytes.substr(head.bytes, head.body_bytes));
    hand_on(client, route, request, std::move(refusal));
    return head.bytes + head.body_bytes;
  }

  // Before the body is whole: who may not send it, or asks first, is told.
  void wait_for_body(Client& client, const Route* route, const PlainHead& head, Response refusal) {
    client.looked_at = true;
    if (route == nullptr && (refusal.status == 401 || refusal.status == 403 || head.expects_continue))
      return refuse(client, std::move(refusal));
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    if (head.expects_continue) (void)!::send(client.socket, kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
  }

  // ---- requests at hand ----

  void hand_on(Client& client, const Route* route, Request& request, Response refusal) {
    client.state = State::at_hand;
    client.route = route;
    client.began = now_;
    if (!client.share.grow_to(request.body.size())) return reply(&client, busy_response(kNoMemory));
    if (route == nullptr) return reply(&client, std::move(refusal));
    const bool small = request.body.size() <= kInlineBody && !request.headers.contains("content-encoding");
    if (route->later != nullptr && small) return begin(client, request);
    auto moved = std::make_shared<Request>(std::move(request));
    request = Request();
    const bool taken = world_.workers.run([this, &client, moved] {
      if (client.route->later != nullptr) return begin(client, *moved);
      Response response = Routes::sheltered([&] { return client.route->handler(*moved); });
      reply(&client, std::move(response));
    });
    if (!taken) reply(&client, busy_response("too many requests at hand; try again"));
  }

  // REQUIRES a route that answers later.
  void begin(Client& client, const Request& request) {
    try {
      client.route->later(request, [this, &client](Response later) { reply(&client, std::move(later)); });
    } catch (const std::exception& failure) {
      reply(&client, error_response(500, failure.what()));
    }
  }

  void take_answer(Client& client, Response response) {
    CHECK(client.state == State::at_hand);
    now_ = Now::now();
    world_.routes.count(client.method, client.route, response.status, now_ - client.began);
    if (!client.always.empty()) response = dressed(std::move(response), client.always);
    if (response.socket != nullptr)
      response = error_response(400, "this speaks WebSocket: the request must ask for an upgrade");
    const bool keep = client.keep && !stopping_;
    if (response.stream != nullptr) return stream(client, std::move(response), keep);
    std::string text = answer_text(response, keep, client.head_only);
    client.keep = keep;
    client.state = State::writing;
    const ssize_t sent = ::send(client.socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(text.size())) {
      if (written(client)) after_answer(client);
      return;
    }
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return close(client);
    client.out_done = static_cast<size_t>(std::max<ssize_t>(sent, 0));
    client.out = std::move(text);
    client.deadline = now_ + options_.request_time;
  }

  void stream(Client& client, Response response, bool keep) {
    Leaving leaving{.socket = client.socket,
                    .peer = client.peer,
                    .begun = std::move(client.in),
                    .response = std::move(response),
                    .has_response = true,
                    .keep = keep,
                    .head_only = client.head_only};
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.socket, nullptr);
    if (world_.leave(leaving)) return forget(client);
    (void)!send_now(client, busy_response("too many streams at hand; try again"));
    close(client);
  }

  // The answer is out; false: the connection is over.
  bool written(Client& client) {
    client.out.clear();
    client.out.shrink_to_fit();
    client.out_done = 0;
    if (!client.keep) {
      finish(client);
      return false;
    }
    client.state = State::reading;
    client.route = nullptr;
    client.share.grow_to(client.in.size());
    client.deadline = now_ + options_.idle_time;
    return true;
  }

  void after_answer(Client& client) {
    if (!client.in.empty()) consume(client);
    if (client.socket >= 0 && client.state == State::reading && client.may_have_more) read_on(client);
  }

  // Goes on writing; true: all is out and the connection reads again.
  bool write_on(Client& client) {
    while (client.out_done < client.out.size()) {
      const ssize_t sent = ::send(client.socket, client.out.data() + client.out_done,
                                  client.out.size() - client.out_done, MSG_NOSIGNAL);
      if (sent <= 0) {
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        close(client);
        return false;
      }
      client.out_done += static_cast<size_t>(sent);
      client.deadline = now_ + options_.request_time;
    }
    if (!written(client)) return false;
    if (!client.in.empty()) consume(client);
    return client.socket >= 0 && client.state == State::reading;
  }

  // ---- ends ----

  void leave(Client& client, std::string_view bytes) {
    Leaving leaving{.socket = client.socket, .peer = client.peer, .begun = std::string(bytes)};
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.socket, nullptr);
    if (world_.leave(leaving)) return forget(client);
    (void)!send_now(client, busy_response("too many requests at hand; try again"));
    close(client);
  }

  // Says why and ends the connection.
  void refuse(Client& client, Response response) {
    world_.routes.count("other", nullptr, response.status, {});
    if (send_now(client, dressed(std::move(response), client.always)))
      finish(client);
    else
      close(client);
  }

  static bool send_now(const Client& client, const Response& response) {
    const std::string text = answer_text(response, false, false);
    return ::send(client.socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  // Closing while the client still sends would reset the connection, and with it the answer on its way.
  void finish(Client& client) {
    client.state = State::lingering;
    std::string().swap(client.in);  // an assignment would keep the memory
    client.share.grow_to(0);
    client.deadline = Now::now() + kLinger;
    ::shutdown(client.socket, SHUT_WR);
    drop_what_comes(client);
  }

  void drop_what_comes(Client& client) {
    while (true) {
      const ssize_t got = ::recv(client.socket, scratch_.data(), scratch_.size(), 0);
      if (got > 0) continue;
      if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) close(client);
      return;
    }
  }

  // A child that was forked from this process may hold the connection a moment longer, and epoll with it: it
  // would go on telling of a client that is gone.
  void close(Client& client) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, client.socket, nullptr);
    ::close(client.socket);
    forget(client);
    world_.closed();
  }

  // The connection is no longer ours. What epoll told of it in this round still points to it.
  void forget(Client& client) {
    client.socket = -1;
    client.share.grow_to(0);
    std::string().swap(client.in);  // an assignment would keep the memory
    const auto known = all_.find(&client);
    forgotten_.push_back(std::move(known->second));
    all_.erase(known);
  }

  void sweep() {
    std::vector<Client*> late;
    for (const auto& [client, owned] : all_) {
      if (client->state != State::at_hand && client->deadline <= now_) late.push_back(client);
    }
    for (Client* client : late) {
      const bool begun = client->state == State::reading && !client->in.empty();
      if (begun)
        refuse(*client, error_response(408, "the rest of the request did not come in time"));
      else
        close(*client);
    }
    forgotten_.clear();
  }

  // The server stops: true when nothing is at hand any more.
  bool close_for_good() {
    std::vector<Client*> idle;
    for (const auto& [client, owned] : all_) {
      if (client->state == State::reading || client->state == State::lingering) idle.push_back(client);
    }
    for (Client* client : idle) close(*client);
    forgotten_.clear();
    return all_.empty() && inbox_.close();
  }

  World world_;
  const HttpServerOptions& options_;
  int epoll_ = -1;
  std::atomic<bool> stopping_{false};
  Inbox inbox_;
  // The loop's own.
  std::vector<Answered> answered_;  // that are being written
  std::vector<std::unique_ptr<Client>> adopted_;
  Now::time_point now_;
  std::string scratch_;
  Request request_;
  std::unordered_map<Client*, std::unique_ptr<Client>> all_;
  std::vector<std::unique_ptr<Client>> forgotten_;
  std::jthread thread_;
};

Front::Front(World world) : loop_(std::make_unique<Loop>(std::move(world))) {}
Front::~Front() = default;

Result<> Front::start() {
  return loop_->start();
}
void Front::stop() {
  loop_->stop();
}
void Front::adopt(int socket, std::string peer, std::string begun) {
  loop_->adopt(socket, std::move(peer), std::move(begun));
}

}  // namespace tradewind::net
