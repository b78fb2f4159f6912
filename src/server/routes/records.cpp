// Records in, in the formats of their topic; and records out as they come, from any place of a topic.
#include <algorithm>
#include <cstdlib>

#include "engine/record_text.h"
#include "engine/record_writer.h"
#include "server/routes/events.h"
#include "server/routes/places.h"
#include "server/routes/topics.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

constexpr size_t kRecordsAtOnce = 2000;
constexpr Duration kLook{200};

net::Response refuse(const Error& error) {
  net::Response response = error_answer(status_of(error.code), error.message);
  if (response.status == 503) response.headers["Retry-After"] = "1";
  return response;
}

Error unknown(const std::string& topic) {
  return {Code::not_found, "no topic is called " + topic + "; `tradewind topics` lists them"};
}

std::string text_at(const net::Request& request, const char* name, const char* otherwise = "") {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : found->second;
}

bool asked(const net::Request& request, const char* name) {
  return request.query.contains(name) && text_at(request, name) != "false";
}

net::Response write(const net::Request& request, engine::RecordWriter& writer) {
  const auto body = parse_json(request.body);
  if (!body.ok()) return refuse(body.error());
  const std::string& topic = request.captures.at("topic");
  engine::RecordWriter::Options options{.raw = asked(request, "raw"),
                                        .until_bad = asked(request, "until_bad")};
  const auto numbered = numbered_in(request);
  if (!numbered.ok()) return refuse(numbered.error());
  if (*numbered) {
    options.producer = (*numbered)->producer;
    options.sequence = (*numbered)->sequence;
  }
  const bool many = body->is(Json::Kind::array);
  const auto taken = writer.write(topic, many ? body->elements() : std::vector<Json>{*body}, options);
  if (!taken.ok()) return refuse(taken.error().code == Code::not_found ? unknown(topic) : taken.error());
  net::Response response;
  response.status = taken->accepted == 0 && !taken->rejected.empty() ? 400 : 202;
  JsonWriter json(response.body);
  json.begin_object();
  json.key("accepted");
  json.number(static_cast<int64_t>(taken->accepted));
  json.key("rejected");
  json.begin_array();
  for (const auto& rejected : taken->rejected) {
    json.begin_object();
    json.key("index");
    json.number(static_cast<int64_t>(rejected.index));
    json.key("error");
    json.string(rejected.error);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return response;
}

// The records of a topic from some places on, as lines.
class Tail {
 public:
  Tail(log::TopicSpec topic, log::Log& log, schema::Registry& registry)
      : topic_(std::move(topic)), log_(log), text_(registry, engine::RecordText::Form::exact) {}

  Result<> open(const net::Request& request) {
    std::optional<int32_t> partition;
    if (request.query.contains("partition"))
      partition = TRY(partition_from(text_at(request, "partition"), topic_));
    next_ = TRY(places_of(log_, topic_, partition, text_at(request, "from", "latest")));
    const std::string until = text_at(request, "until");
    if (!until.empty()) until_ = TRY(places_of(log_, topic_, partition, until == "end" ? "latest" : until));
    consumer_ = TRY(log_.consumer(log::Visibility::durable));
    for (const auto& [position, offset] : next_)
      if (!done(position)) TRY(consumer_->assign(position, offset));
    return {};
  }

  void pump(const net::WritePiece& write) {
    while (true) {
      if (finished()) {
        write(last_line());
        return;
      }
      const auto more = lines();
      if (!more.ok()) {
        write("{\"error\":" + Json::string(more.error().message).dump() + "}\n");
        return;
      }
      if (!write(*more)) return;
    }
  }

 private:
  bool done(const log::Position& position) const {
    return until_ && next_.at(position) >= until_->at(position);
  }
  bool finished() const {
    return until_ && std::ranges::all_of(next_, [&](const auto& place) { return done(place.first); });
  }

  // What came, within a moment.
  Result<std::string> lines() {
    std::string out;
    const auto batches = TRY(consumer_->poll(kLook, kRecordsAtOnce));
    for (const log::FetchedBatch& batch : batches) {
      for (const log::RecordView& record : batch.records) {
        if (until_ && record.offset >= until_->at(batch.position)) break;
        append(batch.position.partition, record, out);
      }
      next_[batch.position] = batch.next;
      if (done(batch.position)) consumer_->unassign(batch.position);
    }
    if (batches.empty()) TRY(skip_what_went());
    return out;
  }

  // Records that expire while they are waited for never come.
  Result<> skip_what_went() {
    for (auto& [position, next] : next_)
      next = std::max(next, TRY(log_.bounds(position, log::Visibility::durable)).begin);
    return {};
  }

  void append(int32_t partition, const log::RecordView& record, std::string& out) {
    out += "{\"partition\":" + std::to_string(partition) + ",\"offset\":" + std::to_string(record.offset) +
           ",\"timestamp\":" + std::to_string(record.time.ms);
    append_part("key", text_.of(record.key), out);
    append_part("value", text_.of(record.value), out);
    if (record.header_count > 0) append_headers(record, out);
    out += "}\n";
  }

  static void append_part(const char* name, const engine::RecordText::Shown& shown, std::string& out) {
    out += ",\"" + std::string(name) + "\":";
    if (shown.format.empty())
      out += "null";
    else if (shown.is_json() || shown.format == "KAFKA_INT" || shown.format == "KAFKA_BIGINT")
      out += shown.text;
    else
      append_json_string(out, shown.text);
  }

  static void append_headers(const log::RecordView& record, std::string& out) {
    out += ",\"headers\":[";
    for (uint32_t i = 0; i < record.header_count; ++i) {
      out += i == 0 ? "{\"key\":" : ",{\"key\":";
      append_json_string(out, record.headers[i].name);
      out += ",\"value\":";
      if (record.headers[i].value)
        append_json_string(out, *record.headers[i].value);
      else
        out += "null";
      out += "}";
    }
    out += "]";
  }

  std::string last_line() const {
    std::string line = "{\"end\":{";
    for (const auto& [position, next] : next_)
      line += (line.back() == '{' ? "\"" : ",\"") + std::to_string(position.partition) +
              "\":" + std::to_string(next);
    return line + "}}\n";
  }

  log::TopicSpec topic_;
  log::Log& log_;
  engine::RecordText text_;
  std::unique_ptr<log::Consumer> consumer_;
  log::Offsets next_;
  std::optional<log::Offsets> until_;
};

net::Response tail(const net::Request& request, log::Log& log, schema::Registry& registry) {
  const std::string& name = request.captures.at("topic");
  const auto topic = log.topic(name);
  if (!topic.ok()) return refuse(unknown(name));
  const auto opened = std::make_shared<Tail>(*topic, log, registry);
  if (const auto done = opened->open(request); !done.ok()) return refuse(done.error());
  net::Response response;
  response.content_type = "application/x-ndjson";
  response.stream = [opened](const net::WritePiece& write) { opened->pump(write); };
  return response;
}

// What a place is called in offsets: {"0":12,"1":3}.
net::Response places(const net::Request& request, log::Log& log) {
  const std::string& name = request.captures.at("topic");
  const auto topic = log.topic(name);
  if (!topic.ok()) return refuse(unknown(name));
  std::optional<int32_t> partition;
  if (request.query.contains("partition")) {
    const auto one = partition_from(text_at(request, "partition"), *topic);
    if (!one.ok()) return refuse(one.error());
    partition = *one;
  }
  const auto found = places_of(log, *topic, partition, text_at(request, "at", "latest"));
  if (!found.ok()) return refuse(found.error());
  net::Response response;
  for (const auto& [position, offset] : *found)
    response.body += (response.body.empty() ? "{\"" : ",\"") + std::to_string(position.partition) +
                     "\":" + std::to_string(offset);
  response.body += "}";
  return response;
}

}  // namespace

void declare_record_routes(net::HttpServer& http, log::Log& log, schema::Registry& registry, Clock& clock) {
  const auto writer = std::make_shared<engine::RecordWriter>(log, registry, clock);
  http.route("POST", "/v1/topics/{topic}/records",
             [writer](const net::Request& request) { return write(request, *writer); });
  http.route("GET", "/v1/topics/{topic}/places",
             [&log](const net::Request& request) { return places(request, log); });
  http.route("GET", "/v1/topics/{topic}/tail",
             [&log, &registry](const net::Request& request) { return tail(request, log, registry); });
}

}  // namespace tradewind::server
