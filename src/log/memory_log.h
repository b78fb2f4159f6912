#pragma once
// MemoryLog: the Log contract in memory, for tests of what stands above it: no disk, no threads, no waiting.
//
// Threads: shared freely.

#include <map>
#include <memory>
#include <string>

#include "log/log.h"

namespace tradewind::log {

// What it takes, bytes; a test may change it between two calls.
struct MemoryLimits {
  int64_t record = 64LL << 20;            // more is refused by append
  std::map<std::string, int64_t> topics;  // a record of theirs: more is refused by the commit, as brokers do
};

std::unique_ptr<Log> make_memory_log();
std::unique_ptr<Log> make_memory_log(std::shared_ptr<const MemoryLimits> limits);

}  // namespace tradewind::log
