#pragma once
// Relation: what FROM gives: the columns of one source, or of several that are joined, and what is the key of
// their rows.
//
// Threads: plain values.

#include <optional>
#include <string>
#include <vector>

#include "sql/binder/scope.h"
#include "sql/catalog.h"
#include "sql/statement.h"
#include "stream/topology.h"

namespace tradewind::sql {

struct Relation {
  struct Part {
    std::string alias;
    const Source* source = nullptr;
    size_t first = 0;  // of its columns
    Schema columns;
  };
  // One column of the key. After a join several columns may stand for it in a SELECT; its value is in
  // `value`.
  struct Key {
    std::vector<size_t> columns;
    size_t value = 0;
  };

  std::vector<Part> parts;
  stream::SourceSpec source;               // of the first part
  std::vector<stream::SourceSpec> inputs;  // of the others
  std::vector<stream::Step> steps;         // joins
  Schema schema;
  bool table = false;
  std::vector<Key> keys;
  std::optional<std::string> key_name;  // where no column of the sources is the key: what it is called
  size_t time = 0;                      // the column that is ROWTIME
  std::optional<size_t> window_start;   // the columns, where the rows have windows
  std::optional<size_t> window_end;

  bool joined() const { return parts.size() > 1; }
  // The source of the first part, whose formats and partitions a result takes over.
  const Source& first() const { return *parts.front().source; }
  Scope scope() const;
  // Tells each source which of its columns are read: those that `usage` knows of the relation's, and what the
  // joins need.
  void want(Usage usage);
};

Result<Relation> bind_relation(const Query& query, const Catalog& catalog);

}  // namespace tradewind::sql
