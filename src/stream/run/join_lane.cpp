#include "stream/run/join_lane.h"

#include <algorithm>

namespace tradewind::stream {

Result<std::unique_ptr<JoinLane>> JoinLane::open(const Topology& topology, log::Log& log,
                                                 schema::Registry& registry, log::Visibility visibility,
                                                 const log::Offsets& places) {
  auto lane = std::make_unique<JoinLane>();
  lane->query = topology.name;
  std::vector<std::string> topics;
  for (size_t i = 0; i < topology.input_count(); ++i) {
    const SourceSpec& source = topology.input(i);
    lane->readers.push_back(TRY(Reader::make(source, registry)));
    std::vector<size_t>& readers = lane->inputs[source.topic];
    if (readers.empty()) topics.push_back(source.topic);
    readers.push_back(i);
  }
  lane->topics = TRY(MergedTopics::open(log, visibility, topics, places));
  return lane;
}

Result<size_t> JoinLane::read(Duration wait, size_t most, size_t rows_per_batch,
                              const std::function<void(RowNote)>& note,
                              const std::function<Result<>(const Batch&, size_t)>& take) {
  TRY(topics->look(wait, most));
  size_t read = 0;
  while (read < most) {
    // A topic that two inputs read is given record by record, to the left one first.
    const size_t longest = inputs.size() < readers.size() ? 1 : std::min(rows_per_batch, most - read);
    const auto run = TRY(topics->next(longest));
    if (!run) break;
    read += run->records.size();
    for (const size_t input : inputs.at(run->position->topic)) {
      const Batch rows = TRY(readers[input]->read(run->records, run->position->partition, run->buffer, note));
      if (rows.rows() > 0) TRY(take(rows, input));
    }
  }
  return read;
}

Result<log::Offsets> first_places(const Topology& topology, log::Log& log, log::Visibility visibility,
                                  bool earliest) {
  log::Offsets places;
  for (size_t i = 0; i < topology.input_count(); ++i) {
    const SourceSpec& source = topology.input(i);
    const auto spec = TRY(log.topic(source.topic));
    for (int32_t p = 0; p < spec.partitions; ++p) {
      const log::Position position{source.topic, p};
      const auto bounds = TRY(log.bounds(position, visibility));
      const log::Offset first = earliest || source.table ? bounds.begin : bounds.end;
      const auto [at, added] = places.emplace(position, first);
      if (!added) at->second = std::min(at->second, first);
    }
  }
  return places;
}

}  // namespace tradewind::stream
