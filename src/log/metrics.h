#pragma once
// What the log tells of itself.

#include <array>

#include "telemetry/metrics.h"

namespace tradewind::log {

using telemetry::Kind;
using telemetry::Metric;

inline constexpr Metric kRecords{
    .name = "tw_log_records_total", .kind = Kind::counter, .sentence = "Records appended since the start."};
inline constexpr Metric kPayloadBytes{
    .name = "tw_log_payload_bytes_total", .kind = Kind::counter, .sentence = "Bytes of batches appended."};
inline constexpr Metric kWrittenBytes{.name = "tw_log_written_bytes_total",
                                      .kind = Kind::counter,
                                      .sentence = "Bytes the journal wrote to the disk."};
inline constexpr Metric kSyncs{
    .name = "tw_log_syncs_total", .kind = Kind::counter, .sentence = "Times the journal was synced."};
inline constexpr Metric kSyncSeconds{
    .name = "tw_log_sync_seconds_total", .kind = Kind::counter, .sentence = "Time spent syncing."};
inline constexpr Metric kSyncDuration{.name = "tw_log_sync_duration_seconds",
                                      .kind = Kind::histogram,
                                      .sentence = "How long one sync of the journal took."};
inline constexpr Metric kSegments{
    .name = "tw_log_segments", .kind = Kind::gauge, .sentence = "Segments of the journal."};
inline constexpr Metric kDurabilityFsync{
    .name = "tw_log_durability_fsync",
    .kind = Kind::gauge,
    .sentence = "1: acknowledged means on the disk; 0: handed to the operating system."};

inline constexpr Metric kBytes{
    .name = "tw_log_bytes", .kind = Kind::gauge, .sentence = "Size of the journal's files."};
inline constexpr Metric kLiveBytes{.name = "tw_log_live_bytes",
                                   .kind = Kind::gauge,
                                   .sentence = "Bytes of batches in the journal that may still be read."};
inline constexpr Metric kReclaimedBytes{.name = "tw_log_reclaimed_bytes_total",
                                        .kind = Kind::counter,
                                        .sentence = "Bytes of segments given back since the start."};
inline constexpr Metric kMovedBytes{
    .name = "tw_log_moved_bytes_total",
    .kind = Kind::counter,
    .sentence = "Bytes of batches moved to the end of the journal, so that old segments can go."};
inline constexpr Metric kCompactedRecords{
    .name = "tw_log_compacted_records_total",
    .kind = Kind::counter,
    .sentence = "Records removed because a later one of their key stands in its place."};
inline constexpr Metric kExpiredRecords{
    .name = "tw_log_expired_records_total",
    .kind = Kind::counter,
    .sentence = "Records removed because of the retention of their topic."};
inline constexpr Metric kKeeperFailed{
    .name = "tw_log_keeper_failed",
    .kind = Kind::gauge,
    .sentence = "1: the journal's space could not be kept small the last time it was tried; 0: all is well."};

inline constexpr Metric kDoubts{
    .name = "tw_log_doubtful_commits_total",
    .kind = Kind::counter,
    .labels = {"outcome"},
    .sentence =
        "Commits whose outcome brokers did not tell, by what the log then showed: committed, or given up "
        "(and written again)."};
inline constexpr Metric kLeftOpen{.name = "tw_log_left_open_closed_total",
                                  .kind = Kind::counter,
                                  .sentence =
                                      "Partitions in which a restarted broker had forgotten to end a "
                                      "transaction of this process, and which "
                                      "were closed."};

inline constexpr Metric kFreeBytes{.name = "tw_disk_free_bytes",
                                   .kind = Kind::gauge,
                                   .sentence = "Room that is left on the file system of the journal."};
inline constexpr Metric kDiskBytes{
    .name = "tw_disk_bytes", .kind = Kind::gauge, .sentence = "Size of the file system of the journal."};
inline constexpr Metric kSyncWaiting{
    .name = "tw_log_sync_waiting_seconds",
    .kind = Kind::gauge,
    .sentence = "How long the sync of the journal that is under way has taken so far; 0 when none is."};
inline constexpr Metric kTopicRecords{.name = "tw_topic_records_total",
                                      .kind = Kind::counter,
                                      .labels = {"topic"},
                                      .sentence = "Records appended to the topic since the start."};
inline constexpr Metric kTopicBytes{.name = "tw_topic_bytes_total",
                                    .kind = Kind::counter,
                                    .labels = {"topic"},
                                    .sentence = "Bytes of their keys and values."};
inline constexpr Metric kTopicHeldBytes{.name = "tw_topic_held_bytes",
                                        .kind = Kind::gauge,
                                        .labels = {"topic"},
                                        .sentence = "Bytes of the topic's batches in the journal."};

inline constexpr std::array kMetrics{
    &kRecords,          &kPayloadBytes,    &kWrittenBytes,   &kSyncs,     &kSyncSeconds,    &kSyncDuration,
    &kSegments,         &kDurabilityFsync, &kBytes,          &kLiveBytes, &kReclaimedBytes, &kMovedBytes,
    &kCompactedRecords, &kExpiredRecords,  &kKeeperFailed,   &kFreeBytes, &kDiskBytes,      &kSyncWaiting,
    &kTopicRecords,     &kTopicBytes,      &kTopicHeldBytes, &kDoubts,    &kLeftOpen};

}  // namespace tradewind::log
