#include "data/cell_text.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "data/decimal.h"
#include "data/double_text.h"

namespace tradewind {
namespace {

constexpr int64_t kDayMs = 86'400'000;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

// Whether a text would be read as something else, or as several things, without quotes.
bool needs_quotes(const std::string& text, bool nested) {
  if (text.empty() || text == "null" || trimmed(text) != text || text.find('\'') != std::string::npos)
    return true;
  if (text.find("  ") != std::string::npos || text.find_first_of("\t\n#") != std::string::npos) return true;
  return nested && text.find_first_of(",=[]{}") != std::string::npos;
}

template <typename T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Value> real_of(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
    return Value(number_of<double>(text == "NaN" ? "nan" : text == "Infinity" ? "inf" : "-inf").value());
  }
  const auto value = number_of<double>(text);
  return value ? std::optional<Value>(*value) : std::nullopt;
}

std::optional<Value> decimal_of(const Type& type, std::string_view text) {
  const auto parsed = parse_decimal(text);
  if (!parsed || parsed->scale > type.scale()) return std::nullopt;
  const auto scaled = rescale(parsed->unscaled, parsed->scale, type.scale());
  if (!scaled || !fits_precision(*scaled, type.precision())) return std::nullopt;
  return Value(*scaled);
}

std::optional<Value> scalar_of(const Type& type, std::string_view text) {
  switch (type.kind()) {
    case Kind::boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return Value(int64_t{text == "true"});
    case Kind::integer: {
      const auto value = number_of<int32_t>(text);
      return value ? std::optional<Value>(int64_t{*value}) : std::nullopt;
    }
    case Kind::bigint:
    case Kind::timestamp: {
      if (const auto value = number_of<int64_t>(text)) return Value(*value);
      const auto time = time_of_cell(text);
      return time ? std::optional<Value>(time->ms) : std::nullopt;
    }
    case Kind::time: {
      const auto time = time_of_cell(text);
      return time && time->ms < kDayMs ? std::optional<Value>(time->ms) : std::nullopt;
    }
    case Kind::date: {
      const auto time = from_iso(text);
      return time && time->ms % kDayMs == 0 ? std::optional<Value>(time->ms / kDayMs) : std::nullopt;
    }
    case Kind::real: return real_of(text);
    case Kind::decimal: return decimal_of(type, text);
    case Kind::string: return Value(std::string(text));
    case Kind::bytes: {
      Bytes bytes;
      return from_base64(text, bytes) ? std::optional<Value>(std::move(bytes)) : std::nullopt;
    }
    case Kind::array:
    case Kind::map:
    case Kind::structure: break;
  }
  return std::nullopt;
}

// Reads one value from the front of the text.
class CellReader {
 public:
  explicit CellReader(std::string_view text) : text_(text) {}

  bool done() {
    skip();
    return at_ == text_.size();
  }

  // `ends`: the characters that end an unquoted scalar; empty: it goes to the end.
  std::optional<Value> value(const Type& type, std::string_view ends) {
    skip();
    if (!type.is_nested() || text_.substr(at_).starts_with("null")) {
      bool quotes = false;
      const auto text = scalar(ends, quotes);
      if (!text) return std::nullopt;
      if (!quotes && *text == "null") return Value();
      return scalar_of(type, *text);
    }
    return nested(type);
  }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<std::string> scalar(std::string_view ends, bool& quotes) {
    skip();
    quotes = at_ < text_.size() && text_[at_] == '\'';
    if (!quotes) {
      const size_t end = ends.empty() ? text_.size() : std::min(text_.find_first_of(ends, at_), text_.size());
      const std::string_view found = trimmed(text_.substr(at_, end - at_));
      at_ = end;
      return std::string(found);
    }
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '\'') {
          ++at_;
          return out;
        }
        ++at_;
      }
      out += text_[at_];
    }
    return std::nullopt;  // the quote never ends
  }

  std::optional<Value> nested(const Type& type) {
    const bool array = type.kind() == Kind::array;
    const char close = array ? ']' : '}';
    if (!take(array ? '[' : '{')) return std::nullopt;
    std::vector<Value> parts;
    if (type.kind() == Kind::structure) parts.resize(type.fields().size());
    if (take(close)) return Value(std::move(parts));
    do {
      if (!part(type, parts)) return std::nullopt;
    } while (take(','));
    if (!take(close)) return std::nullopt;
    return Value(std::move(parts));
  }

  bool part(const Type& type, std::vector<Value>& parts) {
    if (type.kind() == Kind::array) {
      auto element = value(type.element(), ",]}");
      if (element) parts.push_back(std::move(*element));
      return element.has_value();
    }
    bool quotes = false;
    const auto name = scalar("=", quotes);
    if (!name || !take('=')) return false;
    if (type.kind() == Kind::map) {
      auto key = scalar_of(type.key(), *name);
      auto element = value(type.element(), ",]}");
      if (!key || !element) return false;
      parts.push_back(std::move(*key));
      parts.push_back(std::move(*element));
      return true;
    }
    for (size_t i = 0; i < type.fields().size(); ++i) {
      if (type.fields()[i].name != *name) continue;
      auto field = value(type.fields()[i].type, ",]}");
      if (field) parts[i] = std::move(*field);
      return field.has_value();
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string part_text(const Type& type, const Value& value, bool nested) {
  if (value.is_null()) return "null";
  if (type.kind() == Kind::string) {
    return needs_quotes(value.text(), nested) ? quoted(value.text()) : value.text();
  }
  if (!type.is_nested()) return value_text(type, value);
  const bool array = type.kind() == Kind::array;
  const std::vector<Value>& parts = value.parts();
  std::string text(1, array ? '[' : '{');
  const size_t step = type.kind() == Kind::map ? 2 : 1;
  for (size_t i = 0; i < parts.size(); i += step) {
    if (i > 0) text += ", ";
    if (type.kind() == Kind::map) text += part_text(type.key(), parts[i], true) + "=";
    if (type.kind() == Kind::structure) text += type.fields()[i].name + "=";
    const Type& inner = type.kind() == Kind::structure ? type.fields()[i].type : type.element();
    text += part_text(inner, parts[i + step - 1], true);
  }
  return text + (array ? ']' : '}');
}

}  // namespace

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  std::string cell;
  bool quotes = false;
  const auto finish = [&] {
    const std::string_view text = trimmed(cell);
    if (!text.empty()) cells.emplace_back(text);
    cell.clear();
  };
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\'') quotes = !quotes;
    if (!quotes && c == '#' && (i == 0 || line[i - 1] == ' ')) break;
    const bool gap = c == '\t' || (c == ' ' && i + 1 < line.size() && line[i + 1] == ' ');
    if (!quotes && gap) {
      finish();
      continue;
    }
    cell += c;
  }
  finish();
  return cells;
}

std::optional<Timestamp> time_of_cell(std::string_view cell) {
  if (cell.size() >= 8 && cell[2] == ':') return from_iso("1970-01-01T" + std::string(cell));
  return cell.size() >= 10 && cell[4] == '-' ? from_iso(cell) : std::nullopt;
}

std::optional<Value> value_of_cell(const Type& type, std::string_view cell) {
  CellReader reader(cell);
  auto value = reader.value(type, "");
  if (!value || !reader.done()) return std::nullopt;
  return value;
}

std::string cell_text(const Type& type, const Value& value) {
  return part_text(type, value, false);
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace tradewind
