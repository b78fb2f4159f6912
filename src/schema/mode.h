#pragma once
// Mode: what may be changed in the registry or in one subject, in Confluent's words.

#include <optional>
#include <string>

namespace tradewind::schema {

enum class Mode {
  readwrite,
  readonly,           // a subject's own mode may say otherwise
  readonly_override,  // as the global mode: whatever subjects say
  import,             // schemas come with the ids and versions they had elsewhere
};

const char* name_of(Mode mode);  // "READWRITE"
std::optional<Mode> mode_from(const std::string& name);

}  // namespace tradewind::schema
