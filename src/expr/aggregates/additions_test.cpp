// The aggregates of the platform's own: sketches keep their stated error, and what they give does not hang on
// the order of rows, on how they are cut into partials, or on what was taken back.
#include "expr/aggregates/additions.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "expr/aggregates/decayed.h"
#include "expr/aggregates/quantile.h"

namespace tradewind::expr {
namespace {

using testing::HasSubstr;

// One state of an aggregate, folded row by row.
class State {
 public:
  explicit State(std::unique_ptr<Aggregate> aggregate)
      : aggregate_(std::move(aggregate)), row_(new char[aggregate_->state_bytes()]()) {}

  void add(const Type& type, const Value& value, Change change = Change::insert) {
    char* row = row_.get();
    ASSERT_TRUE(aggregate_->add(&row, constant_column(type, value, 1).get(), &change, 1).ok());
  }
  Bytes saved() const {
    Bytes out;
    const char* row = row_.get();
    aggregate_->save(&row, 1, true, out);
    return out;
  }
  void merge(BytesView partial) {
    char* row = row_.get();
    ASSERT_TRUE(aggregate_->load(&row, 1, partial, false));
    EXPECT_TRUE(partial.empty());
  }
  std::string shown() const {
    const char* row = row_.get();
    Column out(aggregate_->result_type(), 1);
    aggregate_->result(&row, 1, out, 0);
    return value_text(out.type(), value_at(out, 0));
  }

