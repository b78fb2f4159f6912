#include "schema/refusal.h"

namespace tradewind::schema {

Error refusal(Refusal number, const std::string& message) {
  Error error{Code::invalid, message, number};
  if (number == kIncompatible) error.code = Code::conflict;
  if (number / 100 == 404) error.code = Code::not_found;
  return error;
}

Error subject_unknown(const std::string& subject) {
  return refusal(kSubjectUnknown, "Subject '" + subject + "' not found.");
}

Error version_unknown(const std::string& subject, int32_t version) {
  return refusal(kVersionUnknown,
                 "Version " + std::to_string(version) + " of subject '" + subject + "' not found.");
}

}  // namespace tradewind::schema
