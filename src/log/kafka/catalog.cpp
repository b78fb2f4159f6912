#include "log/kafka/catalog.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "log/kafka/request.h"
#include "log/kafka/topic_requests.h"

namespace tradewind::log::kafka {
namespace {

constexpr int64_t kFreshNs = 5'000'000'000;  // other processes may make and delete topics
constexpr Duration kPause(10);
constexpr Duration kOneTry(1'500);  // of a leader, before it is asked who leads now

Error no_topic(const std::string& name) {
  return {Code::not_found, "no topic is called " + name};
}

void take_settings(TopicSpec& spec, const std::map<std::string, std::string>& settings) {
  const auto value = [&](const char* name) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
  };
  if (const std::string ms = value("retention.ms"); !ms.empty())
    spec.retention = Duration(std::atoll(ms.c_str()));
  if (const std::string bytes = value("retention.bytes"); !bytes.empty())
    spec.retention_bytes = std::atoll(bytes.c_str());
  const std::string cleanup = value("cleanup.policy");
  spec.cleanup = Cleanup::remove;
  if (cleanup.find("compact") == std::string::npos) return;
  const bool removes = cleanup.find("delete") != std::string::npos &&
                       (spec.retention.count() >= 0 || spec.retention_bytes >= 0);
  spec.cleanup = removes ? Cleanup::compact_and_remove : Cleanup::compact;
}

// The brokers' own.
bool hidden(const std::string& name) {
  return name.starts_with("__");
}

// The partition has just been made, or gets another leader.
bool moving(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

// Who leads what now. The client asks by itself only every five minutes as long as it fetches nothing, and
// else goes on asking a leader that is gone. Whether anybody answered.
bool look_anew(Client& client, int most_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client.handle(), 1, nullptr, &metadata, most_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return false;
  rd_kafka_metadata_destroy(metadata);
  return true;
}

}  // namespace

// A compacted topic may be trimmed too, which Kafka lets only those be that are deleted from as well: it is
// one, and keeps its records for ever.
std::map<std::string, std::string> settings_of(const TopicSpec& spec) {
  const bool compacted = spec.cleanup == Cleanup::compact;
  const int64_t retention_ms = compacted ? -1 : std::max<int64_t>(spec.retention.count(), -1);
  return {{"cleanup.policy", spec.cleanup == Cleanup::remove ? "delete" : "compact,delete"},
          {"retention.ms", std::to_string(retention_ms)},
          {"retention.bytes", std::to_string(compacted ? -1 : spec.retention_bytes)},
          {"max.message.bytes", std::to_string(kMostKafkaRecord)}};
}

TopicSpec producers_topic() {
  return {.name = kProducersTopic, .cleanup = Cleanup::compact, .retention = Duration(-1)};
}

Result<std::shared_ptr<Catalog>> Catalog::open(const KafkaOptions& options, std::shared_ptr<Marks> marks) {
  std::shared_ptr<Catalog> catalog(new Catalog(options, std::move(marks)));
  // A connection that ends at once is how brokers answer who speaks another protocol.
  const Properties committed{{"isolation.level", "read_committed"}, {"log.connection.close", "true"}};
  const Properties written{{"isolation.level", "read_uncommitted"}};
  catalog->asking_ = TRY(Client::make(options, ClientKind::consumer, committed));
  catalog->watching_ = TRY(Client::make(options, ClientKind::consumer, written));
  TRY(catalog->connect());
  return catalog;
}

// librdkafka tries for ever: here a start ends.
Result<> Catalog::connect() {
  constexpr int64_t kSureNs = 2'000'000'000;  // brokers that start up may say odd things
  const int64_t began = options_.clock->monotonic_ns();
  while (true) {
    const int64_t gone = options_.clock->monotonic_ns() - began;
    const Duration left = options_.start_patience - Duration(gone / 1'000'000);
    const auto done = refresh(std::clamp(left, Duration(1), Duration(1'000)));
    if (done.ok()) asking_->note_answer();
    if (done.ok() || done.error().code != Code::unavailable) return done;
    if (left <= Duration(0) || (gone > kSureNs && asking_->hopeless())) return done;
    options_.clock->sleep(kPause);
  }
}

// Who is there, and how many partitions each topic has. Settings are looked up when somebody asks for them.
Result<> Catalog::refresh() {
  const Duration patience = asking_->patience();
  const auto done = refresh(patience);
  const bool silent = !done.ok() && done.error().code == Code::unavailable;
  asking_->heard(!silent);
  return done;
}

Result<> Catalog::refresh(Duration patience) {
  const int64_t until = options_.clock->monotonic_ns() + patience.count() * 1'000'000;
  const std::unique_lock one(refreshing_, patience);
  const int64_t left_ms = (until - options_.clock->monotonic_ns()) / 1'000'000;
  if (!one.owns_lock() || left_ms <= 0)
    return asking_->error(RD_KAFKA_RESP_ERR__TIMED_OUT, "Kafka does not answer");
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code = rd_kafka_metadata(asking_->handle(), 1, nullptr, &metadata, static_cast<int>(left_ms));
  asking_->serve(Duration(0));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return asking_->error(code, "Kafka does not answer");
  brokers_ = metadata->broker_cnt;
  std::map<std::string, Known> found;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR && topic.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
      continue;
    Known known;
    if (const auto at = known_.find(topic.topic); at != known_.end()) known = at->second;
    known.spec.name = topic.topic;
    known.spec.partitions = topic.partition_cnt;
    known.led = topic.partition_cnt > 0;
    for (int p = 0; p < topic.partition_cnt; ++p) {
      known.led = known.led && topic.partitions[p].leader >= 0;
      known.spec.replicas = static_cast<int16_t>(topic.partitions[p].replica_cnt);
    }
    found[topic.topic] = std::move(known);
  }
  for (const auto& [name, known] : known_) {
    if (found.contains(name)) continue;
    ++generation_;
    marks_->forget(name);
  }
  known_ = std::move(found);
  refreshed_ns_ = options_.clock->monotonic_ns();
  rd_kafka_metadata_destroy(metadata);
  return {};
}

Result<> Catalog::describe() {
  constexpr size_t kMostAtOnce = 200;
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, known] : known_) {
      if (!known.described && !hidden(name)) names.push_back(name);
    }
  }
  for (size_t from = 0; from < names.size(); from += kMostAtOnce) {
    const auto end = names.begin() + static_cast<ptrdiff_t>(std::min(names.size(), from + kMostAtOnce));
    TRY(describe_those({names.begin() + static_cast<ptrdiff_t>(from), end}));
  }
  return {};
}

Result<> Catalog::describe_those(const std::vector<std::string>& names) {
  const std::vector<TopicSettings> found = TRY(settings_of_topics(*asking_, names));
  const std::lock_guard lock(mutex_);
  for (const TopicSettings& one : found) {
    const auto at = known_.find(one.topic);
    if (at == known_.end() || one.code != 0)
      continue;  // deleted meanwhile, or not ours to read: its settings are taken for the usual ones
    take_settings(at->second.spec, one.all);
    at->second.described = true;
  }
  return {};
}

Result<std::vector<TopicSpec>> Catalog::topics() {
  TRY(refresh());
  TRY(describe());
  std::vector<TopicSpec> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, known] : known_) {
    if (!hidden(name)) all.push_back(known.spec);
  }
  return all;
}

