#include "stream/ops/funnel.h"

#include <algorithm>

#include "base/coding.h"
#include "expr/evaluate.h"
#include "stream/ops/group_keys.h"

namespace tradewind::stream {
namespace {

const Bytes kProgress = "=";       // the key under which it lies; those of persons begin with
constexpr char kPersonMark = 'p';  // this
constexpr int64_t kSlices = 8;     // of a funnel's time

std::vector<Type> marked_types(const std::vector<expr::ExpressionPtr>& expressions) {
  std::vector<Type> types = types_of(expressions);
  types.emplace_back(Kind::boolean);  // so that a lone text keeps its null mark
  return types;
}

std::vector<ColumnPtr> columns_of(const std::vector<expr::ExpressionPtr>& expressions, const Batch& rows,
                                  expr::Notes& notes) {
  std::vector<ColumnPtr> columns;
  for (const expr::ExpressionPtr& expression : expressions)
    columns.push_back(expr::evaluate(*expression, rows, notes));
  columns.push_back(constant_column(Kind::boolean, Value(), rows.rows()));
  return columns;
}

}  // namespace

FunnelOperator::FunnelOperator(FunnelStep step, Schema output)
    : step_(std::move(step)),
      output_(std::make_shared<const Schema>(std::move(output))),
      person_(marked_types({step_.person})),
      group_(marked_types(step_.groups)),
      rules_{.steps = step_.conditions.size(), .within_ms = step_.within.count(), .best = step_.best} {}

Result<> FunnelOperator::open(Context& context) {
  context_ = &context;
  context.keep("funnel", *this);
  return {};
}

// By row which of the steps it takes, a bit each.
std::vector<uint32_t> FunnelOperator::steps_of(const Batch& rows, expr::Notes& notes) const {
  std::vector<uint32_t> steps(rows.rows(), 0);
  for (size_t i = 0; i < step_.conditions.size(); ++i) {
    for (const uint32_t row : expr::rows_where(*step_.conditions[i], rows, notes))
      steps[row] |= uint32_t{1} << i;
  }
  return steps;
}

Result<> FunnelOperator::process(const Batch& rows, Collector& out) {
  expr::Notes notes;
  std::vector<LateRow> late;
  const std::vector<uint32_t> steps = steps_of(rows, notes);
  const std::vector<ColumnPtr> persons = columns_of({step_.person}, rows, notes);
  const std::vector<ColumnPtr> groups = columns_of(step_.groups, rows, notes);
  const ColumnPtr times = expr::evaluate(*step_.time, rows, notes);
  tell(*context_, rows, notes);
  Made made;
  Bytes key;
  for (size_t row = 0; row < rows.rows(); ++row) {
    if (times->is_null(row)) continue;
    const int64_t time = times->data<int64_t>()[row];
    const auto [seen, first] = progress_.emplace(rows.origin().partition, time);
    int64_t& reached = seen->second;
    if (first || time > reached) {
      reached = time;
      const auto slow = slowest(*context_, progress_);
      if (slow && *slow != INT64_MAX)
        settled_ms_ = std::max(settled_ms_.value_or(INT64_MIN), *slow - step_.grace.count());
    }
    if (steps[row] == 0 || persons[0]->is_null(row)) continue;
    if (time < reached - step_.grace.count() || (settled_ms_ && time < *settled_ms_)) {
      late.push_back({static_cast<uint32_t>(row), reached});
      continue;
    }
    key.assign(1, kPersonMark);
    person_.encode(persons, row, key);
    FunnelEvent event{.time_ms = time, .steps = steps[row]};
    group_.encode(groups, row, event.group);
    TRY(take(key, std::move(event), made));
  }
  TRY(late_.keep(*context_, rows, late));
  return made.steps.empty() ? Result<>() : out.emit(batch_of(made, rows.origin()));
}

Result<> FunnelOperator::take(BytesView key, FunnelEvent event, Made& made) {
  Person person;
  if (const auto known = store_.get(key)) person = TRY(read(*known));
  if (event.time_ms < person.settled_ms) return {};  // beyond kMostOpen only
  settle(person);
  const std::vector<FunnelStepTaken> before = outcome(person);
  const auto at = std::lower_bound(person.open.begin(), person.open.end(), event);
  const bool known = (at != person.open.end() && at->doubles(event)) ||
                     (at != person.open.begin() && std::prev(at)->doubles(event));
  if (known) return {};
  if (event.time_ms > person.newest_ms) {
    if (person.newest_ms == INT64_MIN) remember(key, event.time_ms);
    person.newest_ms = event.time_ms;
  }
  person.open.insert(at, std::move(event));
  const std::vector<FunnelStepTaken> after = outcome(person);
  const auto differ = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  for (auto gone = differ.first; gone != before.end(); ++gone) {
    made.steps.push_back(*gone);
    made.changes.push_back(Change::retract);
  }
  for (auto come = differ.second; come != after.end(); ++come) {
    made.steps.push_back(*come);
    made.changes.push_back(Change::insert);
  }
  write(key, person);
  return {};
}

// Events whose place is certain become part of the path.
void FunnelOperator::settle(Person& person) const {
  int64_t bound = settled_ms_.value_or(INT64_MIN);
  if (person.open.size() >= kMostOpen) bound = std::max(bound, person.open[kMostOpen / 2].time_ms);
  if (bound <= person.settled_ms) return;
  person.settled_ms = bound;
  std::vector<FunnelStepTaken> taken;  // given out already
  auto first = person.open.begin();
  for (; first != person.open.end() && first->time_ms < bound; ++first)
    person.path.take(*first, rules_, taken);
  person.open.erase(person.open.begin(), first);
}

std::vector<FunnelStepTaken> FunnelOperator::outcome(const Person& person) const {
  std::vector<FunnelStepTaken> taken;
  FunnelPath path = person.path;
  for (const FunnelEvent& event : person.open) path.take(event, rules_, taken);
  return taken;
}

void FunnelOperator::write(BytesView key, const Person& person) {
  Bytes bytes;
  put_zigzag(bytes, person.settled_ms);
  put_zigzag(bytes, person.newest_ms);
  person.path.save(bytes);
  put_varint(bytes, person.open.size());
  int64_t last = 0;
  for (const FunnelEvent& event : person.open) {
    put_zigzag(bytes, event.time_ms - last);
    last = event.time_ms;
    put_varint(bytes, event.steps);
    put_bytes(bytes, event.group);
  }
  store_.put(key, bytes);
}

Result<FunnelOperator::Person> FunnelOperator::read(BytesView in) const {
  const Error bad{Code::corrupt, "a person of a funnel cannot be read"};
  Person person;
  uint64_t count = 0;
  if (!get_zigzag(in, person.settled_ms) || !get_zigzag(in, person.newest_ms) ||
      !person.path.load(in, rules_) || !get_varint(in, count) || count > in.size())
    return bad;
  person.open.resize(count);
  int64_t last = 0;
  for (FunnelEvent& event : person.open) {
    int64_t delta = 0;
    uint64_t steps = 0;
    BytesView group;
    if (!get_zigzag(in, delta) || !get_varint(in, steps) || !get_bytes(in, group)) return bad;
    event = {last += delta, static_cast<uint32_t>(steps), Bytes(group)};
  }
  return person;
}

Batch FunnelOperator::batch_of(const Made& made, const Origin& origin) const {
  std::vector<ColumnBuilder> groups;
  for (const expr::ExpressionPtr& group : step_.groups) groups.emplace_back(group->type);
  ColumnBuilder steps(Kind::integer);
  ColumnBuilder waits(Kind::bigint);
  std::vector<int64_t> times;
  for (const FunnelStepTaken& taken : made.steps) {
    const auto values = group_.decode(taken.group);
    CHECK(values.has_value());
    for (size_t i = 0; i < groups.size(); ++i) groups[i].append((*values)[i]);
    steps.append(Value(static_cast<int64_t>(taken.step)));
    waits.append(taken.waited_ms ? Value(*taken.waited_ms) : Value());
    times.push_back(taken.entry_ms);
  }
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& group : groups) columns.push_back(group.finish());
  columns.push_back(steps.finish());
  columns.push_back(waits.finish());
  Batch batch(output_, std::move(columns), std::move(times));
  batch.with_changes(made.changes);
  batch.with_origin(origin);
  return batch;
}

