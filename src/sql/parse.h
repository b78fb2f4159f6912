#pragma once
// Parse: SQL text -> statements. invalid: what was found where, and what could stand there.
//
// Threads: pure.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/statement.h"

namespace tradewind::sql {

// `variables` fill ${name}; DEFINE in the text adds to them for what follows. `types`: CREATE TYPE names.
Result<std::vector<Statement>> parse(const std::string& text,
                                     const std::map<std::string, std::string>& variables = {},
                                     const std::map<std::string, Type>& types = {});

}  // namespace tradewind::sql
