#include "cli/shop_feed.h"

#include <algorithm>

#include "apps/shop/topics.h"
#include "apps/simulate/event_writer.h"
#include "base/coding.h"
#include "base/hash.h"
#include "log/partitioner.h"

namespace tradewind::cli {
namespace {

using simulate::kTopics;
using simulate::Topic;

constexpr uint64_t kEventsBetweenSaves = 200'000;
constexpr int64_t kTruthBytes = int64_t{16} << 20;    // of a partition, that are kept
constexpr size_t kMostSavedBytes = size_t{32} << 20;  // a transaction of the log takes twice that

Result<> declare_truth(log::Log& log, schema::Registry& registry) {
  const std::string topic = name_of(Topic::truth);
  if (!log.topic(topic).ok())
    TRY(log.create_topic({.name = topic,
                          .partitions = shop::kShopPartitions,
                          .retention = Duration(-1),
                          .retention_bytes = kTruthBytes}));
  TRY(registry.register_schema(topic + "-value", schema::SchemaKind::avro, schema_of(Topic::truth)));
  return {};
}

// The id under which the registry knows the shipped text, which is how events are encoded.
Result<int32_t> id_of(schema::Registry& registry, Topic topic) {
  const auto known = TRY(registry.register_schema(std::string(name_of(topic)) + "-value",
                                                  schema::SchemaKind::avro, schema_of(topic)));
  return known.id;
}

}  // namespace

ShopFeed::ShopFeed(log::Log& log, ingest::Ingestor& ingestor, ShopFeedOptions options)
    : log_(log), ingestor_(ingestor), options_(std::move(options)) {}

Result<std::unique_ptr<ShopFeed>> ShopFeed::open(log::Log& log, schema::Registry& registry,
                                                 ingest::Ingestor& ingestor, ShopFeedOptions options,
                                                 Timestamp now) {
  TRY(declare_truth(log, registry));
  std::unique_ptr<ShopFeed> feed(new ShopFeed(log, ingestor, std::move(options)));
  size_t partitions = 0;
  for (size_t i = 0; i < kTopics; ++i) {
    const auto topic = static_cast<Topic>(i);
    feed->options_.shop.schema_ids[i] = TRY(id_of(registry, topic));
    feed->partitions_[i] = TRY(log.topic(name_of(topic))).partitions;
    partitions += static_cast<size_t>(feed->partitions_[i]);
  }
  feed->records_.resize(partitions);
  TRY(feed->start(now));
  return feed;
}

Result<> ShopFeed::start(Timestamp now) {
  const int64_t last = TRY(ingestor_.last_sequence(options_.producer));
  const auto sent = static_cast<uint64_t>(std::max<int64_t>(last, 0));
  if (!options_.saved) {
    TRY(begin(options_.shop.from));
    return shop_->forward_to(sent);
  }
  TRY(log_.create_topic(
      {.name = kSimulatorTopic, .cleanup = log::Cleanup::compact, .retention = Duration(-1)}));
  const auto saved = TRY(last_saved());
  if (saved && go_on(*saved, sent, now).ok()) return {};
  if (sent == 0) return begin(now - options_.history);
  // Nobody knows any more how that shop stood: another one opens, with ids of its own.
  base_ = sent;
  options_.shop.seed = mix64(options_.shop.seed, sent);
  return begin(now);
}

Result<> ShopFeed::begin(Timestamp from) {
  options_.shop.from = from;
  shop_ = TRY(simulate::Simulation::create(options_.shop));
  return {};
}

Result<std::optional<Bytes>> ShopFeed::last_saved() {
  const log::Position position{kSimulatorTopic, 0};
  const auto bounds = TRY(log_.bounds(position, log::Visibility::durable));
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  TRY(consumer->assign(position, bounds.begin));
  std::optional<Bytes> last;
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1'000), 10))) {
      if (!batch.records.empty()) last = Bytes(batch.records.back().value.value_or(BytesView()));
      next = batch.next;
    }
  }
  return last;
}

