#include "log/topic_admin.h"

namespace tradewind::log {
namespace {

class OpenedTopics final : public TopicAdmin {
 public:
  explicit OpenedTopics(WatchedLog& log) : log_(log) {}

  Result<std::vector<FoundTopic>> topics() override {
    std::vector<FoundTopic> found;
    for (TopicSpec& spec : TRY(log_.topics())) found.push_back({.spec = std::move(spec)});
    return found;
  }
  Result<> create(const TopicSpec& spec) override { return log_.create_topic(spec); }
  Result<> alter(const TopicSpec& spec) override { return log_.admin().alter_topic(spec); }
  Result<> grow(const std::string& topic, int32_t) override {
    return Error{Code::unsupported, "topic " + topic + " keeps its partitions: our own log cannot add any"};
  }
  Result<> set_min_insync(const std::string& topic, int) override {
    return Error{Code::unsupported, "topic " + topic + " has no copies: our own log has one of everything"};
  }
  int brokers() const override { return 1; }

 private:
  WatchedLog& log_;
};

}  // namespace

std::unique_ptr<TopicAdmin> topic_admin_of(WatchedLog& log) {
  return std::make_unique<OpenedTopics>(log);
}

}  // namespace tradewind::log
