#include "log/kafka/watch.h"

#include <algorithm>
#include <vector>

namespace tradewind::log::kafka {
namespace {

constexpr Duration kEvery(1'000);
constexpr Duration kPatience(1'000);          // for one look
constexpr Duration kMostWait(250);            // of who asks
constexpr int64_t kFreshNs = 200'000'000;     // an answer so young is as of now
constexpr int64_t kSilentNs = 3'000'000'000;  // since the last answer, and a look was in vain
// Since then, whatever the looks wait for: one may hang where a broker has just gone.
constexpr int64_t kHangsNs = 6'000'000'000;
constexpr int64_t kForgetNs = 300'000'000'000;
constexpr int kBeginsEvery = 10;  // looks
constexpr size_t kMostGrown = 600;
constexpr size_t kMostTold = 4;  // records read for their time, in one look

// Every second one goes: the longer ago, the less exactly it need be known.
void thin_out(std::vector<std::pair<Offset, Timestamp>>& grew) {
  size_t kept = 0;
  for (size_t i = 1; i < grew.size(); i += 2) grew[kept++] = grew[i];
  grew.resize(kept);
}

}  // namespace

Watch::Watch(std::shared_ptr<Readers> readers, std::shared_ptr<Claims> claims)
    : readers_(std::move(readers)), claims_(std::move(claims)) {
  answered_ns_ = now_ns();
  answered_ = readers_->options().clock->now();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    for (int round = 0; !stop.stop_requested(); ++round) {
      const bool answered = refresh(round % kBeginsEvery == 0);
      if (answered && !stop.stop_requested()) {
        tell_times();
        const bool looked = claims_->look().ok();  // what ails the brokers the next look tells
        const std::lock_guard lock(mutex_);
        if (looked) heard(true, "");
      }
      std::unique_lock lock(mutex_);
      resting_ = true;
      asked_.wait_for(lock, stop, kEvery, [this] { return wanted_; });
      resting_ = false;
    }
  });
}

Watch::~Watch() {
  thread_.request_stop();
  asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// One look at all that is watched; whether anybody answered.
bool Watch::refresh(bool also_begins) {
  std::vector<Position> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = false;
    ++begun_;
    const int64_t now = began_ns_ = now_ns();
    std::erase_if(watched_, [&](const auto& entry) { return now - entry.second.asked_ns > kForgetNs; });
    for (const auto& [position, watched] : watched_) {
      wanted.push_back(position);
      also_begins = also_begins || watched.end < 0;
    }
  }
  Result<Offsets> ends = readers_->catalog().ends(wanted, kPatience);
  Result<Offsets> begins = Offsets();
  if (ends.ok() && also_begins) begins = readers_->catalog().begins(wanted, kPatience);
  bool answered = ends.ok() && !ends->empty();
  std::string trouble = ends.ok() ? "" : ends.error().message;
  if (!answered) {  // nothing is watched, or partitions have no leader: does anybody answer at all?
    const Result<> reached = readers_->catalog().reach(kPatience);
    answered = reached.ok();
    if (!answered) trouble = reached.error().message;
  }
  const std::lock_guard lock(mutex_);
  heard(answered, trouble);
  if (ends.ok()) take(wanted, *ends, begins.ok() ? *begins : Offsets());
  done_ = begun_;
  refreshed_.notify_all();
  return answered;
}

void Watch::heard(bool answered, const std::string& trouble) {
  answers_ = answered;
  trouble_ = trouble;
  if (!answered) return;
  readers_->catalog().client().heard(true);
  answered_ns_ = now_ns();
  answered_ = readers_->options().clock->now();
}

void Watch::take(const std::vector<Position>& wanted, const Offsets& ends, const Offsets& begins) {
  for (const Position& position : wanted) {
    const auto at = watched_.find(position);
    if (at == watched_.end()) continue;
    Watched& watched = at->second;
    if (const auto begin = begins.find(position); begin != begins.end()) watched.begin = begin->second;
    const auto end = ends.find(position);
    if (end == ends.end() || end->second == watched.end) continue;
    const bool first = watched.end < 0;
    watched.end = end->second;
    if (first) {  // when that came to be is not known
      watched.first_end = watched.end;
      continue;
    }
    if (watched.grew.size() == kMostGrown) thin_out(watched.grew);
    watched.grew.emplace_back(watched.end, answered_);
  }
}

// The times of records that lay there before they were watched stand in the records.
void Watch::tell_times() {
  std::vector<std::pair<Position, Offset>> wanted;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [position, watched] : watched_) {
      if (watched.untold >= 0 && wanted.size() < kMostTold) wanted.emplace_back(position, watched.untold);
    }
  }
  for (const auto& [position, offset] : wanted) {
    const auto time = readers_->appended(readers_, position, offset);
    const std::lock_guard lock(mutex_);
    if (time.ok()) heard(true, "");
    const auto at = watched_.find(position);
    if (at == watched_.end()) continue;
    at->second.untold = -1;
    if (!time.ok()) continue;
    at->second.told = offset;
    at->second.told_time = *time;
  }
}

