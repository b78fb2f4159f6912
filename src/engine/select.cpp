#include <algorithm>
#include <charconv>

#include "engine/push_queries.h"
#include "expr/evaluate.h"
#include "sql/parse.h"

namespace tradewind::engine {
namespace {

constexpr size_t kMostWaitingRows = 50'000;  // of a push query, for one reader
constexpr int64_t kPullWaitMs = 5000;        // for what was durable when the question came

class RowsAtHand final : public RowStream {
 public:
  RowsAtHand(std::vector<Field> columns, std::vector<bool> keys, std::vector<Batch> batches)
      : columns_(std::move(columns)), keys_(std::move(keys)), batches_(std::move(batches)) {}
  const std::vector<Field>& columns() const override { return columns_; }
  const std::vector<bool>& keys() const override { return keys_; }
  Result<std::optional<Batch>> next(Duration) override {
    if (next_ == batches_.size()) return std::optional<Batch>();
    return std::optional(batches_[next_++]);
  }

 private:
  std::vector<Field> columns_;
  std::vector<bool> keys_;
  std::vector<Batch> batches_;
  size_t next_ = 0;
};

// The rows of a view that match, as the columns that were asked for.
Batch answer_of(const sql::PullPlan& plan, const SchemaPtr& schema, Clock& clock, const Batch& found) {
  expr::Notes notes;
  Batch rows = found.at_moment({clock.now().ms, static_cast<uint64_t>(clock.monotonic_ns())});
  if (plan.where != nullptr) rows = rows.filtered(expr::rows_where(*plan.where, rows, notes));
  std::vector<ColumnPtr> columns;
  for (const auto& expression : plan.expressions) columns.push_back(expr::evaluate(*expression, rows, notes));
  return rows.with_columns(schema, std::move(columns));
}

Duration wait_of(const Session& session) {
  int64_t ms = kPullWaitMs;
  if (const auto found = session.find("tradewind.pull.wait.ms"); found != session.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), ms);
  }
  return Duration(std::clamp<int64_t>(ms, 0, 60'000));
}

}  // namespace

// Waits until everything durable now has gone through the queries that lead to this source, or it is
// `until_ns`.
void Engine::catch_up(const std::string& name, int64_t until_ns) {
  const auto left = [&] {
    return Duration(std::max<int64_t>((until_ns - clock_.monotonic_ns()) / 1'000'000, 0));
  };
  const sql::Catalog known = catalog();
  const sql::Source* source = known.find(name);
  if (source == nullptr || source->query_id.empty() || left().count() == 0) return;
  std::vector<std::string> reads;
  {
    const std::lock_guard lock(mutex_);
    const auto row = queries_.find(source->query_id);
    if (row != queries_.end()) reads = row->second.reads;
  }
  std::set<std::string> topics;
  if (source->read_only) topics.insert(source->topic);
  for (const std::string& read : reads) {
    const sql::Source* from = known.find(read);
    if (from == nullptr) continue;
    catch_up(read, until_ns);
    topics.insert(from->topic);
  }
  if (!runtime_->wait_until(source->query_id, ends_of(source->query_id, topics, left()), left())) return;
  // With several workers the rows are on their way to the owners of their keys.
  const std::string partials = stream::partials_topic(source->query_id);
  (void)runtime_->wait_until(source->query_id, ends_of(source->query_id, {partials}, left()), left());
}

// How far those of the topics go that the query reads.
log::Offsets Engine::ends_of(const std::string& query, const std::set<std::string>& topics,
                             Duration wait) const {
  std::vector<log::Position> wanted;
  for (const auto& [position, next] : runtime_->positions(query)) {
    if (topics.contains(position.topic)) wanted.push_back(position);
  }
  return wanted.empty() ? log::Offsets() : log_.ends(wanted, wait);
}

Result<std::unique_ptr<RowStream>> Engine::select(const sql::Query& query, const Session& session) {
  auto plan = TRY(sql::plan_select(query, catalog()));
  if (auto* push = std::get_if<sql::PushPlan>(&plan)) {
    const auto reset = session.find("auto.offset.reset");
    const bool earliest = push->until_now || (reset != session.end() && reset->second == "earliest");
    const auto subscribe = [this, topology = push->topology, earliest] {
      return stream::subscribe(log_, registry_, clock_, topology, earliest);
    };
    return pushes_->open(std::move(*push), earliest, subscribe, kMostWaitingRows);
  }
  auto& pull = std::get<sql::PullPlan>(plan);
  const sql::Catalog known = catalog();
  const sql::Source* table = known.find(pull.table);
  const std::shared_ptr<const stream::View> view =
      table == nullptr ? nullptr : runtime_->view(table->query_id);
  if (view == nullptr)
    return Error{Code::unavailable, pull.table + " is not running; SHOW QUERIES tells why"};
  catch_up(pull.table, clock_.monotonic_ns() + wait_of(session).count() * 1'000'000);
  stream::ViewRequest request;
  request.keys = pull.keys;
  request.window_from = pull.window_from;
  request.window_to = pull.window_to;
  const auto schema = std::make_shared<const Schema>(Schema(pull.columns));
  std::vector<Batch> batches;
  int64_t left = pull.limit.value_or(INT64_MAX);
  TRY(view->read(request, [&](const Batch& rows) {
    Batch answer = answer_of(pull, schema, clock_, rows);
    if (static_cast<int64_t>(answer.rows()) > left) answer = answer.slice(0, static_cast<size_t>(left));
    left -= static_cast<int64_t>(answer.rows());
    if (answer.rows() > 0) batches.push_back(std::move(answer));
    return left > 0;
  }));
  // What was shown must not be taken back by a crash: it is durable before it is answered.
  TRY(log_.wait_durable(log_.written()));
  return std::unique_ptr<RowStream>(new RowsAtHand(pull.columns, pull.keys_out, std::move(batches)));
}

}  // namespace tradewind::engine
