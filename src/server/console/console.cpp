#include "server/console/console.h"

#include <zlib.h>

#include <memory>

#include "base/check.h"
#include "base/hash.h"
#include "console_files.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

// Nothing but what lies here, and no code in the page itself.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Asset {
  std::string_view plain;
  std::string packed;  // gzip
  std::string tag;
  const char* type;
};
using Assets = std::map<std::string, Asset>;

std::string gzip(std::string_view text) {
  constexpr int kGzip = 15 + 16;  // the widest window, with gzip's header
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string tag_of(std::string_view text) {
  return "\"" + std::to_string(hash64(text)) + "\"";
}

const char* type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "image/svg+xml";
}

net::Response answer(const Asset& asset, const net::Request& request) {
  net::Response response;
  response.content_type = asset.type;
  response.headers["ETag"] = asset.tag;
  response.headers["Cache-Control"] = "no-cache";
  response.headers["Vary"] = "Accept, Accept-Encoding";
  response.headers["Content-Security-Policy"] = kPolicy;
  response.headers["X-Content-Type-Options"] = "nosniff";
  response.headers["Referrer-Policy"] = "no-referrer";
  if (request.header("if-none-match").find(asset.tag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  const bool packed = request.header("accept-encoding").find("gzip") != std::string_view::npos;
  if (packed) response.headers["Content-Encoding"] = "gzip";
  response.body = packed ? asset.packed : std::string(asset.plain);
  return response;
}

}  // namespace

void declare_console(net::HttpServer& http) {
  auto assets = std::make_shared<Assets>();
  for (const auto& [name, text] : kConsoleFiles)
    assets->emplace(name, Asset{text, gzip(text), tag_of(text), type_of(name)});
  http.route("GET", "/", [assets](const net::Request& request) {
    if (request.header("accept").find("text/html") != std::string_view::npos)
      return answer(assets->at("index.html"), request);
    net::Response elsewhere;
    elsewhere.status = 307;
    elsewhere.headers["Location"] = "/info";
    elsewhere.headers["Vary"] = "Accept";
    return elsewhere;
  });
  http.route("GET", "/console/{file}", [assets](const net::Request& request) {
    const auto found = assets->find(request.captures.at("file"));
    if (found == assets->end())
      return error_answer(404, "the console has no file " + request.captures.at("file"));
    return answer(found->second, request);
  });
}

}  // namespace tradewind::server
