#include "cli/shop_printed.h"

#include "apps/simulate/event_writer.h"
#include "base/check.h"

namespace tradewind::cli {

using simulate::EventBatch;
using simulate::kTopics;
using simulate::Topic;

ShopPrinted::ShopPrinted(std::unique_ptr<simulate::Simulation> shop, std::FILE* out)
    : shop_(std::move(shop)), out_(out) {}

Result<std::unique_ptr<ShopPrinted>> ShopPrinted::open(const std::string& topics,
                                                       const simulate::SimulationOptions& options,
                                                       std::FILE* out) {
  auto shop = TRY(simulate::Simulation::create(options));
  std::unique_ptr<ShopPrinted> printed(new ShopPrinted(std::move(shop), out));
  TRY(printed->choose(topics));
  for (size_t i = 0; i < kTopics; ++i)
    printed->schemas_[i] = TRY(schema::AvroSchema::parse(schema_of(static_cast<Topic>(i))));
  return printed;
}

Result<> ShopPrinted::choose(const std::string& topics) {
  if (topics == "all") {
    chosen_.fill(true);
    return {};
  }
  for (size_t begin = 0; begin <= topics.size();) {
    const size_t end = std::min(topics.find(',', begin), topics.size());
    const std::string name = topics.substr(begin, end - begin);
    begin = end + 1;
    std::string names;
    bool found = false;
    for (size_t i = 0; i < kTopics; ++i) {
      const char* known = name_of(static_cast<Topic>(i));
      names += (i == 0 ? "" : ", ") + std::string(known);
      if (name != known) continue;
      chosen_[i] = found = true;
    }
    if (!found)
      return Error{Code::invalid, "the shop has no topic '" + name + "'; there are " + names + ", or all"};
  }
  return {};
}

Result<size_t> ShopPrinted::send(Timestamp until, size_t most) {
  batch_.clear();
  lines_.clear();
  shop_->run(until, most, batch_);
  for (size_t i = 0; i < batch_.size(); ++i) {
    const simulate::EventView event = batch_[i];
    const auto topic = static_cast<size_t>(event.topic);
    if (!chosen_[topic]) continue;
    // Keys are ids that the shop makes: nothing in them needs an escape.
    lines_ += "{\"topic\":\"" + std::string(name_of(event.topic)) + "\",\"key\":\"";
    lines_ += event.key;
    lines_ += "\",\"event\":";
    const simulate::EventJson json(schemas_[topic]->root());
    CHECK(json.append(event.value.substr(EventBatch::kHeaderBytes), lines_));  // we encoded it
    lines_ += "}\n";
  }
  const bool written = std::fwrite(lines_.data(), 1, lines_.size(), out_) == lines_.size();
  if (written && std::fflush(out_) == 0) return batch_.size();
  return Error{Code::io, "the events could not be written to standard output"};
}

}  // namespace tradewind::cli
