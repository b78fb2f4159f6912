#pragma once
// Places in a topic as people name them: earliest, latest, an offset, offsets of all partitions, a time.
//
// Threads: none. Errors: invalid, with what would do.

#include <optional>
#include <string>

#include "log/log.h"

namespace tradewind::server {

// "12,9,3": one for each partition of the topic, in order.
std::string offsets_text(const std::vector<log::Offset>& offsets);
std::optional<std::vector<log::Offset>> read_offsets(std::string_view text, int32_t partitions);

// The places that `text` names, of one partition or of all, within what is there. A time (ISO 8601) means the
// first record that is not older, for which the partition is read from its beginning.
Result<log::Offsets> places_of(log::Log& log, const log::TopicSpec& topic, std::optional<int32_t> partition,
                               const std::string& text);
// A partition of the topic, as text.
Result<int32_t> partition_from(const std::string& text, const log::TopicSpec& topic);

}  // namespace tradewind::server
