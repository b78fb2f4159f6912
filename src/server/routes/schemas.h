#pragma once
// The Schema Registry's REST, as clients of Confluent's know it.

#include "net/http_server.h"
#include "schema/local_registry.h"
#include "schema/remote_registry.h"

namespace tradewind::server {

// REQUIRES the registry outlives the server.
void declare_schema_routes(net::HttpServer& http, schema::LocalRegistry& registry);
// The same routes, answered by the registry that runs elsewhere.
void declare_forwarded_routes(net::HttpServer& http, schema::RemoteRegistry& registry);

}  // namespace tradewind::server
