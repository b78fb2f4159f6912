#include "cli/shop_over_http.h"

#include <algorithm>
#include <cstdio>

#include "apps/shop/topics.h"
#include "apps/simulate/event_writer.h"
#include "base/json.h"

namespace tradewind::cli {

using simulate::kTopics;
using simulate::Topic;

ShopOverHttp::ShopOverHttp(const std::string& url, const std::string& producer, Clock& clock)
    : server_(url, clock), producer_(producer) {}

Result<std::unique_ptr<ShopOverHttp>> ShopOverHttp::open(const std::string& url,
                                                         const simulate::SimulationOptions& options,
                                                         const std::string& producer, Clock& clock) {
  std::unique_ptr<ShopOverHttp> made(new ShopOverHttp(url, producer, clock));
  made->shop_ = TRY(simulate::Simulation::create(options));
  for (size_t topic = 0; topic < kTopics; ++topic) {
    made->schemas_[topic] = TRY(schema::AvroSchema::parse(schema_of(static_cast<Topic>(topic))));
    made->last_[topic] = TRY(made->server_.last_sequence(made->producer_of(topic)));
  }
  TRY(made->declare_truth());
  return made;
}

Result<> ShopOverHttp::declare_truth() {
  const std::string topic = name_of(Topic::truth);
  Json schema = Json::object();
  schema.set("schema", Json::string(schema_of(Topic::truth)));
  Json statement = Json::object();
  statement.set(
      "ksql",
      Json::string(
          "CREATE STREAM IF NOT EXISTS simulated_truth (truth_key VARCHAR KEY) WITH (KAFKA_TOPIC = '" +
          topic + "', PARTITIONS = " + std::to_string(shop::kShopPartitions) +
          ", KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'event_time');"));
  for (const auto& [target, body] :
       {std::pair("/subjects/" + topic + "-value/versions", schema.dump()), {"/ksql", statement.dump()}}) {
    const auto answer = TRY(server_.ask(target, body));
    if (answer.status != 200)
      return Error{Code::io, "the server does not take the topic " + topic + ": " + answer.body};
  }
  return {};
}

std::string ShopOverHttp::producer_of(size_t topic) const {
  return producer_ + "-" + name_of(static_cast<Topic>(topic));
}

uint64_t ShopOverHttp::there_already() const {
  return static_cast<uint64_t>(std::max<int64_t>(*std::max_element(last_.begin(), last_.end()), 0));
}

// The events of the batch that are not there yet, by topic. True: there is one.
bool ShopOverHttp::gather(uint64_t first_number) {
  bool any = false;
  for (std::string& body : bodies_) body.clear();
  for (size_t i = 0; i < batch_.size(); ++i) {
    const simulate::EventView event = batch_[i];
    const auto topic = static_cast<size_t>(event.topic);
    if (static_cast<int64_t>(first_number + i) <= last_[topic]) continue;
    bodies_[topic] += bodies_[topic].empty() ? "[" : ",";
    const simulate::EventJson json(schemas_[topic]->root());
    if (!json.append(event.value.substr(simulate::EventBatch::kHeaderBytes), bodies_[topic])) std::abort();
    any = true;
  }
  return any;
}

Result<size_t> ShopOverHttp::send(Timestamp until, size_t most) {
  batch_.clear();
  const uint64_t before = shop_->sent();
  shop_->run(until, most, batch_);
  if (!gather(before + 1)) return batch_.size();
  const auto number = static_cast<int64_t>(shop_->sent());
  for (size_t topic = 0; topic < kTopics; ++topic) {
    if (bodies_[topic].empty()) continue;
    const char* name = name_of(static_cast<Topic>(topic));
    const auto taken = TRY(server_.post(name, bodies_[topic] + "]", {producer_of(topic), number}));
    last_[topic] = number;
    rejected_ += static_cast<int64_t>(taken.rejected.size());
    for (const ingest::Rejected& event : taken.rejected)
      std::fprintf(stderr, "tradewind: an event of %s is rejected: %s\n", name, event.error.c_str());
  }
  return batch_.size();
}

}  // namespace tradewind::cli
