#pragma once
// Console: the pages at `GET /`: a few files that were built from web/ and lie in the program.
//
// Threads: declare first; the handlers run on the requests' threads.

#include "net/http_server.h"

namespace tradewind::server {

// GET / for people, and /console/{file}. Programs, which do not ask for HTML, are sent to /info.
void declare_console(net::HttpServer& http);

}  // namespace tradewind::server
