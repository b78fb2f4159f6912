#pragma once
// What the HTTP server tells of itself.

#include <array>

#include "telemetry/metrics.h"

namespace tradewind::net {

using telemetry::Kind;
using telemetry::Metric;

inline constexpr Metric kRequests{
    .name = "tw_http_requests_total",
    .kind = Kind::counter,
    .labels = {"method", "route", "status"},
    .sentence = "Requests answered, by the route's pattern; route none: no route took it."};
inline constexpr Metric kRequestDuration{
    .name = "tw_http_request_duration_seconds",
    .kind = Kind::histogram,
    .labels = {"method", "route"},
    .sentence = "From a request's last byte to its answer, or to the first byte of one that streams."};
inline constexpr Metric kConnections{.name = "tw_http_connections",
                                     .kind = Kind::gauge,
                                     .sentence = "Open connections, when last one came or went."};

inline constexpr Metric kRequestBytes{
    .name = "tw_http_request_bytes",
    .kind = Kind::gauge,
    .sentence =
        "Held by requests at hand (server.request_memory bounds it), when a connection last came or went."};

inline constexpr std::array kMetrics{&kRequests, &kRequestDuration, &kConnections, &kRequestBytes};

}  // namespace tradewind::net
