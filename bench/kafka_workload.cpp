#include "kafka_workload.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/coding.h"
#include "log/partitioner.h"
#include "schema/local_registry.h"

namespace tradewind::bench {
namespace {

constexpr const char* kMarkTopic = "bench.workload";
constexpr const char* kGenerator = "2";  // of the events: other ones, another number

Rows::Shape shape_of(int query) {
  constexpr int64_t kMinute = 60'000;
  switch (query) {
    case 1: return {1, "category-", Workload::kCategories, kMinute, true, true};
    case 2: return {2, "P", Workload::kProducts, kMinute, true, false};
    case 3: return {3, "", 7, kMinute, true, false};
    case 4: return {4, "C", 200'000, 5 * kMinute, true, true};
    default: return {5, "P", Workload::kProducts, 5 * kMinute, true, false};
  }
}

// A number as Avro writes it, of the value's front; false: there is none.
bool take_long(BytesView& bytes, int64_t& number) {
  return get_zigzag(bytes, number);
}

bool take_money(BytesView& bytes, int64_t& unscaled) {
  int64_t size = 0;
  if (!get_zigzag(bytes, size) || size < 1 || size > 8 || static_cast<size_t>(size) > bytes.size())
    return false;
  unscaled = static_cast<signed char>(bytes[0]) < 0 ? -1 : 0;
  for (int64_t i = 0; i < size; ++i)
    unscaled = static_cast<int64_t>(static_cast<uint64_t>(unscaled) << 8U |
                                    static_cast<unsigned char>(bytes[static_cast<size_t>(i)]));
  bytes.remove_prefix(static_cast<size_t>(size));
  return true;
}

// Columns of a table may be null, so their fields are unions whose second branch is the value.
bool take_branch(BytesView& bytes, bool nullable) {
  int64_t branch = 1;
  return !nullable || (get_zigzag(bytes, branch) && branch == 1);
}

int64_t window_start(int64_t time_ms, int64_t window_ms) {
  return time_ms - time_ms % window_ms;
}

}  // namespace

Rows::Rows(const Shape& shape)
    : shape_(shape),
      windows_(static_cast<size_t>(Workload::kSpanMs / shape.window_ms) + 1),
      all_(windows_ * shape.groups) {}

void Rows::add(uint32_t group, int64_t time_ms, int64_t count, int64_t sum) {
  const auto window =
      static_cast<size_t>((window_start(time_ms, shape_.window_ms) - Workload::kStartMs) / shape_.window_ms);
  Row& row = all_.at(window * shape_.groups + group);
  rows_ += row == Row() ? 1 : 0;
  row.count += count;
  row.sum += sum;
  total_ += count;
}

bool Rows::put(BytesView key, BytesView value, bool nullable) {
  if (key.size() < 9 || value.size() < 5) return false;
  BytesView tail = key.substr(key.size() - 8);
  uint64_t start = 0;
  if (!get_big64(tail, start)) return false;
  key.remove_suffix(8);
  uint32_t group = 0;
  if (shape_.prefix.empty()) {
    while (group < shape_.groups && Workload::event_type_name(group) != key) ++group;
  } else {
    if (!key.starts_with(shape_.prefix)) return false;
    for (const char c : key.substr(shape_.prefix.size())) {
      if (c < '0' || c > '9') return false;
      group = group * 10 + static_cast<uint32_t>(c - '0');
    }
  }
  const int64_t since = static_cast<int64_t>(start) - Workload::kStartMs;
  if (group >= shape_.groups || since < 0 || since % shape_.window_ms != 0) return false;
  const auto window = static_cast<size_t>(since / shape_.window_ms);
  if (window >= windows_) return false;
  value.remove_prefix(5);
  Row row;
  if (!take_branch(value, nullable) || !take_long(value, row.count)) return false;
  if (shape_.has_sum && (!take_branch(value, nullable) || !take_money(value, row.sum))) return false;
  if (!value.empty()) return false;
  Row& known = all_[window * shape_.groups + group];
  rows_ += known == Row() ? 1 : 0;
  total_ += row.count - known.count;
  known = row;
  return true;
}

std::string Rows::name(size_t index) const {
  const auto group = static_cast<uint32_t>(index % shape_.groups);
  const int64_t start = Workload::kStartMs + static_cast<int64_t>(index / shape_.groups) * shape_.window_ms;
  const std::string text =
      shape_.prefix.empty() ? Workload::event_type_name(group) : shape_.prefix + std::to_string(group);
  return text + " from " + std::to_string(start);
}

std::string Rows::difference(const Rows& wanted) const {
  int64_t differ = 0;
  std::string first;
  for (size_t i = 0; i < all_.size(); ++i) {
    if (all_[i] == wanted.all_[i]) continue;
    if (differ++ > 0) continue;
    first = name(i) + " has count " + std::to_string(all_[i].count) + " and sum " +
            std::to_string(all_[i].sum) + ", recounted " + std::to_string(wanted.all_[i].count) + " and " +
            std::to_string(wanted.all_[i].sum);
  }
  if (differ == 0) return "";
  return "Q" + std::to_string(shape_.query) + ": " + std::to_string(differ) + " rows differ; " + first;
}

QueryRows no_rows() {
  return {Rows(shape_of(1)), Rows(shape_of(2)), Rows(shape_of(3)), Rows(shape_of(4)), Rows(shape_of(5))};
}

QueryRows recounted(const WorkloadSpec& spec) {
  QueryRows rows = no_rows();
  Workload workload(spec.seed, spec.events);
  Event event;
  Bytes key;
  Bytes value;
  while (workload.next(event, key, value)) {
    if (!event.order) {
      rows[1].add(event.product, event.time_ms, 1, 0);
      rows[2].add(event.event_type, event.time_ms, 1, 0);
      continue;
    }
    rows[3].add(event.person, event.time_ms, 1, event.total);
    for (const OrderLine& line : event.lines) {
      rows[0].add(line.category, event.time_ms, 1, line.price * line.quantity);
      rows[4].add(line.product, event.time_ms, line.quantity, 0);
    }
  }
  return rows;
}

Result<std::unique_ptr<log::WatchedLog>> open_bench_log(const std::string& servers) {
  return log::open_kafka({.servers = servers, .instance = "tradewind-bench-tools", .beside = true});
}

void set_schema_id(Bytes& value, int32_t id) {
  for (size_t i = 0; i < 4; ++i)
    value[1 + i] = static_cast<char>(static_cast<uint32_t>(id) >> (24 - 8 * i) & 0xff);
}

namespace {

constexpr const char* kResultSchemas[][2] = {
    {"bench.streams.q1-value",
     R"({"type":"record","name":"RevenueByCategory","namespace":"com.tradewind.bench.v1","fields":[{"name":"lines","type":"long"},{"name":"revenue","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}}]})"},
    {"bench.streams.q2-value",
     R"({"type":"record","name":"ViewsByProduct","namespace":"com.tradewind.bench.v1","fields":[{"name":"views","type":"long"}]})"},
    {"bench.streams.q3-value",
     R"({"type":"record","name":"StepCounts","namespace":"com.tradewind.bench.v1","fields":[{"name":"events","type":"long"}]})"},
    {"bench.streams.q4-value",
     R"({"type":"record","name":"OrdersByCustomer","namespace":"com.tradewind.bench.v1","fields":[{"name":"orders","type":"long"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}}]})"},
    {"bench.streams.q5-value",
     R"({"type":"record","name":"UnitsByProduct","namespace":"com.tradewind.bench.v1","fields":[{"name":"units","type":"long"}]})"}};

