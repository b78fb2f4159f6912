#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/remote.h"
#include "cli/verbs.h"
#include "log/backup.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp =
    R"(tradewind backup: the log of a running platform in one file: topics, schemas, statements, state and places.

  backup FILE                       takes one, while the platform goes on; what it holds lies between two commits
  backup verify FILE                reads every byte of one and checks it
  backup restore FILE --data DIR    makes the folder of a platform of it; DIR must be new or empty

  --force        backup: FILE may be there, and is replaced once the new one is whole
  --no-packing   backup: larger, and less to compute
  --json         what came of it as JSON
  --server URL   default: TW_SERVER, then http://127.0.0.1:8088
FILE stands under its name only when it is whole. While a backup runs the log gives no space back; it needs as much more room as
is written meanwhile. A backup is of the embedded log; topics of another one are kept by its own tools.

Examples:
  tradewind backup shop-2026-01-31.twb
  tradewind backup verify shop-2026-01-31.twb
  tradewind backup restore shop-2026-01-31.twb --data restored && tradewind serve --data restored
)";

volatile std::sig_atomic_t stop_asked = 0;

Error file_error(const std::string& what, const std::string& path) {
  return {Code::io, what + " " + path + ": " + std::strerror(errno)};
}

// A line on the terminal that grows.
class Progress {
 public:
  explicit Progress(Clock& clock)
      : clock_(clock), person_(isatty(STDERR_FILENO) != 0), began_ns_(clock.monotonic_ns()) {}

  void show(uint64_t done, uint64_t all) {
    const double seconds = this->seconds();
    if (!person_ || all == 0 || (seconds - shown_ < 0.2 && done < all)) return;
    shown_ = seconds;
    const double part = static_cast<double>(done) / static_cast<double>(all);
    std::fprintf(stderr, "\r[%-30s] %3.0f %%  %s of %s ",
                 std::string(static_cast<size_t>(part * 30), '=').c_str(), part * 100,
                 bytes_text(static_cast<int64_t>(done)).c_str(),
                 bytes_text(static_cast<int64_t>(all)).c_str());
    if (done == all) std::fputc('\n', stderr);
  }
  double seconds() const { return static_cast<double>(clock_.monotonic_ns() - began_ns_) / 1e9; }

 private:
  Clock& clock_;
  const bool person_;
  const int64_t began_ns_;
  double shown_ = -1;
};

// A file that has its name only once it is whole.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)) {}
  ~WholeFile() {
    if (to_ < 0) return;
    ::close(to_);
    ::unlink(part().c_str());
  }

  Result<> open() {
    to_ = ::open(part().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to_ < 0) return file_error("cannot write", part());
    return {};
  }
  Result<> write(BytesView bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t wrote = ::write(to_, bytes.data() + done, bytes.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return file_error("cannot write", part());
      done += static_cast<size_t>(wrote);
    }
    bytes_ += bytes.size();
    return {};
  }
  Result<> finish() {
    if (::fsync(to_) != 0 || ::rename(part().c_str(), path_.c_str()) != 0)
      return file_error("cannot write", path_);
    ::close(std::exchange(to_, -1));
    const std::filesystem::path folder = std::filesystem::absolute(path_).parent_path();
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return file_error("cannot open", folder.string());
    const bool synced = ::fsync(directory) == 0;
    ::close(directory);
    if (!synced) return file_error("cannot sync", folder.string());
    return {};
  }
  uint64_t bytes() const { return bytes_; }

 private:
  std::string part() const { return path_ + ".part"; }

  const std::string path_;
  int to_ = -1;
  uint64_t bytes_ = 0;
};

int summarize(const char* what, const std::string& path, const log::BackupHead& head, uint64_t file_bytes,
              double seconds, bool json) {
  if (json) {
    std::printf(
        "{\"%s\":%s,\"taken\":\"%s\",\"segments\":%zu,\"log_bytes\":%llu,\"file_bytes\":%llu,\"seconds\":%."
        "3f}\n",
        what, Json::string(path).dump().c_str(), to_iso({head.taken_ms}).c_str(), head.parts.size(),
        static_cast<unsigned long long>(head.bytes()), static_cast<unsigned long long>(file_bytes), seconds);
    return 0;
  }
  std::printf("%s %s: the log as of %s, %zu segments, %s, in a file of %s\n", what, path.c_str(),
              to_iso({head.taken_ms}).c_str(), head.parts.size(),
              bytes_text(static_cast<int64_t>(head.bytes())).c_str(),
              bytes_text(static_cast<int64_t>(file_bytes)).c_str());
  return 0;
}

