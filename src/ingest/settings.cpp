#include "base/options.h"
#include "ingest/ingestor.h"

namespace tradewind::ingest {

void IngestOptions::fields(Options& options) {
  options.number("ingest.most_events", most_events, {1, 1'000'000},
                 "Events in one request; more are refused.");
  options.number(
      "ingest.quota_rate", quota_rate, {0, 1'000'000'000},
      "Events a second that one client may send, by its key or else its address; more are answered 429. "
      "0: no limit.");
  options.number("ingest.quota_reserve", quota_reserve, {1, 1'000'000'000},
                 "Events that a client which was quiet may send at once, beyond its rate.");
  options.number(
      "ingest.most_ids", most_ids, {1'000, 100'000'000},
      "Event ids that are remembered, so that an event sent twice counts once; 30 to 45 bytes each.");
  options.duration("ingest.ids_kept", ids_kept, {Duration(60'000), Duration(30 * 86'400'000LL)},
                   "How long an event id is remembered at most.");
  options.duration(
      "ingest.most_ahead", most_ahead, {Duration(0), Duration(366LL * 86'400'000)},
      "How far ahead of the clock the time of an event may lie; beyond it is rejected, for it would close "
      "windows that are still to come. 0: no limit.");
}

}  // namespace tradewind::ingest