// Persons are looked at again when nothing of them can matter any more, by slices of a funnel's time.
int64_t FunnelOperator::slice_ms() const {
  return std::max<int64_t>(rules_.within_ms / kSlices, 1);
}
int64_t FunnelOperator::slice_of(int64_t time_ms) const {
  return floor_to(Timestamp{time_ms}, Duration(slice_ms())).ms;
}
void FunnelOperator::remember(BytesView key, int64_t time_ms) {
  Bytes& keys = by_time_[slice_of(time_ms)].keys;
  remembered_bytes_ -= keys.capacity();
  put_bytes(keys, key);
  remembered_bytes_ += keys.capacity();
}

// A person whose last event is further back than a try lasts has no try that goes on.
void FunnelOperator::forget() {
  if (!settled_ms_) return;
  if (!remembers_) {
    remembers_ = true;
    store_.scan_committed({}, {}, [&](BytesView key, BytesView) {
      if (key[0] == kPersonMark) remember(key, *settled_ms_);
      return true;
    });
  }
  const int64_t bound = *settled_ms_ - rules_.within_ms;
  size_t looks = 0;
  Bytes key;
  while (!by_time_.empty() && by_time_.begin()->first + slice_ms() <= bound) {
    Slice& slice = by_time_.begin()->second;
    for (; slice.looked < slice.keys.size(); ++looks) {
      if (looks == kMostLooks) return;
      BytesView rest = BytesView(slice.keys).substr(slice.looked);
      BytesView next;
      CHECK(get_bytes(rest, next));
      slice.looked = slice.keys.size() - rest.size();
      const auto known = store_.get(next);
      if (!known) continue;
      const auto person = read(*known);
      CHECK(person.ok());
      key = next;  // what follows may move it
      if (person->newest_ms < bound)
        store_.erase(key);
      else
        remember(key, person->newest_ms);
    }
    remembered_bytes_ -= slice.keys.capacity();
    by_time_.erase(by_time_.begin());
  }
}