std::optional<Catalog::Known> Catalog::look_up(const std::string& name, bool fresh) const {
  const std::lock_guard lock(mutex_);
  const auto at = known_.find(name);
  if (at == known_.end() || hidden(name)) return std::nullopt;
  if (fresh && options_.clock->monotonic_ns() - refreshed_ns_ > kFreshNs) return std::nullopt;
  return at->second;
}

Result<TopicSpec> Catalog::topic(const std::string& name) {
  std::optional<Known> known = look_up(name, true);
  if (!known) {
    // While no broker answers, what is known stands; and not everybody waits for one in turn.
    known = look_up(name, false);
    if (known && known->described && asking_->silent()) return known->spec;
    const auto refreshed = refresh();
    if (!refreshed.ok() && !(known && known->described)) return refreshed.error();
    known = look_up(name, false);
  }
  if (known && !known->described) {
    TRY(describe());
    known = look_up(name, false);
  }
  if (!known) return no_topic(name);
  return known->spec;
}

Result<> Catalog::check(const Position& position) {
  const Error missing{Code::not_found,
                      "no partition " + std::to_string(position.partition) + " of a topic " + position.topic};
  for (int round = 0; round < 2; ++round) {
    {
      const std::lock_guard lock(mutex_);
      const auto at = known_.find(position.topic);
      if (at != known_.end() && position.partition >= 0 && position.partition < at->second.spec.partitions)
        return {};
    }
    if (round == 0) TRY(refresh());
  }
  return missing;
}

Result<> Catalog::check_anew(const Position& position) {
  TRY(refresh());
  return check(position);
}

