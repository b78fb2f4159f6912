#pragma once
// A double as Java (and so ksqlDB) prints it: shortest digits that read back, "12.0", "1.0E10", "NaN".

#include <string>

namespace tradewind {

std::string double_text(double value);

}  // namespace tradewind
