#pragma once
// Changes: the records that deleting a version, or setting a level or a mode, adds to `_schemas`; or why it
// may not be.
//
// Pure functions.

#include <optional>
#include <string>
#include <vector>

#include "schema/ledger.h"
#include "schema/registries/schema_records.h"

namespace tradewind::schema {

// One record per version that goes, and one that keeps ids from coming back. When no version is named, all of
// them go, and the subject's own level and mode with them.
Result<std::vector<SchemaRecord>> removal(const Ledger& ledger, const std::string& subject,
                                          std::optional<int32_t> version, bool permanent);
Result<SchemaRecord> level_change(const Ledger& ledger, const std::string& subject,
                                  std::optional<Compatibility> level);
// IMPORT is for subjects without schemas, unless by force.
Result<SchemaRecord> mode_change(const Ledger& ledger, const std::string& subject, std::optional<Mode> mode,
                                 bool force);

}  // namespace tradewind::schema
