#pragma once
// LocalRegistry: a Registry whose truth is the topic `_schemas` of a log, in Confluent's keys and values.
//
// Ids are global, one per distinct schema text, in order from 1; versions count per subject from 1. A
// registration is answered when it is durable. One process writes the topic; others that read it see its
// schemas as they come. Threads: shared freely. The log must outlive it.

#include <memory>
#include <string>
#include <vector>

#include "log/log.h"
#include "schema/registry.h"

namespace tradewind::schema {

class LocalRegistry : public Registry {
 public:
  // Reads the topic to its end; creates it (one partition, compacted) if need be.
  static Result<std::unique_ptr<LocalRegistry>> open(log::Log& log, int16_t replicas = 1);

  // The subject's own level, or the global one (BACKWARD until set) for "" and subjects without.
  virtual Result<Compatibility> compatibility(const std::string& subject) = 0;
  // Why `text` may not become the subject's next version; empty: it may. `version` 0: against all that the
  // level asks for; else against that version only.
  virtual Result<std::vector<std::string>> problems(const std::string& subject, const std::string& text,
                                                    int32_t version) = 0;
};

}  // namespace tradewind::schema
