#pragma once
// Topic routes: what lies in the log and what may be done to it: /v1/topics, /v1/groups, /v1/backup.
//
// Threads: declare first; the handlers run on the requests' threads.

#include "engine/engine.h"
#include "log/open.h"
#include "net/http_server.h"
#include "schema/registry.h"

namespace tradewind::server {

// topics.cpp: the list, and records newest first, a page at a time.
void declare_topic_routes(net::HttpServer& http, log::WatchedLog& log, schema::Registry& registry);
// topic_admin.cpp: one topic described; creating, altering, deleting.
void declare_topic_admin_routes(net::HttpServer& http, log::WatchedLog& log, schema::Registry& registry,
                                engine::Engine& engine);
// records.cpp: records in, and out as they come.
void declare_record_routes(net::HttpServer& http, log::Log& log, schema::Registry& registry, Clock& clock);
// groups.cpp
void declare_group_routes(net::HttpServer& http, log::WatchedLog& log, engine::Engine& engine, Clock& clock);
// backup.cpp
void declare_backup_route(net::HttpServer& http, log::WatchedLog& log, Clock& clock);

}  // namespace tradewind::server