Result<> Catalog::create(const TopicSpec& spec) {
  TRY(check_topic_name(spec.name));
  if (spec.partitions < 1)
    return Error{Code::invalid, "topic " + spec.name + " needs at least one partition"};
  const auto alike = [&]() -> std::optional<Result<>> {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(spec.name);
    if (at == known_.end()) return std::nullopt;
    if (at->second.spec.partitions == spec.partitions) return Result<>();
    return Result<>(Error{Code::conflict, "topic " + spec.name + " exists with " +
                                              std::to_string(at->second.spec.partitions) + " partitions"});
  };
  TRY(refresh());
  if (const auto known = alike()) return *known;
  TRY(create_topic(*asking_, {.name = spec.name,
                              .partitions = spec.partitions,
                              .copies = spec.replicas > 1 ? spec.replicas : options_.replicas,
                              .settings = settings_of(spec)}));
  TRY(visible(spec.name));
  TRY(wait_until(spec.name, true));
  return alike().value_or(no_topic(spec.name));
}

// A topic we may not know of is left out where all are listed.
Result<> Catalog::visible(const std::string& name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(asking_->handle(), name.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  auto code = rd_kafka_metadata(asking_->handle(), 0, topic, &metadata, asking_->patience_ms());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (metadata->topic_cnt == 1) code = metadata->topics[0].err;
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_topic_destroy(topic);
  if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) return {};
  const Right right{"Describe", "topic", name};
  return asking_->error(code, "topic " + name + " cannot be seen", &right);
}

void Catalog::altered(const TopicSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (const auto at = known_.find(spec.name); at != known_.end()) at->second.spec = spec;
}

Result<> Catalog::wait_until(const std::string& name, bool there) {
  const int64_t until = options_.clock->monotonic_ns() + options_.patience.count() * 1'000'000;
  while (true) {
    TRY(refresh());
    {
      const std::lock_guard lock(mutex_);
      const auto at = known_.find(name);
      if (there ? at != known_.end() && at->second.led : at == known_.end()) return {};
    }
    if (options_.clock->monotonic_ns() > until) {
      return Error{Code::unavailable,
                   "topic " + name + (there ? " has no leaders yet" : " is still there") + "; try again"};
    }
    options_.clock->sleep(kPause);
  }
}

Result<> Catalog::remove(const std::string& name) {
  TRY(topic(name));
  TRY(delete_topic(*asking_, name));
  return wait_until(name, false);
}

// One end of a partition. By times, which librdkafka ends when `patience` does: what it has for both ends
// goes on for as long as a connection may be silent.
Result<Offset> Catalog::edge(Client& client, const Position& position, int64_t which) {
  const int64_t until = options_.clock->monotonic_ns() + asking_->patience().count() * 1'000'000;
  const auto one_try_ms = [&] {  // half of what is left: the other is for who leads now
    const int64_t left_ms = (until - options_.clock->monotonic_ns()) / 1'000'000;
    return static_cast<int>(std::clamp<int64_t>(left_ms / 2, 1, kOneTry.count()));
  };
  const Partitions list = list_of({{position, which}});
  rd_kafka_topic_partition_t& place = list->elems[0];
  bool heard = false;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  while (true) {
    place.offset = which;
    place.err = RD_KAFKA_RESP_ERR_NO_ERROR;
    code = rd_kafka_offsets_for_times(client.handle(), list.get(), one_try_ms());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = place.err;
    client.serve(Duration(0));
    if (!(moving(code) || unanswered(code)) || options_.clock->monotonic_ns() > until) break;
    heard = look_anew(client, one_try_ms());
    options_.clock->sleep(kPause);
  }
  // That a partition is not known proves nothing when nobody was there to be asked.
  if (!heard && moving(code)) code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  asking_->heard(heard || !unanswered(code));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Offset{place.offset};
  const Right right{"Describe", "topic", position.topic};
  return client.error(code,
                      "the bounds of " + position.topic + " partition " + std::to_string(position.partition) +
                          " cannot be read",
                      &right);
}

// What this process has committed shows a moment later, when the brokers have marked it: that is waited for.
Result<Log::Bounds> Catalog::bounds(const Position& position, Visibility visibility) {
  constexpr int64_t kMarkedWithinNs = 1'000'000'000;
  TRY(check(position));
  Client& client = visibility == Visibility::written ? *watching_ : *asking_;
  const int64_t until = options_.clock->monotonic_ns() + kMarkedWithinNs;
  Log::Bounds bounds;
  while (true) {
    bounds.end = TRY(edge(client, position, RD_KAFKA_OFFSET_END));
    if (bounds.end >= marks_->of(position).end || options_.clock->monotonic_ns() > until) break;
    options_.clock->sleep(Duration(1));
  }
  bounds.begin = TRY(edge(client, position, RD_KAFKA_OFFSET_BEGINNING));
  bounds.end = std::max(bounds.end, bounds.begin);
  return bounds;
}

