#pragma once
// Resolved text: the declaration of a stream or table as it is recorded.
//
// Threads: plain values.

#include <string>

#include "sql/catalog.h"

namespace tradewind::engine {

// With everything looked up filled in, so that a replay looks nothing up.
std::string resolved_text(const sql::Source& source);

}  // namespace tradewind::engine
