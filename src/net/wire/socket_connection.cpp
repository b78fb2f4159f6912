#include "net/wire/socket_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace tradewind::net {
namespace {

constexpr Duration kLinger{1000};

}  // namespace

// Blocking calls on the native socket: with Asio's own, a timeout of the socket would only make it wait
// again.
Connection::Read SocketConnection::read(char* out, size_t size, size_t& got) {
  got = 0;
  if (const Read waited = wait_for_bytes(); waited != Read::some) return waited;
  const ssize_t done = ::recv(socket_, out, size, 0);
  got = done > 0 ? static_cast<size_t>(done) : 0;
  if (done > 0) return Read::some;
  if (done == 0) return Read::end;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Read::late : Read::broken;
}

// some: there are bytes, or the client's end.
Connection::Read SocketConnection::wait_for_bytes() const {
  if (stopping_ < 0) return Read::some;
  pollfd waited[2] = {{.fd = socket_, .events = POLLIN, .revents = 0},
                      {.fd = stopping_, .events = POLLIN, .revents = 0}};
  const int ready = ::poll(waited, 2, wait_ms_);
  if (ready == 0) return Read::late;
  return ready > 0 && waited[0].revents == 0 ? Read::end : Read::some;
}

bool SocketConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void SocketConnection::set_wait(Duration wait) {
  wait_ms_ = wait > Duration(0) ? static_cast<int>(std::min<int64_t>(wait.count(), INT32_MAX)) : -1;
  timeval time{};
  time.tv_sec = wait.count() / 1000;
  time.tv_usec = static_cast<suseconds_t>(wait.count() % 1000 * 1000);
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

bool SocketConnection::gone() {
  char byte;
  pollfd stopped{.fd = stopping_, .events = POLLIN, .revents = 0};
  if (stopping_ >= 0 && ::poll(&stopped, 1, 0) > 0) return true;
  return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void SocketConnection::finish() {
  stopping_ = -1;
  ::shutdown(socket_, SHUT_WR);
  const auto until = std::chrono::steady_clock::now() + kLinger;
  set_wait(kLinger);
  std::vector<char> ignored(64 * 1024);
  size_t got = 0;
  while (read(ignored.data(), ignored.size(), got) == Read::some) {
    if (std::chrono::steady_clock::now() >= until) return;
  }
}

}  // namespace tradewind::net
