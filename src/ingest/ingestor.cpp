#include "ingest/ingestor.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/coding.h"
#include "base/hash.h"
#include "log/partitioner.h"
#include "schema/avro.h"
#include "schema/serde.h"

namespace tradewind::ingest {
namespace {

constexpr size_t kMostIds = 5'000'000;
constexpr int64_t kIdsMs = 24LL * 3600 * 1000;
constexpr size_t kMostEvents = 10'000;  // in one request

struct EventId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const EventId&) const = default;
};
struct HashId {
  size_t operator()(const EventId& id) const { return id.low; }
};

EventId id_of(const std::string& topic, BytesView text) {
  return {hash64(text) ^ hash64(topic), mix64(hash64(text), crc32c(text))};
}

std::string field_upper(const std::string& name) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

}  // namespace

// Ids of the last 24 h, at most five million.
struct Ingestor::Seen {
  std::unordered_map<EventId, int64_t, HashId> ids;
  std::deque<std::pair<int64_t, EventId>> order;

  bool contains(const EventId& id) const { return ids.contains(id); }
  void add(const EventId& id, int64_t now_ms) {
    if (ids.emplace(id, now_ms).second) order.emplace_back(now_ms, id);
    while (!order.empty() && (order.size() > kMostIds || order.front().first < now_ms - kIdsMs)) {
      ids.erase(order.front().second);
      order.pop_front();
    }
  }
};

struct Ingestor::Topic {
  std::mutex mutex;  // decoders and encoders belong to one thread at a time
  TopicRule rule;
  int32_t partitions = 1;
  std::vector<Field> columns;
  std::vector<bool> required;      // no null, no default: must be there
  std::vector<std::string> names;  // as in the schema
  std::unique_ptr<schema::Decoder> decoder;
  std::unique_ptr<schema::Encoder> encoder;
  std::optional<size_t> key, time, id;
};

Ingestor::Ingestor(log::Log& log, schema::Registry& registry, Clock& clock,
                   std::map<std::string, TopicRule> rules)
    : log_(log),
      registry_(registry),
      clock_(clock),
      rules_(std::move(rules)),
      seen_(std::make_unique<Seen>()) {}
Ingestor::~Ingestor() = default;

Result<> Ingestor::start() {
  TRY(log_.create_topic({.name = kEventIdsTopic, .partitions = 1, .retention = Duration(kIdsMs)}));
  const auto bounds = TRY(log_.bounds({kEventIdsTopic, 0}, log::Visibility::durable));
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  TRY(consumer->assign({kEventIdsTopic, 0}, bounds.begin));
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    for (const log::FetchedBatch& batch : TRY(consumer->poll(Duration(1000), 10'000))) {
      for (const log::RecordView& record : batch.records) {
        BytesView ids = record.value.value_or(BytesView());
        EventId id;
        while (get_fixed(ids, id.high) && get_fixed(ids, id.low)) seen_->add(id, record.time.ms);
      }
      next = batch.next;
    }
  }
  return {};
}

Result<int64_t> Ingestor::last_sequence(const std::string& producer) {
  auto opened = TRY(log_.producer({.id = producer}));
  return opened->last_sequence();
}

Result<Ingestor::Topic*> Ingestor::topic_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = topics_.find(name); known != topics_.end()) return known->second.get();
  const auto spec = log_.topic(name);
  if (!spec.ok() || name.starts_with("tw.") || name.starts_with("_")) {
    return Error{Code::not_found, "no topic '" + name + "' takes events"};
  }
  const auto latest = registry_.latest(name + "-value");
  if (!latest.ok())
    return Error{Code::not_found, "topic " + name + " has no registered schema to check events against"};
  auto topic = std::make_unique<Topic>();
  topic->partitions = spec->partitions;
  if (const auto rule = rules_.find(name); rule != rules_.end()) topic->rule = rule->second;
  topic->columns = TRY(schema::columns_of(*latest));
  const Json document = TRY(parse_json(latest->text));
  for (const Json& field : document.find("fields")->elements()) {
    const Json* type = field.find("type");
    const bool optional = type != nullptr && type->is(Json::Kind::array);
    topic->required.push_back(field.find("default") == nullptr && !optional);
    topic->names.push_back(field.string_at("name").value_or(""));
  }
  const auto index = [&](const std::string& field) -> std::optional<size_t> {
    for (size_t i = 0; i < topic->columns.size(); ++i) {
      if (topic->columns[i].name == field_upper(field)) return i;
    }
    return std::nullopt;
  };
  topic->key = index(topic->rule.key_field);
  topic->time = index(topic->rule.time_field);
  topic->id = index(topic->rule.id_field);
  topic->decoder = TRY(schema::make_decoder(
      {.format = schema::Format::json, .columns = topic->columns, .topic = name}, &registry_));
  topic->encoder = TRY(schema::make_encoder(
      {.format = schema::Format::avro, .columns = topic->columns, .topic = name}, &registry_));
  Topic* made = topic.get();
  topics_[name] = std::move(topic);
  return made;
}

