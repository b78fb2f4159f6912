#pragma once
// The processing log: what went wrong with single rows, as JSON records.
//
// Threads: plain functions.

#include <string>

#include "log/record.h"
#include "stream/operator.h"

namespace tradewind::stream {

// Less than this goes into no record of any log.
inline constexpr int64_t kLeastRecordBytes = 4096;

// The value of the note's record. Of what it quotes as much is left out as makes it `most` bytes at most.
// REQUIRES most >= kLeastRecordBytes.
Bytes processing_log_value(const RowNote& note, Timestamp now, size_t most);

// Tells of a result that goes into no record at `position`, where what `taken` names takes less.
RowNote too_large_note(const log::Position& position, std::optional<Bytes> key, int64_t bytes,
                       const std::string& taken, const std::string& remedy);

}  // namespace tradewind::stream
