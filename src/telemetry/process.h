#pragma once
// Process figures: what the kernel says of this process, under the names that Prometheus' own clients give
// them.
//
// Threads: any.

#include <array>

#include "telemetry/metrics.h"

namespace tradewind::telemetry {

class Scrape;

struct ProcessFigures {
  double cpu_seconds = 0;  // user and system, of all threads
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  int64_t open_files = 0;
  int64_t most_files = 0;
  int64_t threads = 0;
  double started = 0;  // seconds since 1970
};

// What cannot be read stays 0.
ProcessFigures process_figures();
void add_process(Scrape& scrape);
// Memory of the machine, or what its container may use of it, in bytes.
int64_t memory_there_is();

inline constexpr Metric kProcessCpu{.name = "process_cpu_seconds_total",
                                    .kind = Kind::counter,
                                    .sentence = "Processor time used, user and system."};
inline constexpr Metric kProcessResident{
    .name = "process_resident_memory_bytes", .kind = Kind::gauge, .sentence = "Memory that lies in RAM."};
inline constexpr Metric kProcessVirtual{
    .name = "process_virtual_memory_bytes", .kind = Kind::gauge, .sentence = "Memory that is mapped."};
inline constexpr Metric kProcessFiles{
    .name = "process_open_fds", .kind = Kind::gauge, .sentence = "Open files and connections."};
inline constexpr Metric kProcessMostFiles{
    .name = "process_max_fds", .kind = Kind::gauge, .sentence = "How many of them there may be."};
inline constexpr Metric kProcessThreads{
    .name = "process_threads", .kind = Kind::gauge, .sentence = "Threads."};
inline constexpr Metric kProcessStarted{.name = "process_start_time_seconds",
                                        .kind = Kind::gauge,
                                        .sentence = "When it was started, in seconds since 1970."};

inline constexpr std::array kProcessMetrics{&kProcessCpu,    &kProcessResident,  &kProcessVirtual,
                                            &kProcessFiles,  &kProcessMostFiles, &kProcessThreads,
                                            &kProcessStarted};

}  // namespace tradewind::telemetry
