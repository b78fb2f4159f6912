// The one place that sees the YAML library.
#include "base/yaml.h"

#include <yaml-cpp/yaml.h>

namespace tradewind {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int kMostDepth = 8;
constexpr size_t kMostValues = 1'000;

Error at_line(int line, const std::string& what) {
  return {Code::invalid, std::to_string(line) + ": " + what};
}

Result<> flatten(const YAML::Node& node, const std::string& prefix, int depth, std::vector<YamlValue>& into) {
  if (depth > kMostDepth) return at_line(node.Mark().line + 1, "maps lie deeper than 8");
  for (const auto& pair : node) {
    const int line = pair.first.Mark().line + 1;
    if (!pair.first.IsScalar()) return at_line(line, "a key that is no name");
    const std::string name = prefix + pair.first.Scalar();
    if (pair.second.IsMap()) {
      TRY(flatten(pair.second, name + ".", depth + 1, into));
      continue;
    }
    if (pair.second.IsSequence()) return at_line(line, name + " is a list; it takes one value");
    if (!pair.second.IsScalar()) return at_line(line, name + " has no value; write one or leave it out");
    if (into.size() == kMostValues) return at_line(line, "more than 1000 values");
    into.push_back({name, pair.second.Scalar(), line});
  }
  return {};
}

}  // namespace

Result<std::vector<YamlValue>> flatten_yaml(std::string_view text) {
  if (text.size() > kMostBytes) return at_line(1, "larger than 1 MB");
  std::vector<YamlValue> values;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return values;  // empty, or comments only
    if (!root.IsMap()) return at_line(1, "not a map of settings such as 'log.durability: fsync'");
    TRY(flatten(root, "", 1, values));
  } catch (const YAML::Exception& error) {
    return at_line(error.mark.line + 1, "not YAML: " + error.msg);
  }
  return values;
}

}  // namespace tradewind
