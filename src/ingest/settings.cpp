#include "base/options.h"
#include "ingest/ingestor.h"

namespace tradewind::ingest {

void IngestOptions::fields(Options& options) {
  options.number("ingest.most_events", most_events, {1, 1'000'000},
                 "Events in one request; more are refused.");
  options.number(
      "ingest.most_ids", most_ids, {1'000, 100'000'000},
      "Event ids that are remembered, so that an event sent twice counts once; about 80 bytes each.");
  options.duration("ingest.ids_kept", ids_kept, {Duration(60'000), Duration(30 * 86'400'000LL)},
                   "How long an event id is remembered at most.");
}

}  // namespace tradewind::ingest
