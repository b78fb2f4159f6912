#pragma once
// What a registry's answers say, read with suspicion.
//
// Pure but for what they tell the client. Errors: not_found, conflict and invalid with the registry's numbers
// and words; unavailable where what answered is no registry, or refuses who we are.

#include <string>

#include "base/json.h"
#include "net/http_client.h"
#include "schema/registries/registry_client.h"
#include "schema/registry.h"

namespace tradewind::schema {

struct Question {
  std::string method;
  std::string target;
  std::string what;  // "subject orders-value"
};

Result<Json> document_of(RegistryClient& client, const net::Answer& answer, const Question& question);
// {"schema", "schemaType", "references"}, as of an id.
Result<RegisteredSchema> schema_in(RegistryClient& client, const Json& body);
// The same with subject, version and id.
Result<RegisteredSchema> named_schema_in(RegistryClient& client, const Json& body);
// What a schema is registered, looked up and compared with.
Json draft_json(SchemaKind kind, const std::string& text);
// A text without its quotes, anything else as JSON.
std::string plain_text(const Json& value);

}  // namespace tradewind::schema
