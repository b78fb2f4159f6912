#pragma once
// LocalRegistry: a Registry whose truth is the topic `_schemas` of a log, in Confluent's keys and values.
//
// Ids are global, one per distinct schema, in order from 1; versions count per subject from 1. What is
// changed is durable when it is answered. One process writes the topic; others that read it see its schemas
// as they come. Threads: shared freely. The log must outlive it.

#include <memory>
#include <string>
#include <vector>

#include "log/log.h"
#include "schema/draft.h"
#include "schema/outlook.h"

namespace tradewind::schema {

class LocalRegistry : public Registry {
 public:
  // Reads the topic to its end; creates it (one partition, compacted) if need be.
  static Result<std::unique_ptr<LocalRegistry>> open(log::Log& log, int16_t replicas = 1);

  // Everything that is known by now; later changes do not show in it.
  virtual Result<std::shared_ptr<const Ledger>> ledger() = 0;
  // Changes nothing.
  virtual Result<Outlook> outlook(const std::string& subject, SchemaKind kind, const std::string& text) = 0;
  virtual Result<RegisteredSchema> add(const std::string& subject, const Draft& draft) = 0;
  // Deletes one version, or all; softly, or for good what is softly deleted. Answers the versions.
  virtual Result<std::vector<int32_t>> remove(const std::string& subject, std::optional<int32_t> version,
                                              bool permanent) = 0;
  // The level of a subject, or of all ("") that have no own; nothing: no longer an own one.
  virtual Result<> set_level(const std::string& subject, std::optional<Compatibility> level) = 0;
  virtual Result<> set_mode(const std::string& subject, std::optional<Mode> mode, bool force) = 0;
};

}  // namespace tradewind::schema
