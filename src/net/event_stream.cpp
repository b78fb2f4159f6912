#include "net/event_stream.h"

namespace tradewind::net {

std::string event_text(std::string_view name, std::string_view data) {
  std::string text;
  if (!name.empty()) text += "event: " + std::string(name) + "\n";
  while (true) {
    const size_t end = data.find_first_of("\r\n");
    text += "data: " + std::string(data.substr(0, end)) + "\n";
    if (end == std::string_view::npos) return text + "\n";
    data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
}

std::string event_comment(std::string_view text) {
  return ": " + std::string(text) + "\n\n";
}

}  // namespace tradewind::net
