#pragma once
// What a benchmark reads of its own process: CPU time of all threads, memory.

#include <cstdint>
#include <string>

namespace tradewind::bench {

// User and system time of all threads so far, nanoseconds.
int64_t cpu_ns();
double peak_rss_mb();
// "--name value" or "--name=value"; the default when it is not there.
std::string option(int argc, char** argv, const std::string& name, const std::string& otherwise);
bool flag(int argc, char** argv, const std::string& name);

}  // namespace tradewind::bench
