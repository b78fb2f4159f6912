#pragma once
// SocketConnection: a Connection over a socket. The socket is blocking and owned by someone else.
//
// Threads: one reads; one at a time writes.

#include <string>

#include "net/connection.h"

namespace tradewind::net {

class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(int socket, std::string peer = "") : socket_(socket), peer_(std::move(peer)) {}

  Read read(char* out, size_t size, size_t& got) override;
  bool write(std::string_view bytes) override;
  void set_wait(Duration wait) override;
  bool gone() override;
  std::string peer() const override { return peer_; }
  // Closing while the client still sends would reset the connection, and with it the answer on its way: what
  // comes is taken for a moment longer.
  void finish();

 private:
  int socket_;
  std::string peer_;
};

}  // namespace tradewind::net
