#include "kafka_client.h"

#include <librdkafka/rdkafka.h>

namespace tradewind::bench {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

Result<rd_kafka_t*> make(rd_kafka_type_t type, const Settings& settings,
                         void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*), void* opaque) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256] = "";
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return Error{Code::invalid, "Kafka's client refuses " + name + ": " + why};
    }
  }
  rd_kafka_conf_set_opaque(conf, opaque);
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* handle = rd_kafka_new(type, conf, why, sizeof why);
  if (handle != nullptr) return handle;
  rd_kafka_conf_destroy(conf);
  return Error{Code::invalid, std::string("Kafka's client cannot be made: ") + why};
}

constexpr size_t kMostAtOnce = 1000;

}  // namespace

Result<std::unique_ptr<RecordWriter>> RecordWriter::open(const std::string& servers, Duration linger) {
  std::unique_ptr<RecordWriter> made(new RecordWriter());
  made->handle_ = TRY(make(
      RD_KAFKA_PRODUCER,
      {{"bootstrap.servers", servers},
       {"enable.idempotence", "true"},
       {"compression.codec", "lz4"},
       {"batch.size", "65536"},
       {"linger.ms", std::to_string(linger.count())},
       {"socket.nagle.disable", "true"},
       {"queue.buffering.max.messages", "1000000"},
       {"queue.buffering.max.kbytes", "262144"}},
      [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++static_cast<RecordWriter*>(opaque)->lost_;
      },
      made.get()));
  return made;
}

RecordWriter::~RecordWriter() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  if (handle_ != nullptr) rd_kafka_destroy(handle_);
}

rd_kafka_topic_s* RecordWriter::topic(const std::string& name) {
  for (const auto& [known, topic] : topics_) {
    if (known == name) return topic;
  }
  return topics_.emplace_back(name, rd_kafka_topic_new(handle_, name.c_str(), nullptr)).second;
}

Result<> RecordWriter::add(const std::string& name, int32_t partition, BytesView key, BytesView value,
                           int64_t time_ms) {
  while (true) {
    const auto code =
        rd_kafka_producev(handle_, RD_KAFKA_V_RKT(topic(name)), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                          RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      return Error{Code::unavailable, name + " cannot be written: " + rd_kafka_err2str(code)};
    rd_kafka_poll(handle_, 10);
  }
  rd_kafka_poll(handle_, 0);
  return {};
}

Result<> RecordWriter::finish() {
  const auto code = rd_kafka_flush(handle_, 60'000);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR && lost_ == 0) return {};
  return Error{Code::unavailable, std::to_string(lost_) + " records were not taken by Kafka"};
}

Result<std::unique_ptr<RecordReader>> RecordReader::open(const Options& options) {
  std::unique_ptr<RecordReader> made(new RecordReader());
  made->handle_ =
      TRY(make(RD_KAFKA_CONSUMER,
               {{"bootstrap.servers", options.servers},
                {"isolation.level", options.committed_only ? "read_committed" : "read_uncommitted"},
                {"enable.auto.commit", "false"},
                {"auto.offset.reset", "earliest"},
                {"fetch.wait.max.ms", std::to_string(options.fetch_wait.count())},
                {"socket.nagle.disable", "true"},
                {"fetch.error.backoff.ms", "5"}},
               nullptr, nullptr));
  made->queue_ = rd_kafka_queue_new(made->handle_);
  return made;
}

RecordReader::~RecordReader() {
  for (size_t i = 0; i < topics_.size(); ++i) {
    for (int32_t p = 0; p < partitions_[i]; ++p) rd_kafka_consume_stop(topics_[i], p);
    rd_kafka_topic_destroy(topics_[i]);
  }
  if (queue_ != nullptr) rd_kafka_queue_destroy(queue_);
  if (handle_ != nullptr) rd_kafka_destroy(handle_);
}

Result<> RecordReader::assign(const std::string& name, int32_t partitions) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
  topics_.push_back(topic);
  partitions_.push_back(0);
  for (int32_t p = 0; p < partitions; ++p) {
    if (rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue_) != 0)
      return Error{Code::unavailable, name + " cannot be read: " + rd_kafka_err2str(rd_kafka_last_error())};
    ++partitions_.back();
  }
  return {};
}

Result<size_t> RecordReader::read(Duration wait, const std::function<void(const Read&)>& each) {
  rd_kafka_message_t* messages[kMostAtOnce];
  const ssize_t got =
      rd_kafka_consume_batch_queue(queue_, static_cast<int>(wait.count()), messages, kMostAtOnce);
  size_t records = 0;
  for (ssize_t i = 0; i < got; ++i) {
    const rd_kafka_message_t& message = *messages[i];
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++records;
      each({.topic = rd_kafka_topic_name(message.rkt),
            .partition = message.partition,
            .offset = message.offset,
            .key = BytesView(static_cast<const char*>(message.key), message.key_len),
            .value = BytesView(static_cast<const char*>(message.payload), message.len)});
    }
    rd_kafka_message_destroy(messages[i]);
  }
  return records;
}

Result<size_t> RecordReader::touch(Duration wait, uint64_t& bytes) {
  rd_kafka_message_t* messages[kMostAtOnce];
  const ssize_t got =
      rd_kafka_consume_batch_queue(queue_, static_cast<int>(wait.count()), messages, kMostAtOnce);
  size_t records = 0;
  for (ssize_t i = 0; i < got; ++i) {
    if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR && messages[i]->len > 0) {
      ++records;
      bytes += static_cast<const unsigned char*>(messages[i]->payload)[0] + 1U;
    }
    rd_kafka_message_destroy(messages[i]);
  }
  return records;
}

}  // namespace tradewind::bench
