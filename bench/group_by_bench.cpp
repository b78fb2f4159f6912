// bench group-by: SUM and COUNT of 100,000 Zipf keys in one-minute windows: our table state beside hash maps
// of strings, reserved, in the two ways that a row-based engine would use them: one map by windowed key (the
// key and the window's start as bytes, as the stores of such engines hold it), and one map for each window.
// The three take turns; medians are compared, and so are all sums.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "data/dictionary.h"
#include "measure.h"
#include "stream/ops/aggregate_table.h"

namespace tradewind::bench {
namespace {

constexpr int64_t kRows = 6'000'000;
constexpr size_t kBatch = 1024;
constexpr int kKeys = 100'000;
constexpr size_t kGroups = 1'250'000;
constexpr int64_t kWindowMs = 60'000;
constexpr int64_t kSpanMs = 20 * kWindowMs;

struct Input {
  std::string payload;  // the keys, one behind the other, as they lie in fetched records
  std::vector<std::string_view> keys;
  std::vector<int64_t> values;
  std::vector<int64_t> times;
};

Input make_input() {
  Input input;
  std::vector<double> cumulative;
  double sum = 0;
  for (int i = 1; i <= kKeys; ++i) cumulative.push_back(sum += 1.0 / i);
  std::vector<std::string> names;
  for (int i = 0; i < kKeys; ++i) names.push_back("product-" + std::to_string(100'000 + i));
  input.payload.reserve(kRows * names[0].size());
  Random random(1);
  for (int64_t i = 0; i < kRows; ++i) {
    const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), random.unit() * sum);
    const std::string& name = names[static_cast<size_t>(at - cumulative.begin())];
    input.payload += name;
    input.keys.push_back(std::string_view(input.payload).substr(input.payload.size() - name.size()));
    input.values.push_back(random.between(1, 1000));
    input.times.push_back(i * kSpanMs / kRows + random.between(0, 5000));
  }
  return input;
}

std::vector<Batch> make_batches(const Input& input) {
  const auto schema = std::make_shared<const Schema>(Schema({{"K", Kind::string}, {"V", Kind::bigint}}));
  std::vector<Batch> batches;
  for (size_t from = 0; from < input.keys.size(); from += kBatch) {
    const size_t count = std::min(kBatch, input.keys.size() - from);
    auto keys = std::make_shared<Column>(Kind::string, count);
    auto values = std::make_shared<Column>(Kind::bigint, count);
    for (size_t i = 0; i < count; ++i) {
      keys->data<BytesView>()[i] = input.keys[from + i];
      values->data<int64_t>()[i] = input.values[from + i];
    }
    batches.emplace_back(schema, std::vector<ColumnPtr>{keys, values},
                         std::vector<int64_t>(input.times.begin() + static_cast<ptrdiff_t>(from),
                                              input.times.begin() + static_cast<ptrdiff_t>(from + count)));
  }
  return batches;
}

int64_t check_sum(const stream::AggregateTable& table, const SchemaPtr& output) {
  int64_t sum = 0;
  stream::AggregateTable::Cursor cursor;
  Batch rows;
  for (bool more = true; more;) {
    more = table.scan(output, cursor, INT64_MAX, 4096, rows);
    for (size_t i = 0; i < rows.rows(); ++i) {
      const int64_t start = rows.column(1)->data<int64_t>()[i];
      sum +=
          rows.column(3)->data<int64_t>()[i] * (start / kWindowMs + 1) + rows.column(4)->data<int64_t>()[i];
    }
  }
  return sum;
}

struct Sum {
  int64_t sum = 0;
  int64_t count = 0;
};

struct Answer {
  double ns_per_row = 0;
  int64_t check = 0;
};

Answer fold_table(const std::vector<Batch>& batches) {
  stream::AggregateStep step;
  step.keys = {expr::column(0, Kind::string)};
  step.key_names = {"K"};
  step.calls = {{"SUM", expr::column(1, Kind::bigint), "S"}, {"COUNT", nullptr, "C"}};
  step.window = stream::WindowSpec{.size = Duration(kWindowMs),
                                   .advance = Duration(kWindowMs),
                                   .grace = Duration(kSpanMs),
                                   .retention = Duration(2 * kSpanMs)};
  const auto output = std::make_shared<const Schema>(Schema({{"K", Kind::string},
                                                             {"WINDOWSTART", Kind::bigint},
                                                             {"WINDOWEND", Kind::bigint},
                                                             {"S", Kind::bigint},
                                                             {"C", Kind::bigint}}));
  const int64_t before = cpu_ns();
  const auto made = stream::AggregateTable::make(step, *output, std::make_shared<Dictionary>(), 1);
  std::vector<stream::LateRow> late;
  expr::Notes notes;
  int64_t folded = 0;
  for (const Batch& batch : batches) {
    if (!(*made)->fold_rows(batch, late, notes).ok()) return {};
    if (++folded % 100 == 0) (*made)->committed();  // as at a commit every 100,000 rows
  }
  const double ns = static_cast<double>(cpu_ns() - before) / kRows;
  (*made)->committed();
  for (const Batch& batch : batches) batch.column(0)->interned() = {};
  return {ns, late.empty() ? check_sum(**made, output) : 0};
}

// A row-based engine makes the key anew for each row.
Answer fold_one_map(const Input& input) {
  std::unordered_map<std::string, Sum> groups;
  groups.reserve(kGroups);
  const int64_t before = cpu_ns();
  for (size_t i = 0; i < input.keys.size(); ++i) {
    const int64_t start = input.times[i] - input.times[i] % kWindowMs;
    std::string key(input.keys[i]);
    key.append(reinterpret_cast<const char*>(&start), sizeof start);
    Sum& sum = groups[key];
    sum.sum += input.values[i];
    ++sum.count;
  }
  Answer answer{static_cast<double>(cpu_ns() - before) / kRows};
  for (const auto& [key, sum] : groups) {
    int64_t start = 0;
    std::memcpy(&start, key.data() + key.size() - sizeof start, sizeof start);
    answer.check += sum.sum * (start / kWindowMs + 1) + sum.count;
  }
  return answer;
}

Answer fold_window_maps(const Input& input) {
  std::unordered_map<int64_t, std::unordered_map<std::string, Sum>> windows;
  for (int64_t start = 0; start <= kSpanMs; start += kWindowMs) windows[start].reserve(kKeys);
  const int64_t before = cpu_ns();
  for (size_t i = 0; i < input.keys.size(); ++i) {
    const std::string key(input.keys[i]);
    Sum& sum = windows[input.times[i] - input.times[i] % kWindowMs][key];
    sum.sum += input.values[i];
    ++sum.count;
  }
  Answer answer{static_cast<double>(cpu_ns() - before) / kRows};
  for (const auto& [start, rows] : windows) {
    for (const auto& [key, sum] : rows) answer.check += sum.sum * (start / kWindowMs + 1) + sum.count;
  }
  return answer;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(bool json, int rounds) {
  const Input input = make_input();
  const std::vector<Batch> batches = make_batches(input);
  std::vector<double> table, one_map, window_maps;
  bool equal = true;
  for (int round = 0; round < rounds; ++round) {
    const Answer ours = fold_table(batches);
    const Answer one = fold_one_map(input);
    const Answer many = fold_window_maps(input);
    table.push_back(ours.ns_per_row);
    one_map.push_back(one.ns_per_row);
    window_maps.push_back(many.ns_per_row);
    equal = equal && ours.check == one.check && ours.check == many.check;
  }
  const double ns = median(table);
  const double one = median(one_map);
  const double many = median(window_maps);
  if (json) {
    std::printf(
        "{\"rows\":%lld,\"keys\":%d,\"rounds\":%d,\"table_ns_per_row\":%.1f,\"unordered_map_ns_per_row\":%."
        "1f,"
        "\"ratio\":%.2f,\"map_per_window_ns_per_row\":%.1f,\"ratio_map_per_window\":%.2f,\"equal\":%s}\n",
        static_cast<long long>(kRows), kKeys, rounds, ns, one, one / ns, many, many / ns,
        equal ? "true" : "false");
  } else {
    std::printf("%lld rows, %d Zipf keys, 20 windows, median of %d rounds, CPU per row\n",
                static_cast<long long>(kRows), kKeys, rounds);
    std::printf("  table state                                   %6.1f ns\n", ns);
    std::printf("  unordered_map<string, ...> by windowed key    %6.1f ns   %5.2f x\n", one, one / ns);
    std::printf("  unordered_map<string, ...> for each window    %6.1f ns   %5.2f x\n", many, many / ns);
    std::printf("  sums %s\n", equal ? "equal" : "NOT equal");
  }
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  if (tradewind::bench::flag(argc, argv, "--help")) {
    std::puts(
        "tradewind bench group-by [--json] [--rounds N]: a windowed SUM and COUNT beside "
        "std::unordered_map<std::string, ...>");
    return 0;
  }
  using namespace tradewind::bench;
  return run(flag(argc, argv, "--json"), std::max(std::atoi(option(argc, argv, "--rounds", "5").c_str()), 1));
}