Result<SchemaIds> register_schemas(log::Log& log) {
  const auto registry = TRY(schema::LocalRegistry::open(log));
  const auto id_of = [&](const std::string& subject, const char* text) -> Result<int32_t> {
    return TRY(registry->register_schema(subject, schema::SchemaKind::avro, text)).id;
  };
  SchemaIds ids;
  ids.views = TRY(id_of(std::string(kViewsTopic) + "-value", kPageViewSchema));
  ids.orders = TRY(id_of(std::string(kOrdersTopic) + "-value", kOrderSchema));
  TRY(id_of(std::string(kLiveViewsTopic) + "-value", kPageViewSchema));
  TRY(id_of(std::string(kLiveOrdersTopic) + "-value", kOrderSchema));
  for (size_t q = 0; q < 5; ++q) ids.results[q] = TRY(id_of(kResultSchemas[q][0], kResultSchemas[q][1]));
  return ids;
}

bool known(const std::vector<log::TopicSpec>& topics, const std::string& name) {
  return std::any_of(topics.begin(), topics.end(), [&](const auto& topic) { return topic.name == name; });
}

// Statements of somebody's platform are not this program's to delete.
Result<> check_ours(log::Log& log) {
  const auto topics = TRY(log.topics());
  if (!known(topics, "tw.commands") || known(topics, kMarkTopic)) return {};
  return Error{
      Code::conflict,
      "this cluster holds the statements of a platform (topic tw.commands), and the benchmark begins with "
      "none; name brokers that are for tests"};
}

