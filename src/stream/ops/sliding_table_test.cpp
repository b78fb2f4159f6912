// Groups of a sliding window under random rows, commits, restores and snapshots, beside a count of the rows
// that lie in the window.
#include "stream/ops/sliding_table.h"

#include <algorithm>
#include <map>

#include "base/random.h"

namespace tradewind::stream {
namespace {

constexpr int64_t kSize = 50;

class Frames final : public state::FrameSink {
 public:
  void frame(int32_t group, BytesView bytes) override { all.emplace_back(group, Bytes(bytes)); }
  std::vector<std::pair<int32_t, Bytes>> all;
};

class Ignored final : public Collector {
 public:
  Result<> emit(Batch) override { return {}; }
};

const Schema kInput({{"K", Kind::string}, {"V", Kind::bigint}});

// `folded`: with an aggregate that cannot take rows out.
AggregateStep step_of(bool folded) {
  AggregateStep step;
  step.keys = {expr::column(0, Kind::string)};
  step.key_names = {"K"};
  const auto value = expr::column(1, Kind::bigint);
  for (const char* name : {"COUNT", "SUM", "MAX", "COUNT_DISTINCT"})
    step.calls.push_back({name, value, name});
  if (folded) step.calls.push_back({"STDDEV_SAMP", value, "STDDEV"});
  step.window =
      WindowSpec{.kind = WindowSpec::Kind::sliding, .size = Duration(kSize), .grace = Duration(200)};
  return step;
}

SchemaPtr output_of(bool folded) {
  std::vector<Field> fields = {{"K", Kind::string},
                               {"WINDOWSTART", Kind::bigint},
                               {"WINDOWEND", Kind::bigint},
                               {"COUNT", Kind::bigint},
                               {"SUM", Kind::bigint},
                               {"MAX", Kind::bigint},
                               {"COUNT_DISTINCT", Kind::bigint}};
  if (folded) fields.push_back({"STDDEV", Kind::real});
  return std::make_shared<const Schema>(std::move(fields));
}

struct Seen {
  std::string key;
  int64_t time;
  int64_t value;
};

Batch batch_of(const std::vector<Seen>& rows) {
  ColumnBuilder keys(Kind::string);
  ColumnBuilder values(Kind::bigint);
  std::vector<int64_t> times;
  for (const Seen& row : rows) {
    keys.append(Value(row.key));
    values.append(Value(row.value));
    times.push_back(row.time);
  }
  return {std::make_shared<const Schema>(kInput), {keys.finish(), values.finish()}, std::move(times)};
}

std::map<std::string, std::string> recount(const std::vector<Seen>& rows) {
  std::map<std::string, int64_t> newest;
  for (const Seen& row : rows) newest[row.key] = std::max(newest[row.key], row.time);
  std::map<std::string, std::string> found;
  for (const auto& [key, last] : newest) {
    int64_t count = 0;
    int64_t sum = 0;
    int64_t greatest = INT64_MIN;
    std::map<int64_t, bool> different;
    for (const Seen& row : rows) {
      if (row.key != key || row.time <= last - kSize) continue;
      ++count;
      sum += row.value;
      greatest = std::max(greatest, row.value);
      different[row.value] = true;
    }
    found[key] = std::to_string(last) + ": " + std::to_string(count) + " " + std::to_string(sum) + " " +
                 std::to_string(greatest) + " " + std::to_string(different.size());
  }
  return found;
}

std::map<std::string, std::string> shown(const SlidingTable& table, const SchemaPtr& schema) {
  std::map<std::string, std::string> found;
  uint32_t cursor = 0;
  for (bool more = true; more;) {
    Batch rows;
    more = table.scan(schema, cursor, 3, rows);
    for (size_t i = 0; i < rows.rows(); ++i) {
      std::string text = std::to_string(rows.times_ms()[i]) + ":";
      for (size_t c = 3; c < 7; ++c) text += " " + std::to_string(value_at(*rows.column(c), i).number());
      found[value_at(*rows.column(0), i).text()] = text;
    }
  }
  return found;
}

class SlidingTables : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<SlidingTable> made() {
    dictionaries_.push_back(std::make_shared<Dictionary>());
    return std::make_unique<SlidingTable>(step_of(GetParam()), dictionaries_.back(), 3);
  }
  std::vector<std::shared_ptr<Dictionary>> dictionaries_;
};

TEST_P(SlidingTables, ShowTheRowsOfTheWindowThroughCommitsRestoresAndSnapshots) {
  const SchemaPtr schema = output_of(GetParam());
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    auto table = made();
    Frames log;
    std::vector<Seen> all;
    Ignored out;
    int64_t now = 1000;
    for (int commit = 0; commit < 20; ++commit) {
      // In crowds groups have enough rows for a running aggregate, and soon after too few.
      const bool crowd = seed % 3 == 0 && commit % 6 < 3;
      std::vector<Seen> rows;
      for (int64_t i = random.between(1, crowd ? 90 : 12); i > 0; --i) {
        now += random.between(0, crowd ? 1 : 9);
        rows.push_back({"k" + std::to_string(random.below(crowd ? 2 : 4)), now - random.between(0, 120),
                        random.between(-5, 5)});
      }
      std::vector<LateRow> late;
      expr::Notes notes;
      ASSERT_TRUE(table->fold_rows(batch_of(rows), late, notes, nullptr).ok());
      ASSERT_TRUE(late.empty());
      EXPECT_EQ(shown(*table, schema), recount(all)) << "before a commit, seed " << seed;
      all.insert(all.end(), rows.begin(), rows.end());
      ASSERT_TRUE(table->emit_changes(schema, false, std::nullopt, 16, out).ok());
      table->changes(log);
      if (random.chance(0.3)) {
        const size_t begins = log.all.size();
        while (!table->snapshot(40, log)) {
        }
        log.all.erase(log.all.begin(), log.all.begin() + static_cast<ptrdiff_t>(begins));
      }
      table->committed();
      EXPECT_EQ(shown(*table, schema), recount(all)) << "seed " << seed;
      if (!random.chance(0.3)) continue;
      table = made();
      for (const auto& [group, frame] : log.all) ASSERT_TRUE(table->fold(group, frame).ok());
      EXPECT_EQ(shown(*table, schema), recount(all)) << "restored, seed " << seed;
    }
  }
}

