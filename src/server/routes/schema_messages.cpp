#include "server/routes/schema_messages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "schema/refusal.h"

namespace tradewind::server {
namespace {

constexpr const char* kType = "application/vnd.schemaregistry.v1+json";
// What Confluent's registry speaks, the best first.
constexpr std::array kTypes = {kType, "application/vnd.schemaregistry+json", "application/json"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// Nothing when none of ours is accepted.
std::optional<std::string> accepted_type(std::string_view accept) {
  if (trimmed(accept).empty()) return kType;
  double best = 0;
  std::optional<std::string> chosen;
  for (const std::string_view range : split(accept, ',')) {
    const auto parts = split(range, ';');
    if (parts.empty()) continue;
    double weight = 1;
    for (const std::string_view part : parts) {
      if (part.starts_with("q=")) weight = std::strtod(std::string(part.substr(2)).c_str(), nullptr);
    }
    const std::string name = lower(parts[0]);
    const bool any = name == "*/*" || name == "application/*";
    const bool ours = any || std::find(kTypes.begin(), kTypes.end(), name) != kTypes.end();
    if (!ours || weight <= best) continue;
    best = weight;
    chosen = any ? kType : name;
  }
  return chosen;
}

bool readable_type(std::string_view type) {
  const std::string name = lower(trimmed(type.substr(0, type.find(';'))));
  return name.empty() || name == "application/octet-stream" ||
         std::find(kTypes.begin(), kTypes.end(), name) != kTypes.end();
}

net::Response refused(int status, int number, const std::string& message, const std::string& type) {
  Json body = Json::object();
  body.set("error_code", Json::number(int64_t{number}));
  body.set("message", Json::string(message));
  net::Response response;
  response.status = status;
  response.content_type = type;
  response.body = body.dump();
  return response;
}

int number_of(const Error& error) {
  if (error.number != 0) return error.number;
  switch (error.code) {
    case Code::invalid:
    case Code::unsupported: return schema::kSchemaInvalid;
    case Code::not_found: return schema::kSchemaUnknown;
    case Code::conflict: return schema::kIncompatible;
    default: return schema::kStoreFailed;
  }
}

std::optional<int32_t> whole_number(std::string_view text) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string value_of(const std::map<std::string, std::string>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

// Absent, null and -1 mean that the registry is to choose.
std::optional<int32_t> chosen(const Json& body, const char* name) {
  const Json* member = body.find(name);
  const auto number = member == nullptr ? std::nullopt : member->integer();
  if (!number || *number < 1 || *number > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*number);
}

Result<std::vector<schema::SchemaReference>> references_of(const Json& body) {
  std::vector<schema::SchemaReference> references;
  const Json* list = body.find("references");
  if (list == nullptr || list->is_null()) return references;
  const auto bad = [] { return schema::refusal(schema::kSchemaInvalid, "Invalid schema: bad references"); };
  if (!list->is(Json::Kind::array)) return bad();
  for (const Json& entry : list->elements()) {
    const auto name = entry.string_at("name");
    const auto subject = entry.string_at("subject");
    const auto version = chosen(entry, "version");
    if (!name || !subject || !version) return bad();
    references.push_back({*name, *subject, *version});
  }
  return references;
}

}  // namespace

net::Response schema_answer(const net::Request& request, const SchemaHandler& handler) {
  const auto type = accepted_type(request.header("accept"));
  if (!type) return refused(406, 406, "HTTP 406 Not Acceptable", kType);
  if (!request.body.empty() && !readable_type(request.header("content-type")))
    return refused(415, 415, "HTTP 415 Unsupported Media Type", *type);
  const auto body = handler(request);
  if (!body.ok()) {
    const int number = number_of(body.error());
    return refused(number < 1000 ? number : number / 100, number, body.error().message, *type);
  }
  net::Response response;
  response.content_type = *type;
  response.body = *body;
  return response;
}

bool flag(const net::Request& request, const std::string& name) {
  return lower(value_of(request.query, name)) == "true";
}

schema::Deleted deleted_of(const net::Request& request) {
  if (flag(request, "deletedOnly")) return schema::Deleted::only;
  return flag(request, "deleted") ? schema::Deleted::with : schema::Deleted::without;
}

std::string prefix_of(const net::Request& request) {
  const std::string prefix = value_of(request.query, "subjectPrefix");
  return prefix.starts_with(":*:") ? prefix.substr(3) : prefix;  // of any context: there is one
}

std::string subject_in(const net::Request& request) {
  return value_of(request.captures, "subject");
}

Result<std::optional<int32_t>> version_in(const net::Request& request) {
  const std::string text = value_of(request.captures, "version");
  if (text == "latest" || text == "-1") return std::optional<int32_t>();
  const auto number = whole_number(text);
  if (number && *number > 0) return number;
  return schema::refusal(schema::kVersionInvalid,
                         "The specified version '" + text +
                             "' is not a valid version id. Allowed values are between [1, 2^31-1] and the "
                             "string \"latest\"");
}

Result<schema::SchemaId> id_in(const net::Request& request) {
  const std::string text = value_of(request.captures, "id");
  if (const auto number = whole_number(text)) return *number;
  return schema::refusal(schema::kSchemaUnknown, "no schema has id " + text);
}

Result<Json> body_of(const net::Request& request) {
  const std::string_view text = request.body.empty() ? std::string_view("{}") : request.body;
  auto json = parse_json(text);
  if (!json.ok()) return Error{Code::invalid, "the body is not JSON: " + json.error().message, 400};
  if (!json->is(Json::Kind::object)) return Error{Code::invalid, "the body is not a JSON object", 400};
  return json;
}

Result<schema::Draft> draft_of(const net::Request& request) {
  const Json body = TRY(body_of(request));
  schema::Draft draft{.text = body.string_at("schema").value_or(""), .normalize = flag(request, "normalize")};
  const Json* type = body.find("schemaType");
  if (type != nullptr && !type->is_null()) {
    const std::string name = body.string_at("schemaType").value_or("");
    const auto kind = schema::schema_kind_from(name);
    if (!kind) return schema::refusal(schema::kSchemaInvalid, "Invalid schema type " + name);
    draft.kind = *kind;
  }
  // Rules may say that a field is to be encrypted: taking them and not keeping them would be worse than no.
  for (const char* name : {"metadata", "ruleSet"}) {
    const Json* member = body.find(name);
    if (member != nullptr && !member->is_null())
      return schema::refusal(schema::kSchemaInvalid,
                             std::string("Invalid schema: ") + name + " is not kept here");
  }
  draft.references = TRY(references_of(body));
  draft.id = chosen(body, "id");
  draft.version = chosen(body, "version");
  return draft;
}

Json bare_schema(const schema::RegisteredSchema& schema) {
  Json json = Json::object();
  if (schema.kind != schema::SchemaKind::avro)
    json.set("schemaType", Json::string(schema::name_of(schema.kind)));
  json.set("schema", Json::string(schema.text));
  if (schema.references.empty()) return json;
  Json references = Json::array();
  for (const schema::SchemaReference& reference : schema.references) {
    Json entry = Json::object();
    entry.set("name", Json::string(reference.name));
    entry.set("subject", Json::string(reference.subject));
    entry.set("version", Json::number(int64_t{reference.version}));
    references.push(std::move(entry));
  }
  json.set("references", std::move(references));
  return json;
}

Json named_schema(const schema::RegisteredSchema& schema) {
  Json json = Json::object();
  json.set("subject", Json::string(schema.subject));
  json.set("version", Json::number(int64_t{schema.version}));
  json.set("id", Json::number(int64_t{schema.id}));
  const Json bare = bare_schema(schema);
  for (const Json::Member& member : bare.members()) json.set(member.name, member.value);
  return json;
}

Json object_of(const std::string& name, const std::string& text) {
  Json json = Json::object();
  json.set(name, Json::string(text));
  return json;
}

Cut cut_of(const net::Request& request) {
  Cut cut;
  if (const auto offset = whole_number(value_of(request.query, "offset")); offset && *offset > 0)
    cut.offset = static_cast<size_t>(*offset);
  if (const auto limit = whole_number(value_of(request.query, "limit")); limit && *limit >= 0)
    cut.limit = static_cast<size_t>(*limit);
  return cut;
}

}  // namespace tradewind::server
