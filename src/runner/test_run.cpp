#include "runner/test_run.h"

#include <algorithm>
#include <charconv>

#include "log/memory_log.h"
#include "stream/runtime.h"

namespace tradewind::runner {
namespace {

constexpr int kMostSteps = 100'000;  // of one record: a query that never comes to rest is told

stream::RuntimeOptions row_by_row() {
  stream::RuntimeOptions options;
  options.application = "test";
  options.own_threads = false;
  options.state_partitions = 1;
  options.idle_commit = Duration(0);
  options.rows_per_poll = options.rows_per_batch = options.rows_per_commit = 1;
  options.each_row = true;
  return options;
}

// One query over a log of its own, given one record after another.
class LoneQuery {
 public:
  LoneQuery(const stream::Topology& topology, schema::Registry& registry)
      : topology_(topology),
        log_(log::make_memory_log()),
        runtime_(stream::make_runtime(*log_, registry, clock_, row_by_row())) {
    if (topology_.sink) topology_.sink->partitions = 1;
  }

  Result<> open(const std::vector<std::string>& topics) {
    for (const std::string& topic : topics) TRY(log_->create_topic({.name = topic}));
    producer_ = TRY(log_->producer({}));
    TRY(runtime_->add(topology_, true));
    TRY(runtime_->start());
    if (!topology_.sink) return {};
    consumer_ = TRY(log_->consumer(log::Visibility::written));
    return consumer_->assign({topology_.sink->topic, 0}, 0);
  }

  Result<> push(const std::string& topic, const TopicRecord& given) {
    std::vector<log::HeaderView> headers;
    for (const auto& [name, value] : given.headers)
      headers.push_back({name, value ? std::optional<BytesView>(*value) : std::nullopt});
    log::RecordView record{
        .time = given.time, .headers = headers.data(), .header_count = static_cast<uint32_t>(headers.size())};
    if (given.key) record.key = *given.key;
    if (given.value) record.value = *given.value;
    TRY(producer_->append({topic, 0}, {&record, 1}));
    for (int steps = 0; TRY(runtime_->step()); ++steps) {
      if (steps > kMostSteps) return Error{Code::io, topology_.name + " does not come to rest"};
    }
    for (const stream::QueryStatus& status : runtime_->status()) {
      if (!status.running) return Error{Code::io, status.name + " stopped: " + status.error};
    }
    return {};
  }

  // What it wrote since the last call.
  Result<> take(std::vector<TopicRecord>& out) {
    while (consumer_ != nullptr) {
      const auto batches = TRY(consumer_->poll(Duration(0), 1000));
      if (batches.empty()) return {};
      for (const log::FetchedBatch& batch : batches) {
        for (const log::RecordView& record : batch.records) {
          TopicRecord made{.time = record.time};
          if (record.key) made.key = Bytes(*record.key);
          if (record.value) made.value = Bytes(*record.value);
          for (uint32_t i = 0; i < record.header_count; ++i) {
            const log::HeaderView& header = record.headers[i];
            made.headers.emplace_back(header.name,
                                      header.value ? std::optional<Bytes>(*header.value) : std::nullopt);
          }
          out.push_back(std::move(made));
        }
      }
    }
    return {};
  }

