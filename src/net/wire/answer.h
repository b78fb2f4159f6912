#pragma once
// Answer: a response as HTTP/1.1 writes it.
//
// Pure.

#include <string>

#include "net/http_message.h"

namespace tradewind::net {

// Status line and fields, with the empty line behind; `keep`: the connection goes on.
std::string answer_head(const Response& response, bool keep);
// The whole of a response that does not stream; `head_only`: the request was a HEAD.
std::string answer_text(const Response& response, bool keep, bool head_only);
// One piece of a body that streams.
std::string answer_chunk(std::string_view piece);

}  // namespace tradewind::net