TEST_P(SlidingTables, DropAGroupWhenNoRowCanReachBackToIt) {
  const SchemaPtr schema = output_of(GetParam());
  auto table = made();
  std::vector<LateRow> late;
  expr::Notes notes;
  Ignored out;
  ASSERT_TRUE(table->fold_rows(batch_of({{"old", 1000, 1}, {"young", 1251, 2}}), late, notes, nullptr).ok());
  ASSERT_TRUE(table->emit_changes(schema, false, 1249, 16, out).ok());
  table->committed();
  EXPECT_EQ(shown(*table, schema).size(), 2U);
  ASSERT_TRUE(table->emit_changes(schema, false, 1250, 16, out).ok());
  EXPECT_EQ(shown(*table, schema).size(), 2U);  // until the commit
  Frames log;
  table->changes(log);
  table->committed();
  EXPECT_EQ(shown(*table, schema).size(), 1U);
}

// A restart folds the frames of one group of keys after those of another, which are further on in time.
TEST_P(SlidingTables, KeepTheOldRowsOfAGroupThatIsRestoredBehindAnother) {
  const SchemaPtr schema = output_of(GetParam());
  auto table = made();
  std::vector<LateRow> late;
  expr::Notes notes;
  Ignored out;
  Frames log;
  const auto commit = [&](const std::vector<Seen>& rows, int64_t reached) {
    EXPECT_TRUE(table->fold_rows(batch_of(rows), late, notes, nullptr).ok());
    EXPECT_TRUE(table->emit_changes(schema, false, reached, 16, out).ok());
    table->changes(log);
    table->committed();
  };
  commit({{"a", 1000, 1}, {"b", 1000, 1}, {"c", 1000, 1}, {"d", 1000, 1}}, 1000);
  commit({{"a", 1040, 2}, {"b", 1040, 2}, {"e", 1260, 1}, {"f", 1260, 1}, {"g", 1260, 1}}, 1260);
  const auto live = shown(*table, schema);
  EXPECT_EQ(live.at("a"), "1040: 2 3 2 2");
  EXPECT_FALSE(live.contains("c"));
  for (const bool upwards : {true, false}) {
    std::stable_sort(log.all.begin(), log.all.end(), [&](const auto& one, const auto& other) {
      return upwards ? one.first < other.first : one.first > other.first;
    });
    table = made();
    for (const auto& [group, frame] : log.all) ASSERT_TRUE(table->fold(group, frame).ok());
    EXPECT_EQ(shown(*table, schema), live) << (upwards ? "upwards" : "downwards");
  }
}

INSTANTIATE_TEST_SUITE_P(Both, SlidingTables, testing::Bool(),
                         [](const auto& info) { return info.param ? "folded" : "taken_out"; });

}  // namespace
}  // namespace tradewind::stream