 private:
  stream::Topology topology_;
  ManualClock clock_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<stream::Runtime> runtime_;
  std::unique_ptr<log::Producer> producer_;
  std::unique_ptr<log::Consumer> consumer_;
};

// The topics a query reads, the left one first.
std::vector<std::string> topics_of(const stream::Topology& topology) {
  std::vector<std::string> topics;
  for (size_t i = 0; i < topology.input_count(); ++i) {
    const std::string& topic = topology.input(i).topic;
    if (std::find(topics.begin(), topics.end(), topic) == topics.end()) topics.push_back(topic);
  }
  return topics;
}

}  // namespace

TestRun::TestRun() : log_(log::make_memory_log()) {
  session_["auto.offset.reset"] = "earliest";
  session_["tradewind.pull.wait.ms"] = "0";  // for what no query of this log will ever write
}

Result<std::unique_ptr<TestRun>> TestRun::start() {
  std::unique_ptr<TestRun> run(new TestRun());
  run->registry_ = TRY(schema::LocalRegistry::open(*run->log_));
  run->engine_ = std::make_unique<engine::Engine>(*run->log_, *run->registry_, run->clock_, row_by_row());
  TRY(run->engine_->start());
  return run;
}

Result<std::vector<sql::Statement>> TestRun::parse(const std::string& statements) const {
  return engine_->parse(statements, {});
}

Result<> TestRun::execute(const sql::Statement& statement) {
  if (std::holds_alternative<sql::Print>(statement.is)) return {};
  if (const auto* select = std::get_if<sql::Select>(&statement.is)) {
    TRY(engine_->select(select->query, session_));  // nobody reads what it would show
    return {};
  }
  if (const auto* create = std::get_if<sql::CreateSource>(&statement.is)) TRY(make_topic(*create));
  const auto* terminate = std::get_if<sql::Terminate>(&statement.is);
  if (terminate != nullptr && !terminate->query.empty()) {
    sql::Statement renamed = statement;
    std::get<sql::Terminate>(renamed.is).query = running_name(terminate->query);
    TRY(engine_->execute(renamed, session_));
    return {};
  }
  TRY(engine_->execute(statement, session_));
  know_sources();
  know_queries();
  if (const auto* insert = std::get_if<sql::InsertValues>(&statement.is))
    return keep_inserted(insert->target);
  return {};
}

// Tests know queries by their number among the queries: CTAS_TOTALS_0.
std::string TestRun::running_name(const std::string& name) const {
  const size_t at = name.rfind('_');
  if (at == std::string::npos || at + 1 == name.size()) return name;
  size_t number = 0;
  const char* end = name.data() + name.size();
  if (std::from_chars(name.data() + at + 1, end, number).ptr != end || number >= queries_.size()) return name;
  const std::string& running = queries_[number];
  return running.starts_with(name.substr(0, at + 1)) ? running : name;
}

// A test does not say that the topics it feeds are there.
Result<> TestRun::make_topic(const sql::CreateSource& statement) {
  const auto topic = statement.with.find("KAFKA_TOPIC");
  if (statement.query || topic == statement.with.end() || statement.with.contains("PARTITIONS")) return {};
  if (log_->topic(topic->second).ok() || !log::check_topic_name(topic->second).ok()) return {};
  return log_->create_topic({.name = topic->second});
}

void TestRun::know_sources() {
  const sql::Catalog known = engine_->catalog();
  for (const auto& [name, source] : known.sources) {
    // A topic keeps its first reader, as it is declared now, for as long as that is there.
    const auto there = sources_.find(source.topic);
    const sql::Source* first = there == sources_.end() ? nullptr : known.find(there->second.name);
    if (first != nullptr && first->topic == source.topic && first->name != source.name) continue;
    sources_[source.topic] = source;
    codecs_.erase(source.topic);
  }
}

void TestRun::know_queries() {
  for (const auto& topology : engine_->topologies()) {
    if (std::find(queries_.begin(), queries_.end(), topology->name) == queries_.end())
      queries_.push_back(topology->name);
  }
}

Result<> TestRun::keep_inserted(const std::string& target) {
  const sql::Catalog known = engine_->catalog();
  const sql::Source* source = known.find(target);
  if (source == nullptr) return {};
  const std::string& topic = source->topic;
  auto consumer = TRY(log_->consumer(log::Visibility::written));
  for (int32_t p = 0; p < source->partitions; ++p) {
    const std::string place = topic + "/" + std::to_string(p);
    TRY(consumer->assign({topic, p}, inserted_[place]));
    while (true) {
      const auto batches = TRY(consumer->poll(Duration(0), 1000));
      if (batches.empty()) break;
      for (const log::FetchedBatch& batch : batches) {
        for (const log::RecordView& record : batch.records) {
          TopicRecord made{.time = record.time};
          if (record.key) made.key = Bytes(*record.key);
          if (record.value) made.value = Bytes(*record.value);
          inputs_.emplace_back(topic, std::move(made));
        }
        inserted_[place] = batch.next;
      }
    }
    consumer->unassign({topic, p});
  }
  return {};
}

const sql::Source* TestRun::source_of(const std::string& topic) const {
  const auto found = sources_.find(topic);
  return found == sources_.end() ? nullptr : &found->second;
}

Result<TopicCodec*> TestRun::codec_of(const std::string& topic) {
  const auto known = codecs_.find(topic);
  if (known != codecs_.end()) return &known->second;
  sql::Source plain;
  plain.topic = topic;
  plain.key_format = plain.value_format = schema::Format::json;
  const sql::Source* source = source_of(topic);
  TopicCodec codec = TRY(TopicCodec::make(source == nullptr ? plain : *source, *registry_));
  return &codecs_.emplace(topic, std::move(codec)).first->second;
}

Result<> TestRun::play(const std::vector<TestRecord>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    TopicCodec* codec = TRY(codec_of(inputs[i].topic));
    auto record = codec->encode(inputs[i]);
    if (!record.ok())
      return record.error().within("input " + std::to_string(i + 1) + " (" + inputs[i].topic + ")");
    inputs_.emplace_back(inputs[i].topic, std::move(*record));
  }
  for (const auto& [topic, record] : inputs_) given_[topic].push_back(record);
  const auto running = engine_->topologies();
  for (const std::string& name : queries_) {
    const auto query = std::find_if(running.begin(), running.end(),
                                    [&](const auto& topology) { return topology->name == name; });
    if (query != running.end()) TRY(play_query(**query));
  }
  return {};
}

Result<> TestRun::play_query(const stream::Topology& topology) {
  const std::vector<std::string> topics = topics_of(topology);
  LoneQuery query(topology, *registry_);
  TRY(query.open(topics));
  for (const auto& [topic, record] : inputs_) {
    if (std::find(topics.begin(), topics.end(), topic) != topics.end()) TRY(query.push(topic, record));
  }
  for (const std::string& topic : topics) {
    if (given_.contains(topic)) continue;
    for (const TopicRecord& record : written_[topic]) TRY(query.push(topic, record));
  }
  if (!topology.sink) return {};
  return query.take(written_[topology.sink->topic]);
}

std::vector<TopicRecord> TestRun::written_to(const std::string& topic) const {
  std::vector<TopicRecord> all;
  for (const auto* part : {&given_, &written_}) {
    const auto found = part->find(topic);
    if (found != part->end()) all.insert(all.end(), found->second.begin(), found->second.end());
  }
  return all;
}

Result<std::vector<TestRecord>> TestRun::records(const std::string& topic) {
  TopicCodec* codec = TRY(codec_of(topic));
  std::vector<TestRecord> all;
  for (const TopicRecord& record : written_to(topic)) {
    all.push_back(TRY(codec->decode(record)));
    all.back().topic = topic;
  }
  return all;
}

}  // namespace tradewind::runner