// What was saved: events of earlier shops, seed, beginning and volume of this one, and the shop.
std::optional<Bytes> ShopFeed::state() const {
  Bytes out;
  put_fixed(out, base_);
  put_fixed(out, options_.shop.seed);
  put_fixed(out, options_.shop.from.ms);
  put_fixed(out, options_.shop.volume);
  out += shop_->save();
  if (out.size() > kMostSavedBytes) return std::nullopt;
  return out;
}

Result<> ShopFeed::go_on(BytesView saved, uint64_t last, Timestamp now) {
  simulate::SimulationOptions shop = options_.shop;
  uint64_t base = 0;
  if (!get_fixed(saved, base) || !get_fixed(saved, shop.seed) || !get_fixed(saved, shop.from.ms) ||
      !get_fixed(saved, shop.volume) || last < base)
    return Error{Code::corrupt, "what was saved of the shop is cut short"};
  auto was = TRY(simulate::Simulation::create(shop));
  TRY(was->load(saved));
  TRY(was->forward_to(last - base));
  base_ = base;
  was->set_volume(options_.shop.volume);
  const Timestamp earliest = now - options_.caught_up;
  if (was->now() < earliest) was->pause(earliest - was->now());
  shop.volume = options_.shop.volume;
  options_.shop = shop;
  shop_ = std::move(was);
  return {};
}

void ShopFeed::gather(std::vector<log::Appending>& appendings) {
  for (auto& records : records_) records.clear();
  std::array<size_t, kTopics> first{};
  for (size_t i = 1; i < kTopics; ++i) first[i] = first[i - 1] + static_cast<size_t>(partitions_[i - 1]);
  for (size_t i = 0; i < batch_.size(); ++i) {
    const simulate::EventView event = batch_[i];
    const auto topic = static_cast<size_t>(event.topic);
    const auto partition = static_cast<size_t>(log::partition_of(event.key, partitions_[topic]));
    records_[first[topic] + partition].push_back(
        {.key = event.key, .value = event.value, .time = event.time});
  }
  for (size_t topic = 0; topic < kTopics; ++topic) {
    for (int32_t partition = 0; partition < partitions_[topic]; ++partition) {
      const auto& records = records_[first[topic] + static_cast<size_t>(partition)];
      if (!records.empty()) appendings.push_back({{name_of(static_cast<Topic>(topic)), partition}, records});
    }
  }
}

Result<size_t> ShopFeed::send(Timestamp until, size_t most) {
  batch_.clear();
  shop_->run(until, most, batch_);
  if (batch_.size() == 0) return size_t{0};
  std::vector<log::Appending> appendings;
  gather(appendings);
  std::optional<Bytes> state;
  const bool saving = options_.saved && (save_next_ || shop_->sent() - saved_at_ >= kEventsBetweenSaves);
  if (saving) state = this->state();
  const log::RecordView record{
      .key = BytesView("shop"), .value = state ? BytesView(*state) : BytesView(), .time = until};
  if (state) appendings.push_back({{kSimulatorTopic, 0}, {&record, 1}});
  TRY(ingestor_.append(appendings, {options_.producer, static_cast<int64_t>(sent())}, batch_.size()));
  if (saving) {
    save_next_ = false;
    saved_at_ = shop_->sent();
    TRY(forget_older_states());
  }
  return batch_.size();
}

Result<> ShopFeed::save() {
  if (!options_.saved || shop_->sent() == 0) return {};
  const auto state = this->state();
  if (!state) return {};
  const log::RecordView record{.key = BytesView("shop"), .value = BytesView(*state), .time = shop_->now()};
  const log::Appending appending{{kSimulatorTopic, 0}, {&record, 1}};
  TRY(ingestor_.append({&appending, 1}, {"", -1}, 0));
  return forget_older_states();
}

Result<> ShopFeed::forget_older_states() {
  const log::Position position{kSimulatorTopic, 0};
  const auto bounds = TRY(log_.bounds(position, log::Visibility::durable));
  return bounds.end > 1 ? log_.trim(position, bounds.end - 1) : Result<>();
}

}  // namespace tradewind::cli
