#pragma once
// One request to the brokers and its one answer.

#include <functional>
#include <memory>
#include <string>

#include "log/kafka/client.h"

struct rd_kafka_op_s;
struct rd_kafka_queue_s;
struct rd_kafka_AdminOptions_s;
struct rd_kafka_topic_partition_list_s;

namespace tradewind::log::kafka {

struct AnswerGone {
  void operator()(rd_kafka_op_s* event) const;
};
using Answer = std::unique_ptr<rd_kafka_op_s, AnswerGone>;

struct PartitionsGone {
  void operator()(rd_kafka_topic_partition_list_s* list) const;
};
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_s, PartitionsGone>;

// `send` puts the request, with its options, on its way to the queue; `kind` is librdkafka's name of it.
// `doing` is for the error.
Result<Answer> ask(Client& client, int kind, const std::string& doing,
                   const std::function<void(rd_kafka_AdminOptions_s*, rd_kafka_queue_s*)>& send);

// No broker answered: `code` is librdkafka's.
bool unanswered(int code);

// These places as librdkafka takes them.
Partitions list_of(const Offsets& offsets);

}  // namespace tradewind::log::kafka
