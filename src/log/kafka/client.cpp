#include "log/kafka/client.h"

#include <librdkafka/rdkafka.h>

#include "base/coding.h"

namespace tradewind::log::kafka {
namespace {

// What does not hang on who is asking.
Properties usual_properties(const KafkaOptions& options, ClientKind kind) {
  Properties all{{"bootstrap.servers", options.servers}, {"client.id", options.instance},
                 {"socket.nagle.disable", "true"},       {"socket.keepalive.enable", "true"},
                 {"reconnect.backoff.ms", "50"},         {"reconnect.backoff.max.ms", "1000"},
                 {"log.connection.close", "false"}};
  if (kind == ClientKind::producer) {
    all.insert(all.end(), {{"message.max.bytes", std::to_string(kMostKafkaRecord + (64 << 10))},
                           {"queue.buffering.max.messages", "10000000"},
                           {"queue.buffering.max.kbytes", "262144"},
                           {"batch.size", "1048576"},
                           {"compression.codec", options.compression},
                           {"message.timeout.ms", std::to_string(options.patience.count())},
                           {"enable.idempotence", "true"}});
  }
  return all;
}

void on_error(rd_kafka_t*, int, const char* reason, void* client) {
  static_cast<Client*>(client)->note_trouble(reason);
}

void on_log(const rd_kafka_t* handle, int level, const char*, const char* text) {
  if (level <= 3) static_cast<Client*>(rd_kafka_opaque(handle))->note_trouble(text);
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* slot = static_cast<Deliveries::Slot*>(message->_private);
  slot->all->arrived(*slot, message->err, message->offset);
}

Code code_of(rd_kafka_resp_err_t code) {
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH: return Code::fenced;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return Code::not_found;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return Code::invalid;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return Code::conflict;
    default: return Code::unavailable;
  }
}

std::string remedy_of(rd_kafka_resp_err_t code) {
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "; allow this user Read, Write, Create, Delete and DescribeConfigs on the topic";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: return "; allow this user Read on the group";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "; allow this user Create and IdempotentWrite on the cluster";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "; allow this user Write on transactional ids that begin with log.kafka.instance";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return "; raise max.message.bytes of the topic, or make the record smaller";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return "; the cluster has fewer brokers than copies are asked for";
    default: return "";
  }
}

}  // namespace

Result<std::shared_ptr<Client>> Client::make(const KafkaOptions& options, ClientKind kind,
                                             const Properties& properties) {
  std::shared_ptr<Client> client(new Client(options));
  char why[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  Properties all = usual_properties(options, kind);
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK) continue;
    rd_kafka_conf_destroy(conf);
    return Error{Code::invalid, "Kafka's client refuses " + name + ": " + why};
  }
  rd_kafka_conf_set_opaque(conf, client.get());
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_log_cb(conf, on_log);
  if (kind == ClientKind::producer) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  const auto type = kind == ClientKind::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client->handle_ = rd_kafka_new(type, conf, why, sizeof why);
  if (client->handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return Error{Code::invalid, std::string("Kafka's client cannot be made: ") + why};
  }
  return client;
}

Client::~Client() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic.handle);
  if (handle_ != nullptr) rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

rd_kafka_topic_s* Client::topic(const std::string& name, int64_t generation) {
  rd_kafka_topic_t* topic = nullptr;
  {
    const std::lock_guard lock(mutex_);
    Topic& known = topics_[name];
    if (known.handle == nullptr) known.handle = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
    if (known.handle == nullptr) {
      topics_.erase(name);
      return nullptr;
    }
    if (known.generation == generation) return known.handle;
    known.generation = generation;
    topic = known.handle;
  }
  // Else the first record would wait up to a second for librdkafka's own look at it.
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(handle_, 0, topic, &metadata, patience_ms()) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_metadata_destroy(metadata);
  }
  return topic;
}

void Client::serve(Duration wait) {
  rd_kafka_poll(handle_, static_cast<int>(wait.count()));
}

int Client::fatal() const {
  char text[256];
  return rd_kafka_fatal_error(handle_, text, sizeof text);
}

