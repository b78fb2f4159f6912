#include "stream/ops/enter.h"

#include <algorithm>

#include "base/coding.h"
#include "expr/evaluate.h"
#include "stream/ops/event_time.h"
#include "stream/ops/group_keys.h"

namespace tradewind::stream {
namespace {

std::vector<uint8_t> rows_that(const expr::ExpressionPtr& condition, const Batch& rows, expr::Notes& notes) {
  std::vector<uint8_t> are(rows.rows(), 0);
  if (condition == nullptr) return are;
  for (const uint32_t row : expr::rows_where(*condition, rows, notes)) are[row] = 1;
  return are;
}

// Of a key that has passed: armed again, and the time of the row that passed.
struct Passed {
  bool armed = false;
  int64_t time_ms = 0;
};

Passed read(BytesView bytes) {
  Passed passed;
  passed.armed = bytes[0] != '\0';
  bytes.remove_prefix(1);
  CHECK(get_zigzag(bytes, passed.time_ms));
  return passed;
}

}  // namespace

EnterOperator::EnterOperator(EnterStep step) : step_(std::move(step)), key_(types_of(step_.keys)) {}

Result<> EnterOperator::open(Context& context) {
  context_ = &context;
  context.keep("entered", *this);
  return {};
}

bool EnterOperator::passes(BytesView key, int64_t time, bool entered, bool cleared) {
  const auto known = store_.get(key);
  const std::optional<Passed> passed = known ? std::optional(read(*known)) : std::nullopt;
  const bool armed = !passed || passed->armed;
  const bool cool = !passed || time >= passed->time_ms + step_.cooldown.count();
  Passed next;
  if (entered && armed && cool) {
    next = {false, time};
  } else if (!entered && cleared && !armed) {
    next = {true, passed->time_ms};
  } else {
    return false;
  }
  Bytes bytes(1, next.armed ? '\x01' : '\0');
  put_zigzag(bytes, next.time_ms);
  store_.put(key, bytes);
  return !next.armed;
}

Result<> EnterOperator::process(const Batch& rows, Collector& out) {
  expr::Notes notes;
  std::vector<ColumnPtr> keys;
  for (const expr::ExpressionPtr& key : step_.keys) keys.push_back(expr::evaluate(*key, rows, notes));
  const std::vector<uint8_t> entered = rows_that(step_.condition, rows, notes);
  const std::vector<uint8_t> cleared = rows_that(step_.clear, rows, notes);
  tell(*context_, rows, notes);
  std::vector<uint32_t> passing;
  Bytes key;
  for (uint32_t row = 0; row < rows.rows(); ++row) {
    if (std::any_of(keys.begin(), keys.end(), [&](const ColumnPtr& part) { return part->is_null(row); }))
      continue;
    key.clear();
    key_.encode(keys, row, key);
    const bool clears = step_.clear == nullptr || cleared[row] != 0;
    if (passes(key, rows.times_ms()[row], entered[row] != 0, clears)) passing.push_back(row);
  }
  return passing.empty() ? Result<>() : out.emit(rows.filtered(std::move(passing)));
}

void EnterOperator::changes(state::FrameSink& sink) {
  if (!store_.has_changes()) return;
  Bytes frame;
  store_.changes(frame);
  sink.frame(0, frame);
}

bool EnterOperator::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame;
  const auto last = store_.snapshot(snapshot_after_, budget, frame);
  if (!frame.empty()) sink.frame(0, frame);
  snapshot_after_ = last.value_or(Bytes());
  return !last;
}

}  // namespace tradewind::stream
