#pragma once
// Events in: POST /v1/events/{topic}, and what numbering producers ask. docs/events.md is its contract.
//
// Threads: declared once; the handlers run where requests are read and wait for nothing.

#include <functional>
#include <optional>

#include "ingest/ingestor.h"
#include "net/http_server.h"

namespace tradewind::server {

// What Tw-Producer and Tw-Sequence say of a request; nothing: no producer numbers it. invalid: the number is
// missing or none. One that was made up instead would have later requests taken for the same.
Result<std::optional<ingest::Numbered>> numbered_in(const net::Request& request);

// All outlive the routes. `body_bytes`: the most a body may have when it is unpacked. `not_yet`: what is
// answered while events are not taken.
void declare_event_routes(net::HttpServer& http, ingest::Ingestor& ingestor, Clock& clock, size_t body_bytes,
                          std::function<std::optional<net::Response>()> not_yet);

}  // namespace tradewind::server
