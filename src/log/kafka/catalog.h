#pragma once
// Catalog: the topics of a cluster, and what is asked of its brokers by one request and one answer.
//
// Threads: shared freely. Errors: not_found, conflict, invalid (the cluster forbids it), unavailable.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/kafka/client.h"
#include "log/kafka/marks.h"
#include "log/log.h"

namespace tradewind::log::kafka {

class Catalog {
 public:
  // unavailable: no broker answers within the options' patience for starts, or it is plain that none will.
  static Result<std::shared_ptr<Catalog>> open(const KafkaOptions& options, std::shared_ptr<Marks> marks);

  Result<> create(const TopicSpec& spec);
  Result<> remove(const std::string& name);
  Result<std::vector<TopicSpec>> topics();
  Result<TopicSpec> topic(const std::string& name);
  // invalid, with the right to grant, when we may not know of the topic; well, also when it is not there.
  Result<> visible(const std::string& name);
  // Until the topic is there, with leaders, or is gone.
  Result<> wait_until(const std::string& name, bool there);
  // The settings of a topic became those.
  void altered(const TopicSpec& spec);
  // not_found, when there is no such partition.
  Result<> check(const Position& position);
  // The same, and it asks the brokers, whatever is known.
  Result<> check_anew(const Position& position);

  Result<Log::Bounds> bounds(const Position& position, Visibility visibility);
  // Of many at once, by one request a broker, without waiting for what this process has just written; those
  // that cannot be told are left out. unavailable: no broker answered within `patience`.
  Result<Offsets> ends(const std::vector<Position>& positions, Duration patience);
  Result<Offsets> begins(const std::vector<Position>& positions, Duration patience);
  // How far what is committed goes at these positions; those that cannot be told are left out.
  Result<Offsets> committed_ends(const std::vector<Position>& positions, Duration patience);
  // Of the topics that are there, all partitions.
  std::vector<Position> partitions_of(const std::set<std::string>& topics) const;
  // Whether any broker answers. unavailable: none did.
  Result<> reach(Duration patience);
  Result<> trim(const Position& position, Offset keep);
  Result<Offsets> group_offsets(const std::string& group);

  // Grows when topics were deleted: where their partitions were is not where they are.
  int64_t generation() const { return generation_; }
  // Brokers that are there.
  int brokers() const { return brokers_; }
  Client& client() { return *asking_; }

 private:
  Catalog(const KafkaOptions& options, std::shared_ptr<Marks> marks)
      : options_(options), marks_(std::move(marks)) {}
  struct Known {
    TopicSpec spec;
    bool described = false;
    bool led = false;  // every partition has a leader
  };
  std::optional<Known> look_up(const std::string& name, bool fresh) const;
  Result<> connect();
  Result<> refresh();
  Result<> refresh(Duration patience);
  Result<> describe();
  Result<> describe_those(const std::vector<std::string>& names);
  Result<Offsets> at_edge(Client& client, int64_t edge, const std::vector<Position>& positions,
                          Duration patience);
  Result<Offset> edge(Client& client, const Position& position, int64_t which);

  const KafkaOptions options_;
  const std::shared_ptr<Marks> marks_;
  std::shared_ptr<Client> asking_;    // sees what is committed
  std::shared_ptr<Client> watching_;  // sees what is written
  std::atomic<int64_t> generation_{0};
  std::atomic<int> brokers_{0};
  std::timed_mutex refreshing_;
  mutable std::mutex mutex_;
  std::map<std::string, Known> known_;
  int64_t refreshed_ns_ = 0;
};

// Kafka's settings of a topic that was declared so.
std::map<std::string, std::string> settings_of(const TopicSpec& spec);

// The topic this log keeps for itself; who uses the log does not see it.
inline constexpr const char* kProducersTopic = "tw.producers";
TopicSpec producers_topic();

}  // namespace tradewind::log::kafka