// A look that began after this call, if one comes soon enough.
void Watch::wait_for_refresh(std::unique_lock<std::mutex>& lock, const Offsets& places) {
  const bool known = std::all_of(places.begin(), places.end(), [&](const auto& entry) {
    const auto at = watched_.find(entry.first);
    return at != watched_.end() && at->second.end >= 0;
  });
  if (!answers_ || (known && now_ns() - answered_ns_ < kFreshNs)) return;
  // What takes long will not end just now: of many who ask only the first waits for it.
  if (!resting_ && now_ns() - began_ns_ > kMostWait.count() * 500'000) return;
  wanted_ = true;
  asked_.notify_all();
  const uint64_t mine = begun_ + 1;
  refreshed_.wait_for(lock, kMostWait, [&] { return done_ >= mine; });
}

std::map<Position, Log::Backlog> Watch::backlog(const Offsets& places) {
  std::unique_lock lock(mutex_);
  for (const auto& [position, next] : places) watched_[position].asked_ns = now_ns();
  wait_for_refresh(lock, places);
  std::map<Position, Log::Backlog> found;
  for (const auto& [position, next] : places) {
    const auto at = watched_.find(position);
    if (at == watched_.end()) continue;
    const Offset end = std::max(at->second.end, readers_->marks().of(position).end);
    if (end < 0 || (at->second.end < 0 && end == 0)) continue;
    Log::Backlog& one = found[position];
    one.records = std::max<Offset>(end - std::max(next, at->second.begin), 0);
    if (one.records > 0) one.oldest = oldest(at->second, position, next);
  }
  return found;
}

// What this process wrote it knows; else when the end was first seen behind it; else what the record says,
// which is asked for.
std::optional<Timestamp> Watch::oldest(Watched& watched, const Position& position, Offset next) {
  if (const auto written = readers_->marks().written_at(position, next)) return written;
  if (next >= watched.first_end) {
    for (const auto& [end, time] : watched.grew) {
      if (next < end) return time;
    }
    return std::nullopt;
  }
  if (watched.told != next) watched.untold = next;
  return watched.told >= 0 && watched.told <= next ? watched.told_time : std::nullopt;
}

std::optional<Error> Watch::silent() const {
  const std::lock_guard lock(mutex_);
  const int64_t silent_ns = now_ns() - answered_ns_;
  if (silent_ns < (answers_ ? kHangsNs : kSilentNs)) return std::nullopt;
  std::string text = "the brokers of Kafka do not answer since " + to_iso(answered_) + " (" +
                     std::to_string(silent_ns / 1'000'000'000) + " s)";
  if (!trouble_.empty()) text += ": " + trouble_;
  return Error{Code::unavailable, std::move(text)};
}

}  // namespace tradewind::log::kafka
