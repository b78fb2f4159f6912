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

// Puts a run behind the stretches it continues, or begins new ones, for each input that reads the topic.
size_t JoinLane::collect(const MergedTopics::Run& run, std::vector<Stretch>& stretches,
                         std::vector<MergedRows::Run>& runs) const {
  for (const size_t input : inputs.at(run.position->topic)) {
    const auto goes_on = [&](const Stretch& stretch) {
      return stretch.position == run.position && stretch.input == input &&
             stretch.records.data() + stretch.records.size() == run.records.data();
    };
    auto at = std::find_if(stretches.rbegin(), stretches.rend(), goes_on);
    if (at == stretches.rend()) {
      stretches.push_back({run.position, run.records.first(0), run.buffer, input});
      at = stretches.rbegin();
    }
    const auto from = static_cast<uint32_t>(at->records.size());
    const auto to = static_cast<uint32_t>(from + run.records.size());
    at->records = std::span(at->records.data(), to);
    runs.push_back({static_cast<uint32_t>(stretches.rend() - at - 1), from, to});
  }
  return run.records.size();
}

// Each stretch as one batch; where records are bad, run by run, so that it is known which are left out.
Result<MergedRows> JoinLane::decode(const std::vector<Stretch>& stretches, std::vector<MergedRows::Run> runs,
                                    const Note& note) {
  MergedRows rows;
  for (const Stretch& stretch : stretches) {
    rows.parts.push_back(
        {stretch.input, TRY(readers[stretch.input]->read(stretch.records, stretch.position->partition,
                                                         stretch.buffer, note))});
  }
  for (MergedRows::Run& run : runs) {
    const Stretch& stretch = stretches[run.part];
    if (rows.parts[run.part].rows.rows() == stretch.records.size()) continue;
    const Batch left = TRY(readers[stretch.input]->read(stretch.records.subspan(run.from, run.to - run.from),
                                                        stretch.position->partition, stretch.buffer,
                                                        [](const RowNote&) {}));  // noted above
    run = {static_cast<uint32_t>(rows.parts.size()), 0, static_cast<uint32_t>(left.rows())};
    rows.parts.push_back({stretch.input, left});
  }
  rows.runs = std::move(runs);
  return rows;
}

// The records of the stretches are given again.
Result<> JoinLane::go_back(const std::vector<Stretch>& stretches) {
  log::Offsets first;
  for (const Stretch& stretch : stretches) {
    const log::Offset offset = stretch.records.front().offset;
    const auto [at, added] = first.emplace(*stretch.position, offset);
    if (!added) at->second = std::min(at->second, offset);
  }
  return topics->go_back(first);
}

Result<size_t> JoinLane::read(Duration wait, size_t most, size_t rows_per_batch, const Note& note,
                              const std::function<Result<>(const MergedRows&)>& take) {
  undecoded = false;
  TRY(topics->look(wait, most));
  // A topic that two inputs read is given record by record, to the left one first.
  const size_t longest = inputs.size() < readers.size() ? 1 : rows_per_batch;
  size_t read = 0;
  while (read < most) {
    std::vector<Stretch> stretches;
    std::vector<MergedRows::Run> runs;
    const size_t before = read;
    Result<> readable;
    while (read < most && read - before < rows_per_batch) {
      const auto run = topics->next(std::min(longest, most - read));
      if (!run.ok()) readable = run.error();
      if (!run.ok() || !*run) break;
      read += collect(**run, stretches, runs);
    }
    if (!runs.empty()) {
      torn = true;
      std::vector<RowNote> notes;  // told once, however often it is tried
      const auto rows =
          decode(stretches, std::move(runs), [&](RowNote told) { notes.push_back(std::move(told)); });
      if (!rows.ok()) {
        TRY(go_back(stretches));
        torn = false;
        undecoded = true;
        return rows.error();
      }
      for (RowNote& told : notes) note(std::move(told));
      TRY(take(*rows));
      torn = false;
      topics->forget_given();
    }
    TRY(std::move(readable));
    if (read == before) break;
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
