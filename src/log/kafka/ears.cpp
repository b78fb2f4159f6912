#include "log/kafka/ears.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"

namespace tradewind::log::kafka {

Ears::Ears(Bell& bell)
    : bell_(bell), epoll_(::epoll_create1(EPOLL_CLOEXEC)), over_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event over{.events = EPOLLIN, .data = {.fd = over_}};
  CHECK(epoll_ >= 0 && over_ >= 0 && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, over_, &over) == 0);
  thread_ = std::thread([this] { run(); });
}

Ears::~Ears() {
  ::eventfd_write(over_, 1);
  thread_.join();
  ::close(over_);
  ::close(epoll_);
}

void Ears::listen(int socket) const {
  epoll_event wanted{.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = socket}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &wanted) != 0 && errno == ENOENT)
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &wanted);
}

void Ears::run() const {
  std::array<epoll_event, 64> found{};
  while (true) {
    const int count = ::epoll_wait(epoll_, found.data(), static_cast<int>(found.size()), -1);
    for (int i = 0; i < count; ++i) {
      if (found[static_cast<size_t>(i)].data.fd == over_) return;
    }
    if (count > 0) bell_.ring();
  }
}

}  // namespace tradewind::log::kafka
