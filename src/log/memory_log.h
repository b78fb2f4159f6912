#pragma once
// MemoryLog: the Log contract in memory, for tests of what stands above it: no disk, no threads, no waiting.
//
// Threads: shared freely.

#include <memory>

#include "log/log.h"

namespace tradewind::log {

std::unique_ptr<Log> make_memory_log();

}  // namespace tradewind::log
