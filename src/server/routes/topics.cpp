// Topics: which there are and how far they go; and their records, newest first, a page at a time.
#include "server/routes/topics.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include "engine/record_text.h"
#include "engine/record_writer.h"
#include "server/routes/places.h"
#include "server/server.h"

namespace tradewind::server {
namespace {

constexpr int64_t kPage = 100;
constexpr int64_t kMostOnAPage = 1000;

// The records of one partition below `before`, oldest first: what a page may take from its end.
struct Below {
  log::Offset begin = 0;   // the first record still there
  log::Offset from = 0;    // the first that was looked at
  log::Offset before = 0;  // where the page goes on downwards
  bool awaited = false;    // not all of it has been read
  std::deque<log::RecordView> records;
};

void append_topic(const log::TopicSpec& spec, log::WatchedLog& log, std::string& out) {
  std::vector<log::Offset> begins;
  std::vector<log::Offset> ends;
  int64_t records = 0;
  std::optional<int64_t> bytes = 0;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    const auto bounds = log.bounds({spec.name, p}, log::Visibility::durable);
    const auto size = log.admin().bytes({spec.name, p});
    const bool unknown = !size.ok() && size.error().code == Code::unsupported;  // the brokers' to know
    if (!bounds.ok() || !(size.ok() || unknown)) return;                        // deleted meanwhile
    bytes = unknown || !bytes ? std::nullopt : std::optional(*bytes + *size);
    begins.push_back(bounds->begin);
    ends.push_back(bounds->end);
    records += bounds->end - bounds->begin;
  }
  out += out.size() > 1 ? ",{\"name\":" : "{\"name\":";
  append_json_string(out, spec.name);
  out += ",\"partitions\":" + std::to_string(spec.partitions) + ",\"records\":" + std::to_string(records) +
         ",\"begins\":[" + offsets_text(begins) + "],\"ends\":[" + offsets_text(ends) + "],\"cleanup\":\"" +
         log::name_of(spec.cleanup) + "\",\"retention_ms\":" + std::to_string(spec.retention.count()) +
         ",\"bytes\":" + (bytes ? std::to_string(*bytes) : "null") +
         ",\"internal\":" + (engine::is_internal(spec.name) ? "true" : "false") + "}";
}

net::Response topics(log::WatchedLog& log) {
  const auto specs = log.topics();
  if (!specs.ok()) return error_answer(status_of(specs.error().code), specs.error().message);
  net::Response response;
  response.body = "[";
  for (const log::TopicSpec& spec : *specs) append_topic(spec, log, response.body);
  response.body += "]";
  return response;
}

Result<std::vector<Below>> places(const log::TopicSpec& spec, const std::string* before, int64_t limit,
                                  log::Log& log) {
  std::optional<std::vector<log::Offset>> asked;
  if (before != nullptr) {
    asked = read_offsets(*before, spec.partitions);
    if (!asked) {
      return Error{Code::invalid, "before=" + *before + " is not one offset for each of " +
                                      std::to_string(spec.partitions) +
                                      " partitions; take `next` of the page above"};
    }
  }
  std::vector<Below> found;
  for (int32_t p = 0; p < spec.partitions; ++p) {
    const auto bounds = TRY(log.bounds({spec.name, p}, log::Visibility::durable));
    Below below;
    below.begin = bounds.begin;
    below.before =
        asked ? std::clamp((*asked)[static_cast<size_t>(p)], bounds.begin, bounds.end) : bounds.end;
    below.from = std::max(bounds.begin, below.before - limit);
    found.push_back(std::move(below));
  }
  return found;
}

// Fills `places` with the records from `from` to `before`; what comes back keeps their bytes.
Result<std::vector<log::FetchedBatch>> fetch(const std::string& topic, std::vector<Below>& places,
                                             log::Log& log) {
  auto consumer = TRY(log.consumer(log::Visibility::durable));
  for (size_t p = 0; p < places.size(); ++p) {
    if (places[p].from == places[p].before) continue;
    TRY(consumer->assign({topic, static_cast<int32_t>(p)}, places[p].from));
    places[p].awaited = true;
  }
  std::vector<log::FetchedBatch> fetched;
  while (std::ranges::any_of(places, [](const Below& below) { return below.awaited; })) {
    auto batches = TRY(consumer->poll(Duration(0), kMostOnAPage));
    if (batches.empty()) break;
    for (log::FetchedBatch& batch : batches) {
      Below& below = places[static_cast<size_t>(batch.position.partition)];
      for (const log::RecordView& record : batch.records)
        if (record.offset < below.before) below.records.push_back(record);
      if (batch.next >= below.before) {
        consumer->unassign(batch.position);
        below.awaited = false;
      }
      fetched.push_back(std::move(batch));
    }
  }
  return fetched;
}

// The partition whose newest record is the newest of all. Nothing: the page ends here, because what another
// partition has further down is not known yet, or because there is no more.
std::optional<size_t> newest(const std::vector<Below>& places) {
  std::optional<size_t> found;
  for (size_t p = 0; p < places.size(); ++p) {
    if (places[p].records.empty()) {
      if (places[p].from > places[p].begin) return std::nullopt;
      continue;
    }
    if (!found || places[*found].records.back().time < places[p].records.back().time) found = p;
  }
  return found;
}

void append_text(const char* name, const engine::RecordText::Shown& shown, std::string& out) {
  out += ",\"" + std::string(name) + "Format\":";
  append_json_string(out, shown.format);
  out += ",\"" + std::string(name) + "\":";
  if (shown.format.empty())
    out += "null";
  else if (shown.is_json())
    out += shown.text;
  else
    append_json_string(out, shown.text);
}

std::string page(std::vector<Below>& places, int64_t limit, schema::Registry& registry) {
  engine::RecordText text(registry);
  std::string out = "{\"records\":[";
  for (int64_t taken = 0; taken < limit; ++taken) {
    const auto from = newest(places);
    if (!from) break;
    const log::RecordView record = places[*from].records.back();
    places[*from].records.pop_back();
    places[*from].before = record.offset;
    out += (taken == 0 ? "{\"partition\":" : ",{\"partition\":") + std::to_string(*from) +
           ",\"offset\":" + std::to_string(record.offset) + ",\"time\":" + std::to_string(record.time.ms);
    append_text("key", text.of(record.key), out);
    append_text("value", text.of(record.value), out);
    out += "}";
  }
  bool more = false;
  std::vector<log::Offset> next;
  for (Below& below : places) {
    if (below.records.empty()) below.before = std::min(below.before, below.from);
    more = more || below.before > below.begin;
    next.push_back(below.before);
  }
  return out + "],\"next\":" + (more ? "\"" + offsets_text(next) + "\"}" : "null}");
}

net::Response records(const net::Request& request, log::Log& log, schema::Registry& registry) {
  const auto refuse = [](const Error& error) { return error_answer(status_of(error.code), error.message); };
  const auto spec = log.topic(request.captures.at("topic"));
  if (!spec.ok())
    return refuse({Code::not_found,
                   "no topic is called " + request.captures.at("topic") + "; GET /v1/topics lists them"});
  int64_t limit = kPage;
  if (const auto given = request.query.find("limit"); given != request.query.end()) {
    const char* end = given->second.data() + given->second.size();
    const auto [read, error] = std::from_chars(given->second.data(), end, limit);
    if (error != std::errc() || read != end || limit < 1 || limit > kMostOnAPage)
      return refuse({Code::invalid, "limit=" + given->second + " is not within 1 and 1000"});
  }
  const auto before = request.query.find("before");
  auto found = places(*spec, before == request.query.end() ? nullptr : &before->second, limit, log);
  if (!found.ok()) return refuse(found.error());
  const auto kept = fetch(spec->name, *found, log);
  if (!kept.ok()) return refuse(kept.error());
  net::Response response;
  response.body = page(*found, limit, registry);
  return response;
}

}  // namespace

void declare_topic_routes(net::HttpServer& http, log::WatchedLog& log, schema::Registry& registry) {
  http.route("GET", "/v1/topics", [&log](const net::Request&) { return topics(log); });
  http.route("GET", "/v1/topics/{topic}/records",
             [&log, &registry](const net::Request& request) { return records(request, log, registry); });
}

}  // namespace tradewind::server
