#include "log/kafka/trial.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdlib>

#include "log/kafka/request.h"
#include "log/kafka/topic_requests.h"

namespace tradewind::log::kafka {
namespace {

constexpr const char* kOwnTopic = "tw.doctor";

struct MessageGone {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageGone>;

// Of a call that gives an error object or nothing.
Result<> passed(rd_kafka_error_t* failed, Client& client, const std::string& doing) {
  if (failed == nullptr) return {};
  const int code = rd_kafka_error_code(failed);
  rd_kafka_error_destroy(failed);
  client.serve(Duration(0));
  return client.error(client.fatal() != 0 ? client.fatal() : code, doing);
}

Result<std::shared_ptr<Client>> reader(const KafkaOptions& options) {
  return Client::make(options, ClientKind::consumer,
                      {{"isolation.level", "read_committed"},
                       {"enable.partition.eof", "true"},
                       {"enable.auto.commit", "false"},
                       {"fetch.wait.max.ms", "50"}});
}

// The time of the record at `offset`; the reader goes on behind it.
Result<Timestamp> time_of(Client& client, rd_kafka_topic_t* topic, Offset offset, Duration patience,
                          Clock& clock) {
  const std::string doing = std::string("topic ") + kOwnTopic + " cannot be read";
  if (rd_kafka_consume_start(topic, 0, offset) != 0) return client.error(rd_kafka_last_error(), doing);
  const int64_t until = clock.monotonic_ns() + patience.count() * 1'000'000;
  Result<Timestamp> found = client.error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing);
  while (clock.monotonic_ns() < until) {
    const Message message(rd_kafka_consume(topic, 0, 100));
    client.serve(Duration(0));
    if (message == nullptr || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) continue;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      found = client.error(message->err, doing);
    } else {
      rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
      found = Timestamp{rd_kafka_message_timestamp(message.get(), &kind)};
    }
    break;
  }
  rd_kafka_consume_stop(topic, 0);
  return found;
}

Result<Offset> write_one(Client& client, rd_kafka_topic_t* topic, Duration patience) {
  const std::string doing = std::string("topic ") + kOwnTopic + " cannot be written";
  const auto wait_ms = static_cast<int>(patience.count());
  TRY(passed(rd_kafka_begin_transaction(client.handle()), client, doing));
  Deliveries deliveries;
  Deliveries::Slot slot{.all = &deliveries, .position = {kOwnTopic, 0}};
  RecordView record;
  client.note_denied(kOwnTopic);  // the only one that is written
  record.value = "tradewind doctor";
  record.time = {1};
  const int code = produce(client, topic, 0, record, true, slot);
  while (code == 0 && !deliveries.done()) client.serve(Duration(50));
  const int failure = code != 0 ? code : deliveries.failure();
  if (failure == RD_KAFKA_RESP_ERR__PURGE_QUEUE)  // the transaction knows why it let the record go
    TRY(passed(rd_kafka_commit_transaction(client.handle(), wait_ms), client, doing));
  if (failure != 0) return client.error(failure, doing);
  TRY(passed(rd_kafka_commit_transaction(client.handle(), wait_ms), client, doing));
  return slot.first;
}

}  // namespace

Result<> try_transactional_id(const KafkaOptions& options, const std::string& id, Duration patience) {
  const auto client = TRY(Client::make(options, ClientKind::producer, {{"transactional.id", id}}));
  return passed(rd_kafka_init_transactions(client->handle(), static_cast<int>(patience.count())), *client,
                "the transactional id " + id + " cannot be taken");
}

Result<> try_creating(Client& client, const std::string& topic, const KafkaOptions& options) {
  return create_topic(client, {.name = topic, .copies = options.replicas, .only_ask = true});
}

Result<> try_reading(const KafkaOptions& options, const std::string& name, Duration patience) {
  const auto client = TRY(reader(options));
  rd_kafka_topic_t* topic = client->topic(name, 0);
  const std::string doing = "topic " + name + " cannot be read";
  if (topic == nullptr || rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_END) != 0)
    return client->error(rd_kafka_last_error(), doing);
  const Message message(rd_kafka_consume(topic, 0, static_cast<int>(patience.count())));
  client->serve(Duration(0));
  rd_kafka_consume_stop(topic, 0);
  if (message == nullptr) return client->error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing);
  const bool well =
      message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
  return well ? Result<>() : Result<>(client->error(message->err, doing));
}

