#include "log/kafka/client.h"

#include <librdkafka/rdkafka.h>

#include <cstdio>

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

// How connections end is also told in lines that are no errors to librdkafka.
void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  if (level <= 3 || std::string_view(facility) == "FAIL")
    static_cast<Client*>(rd_kafka_opaque(handle))->note_trouble(text);
}

// 1: believed. Called for each certificate of the chain, with what OpenSSL found wrong with it.
int on_certificate(rd_kafka_t*, const char* broker, int32_t, int* found, int, const char* der, size_t size,
                   char* why, size_t why_size, void* client) {
  if (*found == 0) return 1;
  const std::string name = broker;
  const std::string where = name.substr(0, name.find('/'));
  Trouble trouble = trouble_of_certificate(*found, where, certificate_names({der, size}));
  std::snprintf(why, why_size, "%s", trouble.detail.c_str());
  static_cast<Client*>(client)->note_trouble(std::move(trouble));
  return 0;
}

void on_token_wanted(rd_kafka_t*, const char*, void* client) {
  static_cast<Client*>(client)->renew_token();
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* client) {
  if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    static_cast<Client*>(client)->note_denied(rd_kafka_topic_name(message->rkt));
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
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return "; raise max.message.bytes of the topic, or make the record smaller";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return "; the cluster has fewer brokers than copies are asked for";
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
      return "; set message.timestamp.before.max.ms and message.timestamp.after.max.ms of the topic so that "
             "they let the record's time in, or set the clock of this machine";
    default: return "";
  }
}

}  // namespace

Result<std::shared_ptr<Client>> Client::make(const KafkaOptions& options, ClientKind kind,
                                             const Properties& properties) {
  std::shared_ptr<Client> client(new Client(options, kind));
  char why[512] = "";
  Properties all = usual_properties(options, kind);
  const Properties identity = TRY(identity_properties(options.security));
  all.insert(all.end(), identity.begin(), identity.end());
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK) continue;
    rd_kafka_conf_destroy(conf);
    return Error{Code::invalid, "Kafka's client refuses " + name + ": " + why};
  }
  rd_kafka_conf_set_opaque(conf, client.get());
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_log_cb(conf, on_log);
  if (options.security.has_tls()) rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
  if (options.security.has_tokens()) {
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, on_token_wanted);
    rd_kafka_conf_enable_sasl_queue(conf,
                                    1);  // asked for by a thread of the client's, whoever waits for what
  }
  if (kind == ClientKind::producer) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  const auto type = kind == ClientKind::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  client->handle_ = rd_kafka_new(type, conf, why, sizeof why);
  if (client->handle_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return refused_property(options.security, why);
  }
  if (options.security.has_tokens()) {
    TRY(give_token(client->handle_, options));
    rd_kafka_error_t* refused = rd_kafka_sasl_background_callbacks_enable(client->handle_);
    if (refused != nullptr)
      rd_kafka_error_destroy(refused);  // there is such a thread, or tokens are not renewed
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

// Who asks after somebody has waited in vain need not wait as long: in a line of requests the last would be
// told after many patiences.
Duration Client::patience() const {
  constexpr Duration kMoment(1'500);
  return silent_ ? std::min(options_.patience, kMoment) : options_.patience;
}

void Client::heard(bool answered) {
  silent_ = !answered;
}

void Client::serve(Duration wait) {
  rd_kafka_poll(handle_, static_cast<int>(wait.count()));
}

int Client::fatal() const {
  char text[256];
  return rd_kafka_fatal_error(handle_, text, sizeof text);
}

void Client::note_trouble(const std::string& text) {
  Trouble trouble = trouble_of(text);
  const std::lock_guard lock(mutex_);
  last_words_ = text;
  if (trouble.kind == TroubleKind::none || (answered_ && by_hanging_up(trouble))) return;
  // The certificate itself was judged before librdkafka told of it, and told more.
  const bool known = trouble.kind == TroubleKind::untrusted && trouble_.where == trouble.where &&
                     (trouble_.kind == TroubleKind::wrong_name || trouble_.kind == TroubleKind::untrusted ||
                      trouble_.kind == TroubleKind::out_of_date);
  trouble_ns_ = options_.clock->monotonic_ns();
  if (!known) trouble_ = std::move(trouble);
}

void Client::note_trouble(Trouble trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
  trouble_ns_ = options_.clock->monotonic_ns();
}

void Client::note_answer() {
  const std::lock_guard lock(mutex_);
  answered_ = true;
  trouble_ = {};
  last_words_.clear();
}

void Client::note_denied(const std::string& topic) {
  const std::lock_guard lock(mutex_);
  denied_topic_ = topic;
}

void Client::renew_token() {
  const auto given = give_token(handle_, options_);
  if (given.ok()) return;
  rd_kafka_oauthbearer_set_token_failure(handle_, given.error().message.c_str());
  note_trouble(Trouble{.kind = TroubleKind::token_missing, .detail = given.error().message});
}

bool Client::hopeless() const {
  const std::lock_guard lock(mutex_);
  return lasting(trouble_);
}

std::optional<Right> Client::right_for(int code) const {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: {
      const std::lock_guard lock(mutex_);
      return Right{kind_ == ClientKind::producer ? "Write" : "Read", "topic", denied_topic_};
    }
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: return Right{"Read", "group", ""};
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return Right{"IdempotentWrite", "cluster", ""};
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return Right{"Write", "transactional ids that begin with", options_.instance};
    default: return std::nullopt;
  }
}

Error Client::error(int number, const std::string& doing, const Right* right) const {
  constexpr int64_t kFreshNs = 60'000'000'000;  // librdkafka tells the same trouble again after half of that
  const auto code = static_cast<rd_kafka_resp_err_t>(number);
  const Code kind = code_of(code);
  if (const auto missing = right_for(number)) {
    return {kind, doing + ": " + explained(right == nullptr ? *missing : *right, options_) + " (" +
                      rd_kafka_err2str(code) + ")"};
  }
  std::string text = doing + ": ";
  const std::string remedy = remedy_of(code);
  if (kind != Code::unavailable || !remedy.empty()) return {kind, text + rd_kafka_err2str(code) + remedy};
  const std::lock_guard lock(mutex_);
  if (trouble_.kind != TroubleKind::none && options_.clock->monotonic_ns() - trouble_ns_ < kFreshNs)
    return {kind, text + explained(trouble_, options_)};
  text += std::string(rd_kafka_err2str(code)) + " (Kafka at " + options_.servers;
  if (!last_words_.empty()) text += "; last trouble: " + last_words_;
  return {kind, text + "); check that the brokers run and can be reached"};
}

void Deliveries::expect(size_t records) {
  const std::lock_guard lock(mutex_);
  left_ += records;
}

void Deliveries::arrived(Slot& slot, int code, Offset offset) {
  const std::lock_guard lock(mutex_);
  --left_;
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