Result<Offsets> Catalog::ends(const std::vector<Position>& positions, Duration patience) {
  return at_edge(*watching_, RD_KAFKA_OFFSET_END, positions, patience);
}

Result<Offsets> Catalog::begins(const std::vector<Position>& positions, Duration patience) {
  return at_edge(*watching_, RD_KAFKA_OFFSET_BEGINNING, positions, patience);
}

Result<Offsets> Catalog::committed_ends(const std::vector<Position>& positions, Duration patience) {
  return at_edge(*asking_, RD_KAFKA_OFFSET_END, positions, patience);
}

std::vector<Position> Catalog::partitions_of(const std::set<std::string>& topics) const {
  std::vector<Position> all;
  const std::lock_guard lock(mutex_);
  for (const std::string& topic : topics) {
    const auto at = known_.find(topic);
    for (int32_t p = 0; at != known_.end() && p < at->second.spec.partitions; ++p) all.push_back({topic, p});
  }
  return all;
}

// The edges of a partition are asked for as times of their own.
Result<Offsets> Catalog::at_edge(Client& client, int64_t edge, const std::vector<Position>& positions,
                                 Duration patience) {
  Offsets wanted;
  for (const Position& position : positions) {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(position.topic);
    if (at != known_.end() && position.partition < at->second.spec.partitions) wanted[position] = edge;
  }
  Offsets found;
  if (wanted.empty()) return found;
  const Partitions list = list_of(wanted);
  const auto code =
      rd_kafka_offsets_for_times(client.handle(), list.get(), static_cast<int>(patience.count()));
  client.serve(Duration(0));
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    if (one.err == RD_KAFKA_RESP_ERR_NO_ERROR && one.offset >= 0)
      found[{one.topic, one.partition}] = one.offset;
  }
  if (found.size() < wanted.size()) (void)look_anew(client, static_cast<int>(patience.count()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || !found.empty()) return found;
  Error error = client.error(code, "the ends of topics cannot be read");
  // They are known here: it is their leaders that are not, and that passes.
  if (error.code == Code::not_found) error.code = Code::unavailable;
  return error;
}

Result<> Catalog::reach(Duration patience) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code =
      rd_kafka_metadata(watching_->handle(), 0, nullptr, &metadata, static_cast<int>(patience.count()));
  watching_->serve(Duration(0));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return watching_->error(code, "no broker answers");
  rd_kafka_metadata_destroy(metadata);
  return {};
}

Result<> Catalog::trim(const Position& position, Offset keep) {
  const Log::Bounds there = TRY(bounds(position, Visibility::written));
  if (keep <= there.begin) return {};
  keep = std::min(keep, there.end);
  const Partitions wanted = list_of({{position, keep}});
  rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(wanted.get());
  const std::string doing = position.topic + " cannot be trimmed";
  auto asked = ask(*asking_, RD_KAFKA_ADMIN_OP_DELETERECORDS, doing,
                   [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteRecords(asking_->handle(), &records, 1, options, queue);
                   });
  rd_kafka_DeleteRecords_destroy(records);
  const Answer event = TRY(std::move(asked));
  const rd_kafka_topic_partition_list_t* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  const Right right{"Delete", "topic", position.topic};
  for (int i = 0; i < results->cnt; ++i) {
    const auto code = results->elems[i].err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Error error = asking_->error(code, doing, &right);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
      error.message += ": " + grant_command(right, options_);
    return error;
  }
  marks_->trimmed(position, keep);
  return {};
}

Result<Offsets> Catalog::group_offsets(const std::string& group) {
  rd_kafka_ListConsumerGroupOffsets_t* wanted = rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr);
  const std::string doing = "the offsets of group " + group + " cannot be read";
  auto asked = ask(*asking_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, doing,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_error_t* refused = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
                     if (refused != nullptr) rd_kafka_error_destroy(refused);
                     rd_kafka_ListConsumerGroupOffsets(asking_->handle(), &wanted, 1, options, queue);
                   });
  rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
  const Answer event = TRY(std::move(asked));
  size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  Offsets offsets;
  for (size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[i])) {
      const Right right{"Describe", "group", group};
      return asking_->error(rd_kafka_error_code(error), doing, &right);
    }
    const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(groups[i]);
    for (int p = 0; list != nullptr && p < list->cnt; ++p) {
      if (list->elems[p].offset < 0) continue;
      offsets[{list->elems[p].topic, list->elems[p].partition}] = list->elems[p].offset;
    }
  }
  return offsets;
}

}  // namespace tradewind::log::kafka
