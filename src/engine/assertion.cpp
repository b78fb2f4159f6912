// ASSERT TOPIC and ASSERT SCHEMA: what others make, waited for.
#include <charconv>

#include "engine/engine.h"

namespace tradewind::engine {
namespace {

constexpr Duration kLook{20};

std::optional<int64_t> number_at(const sql::Properties& with, const char* name) {
  const auto found = with.find(name);
  if (found == with.end()) return std::nullopt;
  int64_t value = -1;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

}  // namespace

Result<> Engine::holds(const sql::Assert& statement) {
  if (statement.schema) {
    const auto id = statement.id ? std::optional(static_cast<schema::SchemaId>(*statement.id)) : std::nullopt;
    const std::string what = (statement.subject.empty() ? "" : " of subject " + statement.subject) +
                             (id ? " with id " + std::to_string(*id) : "");
    bool there = false;
    if (statement.subject.empty()) {
      there = registry_.by_id(*id).ok();
    } else if (const auto versions = registry_.versions(statement.subject); versions.ok()) {
      for (const int32_t number : *versions) {
        const auto known = registry_.version(statement.subject, number);
        there = there || (known.ok() && (!id || known->id == *id));
      }
    }
    if (there == statement.exists) return {};
    return Error{Code::conflict, "a schema" + what + (there ? " exists" : " does not exist")};
  }
  const auto topic = log_.topic(statement.topic);
  if (topic.ok() != statement.exists)
    return Error{Code::conflict, "topic " + statement.topic + (topic.ok() ? " exists" : " does not exist")};
  if (!topic.ok()) return {};
  const auto partitions = number_at(statement.with, "PARTITIONS");
  const auto replicas = number_at(statement.with, "REPLICAS");
  if (partitions && *partitions != topic->partitions) {
    return Error{Code::conflict, "topic " + statement.topic + " has " + std::to_string(topic->partitions) +
                                     " partitions, not " + std::to_string(*partitions)};
  }
  if (replicas && *replicas != topic->replicas) {
    return Error{Code::conflict, "topic " + statement.topic + " has " + std::to_string(topic->replicas) +
                                     " replicas, not " + std::to_string(*replicas)};
  }
  return {};
}

Result<Json> Engine::assertion(const sql::Assert& statement, const std::string& text) {
  const int64_t until = clock_.monotonic_ns() + statement.timeout_ms * 1'000'000;
  for (auto now = holds(statement); !now.ok(); now = holds(statement)) {
    if (clock_.monotonic_ns() >= until) return now.error();
    clock_.sleep(kLook);
  }
  Json made = Json::object();
  made.set("@type", Json::string(statement.schema ? "assert_schema" : "assert_topic"));
  made.set("statementText", Json::string(text));
  if (statement.schema) {
    made.set("subject", statement.subject.empty() ? Json() : Json::string(statement.subject));
    made.set("id", statement.id ? Json::number(*statement.id) : Json());
  } else {
    made.set("topicName", Json::string(statement.topic));
  }
  made.set("exists", Json::boolean(statement.exists));
  made.set("warnings", Json::array());
  return made;
}

}  // namespace tradewind::engine
