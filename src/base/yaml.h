#pragma once
// flatten_yaml: the scalars of a YAML file under dotted names, with their lines.
//
// Errors: invalid with the line. Limits: 1 MB, 8 maps deep, 1,000 values, so that a file of aliases to
// aliases cannot grow without end.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tradewind {

struct YamlValue {
  std::string name;  // "log.durability", from one key or from nested ones
  std::string value;
  int line = 0;  // from 1
};

Result<std::vector<YamlValue>> flatten_yaml(std::string_view text);

}  // namespace tradewind
