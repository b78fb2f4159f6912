#pragma once
// What the runtime tells of itself and of each query.

#include <array>

#include "telemetry/metrics.h"

namespace tradewind::stream {

using telemetry::Kind;
using telemetry::Metric;

inline constexpr Metric kRows{
    .name = "tw_stream_rows_total", .kind = Kind::counter, .sentence = "Records read by workers."};
inline constexpr Metric kCommits{
    .name = "tw_stream_commits_total", .kind = Kind::counter, .sentence = "Commits of workers."};
inline constexpr Metric kCommitSeconds{
    .name = "tw_stream_commit_seconds_total", .kind = Kind::counter, .sentence = "Time spent in commits."};
inline constexpr Metric kCommitDuration{.name = "tw_stream_commit_duration_seconds",
                                        .kind = Kind::histogram,
                                        .sentence = "How long one commit of a worker took."};
inline constexpr Metric kResultDelay{
    .name = "tw_stream_result_delay_seconds",
    .kind = Kind::histogram,
    .sentence =
        "From the oldest records of a commit, when they were worked on, to the commit that holds their "
        "results. What waits before it is read shows in tw_query_lag_records."};
inline constexpr Metric kEndToEnd{
    .name = "tw_stream_end_to_end_seconds",
    .kind = Kind::histogram,
    .sentence =
        "From the append of the oldest record of a commit to the commit that holds its results, waiting "
        "and reading included; of queries behind one another each hop counts for itself. On Kafka what "
        "another "
        "process wrote counts from the record's own time, so what is replayed there shows as old."};
inline constexpr Metric kBadRecords{
    .name = "tw_stream_bad_records_total",
    .kind = Kind::counter,
    .sentence = "Records that could not be read; they are in tw.processing_log."};
inline constexpr Metric kGoneRecords{
    .name = "tw_stream_gone_records_total",
    .kind = Kind::counter,
    .sentence = "Offsets whose records were deleted before they were read; the log names the topics."};
inline constexpr Metric kTooLarge{
    .name = "tw_stream_too_large_records_total",
    .kind = Kind::counter,
    .sentence =
        "Results that were left out because a record, or their topic, takes no such size; they are told "
        "in tw.processing_log."};
inline constexpr Metric kUntrimmed{
    .name = "tw_stream_untrimmed_partitions",
    .kind = Kind::gauge,
    .sentence = "Partitions whose superfluous records the log has not let go yet; /v1/health tells why."};
inline constexpr Metric kStateBytes{
    .name = "tw_stream_state_bytes",
    .kind = Kind::gauge,
    .sentence = "Memory of all tables, with the keys that several of them share."};
inline constexpr Metric kRestoreSeconds{.name = "tw_stream_restore_seconds",
                                        .kind = Kind::gauge,
                                        .sentence = "How long restoring took at the start."};

inline constexpr Metric kRestoreRecords{.name = "tw_stream_restore_records",
                                        .kind = Kind::gauge,
                                        .sentence = "Records of state that the start has to read."};
inline constexpr Metric kRestoredRecords{.name = "tw_stream_restored_records",
                                         .kind = Kind::gauge,
                                         .sentence = "Records of state that the start has read so far."};
inline constexpr Metric kHeartbeatAge{
    .name = "tw_stream_heartbeat_age_seconds",
    .kind = Kind::gauge,
    .sentence =
        "How long the worker that is silent longest has made no step; beyond stream.stuck_after "
        "/healthz answers 503."};

inline constexpr Metric kQueryRunning{.name = "tw_query_running",
                                      .kind = Kind::gauge,
                                      .labels = {"query"},
                                      .sentence = "1 while the query runs, 0 after an error."};
inline constexpr Metric kQueryRowsIn{
    .name = "tw_query_rows_in_total", .kind = Kind::counter, .labels = {"query"}, .sentence = "Rows read."};
inline constexpr Metric kQueryRowsOut{.name = "tw_query_rows_out_total",
                                      .kind = Kind::counter,
                                      .labels = {"query"},
                                      .sentence = "Records written."};
inline constexpr Metric kQueryLateRows{
    .name = "tw_query_late_rows_total",
    .kind = Kind::counter,
    .labels = {"query"},
    .sentence = "Rows after the grace of one of their windows; kept in tw.<query>.late."};
inline constexpr Metric kQueryBadRows{.name = "tw_query_bad_rows_total",
                                      .kind = Kind::counter,
                                      .labels = {"query"},
                                      .sentence = "Rows with an error in an expression."};
inline constexpr Metric kQueryLag{.name = "tw_query_lag_records",
                                  .kind = Kind::gauge,
                                  .labels = {"query"},
                                  .sentence = "Records whose results are not committed yet."};
inline constexpr Metric kQueryLagSeconds{
    .name = "tw_query_lag_seconds",
    .kind = Kind::gauge,
    .labels = {"query"},
    .sentence = "How long ago the oldest of them was appended; 0 when there is none."};
inline constexpr Metric kQueryStateBytes{
    .name = "tw_query_state_bytes",
    .kind = Kind::gauge,
    .labels = {"query"},
    .sentence = "Memory of the table, without keys that it shares with others."};

inline constexpr std::array kMetrics{&kRows,           &kCommits,         &kCommitSeconds,  &kCommitDuration,
                                     &kResultDelay,    &kEndToEnd,        &kBadRecords,     &kGoneRecords,
                                     &kTooLarge,       &kUntrimmed,       &kStateBytes,     &kRestoreSeconds,
                                     &kRestoreRecords, &kRestoredRecords, &kHeartbeatAge,   &kQueryRunning,
                                     &kQueryRowsIn,    &kQueryRowsOut,    &kQueryLateRows,  &kQueryBadRows,
                                     &kQueryLag,       &kQueryLagSeconds, &kQueryStateBytes};

}  // namespace tradewind::stream
