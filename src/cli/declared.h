#pragma once
// Declared: the topics and schemas that `serve` makes with these settings and queries, found by letting the
// same code make them in a log in memory.
//
// Threads: one.

#include <string>
#include <vector>

#include "cli/settings.h"
#include "log/topic.h"
#include "schema/registry.h"

namespace tradewind::cli {

struct DeclaredTopic {
  log::TopicSpec spec;
  bool internal = false;  // the platform's own: its partitions stay as they are
};

struct DeclaredSchema {
  std::string subject;
  std::string text;     // Avro
  bool shipped = true;  // false: of a query's results, which serve registers where there is none
};

struct Declared {
  std::vector<DeclaredTopic> topics;  // by name
  std::vector<DeclaredSchema> schemas;
};

struct Wanted {
  std::vector<std::string> query_folders;
  std::vector<log::TopicSpec> there;     // topics that queries may read
  schema::Registry* registry = nullptr;  // schemas that queries may read; null: none
  std::vector<DeclaredSchema> schemas;   // beside the shop's, or instead of them
};

// invalid, not_found: a query, with its file; unavailable: the registry.
Result<Declared> declare(const Settings& settings, const Wanted& wanted);

// NAME.avsc of a folder, for the subjects NAME-value. invalid: the folder, or a text that is not Avro, with
// its file.
Result<std::vector<DeclaredSchema>> schemas_in(const std::string& folder);
// The .sql files of a folder by name. not_found: there is none.
Result<std::map<std::string, std::string>> queries_in(const std::string& folder);

}  // namespace tradewind::cli
