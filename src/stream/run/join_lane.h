#pragma once
// JoinLane: one query that reads several topics, merged by the times of their records. It shares them with no
// other query, for its place in each hangs on the others.
//
// Threads: its worker's.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "stream/ops/merged_rows.h"
#include "stream/run/lane.h"
#include "stream/run/merged_topics.h"
#include "stream/run/reader.h"
#include "stream/topology.h"

namespace tradewind::stream {

struct JoinLane {
  std::string query;
  int32_t home = 0;  // the state partition that holds everything of it
  std::unique_ptr<MergedTopics> topics;
  std::vector<std::unique_ptr<Reader>> readers;       // by input
  std::map<std::string, std::vector<size_t>> inputs;  // topic -> who reads it, left first
  int64_t last_record_ms = 0;                         // wall time
  bool paused = false;
  Rest rest;
  int64_t last_empty_ms = INT64_MIN;  // wall time of the last look that found nothing
  bool undecoded = false;             // the last read ended where a schema is not to be had; it comes again
  bool torn = false;                  // rows were read that `take` has not had: they do not come again

  static Result<std::unique_ptr<JoinLane>> open(const Topology& topology, log::Log& log,
                                                schema::Registry& registry, log::Visibility visibility,
                                                const log::Offsets& places);
  // How long no record has come.
  int64_t silence_ms() const { return last_empty_ms == INT64_MIN ? 0 : last_empty_ms - last_record_ms; }

  // Reads about `most` records and gives them to `take`; those that were read before an error, too. What
  // cannot be decoded (unavailable) is read again the next time.
  Result<size_t> read(Duration wait, size_t most, size_t rows_per_batch,
                      const std::function<void(RowNote)>& note,
                      const std::function<Result<>(const MergedRows&)>& take);

 private:
  using Note = std::function<void(RowNote)>;
  // Records of one fetch that lie side by side, for one input.
  struct Stretch {
    const log::Position* position = nullptr;
    std::span<const log::RecordView> records;
    std::shared_ptr<const void> buffer;
    size_t input = 0;
  };
  size_t collect(const MergedTopics::Run& run, std::vector<Stretch>& stretches,
                 std::vector<MergedRows::Run>& runs) const;
  Result<MergedRows> decode(const std::vector<Stretch>& stretches, std::vector<MergedRows::Run> runs,
                            const Note& note);
  Result<> go_back(const std::vector<Stretch>& stretches);
};

// Where a query with several inputs begins: tables at their beginning, for a table is all of its topic;
// streams there too if `earliest`, else at their end.
Result<log::Offsets> first_places(const Topology& topology, log::Log& log, log::Visibility visibility,
                                  bool earliest);

}  // namespace tradewind::stream
