// A log's folder made of a backup.
#include <algorithm>
#include <filesystem>

#include "log/backup.h"
#include "log/embedded/journal.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

constexpr const char* kUnfinished = "/unfinished";  // instead of the name a journal has

// Whether there is nothing in a folder but these.
Result<> check_only(const std::string& directory, const std::vector<std::string>& known, Disk& disk) {
  for (const std::string& name : TRY(disk.list(directory))) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return Error{Code::conflict,
                 directory + " is not empty, it has " + name + "; name a new folder with --data"};
  }
  return {};
}

}  // namespace

std::string Restoring::staging() const {
  return directory_ + "/" + kRestoringFolder;
}

Result<std::unique_ptr<Restoring>> Restoring::begin(const std::string& directory, Disk& disk) {
  std::unique_ptr<Restoring> made(new Restoring(directory, disk));
  std::error_code error;
  made->made_directory_ = !std::filesystem::exists(directory, error);
  TRY(disk.make_directory(directory));
  TRY(check_only(directory, {kRestoringFolder, "lost+found"}, disk));
  TRY(disk.make_directory(made->staging()));
  TRY(check_only(made->staging(), {"unfinished", "journal", "lock"}, disk));
  made->begun_ = true;
  std::filesystem::remove_all(made->staging(), error);
  if (error) return Error{Code::io, "cannot empty " + made->staging() + ": " + error.message()};
  TRY(disk.make_directory(made->staging() + kUnfinished));
  TRY(disk.sync_directory(directory));  // before anything of the log is there
  return made;
}

Restoring::~Restoring() {
  file_.reset();
  std::error_code error;
  if (!begun_ || std::filesystem::exists(directory_ + "/journal", error)) return;
  std::filesystem::remove_all(staging(), error);
  if (made_directory_) std::filesystem::remove(directory_, error);
}

Result<> Restoring::take(const BackupPiece& piece) {
  if (file_ == nullptr || piece.segment != segment_) {
    if (file_ != nullptr) TRY(file_->sync());
    segment_ = piece.segment;
    char name[40];
    std::snprintf(name, sizeof name, "/%012llu.seg", static_cast<unsigned long long>(segment_));
    file_ = TRY(disk_.open(staging() + kUnfinished + name, true));
  }
  return file_->write(piece.at, piece.bytes);
}

Result<> Restoring::finish() {
  if (file_ != nullptr) TRY(file_->sync());
  file_.reset();
  TRY(disk_.rename(staging() + kUnfinished, staging() + "/journal"));
  {
    const auto log = TRY(open_embedded({.directory = staging(), .own_thread = false}));
    TRY(log->verify());
  }
  TRY(disk_.sync_directory(staging() + "/journal"));
  TRY(disk_.rename(staging() + "/journal", directory_ + "/journal"));
  TRY(disk_.sync_directory(directory_));
  std::error_code error;
  std::filesystem::remove_all(staging(), error);  // beside a journal it says nothing
  return {};
}

}  // namespace tradewind::log