 private:
  std::unique_ptr<Aggregate> aggregate_;
  std::unique_ptr<char[]> row_;
};

struct Case {
  const char* name;
  Type argument;
  std::vector<Value> constants;
  std::function<Value(std::mt19937_64&)> random;
};

int64_t between(std::mt19937_64& chance, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(chance() % static_cast<uint64_t>(most - least + 1));
}

std::vector<Case> cases() {
  const auto time = [](std::mt19937_64& chance) { return Value(between(chance, 0, 2'000'000'000)); };
  const Type timed = Type::structure({{"VALUE", Kind::real}, {"TIME", Kind::bigint}});
  const Type item = Type::structure({{"ITEM", Kind::string}, {"WEIGHT", Kind::real}, {"TIME", Kind::bigint}});
  const auto weighed = [time](std::mt19937_64& chance) {
    return Value(std::vector<Value>{Value("i" + std::to_string(between(chance, 0, 9))),
                                    Value(static_cast<double>(between(chance, 1, 50)) / 7), time(chance)});
  };
  const auto reached = [](std::mt19937_64& chance) {
    return Value(std::vector<Value>{Value(between(chance, 1, 3)), Value(between(chance, 0, 90'000))});
  };
  return {
      {"DECAY_SUM",
       timed,
       {Value(int64_t{60'000'000})},
       [time](std::mt19937_64& chance) {
         return Value(
             std::vector<Value>{Value(static_cast<double>(between(chance, -900, 900)) / 7), time(chance)});
       }},
      {"QUANTILE",
       Kind::real,
       {Value(0.9)},
       [](std::mt19937_64& chance) {
         const double size = std::exp(static_cast<double>(between(chance, -200, 200)) / 10);
         return Value(between(chance, 0, 3) == 0 ? -size : size);
       }},
      {"TOP_ITEMS", item, {Value(int64_t{4}), Value()}, weighed},
      {"TOP_ITEMS", item, {Value(int64_t{4}), Value(int64_t{100'000'000})}, weighed},
      {"FUNNEL",
       Type::structure({{"STEP", Kind::integer}, {"ELAPSED", Kind::bigint}}),
       {Value(int64_t{3})},
       reached},
  };
}

TEST(Additions, GiveTheSameInAnyOrderFromAnyPartialsAndAfterRowsWereTakenBack) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const Case& one : cases()) {
      std::mt19937_64 chance(seed);
      std::vector<Value> rows;
      for (int64_t i = between(chance, 1, 200); i > 0; --i) rows.push_back(one.random(chance));
      const auto fresh = [&] { return State(make_addition(one.name, one.argument, one.constants)); };
      State straight = fresh();
      for (const Value& row : rows) straight.add(one.argument, row);

      std::shuffle(rows.begin(), rows.end(), chance);
      std::vector<State> parts;
      for (int i = 0; i < 3; ++i) parts.push_back(fresh());
      for (const Value& row : rows) parts[chance() % 3].add(one.argument, row);
      for (int i = 0; i < 20; ++i) {  // some more, that another part takes back
        const Value& more = rows[chance() % rows.size()];
        parts[chance() % 3].add(one.argument, more);
        parts[chance() % 3].add(one.argument, more, Change::retract);
      }
      std::shuffle(parts.begin(), parts.end(), chance);
      State merged = fresh();
      for (const State& part : parts) merged.merge(part.saved());
      EXPECT_EQ(merged.shown(), straight.shown()) << one.name << " seed " << seed;
      EXPECT_EQ(merged.saved(), straight.saved()) << one.name << " seed " << seed;
    }
  }
}

// The place the sketch answers for, exactly.
double exact_quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(std::floor(share * static_cast<double>(values.size() - 1)))];
}

TEST(QuantileSketch, IsWithinOnePercentOfTheValueHoweverTheValuesLie) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 chance(seed);
    std::normal_distribution<double> normal(0, 1);
    std::exponential_distribution<double> waits(1e-4);
    const std::vector<std::function<double()>> shapes = {
        [&] { return waits(chance); },
        [&] { return normal(chance) * 1000; },
        [&] { return std::exp(normal(chance) * 4); },                             // far apart
        [&] { return static_cast<double>(between(chance, -3, 3)); },              // many the same, and 0
        [&] { return between(chance, 0, 99) == 0 ? 1e9 : 1e-3; },                 // two ends
        [&] { return static_cast<double>(between(chance, 1, 1000)) * 0.019999; }  // at bucket bounds
    };
    for (size_t shape = 0; shape < shapes.size(); ++shape) {
      std::vector<double> values;
      QuantileSketch sketch;
      for (int64_t i = between(chance, 1, 5000); i > 0; --i) {
        values.push_back(shapes[shape]());
        sketch.add(values.back());
      }
      for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const double exact = exact_quantile(values, share);
        const auto about = sketch.at(share);
        ASSERT_TRUE(about.has_value());
        EXPECT_LE(std::abs(*about - exact), std::abs(exact) * (QuantileSketch::kError + 1e-9))
            << "seed " << seed << " shape " << shape << " share " << share;
      }
    }
  }
}

TEST(QuantileSketch, HasNoneOfNothingAndForgetsWhatIsTakenBack) {
  QuantileSketch sketch;
  EXPECT_FALSE(sketch.at(0.5).has_value());
  sketch.add(5);
  sketch.add(7000);
  sketch.add(7000, -1);
  EXPECT_NEAR(*sketch.at(1), 5, 0.05);
  sketch.add(5, -1);
  EXPECT_FALSE(sketch.at(0.5).has_value());
}

TEST(DecayedSum, HalvesWithEachHalfLifeAndStaysRightOverYears) {
  constexpr int64_t kHour = 3'600'000;
  DecayedSum sum;
  sum.add(0, 8, kHour);
  EXPECT_DOUBLE_EQ(sum.at(0, kHour), 8);
  EXPECT_DOUBLE_EQ(sum.at(3 * kHour, kHour), 1);
  EXPECT_NEAR(sum.at(kHour / 2, kHour), 8 / std::sqrt(2.0), 1e-9);
  // A row an hour for 20 years is 1 + 1/2 + 1/4 ...
  DecayedSum years;
  for (int64_t hour = 0; hour < 20 * 8766; ++hour) years.add(hour * kHour, 1, kHour);
  EXPECT_NEAR(years.at(years.newest_ms(), kHour), 2, 1e-9);
  // Before 1970, and back in one go.
  years.add(-kHour, 1, kHour);
  EXPECT_NEAR(years.at(years.newest_ms(), kHour), 2, 1e-9);
}

TEST(Additions, ReadTimesAsPeopleWriteThem) {
  EXPECT_EQ(*duration_of("2 HOURS"), 7'200'000);
  EXPECT_EQ(*duration_of("90 seconds"), 90'000);
  EXPECT_EQ(*duration_of("1 Day"), 86'400'000);
  for (const char* text :
       {"", "2", "HOURS", "0 HOURS", "-1 DAY", "2 WEEKS", "2HOURS", "1e3 DAYS", "99999999999999999 DAYS"}) {
    const auto read = duration_of(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_THAT(read.error().message, HasSubstr("write it like '2 HOURS'"));
  }
}

}  // namespace
}  // namespace tradewind::expr
