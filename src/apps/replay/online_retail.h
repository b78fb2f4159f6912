#pragma once
// OnlineRetail: a file of invoice lines (UCI "Online Retail" as CSV, gzip or plain) as events of the shop:
// one order or cancellation per (invoice, time), in the order of the file.
//
// Threads: one. Errors: not_found (no such file), invalid (not such a file, with the line).

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace tradewind::replay {

struct RetailEvent {
  std::string json;       // for the topic orders
  int64_t first_row = 0;  // of its lines in the file, from 0 (the header line is not counted)
  int64_t last_row = 0;
  int64_t time_ms = 0;
};

class OnlineRetail {
 public:
  static Result<std::unique_ptr<OnlineRetail>> open(const std::string& path);
  ~OnlineRetail();

  // The next event; nothing at the end.
  Result<std::optional<RetailEvent>> next();
  // Lines that were no invoice lines so far: left out, counted.
  int64_t rejected() const;
  // How far the file is read, 0 to 1.
  double progress() const;
  // What names this file to the log: a hash of its first megabyte and its size.
  const std::string& fingerprint() const;

 private:
  struct State;
  explicit OnlineRetail(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tradewind::replay
