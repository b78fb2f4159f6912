#include "base/result.h"

namespace tradewind {

const char* name_of(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::corrupt: return "corrupt";
    case Code::unavailable: return "unavailable";
    case Code::fenced: return "fenced";
    case Code::io: return "io";
    case Code::unsupported: return "unsupported";
  }
  return "unknown";
}

}  // namespace tradewind
