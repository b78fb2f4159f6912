#pragma once
// Screen: where the shell's answers go: standard output, and a file while SPOOL is on. Tables are cut to the
// terminal.
//
// Threads: one.

#include <fstream>
#include <string>
#include <vector>

namespace tradewind::cli {

using Cells = std::vector<std::string>;

class Screen {
 public:
  void line(const std::string& text);
  // A header, a rule and the rows, columns under each other.
  void table(const Cells& names, const std::vector<Cells>& rows);
  // The same, row by row, for rows of which nobody knows how many will come.
  void begin_rows(const Cells& names);
  void row(const Cells& cells);

  // Answers whether the file can be written.
  bool spool_to(const std::string& path);
  void spool_off() { spool_.close(); }

 private:
  void print(const Cells& cells, const std::vector<size_t>& widths);

  std::ofstream spool_;
  std::vector<size_t> widths_;  // of begin_rows
};

// How many columns of a terminal a text takes, a character one.
size_t width_of(const std::string& text);
// At most `width` wide; what is cut off shows as "…".
std::string cut_to(const std::string& text, size_t width);
// Widths that together (two blanks between) take at most `available`: the widest give way first.
std::vector<size_t> fitted(std::vector<size_t> widths, size_t available);

}  // namespace tradewind::cli
