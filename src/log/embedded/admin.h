#pragma once
// EmbeddedAdmin: Admin of the journal's log: entries as the log itself writes them.
//
// Threads: shared freely; everything under the lock of the log.

#include "log/embedded/core.h"

namespace tradewind::log {

class EmbeddedAdmin final : public Admin {
 public:
  explicit EmbeddedAdmin(LogCore& core) : core_(core) {}

  Result<> alter_topic(const TopicSpec& spec) override;
  Result<int64_t> bytes(const Position& position) override;
  Result<std::vector<std::string>> groups() override;
  Result<> set_group_offsets(const std::string& group, const Offsets& offsets) override;
  Result<> delete_group(const std::string& group) override;

 private:
  LogCore& core_;
};

}  // namespace tradewind::log
