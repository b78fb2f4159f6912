#include "log/open.h"

namespace tradewind::log {

Result<std::unique_ptr<WatchedLog>> open_log(const std::string& which, const EmbeddedOptions& embedded,
                                             KafkaOptions kafka) {
  if (which == "embedded") return std::unique_ptr<WatchedLog>(TRY(open_embedded(embedded)));
  constexpr std::string_view kKafka = "kafka:";
  if (!which.starts_with(kKafka) || which.size() == kKafka.size())
    return Error{Code::invalid,
                 "the log is 'embedded' or 'kafka:HOST:PORT[,HOST:PORT]...', not '" + which + "'"};
  kafka.servers = which.substr(kKafka.size());
  return open_kafka(kafka);
}

}  // namespace tradewind::log
