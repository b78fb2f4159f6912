#pragma once
// Values and JSON: a value of any type as JSON text, and a path into a document.

#include <string>
#include <string_view>

#include "base/json.h"
#include "data/value.h"

namespace tradewind::expr {

// Compact; DECIMAL and DOUBLE as numbers, times as ISO text, bytes in base64, structures as objects.
std::string json_text(const Type& type, const Value& value);

// What "$.a.b[0]" or "$['a']" names; null when it is not there. invalid: no path.
Result<const Json*> at_path(const Json& document, std::string_view path);

// As a STRING: text without quotes, null as null, anything else as it is written.
Value text_value(const Json& json);

}  // namespace tradewind::expr
