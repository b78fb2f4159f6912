#include "schema/registries/registry_answer.h"

#include <algorithm>

#include "schema/draft.h"
#include "schema/refusal.h"

namespace tradewind::schema {
namespace {

constexpr size_t kMostQuoted = 300;

// One line of it, short enough for a message.
std::string quoted(const std::string& text) {
  std::string line = text.substr(0, kMostQuoted);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return line;
}

struct Refused {
  int number = 0;       // Confluent's; 0: it gave none
  std::string message;  // its own
};

Refused refused_with(const net::Answer& answer) {
  Refused refused{.message = quoted(answer.body)};
  const auto body = parse_json(answer.body);
  if (!body.ok()) return refused;
  const Json* number = body->find("error_code");
  if (number != nullptr) refused.number = static_cast<int>(number->integer().value_or(0));
  if (const auto message = body->string_at("message")) refused.message = quoted(*message);
  return refused;
}

// Who asks is not known or may not: a matter of the settings. What is written is refused for good; what is
// read may be waited for until the settings or the rights are mended.
Error denied(RegistryClient& client, int status, const Refused& refused, const Question& question) {
  const std::string code = std::to_string(status);
  std::string what = "refuses us " + question.what + " (" + code + ": " + refused.message + "); ";
  what += status == 401 ? "check registry.basic.auth or registry.bearer.token"
                        : "give that user the right to it there";
  Error error = client.strange(what);
  error.number = status;
  if (question.method != "GET" && status == 403) error.code = Code::invalid;
  return error;
}

std::string named(const RegistryClient& client) {
  return "the schema registry at " + client.url();
}

}  // namespace

Result<Json> document_of(RegistryClient& client, const net::Answer& answer, const Question& question) {
  if (answer.status >= 200 && answer.status < 300) {
    auto document = parse_json(answer.body);
    if (!document.ok() || document->is_null()) {
      return client.strange("answers " + question.method + " " + question.target +
                            " with what is no JSON: '" + quoted(answer.body) +
                            "'; is this the address of a schema registry?");
    }
    return document;
  }
  if (answer.status >= 300 && answer.status < 400)
    return client.strange("answers " + std::to_string(answer.status) + " and points to " +
                          (answer.redirect.empty() ? "nowhere" : answer.redirect) +
                          "; put the address of the registry itself there");
  const Refused refused = refused_with(answer);
  if (answer.status == 401 || answer.status == 403) return denied(client, answer.status, refused, question);
  // A path that is not there is no answer about a schema: records must not be taken for bad because of it.
  const bool knows_none = refused.number / 100 == 404;
  if (answer.status == 404 && !knows_none)
    return client.strange("answers 404 to " + question.method + " " + question.target +
                          " without a registry's error code; is the path of its API missing in the address?");
  // So it is with whatever stands in between and does not like a question.
  if (question.method == "GET" && refused.number == 0)
    return client.strange("answers " + std::to_string(answer.status) + " to GET " + question.target + ": " +
                          refused.message);
  const std::string code =
      refused.number == 0 ? std::to_string(answer.status) : std::to_string(refused.number);
  Error error{Code::invalid,
              named(client) + " refuses " + question.what + " (" + code + "): " + refused.message,
              refused.number};
  if (knows_none) {
    error.code = Code::not_found;
    error.message = named(client) + " has not " + question.what + " (" + code + ")";
  }
  if (answer.status == 409) error = {Code::conflict, error.message, kIncompatible};
  return error;
}

Result<RegisteredSchema> schema_in(RegistryClient& client, const Json& body) {
  RegisteredSchema schema;
  const auto text = body.string_at("schema");
  if (!text) return client.strange("gives a schema without its text: " + quoted(body.dump()));
  schema.text = *text;
  if (const auto name = body.string_at("schemaType")) {
    const auto kind = schema_kind_from(*name);
    if (!kind) return Error{Code::not_found, "a schema is of the unknown type " + quoted(*name)};
    schema.kind = *kind;
  }
  const Json* references = body.find("references");
  if (references == nullptr || !references->is(Json::Kind::array)) return schema;
  for (const Json& entry : references->elements()) {
    const Json* version = entry.find("version");
    const auto number = version == nullptr ? std::nullopt : version->integer();
    const auto name = entry.string_at("name");
    const auto subject = entry.string_at("subject");
    if (!number || !name || !subject || *number < 1 || *number > INT32_MAX)
      return Error{Code::not_found, "a schema has a reference that leads nowhere: " + quoted(entry.dump())};
    schema.references.push_back({*name, *subject, static_cast<int32_t>(*number)});
  }
  return schema;
}

Result<RegisteredSchema> named_schema_in(RegistryClient& client, const Json& body) {
  RegisteredSchema schema = TRY(schema_in(client, body));
  const auto number = [&](const char* name) -> std::optional<int64_t> {
    const Json* member = body.find(name);
    const auto value = member == nullptr ? std::nullopt : member->integer();
    return value && *value >= 1 && *value <= INT32_MAX ? value : std::nullopt;
  };
  const auto id = number("id");
  const auto version = number("version");
  const auto subject = body.string_at("subject");
  if (!id || !version || !subject)
    return client.strange("gives a schema without subject, version or id: " + quoted(body.dump()));
  schema.id = static_cast<SchemaId>(*id);
  schema.version = static_cast<int32_t>(*version);
  schema.subject = *subject;
  return schema;
}

Json draft_json(SchemaKind kind, const std::string& text) {
  Json body = Json::object();
  body.set("schema", Json::string(text));
  if (kind != SchemaKind::avro) body.set("schemaType", Json::string(name_of(kind)));
  return body;
}

std::string plain_text(const Json& value) {
  return value.is(Json::Kind::string) ? value.text() : value.dump();
}

}  // namespace tradewind::schema
