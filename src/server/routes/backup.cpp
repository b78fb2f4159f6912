// A backup of the embedded log while it goes on: its files as they are now, streamed.
#include "log/backup.h"
#include "server/routes/topics.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

// False: the client has gone, or a file could not be read; without its end the backup is seen to be cut off.
bool send_part(const log::BackupSource& source, size_t part, log::BackupWriter& writer,
               const net::WritePiece& write) {
  Bytes bytes;
  for (uint64_t at = 0; at < source.parts()[part].bytes; at += bytes.size()) {
    if (!source.read(part, at, log::kBackupPiece, bytes).ok()) return false;
    if (!write(writer.piece({source.parts()[part].number, at, bytes}))) return false;
  }
  return true;
}

}  // namespace

void declare_backup_route(net::HttpServer& http, log::WatchedLog& log, Clock& clock) {
  http.route("GET", "/v1/backup", [&log, &clock](const net::Request&) {
    auto taken = log.backup_source();
    if (!taken.ok()) return error_answer(status_of(taken.error().code), taken.error().message);
    const auto source = std::make_shared<log::BackupSource>(std::move(*taken));
    net::Response response;
    response.content_type = "application/octet-stream";
    response.stream = [source, taken_ms = clock.now().ms](const net::WritePiece& write) {
      log::BackupWriter writer(false);
      if (!write(writer.head({taken_ms, source->last_frame(), source->parts()}))) return;
      for (size_t part = 0; part < source->parts().size(); ++part) {
        if (!send_part(*source, part, writer, write)) return;
      }
      write(writer.end());
    };
    return response;
  });
}

}  // namespace tradewind::server
