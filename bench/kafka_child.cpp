#include "kafka_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>

namespace tradewind::bench {
namespace {

std::string code_text(int code) {
  return code < 0 ? "was ended by a signal" : "ended with code " + std::to_string(code);
}

}  // namespace

void pin_to(int core) {
  if (core < 0) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  (void)::sched_setaffinity(0, sizeof cores, &cores);
}

Result<Child> Child::start(const Program& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Code::io, std::string("pipe: ") + std::strerror(errno)};
  std::vector<std::string> words = program.words;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int pid = ::fork();
  if (pid < 0) return Error{Code::io, std::string("fork: ") + std::strerror(errno)};
  if (pid == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_to(program.core);
    ::dup2(ends[1], STDOUT_FILENO);
    if (!program.errors.empty()) {
      const int errors = ::open(program.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (errors >= 0) ::dup2(errors, STDERR_FILENO);
    }
    for (const auto& [name, value] : program.environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  return Child(pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      begun_(std::move(other.begun_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(begun_, other.begun_);
  return *this;
}

Child::~Child() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait();
  }
  if (output_ >= 0) ::close(output_);
}

std::optional<std::string> Child::line(Duration wait) {
  SystemClock clock;
  const int64_t until = clock.monotonic_ns() + wait.count() * 1'000'000;
  while (true) {
    if (const size_t end = begun_.find('\n'); end != std::string::npos) {
      std::string line = begun_.substr(0, end);
      begun_.erase(0, end + 1);
      return line;
    }
    const int64_t left = (until - clock.monotonic_ns()) / 1'000'000;
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    if (left < 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return std::nullopt;
    char bytes[4096];
    const ssize_t got = ::read(output_, bytes, sizeof bytes);
    if (got <= 0) return std::nullopt;
    begun_.append(bytes, static_cast<size_t>(got));
  }
}

int64_t Child::cpu_ns() const {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

double Child::peak_rss_mb() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    double kb = 0;
    status >> kb;
    return kb / 1024;
  }
  return 0;
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Child::running() {
  if (pid_ <= 0) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

int Child::stop(Duration patience) {
  signal(SIGTERM);
  SystemClock clock;
  const int64_t until = clock.monotonic_ns() + patience.count() * 1'000'000;
  while (running() && clock.monotonic_ns() < until) clock.sleep(Duration(10));
  if (running()) signal(SIGKILL);
  return wait();
}

int Child::wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Result<std::string> output_of(const Program& program) {
  Child child = TRY(Child::start(program));
  std::string all;
  while (const auto line = child.line(Duration(3'600'000))) all += *line + "\n";
  const int code = child.wait();
  if (code == 0) return all;
  return Error{Code::io, program.words.front() + " " + code_text(code)};
}

}  // namespace tradewind::bench
