#include "log/open.h"

namespace tradewind::log {
namespace {

using testing::HasSubstr;

std::string fault_of(const std::string& which) {
  const auto servers = kafka_servers(which);
  return servers.ok() ? "none: " + *servers : servers.error().message;
}

TEST(KafkaServers, AreHostsWithPorts) {
  EXPECT_EQ(fault_of("kafka:broker1:9092"), "none: broker1:9092");
  EXPECT_EQ(fault_of("kafka:a:1,b.example.org:65535"), "none: a:1,b.example.org:65535");
  EXPECT_EQ(fault_of("kafka:[::1]:9092,127.0.0.1:9093"), "none: [::1]:9092,127.0.0.1:9093");
}

TEST(KafkaServers, SayWhichBrokerHasWhatWrong) {
  EXPECT_THAT(fault_of("elsewhere"), HasSubstr("'embedded' or 'kafka:HOST:PORT"));
  EXPECT_THAT(fault_of("kafka:"), HasSubstr("'embedded' or 'kafka:HOST:PORT"));
  EXPECT_THAT(fault_of("kafka:127.0.0.1:99999"),
              HasSubstr("'127.0.0.1:99999' has no port behind its host: ports are numbers from 1 to 65535"));
  EXPECT_THAT(fault_of("kafka:a:9092,b:99999"), HasSubstr("'b:99999' has no port"));
  for (const char* port : {"0", "-1", "x", "9092x", ""})
    EXPECT_THAT(fault_of("kafka:a:" + std::string(port)), HasSubstr("from 1 to 65535")) << port;
  EXPECT_THAT(fault_of("kafka:foo"), HasSubstr("'foo' names no port; Kafka's usual one is 9092"));
  EXPECT_THAT(fault_of("kafka:[::1]"), HasSubstr("names no port; Kafka's usual one is 9092"));
  EXPECT_THAT(fault_of("kafka:[::1]9092"), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(fault_of("kafka:[::1:9092"), HasSubstr("lacks the ]"));
  EXPECT_THAT(fault_of("kafka:::1:9092"), HasSubstr("in brackets"));
  EXPECT_THAT(fault_of("kafka::9092"), HasSubstr("names no host"));
  EXPECT_THAT(fault_of("kafka:a:1,,b:2"), HasSubstr("missing between the commas"));
  EXPECT_THAT(fault_of("kafka:a:1,"), HasSubstr("missing between the commas"));
  EXPECT_THAT(fault_of("kafka:SSL://a:9093"), HasSubstr("log.kafka.security.protocol"));
  EXPECT_THAT(fault_of("kafka:a b:9092"), HasSubstr("no host has"));
}

}  // namespace
}  // namespace tradewind::log
