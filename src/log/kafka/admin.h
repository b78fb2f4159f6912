#pragma once
// KafkaAdmin: Admin of a cluster. Bytes on the disk are the brokers' to know: `unsupported`.

#include <memory>

#include "log/admin.h"
#include "log/kafka/catalog.h"

namespace tradewind::log::kafka {

class KafkaAdmin final : public Admin {
 public:
  explicit KafkaAdmin(std::shared_ptr<Catalog> catalog) : catalog_(std::move(catalog)) {}

  Result<> alter_topic(const TopicSpec& spec) override;
  Result<int64_t> bytes(const Position& position) override;
  Result<std::vector<std::string>> groups() override;
  Result<> set_group_offsets(const std::string& group, const Offsets& offsets) override;
  Result<> delete_group(const std::string& group) override;

 private:
  const std::shared_ptr<Catalog> catalog_;
};

}  // namespace tradewind::log::kafka
