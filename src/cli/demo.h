#pragma once
// Demo: the simulated shop at work in the platform's process: the shop's queries, and a thread that sends its
// events as they happen.
//
// Threads: start() and stop() by one thread. Everything handed in must outlive it.

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "cli/shop_feed.h"
#include "telemetry/logger.h"

namespace tradewind::cli {

// The .sql files of queries/shop by name, as they were when the program was built.
std::map<std::string, std::string> shop_queries();
// The files of queries/ops.
std::map<std::string, std::string> ops_queries();

class Demo {
 public:
  static constexpr double kUsualRate = 200;  // events a second

  Demo(log::Log& log, schema::Registry& registry, ingest::Ingestor& ingestor, telemetry::Logger& logger,
       Clock& clock, double rate);
  ~Demo();

  // Opens the shop, or goes on where it was; returns at once.
  void start();
  // Saves the shop and ends.
  void stop();

 private:
  Result<> run(const std::stop_token& stop);

  log::Log& log_;
  schema::Registry& registry_;
  ingest::Ingestor& ingestor_;
  telemetry::Logger& logger_;
  Clock& clock_;
  const double rate_;
  std::jthread thread_;
};

}  // namespace tradewind::cli
