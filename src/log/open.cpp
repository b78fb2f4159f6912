#include "log/open.h"

#include <charconv>

namespace tradewind::log {
namespace {

// What is wrong with HOST:PORT, where something is. An address of version 6 stands in brackets.
std::optional<std::string> fault_of(std::string_view broker) {
  if (broker.empty()) return "a broker is missing between the commas";
  const std::string quoted = "'" + std::string(broker) + "'";
  if (broker.find("://") != std::string_view::npos)
    return quoted + " begins with a protocol, which log.kafka.security.protocol says; write HOST:PORT";
  if (broker.find_first_of(" \t/@") != std::string_view::npos)
    return quoted + " holds a character that no host has; write HOST:PORT";
  const bool bracketed = broker.starts_with('[');
  const size_t bracket = broker.find(']');
  if (bracketed && bracket == std::string_view::npos) return quoted + " lacks the ] of its address";
  const size_t colon = bracketed ? bracket + 1 : broker.find(':');
  if (!bracketed && broker.find(':') != broker.rfind(':'))
    return quoted + " has several colons; write an address of IPv6 in brackets, such as [::1]:9092";
  const std::string_view host = bracketed ? broker.substr(1, bracket - 1) : broker.substr(0, colon);
  if (host.empty()) return quoted + " names no host; write HOST:PORT";
  if (colon >= broker.size()) return quoted + " names no port; Kafka's usual one is 9092";
  const std::string_view port = broker.substr(colon + 1);
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool whole = broker[colon] == ':' && end == port.data() + port.size();
  if (!whole || error != std::errc() || number < 1 || number > 65535)
    return quoted + " has no port behind its host: ports are numbers from 1 to 65535";
  return std::nullopt;
}

}  // namespace

Result<std::string> kafka_servers(const std::string& which) {
  constexpr std::string_view kKafka = "kafka:";
  if (!which.starts_with(kKafka) || which.size() == kKafka.size())
    return Error{Code::invalid,
                 "the log is 'embedded' or 'kafka:HOST:PORT[,HOST:PORT]...', not '" + which + "'"};
  const std::string servers = which.substr(kKafka.size());
  for (size_t from = 0; from <= servers.size();) {
    const size_t to = std::min(servers.find(',', from), servers.size());
    if (const auto fault = fault_of(std::string_view(servers).substr(from, to - from)))
      return Error{Code::invalid, "the log at '" + which + "': " + *fault};
    from = to + 1;
  }
  return servers;
}

Result<std::unique_ptr<WatchedLog>> open_log(const std::string& which, const EmbeddedOptions& embedded,
                                             KafkaOptions kafka) {
  if (which == "embedded") return std::unique_ptr<WatchedLog>(TRY(open_embedded(embedded)));
  kafka.servers = TRY(kafka_servers(which));
  return open_kafka(kafka);
}

}  // namespace tradewind::log
