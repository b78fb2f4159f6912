#include "stream/ops/join_row.h"

namespace tradewind::stream {
namespace {

// One column of each layout, the third of them not kept.
Schema all_kinds() {
  return Schema({{"B", Kind::boolean},
                 {"I", Kind::integer},
                 {"LEFT_OUT", Kind::bigint},
                 {"D", Type::decimal(30, 2)},
                 {"R", Kind::real},
                 {"S", Kind::string},
                 {"A", Type::array(Kind::string)},
                 {"M", Type::map(Kind::string, Kind::integer)}});
}

Batch batch_of(const Schema& schema, const std::vector<std::vector<Value>>& rows,
               std::vector<int64_t> times) {
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    ColumnBuilder builder(schema[i].type);
    for (const std::vector<Value>& row : rows) builder.append(row[i]);
    columns.push_back(builder.finish());
  }
  return {std::make_shared<const Schema>(schema), std::move(columns), std::move(times)};
}

std::vector<std::vector<Value>> sample() {
  using Parts = std::vector<Value>;
  return {{Value(int64_t{1}), Value(int64_t{-5}), Value(int64_t{9}), Value(Int128{1} << 90), Value(0.5),
           Value(std::string("a\0b", 3)), Value(Parts{Value(std::string("x")), Value()}),
           Value(Parts{Value(std::string("k")), Value(int64_t{7})})},
          {Value(), Value(), Value(), Value(), Value(), Value(), Value(), Value()},
          {Value(int64_t{0}), Value(int64_t{0}), Value(int64_t{0}), Value(Int128{0}), Value(0.0),
           Value(std::string()), Value(Parts{}), Value(Parts{})}};
}

std::vector<bool> kept() {
  return {true, true, false, true, true, true, true, true};
}

TEST(RowCodec, GivesBackEveryKindOfValueAndNull) {
  const Batch rows = batch_of(all_kinds(), sample(), {10, 20, 30});
  RowCodec codec(all_kinds(), kept());
  codec.begin(rows);
  std::vector<RowBytes> encoded;
  std::vector<BytesView> views;
  for (size_t i = 0; i < 3; ++i) encoded.push_back(codec.encode(i));
  for (const RowBytes& row : encoded) views.push_back(row.view());
  std::vector<ColumnPtr> columns;
  codec.columns(views, columns);
  ASSERT_EQ(columns.size(), 8U);
  EXPECT_EQ(columns[2], nullptr) << "it was not kept";
  for (size_t c = 0; c < columns.size(); ++c) {
    for (size_t row = 0; row < 3 && columns[c] != nullptr; ++row)
      EXPECT_EQ(value_at(*columns[c], row), sample()[row][c]) << "column " << c << ", row " << row;
  }
  EXPECT_EQ(RowCodec::time_of(views[2]), 30);
}

TEST(RowCodec, ReadsAnEmptyViewAsARowOfNulls) {
  const Batch rows = batch_of(all_kinds(), sample(), {10, 20, 30});
  RowCodec codec(all_kinds(), kept());
  codec.begin(rows);
  const RowBytes first = codec.encode(0);
  std::vector<ColumnPtr> columns;
  codec.columns(std::vector<BytesView>{BytesView(), first.view()}, columns);
  for (const ColumnPtr& column : columns) {
    if (column == nullptr) continue;
    EXPECT_TRUE(column->is_null(0));
    EXPECT_FALSE(column->is_null(1));
  }
}

TEST(RowBytes, StayWhereTheyAreWhenTheyAreMoved) {
  RowBytes short_row("abcdefgh");
  const BytesView view = short_row.view();
  const RowBytes moved = std::move(short_row);
  EXPECT_EQ(moved.view().data(), view.data());
  EXPECT_EQ(moved.view(), "abcdefgh");
}

}  // namespace
}  // namespace tradewind::stream
