#pragma once
// Operator: one step of a topology, run by one task in one thread. It never sleeps, starts threads or touches
// the log; what must survive a commit lies in a Durable that it hands to its context when it is opened.
//
// Where batches are cut never changes a result: stream time moves row by row.
// An error means "this task cannot go on": the worker drops the transaction and the query stops with the
// reason.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "data/batch.h"
#include "data/dictionary.h"
#include "log/record.h"
#include "state/durable.h"

namespace tradewind::stream {

class Collector {
 public:
  virtual ~Collector() = default;
  virtual Result<> emit(Batch batch) = 0;
};

// What went wrong with one row; becomes a record of the processing log.
struct RowNote {
  enum class Kind { deserialization, expression, late, too_large };
  Kind kind = Kind::expression;
  std::string query;
  std::string step;
  std::string reason;
  std::string topic;
  int32_t partition = 0;
  int64_t offset = -1;
  Bytes record;  // the raw bytes, where there are any
  // Of a result that is too large.
  std::optional<Bytes> key;
  int64_t bytes = 0;
};

// What a task lends to its operators.
class Context {
 public:
  virtual ~Context() = default;
  virtual const std::string& query() const = 0;
  virtual int32_t groups() const = 0;          // how many parts the state is cut into
  virtual bool owns(int32_t group) const = 0;  // whether that part lies in this worker
  virtual Timestamp now() = 0;                 // wall time, as the task sees it
  // A dictionary shared by all operators of the worker that intern the same column of the same source.
  virtual std::shared_ptr<Dictionary> dictionary(const std::string& column) = 0;
  virtual void keep(const std::string& name, state::Durable& durable) = 0;
  virtual void note(RowNote note) = 0;
  // True when the partition was read to its end and has been silent for so long that nobody waits for it.
  virtual bool idle(int32_t partition) = 0;
  virtual int32_t source_partitions() const = 0;
  // By group the ends of the partials of this query that other workers have written and this one reads; empty
  // where there are none. merged() once all of them have been.
  using PartialEnds = std::map<int32_t, log::Offset>;
  virtual Result<PartialEnds> partials_written() = 0;
  virtual bool merged(const PartialEnds& ends) = 0;
  // How long no record has come from the source, once that is long enough for windows to close by the clock;
  // else 0.
  virtual Duration silence() = 0;
  // Of what append() takes. Larger ones are told and left out.
  virtual int64_t most_record_bytes() const { return INT64_MAX; }
  // Records of the commit at hand: results, late rows, partials. The bytes are copied.
  virtual Result<> append(const log::Position& position, std::span<const log::RecordView> records) = 0;
};

class Operator {
 public:
  virtual ~Operator() = default;
  virtual Result<> open(Context& context) = 0;
  virtual Result<> process(const Batch& rows, Collector& out) = 0;
  // A commit comes: hold nothing back.
  virtual Result<> flush(Collector& out) {
    (void)out;
    return {};
  }
};

}  // namespace tradewind::stream
