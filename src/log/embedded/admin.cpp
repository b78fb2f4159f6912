#include "log/embedded/admin.h"

namespace tradewind::log {

Result<> EmbeddedAdmin::alter_topic(const TopicSpec& spec) {
  uint64_t mark = 0;
  {
    const std::lock_guard lock(core_.mutex);
    const auto found = core_.topics.find(spec.name);
    if (found == core_.topics.end()) return Error{Code::not_found, "no topic is called " + spec.name};
    TopicIndex& topic = *found->second;
    if (topic.spec.partitions != spec.partitions || topic.spec.replicas != spec.replicas) {
      return Error{Code::conflict, "topic " + spec.name + " keeps its " +
                                       std::to_string(topic.spec.partitions) + " partitions"};
    }
    if (topic.spec == spec) return {};
    const TopicSpec before = topic.spec;
    topic.spec = spec;
    FrameGroup group;
    core_.put_topic_entry(topic, group);
    const auto written = core_.append(group, nullptr);
    if (!written.ok()) {
      topic.spec = before;
      return written.error();
    }
    mark = *written;
  }
  return core_.wait_durable(mark);
}

Result<int64_t> EmbeddedAdmin::bytes(const Position& position) {
  const std::lock_guard lock(core_.mutex);
  return TRY(core_.find(position, nullptr))->bytes();
}

Result<std::vector<std::string>> EmbeddedAdmin::groups() {
  const std::lock_guard lock(core_.mutex);
  std::vector<std::string> names;
  for (const auto& [name, offsets] : core_.groups) {
    if (!offsets.empty()) names.push_back(name);
  }
  return names;
}

Result<> EmbeddedAdmin::set_group_offsets(const std::string& name, const Offsets& offsets) {
  if (offsets.empty()) return Error{Code::invalid, "no place is given for the group " + name};
  uint64_t mark = 0;
  {
    const std::lock_guard lock(core_.mutex);
    for (const auto& [position, offset] : offsets) {
      TRY(core_.find(position, nullptr));
      if (offset < 0 || offset > kMostNumber)
        return Error{Code::invalid, std::to_string(offset) + " is no offset of a record"};
    }
    FrameGroup group;
    core_.put_group_entry(name, offsets, group);
    mark = TRY(core_.append(group, nullptr));
    Offsets& known = core_.groups[name];
    for (const auto& [position, offset] : offsets) known[position] = offset;
  }
  return core_.wait_durable(mark);
}

Result<> EmbeddedAdmin::delete_group(const std::string& name) {
  uint64_t mark = 0;
  {
    const std::lock_guard lock(core_.mutex);
    const auto found = core_.groups.find(name);
    if (found == core_.groups.end() || found->second.empty())
      return Error{Code::not_found, "no group is called " + name};
    FrameGroup group;
    core_.put_group_entry(name, {}, group);
    mark = TRY(core_.append(group, nullptr));
    core_.groups.erase(found);
  }
  return core_.wait_durable(mark);
}

}  // namespace tradewind::log
