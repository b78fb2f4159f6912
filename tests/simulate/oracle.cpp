#include "oracle.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "expr/function.h"

namespace tradewind::simulate {
namespace {

const Type kMoney = Type::decimal(18, 4);

expr::ExpressionPtr number_at_least(size_t column, int64_t least) {
  auto made =
      expr::call(">=", {expr::column(column, Kind::bigint), expr::constant(Kind::bigint, Value(least))});
  return made.ok() ? *made : nullptr;
}

// One group, as a person would keep it on paper.
struct Group {
  int64_t count = 0;
  int64_t numbers = 0;
  int64_t sum = 0;
  Int128 money = 0;
  std::vector<int64_t> seen;
  std::set<std::string> keys;

  void take(const Group& other) {
    count += other.count;
    numbers += other.numbers;
    sum += other.sum;
    money += other.money;
    seen.insert(seen.end(), other.seen.begin(), other.seen.end());
    keys.insert(other.keys.begin(), other.keys.end());
  }
};

std::vector<std::string> texts_of(const Group& group) {
  const bool some = group.numbers > 0;
  const auto extreme = [&](bool most) {
    if (!some) return std::string("null");
    return std::to_string(most ? *std::max_element(group.seen.begin(), group.seen.end())
                               : *std::min_element(group.seen.begin(), group.seen.end()));
  };
  return {std::to_string(group.count),
          std::to_string(group.sum),  // of nulls: 0
          decimal_text(group.money, 4),
          extreme(false),
          extreme(true),
          double_text(some ? static_cast<double>(group.sum) / static_cast<double>(group.numbers) : 0.0),
          *group.keys.begin(),
          std::to_string(group.keys.size())};
}

InputRow from_json(BytesView text) {
  InputRow row;
  const auto document = parse_json(text);
  row.key = document->string_at("K").value_or("");
  row.null_group = document->find("G")->is_null();
  row.group = document->string_at("G").value_or("");
  row.null_number = document->find("N")->is_null();
  row.number = row.null_number ? 0 : document->find("N")->integer().value_or(0);
  const auto money = parse_decimal(document->find("M")->text());
  row.money = static_cast<int64_t>(*rescale(money->unscaled, money->scale, 4));
  for (const Json& element : document->find("L")->elements()) row.list.push_back(*element.integer());
  return row;
}

}  // namespace

std::string to_json(const InputRow& row) {
  std::string list;
  for (const int64_t element : row.list) list += (list.empty() ? "" : ",") + std::to_string(element);
  return "{\"K\":" + Json::string(row.key).dump() +
         ",\"G\":" + (row.null_group ? "null" : Json::string(row.group).dump()) +
         ",\"N\":" + (row.null_number ? "null" : std::to_string(row.number)) +
         ",\"M\":" + decimal_text(row.money, 4) + ",\"L\":[" + list + "]}";
}

std::vector<PlanChoice> random_plans(Random& random) {
  std::vector<PlanChoice> choices(static_cast<size_t>(random.between(1, 3)));
  for (size_t i = 0; i < choices.size(); ++i) {
    PlanChoice& choice = choices[i];
    choice.query = "Q" + std::to_string(i);
    choice.output = "out" + std::to_string(i);
    choice.two_keys = random.chance(0.4);
    choice.windowed = random.chance(0.6);
    choice.explodes = random.chance(0.3);
    choice.window_ms = random.between(1, 5) * 10'000;
    choice.advance_ms =
        random.chance(0.6) ? choice.window_ms : random.between(1, choice.window_ms / 4'000) * 4'000;
    choice.grace_ms = random.between(0, 4) * 5'000;
    choice.one_worker = choice.window_ms <= 20'000;
    choice.session = choice.windowed && random.chance(0.25);
    choice.final = choice.windowed && random.chance(0.3);
    if (random.chance(0.4)) choice.least_number = random.between(0, 50);
    if (random.chance(0.3)) choice.least_count = random.between(1, 4);
  }
  if (!choices[0].windowed && !choices[0].two_keys)
    choices.push_back({.query = "OVER", .output = "again", .over = choices[0].query});
  return choices;
}

size_t value_columns(const PlanChoice& choice) {
  return choice.over.empty() ? 8 : 4;
}

namespace {

// By the smallest key of a group, which moves as rows come: retractions.
stream::Topology topology_over(const PlanChoice& choice, int32_t partitions) {
  stream::Topology made;
  made.name = choice.query;
  made.source.topic = "out0";
  made.source.table = true;
  made.source.key_columns = {{"G", Kind::string}};
  made.source.value_format = schema::Format::json;
  made.source.value_columns = {{"C", Kind::bigint}, {"FIRST", Kind::string}, {"KEYS", Kind::bigint}};
  stream::AggregateStep step;
  step.keys = {expr::column(2, Kind::string)};
  step.key_names = {"FIRST"};
  step.calls = {{"COUNT", nullptr, "GROUPS"},
                {"SUM", expr::column(1, Kind::bigint), "C"},
                {"SUM", expr::column(3, Kind::bigint), "KEYS"},
                {"AVG", expr::column(1, Kind::bigint), "MEAN"}};
  made.steps.emplace_back(std::move(step));
  made.sink = stream::SinkSpec{.topic = choice.output,
                               .partitions = partitions,
                               .table = true,
                               .value_format = schema::Format::json,
                               .key_columns = {0},
                               .value_columns = {1, 2, 3, 4}};
  return made;
}

}  // namespace

stream::Topology topology_of(const PlanChoice& choice, int32_t partitions) {
  if (!choice.over.empty()) return topology_over(choice, partitions);
  stream::Topology made;
  made.name = choice.query;
  made.one_worker = choice.one_worker;
  made.source.topic = kInput;
  made.source.key_columns = {{"RECORD_KEY", Kind::string}};
  made.source.value_columns = {{"K", Kind::string},
                               {"G", Kind::string},
                               {"N", Kind::bigint},
                               {"M", kMoney},
                               {"L", Type::array(Kind::bigint)}};
  made.source.value_format = schema::Format::json;
  size_t number_at = 3;
  if (choice.explodes) {
    number_at = stream::source_schema(made.source).size();
    stream::ExplodeStep explode;
    explode.arrays = {expr::column(5, Type::array(Kind::bigint))};
    explode.names = {"E"};
    made.steps.emplace_back(std::move(explode));
  }
  if (choice.least_number != INT64_MIN)
    made.steps.push_back(stream::FilterStep{number_at_least(number_at, choice.least_number)});
  stream::AggregateStep step;
  step.keys = {expr::column(2, Kind::string)};
  step.key_names = {"G"};
  if (choice.two_keys) {
    step.keys.push_back(expr::column(1, Kind::string));
    step.key_names.push_back("K");
  }
  const auto number = expr::column(number_at, Kind::bigint);
  step.calls = {{"COUNT", nullptr, "C"},
                {"SUM", number, "S"},
                {"SUM", expr::column(4, kMoney), "MM"},
                {"MIN", number, "LEAST"},
                {"MAX", number, "MOST"},
                {"AVG", number, "MEAN"},
                {"MIN", expr::column(1, Kind::string), "FIRST"},
                {"COUNT_DISTINCT", expr::column(1, Kind::string), "KEYS"}};
  if (choice.windowed) {
    const bool hops = choice.advance_ms < choice.window_ms;
    using Kind = stream::WindowSpec::Kind;
    step.window = stream::WindowSpec{
        .kind = choice.session ? Kind::session
                : hops         ? Kind::hopping
                               : Kind::tumbling,
        .size = Duration(choice.window_ms),
        .advance = Duration(choice.advance_ms),
        .grace = Duration(choice.grace_ms),
        .retention = choice.forgets() ? Duration(choice.window_ms + choice.grace_ms) : Duration(1LL << 40)};
  }
  step.final = choice.final;
  const size_t keys = step.keys.size();
  const size_t first = keys + (choice.windowed ? 2 : 0);
  made.steps.emplace_back(std::move(step));
  if (choice.least_count > 0)
    made.steps.push_back(stream::FilterStep{number_at_least(first, choice.least_count)});
  stream::SinkSpec sink;
  sink.topic = choice.output;
  sink.partitions = partitions;
  sink.table = true;
  sink.key_format = keys > 1 ? schema::Format::json : schema::Format::kafka;
  sink.value_format = schema::Format::json;
  for (size_t i = 0; i < keys; ++i) sink.key_columns.push_back(i);
  for (size_t i = 0; i < 8; ++i) sink.value_columns.push_back(first + i);
  if (choice.windowed) sink.window_start = keys;
  if (choice.session) sink.window_end = keys + 1;
  made.sink = sink;
  return made;
}

namespace {

struct Session {
  int64_t start = 0;
  int64_t end = 0;
  Group group;
};

// Rows of one partition, in order, into groups by name.
struct Folding {
  const PlanChoice& choice;
  std::map<std::string, Group> groups;
  std::map<std::string, std::vector<Session>> sessions;
  int64_t late = 0;
  int64_t stream_time = INT64_MIN;

  void take(const InputRow& row) {
    if (choice.least_number != INT64_MIN && (row.null_number || row.number < choice.least_number)) return;
    stream_time = std::max(stream_time, row.time_ms);
    if (row.null_group) return;
    const std::string name = choice.two_keys ? row.group + "|" + row.key : row.group;
    if (!choice.windowed) return add(name, row);
    if (choice.session) return take_session(name, row);
    bool missed = false;
    int64_t start = row.time_ms - row.time_ms % choice.advance_ms;
    for (; start + choice.window_ms > row.time_ms; start -= choice.advance_ms) {
      const bool closed = start + choice.window_ms + choice.grace_ms <= stream_time;
      if (!closed) add(name + "@" + std::to_string(start), row);
      missed = missed || closed;
    }
    late += missed ? 1 : 0;
  }

  void add(const std::string& name, const InputRow& row) { add(groups[name], row); }

  // Sessions are kept until the end: which of them a row meets is searched among all.
  void take_session(const std::string& name, const InputRow& row) {
    const int64_t gap = choice.window_ms;
    const int64_t closed = stream_time - gap - choice.grace_ms;  // sessions that end before are over
    std::vector<Session>& all = sessions[name];
    Session made{.start = row.time_ms, .end = row.time_ms};
    std::vector<size_t> met;
    for (size_t i = 0; i < all.size(); ++i) {
      const bool near = all[i].start - gap <= row.time_ms && row.time_ms <= all[i].end + gap;
      if (!near || (choice.final && all[i].end < closed)) continue;
      met.push_back(i);
      made.start = std::min(made.start, all[i].start);
      made.end = std::max(made.end, all[i].end);
    }
    if (made.end < closed) {
      ++late;
      return;
    }
    for (auto i = met.rbegin(); i != met.rend(); ++i) {
      made.group.take(all[*i].group);
      all.erase(all.begin() + static_cast<ptrdiff_t>(*i));
    }
    add(made.group, row);
    all.push_back(std::move(made));
  }

  static void add(Group& group, const InputRow& row) {
    ++group.count;
    group.money += row.money;
    group.keys.insert(row.key);
    if (row.null_number) return;
    ++group.numbers;
    group.sum += row.number;
    group.seen.push_back(row.number);
  }
};

}  // namespace

Expected fold(log::Log& log, const PlanChoice& choice, int32_t partitions) {
  Folding folding{.choice = choice};
  int64_t slowest = INT64_MAX;  // partition
  for (int32_t p = 0; p < partitions; ++p) {
    auto consumer = std::move(log.consumer(log::Visibility::durable)).value();
    (void)consumer->assign({kInput, p}, 0).ok();
    folding.stream_time = INT64_MIN;
    while (true) {
      const auto batches = consumer->poll(Duration(0), 1000);
      if (!batches.ok() || batches->empty()) break;
      for (const log::RecordView& record : (*batches)[0].records) {
        InputRow row = from_json(*record.value);
        row.time_ms = record.time.ms;
        if (!choice.explodes) {
          folding.take(row);
          continue;
        }
        row.null_number = false;
        for (const int64_t element : row.list) {
          row.number = element;
          folding.take(row);
        }
      }
    }
    slowest = std::min(slowest, folding.stream_time);
  }
  Expected expected{.late = folding.late};
  for (const auto& [name, group] : folding.groups) {
    if (group.count < choice.least_count) continue;
    expected.rows[name] = texts_of(group);
    const int64_t start = choice.final ? std::stoll(name.substr(name.rfind('@') + 1)) : 0;
    const bool open = choice.final && start + choice.window_ms + choice.grace_ms > slowest;
    if (!open) expected.given[name] = expected.rows[name];
  }
  for (const auto& [name, sessions] : folding.sessions) {
    for (const Session& session : sessions) {
      if (session.group.count < choice.least_count) continue;
      const std::string full = name + "@" + std::to_string(session.start) + "~" + std::to_string(session.end);
      expected.rows[full] = texts_of(session.group);
      const bool open = choice.final && session.end + choice.window_ms + choice.grace_ms >= slowest;
      if (!open) expected.given[full] = expected.rows[full];
    }
  }
  return expected;
}

Table fold_again(const Table& rows) {
  struct Sums {
    int64_t groups = 0;
    int64_t count = 0;
    int64_t keys = 0;
  };
  std::map<std::string, Sums> by_first;
  for (const auto& [name, values] : rows) {
    Sums& sums = by_first[values[6]];
    ++sums.groups;
    sums.count += std::stoll(values[0]);
    sums.keys += std::stoll(values[7]);
  }
  Table again;
  for (const auto& [first, sums] : by_first) {
    again[first] = {std::to_string(sums.groups), std::to_string(sums.count), std::to_string(sums.keys),
                    double_text(static_cast<double>(sums.count) / static_cast<double>(sums.groups))};
  }
  return again;
}

}  // namespace tradewind::simulate
