#pragma once
// RowFormat: how the rows of a query are written, for each kind of client.
//
// Threads: one.

#include <memory>
#include <string>

#include "engine/engine.h"

namespace tradewind::server {

class RowFormat {
 public:
  virtual ~RowFormat() = default;
  virtual std::string header(const std::string& query_id, const engine::RowStream& rows) = 0;
  // Empty: this client is not told.
  virtual std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) = 0;
  // The row is gone; `keys` are the columns that tell which.
  virtual std::string deletion(const engine::RowStream& rows, const Batch& batch, size_t row,
                               const std::vector<bool>& keys) = 0;
  // `error` is a JSON object.
  virtual std::string failure(const std::string& error) = 0;
  virtual std::string end(bool push, bool limited) = 0;
  // What keeps a silent connection alive; empty: nothing.
  virtual std::string nothing_new() { return ""; }
  // Told once what a table held has been given; what comes now is new. Empty: this client is not told.
  virtual std::string held() { return ""; }
  // Whether each row is a piece of its own: clients that take every frame for one row.
  virtual bool apart() const { return false; }
};

std::unique_ptr<RowFormat> streamed_rows();            // /query: [{"header":…},\n{"row":…}]
std::unique_ptr<RowFormat> delimited_rows(bool push);  // a line each
std::unique_ptr<RowFormat> array_rows();               // one JSON array
std::unique_ptr<RowFormat> message_rows();             // WebSocket: a text each
std::unique_ptr<RowFormat> event_rows();               // server-sent events: rows as objects
// The same for several queries on one connection: each event's name ends in the query's number: "row/0".
std::unique_ptr<RowFormat> numbered_event_rows(size_t number);

}  // namespace tradewind::server
