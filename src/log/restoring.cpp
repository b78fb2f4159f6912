// A log's folder made of a backup.
#include <filesystem>

#include "log/backup.h"
#include "log/embedded/journal.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

constexpr const char* kUnfinished = "/unfinished";  // beside the name a journal has

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<Restoring> Restoring::begin(const std::string& directory, Disk& disk) {
  Restoring made(without_slash(directory), disk);
  std::error_code error;
  if (std::filesystem::exists(made.directory_, error) && !std::filesystem::is_empty(made.directory_, error)) {
    return Error{Code::conflict, made.directory_ + " is not empty; name a new folder with --data"};
  }
  std::filesystem::remove_all(made.staging(), error);  // of one that did not come to its end
  if (error) return Error{Code::io, "cannot empty " + made.staging() + ": " + error.message()};
  TRY(disk.make_directory(made.staging() + kUnfinished));
  return made;
}

Result<> Restoring::take(const BackupPiece& piece) {
  if (file_ == nullptr || piece.segment != segment_) {
    if (file_ != nullptr) TRY(file_->sync());
    segment_ = piece.segment;
    char name[40];
    std::snprintf(name, sizeof name, "/%012llu.seg", static_cast<unsigned long long>(segment_));
    file_ = TRY(disk_->open(staging() + kUnfinished + name, true));
  }
  return file_->write(piece.at, piece.bytes);
}

Result<> Restoring::finish() {
  if (file_ != nullptr) TRY(file_->sync());
  file_.reset();
  TRY(disk_->sync_directory(staging() + kUnfinished));
  TRY(disk_->rename(staging() + kUnfinished, staging() + "/journal"));
  {
    const auto log = TRY(open_embedded({.directory = staging(), .own_thread = false}));
    TRY(log->verify());
  }
  TRY(disk_->remove(staging() + "/lock"));
  TRY(disk_->sync_directory(staging()));
  // Takes the place of an empty folder, and of no other.
  TRY(disk_->rename(staging(), directory_));
  return disk_->sync_directory(parent_of(directory_));
}

}  // namespace tradewind::log
