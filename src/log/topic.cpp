#include "log/topic.h"

#include <charconv>

namespace tradewind::log {
namespace {

constexpr const char* kCleanup = "cleanup.policy";
constexpr const char* kRetention = "retention.ms";
constexpr const char* kRetentionBytes = "retention.bytes";
constexpr const char* kTombstones = "delete.retention.ms";

Result<int64_t> number_of(const std::string& name, const std::string& value, int64_t least) {
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [read, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || read != end || value.empty() || number < least) {
    return Error{Code::invalid, name + " is a number of at least " + std::to_string(least) +
                                    (least < 0 ? " (-1: without end)" : "") + ", not '" + value + "'"};
  }
  return number;
}

Result<Cleanup> cleanup_from(const std::string& value) {
  if (value == "delete") return Cleanup::remove;
  if (value == "compact") return Cleanup::compact;
  if (value == "compact,delete" || value == "delete,compact") return Cleanup::compact_and_remove;
  return Error{Code::invalid,
               std::string(kCleanup) + " is delete, compact or compact,delete, not '" + value + "'"};
}

}  // namespace

const char* name_of(Cleanup cleanup) {
  switch (cleanup) {
    case Cleanup::remove: return "delete";
    case Cleanup::compact: return "compact";
    case Cleanup::compact_and_remove: return "compact,delete";
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> config_of(const TopicSpec& spec) {
  std::vector<std::pair<std::string, std::string>> config{
      {kCleanup, name_of(spec.cleanup)},
      {kRetention, std::to_string(spec.retention.count())},
      {kRetentionBytes, std::to_string(spec.retention_bytes)}};
  if (spec.tombstone_retention)
    config.emplace_back(kTombstones, std::to_string(spec.tombstone_retention->count()));
  return config;
}

Result<> set_config(TopicSpec& spec, const std::string& name, const std::string& value) {
  if (name == kCleanup) {
    spec.cleanup = TRY(cleanup_from(value));
  } else if (name == kRetention) {
    spec.retention = Duration(TRY(number_of(name, value, -1)));
  } else if (name == kRetentionBytes) {
    spec.retention_bytes = TRY(number_of(name, value, -1));
  } else if (name == kTombstones) {
    spec.tombstone_retention = Duration(TRY(number_of(name, value, 0)));
  } else {
    return Error{Code::invalid, "a topic has no setting '" + name + "'; there are " + kCleanup + ", " +
                                    kRetention + ", " + kRetentionBytes + " and " + kTombstones};
  }
  return {};
}

Result<> check_topic_name(const std::string& name) {
  const bool plain =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
      std::string::npos;
  if (name.empty() || name.size() > 249 || !plain || name == "." || name == "..") {
    return Error{Code::invalid,
                 "'" + name + "' cannot name a topic; use 1 to 249 letters, digits, '.', '_' or '-'"};
  }
  return {};
}

}  // namespace tradewind::log
