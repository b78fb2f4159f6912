#include "ingest/lane.h"

namespace tradewind::ingest {

Lane::~Lane() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wanted_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Lane::submit(Work work, Refused refused) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(work), std::move(refused)});
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wanted_.notify_one();
}

void Lane::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [&] { return !waiting_.empty() || stopping_; });
    if (waiting_.empty()) return;
    const Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const Result<> done = entry.work();
    lock.lock();
    if (done.ok() || done.error().code != Code::unavailable) continue;
    std::deque<Entry> behind;
    behind.swap(waiting_);
    lock.unlock();
    for (const Entry& one : behind) one.refused(done.error());
    lock.lock();
  }
}

}  // namespace tradewind::ingest
