#include "cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tradewind::cli {
namespace {

constexpr size_t kLeast = 4;      // a column is never narrower
constexpr size_t kUsualRow = 16;  // of a row before the others are known

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// 0: no terminal, and no limit.
size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

// Rows of one line each: what would break it is shown as it is written in JSON.
std::string on_one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += '?';
    else
      out += c;
  }
  return out;
}

}  // namespace

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string cut_to(const std::string& text, size_t width) {
  if (width_of(text) <= width) return text;
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (starts_character(text[end]) && ++seen == width) break;
  }
  return text.substr(0, end) + "…";
}

std::vector<size_t> fitted(std::vector<size_t> widths, size_t available) {
  if (widths.empty()) return widths;
  size_t total = 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  while (total > available) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kLeast) break;
    --*widest;
    --total;
  }
  return widths;
}

void Screen::line(const std::string& text) {
  std::puts(text.c_str());
  std::fflush(stdout);
  if (spool_.is_open()) spool_ << text << "\n" << std::flush;
}

void Screen::print(const Cells& cells, const std::vector<size_t>& widths) {
  std::string text;
  for (size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
    const std::string cell = cut_to(on_one_line(cells[i]), widths[i]);
    text += (i == 0 ? "" : "  ") + cell + std::string(widths[i] - width_of(cell), ' ');
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  line(text);
}

void Screen::table(const Cells& names, const std::vector<Cells>& rows) {
  std::vector<size_t> widths;
  for (const std::string& name : names) widths.push_back(width_of(name));
  for (const Cells& row : rows) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width_of(on_one_line(row[i])));
  }
  if (const size_t width = terminal_width(); width > 0) widths = fitted(std::move(widths), width);
  print(names, widths);
  Cells rule;
  for (const size_t width : widths) rule.emplace_back(width, '-');
  print(rule, widths);
  for (const Cells& row : rows) print(row, widths);
}

void Screen::begin_rows(const Cells& names) {
  widths_.clear();
  const size_t width = terminal_width();
  const size_t share =
      width == 0 ? 0 : (width - std::min(width, 2 * names.size())) / std::max<size_t>(1, names.size());
  for (const std::string& name : names)
    widths_.push_back(std::max({width_of(name), share, width == 0 ? kUsualRow : kLeast}));
  if (width > 0) widths_ = fitted(std::move(widths_), width);
  print(names, widths_);
  Cells rule;
  for (const size_t one : widths_) rule.emplace_back(one, '-');
  print(rule, widths_);
}

void Screen::row(const Cells& cells) {
  print(cells, widths_);
}

bool Screen::spool_to(const std::string& path) {
  spool_.close();
  spool_.clear();
  spool_.open(path, std::ios::app);
  return spool_.is_open();
}

}  // namespace tradewind::cli
