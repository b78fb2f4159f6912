#include "flow_queries.h"

#include <cstring>

#include "base/coding.h"
#include "expr/function.h"
#include "schema/serde.h"

namespace tradewind::bench {
namespace {

using schema::Wanted;

const Type kMoney = Type::decimal(18, 4);

Type item_type() {
  return Type::structure({{"PRODUCT_ID", Kind::string},
                          {"CATEGORY", Kind::string},
                          {"QUANTITY", Kind::integer},
                          {"PRICE", kMoney},
                          {"DISCOUNT", kMoney}});
}

stream::SourceSpec views() {
  stream::SourceSpec source;
  source.topic = "page_views";
  source.key_columns = {{"KEY", Kind::string}};
  source.value_columns = {{"EVENT_TYPE", Kind::string}, {"PRODUCT_ID", Kind::string}};
  source.wanted = {{.any = false}, {}, {}, {.any = false}, {.any = false}, {.any = false}};
  return source;
}

stream::SourceSpec orders() {
  stream::SourceSpec source;
  source.topic = "orders";
  source.key_columns = {{"KEY", Kind::string}};
  source.value_columns = {
      {"CUSTOMER_ID", Kind::string}, {"TOTAL", kMoney}, {"ITEMS", Type::array(item_type())}};
  return source;
}

// The wanted columns of orders: the customer and the total, or some fields of the items.
std::vector<Wanted> order_wants(bool totals, std::vector<size_t> item_fields) {
  std::vector<Wanted> wanted(7, Wanted{.any = false});
  wanted[1].any = wanted[2].any = totals;
  if (item_fields.empty()) return wanted;
  Wanted item{.parts = std::vector<Wanted>(5, Wanted{.any = false})};
  for (const size_t field : item_fields) item.parts[field].any = true;
  wanted[3] = Wanted{.parts = {item}};
  return wanted;
}

void only(stream::SourceSpec& source, size_t column) {
  for (size_t i = 0; i < source.wanted.size(); ++i) source.wanted[i].any = i == column;
}

stream::Topology finish(int number, stream::SourceSpec source, std::vector<stream::Step> before,
                        stream::AggregateStep aggregate, int64_t minutes) {
  stream::Topology topology;
  topology.name = "Q" + std::to_string(number);
  topology.source = std::move(source);
  topology.steps = std::move(before);
  aggregate.window = stream::WindowSpec{.size = Duration(minutes * 60'000),
                                        .advance = Duration(minutes * 60'000),
                                        .grace = Duration(10'000),
                                        .retention = Duration(minutes * 60'000 + 10'000)};
  stream::SinkSpec sink;
  sink.topic = result_topic(number);
  sink.partitions = kPartitions;
  sink.table = true;
  sink.key_columns = {0};
  sink.window_start = 1;
  for (size_t i = 0; i < aggregate.calls.size(); ++i) sink.value_columns.push_back(3 + i);
  topology.steps.emplace_back(std::move(aggregate));
  topology.sink = std::move(sink);
  return topology;
}

}  // namespace

const char* result_topic(int query) {
  constexpr const char* kTopics[] = {"q1_revenue", "q2_views", "q3_steps", "q4_orders", "q5_units"};
  return kTopics[query - 1];
}

Result<std::vector<stream::Topology>> flow_queries(int count) {
  using stream::AggregateStep;
  const Type items = Type::array(item_type());
  const auto item = [&](size_t field) { return expr::field(expr::column(7, item_type()), field); };
  const stream::Step explode = stream::ExplodeStep{
      .arrays = {expr::column(3, items)}, .names = {"ITEM"}, .keep = std::vector<bool>(7, false)};
  std::vector<stream::Topology> all;

  stream::SourceSpec source = orders();
  source.wanted = order_wants(false, {1, 2, 3});
  const expr::ExpressionPtr revenue = TRY(expr::call("*", {item(3), item(2)}));
  all.push_back(finish(1, source, {explode},
                       AggregateStep{.keys = {item(1)},
                                     .key_names = {"CATEGORY"},
                                     .calls = {{"COUNT", nullptr, "LINES"}, {"SUM", revenue, "REVENUE"}}},
                       1));
  source = views();
  only(source, 2);
  all.push_back(finish(2, source, {},
                       AggregateStep{.keys = {expr::column(2, Kind::string)},
                                     .key_names = {"PRODUCT_ID"},
                                     .calls = {{"COUNT", nullptr, "VIEWS"}}},
                       1));
  only(source, 1);
  all.push_back(finish(3, source, {},
                       AggregateStep{.keys = {expr::column(1, Kind::string)},
                                     .key_names = {"EVENT_TYPE"},
                                     .calls = {{"COUNT", nullptr, "EVENTS"}}},
                       1));
  source = orders();
  source.wanted = order_wants(true, {});
  all.push_back(finish(
      4, source, {},
      AggregateStep{.keys = {expr::column(1, Kind::string)},
                    .key_names = {"CUSTOMER_ID"},
                    .calls = {{"COUNT", nullptr, "ORDERS"}, {"SUM", expr::column(2, kMoney), "TOTAL"}}},
      5));
  source.wanted = order_wants(false, {0, 2});
  all.push_back(finish(
      5, source, {explode},
      AggregateStep{.keys = {item(0)}, .key_names = {"PRODUCT_ID"}, .calls = {{"SUM", item(2), "UNITS"}}},
      5));
  all.resize(static_cast<size_t>(count));
  for (stream::Topology& topology : all) topology = TRY(stream::build(std::move(topology)));
  return all;
}

void Recount::add(const Event& event) {
  const auto window = [&](int64_t minutes) { return event.time_ms - event.time_ms % (minutes * 60'000); };
  const auto fold = [&](int query, const std::string& key, int64_t start, int64_t count, Int128 sum) {
    Figures& figures = results_[static_cast<size_t>(query - 1)][{key, start}];
    figures.count += count;
    figures.sum += sum;
  };
  if (!event.order) {
    fold(2, Workload::product_id(event.product), window(1), 1, 0);
    fold(3, Workload::event_type_name(event.event_type), window(1), 1, 0);
    return;
  }
  fold(4, Workload::customer_id(event.person), window(5), 1, event.total);
  for (const OrderLine& line : event.lines) {
    fold(1, Workload::category_name(line.category), window(1), 1, Int128{line.price} * line.quantity);
    fold(5, Workload::product_id(line.product), window(5), line.quantity, 0);
  }
}

Result<Results> read_results(log::Log& log, schema::Registry& registry, const stream::Topology& topology) {
  schema::SerdeSpec spec;
  spec.format = topology.sink->value_format;
  spec.topic = topology.sink->topic;
  for (const size_t i : topology.sink->value_columns) spec.columns.push_back(topology.schemas.back()[i]);
  auto decoder = TRY(schema::make_decoder(spec, &registry));
  auto consumer = TRY(log.consumer(log::Visibility::durable));
  int64_t left = 0;
  for (int32_t p = 0; p < topology.sink->partitions; ++p) {
    TRY(consumer->assign({spec.topic, p}, 0));
    const auto bounds = TRY(log.bounds({spec.topic, p}, log::Visibility::durable));
    left += bounds.end - bounds.begin;
  }
  Results results;
  while (left > 0) {
    for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1000), 4096))) {
      std::vector<std::optional<BytesView>> payloads;
      for (const log::RecordView& record : batch.records) payloads.push_back(record.value);
      const schema::Decoded decoded = TRY(decoder->decode(payloads, batch.buffer));
      for (size_t row = 0; row < batch.records.size(); ++row) {
        BytesView key = *batch.records[row].key;
        BytesView tail = key.substr(key.size() - 8);
        uint64_t start = 0;
        get_big64(tail, start);
        key.remove_suffix(8);
        Figures& figures = results[{std::string(key), static_cast<int64_t>(start)}];
        figures = {};
        for (const ColumnPtr& column : decoded.columns) {
          const Value value = value_at(*column, row);
          if (column->type().kind() == Kind::decimal)
            figures.sum = value.decimal();
          else
            figures.count = value.number();
        }
      }
      left -= static_cast<int64_t>(batch.records.size());
    }
  }
  return results;
}

}  // namespace tradewind::bench
