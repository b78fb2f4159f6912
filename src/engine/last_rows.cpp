#include "engine/last_rows.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>

#include "data/cell_text.h"
#include "data/value.h"

namespace tradewind::engine {
namespace {

constexpr size_t kFewRows = 50'000;  // that may wait before those that no longer count are left out
constexpr size_t kSmallBatch = 512;  // rows; as many are worth the memory that a batch shares with others
constexpr size_t kManySmall = 64;

std::string key_of(const Batch& batch, const std::vector<bool>& keys, size_t row) {
  std::string key;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i]) continue;
    append_json((*batch.schema())[i].type, *batch.column(i), row, key);
    key += '\n';
  }
  return key;
}

// All rows of these, one behind the other. REQUIRES there are some, and that their columns are the same.
Batch owned(std::span<const Batch> batches) {
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < batches[0].schema()->size(); ++i) {
    ColumnBuilder values((*batches[0].schema())[i].type);
    for (const Batch& batch : batches) {
      const Column& column = *batch.column(i);
      for (size_t row = 0; row < batch.rows(); ++row) values.append(value_at(column, row));
    }
    columns.push_back(values.finish());
  }
  std::vector<int64_t> times_ms;
  std::vector<Change> changes;
  for (const Batch& batch : batches) {
    times_ms.insert(times_ms.end(), batch.times_ms().begin(), batch.times_ms().end());
    for (size_t row = 0; row < batch.rows(); ++row) changes.push_back(batch.change(row));
  }
  Batch all(batches[0].schema(), std::move(columns), std::move(times_ms));
  all.with_changes(std::move(changes));
  return all;
}

class GroupsRead final : public RowStream {
 public:
  GroupsRead(sql::PushPlan plan, std::unique_ptr<stream::Subscription> subscription)
      : plan_(std::move(plan)), subscription_(std::move(subscription)) {}

  const std::vector<Field>& columns() const override { return plan_.columns; }
  const std::vector<bool>& keys() const override { return keys_; }

  Result<std::optional<Batch>> next(Duration) override {
    if (!complete_) {
      TRY(read_on());
      return std::optional(Batch());
    }
    const int64_t left = plan_.limit.value_or(INT64_MAX) - given_;
    if (rows_.empty() || left <= 0) return std::optional<Batch>();
    Batch batch = std::move(rows_.front());
    rows_.pop_front();
    if (static_cast<int64_t>(batch.rows()) > left) batch = batch.slice(0, static_cast<size_t>(left));
    given_ += static_cast<int64_t>(batch.rows());
    return std::optional(std::move(batch));
  }

 private:
  // Also where there is nothing to read, for the group that is there without any row.
  Result<> read_on() {
    for (Batch& batch : TRY(subscription_->poll(Duration(0)))) {
      waiting_ += batch.rows();
      rows_.push_back(std::move(batch));
    }
    complete_ = subscription_->read_out();
    if (complete_ || waiting_ > kFewRows + 2 * kept_)
      kept_ = waiting_ = keep_last_rows(rows_, plan_.identity);
    if (!complete_) return {};
    for (Batch& batch : rows_) batch = without_gone(batch);
    return {};
  }

  static Batch without_gone(const Batch& batch) {
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < batch.rows(); ++i) {
      if (batch.change(i) == Change::insert) rows.push_back(i);
    }
    return batch.filtered(std::move(rows));
  }

  sql::PushPlan plan_;
  std::unique_ptr<stream::Subscription> subscription_;  // rows hold what lies in its memory
  bool complete_ = false;
  std::vector<bool> keys_;  // answers of push queries do not say
  std::deque<Batch> rows_;
  size_t waiting_ = 0;
  size_t kept_ = 0;
  int64_t given_ = 0;
};

}  // namespace

size_t keep_last_rows(std::deque<Batch>& batches, const std::vector<bool>& keys) {
  std::set<std::string> seen;
  size_t left = 0;
  for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
    std::vector<uint32_t> rows;
    for (size_t row = batch->rows(); row-- > 0;) {
      if (seen.insert(key_of(*batch, keys, row)).second)
        rows.insert(rows.begin(), static_cast<uint32_t>(row));
    }
    left += rows.size();
    *batch = batch->filtered(std::move(rows));
  }
  std::erase_if(batches, [](const Batch& batch) { return batch.rows() == 0; });
  gather_small(batches);
  return left;
}

void gather_small(std::deque<Batch>& batches) {
  const auto small = [](const Batch& batch) { return batch.rows() < kSmallBatch; };
  if (static_cast<size_t>(std::ranges::count_if(batches, small)) < kManySmall) return;
  std::deque<Batch> gathered;
  std::vector<Batch> pending;
  size_t rows = 0;
  const auto put = [&] {
    if (!pending.empty()) gathered.push_back(pending.size() == 1 ? pending[0] : owned(pending));
    pending.clear();
    rows = 0;
  };
  for (const Batch& batch : batches) {
    pending.push_back(batch);
    rows += batch.rows();
    if (rows >= kSmallBatch) put();
  }
  put();
  batches = std::move(gathered);
}

std::unique_ptr<RowStream> look_at_groups(sql::PushPlan plan,
                                          std::unique_ptr<stream::Subscription> subscription) {
  return std::make_unique<GroupsRead>(std::move(plan), std::move(subscription));
}

}  // namespace tradewind::engine
