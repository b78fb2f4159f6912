#include "log/topic.h"

namespace tradewind::log {

Result<> check_topic_name(const std::string& name) {
  const bool plain =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
      std::string::npos;
  if (name.empty() || name.size() > 249 || !plain || name == "." || name == "..") {
    return Error{Code::invalid,
                 "'" + name + "' cannot name a topic; use 1 to 249 letters, digits, '.', '_' or '-'"};
  }
  return {};
}

}  // namespace tradewind::log