Result<> FunnelOperator::flush(Collector&) {
  Bytes bytes;
  put_zigzag(bytes, settled_ms_.value_or(INT64_MIN));
  for (const auto& [partition, time] : progress_) {
    put_zigzag(bytes, partition);
    put_zigzag(bytes, time);
  }
  forget();
  const auto known = store_.get(kProgress);
  if (!progress_.empty() && known != BytesView(bytes)) store_.put(kProgress, bytes);
  return {};
}

void FunnelOperator::changes(state::FrameSink& sink) {
  if (!store_.has_changes()) return;
  Bytes frame;
  store_.changes(frame);
  sink.frame(0, frame);
}

void FunnelOperator::committed() {
  store_.committed();
}

Result<> FunnelOperator::fold(int32_t, BytesView frame) {
  TRY(store_.fold(frame));
  const auto known = store_.get(kProgress);
  if (!known) return {};
  BytesView in = *known;
  int64_t settled = 0;
  int64_t partition = 0;
  int64_t time = 0;
  if (!get_zigzag(in, settled)) return Error{Code::corrupt, "a frame of a funnel cannot be read"};
  if (settled != INT64_MIN) settled_ms_ = settled;
  while (get_zigzag(in, partition) && get_zigzag(in, time)) progress_[static_cast<int32_t>(partition)] = time;
  return {};
}

bool FunnelOperator::snapshot(size_t budget, state::FrameSink& sink) {
  Bytes frame;
  const auto last = store_.snapshot(snapshot_after_, budget, frame);
  if (!frame.empty()) sink.frame(0, frame);
  snapshot_after_ = last.value_or(Bytes());
  return !last;
}

}  // namespace tradewind::stream
