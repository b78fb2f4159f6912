#pragma once
// Rest: ksqlDB's REST over the engine, and /live. Statements go through /ksql; rows come from /query,
// /query-stream, /ws/query and /live; rows go in by /inserts-stream.
//
// Threads: declare() first; the handlers run on the requests' threads.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "net/http_server.h"

namespace tradewind::server {

// What a request's body asks for, in any of the shapes ksqlDB's clients send.
struct Asked {
  std::string text;
  engine::Session session;
  std::map<std::string, std::string> variables;
  std::optional<int64_t> after;  // the command that must have been carried out before
};

class RowFormat;

class Rest {
 public:
  // `starting` answers why nothing can be asked yet, and how far the start is; nothing once it is done.
  using Starting = std::function<std::optional<std::string>()>;
  Rest(engine::Engine& engine, Starting starting) : engine_(engine), starting_(std::move(starting)) {}

  void declare(net::HttpServer& http);
  // Ends every push query.
  void stop();

 private:
  struct Opened {
    std::string id;
    std::shared_ptr<std::atomic<bool>> ended;
    std::shared_ptr<void> listed;  // takes it off the list of open queries at last
    std::shared_ptr<engine::RowStream> rows;
    std::shared_ptr<engine::LineStream> lines;  // or these: PRINT
    std::shared_ptr<engine::RowStream> before;  // what a table held when it was asked, for /live
    bool push = false;
    bool limited = false;
  };
  struct Refusal {
    int status = 400;
    int code = 40000;
    std::string message;
    std::string statement;
  };

  // statements.cpp
  net::Response ksql(const net::Request& request);
  net::Response status(const net::Request& request) const;
  net::Response statuses() const;
  net::Response valid_property(const net::Request& request) const;
  std::optional<Refusal> not_yet(const Asked& asked);
  static net::Response answer(const Refusal& refusal, const Json& entities);

  // queries.cpp
  net::Response query(const net::Request& request);
  net::Response query_stream(const net::Request& request);
  net::Response socket_query(const net::Request& request);
  net::Response close_query(const net::Request& request);
  std::variant<Opened, Refusal> open(const Asked& asked, bool print);
  Opened remember(Opened opened);
  net::Response stream_of(Opened opened, std::shared_ptr<RowFormat> format, const char* type);
  void pump(const Opened& opened, RowFormat& format, const net::WritePiece& write);

  // live.cpp
  struct Lane;
  net::Response live(const net::Request& request);
  net::Response lives(const net::Request& request);
  net::Response live_of(std::vector<Asked> asked);
  static Result<std::vector<Asked>> read_many(const std::string& text);
  void look_into(Opened& query, const Asked& asked);
  static bool write_held(const Opened& query, RowFormat& format, const net::WritePiece& write);
  bool begin(const Asked& asked, Lane& lane, const net::WritePiece& write);
  static std::string take(Lane& lane, Duration wait);
  static void pump_many(std::vector<Lane>& lanes, const net::WritePiece& write);

  // inserts.cpp
  net::Response inserts_stream(const net::Request& request);

  engine::Engine& engine_;
  const Starting starting_;
  std::atomic<int64_t> next_query_{0};
  std::mutex open_mutex_;
  std::map<std::string, std::shared_ptr<std::atomic<bool>>> open_;  // set: the query ends
};

Result<Asked> read_asked(const std::string& body);
// The error_code of ksqlDB and the status that goes with it.
int code_of(Code code);

inline constexpr const char* kKsqlType = "application/vnd.ksql.v1+json";
inline constexpr const char* kDelimitedType = "application/vnd.ksqlapi.delimited.v1";

}  // namespace tradewind::server