Result<> try_group(Client& client, const std::string& group) {
  const std::string doing = "group " + group + " cannot be seen";
  const Right right{"Read", "group", group};
  const char* wanted = group.c_str();
  const auto refused = [&](int code) { return client.error(code, doing, &right); };
  const Answer answer = TRY(ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, doing,
                                [&](rd_kafka_AdminOptions_t* how, rd_kafka_queue_t* queue) {
                                  rd_kafka_DescribeConsumerGroups(client.handle(), &wanted, 1, how, queue);
                                }));
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** groups = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(answer.get()), &count);
  if (count != 1) return refused(RD_KAFKA_RESP_ERR__FAIL);
  const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
  // A group that nobody has made yet is none, to some brokers.
  if (error == nullptr || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return {};
  return refused(rd_kafka_error_code(error));
}

Result<Replication> replication_of(Client& client, const std::vector<std::string>& topics,
                                   Duration patience) {
  Replication found;
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto code =
      rd_kafka_metadata(client.handle(), 1, nullptr, &metadata, static_cast<int>(patience.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client.error(code, "the topics cannot be listed");
  std::map<std::string, int> copies;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    const std::string name = topic.topic;
    const bool ours =
        name.starts_with("tw.") || std::find(topics.begin(), topics.end(), name) != topics.end();
    if (!ours || topic.partition_cnt == 0) continue;
    copies[name] = topic.partitions[0].replica_cnt;
    const bool lags = std::any_of(topic.partitions, topic.partitions + topic.partition_cnt,
                                  [](const auto& one) { return one.isr_cnt < one.replica_cnt; });
    if (lags) found.behind.push_back(name);
    if (topic.partitions[0].replica_cnt == 1) found.single.push_back(name);
  }
  rd_kafka_metadata_destroy(metadata);
  std::vector<std::string> names;
  for (const auto& [name, count] : copies) names.push_back(name);
  for (const TopicSettings& one : TRY(settings_of_topics(client, names))) {
    const Right right{"DescribeConfigs", "topic", one.topic};
    if (one.code != 0)
      return client.error(one.code, "the settings of " + one.topic + " cannot be read", &right);
    const auto setting = one.all.find("min.insync.replicas");
    if (setting == one.all.end()) continue;
    const int least = std::atoi(setting->second.c_str());
    if (least > copies[one.topic]) found.strict.push_back(one.topic);
    if (least == 1 && copies[one.topic] > 1) found.lax.push_back(one.topic);
  }
  return found;
}

Result<Written> write_and_read(const KafkaOptions& options, Catalog& catalog, Duration patience) {
  if (!catalog.topic(kOwnTopic).ok()) {
    TRY(create_topic(catalog.client(), {.name = kOwnTopic,
                                        .copies = options.replicas,
                                        .settings = {{"message.timestamp.type", "LogAppendTime"}}}));
  }
  TRY(catalog.wait_until(kOwnTopic, true));
  const auto writer =
      TRY(Client::make(options, ClientKind::producer, {{"transactional.id", options.instance + ".doctor"}}));
  TRY(passed(rd_kafka_init_transactions(writer->handle(), static_cast<int>(patience.count())), *writer,
             "the transactional id " + options.instance + ".doctor cannot be taken"));
  rd_kafka_topic_t* to = writer->topic(kOwnTopic, 0);
  Clock& clock = *options.clock;
  const Timestamp before = clock.now();
  const int64_t began = clock.monotonic_ns();
  const Offset offset = TRY(write_one(*writer, to, patience));
  const int64_t committed = clock.monotonic_ns();
  const Timestamp after = clock.now();
  const auto client = TRY(reader(options));
  const Timestamp given = TRY(time_of(*client, client->topic(kOwnTopic, 0), offset, patience, clock));
  Written written{.commit = Duration((committed - began) / 1'000'000),
                  .round = Duration((clock.monotonic_ns() - began) / 1'000'000)};
  // The broker gave the time somewhere between the two: only what lies outside is a difference.
  if (given > after) written.clock_ahead = given - after;
  if (given < before) written.clock_ahead = given - before;
  TRY(catalog.remove(kOwnTopic));
  return written;
}

}  // namespace tradewind::log::kafka
