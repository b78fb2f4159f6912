#include "base/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "base/yaml.h"

namespace tradewind {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr std::array kTimes{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                            Unit{"ms", 1}};
constexpr std::array kSizes{Unit{"TB", int64_t{1} << 40}, Unit{"GB", int64_t{1} << 30},
                            Unit{"MB", int64_t{1} << 20}, Unit{"KB", int64_t{1} << 10}, Unit{"B", 1}};

// A whole number and what stands behind it; nothing when there is no number or it does not fit.
std::optional<std::pair<int64_t, std::string_view>> split_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.empty() && text[0] == ' ') text.remove_prefix(1);  // "64 MB"
  return std::pair(number, text);
}

template <size_t N>
std::optional<int64_t> parse_unit(int64_t number, std::string_view unit, const std::array<Unit, N>& units) {
  for (const Unit& known : units) {
    int64_t product = 0;
    if (known.name == unit) {
      if (__builtin_mul_overflow(number, known.factor, &product)) return std::nullopt;
      return product;
    }
  }
  return std::nullopt;
}

template <size_t N>
std::string unit_text(int64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string(unit.name);
  }
  return "0";
}

std::string join_or(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

// Other programs write such words in other letters: sasl_ssl, SASL_SSL.
bool same_word(const std::string& one, const std::string& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::optional<int> parse_port(std::string_view text) {
  int port = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65535)
    return std::nullopt;
  return port;
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (in) text << in.rdbuf();
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(path, ignored))
    return Error{Code::not_found, "cannot read " + path};
  return text.str();
}

