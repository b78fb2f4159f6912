// Rows in: /inserts-stream, one JSON object a line on a request that may stay open; and the table of routes.
#include "server/routes/rest.h"

namespace tradewind::server {
namespace {

constexpr Duration kLook{200};
constexpr size_t kMostLine = 1 << 20;

// "orders" is ORDERS, "`orders`" is orders.
std::string source_name(const std::string& given) {
  if (given.size() > 2 && given.front() == '`' && given.back() == '`')
    return given.substr(1, given.size() - 2);
  std::string upper = given;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

std::string ack(int64_t sequence, const Result<>& done) {
  const std::string number = std::to_string(sequence);
  if (done.ok()) return "{\"status\":\"ok\",\"seq\":" + number + "}";
  return "{\"status\":\"error\",\"seq\":" + number +
         ",\"error_code\":" + std::to_string(done.error().code == Code::invalid ? 40000 : 50000) +
         ",\"message\":" + Json::string(done.error().message).dump() + "}";
}

// The lines of a body as it comes.
class Lines {
 public:
  explicit Lines(net::ReadPiece read) : read_(std::move(read)) {}

  // More whole lines; at the end the last one, whole or not. False: there will be no more.
  bool more(std::vector<std::string>& lines) {
    std::string piece;
    const net::Piece got = read_(piece, kLook);
    if (got == net::Piece::some) waiting_ += piece;
    for (size_t end; (end = waiting_.find('\n')) != std::string::npos;) {
      keep(waiting_.substr(0, end), lines);
      waiting_.erase(0, end + 1);
    }
    const bool ends = got == net::Piece::end || got == net::Piece::broken;
    if (got == net::Piece::end) keep(std::exchange(waiting_, ""), lines);
    return !ends && waiting_.size() <= kMostLine;
  }

 private:
  static void keep(std::string line, std::vector<std::string>& lines) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) lines.push_back(std::move(line));
  }

  net::ReadPiece read_;
  std::string waiting_;
};

std::vector<Result<>> insert(engine::Inserter& inserter, const std::vector<std::string>& lines) {
  std::vector<Result<>> answers;
  for (const std::string& line : lines) {
    const auto row = parse_json(line);
    if (!row.ok())
      answers.push_back(row.error());
    else
      answers.push_back(inserter.insert({*row})[0]);
  }
  return answers;
}

}  // namespace

net::Response Rest::inserts_stream(const net::Request& request) {
  const auto lines = std::make_shared<Lines>(request.read);
  std::vector<std::string> first;
  bool more = true;
  while (more && first.empty()) more = lines->more(first);
  const auto head =
      first.empty() ? Result<Json>(Error{Code::invalid, "the body is empty"}) : parse_json(first[0]);
  const auto target = head.ok() ? head->string_at("target") : std::nullopt;
  if (!target) {
    const std::string why = head.ok() ? "the first line has no \"target\"" : head.error().message;
    return answer(Refusal{.message = why}, Json::array());
  }
  if (const auto refusal = not_yet(Asked{})) return answer(*refusal, Json::array());
  auto opened = engine_.inserter(source_name(*target));
  if (!opened.ok()) {
    const int code = code_of(opened.error().code) == 40001 ? 40000 : 50000;
    return answer(Refusal{code / 100, code, opened.error().message, ""}, Json::array());
  }
  first.erase(first.begin());
  const std::string_view accept = request.header("accept");
  const bool array = accept.find("application/json") != std::string_view::npos;
  net::Response response;
  response.content_type = array ? "application/json" : kDelimitedType;
  response.stream =
      [lines, first, more, array,
       inserter = std::shared_ptr<engine::Inserter>(std::move(*opened))](const net::WritePiece& write) {
        int64_t sequence = 0;
        std::vector<std::string> waiting = first;
        bool alive = !array || write("[");
        for (bool going = more; alive; going = lines->more(waiting)) {
          std::string acks;
          for (const Result<>& done : insert(*inserter, waiting)) {
            if (array && sequence > 0) acks += ",";
            acks += ack(sequence++, done) + (array ? "" : "\n");
          }
          waiting.clear();
          alive = write(acks) && alive;
          if (!going) break;
        }
        if (alive && array) write("]");
      };
  return response;
}

void Rest::declare(net::HttpServer& http) {
  using net::Request;
  http.route("POST", "/ksql", [this](const Request& r) { return ksql(r); });
  http.route("POST", "/query", [this](const Request& r) { return query(r); });
  http.route("POST", "/query-stream", [this](const Request& r) { return query_stream(r); });
  http.route("POST", "/close-query", [this](const Request& r) { return close_query(r); });
  http.route_in_pieces("POST", "/inserts-stream", [this](const Request& r) { return inserts_stream(r); });
  http.route("GET", "/ws/query", [this](const Request& r) { return socket_query(r); });
  http.route("GET", "/live", [this](const Request& r) { return live(r); });
  http.route("POST", "/live", [this](const Request& r) { return lives(r); });
  http.route("GET", "/status", [this](const Request&) { return statuses(); });
  http.route("GET", "/status/{type}/{entity}/{action}", [this](const Request& r) { return status(r); });
  http.route("GET", "/is_valid_property/{name}", [this](const Request& r) { return valid_property(r); });
}

}  // namespace tradewind::server
