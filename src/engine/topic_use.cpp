// Who has to do with a topic, and deleting one that nobody needs.
#include <algorithm>

#include "engine/engine.h"
#include "engine/record_writer.h"

namespace tradewind::engine {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Engine::TopicUse Engine::use_of(const std::string& topic) const {
  TopicUse use;
  for (const auto& [name, source] : catalog().sources) {
    if (source.topic == topic) use.sources.push_back(name);
  }
  for (const auto& topology : topologies()) {
    bool reads = false;
    for (size_t i = 0; i < topology->input_count(); ++i) reads = reads || topology->input(i).topic == topic;
    if (reads) use.readers.push_back(topology->name);
    if (topology->sink && topology->sink->topic == topic) use.writers.push_back(topology->name);
  }
  return use;
}

Result<> Engine::delete_topic(const std::string& topic, bool declared_too) {
  TRY(log_.topic(topic));
  if (is_internal(topic))
    return Error{Code::invalid,
                 "topic " + topic + " is the platform's own and stays as long as it is needed"};
  const std::lock_guard commands(commands_mutex_);
  const TopicUse use = use_of(topic);
  if (!use.readers.empty() || !use.writers.empty()) {
    const bool read = !use.readers.empty();
    const std::vector<std::string>& queries = read ? use.readers : use.writers;
    return Error{Code::conflict, "topic " + topic + (read ? " is read by " : " is written by ") +
                                     listed(queries) + "; TERMINATE " +
                                     (queries.size() == 1 ? queries[0] : "them") +
                                     " or DROP what they make first"};
  }
  if (!use.sources.empty() && !declared_too) {
    return Error{Code::conflict, listed(use.sources) + (use.sources.size() == 1 ? " is" : " are") +
                                     " declared on topic " + topic +
                                     "; DROP that first, or ask again with --yes (?yes=true)"};
  }
  return log_.delete_topic(topic);
}

}  // namespace tradewind::engine
