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

inline constexpr std::array kMetrics{&kRecords,     &kPayloadBytes, &kWrittenBytes, &kSyncs,
                                     &kSyncSeconds, &kSyncDuration, &kSegments,     &kDurabilityFsync};

}  // namespace tradewind::log
