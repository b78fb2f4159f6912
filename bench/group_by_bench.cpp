// bench group-by: SUM and COUNT of 100,000 Zipf keys in one-minute windows: our table state beside one hash
// map of strings per window, reserved. Both sums are compared.
#include <algorithm>
#include <cstdio>
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
constexpr int64_t kWindowMs = 60'000;
constexpr int64_t kSpanMs = 20 * kWindowMs;

struct Input {
  std::vector<std::string> names;
  std::vector<uint32_t> keys;
  std::vector<int64_t> values;
  std::vector<int64_t> times;
};

Input make_input() {
  Input input;
  std::vector<double> cumulative;
  double sum = 0;
  for (int i = 1; i <= kKeys; ++i) cumulative.push_back(sum += 1.0 / i);
  for (int i = 0; i < kKeys; ++i) input.names.push_back("product-" + std::to_string(100'000 + i));
  Random random(1);
  for (int64_t i = 0; i < kRows; ++i) {
    const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), random.unit() * sum);
    input.keys.push_back(static_cast<uint32_t>(at - cumulative.begin()));
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
      keys->data<BytesView>()[i] = input.names[input.keys[from + i]];
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

int run(bool json) {
  const Input input = make_input();
  const std::vector<Batch> batches = make_batches(input);
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
  auto made = stream::AggregateTable::make(step, *output, std::make_shared<Dictionary>(), 1);
  int64_t before = cpu_ns();
  std::vector<uint32_t> late;
  expr::Notes notes;
  int64_t folded = 0;
  for (const Batch& batch : batches) {
    if (!(*made)->fold_rows(batch, late, notes).ok()) return 1;
    if (++folded % 100 == 0) (*made)->committed();  // as at a commit every 100,000 rows
  }
  const double ours = static_cast<double>(cpu_ns() - before) / kRows;
  (*made)->committed();

  struct Sum {
    int64_t sum = 0;
    int64_t count = 0;
  };
  std::unordered_map<int64_t, std::unordered_map<std::string, Sum>> windows;
  for (int64_t start = 0; start <= kSpanMs; start += kWindowMs) windows[start].reserve(kKeys);
  before = cpu_ns();
  for (size_t i = 0; i < input.keys.size(); ++i) {
    const std::string key(input.names[input.keys[i]]);  // a row-based engine makes the key anew for each row
    Sum& sum = windows[input.times[i] - input.times[i] % kWindowMs][key];
    sum.sum += input.values[i];
    ++sum.count;
  }
  const double theirs = static_cast<double>(cpu_ns() - before) / kRows;
  int64_t wanted = 0;
  for (const auto& [start, rows] : windows) {
    for (const auto& [key, sum] : rows) wanted += sum.sum * (start / kWindowMs + 1) + sum.count;
  }
  const bool equal = check_sum(**made, output) == wanted && late.empty();
  std::printf(json ? "{\"rows\":%lld,\"keys\":%d,\"table_ns_per_row\":%.1f,\"unordered_map_ns_per_row\":%.1f,"
                     "\"ratio\":%.2f,"
                     "\"equal\":%s}\n"
                   : "%lld rows, %d Zipf keys: table state %.1f ns a row, unordered_map of strings %.1f ns, "
                     "ratio %.2f, equal %s\n",
              static_cast<long long>(kRows), kKeys, ours, theirs, theirs / ours, equal ? "true" : "false");
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  if (tradewind::bench::flag(argc, argv, "--help")) {
    std::puts(
        "tradewind bench group-by [--json]: a windowed SUM and COUNT beside std::unordered_map<std::string, "
        "...>");
    return 0;
  }
  return tradewind::bench::run(tradewind::bench::flag(argc, argv, "--json"));
}