void Client::note_trouble(const std::string& text) {
  const std::lock_guard lock(mutex_);
  trouble_ = text;
}

Error Client::error(int number, const std::string& doing) const {
  const auto code = static_cast<rd_kafka_resp_err_t>(number);
  std::string text = doing + ": " + rd_kafka_err2str(code);
  const Code kind = code_of(code);
  if (kind == Code::unavailable) {
    text += " (Kafka at " + options_.servers;
    const std::lock_guard lock(mutex_);
    if (!trouble_.empty()) text += "; last trouble: " + trouble_;
    text += "); check that the brokers run and can be reached";
  }
  return {kind, text + remedy_of(code)};
}

void Deliveries::expect(size_t records) {
  const std::lock_guard lock(mutex_);
  left_ += records;
}

void Deliveries::arrived(Slot& slot, int code, Offset offset) {
  const std::lock_guard lock(mutex_);
  if (--left_ == 0) answered_.notify_all();
  if (code != 0) {
    if (failure_ == 0) failure_ = code;
    return;
  }
  if (slot.first < 0 || offset < slot.first) slot.first = offset;
  slot.last = std::max(slot.last, offset);
}

bool Deliveries::done() const {
  const std::lock_guard lock(mutex_);
  return left_ == 0;
}

void Deliveries::wait() {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [&] { return left_ == 0; });
}

int Deliveries::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Deliveries::fail(int code) {
  const std::lock_guard lock(mutex_);
  --left_;
  if (failure_ == 0) failure_ = code;
}

namespace {

rd_kafka_headers_t* headers_of(const RecordView& record) {
  const bool odd_time = record.time.ms <= 0;
  if (record.header_count == 0 && !odd_time) return nullptr;
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.header_count + 1);
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const HeaderView& header = record.headers[i];
    const char* value = !header.value ? nullptr : header.value->empty() ? "" : header.value->data();
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()), value,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  if (odd_time) {
    Bytes time;
    put_big64(time, static_cast<uint64_t>(record.time.ms));
    rd_kafka_header_add(headers, kTimeHeader.data(), static_cast<ssize_t>(kTimeHeader.size()), time.data(),
                        static_cast<ssize_t>(time.size()));
  }
  return headers;
}

// librdkafka tells null from empty by the pointer.
void* pointer_to(const std::optional<BytesView>& bytes) {
  if (!bytes) return nullptr;
  return const_cast<char*>(bytes->empty() ? "" : bytes->data());
}

}  // namespace

int produce(Client& client, rd_kafka_topic_s* topic, int32_t partition, const RecordView& record, bool copied,
            Deliveries::Slot& slot) {
  rd_kafka_headers_t* headers = headers_of(record);
  const int64_t time_ms = std::max<int64_t>(record.time.ms, 1);
  const int flags = copied ? RD_KAFKA_MSG_F_COPY : 0;
  const size_t key_size = record.key ? record.key->size() : 0;
  const size_t value_size = record.value ? record.value->size() : 0;
  slot.all->expect(1);
  while (true) {
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (headers == nullptr) {
      code = rd_kafka_producev(client.handle(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                               RD_KAFKA_V_MSGFLAGS(flags), RD_KAFKA_V_KEY(pointer_to(record.key), key_size),
                               RD_KAFKA_V_VALUE(pointer_to(record.value), value_size),
                               RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_OPAQUE(&slot), RD_KAFKA_V_END);
    } else {
      code = rd_kafka_producev(client.handle(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                               RD_KAFKA_V_MSGFLAGS(flags), RD_KAFKA_V_KEY(pointer_to(record.key), key_size),
                               RD_KAFKA_V_VALUE(pointer_to(record.value), value_size),
                               RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_HEADERS(headers),
                               RD_KAFKA_V_OPAQUE(&slot), RD_KAFKA_V_END);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {  // records of before leave it, or time out
      client.serve(Duration(10));
      continue;
    }
    if (headers != nullptr) rd_kafka_headers_destroy(headers);
    slot.all->fail(code);
    return code;
  }
}

}  // namespace tradewind::log::kafka
