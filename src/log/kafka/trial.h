#pragma once
// Trials: whether brokers let us do a thing, found by doing as little of it as can be.
//
// Threads: one. Errors: invalid with the right to grant, or unavailable.

#include <string>
#include <vector>

#include "log/kafka/catalog.h"
#include "log/kafka/client.h"

namespace tradewind::log::kafka {

// Takes the id, which ends a transaction that somebody has open under it.
Result<> try_transactional_id(const KafkaOptions& options, const std::string& id, Duration patience);
// Asks whether it could be made, without making it.
Result<> try_creating(Client& client, const std::string& topic, const KafkaOptions& options);
// Asks for what comes next in its first partition.
Result<> try_reading(const KafkaOptions& options, const std::string& topic, Duration patience);

// Asks for its members. Its places are not asked for: librdkafka 2.0.2 crashes where no group was looked
// after yet.
Result<> try_group(Client& client, const std::string& group);

struct Replication {
  std::vector<std::string> behind;  // topics with copies that are not in sync
  std::vector<std::string> single;  // with one copy
  std::vector<std::string> strict;  // that ask for more copies in sync than there are
  std::vector<std::string> lax;     // of several copies, acknowledged by one
};
// Of these topics, as far as they are there.
Result<Replication> replication_of(Client& client, const std::vector<std::string>& topics, Duration patience);

struct Written {
  Duration commit{0};
  Duration round{0};        // until it was read
  Duration clock_ahead{0};  // of the broker's clock before ours
};
// Makes tw.doctor, writes one record in a transaction, reads it and deletes the topic.
Result<Written> write_and_read(const KafkaOptions& options, Catalog& catalog, Duration patience);

}  // namespace tradewind::log::kafka
