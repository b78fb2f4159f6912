#include "net/wire/socket_connection.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <vector>

namespace tradewind::net {
namespace {

constexpr Duration kLinger{1000};

}  // namespace

// Blocking calls on the native socket: with Asio's own, a timeout of the socket would only make it wait
// again.
Connection::Read SocketConnection::read(char* out, size_t size, size_t& got) {
  const ssize_t done = ::recv(socket_, out, size, 0);
  got = done > 0 ? static_cast<size_t>(done) : 0;
  if (done > 0) return Read::some;
  if (done == 0) return Read::end;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Read::late : Read::broken;
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
  timeval time{};
  time.tv_sec = wait.count() / 1000;
  time.tv_usec = static_cast<suseconds_t>(wait.count() % 1000 * 1000);
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

bool SocketConnection::gone() {
  char byte;
  return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void SocketConnection::finish() {
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
