#pragma once
// Marks: what this process knows of a log by having done it: how far it has written and trimmed each
// partition, so that its readers see its own work; and the bell they wait for.
//
// Threads: shared freely. ring() calls nothing.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "log/record.h"

namespace tradewind::log::kafka {

class Bell {
 public:
  explicit Bell(uint64_t first = 0) : rings_(first) {}
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      ++rings_;
    }
    rang_.notify_all();
  }
  uint64_t rings() const {
    const std::lock_guard lock(mutex_);
    return rings_;
  }
  // Until there were more than `seen`, at most `wait`.
  void wait(uint64_t seen, Duration wait) {
    std::unique_lock lock(mutex_);
    rang_.wait_for(lock, wait, [&] { return rings_ > seen; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable rang_;
  uint64_t rings_;
};

class Marks {
 public:
  struct Mark {
    Offset begin = 0;  // what lies before was trimmed
    Offset end = 0;    // one past the last record written
  };

  // Counting begins with the time, so that a later process counts higher.
  explicit Marks(Timestamp now) : bell(static_cast<uint64_t>(now.ms) << 10) {}

  void wrote(const Position& position, Offset end, Timestamp now) {
    const std::lock_guard lock(mutex_);
    Kept& kept = marks_[position];
    if (end <= kept.mark.end) return;
    kept.mark.end = end;
    // A tenth of a second is exact enough for how long a record has waited.
    if (!kept.times.empty() && now.ms - kept.times.back().second.ms < 100) {
      kept.times.back().first = end;
      return;
    }
    if (kept.times.size() == kMostTimes) kept.times.pop_front();
    kept.times.emplace_back(end, now);
  }
  // When the record at `offset` was written, if this process did it lately.
  std::optional<Timestamp> written_at(const Position& position, Offset offset) const {
    const std::lock_guard lock(mutex_);
    const auto found = marks_.find(position);
    if (found == marks_.end()) return std::nullopt;
    const auto& times = found->second.times;
    if (times.empty() || (times.size() == kMostTimes && offset < times.front().first)) return std::nullopt;
    for (const auto& [end, time] : times) {
      if (offset < end) return time;
    }
    return std::nullopt;
  }
  void trimmed(const Position& position, Offset begin) {
    const std::lock_guard lock(mutex_);
    Mark& mark = marks_[position].mark;
    mark.begin = std::max(mark.begin, begin);
  }
  void forget(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    std::erase_if(marks_, [&](const auto& entry) { return entry.first.topic == topic; });
  }
  Mark of(const Position& position) const {
    const std::lock_guard lock(mutex_);
    const auto found = marks_.find(position);
    return found == marks_.end() ? Mark() : found->second.mark;
  }

  // What keeps this transactional id from committing now; nothing: it does. It says so until `until_ns`, of
  // monotonic time: who tries again has told anew by then, and else nobody knows any more.
  void refuse(const std::string& id, std::optional<Error> error, int64_t until_ns) {
    const std::lock_guard lock(mutex_);
    if (error)
      refused_[id] = {std::move(*error), until_ns};
    else
      refused_.erase(id);
  }
  std::optional<Error> refused(int64_t now_ns) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, refusal] : refused_) {
      if (now_ns < refusal.until_ns) return refusal.error;
    }
    return std::nullopt;
  }

  // A commit whose outcome was in doubt: it had gone through, or not.
  // At so many positions a transaction was left open and has been closed.
  void closed(int64_t positions) { left_open_closed += positions; }
  void settled(bool committed) { ++(committed ? settled_committed : settled_given_up); }

  std::atomic<int64_t> settled_committed{0};
  std::atomic<int64_t> settled_given_up{0};
  std::atomic<int64_t> left_open_closed{0};
  Bell bell;  // something was written, or arrived at a reader

 private:
  static constexpr size_t kMostTimes = 256;
  struct Kept {
    Mark mark;
    std::deque<std::pair<Offset, Timestamp>> times;  // one past the last record written until then
  };
  mutable std::mutex mutex_;
  std::map<Position, Kept> marks_;
  struct Refusal {
    Error error;
    int64_t until_ns = 0;
  };
  std::map<std::string, Refusal> refused_;
};

}  // namespace tradewind::log::kafka
