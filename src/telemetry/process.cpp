#include "telemetry/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "telemetry/exposition.h"

namespace tradewind::telemetry {
namespace {

int64_t open_files() {
  DIR* opened = ::opendir("/proc/self/fd");
  if (opened == nullptr) return 0;
  int64_t count = -1;  // the folder itself is open, too
  while (const dirent* entry = ::readdir(opened)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(opened);
  return std::max<int64_t>(count, 0);
}

// The fields of /proc/self/stat behind the program's name, which may hold anything; [0] is the third of
// proc(5).
std::vector<std::string> stat_fields() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  std::getline(in, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

double boot_time() {
  std::ifstream in("/proc/stat");
  for (std::string name; in >> name;) {
    double value = 0;
    if (name == "btime" && in >> value) return value;
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace

ProcessFigures process_figures() {
  ProcessFigures figures;
  figures.open_files = open_files();
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.most_files = static_cast<int64_t>(limit.rlim_cur);
  constexpr size_t kUser = 11, kSystem = 12, kThreads = 17, kStarted = 19, kVirtual = 20, kResident = 21;
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= kResident) return figures;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto number = [&](size_t at) { return std::strtoll(fields[at].c_str(), nullptr, 10); };
  figures.cpu_seconds = static_cast<double>(number(kUser) + number(kSystem)) / ticks;
  figures.threads = number(kThreads);
  figures.virtual_bytes = number(kVirtual);
  figures.resident_bytes = number(kResident) * ::sysconf(_SC_PAGESIZE);
  figures.started = boot_time() + static_cast<double>(number(kStarted)) / ticks;
  return figures;
}

int64_t memory_there_is() {
  int64_t least = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    int64_t limit = 0;  // "max" is no number: no limit
    if (std::ifstream in(path); in >> limit && limit > 0) least = std::min(least, limit);
  }
  return least;
}

void add_process(Scrape& scrape) {
  const ProcessFigures figures = process_figures();
  scrape.add(kProcessCpu, figures.cpu_seconds);
  scrape.add(kProcessResident, static_cast<double>(figures.resident_bytes));
  scrape.add(kProcessVirtual, static_cast<double>(figures.virtual_bytes));
  scrape.add(kProcessFiles, static_cast<double>(figures.open_files));
  scrape.add(kProcessMostFiles, static_cast<double>(figures.most_files));
  scrape.add(kProcessThreads, static_cast<double>(figures.threads));
  scrape.add(kProcessStarted, figures.started);
}

}  // namespace tradewind::telemetry
