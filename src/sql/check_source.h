#pragma once
// Check source: whether a source's columns can be what they are called and be held in its formats. Told when
// it is created; a source that was recorded before is not judged again.
//
// Pure.

#include "base/result.h"
#include "sql/catalog.h"

namespace tradewind::sql {

// invalid: the column and what to do.
Result<> check_source(const Source& source);

}  // namespace tradewind::sql
