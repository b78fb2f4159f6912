#include "log/kafka/request.h"

#include <librdkafka/rdkafka.h>

namespace tradewind::log::kafka {
namespace {

struct QueueGone {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};

struct OptionsGone {
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
};

}  // namespace

void AnswerGone::operator()(rd_kafka_op_s* event) const {
  rd_kafka_event_destroy(event);
}

void PartitionsGone::operator()(rd_kafka_topic_partition_list_s* list) const {
  rd_kafka_topic_partition_list_destroy(list);
}

Result<Answer> ask(Client& client, int kind, const std::string& doing,
                   const std::function<void(rd_kafka_AdminOptions_s*, rd_kafka_queue_s*)>& send) {
  const std::unique_ptr<rd_kafka_queue_t, QueueGone> queue(rd_kafka_queue_new(client.handle()));
  const std::unique_ptr<rd_kafka_AdminOptions_t, OptionsGone> options(
      rd_kafka_AdminOptions_new(client.handle(), static_cast<rd_kafka_admin_op_t>(kind)));
  char why[256];
  const int patience_ms = client.patience_ms();
  rd_kafka_AdminOptions_set_request_timeout(options.get(), patience_ms, why, sizeof why);
  send(options.get(), queue.get());
  Answer answer(rd_kafka_queue_poll(queue.get(), patience_ms + 1'000));
  client.serve(Duration(0));
  const auto code = answer == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(answer.get());
  client.heard(!unanswered(code));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return client.error(code, doing);
  return answer;
}

bool unanswered(int code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

Partitions list_of(const Offsets& offsets) {
  Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [position, offset] : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), position.topic.c_str(), position.partition)->offset =
        offset;
  }
  return list;
}

}  // namespace tradewind::log::kafka