int take(const Arguments& arguments, const std::string& path) {
  if (std::filesystem::exists(path) && !arguments.has("--force"))
    return fail(path + " exists; name another file, or replace it with --force", 2);
  SystemClock clock;
  Progress progress(clock);
  WholeFile file(path);
  if (const auto opened = file.open(); !opened.ok()) return refused(opened.error());
  log::BackupReader reader;
  log::BackupWriter writer(!arguments.has("--no-packing"));
  bool begun = false;
  Result<> done;
  const auto take_piece = [&](const log::BackupPiece& piece) -> Result<> {
    if (!std::exchange(begun, true)) TRY(file.write(writer.head(*reader.head())));
    return file.write(writer.piece(piece));
  };
  const auto each = [&](std::string_view bytes) {
    done = reader.take(bytes, take_piece);
    progress.show(reader.bytes(), reader.head() ? reader.head()->bytes() : 0);
    return done.ok() && stop_asked == 0;
  };
  net::HttpClient client(server_of(arguments));
  client.ended_by([] { return stop_asked != 0; });
  const auto answer = client.stream_get("/v1/backup", Duration(0), each);
  if (stop_asked != 0) return fail("stopped; no backup was made");
  if (!done.ok()) return refused(done.error());
  if (!answer.ok()) return refused(answer.error());
  if (answer->status != 200) return refused(document_of(*answer).error());
  if (const auto whole = reader.finish(); !whole.ok())
    return fail("the server broke off; " + whole.error().message);
  if (const auto end = file.write(writer.end()); !end.ok()) return refused(end.error());
  if (const auto kept = file.finish(); !kept.ok()) return refused(kept.error());
  return summarize("backup", path, *reader.head(), file.bytes(), progress.seconds(), arguments.has("--json"));
}

// Gives the pieces of a file that is whole to `each`.
Result<> read_backup(const std::string& path, log::BackupReader& reader, Progress& progress,
                     uint64_t& file_bytes, const log::BackupReader::EachPiece& each) {
  const int from = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) return Error{Code::invalid, "cannot read " + path + ": " + std::strerror(errno)};
  Bytes bytes(size_t{1} << 20, '\0');
  Result<> done;
  while (done.ok() && stop_asked == 0) {
    const ssize_t got = ::read(from, bytes.data(), bytes.size());
    if (got < 0) done = file_error("cannot read", path);
    if (got <= 0) break;
    file_bytes += static_cast<uint64_t>(got);
    done = reader.take(BytesView(bytes).substr(0, static_cast<size_t>(got)), each);
    if (reader.head()) progress.show(reader.bytes(), reader.head()->bytes());
  }
  ::close(from);
  if (stop_asked != 0) return Error{Code::unavailable, "stopped"};
  if (done.ok()) done = reader.finish();
  if (!done.ok()) return done.error().within(path);
  return {};
}

int verify(const Arguments& arguments, const std::string& path) {
  SystemClock clock;
  Progress progress(clock);
  log::BackupReader reader;
  uint64_t file_bytes = 0;
  const auto done =
      read_backup(path, reader, progress, file_bytes, [](const log::BackupPiece&) { return Result<>(); });
  if (!done.ok()) return refused(done.error());
  return summarize("verified", path, *reader.head(), file_bytes, progress.seconds(), arguments.has("--json"));
}

int restore(const Arguments& arguments, const std::string& path) {
  if (!arguments.has("--data")) return fail("backup restore wants --data DIR, a new or an empty folder", 2);
  SystemClock clock;
  Progress progress(clock);
  const auto disk = log::make_posix_disk();
  auto restoring = log::Restoring::begin(arguments.get("--data"), *disk);
  if (!restoring.ok())
    return fail(restoring.error().message, restoring.error().code == Code::conflict ? 2 : 1);
  log::BackupReader reader;
  uint64_t file_bytes = 0;
  const auto done = read_backup(path, reader, progress, file_bytes,
                                [&](const log::BackupPiece& piece) { return (*restoring)->take(piece); });
  if (!done.ok()) return refused(done.error());
  if (const auto named = (*restoring)->finish(); !named.ok()) return refused(named.error());
  return summarize("restored", path, *reader.head(), file_bytes, progress.seconds(), arguments.has("--json"));
}

}  // namespace

int backup(const std::vector<std::string>& raw) {
  const auto [arguments, exit, action] = open_verb(raw, kHelp, {"--force", "--no-packing"}, {"--data"});
  if (exit) return *exit;
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  const auto& words = arguments.words;
  if (words.size() == 2 && action == "verify") return verify(arguments, words[1]);
  if (words.size() == 2 && action == "restore") return restore(arguments, words[1]);
  if (words.size() == 1 && action != "verify" && action != "restore") return take(arguments, action);
  return fail("backup wants FILE, verify FILE, or restore FILE --data DIR; see --help", 2);
}

}  // namespace tradewind::cli
