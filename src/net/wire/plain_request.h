#pragma once
// Plain request: the head of a request of HTTP/1.1 that is as most are: no upgrade, no chunks, nothing
// doubtful. What is not plain is not judged here, but read the long way (wire/http1.h).
//
// Pure.

#include <string_view>

#include "net/http_message.h"

namespace tradewind::net {

enum class Plain {
  yes,
  no,         // read it the long way
  more,       // the head is not whole yet
  too_large,  // and will not be within the limit
};

struct PlainHead {
  std::string_view target;  // into the bytes
  size_t bytes = 0;         // of the head, with the empty line
  size_t body_bytes = 0;
  bool keep = true;
  bool expects_continue = false;  // before its body comes
};

// Reads the head at the front of `bytes` into `head`, and method and fields into `request`.
Plain read_plain_head(std::string_view bytes, size_t most_bytes, PlainHead& head, Request& request);

}  // namespace tradewind::net
