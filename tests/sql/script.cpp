#include "script.h"

#include <fstream>
#include <utility>

namespace tradewind::sqltest {
namespace {

constexpr size_t kMostLines = 60;

// The directives, longest first where one begins with another.
const std::pair<const char*, Step::Kind> kDirectives[] = {
    {"run", Step::Kind::run},
    {"feed raw ", Step::Kind::feed_raw},
    {"feed ", Step::Kind::feed},
    {"expect last ", Step::Kind::expect_last},
    {"expect topic ", Step::Kind::expect_topic},
    {"expect raw ", Step::Kind::expect_raw},
    {"expect SELECT ", Step::Kind::expect_rows},
    {"expect ", Step::Kind::expect_answer},
    {"fail", Step::Kind::fail},
};

bool directive(const std::string& line, Step& step) {
  for (const auto& [word, kind] : kDirectives) {
    const std::string text = word;
    const bool alone = text.back() != ' ';
    if (alone ? line != text : !line.starts_with(text)) continue;
    step.kind = kind;
    step.subject = kind == Step::Kind::expect_rows ? line.substr(7) : line.substr(text.size());
    return true;
  }
  return false;
}

}  // namespace

Result<Script> read_script(const std::string& path) {
  std::ifstream in(path);
  if (!in) return Error{Code::io, path + " cannot be read"};
  Script script;
  script.path = path;
  std::string line;
  bool inside = false;  // of a step; an empty line ends it
  int number = 0;
  while (std::getline(in, line)) {
    ++number;
    const auto wrong = [&](const std::string& what) {
      return Error{Code::invalid, path + ":" + std::to_string(number) + ": " + what};
    };
    if (line.find_first_not_of(' ') == std::string::npos) {
      inside = false;
    } else if (inside) {
      script.steps.back().lines.push_back(line);
    } else if (line.starts_with("# ")) {
      if (number == 1) script.title = line.substr(2);
      if (line.starts_with("# one partition: ")) script.one_partition = true;
    } else {
      Step step{.line = number};
      if (!directive(line, step)) return wrong("'" + line + "' is no directive");
      script.steps.push_back(std::move(step));
      inside = true;
    }
  }
  if (script.title.empty()) return Error{Code::invalid, path + ":1: the first line says what is shown"};
  if (number > static_cast<int>(kMostLines)) {
    return Error{Code::invalid, path + ": " + std::to_string(number) + " lines; one behaviour fits in " +
                                    std::to_string(kMostLines)};
  }
  return script;
}

}  // namespace tradewind::sqltest
