#include "log/kafka/claims.h"

#include <unistd.h>

#include <algorithm>

namespace tradewind::log::kafka {
namespace {

// No producer's id begins so: those come from headers of HTTP, which carry no such byte.
constexpr std::string_view kOwner = "\x01owner:";
constexpr std::string_view kTopics = "\x01topics:";  // of it; a name in a line

const Position kPlace{kProducersTopic, 0};

std::string this_process(Timestamp now) {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return "process " + std::to_string(::getpid()) + " on " + host + " since " + std::to_string(now.ms);
}

}  // namespace

Claims::Claims(const Readers& readers)
    : readers_(readers.of_everything()), who_(this_process(readers_->options().clock->now())) {}

bool Claims::is_key(BytesView key) {
  return key.starts_with(kOwner) || key.starts_with(kTopics);
}

Result<Offset> Claims::claim(const std::string& id, const Append& append) {
  const std::string key = std::string(kOwner) + id;
  const Offset at = TRY(append({.key = key, .value = who_, .time = readers_->options().clock->now()}));
  const std::lock_guard lock(mutex_);
  own_[id] = at;
  return at;
}

// To where the log ends now, also what others have written and not committed: a claim behind it counts.
Result<> Claims::read_on() {
  const Turns::Turn one = TRY(reading_.take());
  const auto done = read_to_end();
  if (!done.ok() && done.error().code == Code::unavailable) reading_.tell(done.error());
  return done;
}

Result<> Claims::read_to_end() {
  if (consumer_ == nullptr) {
    if (next_ < 0) next_ = TRY(readers_->catalog().bounds(kPlace, Visibility::written)).begin;
    auto consumer = readers_->consumer(readers_);
    TRY(consumer->assign(kPlace, next_));
    consumer_ = std::move(consumer);
  }
  const auto bounds = TRY(readers_->catalog().bounds(kPlace, Visibility::written));
  Clock& clock = *readers_->options().clock;
  const int64_t until_ns = clock.monotonic_ns() + readers_->options().patience.count() * 1'000'000;
  while (next_ < bounds.end) {
    if (clock.monotonic_ns() > until_ns)
      return Error{Code::unavailable, "the topic " + kPlace.topic + " cannot be read to its end"};
    for (const FetchedBatch& batch : TRY(consumer_->poll(Duration(200), 10'000))) {
      const std::lock_guard lock(mutex_);
      for (const RecordView& record : batch.records) take(record);
      next_ = batch.next;
    }
  }
  return {};
}

void Claims::take(const RecordView& record) {
  if (!record.key) return;
  const BytesView value = record.value.value_or(BytesView());
  if (record.key->starts_with(kOwner)) {
    newest_[std::string(record.key->substr(kOwner.size()))] = {record.offset, std::string(value)};
  } else if (record.key->starts_with(kTopics)) {
    std::set<std::string>& topics = topics_[std::string(record.key->substr(kTopics.size()))];
    topics.clear();
    for (size_t at = 0; at < value.size();) {
      const size_t end = std::min(value.find('\n', at), value.size());
      topics.emplace(value.substr(at, end - at));
      at = end + 1;
    }
  }
}

std::set<std::string> Claims::topics(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto known = topics_.find(id);
  return known == topics_.end() ? std::set<std::string>() : known->second;
}

Result<> Claims::note_topics(const std::string& id, const std::set<std::string>& topics, Timestamp now,
                             const Append& append) {
  std::string lines;
  for (const std::string& topic : topics) lines += (lines.empty() ? "" : "\n") + topic;
  const std::string key = std::string(kTopics) + id;
  TRY(append({.key = key, .value = lines, .time = now}));
  return {};
}

Result<> Claims::check(const std::string& id, Offset mine) {
  TRY(read_on());
  const std::lock_guard lock(mutex_);
  const auto newest = newest_.find(id);
  if (newest != newest_.end() && newest->second.offset > mine) return taken(id, newest->second);
  return {};
}

// Every process claims the id of its appender.
Result<> Claims::sole(const std::string& instance) {
  TRY(read_on());
  const std::lock_guard lock(mutex_);
  std::string name = instance;
  Claim newest;
  for (const auto& [id, claim] : newest_) {
    if (!id.ends_with(kAppenderId) || claim.offset < newest.offset) continue;
    newest = claim;
    name = id.substr(0, id.size() - kAppenderId.size());
  }
  if (name == instance) return {};
  return Error{Code::conflict, "this cluster holds the platform with log.kafka.instance " + name + " (" +
                                   newest.who +
                                   "), and its topics are no other's: set log.kafka.instance to " + name +
                                   ", or give the platform " + instance + " a cluster of its own"};
}

Result<> Claims::look() {
  {
    const std::lock_guard lock(mutex_);
    if (own_.empty()) return {};
  }
  return read_on();
}

std::optional<Error> Claims::superseded() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, mine] : own_) {
    const auto newest = newest_.find(id);
    const bool later = newest != newest_.end() && newest->second.offset > mine;
    if (later && newest->second.who != who_) return taken(id, newest->second);
  }
  return std::nullopt;
}

Error Claims::taken(const std::string& id, const Claim& by) {
  return {Code::fenced, "another process took over the transactional id " + id + ": " + by.who +
                            "; this one must stop, for a cluster holds one platform"};
}

}  // namespace tradewind::log::kafka