Result<> make_topics(log::Log& log) {
  for (const char* topic : {kViewsTopic, kOrdersTopic})
    TRY(log.create_topic({.name = topic, .partitions = kPartitions, .retention = Duration(-1)}));
  return log.create_topic(
      {.name = kMarkTopic, .partitions = 1, .cleanup = log::Cleanup::compact, .retention = Duration(-1)});
}

Result<std::string> ends_text(log::Log& log) {
  std::string text;
  for (const char* topic : {kViewsTopic, kOrdersTopic}) {
    for (int32_t p = 0; p < kPartitions; ++p)
      text += "," + std::to_string(TRY(log.bounds({topic, p}, log::Visibility::durable)).end);
  }
  return text;
}

// What the last whole writing of the topics left there.
Result<std::string> mark_of(log::Log& log) {
  const auto bounds = TRY(log.bounds({kMarkTopic, 0}, log::Visibility::durable));
  const auto consumer = TRY(log.consumer(log::Visibility::durable));
  TRY(consumer->assign({kMarkTopic, 0}, bounds.begin));
  std::string mark;
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1'000), 1'000))) {
      for (const log::RecordView& record : batch.records) mark = std::string(record.value.value_or(""));
      next = batch.next;
    }
  }
  return mark;
}

Result<> write_events(const std::string& servers, const WorkloadSpec& spec, const SchemaIds& ids) {
  const auto writer = TRY(RecordWriter::open(servers, Duration(100)));
  Workload workload(spec.seed, spec.events);
  Event event;
  Bytes key;
  Bytes value;
  for (int64_t n = 0; workload.next(event, key, value); ++n) {
    set_schema_id(value, event.order ? ids.orders : ids.views);
    TRY(writer->add(event.order ? kOrdersTopic : kViewsTopic, log::partition_of(key, kPartitions), key, value,
                    event.time_ms));
    if (n % 1'000'000 == 0 && n > 0)
      std::fprintf(stderr, "bench kafka: %lld M events written\n", static_cast<long long>(n / 1'000'000));
  }
  return writer->finish();
}

}  // namespace

Result<SchemaIds> prepare_workload(const std::string& servers, const WorkloadSpec& spec) {
  const auto log = TRY(open_bench_log(servers));
  TRY(check_ours(*log));
  TRY(make_topics(*log));
  const SchemaIds ids = TRY(register_schemas(*log));
  const std::string head = "generator " + std::string(kGenerator) + " seed " + std::to_string(spec.seed) +
                           " events " + std::to_string(spec.events) + " schemas " +
                           std::to_string(ids.views) + "," + std::to_string(ids.orders) + " ends ";
  if (TRY(mark_of(*log)) == head + TRY(ends_text(*log))) {
    std::fprintf(stderr, "bench kafka: the events lie there already\n");
    return ids;
  }
  for (const char* topic : {kViewsTopic, kOrdersTopic}) TRY(log->delete_topic(topic));
  TRY(make_topics(*log));
  std::fprintf(stderr, "bench kafka: writing %lld events\n", static_cast<long long>(spec.events));
  TRY(write_events(servers, spec, ids));
  const std::string mark = head + TRY(ends_text(*log));
  const log::RecordView record{.key = "workload", .value = mark, .time = SystemClock().now()};
  TRY(TRY(log->producer({}))->append({kMarkTopic, 0}, {&record, 1}));
  return ids;
}

Result<SchemaIds> prepare_schemas(const std::string& servers) {
  const auto log = TRY(open_bench_log(servers));
  TRY(check_ours(*log));
  TRY(make_topics(*log));
  return register_schemas(*log);
}

Result<> prepare_run(const std::string& servers, const std::string& side, bool live) {
  const auto log = TRY(open_bench_log(servers));
  TRY(check_ours(*log));
  for (const log::TopicSpec& topic : TRY(log->topics())) {
    const bool kept = topic.name == kViewsTopic || topic.name == kOrdersTopic || topic.name == kMarkTopic;
    const bool ours = topic.name.starts_with("bench.") || topic.name.starts_with("tw.");
    if (ours && !kept) TRY(log->delete_topic(topic.name));
  }
  if (live) {
    for (const char* topic : {kLiveViewsTopic, kLiveOrdersTopic})
      TRY(log->create_topic({.name = topic, .partitions = kPartitions, .retention = Duration(-1)}));
  }
  for (int query = 1; query <= 5; ++query) {
    TRY(log->create_topic({.name = result_topic(side, query),
                           .partitions = kPartitions,
                           .cleanup = log::Cleanup::compact,
                           .retention = Duration(-1)}));
  }
  ::sync();  // what the side before wrote is not written beside this one
  return {};
}

std::string result_topic(const std::string& side, int query) {
  return "bench." + side + ".q" + std::to_string(query);
}

}  // namespace tradewind::bench
