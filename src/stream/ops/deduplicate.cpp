#include "stream/ops/deduplicate.h"

#include <algorithm>

#include "base/coding.h"
#include "expr/evaluate.h"
#include "stream/ops/group_keys.h"

namespace tradewind::stream {
namespace {

constexpr char kFrameVersion = 1;

void put_entry(const SeenRows::Entry& entry, Bytes& out) {
  put_fixed(out, entry.high);
  put_fixed(out, entry.low);
  put_zigzag(out, entry.time_ms);
}

}  // namespace

DeduplicateOperator::DeduplicateOperator(DeduplicateStep step)
    : step_(std::move(step)), key_(types_of(step_.keys)) {}

Result<> DeduplicateOperator::open(Context& context) {
  context_ = &context;
  context.keep("seen", *this);
  return {};
}

bool DeduplicateOperator::passes(BytesView key, int64_t time_ms, int64_t reached_ms) {
  const int64_t within = step_.within.count();
  SeenRows::Entry& entry = seen_.place_of(key, forget_ms_);
  const bool known = entry.time_ms != SeenRows::Entry::kNone && entry.time_ms > reached_ms - within;
  if (known && time_ms < entry.time_ms + within && time_ms > entry.time_ms - within) return false;
  entry.time_ms = known ? std::max(entry.time_ms, time_ms) : time_ms;
  passed_.push_back(entry);
  return true;
}

Result<> DeduplicateOperator::process(const Batch& rows, Collector& out) {
  expr::Notes notes;
  std::vector<ColumnPtr> keys;
  for (const expr::ExpressionPtr& key : step_.keys) keys.push_back(expr::evaluate(*key, rows, notes));
  tell(*context_, rows, notes);
  std::vector<uint32_t> passing;
  passing.reserve(rows.rows());
  Bytes key;
  for (uint32_t row = 0; row < rows.rows(); ++row) {
    const int64_t time = rows.times_ms()[row];
    int64_t& reached = progress_.emplace(rows.origin().partition, time).first->second;
    reached = std::max(reached, time);
    const bool unknown =
        std::any_of(keys.begin(), keys.end(), [&](const ColumnPtr& part) { return part->is_null(row); });
    key.clear();
    if (!unknown) key_.encode(keys, row, key);
    if (unknown || passes(key, time, reached)) passing.push_back(row);
  }
  const auto slow = slowest(*context_, progress_);
  if (slow && *slow != INT64_MAX) forget_ms_ = std::max(forget_ms_, *slow - step_.within.count());
  if (passing.size() == rows.rows()) return out.emit(rows);
  return passing.empty() ? Result<>() : out.emit(rows.filtered(std::move(passing)));
}

Bytes DeduplicateOperator::begin_frame() const {
  Bytes frame(1, kFrameVersion);
  put_varint(frame, progress_.size());
  for (const auto& [partition, time] : progress_) {
    put_zigzag(frame, partition);
    put_zigzag(frame, time);
  }
  return frame;
}

void DeduplicateOperator::changes(state::FrameSink& sink) {
  if (passed_.empty() && progress_ == saved_progress_) return;
  Bytes frame = begin_frame();
  for (const SeenRows::Entry& entry : passed_) put_entry(entry, frame);
  sink.frame(0, frame);
}

void DeduplicateOperator::committed() {
  passed_.clear();
  saved_progress_ = progress_;
}

Result<> DeduplicateOperator::fold(int32_t, BytesView frame) {
  const Error bad{Code::corrupt, "a frame of DEDUPLICATE cannot be read"};
  uint64_t count = 0;
  if (frame.empty() || frame[0] != kFrameVersion) return bad;
  frame.remove_prefix(1);
  if (!get_varint(frame, count)) return bad;
  for (uint64_t i = 0; i < count; ++i) {
    int64_t partition = 0;
    int64_t time = 0;
    if (!get_zigzag(frame, partition) || !get_zigzag(frame, time)) return bad;
    int64_t& reached = progress_.emplace(static_cast<int32_t>(partition), time).first->second;
    reached = std::max(reached, time);
  }
  while (!frame.empty()) {
    SeenRows::Entry entry;
    if (!get_fixed(frame, entry.high) || !get_fixed(frame, entry.low) || !get_zigzag(frame, entry.time_ms) ||
        entry.time_ms == SeenRows::Entry::kNone)
      return bad;
    seen_.put(entry);
  }
  return {};
}

bool DeduplicateOperator::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame = begin_frame();
  for (; snapshot_table_ < SeenRows::kTables && frame.size() < budget; snapshot_at_ = 0, ++snapshot_table_) {
    const SeenRows::Table& table = seen_.tables()[snapshot_table_];
    if (snapshot_at_ > 0 && snapshot_built_ != table.built) snapshot_at_ = 0;  // the entries have moved
    snapshot_built_ = table.built;
    for (; snapshot_at_ < table.slots.size() && frame.size() < budget; ++snapshot_at_) {
      const SeenRows::Entry& entry = table.slots[snapshot_at_];
      if (entry.time_ms != SeenRows::Entry::kNone && entry.time_ms > forget_ms_) put_entry(entry, frame);
    }
    if (snapshot_at_ < table.slots.size()) break;
  }
  sink.frame(0, frame);
  if (snapshot_table_ < SeenRows::kTables) return false;
  snapshot_table_ = 0;
  return true;
}

}  // namespace tradewind::stream
