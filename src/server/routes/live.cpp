// /live: rows as server-sent events, of one query or of several on one connection (POST, or GET with several
// ?sql=).
#include <algorithm>

#include "net/event_stream.h"
#include "server/routes/rest.h"
#include "server/routes/row_format.h"
#include "sql/parse.h"

namespace tradewind::server {
namespace {

constexpr size_t kMostQueries = 32;
constexpr Duration kTurn{50};  // how long a round waits for rows of one query while the others are silent
constexpr int kSilentTurns = 200;

Json failure_json(int code, const std::string& message) {
  Json failure = Json::object();
  failure.set("@type", Json::string("generic_error"));
  failure.set("error_code", Json::number(int64_t{code}));
  failure.set("message", Json::string(message));
  return failure;
}

}  // namespace

// One of several queries.
struct Rest::Lane {
  Opened query;
  std::unique_ptr<RowFormat> format;
  std::vector<bool> keys;
  bool over = false;
};

// What the table holds now, beside a push query over it that has begun: a row of it may come again, and then
// the later one counts.
void Rest::look_into(Opened& query, const Asked& asked) {
  const auto statements = engine_.parse(asked.text, {});
  if (!query.push || query.limited || !statements.ok() || asked.session.contains("auto.offset.reset")) return;
  sql::Query held = std::get<sql::Select>((*statements)[0].is).query;
  const sql::Catalog known = engine_.catalog();
  const sql::Source* from = known.find(held.from);
  held.emit = sql::Query::Emit::none;
  if (from == nullptr || !from->table || !held.group_by.empty()) return;
  auto rows = engine_.select(held, asked.session);
  if (rows.ok()) query.before = std::move(*rows);  // not every table can be looked into
}

bool Rest::write_held(const Opened& query, RowFormat& format, const net::WritePiece& write) {
  if (query.before == nullptr) return true;
  for (bool alive = true; alive;) {
    const auto batch = query.before->next(Duration(0));
    if (!batch.ok() || !*batch) return alive;
    std::string piece;
    for (size_t row = 0; row < (*batch)->rows(); ++row) piece += format.row(*query.before, **batch, row);
    alive = write(piece);
  }
  return false;
}

net::Response Rest::live(const net::Request& request) {
  std::vector<Asked> all;
  for (const std::string& text : request.all("sql")) {
    Asked asked;
    asked.text = text;
    if (const auto set = request.query.find("auto.offset.reset"); set != request.query.end())
      asked.session[set->first] = set->second;
    if (asked.text.find(';') == std::string::npos) asked.text += ";";
    if (!text.empty()) all.push_back(std::move(asked));
  }
  if (all.empty())
    return answer(Refusal{.message = "?sql= with a SELECT ... EMIT CHANGES is missing"}, Json::array());
  if (all.size() > 1) return live_of(std::move(all));
  auto opened = open(all[0], false);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return answer(*refusal, Json::array());
  Opened& query = std::get<Opened>(opened);
  look_into(query, all[0]);
  net::Response response = stream_of(std::move(query), event_rows(), net::kEventStreamType);
  response.headers["Cache-Control"] = "no-cache";
  return response;
}

Result<std::vector<Asked>> Rest::read_many(const std::string& text) {
  const Json body = TRY(parse_json(text));
  const Json* queries = body.find("queries");
  if (queries == nullptr || !queries->is(Json::Kind::array) || queries->elements().empty())
    return Error{Code::invalid, "the body has no \"queries\" with a list of {\"sql\": \"SELECT ...\"}"};
  std::vector<Asked> asked;
  for (const Json& query : queries->elements()) {
    auto one = read_asked(query.dump());
    if (!one.ok())
      return Error{one.error().code, "queries[" + std::to_string(asked.size()) + "]: " + one.error().message};
    asked.push_back(std::move(*one));
  }
  return asked;
}

net::Response Rest::lives(const net::Request& request) {
  auto asked = read_many(request.body);
  if (!asked.ok()) return answer(Refusal{.message = asked.error().message}, Json::array());
  return live_of(std::move(*asked));
}

net::Response Rest::live_of(std::vector<Asked> asked) {
  if (asked.size() > kMostQueries) {
    return answer(Refusal{.message = std::to_string(asked.size()) +
                                     " queries on one connection are too many; 32 are the most"},
                  Json::array());
  }
  if (const auto refusal = not_yet(Asked{})) return answer(*refusal, Json::array());
  net::Response response;
  response.content_type = net::kEventStreamType;
  response.headers["Cache-Control"] = "no-cache";
  response.stream = [this, queries = std::move(asked)](const net::WritePiece& write) {
    std::vector<Lane> lanes;
    for (const Asked& query : queries) {
      Lane lane;
      lane.format = numbered_event_rows(lanes.size());
      if (!begin(query, lane, write)) return;
      lanes.push_back(std::move(lane));
    }
    pump_many(lanes, write);
  };
  return response;
}

// Opens one of several queries and writes what its table holds; one that cannot be opened says so and leaves
// the others alone. False: the client has gone.
bool Rest::begin(const Asked& asked, Lane& lane, const net::WritePiece& write) {
  auto opened = open(asked, false);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) {
    lane.over = true;
    return write(lane.format->failure(failure_json(refusal->code, refusal->message).dump()));
  }
  lane.query = std::move(std::get<Opened>(opened));
  look_into(lane.query, asked);
  lane.keys = lane.query.rows->show_deletions();
  return write(lane.format->header(lane.query.id, *lane.query.rows)) &&
         write_held(lane.query, *lane.format, write) && write(lane.format->held());
}

// The rows that came within `wait`, as text.
std::string Rest::take(Lane& lane, Duration wait) {
  engine::RowStream& rows = *lane.query.rows;
  const auto batch = rows.next(wait);
  if (!batch.ok()) {
    lane.over = true;
    return lane.format->failure(failure_json(code_of(batch.error().code), batch.error().message).dump());
  }
  if (!*batch || *lane.query.ended) {
    lane.over = true;
    return lane.format->end(lane.query.push, lane.query.limited);
  }
  std::string piece;
  for (size_t row = 0; row < (*batch)->rows(); ++row) {
    const bool gone = (*batch)->change(row) == Change::retract;
    piece +=
        gone ? lane.format->deletion(rows, **batch, row, lane.keys) : lane.format->row(rows, **batch, row);
  }
  return piece;
}

void Rest::pump_many(std::vector<Lane>& lanes, const net::WritePiece& write) {
  const auto running = [&] {
    return std::ranges::any_of(lanes, [](const Lane& lane) { return !lane.over; });
  };
  int silent = 0;
  for (size_t turn = 0; running(); ++turn) {
    std::string piece;
    for (Lane& lane : lanes)
      if (!lane.over) piece += take(lane, Duration(0));
    if (!running()) {
      write(piece);
      return;
    }
    while (lanes[turn % lanes.size()].over) ++turn;
    if (piece.empty()) piece = take(lanes[turn % lanes.size()], kTurn);
    silent = piece.empty() ? silent + 1 : 0;
    if (silent == kSilentTurns) {
      piece = net::event_comment("still here");
      silent = 0;
    }
    if (!write(piece)) return;
  }
}

}  // namespace tradewind::server
