#include "cli/remote.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "net/http_server.h"

namespace tradewind::cli {

Result<net::Answer> patiently(Clock& clock, const std::function<Result<net::Answer>()>& request) {
  const int64_t deadline = clock.monotonic_ns() + kPatience.count() * 1'000'000;
  while (true) {
    auto answer = request();
    const bool busy = answer.ok() && (answer->status == 429 || answer->status == 503);
    if (!busy && (answer.ok() || answer.error().code != Code::unavailable)) return answer;
    const Duration wait(busy ? std::max<int64_t>(answer->retry_after_seconds * 1'000, 100) : 100);
    if (clock.monotonic_ns() + wait.count() * 1'000'000 > deadline) {
      if (!busy) return answer;
      const auto said = parse_json(answer->body);
      const std::string why = said.ok() ? said->string_at("message").value_or("") : "";
      return Error{Code::unavailable, why.empty() ? "the server is busy or starting" : why};
    }
    clock.sleep(wait);
  }
}

Result<Json> document_of(const net::Answer& answer) {
  auto document = parse_json(answer.body);
  if (answer.status >= 200 && answer.status < 300) {
    if (!document.ok())
      return Error{Code::io, "the server's answer is no JSON: " + answer.body.substr(0, 200)};
    return document;
  }
  const std::string said = document.ok() ? document->string_at("message").value_or(answer.body) : answer.body;
  const std::string message = said.empty() ? "the server answered " + std::to_string(answer.status) : said;
  switch (answer.status) {
    case 404: return Error{Code::not_found, message};
    case 503:
    case 429: return Error{Code::unavailable, message};
    default: return Error{answer.status < 500 ? Code::invalid : Code::io, message};
  }
}

Result<Json> Remote::ask(const std::string& method, const std::string& target, const std::string& body) {
  constexpr Duration kDeadline(60'000);
  const std::map<std::string, std::string> headers = {{"Content-Type", "application/json"}};
  const auto answer = TRY(method == "GET"    ? client_.get(target, kDeadline)
                          : method == "POST" ? client_.post(target, body, headers, kDeadline)
                                             : client_.request(method, target, body, headers, kDeadline));
  return document_of(answer);
}

std::string path_segment(const std::string& name) {
  return net::encode_url(name);
}

int refused(const Error& error) {
  return fail(error.message, error.code == Code::invalid ? 2 : 1);
}

void print_lines(const Json& document) {
  if (!document.is(Json::Kind::array)) {
    std::puts(document.dump().c_str());
    return;
  }
  for (const Json& element : document.elements()) std::puts(element.dump().c_str());
}

std::string shown(const Json& object, const char* member) {
  const Json* value = object.find(member);
  if (value == nullptr || value->is_null()) return "";
  if (value->is(Json::Kind::string) || value->is(Json::Kind::number)) return value->text();
  if (!value->is(Json::Kind::array)) return value->dump();
  std::string text;
  for (const Json& element : value->elements())
    text += (text.empty() ? "" : ", ") + (element.is(Json::Kind::string) ? element.text() : element.dump());
  return text;
}

std::string bytes_text(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1000 && unit + 1 < std::size(kUnits); ++unit) size /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", size, kUnits[unit]);
  return text;
}

std::string read_all(const std::string& path, Result<>& done) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream in(path);
  if (!in) done = Error{Code::invalid, "cannot read the file " + path};
  text << in.rdbuf();
  return text.str();
}

Opened open_verb(const std::vector<std::string>& raw, const char* help, std::vector<std::string> flags,
                 std::vector<std::string> valued) {
  flags.emplace_back("--json");
  valued.emplace_back("--server");
  Opened opened;
  auto arguments = parse_arguments(raw, flags, valued);
  if (!arguments.ok()) {
    opened.exit = fail(arguments.error().message, 2);
    return opened;
  }
  opened.arguments = std::move(*arguments);
  if (opened.arguments.has("--help")) {
    std::fputs(help, stdout);
    opened.exit = 0;
  }
  if (!opened.arguments.words.empty()) opened.action = opened.arguments.words[0];
  return opened;
}

}  // namespace tradewind::cli
