#pragma once
// Draft: a schema somebody would like to register or look up, and what a ledger says about it.
//
// Pure functions. Errors are refusals with Confluent's numbers (refusal.h).

#include <optional>
#include <string>
#include <vector>

#include "schema/ledger.h"

namespace tradewind::schema {

struct Draft {
  SchemaKind kind = SchemaKind::avro;
  std::string text;
  std::vector<SchemaReference> references;
  bool normalize = false;          // two ways of writing one schema are the same
  std::optional<SchemaId> id;      // only where the mode is IMPORT
  std::optional<int32_t> version;  // any in IMPORT, else the next one
};

struct Registration {
  RegisteredSchema schema;
  bool there = false;  // nothing has to be written
};

// What registering it would make of it, or why it may not be.
Result<Registration> register_draft(const Ledger& ledger, const std::string& subject, const Draft& draft);
// The version of the subject with this schema; 40401 or 40403.
Result<RegisteredSchema> look_up(const Ledger& ledger, const std::string& subject, const Draft& draft,
                                 Deleted deleted);
// Why it may not become the subject's next version; empty: it may. With a version: against that one only.
Result<std::vector<std::string>> draft_problems(const Ledger& ledger, const std::string& subject,
                                                const Draft& draft, std::optional<int32_t> version);

const char* name_of(SchemaKind kind);  // "AVRO"
std::optional<SchemaKind> schema_kind_from(const std::string& name);

}  // namespace tradewind::schema
