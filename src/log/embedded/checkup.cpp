// What our own log needs: a folder to write in, room, a disk that syncs in time, a clock that runs on.
#include "log/checkup.h"

#include <algorithm>
#include <filesystem>

#include "log/disk.h"

namespace tradewind::log {
namespace {

constexpr int kSyncs = 20;
constexpr int64_t kLeastRoom = int64_t{1} << 30;

std::string megabytes(int64_t bytes) {
  return std::to_string(bytes >> 20) + " MB";
}

// The nearest folder that is there: where the log's own will be made.
std::string existing(const std::string& path) {
  std::filesystem::path at = std::filesystem::absolute(path);
  while (!std::filesystem::exists(at) && at.has_relative_path()) at = at.parent_path();
  return at.string();
}

struct SyncTimes {
  double middle_ms = 0;
  double worst_ms = 0;
};

Result<SyncTimes> time_syncs(Disk& disk, const std::string& path, Clock& clock) {
  const auto file = TRY(disk.open(path, true));
  std::vector<double> times;
  const std::string block(4096, 'x');
  for (int i = 0; i < kSyncs; ++i) {
    TRY(file->write(static_cast<uint64_t>(i) * block.size(), block));
    const int64_t began = clock.monotonic_ns();
    TRY(file->sync());
    times.push_back(static_cast<double>(clock.monotonic_ns() - began) / 1e6);
  }
  std::sort(times.begin(), times.end());
  return SyncTimes{times[times.size() / 2], times.back()};
}

std::string tenths(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

}  // namespace

void examine_embedded(const EmbeddedOptions& options, const Tell& tell) {
  static SystemClock real_clock;
  Clock& clock = options.clock == nullptr ? real_clock : *options.clock;
  const std::unique_ptr<Disk> disk = make_posix_disk();
  const std::string folder = existing(options.directory);
  const std::string probe = folder + "/tradewind-doctor-" + std::to_string(clock.now().ms);
  const auto times = time_syncs(*disk, probe, clock);
  if (!times.ok()) {
    (void)disk->remove(probe).ok();
    return tell({Grade::wrong, "folder " + options.directory, times.error().message,
                 "name a folder that this user may write to with --data, or make room"});
  }
  tell({Grade::well, "folder " + options.directory,
        folder == std::filesystem::absolute(options.directory) ? "can be written to"
                                                               : "will be made in " + folder,
        ""});
  const auto removed = disk->remove(probe);
  if (!removed.ok())
    tell({Grade::doubtful, "folder " + options.directory, removed.error().message, "delete it"});
  const bool slow = times->middle_ms > 20;
  tell({slow ? Grade::doubtful : Grade::well, "sync",
        "half of " + std::to_string(kSyncs) + " syncs took " + tenths(times->middle_ms) +
            " ms or less, the longest " + tenths(times->worst_ms) + " ms",
        slow ? "every acknowledgement waits for one; use a disk of its own, or a faster one" : ""});
  const auto room = disk->room(folder);
  if (!room.ok()) {
    tell({Grade::doubtful, "room", room.error().message, ""});
  } else {
    tell({room->free < kLeastRoom ? Grade::doubtful : Grade::well, "room",
          megabytes(room->free) + " of " + megabytes(room->total) + " are free",
          room->free < kLeastRoom ? "make room; when the disk is full nothing more is taken" : ""});
  }
  constexpr int64_t kMade = 1'735'689'600'000;  // 2025
  const Timestamp now = clock.now();
  tell({now.ms < kMade ? Grade::wrong : Grade::well, "clock", "it is " + to_iso(now),
        now.ms < kMade ? "set it: records get their times from it" : ""});
}

}  // namespace tradewind::log
