#include "log/checkup.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <set>

#include "log/kafka/catalog.h"
#include "log/kafka/request.h"
#include "log/kafka/tokens.h"
#include "log/kafka/trial.h"
#include "log/kafka/wire.h"

namespace tradewind::log {
namespace kafka {
namespace {

constexpr Duration kAnswer(8'000);  // a request of the checkup
constexpr Duration kPause(200);     // before what may pass by itself is asked again
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kSoonDays = 21;

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= list.size();) {
    const size_t end = std::min(list.find(',', from), list.size());
    parts.push_back(list.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

class Checkup {
 public:
  Checkup(KafkaOptions options, const KafkaNeeds& needs, const Tell& tell)
      : options_(std::move(options)), needs_(needs), tell_(tell) {}

  void run() {
    if (!settings() || !reach() || !tokens() || !log_in()) return;
    cluster();
    transactional_id();
    for (const std::string& topic : needs_.topics) look_at(topic);
    replication();
    group();
    if (needs_.try_writing) {
      try_writing();
    } else {
      tell(Grade::untried, "writing", "whether records may be written was not tried",
           "--write makes the topic tw.doctor, writes, reads and deletes it");
    }
    clock();
  }

 private:
  void tell(Grade grade, std::string check, std::string found, std::string remedy = "") {
    tell_({grade, std::move(check), std::move(found), std::move(remedy)});
  }
  bool failed(const std::string& check, const Error& error) {
    std::string found = error.message;
    const std::string elsewhere = "grant it (tradewind doctor prints the commands)";
    if (const size_t at = found.find(elsewhere); at != std::string::npos)
      found.replace(at, elsewhere.size(), "grant it as below");
    tell(Grade::wrong, check, found);
    return false;
  }

  bool settings() {
    const auto fit = options_.security.check();
    if (!fit.ok()) return failed("settings", fit.error());
    std::string how = name_of(options_.security.protocol);
    if (options_.security.has_sasl()) how += std::string(" with ") + name_of(options_.security.mechanism);
    tell(Grade::well, "settings", how + ", librdkafka " + rd_kafka_version_str());
    for (const std::string& note : options_.notes()) tell(Grade::doubtful, "settings", note);
    return true;
  }

  // The first broker that can be reached is looked at closely; that one is enough to go on.
  bool reach() {
    std::vector<std::string> reached;
    for (const std::string& server : parts_of(options_.servers)) {
      if (reach(server)) reached.push_back(server);
    }
    return !reached.empty() && look_closely(reached.front());
  }

  bool reach(const std::string& server) {
    const auto parts = host_and_port(server);
    if (!parts.ok()) return failed("address", parts.error());
    const auto addresses = addresses_of(parts->first, parts->second);
    if (!addresses.ok())
      return failed("name " + parts->first, {Code::invalid, addresses.error().message + "; mend log.at"});
    tell(Grade::well, "name " + parts->first, joined(*addresses));
    const auto wire = Wire::connect(server, options_, {});
    if (!wire.ok()) return failed("port " + server, wire.error());
    tell(Grade::well, "port " + server, "somebody listens");
    return true;
  }

  bool look_closely(const std::string& server) {
    const auto wire = Wire::connect(server, options_, {});
    if (!wire.ok()) return failed("port " + server, wire.error());
    if (options_.security.has_tls()) {
      const auto shown = (*wire)->secure();
      if (!shown.ok()) return failed("TLS", shown.error());
      const int64_t days = (shown->expires - options_.clock->now()).count() / kDayMs;
      tell(days < kSoonDays ? Grade::doubtful : Grade::well, "TLS",
           shown->protocol + ", a certificate for " + shown->names + " by " + shown->issuer + ", good for " +
               std::to_string(days) + " days",
           days < kSoonDays ? "have it renewed" : "");
    }
    const auto features = (*wire)->features();
    if (!features.ok()) return failed("protocol", features.error());
    return judge(*features);
  }

  bool judge(const BrokerFeatures& features) {
    constexpr int kFetch = 1;
    const auto fetch = features.apis.find(kFetch);
    const bool four = fetch != features.apis.end() && fetch->second.first >= 4;
    std::string text = four ? "Kafka 4 or later" : "Kafka before 4";
    for (const auto& [name, level] : features.features) text += ", " + name + " " + std::to_string(level);
    const std::pair<int, const char*> needed[] = {
        {22, "InitProducerId"}, {24, "AddPartitionsToTxn"}, {26, "EndTxn"},       {28, "TxnOffsetCommit"},
        {21, "DeleteRecords"},  {32, "DescribeConfigs"},    {33, "AlterConfigs"}, {19, "CreateTopics"}};
    std::vector<std::string> missing;
    for (const auto& [api, name] : needed) {
      if (!features.has(api)) missing.emplace_back(name);
    }
    if (!missing.empty()) {
      tell(Grade::wrong, "version", text + "; it does not offer " + joined(missing),
           "use Kafka 3.9 or later");
      return false;
    }
    if (four && options_.security.has_scram() && scram_is_too_old()) {
      tell(Grade::wrong, "version",
           text + ", which refuses SCRAM of librdkafka " + rd_kafka_version_str() +
               " though the secret be right",
           "install librdkafka 2.6.1 or later, or set log.kafka.sasl.mechanism to PLAIN or OAUTHBEARER");
      return false;
    }
    tell(Grade::well, "version", text);
    return true;
  }

  bool tokens() {
    if (!options_.security.has_tokens()) return true;
    options_.tokens = std::make_shared<Tokens>(options_.security, *options_.clock);
    const auto token = options_.tokens->get();
    if (!token.ok()) return failed("token", token.error());
    const int64_t seconds = (token->expires - options_.clock->now()).count() / 1'000;
    tell(Grade::well, "token", "for " + token->subject + ", good for " + std::to_string(seconds) + " s");
    return true;
  }

  bool log_in() {
    marks_ = std::make_shared<Marks>(options_.clock->now());
    auto catalog = Catalog::open(options_, marks_);
    if (!catalog.ok()) return failed("login", catalog.error());
    catalog_ = std::move(*catalog);
    tell(Grade::well, "login", "as " + principal_of(options_));
    return true;
  }

  // What clients are told to connect to must be reached from here, too.
  void cluster() {
    rd_kafka_t* handle = catalog_->client().handle();
    char* id = rd_kafka_clusterid(handle, static_cast<int>(kAnswer.count()));
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle, 0, nullptr, &metadata, static_cast<int>(kAnswer.count())) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
      return;
    brokers_ = metadata->broker_cnt;
    std::string text = std::string(id == nullptr ? "it tells no id" : id) + ", " + std::to_string(brokers_) +
                       (brokers_ == 1 ? " broker" : " brokers");
    if (id != nullptr) rd_kafka_mem_free(handle, id);
    tell(Grade::well, "cluster", text);
    for (int i = 0; i < metadata->broker_cnt; ++i) {
      const std::string at =
          std::string(metadata->brokers[i].host) + ":" + std::to_string(metadata->brokers[i].port);
      const auto wire = Wire::connect(at, options_, {});
      if (wire.ok()) continue;
      tell(Grade::wrong, "broker " + std::to_string(metadata->brokers[i].id), wire.error().message,
           "advertised.listeners of the broker must name what is reached from here");
    }
    rd_kafka_metadata_destroy(metadata);
  }

  void transactional_id() {
    const std::string id = options_.instance + ".doctor";
    const auto taken = try_transactional_id(options_, id, kAnswer);
    if (!taken.ok()) return (void)failed("transactional id", taken.error());
    tell(Grade::well, "transactional id", id + " can be taken");
  }

  void look_at(const std::string& topic) {
    const std::string check = "topic " + topic;
    const auto there = catalog_->visible(topic);
    if (!there.ok()) return (void)failed(check, there.error());
    if (!catalog_->topic(topic).ok()) {
      const auto may = try_creating(catalog_->client(), topic, options_);
      if (!may.ok()) return (void)failed(check, may.error());
      return tell(Grade::well, check, "is not there yet, and can be made");
    }
    const auto read = try_reading(options_, topic, kAnswer);
    if (!read.ok()) return (void)failed(check, read.error());
    tell(Grade::well, check, "is there and can be read");
  }

  void replication() {
    const auto found = replication_of(catalog_->client(), needs_.topics, kAnswer);
    if (!found.ok()) return (void)failed("replication", found.error());
    if (!found->behind.empty()) {
      tell(Grade::doubtful, "replication", "copies lag behind or are away: " + joined(found->behind),
           "look after the brokers that hold them");
    }
    if (brokers_ > 1 && !found->single.empty()) {
      tell(Grade::doubtful, "replication", "one copy only: " + joined(found->single),
           "one broker's disk is all there is; add copies (kafka-reassign-partitions.sh), and set "
           "log.kafka.replicas to 3 for later ones");
    }
    if (!found->strict.empty()) {
      tell(Grade::wrong, "replication",
           "min.insync.replicas is more than there are copies: " + joined(found->strict),
           "nothing can be written there; lower it, or add copies");
    }
    if (!found->lax.empty()) {
      tell(Grade::doubtful, "replication", "min.insync.replicas is 1: " + joined(found->lax),
           "what one broker alone has acknowledged can be lost with it; set it to 2");
    }
    if (found->behind.empty() && found->strict.empty() && found->lax.empty() &&
        (brokers_ == 1 || found->single.empty())) {
      tell(Grade::well, "replication",
           brokers_ == 1 ? "one broker, which is all there is to lose" : "as many copies as asked for");
    }
  }

  void group() {
    auto seen = try_group(catalog_->client(), needs_.group);
    // The first question about a group makes a new cluster create the topic of groups.
    for (int64_t until = options_.clock->monotonic_ns() + kAnswer.count() * 1'000'000;
         !seen.ok() && seen.error().code == Code::unavailable && options_.clock->monotonic_ns() < until;) {
      options_.clock->sleep(kPause);
      seen = try_group(catalog_->client(), needs_.group);
    }
    if (!seen.ok()) return (void)failed("group " + needs_.group, seen.error());
    tell(Grade::well, "group " + needs_.group, "can be seen");
  }

  void try_writing() {
    const auto done = write_and_read(options_, *catalog_, kAnswer);
    if (!done.ok()) return (void)failed("writing", done.error());
    tell(Grade::well, "writing",
         "a transaction was written in " + std::to_string(done->commit.count()) + " ms and read after " +
             std::to_string(done->round.count()) + " ms; tw.doctor is deleted again");
    ahead_ = done->clock_ahead;
    measured_ = "by the time the broker gave a record";
  }

  void clock() {
    if (!measured_ && options_.tokens != nullptr) {
      ahead_ = options_.tokens->clock_ahead();
      measured_ = "by the token endpoint's Date, to a second";
    }
    if (!measured_)
      return tell(Grade::untried, "clock", "brokers tell the time only of what is written",
                  "--write measures it");
    const int64_t off = std::abs(ahead_.count());
    tell(off > 2'000 ? Grade::doubtful : Grade::well, "clock",
         "theirs is " + std::to_string(off) + " ms " + (ahead_.count() < 0 ? "behind" : "ahead of") +
             " ours, " + *measured_,
         off > 2'000 ? "let both machines keep time by NTP" : "");
  }

  KafkaOptions options_;
  const KafkaNeeds& needs_;
  const Tell& tell_;
  std::shared_ptr<Marks> marks_;
  std::shared_ptr<Catalog> catalog_;
  int brokers_ = 0;
  Duration ahead_{0};
  std::optional<std::string> measured_;
};

}  // namespace
}  // namespace kafka

void examine_kafka(const KafkaOptions& options, const KafkaNeeds& needs, const Tell& tell) {
  static SystemClock real_clock;
  KafkaOptions given = options;
  if (given.clock == nullptr) given.clock = &real_clock;
  given.start_patience = std::min(given.start_patience, kafka::kAnswer);
  given.patience = std::min(given.patience, kafka::kAnswer);
  kafka::Checkup(std::move(given), needs, tell).run();
}

namespace {

constexpr const char* kTopicRights[] = {"Create", "Describe",        "Read",        "Write",
                                        "Delete", "DescribeConfigs", "AlterConfigs"};

// Topics of "tw." are granted together.
std::vector<std::string> named_topics(const KafkaNeeds& needs) {
  std::vector<std::string> names;
  for (const std::string& topic : needs.topics) {
    if (!topic.starts_with("tw.")) names.push_back(topic);
  }
  return names;
}

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

}  // namespace

std::vector<std::string> kafka_acl_commands(const KafkaOptions& options, const KafkaNeeds& needs) {
  const std::string head = "kafka-acls.sh --bootstrap-server " + options.servers +
                           " --command-config admin.properties --add --allow-principal " +
                           quoted(kafka::principal_of(options));
  std::string rights;
  for (const char* right : kTopicRights) rights += std::string(" --operation ") + right;
  std::string topics;
  for (const std::string& topic : named_topics(needs)) topics += " --topic " + quoted(topic);
  return {head + rights + " --topic tw. --resource-pattern-type prefixed", head + rights + topics,
          head + " --operation Write --operation Describe --transactional-id " + quoted(options.instance) +
              " --resource-pattern-type prefixed",
          head + " --operation Read --group " + quoted(needs.group)};
}

std::vector<std::string> confluent_acl_commands(const KafkaOptions& options, const KafkaNeeds& needs) {
  const std::string head = "confluent kafka acl create --allow --service-account SERVICE_ACCOUNT";
  const std::string rights = " --operations create,describe,read,write,delete,describe-configs,alter-configs";
  std::vector<std::string> commands{head + rights + " --topic tw. --prefix"};
  for (const std::string& topic : named_topics(needs))
    commands.push_back(head + rights + " --topic " + quoted(topic));
  commands.push_back(head + " --operations write,describe --transactional-id " + quoted(options.instance) +
                     " --prefix");
  commands.push_back(head + " --operations read --consumer-group " + quoted(needs.group));
  return commands;
}

}  // namespace tradewind::log
