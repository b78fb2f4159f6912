#include "ingest/ingestor.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "base/coding.h"
#include "base/hash.h"
#include "ingest/metrics.h"
#include "log/partitioner.h"
#include "schema/avro.h"

namespace tradewind::ingest {
namespace {

struct EventId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const EventId&) const = default;
};
struct HashId {
  size_t operator()(const EventId& id) const { return id.low; }
};

// The event's id as bytes, of a text or a number; nothing when it has none.
std::optional<Bytes> id_text(const Column& ids, size_t row) {
  if (ids.is_null(row)) return std::nullopt;
  switch (ids.type().layout()) {
    case Layout::view: return Bytes(ids.data<BytesView>()[row]);
    case Layout::i64: return std::to_string(ids.data<int64_t>()[row]);
    case Layout::i32: return std::to_string(ids.data<int32_t>()[row]);
    default: return std::nullopt;
  }
}

EventId id_of(const std::string& topic, BytesView text) {
  return {hash64(text) ^ hash64(topic), mix64(hash64(text), crc32c(text))};
}

telemetry::Registry& registry_of(const IngestOptions& options,
                                 const std::unique_ptr<telemetry::Registry>& otherwise) {
  return options.metrics != nullptr ? *options.metrics : *otherwise;
}

std::vector<ColumnPtr> gather(const schema::Decoded& decoded, const std::vector<uint32_t>& rows) {
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& column : decoded.columns) columns.push_back(column->gather(rows.data(), rows.size()));
  return columns;
}

bool has(const Column& column, Layout layout, size_t row) {
  return column.type().layout() == layout && !column.is_null(row);
}

// "row 0: column kind ..." -> "field kind ...": the event was encoded alone, and its sender knows fields.
std::string without_row(std::string message) {
  constexpr std::string_view kRow = "row 0: ";
  constexpr std::string_view kColumn = "column ";
  if (message.starts_with(kRow)) message.erase(0, kRow.size());
  if (message.starts_with(kColumn)) message.replace(0, kColumn.size(), "field ");
  return message;
}

std::string field_upper(const std::string& name) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

}  // namespace

// Ids of the last events.
struct Ingestor::Seen {
  const size_t most_ids;
  const int64_t kept_ms;
  std::unordered_map<EventId, int64_t, HashId> ids;
  std::deque<std::pair<int64_t, EventId>> order;

