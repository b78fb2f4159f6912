#pragma once
// What an answer is beside what was wanted; empty when they agree. Pure.

#include <string>
#include <vector>

#include "base/json.h"
#include "data/type.h"
#include "stream/topic_text.h"

namespace tradewind::sqltest {

// Rows in any order. DOUBLEs agree within 1e-9 of each other, all else exactly; BIGINTs may be wanted as
// times.
std::string compare_rows(const std::vector<Field>& columns, const stream::Cells& got,
                         const std::vector<std::string>& wanted);

// Of each value of the first column only the last row stays.
void keep_last_rows(stream::Cells& rows);

// Lines "path  value": a.0.b goes down by names and numbers, * takes every element, "#" counts them; values
// of several are joined by ", ". "path ~  part" wants the part somewhere in the value, "path !~  part"
// nowhere.
std::string compare_answer(const Json& answer, const std::vector<std::string>& wanted);

}  // namespace tradewind::sqltest
