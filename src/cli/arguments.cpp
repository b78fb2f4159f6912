#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/options.h"
#include "cli/verbs.h"

namespace tradewind::cli {

std::string Arguments::get(const std::string& name, const std::string& otherwise) const {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

std::vector<std::string> Arguments::all(const std::string& name) const {
  std::vector<std::string> values;
  const auto [from, to] = options.equal_range(name);
  for (auto at = from; at != to; ++at) values.push_back(at->second);
  return values;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& raw, const std::vector<std::string>& flags,
                                  const std::vector<std::string>& valued) {
  Arguments made;
  const auto known = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i].size() < 2 || raw[i][0] != '-') {
      made.words.push_back(raw[i]);
      continue;
    }
    const size_t equals = raw[i].starts_with("--") ? raw[i].find('=') : std::string::npos;
    const std::string name = raw[i].substr(0, equals);
    if (name == "--help" || name == "-h" || known(flags, name)) {
      made.options.emplace(name == "-h" ? "--help" : name, "");
    } else if (!known(valued, name)) {
      const auto near = closest(name, valued);
      return Error{Code::invalid, "no option is called " + name + "; " +
                                      (near ? "did you mean " + *near + "?" : std::string("see --help"))};
    } else if (equals != std::string::npos) {
      made.options.emplace(name, raw[i].substr(equals + 1));
    } else if (i + 1 < raw.size()) {
      made.options.emplace(name, raw[++i]);
    } else {
      return Error{Code::invalid, name + " needs a value; see --help"};
    }
  }
  return made;
}

std::string server_of(const Arguments& arguments) {
  const char* set = std::getenv("TW_SERVER");
  return arguments.get("--server", set == nullptr ? "http://127.0.0.1:8088" : set);
}

int fail(const std::string& message, int code) {
  std::fprintf(stderr, "tradewind: %s\n", message.c_str());
  return code;
}

}  // namespace tradewind::cli
