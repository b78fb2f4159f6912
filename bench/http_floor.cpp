#include "http_floor.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <simdjson.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <unordered_map>

namespace tradewind::bench {

struct HttpFloor::Server {
  struct Client {
    int socket = -1;
    size_t have = 0;
    char bytes[64 * 1024];
  };

  int listening = -1;
  int epoll = -1;
  int port = 0;
  std::unordered_map<int, std::unique_ptr<Client>> clients;
  simdjson::ondemand::parser parser;
  int64_t read_fields = 0;  // so that reading them is not left out
  std::atomic<bool> stopping{false};
  std::jthread thread;

  void listen() {
    listening = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    socklen_t size = sizeof address;
    if (::bind(listening, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening, 1024) != 0)
      std::abort();
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listening);
  }

  void watch(int socket) const {
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = socket}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &wanted);
  }

  void run() {
    epoll_event ready[256];
    while (!stopping) {
      const int count = ::epoll_wait(epoll, ready, std::size(ready), 50);
      for (int i = 0; i < count; ++i) {
        if (ready[i].data.fd == listening)
          take();
        else
          serve(*clients[ready[i].data.fd]);
      }
    }
  }

  void take() {
    const int socket = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients[socket] = std::make_unique<Client>();
    clients[socket]->socket = socket;
    watch(socket);
  }

  void serve(Client& client) {
    const ssize_t got = ::recv(client.socket, client.bytes + client.have,
                               sizeof client.bytes - client.have - simdjson::SIMDJSON_PADDING, 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      const int socket = client.socket;
      ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);  // a producer that is being started has it, too
      ::close(socket);
      clients.erase(socket);
      return;
    }
    client.have += static_cast<size_t>(got);
    const std::string_view text(client.bytes, client.have);
    const size_t head = text.find("\r\n\r\n");
    const size_t length = text.find("Content-Length: ");
    if (head == std::string_view::npos || length == std::string_view::npos) return;
    const size_t body = std::strtoull(client.bytes + length + 16, nullptr, 10);
    if (text.size() < head + 4 + body) return;
    read_events(client.bytes + head + 4, body);
    constexpr std::string_view kAnswer =
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n"
        "{\"accepted\":10,\"rejected\":[]}";
    (void)!::send(client.socket, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
    client.have = 0;
  }

  // Six fields of each event.
  void read_events(const char* body, size_t size) {
    simdjson::ondemand::document document;
    if (parser.iterate(body, size, size + simdjson::SIMDJSON_PADDING).get(document)) std::abort();
    for (auto element : document.get_array()) {
      simdjson::ondemand::object event;
      if (element.get_object().get(event)) std::abort();
      int64_t time = 0;
      if (event["event_time"].get_int64().get(time)) std::abort();
      read_fields += time;
      for (const char* name : {"visitor_id", "session_id", "items"}) {
        std::string_view text;
        if (event[name].get_string().get(text) == simdjson::SUCCESS)
          read_fields += static_cast<int64_t>(text.size());
      }
      for (const char* name : {"event_id", "event_type"}) {
        std::string_view text;
        if (event[name].get_string().get(text) == simdjson::SUCCESS)
          read_fields += static_cast<int64_t>(text.size());
      }
    }
  }
};

HttpFloor::HttpFloor() : server_(std::make_unique<Server>()) {
  server_->listen();
  server_->thread = std::jthread([server = server_.get()] { server->run(); });
}

HttpFloor::~HttpFloor() {
  server_->stopping = true;
  server_->thread.join();
  for (const auto& [socket, client] : server_->clients) ::close(socket);
  ::close(server_->listening);
  ::close(server_->epoll);
}

int HttpFloor::port() const {
  return server_->port;
}

int64_t HttpFloor::cpu_ns() const {
  clockid_t clock{};
  timespec time{};
  if (::pthread_getcpuclockid(server_->thread.native_handle(), &clock) != 0 ||
      ::clock_gettime(clock, &time) != 0)
    std::abort();
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace tradewind::bench
