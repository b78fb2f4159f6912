// The platform's figures as Prometheus reads them.
#include "ingest/metrics.h"
#include "log/metrics.h"
#include "net/metrics.h"
#include "server/server.h"
#include "stream/metrics.h"
#include "telemetry/exposition.h"
#include "telemetry/process.h"

namespace tradewind::server {
namespace {

void add_log(telemetry::Scrape& scrape, const log::LogFigures& figures) {
  scrape.add(log::kRecords, static_cast<double>(figures.records));
  scrape.add(log::kPayloadBytes, static_cast<double>(figures.payload_bytes));
  scrape.add(log::kWrittenBytes, static_cast<double>(figures.bytes_written));
  scrape.add(log::kSyncs, static_cast<double>(figures.syncs));
  scrape.add(log::kSyncSeconds, static_cast<double>(figures.sync_ns) / 1e9);
  scrape.add(log::kSegments, static_cast<double>(figures.segments));
  scrape.add(log::kBytes, static_cast<double>(figures.bytes));
  scrape.add(log::kLiveBytes, static_cast<double>(figures.live_bytes));
  scrape.add(log::kReclaimedBytes, static_cast<double>(figures.reclaimed_bytes));
  scrape.add(log::kMovedBytes, static_cast<double>(figures.moved_bytes));
  scrape.add(log::kCompactedRecords, static_cast<double>(figures.compacted_records));
  scrape.add(log::kExpiredRecords, static_cast<double>(figures.expired_records));
  scrape.add(log::kSyncWaiting, figures.sync_waiting_seconds);
  scrape.add(log::kKeeperFailed, figures.keeper_failed ? 1 : 0);
  scrape.add(log::kDoubts, static_cast<double>(figures.doubts_committed),
             std::array{std::string_view("committed")});
  scrape.add(log::kDoubts, static_cast<double>(figures.doubts_given_up),
             std::array{std::string_view("given_up")});
  scrape.add(log::kLeftOpen, static_cast<double>(figures.left_open_closed));
  scrape.add(log::kDurabilityFsync, figures.durability == log::Durability::fsync ? 1 : 0);
}

void add_topic(telemetry::Scrape& scrape, const log::TopicFigures& topic) {
  const std::array labels{std::string_view(topic.name)};
  scrape.add(log::kTopicRecords, static_cast<double>(topic.records), labels);
  scrape.add(log::kTopicBytes, static_cast<double>(topic.bytes), labels);
  scrape.add(log::kTopicHeldBytes, static_cast<double>(topic.held_bytes), labels);
}

void add_runtime(telemetry::Scrape& scrape, const stream::RuntimeFigures& figures) {
  scrape.add(stream::kRows, static_cast<double>(figures.rows));
  scrape.add(stream::kCommits, static_cast<double>(figures.commits));
  scrape.add(stream::kCommitSeconds, static_cast<double>(figures.commit_ns) / 1e9);
  scrape.add(stream::kBadRecords, static_cast<double>(figures.bad_records));
  scrape.add(stream::kGoneRecords, static_cast<double>(figures.gone_records));
  scrape.add(stream::kUntrimmed, static_cast<double>(figures.untrimmed_partitions));
  scrape.add(stream::kTooLarge, static_cast<double>(figures.too_large));
  scrape.add(stream::kStateBytes, static_cast<double>(figures.state_bytes));
  scrape.add(stream::kRestoreSeconds, figures.restore_seconds);
  scrape.add(stream::kRestoreRecords, static_cast<double>(figures.restore_records));
  scrape.add(stream::kRestoredRecords, static_cast<double>(figures.restored_records));
  scrape.add(stream::kHeartbeatAge, figures.silent_seconds);
}

void add_query(telemetry::Scrape& scrape, const stream::QueryStatus& query) {
  const std::array labels{std::string_view(query.name)};
  scrape.add(stream::kQueryRunning, query.running ? 1 : 0, labels);
  scrape.add(stream::kQueryRowsIn, static_cast<double>(query.rows_in), labels);
  scrape.add(stream::kQueryRowsOut, static_cast<double>(query.rows_out), labels);
  scrape.add(stream::kQueryLateRows, static_cast<double>(query.late_rows), labels);
  scrape.add(stream::kQueryBadRows, static_cast<double>(query.bad_rows), labels);
  scrape.add(stream::kQueryLag, static_cast<double>(query.lag), labels);
  scrape.add(stream::kQueryLagSeconds, query.lag_seconds, labels);
  scrape.add(stream::kQueryStateBytes, static_cast<double>(query.state_bytes), labels);
}

}  // namespace

std::vector<const telemetry::Metric*> all_metrics() {
  std::vector<const telemetry::Metric*> all;
  all.insert(all.end(), log::kMetrics.begin(), log::kMetrics.end());
  all.insert(all.end(), stream::kMetrics.begin(), stream::kMetrics.end());
  all.insert(all.end(), ingest::kMetrics.begin(), ingest::kMetrics.end());
  all.insert(all.end(), net::kMetrics.begin(), net::kMetrics.end());
  all.insert(all.end(), telemetry::kProcessMetrics.begin(), telemetry::kProcessMetrics.end());
  return all;
}

net::Response Server::metrics() const {
  telemetry::Scrape scrape;
  for (const telemetry::Metric* metric : all_metrics()) scrape.declare(*metric);
  add_log(scrape, parts_.log.figures());
  for (const log::TopicFigures& topic : parts_.log.topic_figures()) add_topic(scrape, topic);
  if (const auto room = parts_.log.room(); room.ok()) {
    scrape.add(log::kFreeBytes, static_cast<double>(room->free));
    scrape.add(log::kDiskBytes, static_cast<double>(room->total));
  }
  add_runtime(scrape, parts_.engine.figures());
  for (const stream::QueryStatus& query : parts_.engine.status()) add_query(scrape, query);
  telemetry::add_process(scrape);
  scrape.add(parts_.metrics);
  net::Response response;
  response.content_type = telemetry::kExpositionType;
  response.body = scrape.text();
  return response;
}

}  // namespace tradewind::server
