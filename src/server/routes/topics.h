#pragma once
// Topic routes: what lies in the log: /v1/topics and /v1/topics/{topic}/records.
//
// Threads: declare first; the handlers run on the requests' threads.

#include "log/log.h"
#include "net/http_server.h"
#include "schema/registry.h"

namespace tradewind::server {

void declare_topic_routes(net::HttpServer& http, log::Log& log, schema::Registry& registry);

}  // namespace tradewind::server
