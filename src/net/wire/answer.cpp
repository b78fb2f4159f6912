#include "net/wire/answer.h"

#include <cstdio>

namespace tradewind::net {
namespace {

const char* reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return status < 400 ? "Done" : "Failed";
  }
}

void put_head(const Response& response, bool keep, std::string& out) {
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_of(response.status);
  out += "\r\n";
  if (response.status != 204) {
    out += "Content-Type: ";
    out += response.type();
    out += "\r\n";
  }
  for (const auto& [name, value] : response.headers) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (!keep) out += "Connection: close\r\n";
  if (response.stream != nullptr) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (response.status != 204) {
    out += "Content-Length: ";
    out += std::to_string(response.body.size());
    out += "\r\n";
  }
  out += "\r\n";
}

}  // namespace

std::string answer_head(const Response& response, bool keep) {
  std::string out;
  put_head(response, keep, out);
  return out;
}

std::string answer_text(const Response& response, bool keep, bool head_only) {
  std::string out;
  out.reserve(256 + response.body.size());
  put_head(response, keep, out);
  if (!head_only) out += response.body;
  return out;
}

std::string answer_chunk(std::string_view piece) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  return size + std::string(piece) + "\r\n";
}

}  // namespace tradewind::net
