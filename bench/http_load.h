#pragma once
// HttpLoad: a producer of shop events over HTTP that costs little, for benchmarks: one thread, many kept
// connections, requests made once of which only ids and times change.
//
// Runs in a process of its own, so that the server's CPU time is the server's alone. Threads: one.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace tradewind::bench {

struct LoadOptions {
  int port = 0;  // on 127.0.0.1
  size_t connections = 256;
  size_t events = 10;     // in a request
  double seconds = 5;     // measured, behind a quarter of one of warming up
  double rate = 0;        // requests a second, sent when they are due; 0: as fast as they are answered
  uint64_t first_id = 0;  // of the events' ids, which count up
};

struct LoadFigures {
  uint64_t sent = 0;      // requests in all; each was answered
  uint64_t measured = 0;  // answered within the measured time
  uint64_t refused = 0;   // answered with anything but 202
  double seconds = 0;     // the measured time
  double p50_ms = 0;
  double p99_ms = 0;
  double most_ms = 0;
};

// The body of one request: a JSON array of `events` views of products, their ids from `first_id` on.
std::string events_body(size_t events, uint64_t first_id);
// The number in an id that events_body() made.
uint64_t number_of_id(std::string_view id);

// Prints "begin" when the measured time begins, "end" and the figures when it is over. The exit code.
int run_load(const LoadOptions& options);

// This program once more, as a producer with these options. Whoever cannot start it or is told nonsense by it
// exits with a message.
class LoadProcess {
 public:
  explicit LoadProcess(const LoadOptions& options);
  ~LoadProcess();
  // The measured time begins, and ends; what is still on its way is answered behind it.
  void wait_for_begin();
  void wait_for_end();
  LoadFigures figures();

 private:
  std::string line();

  int child_ = 0;
  std::FILE* out_ = nullptr;
};

// The options of a command line that LoadProcess made; nothing when it is not one.
bool read_load_arguments(int argc, char** argv, LoadOptions& options);

}  // namespace tradewind::bench
