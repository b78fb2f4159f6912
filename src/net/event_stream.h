#pragma once
// Event stream: server-sent events as text (the W3C's text/event-stream).
//
// Pure.

#include <string>
#include <string_view>

namespace tradewind::net {

inline constexpr const char* kEventStreamType = "text/event-stream";

// One event; without a name it is a "message". Lines of `data` are kept.
std::string event_text(std::string_view name, std::string_view data);
// A comment, which keeps the connection from being taken for dead.
std::string event_comment(std::string_view text);

}  // namespace tradewind::net
