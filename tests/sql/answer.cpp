#include "answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/cell_text.h"

namespace tradewind::sqltest {
namespace {

bool close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

bool same_cell(const Type& type, const std::string& got, const std::string& wanted) {
  if (got == wanted) return true;
  const auto read = value_of_cell(type, wanted);
  const auto have = value_of_cell(type, got);
  if (!read || !have || read->is_null() || have->is_null()) return read && have && *read == *have;
  if (type.kind() == Kind::real) return close(read->real(), have->real());
  // A DECIMAL agrees in its scale too, so its text must be the same.
  return type.kind() != Kind::decimal && *read == *have;
}

bool same_row(const std::vector<Field>& columns, const std::vector<std::string>& got,
              const std::vector<std::string>& wanted) {
  if (got.size() != wanted.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    const Type type = i < columns.size() ? columns[i].type : Type(Kind::string);
    const bool tombstone = got[i] == "tombstone" || wanted[i] == "tombstone";
    if (tombstone ? got[i] != wanted[i] : !same_cell(type, got[i], wanted[i])) return false;
  }
  return true;
}

std::string title(const std::vector<Field>& columns) {
  std::string text;
  for (const Field& column : columns)
    text += (text.empty() ? "" : "  ") + column.name + " " + column.type.text();
  return text;
}

// The values that a path leads to.
void follow(const Json& at, const std::vector<std::string>& path, size_t next,
            std::vector<std::string>& found) {
  if (next == path.size()) {
    found.push_back(at.is(Json::Kind::string) ? at.text() : at.dump());
    return;
  }
  const std::string& part = path[next];
  if (at.is(Json::Kind::array) && part == "#") {
    found.push_back(std::to_string(at.elements().size()));
  } else if (at.is(Json::Kind::array)) {
    size_t index = 0;
    const auto end = std::from_chars(part.data(), part.data() + part.size(), index).ptr;
    const bool number = end == part.data() + part.size();
    for (size_t i = 0; i < at.elements().size(); ++i) {
      if (part == "*" || (number && i == index)) follow(at.elements()[i], path, next + 1, found);
    }
  } else if (const Json* member = at.find(part)) {
    follow(*member, path, next + 1, found);
  }
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace

std::string compare_rows(const std::vector<Field>& columns, const stream::Cells& got,
                         const std::vector<std::string>& wanted) {
  stream::Cells missing;
  stream::Cells left = got;
  for (const std::string& line : wanted) {
    const auto cells = cells_of(line);
    if (cells.empty()) continue;
    const auto found = std::find_if(left.begin(), left.end(),
                                    [&](const auto& row) { return same_row(columns, row, cells); });
    if (found == left.end())
      missing.push_back(cells);
    else
      left.erase(found);
  }
  if (missing.empty() && left.empty()) return "";
  return "\n" + title(columns) + "\nwanted, not there:\n" + table_text(missing) + "there, not wanted:\n" +
         table_text(left) + "all rows:\n" + table_text(got);
}

void keep_last_rows(stream::Cells& rows) {
  stream::Cells last;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    const bool known =
        std::any_of(last.begin(), last.end(), [&](const auto& r) { return r[0] == (*row)[0]; });
    if (!known) last.push_back(*row);
  }
  rows = std::move(last);
}

std::string compare_answer(const Json& answer, const std::vector<std::string>& wanted) {
  for (const std::string& line : wanted) {
    const auto cells = cells_of(line);
    if (cells.empty()) continue;
    if (cells.size() != 2) return "'" + line + "' is no path and value";
    std::string path = cells[0];
    bool part = false;
    bool absent = false;
    if (path.ends_with(" ~") || path.ends_with(" !~")) {
      part = true;
      absent = path.ends_with("!~");
      path = path.substr(0, path.find(' '));
    }
    std::vector<std::string> found;
    follow(answer, split(path), 0, found);
    std::string got;
    for (const std::string& value : found) got += (got.empty() ? "" : ", ") + value;
    const auto value = value_of_cell(Kind::string, cells[1]);
    const std::string text = !value || value->is_null() ? "null" : value->text();
    const bool holds = got.find(text) != std::string::npos;
    if (part ? holds == absent : got != text) {
      return path + "\nwanted: " + text + "\n   got: " + got + "\nanswer: " + answer.dump();
    }
  }
  return "";
}

}  // namespace tradewind::sqltest