Result<Taken> Ingestor::take(const std::string& name, std::string_view body,
                             const std::optional<Numbered>& numbered) {
  Topic* topic = TRY(topic_of(name));
  const Json document = TRY(parse_json(body, {.bytes = size_t{64} << 20}));
  std::vector<std::string> texts;
  if (document.is(Json::Kind::array)) {
    for (const Json& event : document.elements()) texts.push_back(event.dump());
  } else {
    texts.push_back(document.dump());
  }
  if (texts.size() > kMostEvents) {
    return Error{Code::invalid, std::to_string(texts.size()) + " events at once; send at most " +
                                    std::to_string(kMostEvents)};
  }
  const std::lock_guard lock(topic->mutex);
  std::vector<std::optional<BytesView>> payloads(texts.begin(), texts.end());
  const schema::Decoded decoded = TRY(topic->decoder->decode(payloads, nullptr));
  Taken taken;
  std::vector<uint32_t> rows;
  size_t bad = 0;
  for (uint32_t row = 0; row < texts.size(); ++row) {
    std::string error;
    if (bad < decoded.bad.size() && decoded.bad[bad].row == row) error = decoded.bad[bad++].reason;
    for (size_t i = 0; error.empty() && i < topic->columns.size(); ++i) {
      if (topic->required[i] && decoded.columns[i]->is_null(row))
        error = "field " + topic->names[i] + " is missing";
    }
    if (error.empty())
      rows.push_back(row);
    else
      taken.rejected.push_back({row, error});
  }
  taken.accepted = rows.size();
  const int64_t now_ms = clock_.now().ms;
  std::vector<EventId> ids;
  Bytes id_bytes;
  if (topic->id && !numbered) {  // a numbering producer cannot repeat itself
    const std::lock_guard seen_lock(mutex_);
    std::erase_if(rows, [&](uint32_t row) {
      const EventId id = id_of(name, decoded.columns[*topic->id]->data<BytesView>()[row]);
      if (seen_->contains(id) || std::find(ids.begin(), ids.end(), id) != ids.end()) return true;
      ids.push_back(id);
      put_fixed(id_bytes, id.high);
      put_fixed(id_bytes, id.low);
      return false;
    });
  }
  if (rows.empty() && !numbered) return taken;
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& column : decoded.columns) columns.push_back(column->gather(rows.data(), rows.size()));
  schema::Encoded encoded;
  TRY(topic->encoder->encode(columns, rows.size(), encoded));
  std::vector<std::vector<log::RecordView>> parts(static_cast<size_t>(topic->partitions));
  for (size_t i = 0; i < rows.size(); ++i) {
    log::RecordView record{.value = encoded[i], .time = Timestamp{now_ms}};
    if (topic->time && columns[*topic->time]->type().layout() == Layout::i64) {
      record.time = Timestamp{columns[*topic->time]->data<int64_t>()[i]};
    }
    int32_t partition = static_cast<int32_t>(static_cast<uint64_t>(record.time.ms) %
                                             static_cast<uint64_t>(topic->partitions));
    if (topic->key && columns[*topic->key]->type().layout() == Layout::view &&
        !columns[*topic->key]->is_null(i)) {
      record.key = columns[*topic->key]->data<BytesView>()[i];
      partition = log::partition_of(*record.key, topic->partitions);
    }
    parts[static_cast<size_t>(partition)].push_back(record);
  }
  std::vector<log::Appending> appendings;
  for (int32_t p = 0; p < topic->partitions; ++p) {
    if (!parts[static_cast<size_t>(p)].empty())
      appendings.push_back({{name, p}, parts[static_cast<size_t>(p)]});
  }
  const log::RecordView id_record{.value = id_bytes, .time = Timestamp{now_ms}};
  if (!id_bytes.empty()) appendings.push_back({{kEventIdsTopic, 0}, {&id_record, 1}});
  auto producer = TRY(log_.producer({.id = numbered ? numbered->producer : std::string()}));
  TRY(producer->append_all(appendings, numbered ? numbered->sequence : -1));
  const std::lock_guard seen_lock(mutex_);
  for (const EventId& id : ids) seen_->add(id, now_ms);
  return taken;
}

}  // namespace tradewind::ingest
