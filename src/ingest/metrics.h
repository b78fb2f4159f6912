#pragma once
// What the ingestor tells of itself.

#include <array>

#include "telemetry/metrics.h"

namespace tradewind::ingest {

inline constexpr telemetry::Metric kEvents{
    .name = "tw_ingest_events_total",
    .kind = telemetry::Kind::counter,
    .labels = {"outcome"},
    .sentence = "Events posted, or made by the demo: taken or refused."};

inline constexpr std::array kMetrics{&kEvents};

}  // namespace tradewind::ingest
