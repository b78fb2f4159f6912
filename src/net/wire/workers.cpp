#include "net/wire/workers.h"

#include <chrono>
#include <system_error>
#include <thread>

namespace tradewind::net {
namespace {

constexpr auto kStays = std::chrono::seconds(10);  // a thread without work

}  // namespace

bool Workers::run(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (finishing_) return false;
  if (idle_ > waiting_.size()) {
    waiting_.push_back(std::move(work));
    wanted_.notify_one();
    return true;
  }
  if (threads_ >= most_) {
    if (waiting_.size() >= idle_ + most_waiting_) return false;
    waiting_.push_back(std::move(work));
    return true;
  }
  waiting_.push_back(std::move(work));
  try {
    std::thread([this] { serve(); }).detach();
  } catch (const std::system_error&) {  // no thread to be had
    waiting_.pop_back();
    return false;
  }
  ++threads_;
  ++idle_;  // until it has taken its work
  return true;
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (wanted_.wait_for(lock, kStays, [&] { return !waiting_.empty() || finishing_; }) &&
         !waiting_.empty()) {
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    --idle_;
    lock.unlock();
    work();
    lock.lock();
    ++idle_;
  }
  --idle_;
  --threads_;
  ended_.notify_all();
}

void Workers::finish() {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  wanted_.notify_all();
  ended_.wait(lock, [&] { return threads_ == 0; });
}

}  // namespace tradewind::net
