#pragma once
// Connection: the bytes of one client, both ways: a socket, or what a test makes of a few bytes.
//
// Threads: one.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tradewind::net {

class Connection {
 public:
  enum class Read {
    some,
    end,   // the client sends no more
    late,  // nothing came in time
    broken
  };

  virtual ~Connection() = default;
  // Fills at most `size` bytes and says in `got` how many; waits for the first.
  virtual Read read(char* out, size_t size, size_t& got) = 0;
  // False: the client is gone, or takes nothing any more.
  virtual bool write(std::string_view bytes) = 0;
  // How long one read or write may wait from now on.
  virtual void set_wait(Duration wait) = 0;
  // True when the client has closed its side and everything it sent has been read.
  virtual bool gone() = 0;
  // The client's address, "127.0.0.1"; empty when it has none.
  virtual std::string peer() const { return {}; }
};

}  // namespace tradewind::net
