// Rows out: /query, /query-stream, /ws/query; and /close-query.
#include "net/event_stream.h"
#include "server/routes/rest.h"
#include "server/routes/row_format.h"
#include "sql/parse.h"

namespace tradewind::server {
namespace {

constexpr Duration kLook{200};  // how often a silent query looks whether its client is still there
constexpr int kSilentLooks = 75;

std::string error_json(int code, const std::string& message) {
  return "{\"@type\":\"generic_error\",\"error_code\":" + std::to_string(code) +
         ",\"message\":" + Json::string(message).dump() + "}";
}

bool accepts(std::string_view accept, std::string_view type) {
  return accept.find(type) != std::string_view::npos;
}

// The statement, when there is exactly one and it gives rows or lines.
const sql::Statement* lone_query(const std::vector<sql::Statement>& statements, bool print) {
  if (statements.size() != 1) return nullptr;
  const bool select = std::holds_alternative<sql::Select>(statements[0].is);
  const bool printed = std::holds_alternative<sql::Print>(statements[0].is);
  return select || (print && printed) ? &statements[0] : nullptr;
}

}  // namespace

std::variant<Rest::Opened, Rest::Refusal> Rest::open(const Asked& asked, bool print) {
  if (auto refusal = not_yet(asked)) return *refusal;
  const auto statements = engine_.parse(asked.text, asked.variables);
  if (!statements.ok()) return Refusal{400, 40001, statements.error().message, asked.text};
  const sql::Statement* statement = lone_query(*statements, print);
  if (statement == nullptr)
    return Refusal{400, 40002, "this takes one SELECT; other statements belong to /ksql", asked.text};
  Opened opened;
  const auto refuse = [&](const Error& error) {
    const int code = code_of(error.code);
    return Refusal{code / 100, code, error.message, asked.text};
  };
  if (const auto* printed = std::get_if<sql::Print>(&statement->is)) {
    auto lines = engine_.print(*printed);
    if (!lines.ok()) return refuse(lines.error());
    opened.lines = std::move(*lines);
    return remember(std::move(opened));
  }
  const sql::Query& query = std::get<sql::Select>(statement->is).query;
  auto rows = engine_.select(query, asked.session);
  if (!rows.ok()) return refuse(rows.error());
  opened.rows = std::move(*rows);
  opened.push = query.emit != sql::Query::Emit::none;
  opened.limited = query.limit.has_value();
  return remember(std::move(opened));
}

Rest::Opened Rest::remember(Opened opened) {
  opened.id = "query_" + std::to_string(++next_query_);
  opened.ended = std::make_shared<std::atomic<bool>>(false);
  opened.listed = std::shared_ptr<void>(nullptr, [this, id = opened.id](void*) {
    const std::lock_guard lock(open_mutex_);
    open_.erase(id);
  });
  const std::lock_guard lock(open_mutex_);
  open_[opened.id] = opened.ended;
  return opened;
}

void Rest::stop() {
  const std::lock_guard lock(open_mutex_);
  for (const auto& [id, ended] : open_) *ended = true;
}

void Rest::pump(const Opened& opened, RowFormat& format, const net::WritePiece& write) {
  engine::RowStream& rows = *opened.rows;
  const std::vector<bool> keys = rows.show_deletions();
  bool alive = write(format.header(opened.id, rows));
  std::string piece;
  const auto add = [&](std::string text) {
    if (!format.apart())
      piece += text;
    else if (alive && !text.empty())
      alive = write(text);
  };
  for (int silent = 0; alive && !*opened.ended;) {
    const auto batch = rows.next(kLook);
    piece.clear();
    if (!batch.ok()) {
      write(format.failure(error_json(code_of(batch.error().code), batch.error().message)));
      break;
    }
    if (!*batch) break;
    const size_t count = (*batch)->rows();
    for (size_t row = 0; row < count && alive; ++row) {
      const bool gone = (*batch)->change(row) == Change::retract;
      add(gone ? format.deletion(rows, **batch, row, keys) : format.row(rows, **batch, row));
    }
    silent = count > 0 ? 0 : silent + 1;
    if (silent == kSilentLooks) {
      piece += format.nothing_new();
      silent = 0;
    }
    alive = alive && write(piece);
  }
  const std::string end = format.end(opened.push, opened.limited);
  if (alive && !end.empty()) write(end);
}

net::Response Rest::stream_of(Opened opened, std::shared_ptr<RowFormat> format, const char* type) {
  net::Response response;
  response.content_type = type;
  if (opened.lines != nullptr) {
    response.content_type = "text/plain";
    response.stream = [opened = std::move(opened)](const net::WritePiece& write) {
      for (bool alive = true; alive && !*opened.ended;) {
        const auto lines = opened.lines->next(kLook);
        if (!lines.ok()) write(error_json(code_of(lines.error().code), lines.error().message) + "\n");
        if (!lines.ok() || !*lines) break;
        alive = write(**lines);
      }
    };
    return response;
  }
  response.stream = [this, opened = std::move(opened), format](const net::WritePiece& write) {
    if (opened.before != nullptr) {
      write(net::event_comment("what the table holds"));
      write_held(opened, *format, write);
    }
    pump(opened, *format, write);
  };
  return response;
}

net::Response Rest::query(const net::Request& request) {
  const auto asked = read_asked(request.body);
  if (!asked.ok()) return answer(Refusal{.message = asked.error().message}, Json::array());
  auto opened = open(*asked, true);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return answer(*refusal, Json::array());
  return stream_of(std::move(std::get<Opened>(opened)), streamed_rows(), kKsqlType);
}

net::Response Rest::query_stream(const net::Request& request) {
  const std::string_view accept = request.header("accept");
  const bool any = accept.empty() || accepts(accept, "*/*") || accepts(accept, "application/*");
  const bool delimited = accepts(accept, kDelimitedType);
  const bool ksql = accepts(accept, kKsqlType);
  const bool array = accepts(accept, "application/json");
  if (!any && !delimited && !ksql && !array) {
    return answer(Refusal{406, 40600,
                          "rows are given as " + std::string(kDelimitedType) + ", " + kKsqlType +
                              " or application/json",
                          ""},
                  Json::array());
  }
  const auto asked = read_asked(request.body);
  if (!asked.ok()) return answer(Refusal{.message = asked.error().message}, Json::array());
  auto opened = open(*asked, true);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return answer(*refusal, Json::array());
  Opened& query = std::get<Opened>(opened);
  const bool push = query.push;
  if (query.lines != nullptr && !delimited && !any) {
    return answer(Refusal{406, 40600, "PRINT gives lines: accept " + std::string(kDelimitedType), ""},
                  Json::array());
  }
  if (delimited || (any && !ksql && !array))
    return stream_of(std::move(query), delimited_rows(push), kDelimitedType);
  if (ksql) return stream_of(std::move(query), streamed_rows(), kKsqlType);
  return stream_of(std::move(query), array_rows(), "application/json");
}

net::Response Rest::socket_query(const net::Request& request) {
  if (request.header("upgrade") != "websocket")
    return answer(Refusal{.message = "this speaks WebSocket, over HTTP/1.1"}, Json::array());
  net::Response response;
  const auto given = request.query.find("request");
  const auto asked = given == request.query.end()
                         ? Result<Asked>(Error{Code::invalid, "?request= with a KsqlRequest is missing"})
                         : read_asked(given->second);
  const auto refuse = [&](int code, const std::string& why) {
    response.socket = [code, why](const net::WritePiece&) { return net::Farewell{code, why}; };
    return response;
  };
  if (!asked.ok()) return refuse(1003, asked.error().message);
  auto opened = open(*asked, true);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) {
    const bool later = refusal->code == 50301;
    return refuse(later ? 1013 : refusal->status < 500 ? 1003 : 1011, refusal->message);
  }
  response.socket = [this, query = std::move(std::get<Opened>(opened))](const net::WritePiece& write) {
    if (query.lines == nullptr) {
      pump(query, *message_rows(), write);
      return net::Farewell{1000, "done"};
    }
    for (bool alive = true; alive && !*query.ended;) {
      const auto lines = query.lines->next(kLook);
      if (!lines.ok() || !*lines) break;
      alive = write(**lines);
    }
    return net::Farewell{1000, "done"};
  };
  return response;
}

net::Response Rest::close_query(const net::Request& request) {
  const auto body = parse_json(request.body);
  const std::string id = body.ok() ? body->string_at("queryId").value_or("") : "";
  const std::lock_guard lock(open_mutex_);
  const auto found = open_.find(id);
  if (found == open_.end())
    return answer(Refusal{.message = "no query is called '" + id + "'"}, Json::array());
  *found->second = true;
  return {};
}

}  // namespace tradewind::server
