#pragma once
// SocketConnection: a Connection over a socket. The socket is blocking and owned by someone else.
//
// Threads: one reads; one at a time writes.

#include <string>

#include "net/connection.h"

namespace tradewind::net {

class SocketConnection final : public Connection {
 public:
  // `stopping`: a descriptor that can be read from when the server stops; then reading ends where nothing has
  // come. (To shut the socket for reading instead would reset the connection by whatever the client still
  // sends, and take the end of its answer from it.)
  SocketConnection(int socket, std::string peer, int stopping)
      : socket_(socket), peer_(std::move(peer)), stopping_(stopping) {}

  Read read(char* out, size_t size, size_t& got) override;
  bool write(std::string_view bytes) override;
  void set_wait(Duration wait) override;
  bool gone() override;
  std::string peer() const override { return peer_; }
  // Closing while the client still sends would reset the connection, and with it the answer on its way: what
  // comes is taken for a moment longer.
  void finish();

 private:
  Read wait_for_bytes() const;

  int socket_;
  std::string peer_;
  int stopping_;  // -1: read on whatever happens
  int wait_ms_ = -1;
};

}  // namespace tradewind::net
