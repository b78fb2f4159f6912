#include "join_oracle.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "data/value.h"
#include "log/partitioner.h"

namespace tradewind::simulate {
namespace {

using stream::JoinStep;
using Kind = JoinStep::Kind;
using Form = JoinStep::Form;

// The left topic: K, and I (its number), F (points to a key of the right), N. The right one: K, and I, Y.
constexpr size_t kLeftColumns = 7;   // with ROWTIME, ROWPARTITION, ROWOFFSET
constexpr size_t kRightColumns = 6;  // the same
constexpr size_t kJoinKey = kLeftColumns + kRightColumns;

stream::SourceSpec source_of(bool left, bool table) {
  stream::SourceSpec source;
  source.topic = left ? kLeft : kRight;
  source.table = table;
  source.key_columns = {{"K", tradewind::Kind::string}};
  source.value_format = schema::Format::json;
  source.value_columns = {{"I", tradewind::Kind::bigint}};
  if (left) {
    source.value_columns.push_back({"F", tradewind::Kind::string});
    source.value_columns.push_back({"N", tradewind::Kind::bigint});
  } else {
    source.value_columns.push_back({"Y", tradewind::Kind::string});
  }
  return source;
}

struct Row {
  std::string key;
  std::string id;  // as text
  std::optional<std::string> points_to;
  std::string group;
  int64_t time_ms = 0;
  bool gone = false;
};

// Everything in a topic, partition by partition.
std::vector<Row> rows_of(log::Log& log, const std::string& topic, int32_t partitions) {
  std::vector<Row> rows;
  for (int32_t p = 0; p < partitions; ++p) {
    auto consumer = std::move(log.consumer(log::Visibility::durable)).value();
    (void)consumer->assign({topic, p}, 0).ok();
    while (true) {
      const auto batches = consumer->poll(Duration(0), 1000);
      if (!batches.ok() || batches->empty()) break;
      for (const log::FetchedBatch& batch : *batches) {
        for (const log::RecordView& record : batch.records) {
          Row row{.key = std::string(record.key.value_or("")), .time_ms = record.time.ms};
          row.gone = !record.value;
          if (record.value) {
            const auto document = parse_json(*record.value);
            row.id = document->find("I") == nullptr || document->find("I")->is_null()
                         ? "null"
                         : document->find("I")->dump();
            row.points_to = document->string_at("F");
            row.group = document->string_at("Y").value_or("null");
            if (const Json* other = document->find("J")) row.group = other->dump();
          }
          rows.push_back(std::move(row));
        }
      }
    }
  }
  return rows;
}

std::map<std::string, Row> last_of_each(const std::vector<Row>& rows) {
  std::map<std::string, Row> last;
  for (const Row& row : rows) {
    if (row.gone)
      last.erase(row.key);
    else
      last[row.key] = row;
  }
  return last;
}

using Lines = std::multiset<std::string>;

std::string difference(const Lines& got, const Lines& wanted) {
  Lines missing;
  Lines extra;
  std::set_difference(wanted.begin(), wanted.end(), got.begin(), got.end(),
                      std::inserter(missing, missing.end()));
  std::set_difference(got.begin(), got.end(), wanted.begin(), wanted.end(),
                      std::inserter(extra, extra.end()));
  std::string text;
  int shown = 0;
  for (const std::string& line : missing) text += shown++ < 3 ? "missing " + line + "; " : "";
  for (const std::string& line : extra) text += shown++ < 6 ? "not wanted " + line + "; " : "";
  return text;
}

// The rows of a join of tables: "key|left id|right id".
struct TableRow {
  std::string key;
  std::string left;
  std::string right;
  std::string group;
};
std::vector<TableRow> joined_tables(const JoinChoice& choice, const std::map<std::string, Row>& left,
                                    const std::map<std::string, Row>& right) {
  std::vector<TableRow> rows;
  const bool foreign = choice.form == Form::foreign_key;
  for (const auto& [key, row] : left) {
    const auto other = foreign && !row.points_to ? right.end() : right.find(foreign ? *row.points_to : key);
    if (other != right.end())
      rows.push_back({key, row.id, other->second.id, other->second.group});
    else if (choice.kind == Kind::left || choice.kind == Kind::full)
      rows.push_back({key, row.id, "null", "null"});
  }
  for (const auto& [key, row] : right) {
    const bool outer = choice.kind == Kind::right || choice.kind == Kind::full;
    if (outer && !left.contains(key)) rows.push_back({key, "null", row.id, row.group});
  }
  return rows;
}

Lines lines_of(const JoinChoice& choice, const std::vector<TableRow>& rows) {
  Lines lines;
  std::map<std::string, int> counts;
  for (const TableRow& row : rows) {
    if (!choice.grouped)
      lines.insert(row.key + "|" + row.left + "|" + row.right);
    else if (row.group != "null")
      ++counts[row.group];
  }
  for (const auto& [group, count] : counts) lines.insert(group + "|" + std::to_string(count) + "|null");
  return lines;
}

Lines view_lines(const JoinChoice& choice, const stream::View& view) {
  Lines lines;
  const auto text = [](const Batch& rows, size_t column, size_t row) {
    return value_text((*rows.schema())[column].type, value_at(*rows.column(column), row));
  };
  (void)view
      .read({},
            [&](const Batch& rows) {
              for (size_t i = 0; i < rows.rows(); ++i) {
                const bool empty = choice.grouped && text(rows, 1, i) == "0";
                if (empty) continue;
                lines.insert(text(rows, 0, i) + "|" + text(rows, 1, i) + "|" +
                             (choice.grouped ? "null" : text(rows, 2, i)));
              }
              return true;
            })
      .ok();
  return lines;
}

std::string table_trouble(log::Log& log, const JoinChoice& choice, int32_t partitions,
                          const stream::View* view, size_t& seen) {
  const auto left = last_of_each(rows_of(log, kLeft, partitions));
  const auto right = last_of_each(rows_of(log, kRight, partitions));
  const Lines wanted = lines_of(choice, joined_tables(choice, left, right));
  seen += wanted.size();
  Lines given;
  for (const auto& [key, row] : last_of_each(rows_of(log, choice.output, partitions))) {
    if (choice.grouped && row.id == "0") continue;
    given.insert(key + "|" + row.id + "|" + (choice.grouped ? "null" : row.group));
  }
  const std::string topic = difference(given, wanted);
  if (!topic.empty()) return "the topic: " + topic;
  const std::string state = view == nullptr ? "no view" : difference(view_lines(choice, *view), wanted);
  return state.empty() ? "" : "the view: " + state;
}

// Pairs and rows alone, as "left id|right id".
Lines given_pairs(log::Log& log, const JoinChoice& choice, int32_t partitions) {
  Lines pairs;
  for (const Row& row : rows_of(log, choice.output, partitions)) pairs.insert(row.id + "|" + row.group);
  return pairs;
}

std::vector<Row> streamed(std::vector<Row> rows) {
  std::erase_if(rows, [](const Row& row) { return row.gone; });
  return rows;
}

// With all the grace that disorder needs every pair is there, and who has none is there alone. With less,
// rows may be late: but then each pair comes once at most, and who is in none is there alone, once.
std::string stream_trouble(log::Log& log, const JoinChoice& choice, int32_t partitions, size_t& seen) {
  const auto left = streamed(rows_of(log, kLeft, partitions));
  const auto right = streamed(rows_of(log, kRight, partitions));
  const Lines given = given_pairs(log, choice, partitions);
  const bool exact = choice.grace_ms >= kDisorderMs;
  Lines possible;
  std::set<std::string> in_pairs;
  for (const Row& l : left) {
    for (const Row& r : right) {
      const bool near = r.time_ms >= l.time_ms - choice.before_ms && r.time_ms <= l.time_ms + choice.after_ms;
      if (!near || l.points_to != r.key) continue;
      const std::string pair = l.id + "|" + r.id;
      possible.insert(pair);
      if (!exact && !given.contains(pair)) continue;
      in_pairs.insert(l.id + "|");
      in_pairs.insert("|" + r.id);
    }
  }
  Lines wanted;
  for (const std::string& pair : possible) {
    if (exact || given.contains(pair)) wanted.insert(pair);
  }
  // The last row of each topic has not closed.
  const auto alone = [&](const std::vector<Row>& rows, bool of_left) {
    for (const Row& row : rows) {
      const bool met = in_pairs.contains(of_left ? row.id + "|" : "|" + row.id);
      const bool open = row.key == "last" && !(of_left && !row.points_to);
      if (!met && !open) wanted.insert(of_left ? row.id + "|null" : "null|" + row.id);
    }
  };
  if (choice.kind == Kind::left || choice.kind == Kind::full) alone(left, true);
  if (choice.kind == Kind::right || choice.kind == Kind::full) alone(right, false);
  seen += wanted.size();
  return difference(given, wanted);
}

// What the table held when a row came is a matter of the order; that each row comes once, with something the
// table ever held, is not.
std::string lookup_trouble(log::Log& log, const JoinChoice& choice, int32_t partitions, size_t& seen) {
  std::map<std::string, std::set<std::string>> held;
  for (const Row& row : rows_of(log, kRight, partitions)) {
    if (!row.gone) held[row.key].insert(row.id);
  }
  std::map<std::string, std::string> found;
  for (const Row& row : rows_of(log, choice.output, partitions)) {
    ++seen;
    if (!found.emplace(row.id, row.group).second) return row.id + " came twice";
  }
  for (const Row& row : streamed(rows_of(log, kLeft, partitions))) {
    const auto at = found.find(row.id);
    if (at == found.end()) {
      if (choice.kind == Kind::left) return row.id + " is missing";
      continue;
    }
    const bool null = at->second == "null";
    const bool right =
        null ? choice.kind == Kind::left : row.points_to && held[*row.points_to].contains(at->second);
    if (!right) return row.id + " has met " + at->second;
    found.erase(at);
  }
  return found.empty() ? "" : found.begin()->first + " came from nowhere";
}

}  // namespace

std::vector<JoinChoice> random_joins(Random& random) {
  std::vector<JoinChoice> choices(random.below(3));
  for (size_t i = 0; i < choices.size(); ++i) {
    JoinChoice& choice = choices[i];
    choice.query = "JOIN" + std::to_string(i);
    choice.output = "joined" + std::to_string(i);
    choice.form = static_cast<Form>(random.below(4));
    const bool any = choice.form == Form::tables || choice.form == Form::streams;
    choice.kind = static_cast<Kind>(random.below(any ? 4 : 2));
    choice.before_ms = random.between(0, 5) * 4'000;
    choice.after_ms = random.between(0, 5) * 4'000;
    choice.grace_ms =
        random.chance(0.7) ? kDisorderMs + random.between(0, 10'000) : random.between(0, 10'000);
    choice.grouped = random.chance(0.3) && (choice.form == Form::tables || choice.form == Form::foreign_key);
  }
  return choices;
}

stream::Topology topology_of(const JoinChoice& choice, int32_t partitions) {
  const auto text = [](size_t column) { return expr::column(column, tradewind::Kind::string); };
  const auto number = [](size_t column) { return expr::column(column, tradewind::Kind::bigint); };
  const bool tables = choice.form == Form::tables || choice.form == Form::foreign_key;
  const bool foreign = choice.form == Form::foreign_key;
  stream::Topology made;
  made.name = choice.query;
  made.source = source_of(true, tables);
  made.inputs = {source_of(false, choice.form != Form::streams)};
  JoinStep join{.kind = choice.kind, .form = choice.form};
  join.left_keys = {text(choice.form == Form::tables ? 0 : 2)};
  join.right_keys = {text(0)};
  join.key_names = {"ROWKEY"};
  join.left_name = "L";
  join.right_name = "R";
  if (choice.form == Form::streams)
    join.window =
        stream::JoinWindow{Duration(choice.before_ms), Duration(choice.after_ms), Duration(choice.grace_ms)};
  if (foreign) {
    made.steps.emplace_back(stream::KeepStep{{0}});
    join.row_keys = {0};
  }
  made.steps.emplace_back(std::move(join));
  const size_t key = foreign ? 0 : kJoinKey;
  if (tables) made.steps.emplace_back(stream::KeepStep{{key}});
  stream::SinkSpec sink{.topic = choice.output,
                        .partitions = partitions,
                        .table = tables,
                        .value_format = schema::Format::json,
                        .key_columns = {0},
                        .value_columns = {1, 2}};
  if (choice.grouped) {
    stream::AggregateStep step;
    step.keys = {text(kLeftColumns + 2)};
    step.key_names = {"Y"};
    step.calls = {{"COUNT", nullptr, "I"}};
    made.steps.emplace_back(std::move(step));
    sink.value_columns = {1};
  } else {
    made.steps.emplace_back(
        stream::ProjectStep{{text(key), number(1), number(kLeftColumns + 1)}, {"K", "I", "J"}});
  }
  made.sink = sink;
  return made;
}

std::vector<JoinRecord> JoinInput::more(Random& random, bool left, int32_t partitions) {
  std::vector<JoinRecord> records(random.below(8) + 1);
  for (JoinRecord& record : records) {
    record.key = "k" + std::to_string(random.below(6));
    record.tombstone = random.chance(0.12);
    const std::string id = std::to_string(next_id_++);
    const std::string points_to =
        random.chance(0.1) ? "null" : "\"k" + std::to_string(random.below(6)) + "\"";
    record.value = left ? "{\"I\":" + id + ",\"F\":" + points_to + ",\"N\":1}"
                        : "{\"I\":" + id + ",\"Y\":\"y" + std::to_string(random.below(3)) + "\"}";
    event_ms_ += random.between(0, 2'000);
    record.time_ms = event_ms_ - (random.chance(0.3) ? random.between(0, kDisorderMs) : 0);
    record.partition = log::partition_of(record.key, partitions);
  }
  return records;
}

JoinRecord JoinInput::last(bool left, int32_t partitions) {
  event_ms_ += left ? 10'000'000 : 0;
  const std::string id = std::to_string(next_id_++);
  return {.key = "last",
          .value = left ? "{\"I\":" + id + ",\"F\":\"nobody\",\"N\":1}" : "{\"I\":" + id + ",\"Y\":\"y0\"}",
          .time_ms = event_ms_,
          .partition = log::partition_of("last", partitions)};
}

std::string join_trouble(log::Log& log, const JoinChoice& choice, int32_t partitions,
                         const stream::View* view, size_t& seen) {
  switch (choice.form) {
    case Form::tables:
    case Form::foreign_key: return table_trouble(log, choice, partitions, view, seen);
    case Form::streams: return stream_trouble(log, choice, partitions, seen);
    case Form::stream_table: return lookup_trouble(log, choice, partitions, seen);
  }
  return "";
}

}  // namespace tradewind::simulate
