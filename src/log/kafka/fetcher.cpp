#include "log/kafka/fetcher.h"

#include <librdkafka/rdkafka.h>
#include <poll.h>

#include <algorithm>
#include <set>

namespace tradewind::log::kafka {
namespace {

constexpr int kFetchVersion = 11;
constexpr int64_t kMsNs = 1'000'000;
constexpr Duration kMostWait(3'000);      // for connections and leaders, all together
constexpr size_t kMostAsked = 4 << 20;    // bytes of an answer; one batch may be more
constexpr size_t kMostHeld = kMostAsked;  // of batches; then no more is asked for
constexpr int64_t kFirstPauseMs = 10;
constexpr int64_t kMostPauseMs = 500;
constexpr size_t kLeastListed = 2;
constexpr size_t kLeastAborted = 16;

// How large the batch is of which only the beginning came; 0: not even that can be told.
int64_t cut_off(BytesView records) {
  constexpr size_t kBeforeBody = 12;
  if (records.size() < kBeforeBody) return 0;
  Told told(records);
  told.number64();
  return told.number32() + static_cast<int64_t>(kBeforeBody);
}

}  // namespace

Fetcher::Part& Fetcher::start(const Position& position, Offset from) {
  stop(position);
  Part& part = parts_[position];
  part.next = from;
  part.number = ++starts_;
  part.share = options_.fetch_bytes;
  return part;
}

void Fetcher::stop(const Position& position) {
  const auto found = parts_.find(position);
  if (found == parts_.end()) return;
  drop_all(found->second);
  parts_.erase(found);
}

void Fetcher::stop_all() {
  for (auto& [position, part] : parts_) drop_all(part);
  parts_.clear();
}

void Fetcher::drop_first(Part& part) {
  held_bytes_ -= part.held.front().batch.list.size();
  part.held.pop_front();
}

void Fetcher::drop_all(Part& part) {
  while (!part.held.empty()) drop_first(part);
}

void Fetcher::later(Part& part, int code, std::string why) {
  part.code = code;
  part.why = std::move(why);
  part.pause_ms = std::clamp(2 * part.pause_ms, kFirstPauseMs, kMostPauseMs);
  part.again_ns = now_ns() + part.pause_ms * kMsNs;
}

void Fetcher::hear() {
  for (auto at = underway_.begin(); at != underway_.end();) {
    const int code = brokers_.hear_so_far(at->first, at->second.kept, *at->second.answer);
    if (code == kLater) {
      ++at;
      continue;
    }
    const Underway underway = std::move(at->second);
    at = underway_.erase(at);
    if (code == 0) {
      take_answer(underway);
      continue;
    }
    for (const auto& [position, wanted] : underway.wanted) {
      brokers_.forget_leader(position);
      const auto part = parts_.find(position);
      if (part != parts_.end()) later(part->second, code);
    }
  }
}

void Fetcher::ask() {
  if (held_bytes_ > kMostHeld) return;
  const int64_t now = now_ns();
  Due due;
  for (auto& entry : parts_) {
    if (now >= entry.second.again_ns) due.push_back(&entry);
  }
  find_leaders(due);
  std::map<std::string, Due> by_leader;
  for (auto* entry : due) {
    const std::string* leader = brokers_.leader(entry->first);
    if (leader != nullptr && !underway_.contains(*leader)) by_leader[*leader].push_back(entry);
  }
  for (const auto& [leader, of_leader] : by_leader) ask(leader, of_leader);
}

void Fetcher::find_leaders(const Due& due) {
  std::set<std::string> topics;
  for (const auto* entry : due) {
    if (brokers_.leader(entry->first) == nullptr) topics.insert(entry->first.topic);
  }
  if (topics.empty()) return;
  brokers_.until(now_ns() + kMostWait.count() * kMsNs);
  std::string about;
  const int told = brokers_.locate(topics, about);
  for (auto* entry : due) {
    if (brokers_.leader(entry->first) != nullptr) continue;
    const bool meant = told == kGone || (told != 0 && entry->first.topic == about);
    later(entry->second, meant ? told : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
  }
}

void Fetcher::ask(const std::string& address, const Due& due) {
  brokers_.until(now_ns() + kMostWait.count() * kMsNs);
  Due turned = due;  // brokers give the first what there is room for
  std::rotate(turned.begin(), turned.begin() + static_cast<ptrdiff_t>(turn_++ % due.size()), turned.end());
  const bool fresh =
      std::any_of(due.begin(), due.end(), [](const auto* entry) { return entry->second.end < 0; });
  Underway underway{
      .wanted = {}, .kept = fresh ? Duration(0) : options_.fetch_wait, .answer = buffers_.take()};
  Asked body;
  body.number32(-1)  // no replica
      .number32(static_cast<int32_t>(underway.kept.count()))
      .number32(1)  // byte at least
      .number32(static_cast<int32_t>(kMostAsked))
      .number8(visibility_ == Visibility::durable ? 1 : 0)
      .number32(0)    // no session
      .number32(-1);  // nor will there be one
  int32_t topics = 0;
  for (size_t i = 0; i < turned.size(); ++i)
    topics += i == 0 || turned[i]->first.topic != turned[i - 1]->first.topic ? 1 : 0;
  body.number32(topics);
  for (auto at = turned.begin(); at != turned.end();) {
    const std::string& topic = (*at)->first.topic;
    const auto end =
        std::find_if(at, turned.end(), [&](const auto* entry) { return entry->first.topic != topic; });
    body.text(topic).number32(static_cast<int32_t>(end - at));
    for (; at != end; ++at) {
      const auto& [position, part] = **at;
      body.number32(position.partition)
          .number32(-1)  // whatever the leader's epoch
          .number64(part.next)
          .number64(-1)
          .number32(static_cast<int32_t>(part.share));
      underway.wanted[position] = {part.number, part.next};
    }
  }
  body.number32(0).text("");  // nothing is forgotten, no rack
  const int code = brokers_.send(address, Api::fetch, kFetchVersion, body);
  if (code == 0) {
    underway_[address] = std::move(underway);
    return;
  }
  for (auto* entry : due) {
    brokers_.forget_leader(entry->first);
    later(entry->second, code);
  }
}

void Fetcher::take_answer(const Underway& underway) {
  Told told(underway.answer->view());
  told.number32();  // throttled for so long
  const int of_all = told.number16();
  told.number32();  // session
  std::set<Position> told_of;
  for (int32_t topics = told.count(kLeastListed); topics > 0; --topics) {
    const std::string topic = told.text();
    for (int32_t partitions = told.count(kLeastListed); partitions > 0; --partitions) {
      const Position position{topic, told.number32()};
      const int code = told.number16();
      const Offset written = told.number64();
      const Offset committed = told.number64();
      told.number64();  // where the partition begins
      Aborted aborted;
      for (int32_t left = told.count(kLeastAborted); left > 0; --left) {
        const int64_t writer = told.number64();
        aborted.emplace_back(told.number64(), writer);
      }
      told.number32();  // another replica to read from
      const BytesView records = told.view();
      const auto part = parts_.find(position);
      const auto wanted = underway.wanted.find(position);
      if (told.broken() || part == parts_.end() || wanted == underway.wanted.end()) continue;
      told_of.insert(position);
      if (wanted->second.number != part->second.number) continue;  // it was started anew since
      if (code != 0) {
        brokers_.forget_leader(position);
        later(part->second, code);
        continue;
      }
      part->second.code = 0;
      part->second.why.clear();
      part->second.pause_ms = 0;
      part->second.end = visibility_ == Visibility::durable && committed >= 0 ? committed : written;
      std::sort(aborted.begin(), aborted.end());
      take(part->second, records, underway.answer, std::move(aborted));
    }
  }
  for (const auto& [position, wanted] : underway.wanted) {
    const auto part = parts_.find(position);
    if (part == parts_.end() || told_of.contains(position)) continue;
    later(part->second, of_all != 0 ? of_all : kGone);
  }
}

// Behind what was given up lies its mark: until then its writer's records are not for those who want only
// what is committed.
void Fetcher::take(Part& part, BytesView records, const std::shared_ptr<const Buffer>& answer,
                   Aborted aborted) {
  std::set<int64_t> given_up;
  auto next = aborted.begin();
  const size_t size = records.size();
  while (true) {
    const auto taken = take_batch(records);
    if (!taken.ok()) {
      later(part, RD_KAFKA_RESP_ERR_INVALID_MSG,
            "from offset " + std::to_string(part.next) + " on " + taken.error().message);
      return;
    }
    if (!*taken) break;
    const StoredBatch& batch = **taken;
    if (batch.next <= part.next) continue;
    for (; next != aborted.end() && next->first < batch.next; ++next) given_up.insert(next->second);
    const bool lost = batch.transactional && !batch.control && given_up.contains(batch.writer);
    if (batch.control) {
      const auto mark = gives_up(batch);
      if (mark.ok() && *mark) given_up.erase(batch.writer);
    }
    hold(part, batch, batch.control || lost ? nullptr : answer);
  }
  const bool none = records.size() == size && size > 0;
  part.share = none ? std::max(part.share, cut_off(records)) : options_.fetch_bytes;
}

void Fetcher::hold(Part& part, const StoredBatch& batch, const std::shared_ptr<const Buffer>& answer) {
  part.next = batch.next;
  const bool gap = answer == nullptr;
  if (gap && !part.held.empty() && part.held.back().answer == nullptr) {
    part.held.back().next = batch.next;
    return;
  }
  Held held{.answer = answer, .batch = batch, .next = batch.next};
  if (gap) held.batch.list = {};
  held_bytes_ += held.batch.list.size();
  part.held.push_back(std::move(held));
}

void Fetcher::wait(Duration wait) {
  std::vector<pollfd> sockets;
  for (const auto& [address, underway] : underway_) {
    const int socket = brokers_.socket(address);
    if (socket < 0) return;
    sockets.push_back({.fd = socket, .events = POLLIN, .revents = 0});
  }
  const int64_t now = now_ns();
  for (const auto& [position, part] : parts_) {
    if (part.again_ns > now) wait = std::min(wait, Duration((part.again_ns - now) / kMsNs + 1));
  }
  ::poll(sockets.data(), sockets.size(), static_cast<int>(wait.count()));
}

void Fetcher::listen(const Ears& ears) const {
  for (const auto& [address, underway] : underway_) {
    if (const int socket = brokers_.socket(address); socket >= 0) ears.listen(socket);
  }
}

}  // namespace tradewind::log::kafka
