// /ksql, /query and /query-stream, as ksqlDB's clients speak them.
#include "server/server.h"
#include "sql/parse.h"

namespace tradewind::server {
namespace {

struct Asked {
  std::string text;
  engine::Session session;
  std::map<std::string, std::string> variables;
};

// The body of any of the three: "ksql" or "sql", "streamsProperties" or "properties", "sessionVariables".
Result<Asked> read_body(const net::Request& request) {
  const Json body = TRY(parse_json(request.body));
  if (!body.is(Json::Kind::object)) return Error{Code::invalid, "the body is no JSON object"};
  Asked asked;
  auto text = body.string_at("ksql");
  if (!text) text = body.string_at("sql");
  if (!text) return Error{Code::invalid, "the body has no \"ksql\" (or \"sql\") with the statement's text"};
  asked.text = *text;
  const auto read = [&](const char* name, std::map<std::string, std::string>& into) {
    const Json* members = body.find(name);
    if (members == nullptr || !members->is(Json::Kind::object)) return;
    for (const Json::Member& member : members->members()) {
      const bool text_like = member.value.is(Json::Kind::string) || member.value.is(Json::Kind::number);
      into[member.name] = text_like ? member.value.text() : member.value.dump();
    }
  };
  read("streamsProperties", asked.session);
  read("properties", asked.session);
  read("sessionVariables", asked.variables);
  if (const auto reset = asked.session.find("ksql.streams.auto.offset.reset"); reset != asked.session.end()) {
    asked.session["auto.offset.reset"] = reset->second;
  }
  return asked;
}

// "`ID` INTEGER KEY, `N` STRING"
std::string schema_text(const engine::RowStream& rows) {
  std::string text;
  for (size_t i = 0; i < rows.columns().size(); ++i) {
    const Field& field = rows.columns()[i];
    text += (i == 0 ? "`" : ", `") + field.name + "` " + field.type.text();
    if (i < rows.keys().size() && rows.keys()[i]) text += " KEY";
  }
  return text;
}

void append_row(const engine::RowStream& rows, const Batch& batch, size_t row, std::string& out) {
  out += '[';
  for (size_t i = 0; i < rows.columns().size(); ++i) {
    if (i > 0) out += ',';
    engine::append_json(rows.columns()[i].type, *batch.column(i), row, out);
  }
  out += ']';
}

}  // namespace

net::Response Server::ksql(const net::Request& request) {
  auto asked = read_body(request);
  if (!asked.ok()) return error_answer(400, asked.error().message);
  const auto statements = parts_.engine.parse(asked->text, asked->variables);
  if (!statements.ok()) return error_answer(400, statements.error().message, asked->text);
  std::string body = "[";
  for (const sql::Statement& statement : *statements) {
    if (std::holds_alternative<sql::Select>(statement.is)) {
      net::Response response =
          error_answer(400, "a SELECT belongs to /query or /query-stream", statement.text);
      return response;
    }
    const auto entity = parts_.engine.execute(statement, asked->session);
    if (!entity.ok()) {
      const bool missing = entity.error().code == Code::not_found;
      return error_answer(missing ? 400 : status_of(entity.error().code), entity.error().message,
                          statement.text);
    }
    body += (body.size() == 1 ? "" : ",") + entity->dump();
  }
  net::Response response;
  response.content_type = "application/vnd.ksql.v1+json";
  response.body = body + "]";
  return response;
}

net::Response Server::query(const net::Request& request) {
  auto asked = read_body(request);
  if (!asked.ok()) return error_answer(400, asked.error().message);
  const auto statements = parts_.engine.parse(asked->text, asked->variables);
  if (!statements.ok()) return error_answer(400, statements.error().message, asked->text);
  if (statements->size() != 1 || !std::holds_alternative<sql::Select>((*statements)[0].is)) {
    return error_answer(400, "this takes one SELECT; other statements belong to /ksql", asked->text);
  }
  const sql::Query& select = std::get<sql::Select>((*statements)[0].is).query;
  auto opened = parts_.engine.select(select, asked->session);
  if (!opened.ok())
    return error_answer(opened.error().code == Code::not_found ? 400 : status_of(opened.error().code),
                        opened.error().message, asked->text);
  const std::string id = "query_" + std::to_string(++next_query_);
  auto ended = std::make_shared<std::atomic<bool>>(false);
  {
    const std::lock_guard lock(open_mutex_);
    open_[id] = ended;
  }
  net::Response response;
  response.content_type = "application/vnd.ksql.v1+json";
  response.stream =
      [this, id, ended, limited = select.limit.has_value(),
       rows = std::shared_ptr<engine::RowStream>(std::move(*opened))](const net::WritePiece& write) {
        std::string piece = "[{\"header\":{\"queryId\":\"" + id +
                            "\",\"schema\":" + Json::string(schema_text(*rows)).dump() + "}}";
        bool alive = write(piece);
        while (alive && !*ended) {
          const auto batch = rows->next(Duration(200));
          piece.clear();
          if (!batch.ok()) {
            write(",\n{\"errorMessage\":" + error_answer(500, batch.error().message).body + "}");
            break;
          }
          if (!*batch) {
            write(limited ? ",\n{\"finalMessage\":\"Limit Reached\"}" : "");
            break;
          }
          for (size_t row = 0; row < (*batch)->rows(); ++row) {
            piece += ",\n{\"row\":{\"columns\":";
            append_row(*rows, **batch, row, piece);
            piece += "}}";
          }
          alive = write(piece);
        }
        if (alive) write("]\n");
        const std::lock_guard lock(open_mutex_);
        open_.erase(id);
      };
  return response;
}

net::Response Server::query_stream(const net::Request& request) {
  const std::string_view accept = request.header("accept");
  if (accept.find("application/vnd.ksql.v1+json") != std::string_view::npos) return query(request);
  auto asked = read_body(request);
  if (!asked.ok()) return error_answer(400, asked.error().message);
  const auto statements = parts_.engine.parse(asked->text, asked->variables);
  if (!statements.ok()) return error_answer(400, statements.error().message, asked->text);
  if (statements->size() != 1 || !std::holds_alternative<sql::Select>((*statements)[0].is)) {
    return error_answer(400, "this takes one SELECT; other statements belong to /ksql", asked->text);
  }
  auto opened = parts_.engine.select(std::get<sql::Select>((*statements)[0].is).query, asked->session);
  if (!opened.ok())
    return error_answer(opened.error().code == Code::not_found ? 400 : status_of(opened.error().code),
                        opened.error().message, asked->text);
  const bool array = accept.find("application/json") != std::string_view::npos;
  const std::string id = "query_" + std::to_string(++next_query_);
  auto ended = std::make_shared<std::atomic<bool>>(false);
  {
    const std::lock_guard lock(open_mutex_);
    open_[id] = ended;
  }
  net::Response response;
  response.content_type = array ? "application/json" : "application/vnd.ksqlapi.delimited.v1";
  response.stream = [this, id, ended, array, rows = std::shared_ptr<engine::RowStream>(std::move(*opened))](
                        const net::WritePiece& write) {
    std::string names;
    std::string types;
    for (const Field& field : rows->columns()) {
      names += (names.empty() ? "" : ",") + Json::string(field.name).dump();
      types += (types.empty() ? "" : ",") + Json::string(field.type.text()).dump();
    }
    bool alive = write((array ? "[" : "") + std::string("{\"queryId\":\"") + id + "\",\"columnNames\":[" +
                       names + "],\"columnTypes\":[" + types + "]}" + (array ? "" : "\n"));
    std::string piece;
    while (alive && !*ended) {
      const auto batch = rows->next(Duration(200));
      piece.clear();
      if (!batch.ok()) {
        write((array ? "," : "") + error_answer(500, batch.error().message).body + (array ? "" : "\n"));
        break;
      }
      if (!*batch) break;
      for (size_t row = 0; row < (*batch)->rows(); ++row) {
        if (array) piece += ",";
        append_row(*rows, **batch, row, piece);
        if (!array) piece += "\n";
      }
      alive = write(piece);
    }
    if (alive && array) write("]");
    const std::lock_guard lock(open_mutex_);
    open_.erase(id);
  };
  return response;
}

net::Response Server::close_query(const net::Request& request) {
  const auto body = parse_json(request.body);
  const std::string id = body.ok() ? body->string_at("queryId").value_or("") : "";
  const std::lock_guard lock(open_mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return error_answer(400, "no query is called '" + id + "'");
  *found->second = true;
  return {};
}

}  // namespace tradewind::server
