#pragma once
// Admin: what only people ask of a log, not what runs on it: settings of topics, bytes on the disk, places of
// consumer groups. What it changes is durable on return.
//
// Threads: shared freely; it lives as long as its log. Errors: as Log's.

#include <string>
#include <vector>

#include "log/log.h"

namespace tradewind::log {

class Admin {
 public:
  virtual ~Admin() = default;

  // The settings of a topic become those of `spec`. conflict: other partitions or replicas, which stay.
  virtual Result<> alter_topic(const TopicSpec& spec) = 0;
  // Of the batches of a partition that may still be read.
  virtual Result<int64_t> bytes(const Position& position) = 0;
  // All that ever had a place, also those of Transaction::commit(); sorted. Log::group_offsets() has the
  // places.
  virtual Result<std::vector<std::string>> groups() = 0;
  // Adds or replaces these places of a group, which need not be there yet. not_found: a partition is not
  // there. invalid: no place, or one below 0.
  virtual Result<> set_group_offsets(const std::string& group, const Offsets& offsets) = 0;
  virtual Result<> delete_group(const std::string& group) = 0;  // not_found
};

}  // namespace tradewind::log