  bool contains(const EventId& id) const { return ids.contains(id); }
  void add(const EventId& id, int64_t now_ms) {
    if (ids.emplace(id, now_ms).second) order.emplace_back(now_ms, id);
    while (!order.empty() && (order.size() > most_ids || order.front().first < now_ms - kept_ms)) {
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
                   std::map<std::string, TopicRule> rules, const IngestOptions& options)
    : log_(log),
      registry_(registry),
      clock_(clock),
      rules_(std::move(rules)),
      options_(options),
      unseen_(options.metrics == nullptr ? std::make_unique<telemetry::Registry>() : nullptr),
      accepted_(registry_of(options, unseen_).counter(kEvents, std::array{std::string_view("accepted")})),
      rejected_(registry_of(options, unseen_).counter(kEvents, std::array{std::string_view("rejected")})),
      seen_(new Seen{.most_ids = options.most_ids, .kept_ms = options.ids_kept.count()}) {}
Ingestor::~Ingestor() = default;

Result<> Ingestor::start() {
  TRY(log_.create_topic({.name = kEventIdsTopic, .partitions = 1, .retention = options_.ids_kept}));
  const auto bounds = TRY(log_.bounds({kEventIdsTopic, 0}, log::Visibility::durable));
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  TRY(consumer->assign({kEventIdsTopic, 0}, bounds.begin));
  for (log::Offset next = bounds.begin; next < bounds.end;) {
    const auto batches = TRY(consumer->poll(Duration(1000), 10'000));
    if (batches.empty()) {  // what was there may expire while it is read
      next = std::max(next, TRY(log_.bounds({kEventIdsTopic, 0}, log::Visibility::durable)).begin);
    }
    for (const log::FetchedBatch& batch : batches) {
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

Result<> Ingestor::append(std::span<const log::Appending> parts, const Numbered& numbered, size_t events) {
  auto producer = TRY(log_.producer({.id = numbered.producer}));
  TRY(producer->append_all(parts, numbered.sequence));
  count({.accepted = events});
  return {};
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
  const Json* fields = document.find("fields");
  if (fields == nullptr || !fields->is(Json::Kind::array)) {
    return Error{Code::invalid, "topic " + name + " takes no events: its schema is not a record"};
  }
  for (const Json& field : fields->elements()) {
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

Taken Ingestor::count(Taken taken) {
  accepted_.add(static_cast<int64_t>(taken.accepted));
  rejected_.add(static_cast<int64_t>(taken.rejected.size()));
  return taken;
}

// The rows that have what the schema asks for; the others are told in `taken`.
std::vector<uint32_t> Ingestor::complete_rows(const Topic& topic, const schema::Decoded& decoded,
                                              size_t count, Taken& taken) {
  std::vector<uint32_t> rows;
  size_t bad = 0;
  for (uint32_t row = 0; row < count; ++row) {
    std::string error;
    if (bad < decoded.bad.size() && decoded.bad[bad].row == row) error = decoded.bad[bad++].reason;
    for (size_t i = 0; error.empty() && i < topic.columns.size(); ++i) {
      if (topic.required[i] && decoded.columns[i]->is_null(row))
        error = "field " + topic.names[i] + " is missing";
    }
    if (error.empty())
      rows.push_back(row);
    else
      taken.rejected.push_back({row, error});
  }
  return rows;
}

// Rows the schema cannot hold leave `rows` and are told in `taken`: one bad event must not keep the others
// out.
Result<schema::Encoded> Ingestor::encode(Topic& topic, const schema::Decoded& decoded,
                                         std::vector<uint32_t>& rows, Taken& taken) {
  schema::Encoded encoded;
  const auto all = topic.encoder->encode(gather(decoded, rows), rows.size(), encoded);
  if (all.ok()) return encoded;
  if (all.error().code != Code::invalid) return all.error();
  encoded.clear();
  std::vector<uint32_t> held;
  for (const uint32_t row : rows) {
    schema::Encoded one;
    const auto done = topic.encoder->encode(gather(decoded, {row}), 1, one);
    if (done.ok()) {
      held.push_back(row);
      encoded.bytes += one.bytes;
      encoded.ends.push_back(static_cast<uint32_t>(encoded.bytes.size()));
    } else {
      taken.rejected.push_back({row, without_row(done.error().message)});
    }
  }
  std::ranges::sort(taken.rejected, {}, &Rejected::index);
  rows = std::move(held);
  return encoded;
}

// The records of these rows by partition, without those in `doubles`.
std::vector<std::vector<log::RecordView>> Ingestor::records_of(const Topic& topic,
                                                               const schema::Decoded& decoded,
                                                               const std::vector<uint32_t>& rows,
                                                               const schema::Encoded& encoded,
                                                               const std::vector<bool>& doubles) {
  std::vector<std::vector<log::RecordView>> parts(static_cast<size_t>(topic.partitions));
  const Timestamp now = clock_.now();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (doubles[i]) continue;
    log::RecordView record{.value = encoded[i], .time = now};
    if (topic.time && has(*decoded.columns[*topic.time], Layout::i64, rows[i]))
      record.time = Timestamp{decoded.columns[*topic.time]->data<int64_t>()[rows[i]]};
    int32_t partition =
        static_cast<int32_t>(static_cast<uint64_t>(record.time.ms) % static_cast<uint64_t>(topic.partitions));
    if (topic.key && has(*decoded.columns[*topic.key], Layout::view, rows[i])) {
      record.key = decoded.columns[*topic.key]->data<BytesView>()[rows[i]];
      partition = log::partition_of(*record.key, topic.partitions);
    }
    parts[static_cast<size_t>(partition)].push_back(record);
  }
  return parts;
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
  if (texts.size() > options_.most_events) {
    return Error{Code::invalid, std::to_string(texts.size()) + " events at once; send at most " +
                                    std::to_string(options_.most_events)};
  }
  const std::lock_guard lock(topic->mutex);
  std::vector<std::optional<BytesView>> payloads(texts.begin(), texts.end());
  const schema::Decoded decoded = TRY(topic->decoder->decode(payloads, nullptr));
  Taken taken;
  std::vector<uint32_t> rows = complete_rows(*topic, decoded, texts.size(), taken);
  const schema::Encoded encoded = TRY(encode(*topic, decoded, rows, taken));
  taken.accepted = rows.size();
  std::vector<bool> doubles(rows.size(), false);
  std::unordered_set<EventId, HashId> ids;
  Bytes id_bytes;
  if (topic->id && !numbered) {  // a numbering producer cannot repeat itself
    const std::lock_guard seen_lock(mutex_);
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto text = id_text(*decoded.columns[*topic->id], rows[i]);
      if (!text) continue;  // nothing tells it from another: it is kept
      const EventId id = id_of(name, *text);
      doubles[i] = seen_->contains(id) || !ids.insert(id).second;
      if (doubles[i]) continue;
      put_fixed(id_bytes, id.high);
      put_fixed(id_bytes, id.low);
    }
  }
  const auto parts = records_of(*topic, decoded, rows, encoded, doubles);
  std::vector<log::Appending> appendings;
  for (int32_t p = 0; p < topic->partitions; ++p) {
    if (!parts[static_cast<size_t>(p)].empty())
      appendings.push_back({{name, p}, parts[static_cast<size_t>(p)]});
  }
  if (appendings.empty() && !numbered) return count(std::move(taken));
  const Timestamp now = clock_.now();
  const log::RecordView id_record{.value = id_bytes, .time = now};
  if (!id_bytes.empty()) appendings.push_back({{kEventIdsTopic, 0}, {&id_record, 1}});
  auto producer = TRY(log_.producer({.id = numbered ? numbered->producer : std::string()}));
  TRY(producer->append_all(appendings, numbered ? numbered->sequence : -1));
  const std::lock_guard seen_lock(mutex_);
  for (const EventId& id : ids) seen_->add(id, now.ms);
  return count(std::move(taken));
}

}  // namespace tradewind::ingest
