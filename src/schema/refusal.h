#pragma once
// Refusals: why the registry says no, with the numbers that clients of Confluent's registry know.
//
// Pure functions.

#include <string>

#include "base/result.h"

namespace tradewind::schema {

enum Refusal : int {
  kIncompatible = 409,
  kSubjectUnknown = 40401,
  kVersionUnknown = 40402,
  kSchemaUnknown = 40403,
  kSubjectSoftDeleted = 40404,
  kSubjectNotSoftDeleted = 40405,
  kVersionSoftDeleted = 40406,
  kVersionNotSoftDeleted = 40407,
  kLevelNotSet = 40408,
  kModeNotSet = 40409,
  kSchemaInvalid = 42201,
  kVersionInvalid = 42202,
  kLevelInvalid = 42203,
  kModeInvalid = 42204,
  kNotPermitted = 42205,
  kReferenced = 42206,
  kSubjectInvalid = 42208,
  kStoreFailed = 50001,
  kForwardFailed = 50003,
};

Error refusal(Refusal number, const std::string& message);
Error subject_unknown(const std::string& subject);
Error version_unknown(const std::string& subject, int32_t version);

}  // namespace tradewind::schema
