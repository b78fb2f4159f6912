#pragma once
// Source properties: what WITH (...) says of a stream or table: formats, partitions, the column of its time.
//
// Pure. Errors: `invalid` or `unsupported`, with the property and the remedy.

#include <optional>

#include "base/result.h"
#include "sql/catalog.h"
#include "sql/statement.h"

namespace tradewind::sql {

// Whether all of them are known, and fit each other.
Result<> check_properties(const Properties& with);
// Formats and what is said about them; what is not said stays.
Result<> apply_formats(const Properties& with, Source& source);
// REQUIRES that formats and columns are known: whether what is said of the formats is about them.
Result<> check_details(const Properties& with, const Source& source);
Result<std::optional<int32_t>> partitions_of(const Properties& with);
Result<> apply_retention(const Properties& with, Source& source);
// REQUIRES the columns are known.
Result<> apply_timestamp(const Properties& with, Source& source);

}  // namespace tradewind::sql
