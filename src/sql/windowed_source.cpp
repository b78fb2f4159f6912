#include "sql/windowed_source.h"

#include <algorithm>

#include "sql/binder/bind_query.h"
#include "sql/parser/parser.h"

namespace tradewind::sql {
namespace {

using Kind = stream::WindowSpec::Kind;

Result<Kind> kind_of(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  for (const Kind kind : {Kind::tumbling, Kind::hopping, Kind::session}) {
    if (text == name_of(kind)) return kind;
  }
  return Error{Code::invalid, "WINDOW_TYPE is TUMBLING, HOPPING or SESSION, not '" + text + "'"};
}

Result<int64_t> size_of(const std::string& text) {
  const std::map<std::string, Type> no_types;
  auto tokens = tokenize(text);
  if (tokens.ok()) {
    const auto ms = Parser(text, std::move(*tokens), no_types).lone_duration();
    if (ms.ok() && *ms > 0) return *ms;
  }
  return Error{Code::invalid, "WINDOW_SIZE is a number and a unit such as '30 SECONDS', not '" + text + "'"};
}

}  // namespace

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::tumbling: return "TUMBLING";
    case Kind::hopping: return "HOPPING";
    case Kind::session: return "SESSION";
    case Kind::sliding: return "SLIDING";
  }
  return "";
}

Result<> apply_window(const Properties& with, Source& source) {
  const auto type = with.find("WINDOW_TYPE");
  const auto size = with.find("WINDOW_SIZE");
  if (type == with.end() && size == with.end()) return {};
  if (type == with.end()) return Error{Code::invalid, "WINDOW_SIZE needs a WINDOW_TYPE beside it"};
  source.window_type = TRY(kind_of(type->second));
  const bool session = *source.window_type == Kind::session;
  if (session != (size == with.end())) {
    return Error{Code::invalid, session ? "sessions have no WINDOW_SIZE; leave it out"
                                        : "WINDOW_TYPE needs a WINDOW_SIZE beside it"};
  }
  if (!session) source.window_size_ms = TRY(size_of(size->second));
  if (std::none_of(source.columns.begin(), source.columns.end(), [](const auto& c) { return c.key; })) {
    return Error{Code::invalid, source.name + " needs a KEY column: windows are a part of the key"};
  }
  return {};
}

void keep_windows(const Source& from, const BoundQuery& query, Source& made) {
  if (query.window) {
    made.window_type = query.window->kind;
    made.windows_kept = query.window->retention;
    if (query.window->kind != Kind::session) made.window_size_ms = query.window->size.count();
  } else if (query.window_start) {
    made.window_type = from.window_type;
    made.window_size_ms = from.window_size_ms;
    made.windows_kept = from.windows_kept;
  }
}

}  // namespace tradewind::sql