// How many letters must change for one to become the other.
size_t distance(const std::string& one, const std::string& other) {
  std::vector<size_t> row(other.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= one.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= other.size(); ++j) {
      const size_t changed = corner + (one[i - 1] == other[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string cell(std::string text) {  // of a Markdown table
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto split = split_number(text);
  if (!split) return std::nullopt;
  if (split->first == 0 && split->second.empty()) return Duration(0);
  const auto ms = parse_unit(split->first, split->second, kTimes);
  if (!ms) return std::nullopt;
  return Duration(*ms);
}

std::optional<int64_t> parse_bytes(std::string_view text) {
  const auto split = split_number(text);
  if (!split) return std::nullopt;
  if (split->second.empty()) return split->first;
  return parse_unit(split->first, split->second, kSizes);
}

std::string duration_text(Duration value) {
  return unit_text(value.count(), kTimes);
}
std::string bytes_text(int64_t value) {
  return unit_text(value, kSizes);
}

std::optional<std::string> closest(const std::string& name, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  size_t least = std::max<size_t>(2, name.size() / 3);  // further away it is another word
  for (const std::string& one : known) {
    const size_t far = distance(name, one);
    if (far > least || (best && far == least)) continue;
    least = far;
    best = one;
  }
  return best;
}

std::string Options::variable_of(const std::string& name) {
  std::string variable = "TW_" + name;
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return c == '.' ? '_' : static_cast<char>(std::toupper(c)); });
  return variable;
}

void Options::add(Setting setting) {
  for (const Setting& known : settings_) CHECK(variable_of(known.name) != variable_of(setting.name));
  settings_.push_back(std::move(setting));
}

void Options::text(const char* name, std::string& member, const char* sentence) {
  add({.name = name,
       .takes = "a text that is not empty",
       .standard = member,
       .sentence = sentence,
       .set = [&member](const std::string& text) {
         if (text.empty()) return false;
         member = text;
         return true;
       }});
}

void Options::boolean(const char* name, bool& member, const char* sentence) {
  choice(name, member, {{"true", true}, {"false", false}}, sentence);
}

void Options::duration(const char* name, Duration& member, Range<Duration> range, const char* sentence) {
  CHECK(range.least <= member && member <= range.most);
  add({.name = name,
       .takes = "a time such as 100ms, 30s, 5m or 2h, from " + duration_text(range.least) + " to " +
                duration_text(range.most),
       .standard = duration_text(member),
       .sentence = sentence,
       .set = [&member, range](const std::string& text) {
         const auto value = parse_duration(text);
         if (!value || *value < range.least || *value > range.most) return false;
         member = *value;
         return true;
       }});
}

void Options::address(const char* name, std::string& host, int& port, const char* sentence) {
  add({.name = name,
       .takes = "HOST:PORT such as 127.0.0.1:8088",
       .standard = host + ":" + std::to_string(port),
       .sentence = sentence,
       .set = [&host, &port](const std::string& text) {
         const size_t colon = text.rfind(':');
         if (colon == std::string::npos || colon == 0) return false;
         const auto parsed = parse_port(std::string_view(text).substr(colon + 1));
         if (!parsed) return false;
         host = text.substr(0, colon);
         port = *parsed;
         return true;
       }});
}

void Options::secret(const char* name, Secret& member, const char* sentence) {
  add({.name = name,
       .takes = "a secret as ${env:NAME} or ${file:PATH}",
       .standard = "",
       .sentence = sentence,
       .secret = true,
       .set = [&member](const std::string& text) {
         if (text.empty()) return false;
         member = Secret(text);
         return true;
       }});
}

void Options::add_number(const char* name, int64_t standard, Range<int64_t> range,
                         std::function<void(int64_t)> store, const char* sentence) {
  CHECK(range.least <= standard && standard <= range.most);
  add({.name = name,
       .takes = "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most),
       .standard = std::to_string(standard),
       .sentence = sentence,
       .set = [range, stored = std::move(store)](const std::string& text) {
         const auto value = split_number(text);
         if (!value || !value->second.empty() || value->first < range.least || value->first > range.most)
           return false;
         stored(value->first);
         return true;
       }});
}

void Options::add_bytes(const char* name, int64_t standard, Range<int64_t> range,
                        std::function<void(int64_t)> store, const char* sentence) {
  CHECK(range.least <= standard && standard <= range.most);
  add({.name = name,
       .takes = "a size such as 16KB, 64MB or 1GB, from " + bytes_text(range.least) + " to " +
                bytes_text(range.most),
       .standard = bytes_text(standard),
       .sentence = sentence,
       .set = [range, stored = std::move(store)](const std::string& text) {
         const auto value = parse_bytes(text);
         if (!value || *value < range.least || *value > range.most) return false;
         stored(*value);
         return true;
       }});
}

void Options::add_choice(const char* name, std::vector<std::string> names, std::string standard,
                         std::function<void(size_t)> store, const char* sentence) {
  CHECK(!standard.empty());
  add({.name = name,
       .takes = join_or(names),
       .standard = std::move(standard),
       .sentence = sentence,
       .choices = names,
       .set = [names, stored = std::move(store)](const std::string& text) {
         const auto found = std::find_if(names.begin(), names.end(),
                                         [&](const std::string& name) { return same_word(name, text); });
         if (found == names.end()) return false;
         stored(static_cast<size_t>(found - names.begin()));
         return true;
       }});
}

Setting* Options::find(const std::string& name) {
  const auto found = std::find_if(settings_.begin(), settings_.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  return found == settings_.end() ? nullptr : &*found;
}

Error Options::unknown(const std::string& name, const std::string& place) const {
  std::vector<std::string> names;
  for (const Setting& setting : settings_) names.push_back(setting.name);
  const auto near = closest(name, names);
  return {Code::invalid,
          place + ": no setting is called " + name +
              (near ? "; did you mean " + *near + "?" : "; docs/reference/settings.md lists them")};
}

// What ${env:NAME} and ${file:PATH} stand for; any other text stands for itself.
Result<std::string> Options::resolve(const Setting& setting, const std::string& value,
                                     const std::string& place) const {
  const bool refers = value.starts_with("${") && value.ends_with("}");
  if (!refers && setting.secret) {
    return Error{Code::invalid, place + ": " + setting.name +
                                    " is a secret and stands in plain text; keep it elsewhere and give it as "
                                    "${env:NAME} or ${file:PATH}"};
  }
  if (!refers) return value;
  const std::string inner = value.substr(2, value.size() - 3);
  if (inner.starts_with("env:")) {
    const auto found = environment_.find(inner.substr(4));
    if (found != environment_.end()) return found->second;
    return Error{Code::invalid, place + ": " + setting.name + " is " + value +
                                    ", but no variable is called " + inner.substr(4) + "; export it"};
  }
  if (inner.starts_with("file:")) {
    auto text = read_text(inner.substr(5));
    if (!text.ok()) {
      return Error{Code::invalid, place + ": " + setting.name + " is " + value + ", but " +
                                      text.error().message + "; check the path and who may read it"};
    }
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();  // editors add one
    return *text;
  }
  return Error{Code::invalid, place + ": " + setting.name + " is " + value +
                                  "; only ${env:NAME} and ${file:PATH} are known"};
}

Result<> Options::set(const std::string& name, const std::string& value, const std::string& place) {
  Setting* setting = find(name);
  if (setting == nullptr) return unknown(name, place);
  const std::string text = TRY(resolve(*setting, value, place));
  if (!setting->set(text)) {
    const auto near = closest(text, setting->choices);
    return Error{Code::invalid, place + ": " + name + " is '" + value + "'; it takes " + setting->takes +
                                    (near ? "; did you mean " + *near + "?" : "")};
  }
  given_[name] = place;
  return {};
}

Result<> Options::read_file(const std::string& path) {
  const auto text = read_text(path);
  if (!text.ok()) return Error{Code::invalid, text.error().message + "; --config names the settings file"};
  return read_yaml(*text, path);
}

Result<> Options::read_yaml(std::string_view text, const std::string& file) {
  const auto values = flatten_yaml(text);
  if (!values.ok()) return Error{Code::invalid, file + ":" + values.error().message};
  std::map<std::string, int> lines;
  for (const YamlValue& given : *values) {
    const std::string place = file + ":" + std::to_string(given.line);
    const auto [first, fresh] = lines.emplace(given.name, given.line);
    if (!fresh) {
      return Error{Code::invalid, place + ": " + given.name + " stands in line " +
                                      std::to_string(first->second) + " already; leave one"};
    }
    TRY(set(given.name, given.value, place));
  }
  return {};
}

Result<std::vector<std::string>> Options::read_environment() {
  std::map<std::string, std::string> variables;
  std::vector<std::string> names;
  for (const Setting& setting : settings_) {
    variables[variable_of(setting.name)] = setting.name;
    names.push_back(variable_of(setting.name));
  }
  std::vector<std::string> notes;
  for (const auto& [variable, value] : environment_) {
    if (const auto known = variables.find(variable); known != variables.end()) {
      TRY(set(known->second, value, variable));
    } else if (variable.starts_with("TW_")) {
      const auto near = closest(variable, names);
      if (near) notes.push_back(variable + " names no setting; did you mean " + *near + "?");
    }
  }
  return notes;
}

std::string Options::reference() const {
  std::string page =
      "# Settings\n\n"
      "Made from the declarations in the code by `tools/reference-settings`; a test fails when it is "
      "stale.\n\n"
      "A setting is given in a YAML file (`tradewind serve --config FILE`; flat dotted keys, or nested maps "
      "that flatten to\nthem), as a variable, or as a flag; the later of these wins. `log.durability: os` in "
      "the file, `TW_LOG_DURABILITY=os` and\n`--log.durability os` say the same. A value `${env:NAME}` or "
      "`${file:PATH}` is taken from there, and a secret is given in\nno other way. Times carry a unit: `ms`, "
      "`s`, `m`, `h`, `d`. Sizes may: `KB`, `MB`, `GB`, `TB`, of 1024.\n";
  std::string group;
  for (const Setting& setting : settings_) {
    const std::string first = setting.name.substr(0, setting.name.find('.'));
    if (first != group) {
      page += "\n## " + first + "\n\n| setting | default | takes | meaning |\n|---|---|---|---|\n";
      group = first;
    }
    page += "| `" + setting.name + "` | " + (setting.standard.empty() ? "" : "`" + setting.standard + "`") +
            " | " + cell(setting.takes) + " | " + cell(setting.sentence) + " |\n";
  }
  return page;
}

}  // namespace tradewind
