// A backup of the embedded log while it goes on: a snapshot of its files, streamed.
#include "log/backup.h"
#include "server/routes/topics.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

// False: the client has gone, or a file could not be read; without its end the backup is seen to be cut off.
bool send_part(const log::Snapshot& snapshot, size_t part, log::BackupWriter& writer,
               const net::WritePiece& write) {
  Bytes bytes;
  for (uint64_t at = 0; at < snapshot.parts()[part].bytes; at += bytes.size()) {
    if (!snapshot.read(part, at, log::kBackupPiece, bytes).ok()) return false;
    if (!write(writer.piece({snapshot.parts()[part].number, at, bytes}))) return false;
  }
  return true;
}

}  // namespace

void declare_backup_route(net::HttpServer& http, log::EmbeddedLog& log, Clock& clock) {
  http.route("GET", "/v1/backup", [&log, &clock](const net::Request&) {
    auto taken = log.snapshot();
    if (!taken.ok()) return error_answer(status_of(taken.error().code), taken.error().message);
    const auto snapshot = std::make_shared<log::Snapshot>(std::move(*taken));
    net::Response response;
    response.content_type = "application/octet-stream";
    response.stream = [snapshot, taken_ms = clock.now().ms](const net::WritePiece& write) {
      log::BackupWriter writer(false);
      if (!write(writer.head({taken_ms, snapshot->last_frame(), snapshot->parts()}))) return;
      for (size_t part = 0; part < snapshot->parts().size(); ++part) {
        if (!send_part(*snapshot, part, writer, write)) return;
      }
      write(writer.end());
    };
    return response;
  });
}

}  // namespace tradewind::server
