#include "stream/run/merged_topics.h"

#include <algorithm>

#include "stream/run/lost_place.h"

namespace tradewind::stream {

Result<std::unique_ptr<MergedTopics>> MergedTopics::open(log::Log& log, log::Visibility visibility,
                                                         const std::vector<std::string>& topics,
                                                         const log::Offsets& places) {
  auto made = std::make_unique<MergedTopics>();
  for (const auto& [position, next] : places) made->places_[position] = {.next = next, .changed = true};
  for (const std::string& topic : topics) {
    for (auto& [position, place] : made->places_) {
      if (position.topic != topic) continue;
      Head head;
      head.position = &position;
      head.place = &place;
      head.order = made->heads_.size();
      head.consumer = TRY(log.consumer(visibility));
      TRY(head.consumer->assign(position, place.next));
      made->heads_.push_back(std::move(head));
    }
  }
  return made;
}

Result<> MergedTopics::fetch(Head& head, Duration wait) {
  std::vector<log::FetchedBatch> fetched = TRY(head.consumer->poll(wait, records_per_fetch_));
  head.empty = fetched.empty();
  for (log::FetchedBatch& batch : fetched) {
    if (batch.beyond_end()) return beyond_end(batch);
    if (batch.gone > 0) gone_[batch.position] += batch.gone;
    head.batches.push_back(std::move(batch));
  }
  pass(head);
  return {};
}

// Leaves behind what has been given, and batches without records.
void MergedTopics::pass(Head& head) {
  while (!head.batches.empty()) {
    const log::FetchedBatch& batch = head.batches.front();
    const bool all = head.at == batch.records.size();
    const log::Offset next = all ? batch.next : batch.records[head.at].offset;
    head.place->end = std::max(batch.end, batch.next);
    head.place->changed = head.place->changed || next != head.place->next;
    head.place->next = next;
    if (!all) return;
    head.batches.pop_front();
    head.at = 0;
  }
}

Result<> MergedTopics::look(Duration wait, size_t records_per_fetch) {
  records_per_fetch_ = records_per_fetch;
  bool any = false;
  for (Head& head : heads_) {
    if (!head.has_record()) TRY(fetch(head, Duration(0)));
    any = any || !head.empty;
  }
  if (any || wait.count() == 0 || heads_.empty()) return {};
  // One partition at a time can be waited for: each gets a part of the time, and none keeps the others
  // waiting for long.
  constexpr Duration kMostPart(5);
  const Duration part = std::clamp(wait / static_cast<int64_t>(heads_.size()), Duration(1), kMostPart);
  for (Duration waited(0); waited < wait && !any; waited += part) {
    waited_for_ = (waited_for_ + 1) % heads_.size();
    TRY(fetch(heads_[waited_for_], part));
    any = !heads_[waited_for_].empty;
  }
  return {};
}

Result<std::optional<MergedTopics::Run>> MergedTopics::next(size_t most) {
  Head* first = nullptr;
  Head* second = nullptr;
  for (Head& head : heads_) {
    while (!head.has_record() && !head.empty) TRY(fetch(head, Duration(0)));
    if (!head.has_record()) continue;
    if (first == nullptr || head.before(*first)) {
      second = first;
      first = &head;
    } else if (second == nullptr || head.before(*second)) {
      second = &head;
    }
  }
  if (first == nullptr) return std::optional<Run>();
  log::FetchedBatch& batch = first->batches.front();
  first->place->oldest_ms = std::min(first->place->oldest_ms, batch.appended.ms);
  const size_t from = first->at;
  const size_t end = std::min(from + most, batch.records.size());
  while (first->at < end && (second == nullptr || first->before(*second))) ++first->at;
  const Run run{.position = first->position,
                .records = std::span(batch.records).subspan(from, first->at - from),
                .buffer = batch.buffer};
  if (first->at < batch.records.size()) {
    pass(*first);
    return std::optional(run);
  }
  given_.push_back(std::move(batch));
  first->place->end = std::max(given_.back().end, given_.back().next);
  first->place->next = given_.back().next;
  first->place->changed = true;
  first->batches.pop_front();
  first->at = 0;
  pass(*first);
  return std::optional(run);
}

Result<> MergedTopics::go_back(const log::Offsets& places) {
  for (Head& head : heads_) {
    const auto to = places.find(*head.position);
    if (to == places.end()) continue;
    head.batches.clear();
    head.at = 0;
    head.empty = false;
    head.place->next = to->second;
    head.place->changed = true;
    TRY(head.consumer->assign(*head.position, to->second));
  }
  given_.clear();
  return {};
}

void MergedTopics::settled() {
  for (auto& [position, place] : places_) {
    place.changed = false;
    place.oldest_ms = INT64_MAX;
  }
}

}  // namespace tradewind::stream
