#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "log/disk.h"

namespace tradewind::log {
namespace {

Error failed(const std::string& what, const std::string& path) {
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return full_disk(path);
  return {Code::io, what + " " + path + " failed: " + std::strerror(errno)};
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }

  Result<> write(uint64_t at, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return failed("writing", path_);
      at += static_cast<uint64_t>(done);
      bytes.remove_prefix(static_cast<size_t>(done));
    }
    return {};
  }

  Result<size_t> read(uint64_t at, char* out, size_t size) override {
    size_t got = 0;
    while (got < size) {
      const ssize_t done = ::pread(descriptor_, out + got, size - got, static_cast<off_t>(at + got));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return failed("reading", path_);
      if (done == 0) break;
      got += static_cast<size_t>(done);
    }
    return got;
  }

  Result<> sync() override {
    if (::fdatasync(descriptor_) != 0) return failed("syncing", path_);
    return {};
  }

  Result<> preallocate(uint64_t size) override {
    const int error = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
    if (error == 0) return {};
    errno = error;
    return failed("setting space aside for", path_);
  }

  Result<> truncate(uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failed("cutting", path_);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat found {};
    if (::fstat(descriptor_, &found) != 0) return failed("looking at", path_);
    return static_cast<uint64_t>(found.st_size);
  }

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::string path_;
};

class PosixDisk final : public Disk {
 public:
  Result<> make_directory(const std::string& path) override {
    for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string part = path.substr(0, end);
      if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return failed("making the directory", part);
      if (end == std::string::npos) return {};
    }
  }

  Result<std::unique_ptr<File>> open(const std::string& path, bool create) override {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
    if (descriptor < 0) return failed("opening", path);
    return std::unique_ptr<File>(new PosixFile(descriptor, path));
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* opened = ::opendir(directory.c_str());
    if (opened == nullptr) return failed("listing", directory);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(opened)) {
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    ::closedir(opened);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming", from);
    return {};
  }

  Result<> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed("removing", path);
    return {};
  }

  Result<> sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed("opening", path);
    const int done = ::fsync(descriptor);
    ::close(descriptor);
    if (done != 0) return failed("syncing", path);
    return {};
  }

  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    auto file = TRY(open(path, true));
    if (::flock(static_cast<PosixFile&>(*file).descriptor(), LOCK_EX | LOCK_NB) != 0) {
      return Error{Code::conflict,
                   "another process uses " + path + "; stop it or name another directory with --data"};
    }
    return file;
  }

  Result<Room> room(const std::string& path) override {
    struct statvfs found {};
    if (::statvfs(path.c_str(), &found) != 0) return failed("looking at the room of", path);
    const auto block = static_cast<int64_t>(found.f_frsize);
    return Room{static_cast<int64_t>(found.f_bavail) * block, static_cast<int64_t>(found.f_blocks) * block};
  }
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() {
  return std::make_unique<PosixDisk>();
}

Error full_disk(const std::string& path) {
  return {Code::unavailable,
          "the disk is full: no space for " + path + "; make room, appending then goes on"};
}

}  // namespace tradewind::log
