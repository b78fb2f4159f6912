#pragma once
// Child: another program that a benchmark starts, pinned to one core, and what the system says of it.
//
// Threads: one, the one that lives as long as the program. It is killed when its Child goes, or this process.
// Errors: io.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tradewind::bench {

struct Program {
  std::vector<std::string> words;                                // the program and its arguments
  std::vector<std::pair<std::string, std::string>> environment;  // beside that of this process
  int core = -1;                                                 // it may run on this one only; -1: on any
  std::string errors;  // the file for its standard error; empty: ours
};

class Child {
 public:
  static Result<Child> start(const Program& program);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  // The next line of its standard output; nothing: it ended, or `wait` is over.
  std::optional<std::string> line(Duration wait);
  // User and system time of all its threads so far, nanoseconds.
  int64_t cpu_ns() const;
  double peak_rss_mb() const;
  void signal(int number) const;
  bool running();
  // Asks it to end, and makes it after `patience`; its exit code, -1 when a signal ended it.
  int stop(Duration patience);
  int wait();

 private:
  Child(int pid, int output) : pid_(pid), output_(output) {}

  int pid_ = -1;
  int output_ = -1;
  std::string begun_;  // of a line
};

// Runs it to its end; what it printed. io: it cannot be started, or ended with another code than 0.
Result<std::string> output_of(const Program& program);
// This process and what it starts from now on.
void pin_to(int core);

}  // namespace tradewind::bench
