#include "server/routes/schemas.h"

#include "schema/compatibility.h"
#include "schema/refusal.h"
#include "server/routes/schema_messages.h"

namespace tradewind::server {
namespace {

using net::Request;
using schema::Deleted;
using schema::LocalRegistry;
using schema::RegisteredSchema;

Json text_json(const std::string& text) {
  return Json::string(text);
}
Json number_json(int32_t number) {
  return Json::number(int64_t{number});
}

Result<RegisteredSchema> version_asked(LocalRegistry& registry, const Request& request) {
  const auto version = TRY(version_in(request));
  const auto ledger = TRY(registry.ledger());
  return ledger->version(subject_in(request), version, deleted_of(request));
}

Result<RegisteredSchema> id_asked(LocalRegistry& registry, const Request& request) {
  return registry.by_id(TRY(id_in(request)));
}

Result<std::string> register_version(LocalRegistry& registry, const Request& request) {
  const schema::Draft draft = TRY(draft_of(request));
  const RegisteredSchema made = TRY(registry.add(subject_in(request), draft));
  Json body = Json::object();
  body.set("id", number_json(made.id));
  return body.dump();
}

Result<std::string> look_up(LocalRegistry& registry, const Request& request) {
  const schema::Draft draft = TRY(draft_of(request));
  const auto ledger = TRY(registry.ledger());
  const RegisteredSchema found =
      TRY(schema::look_up(*ledger, subject_in(request), draft, deleted_of(request)));
  return named_schema(found).dump();
}

Result<std::string> delete_version(LocalRegistry& registry, const Request& request) {
  auto version = TRY(version_in(request));
  if (!version) {
    const auto ledger = TRY(registry.ledger());
    const Deleted deleted = flag(request, "permanent") ? Deleted::with : Deleted::without;
    version = TRY(ledger->version(subject_in(request), std::nullopt, deleted)).version;
  }
  const auto gone = TRY(registry.remove(subject_in(request), version, flag(request, "permanent")));
  return number_json(gone.at(0)).dump();
}

Result<std::string> delete_subject(LocalRegistry& registry, const Request& request) {
  const auto gone = TRY(registry.remove(subject_in(request), std::nullopt, flag(request, "permanent")));
  return list_of(request, gone, number_json);
}

Result<std::string> referrers(LocalRegistry& registry, const Request& request) {
  const auto version = TRY(version_in(request));
  const auto ledger = TRY(registry.ledger());
  const RegisteredSchema found = TRY(ledger->version(subject_in(request), version, Deleted::with));
  return list_of(request, ledger->referrers(found.subject, found.version, deleted_of(request)), number_json);
}

Result<std::string> schemas(LocalRegistry& registry, const Request& request) {
  const auto ledger = TRY(registry.ledger());
  std::vector<RegisteredSchema> all = ledger->schemas(prefix_of(request), deleted_of(request));
  if (flag(request, "latestOnly")) {
    std::map<std::string, RegisteredSchema> latest;
    for (RegisteredSchema& schema : all) latest[schema.subject] = std::move(schema);
    all.clear();
    for (auto& [subject, schema] : latest) all.push_back(std::move(schema));
  }
  return list_of(request, all, named_schema);
}

Result<std::string> versions_of_id(LocalRegistry& registry, const Request& request) {
  const schema::SchemaId id = TRY(id_in(request));
  const auto ledger = TRY(registry.ledger());
  return list_of(request, TRY(ledger->uses(id, deleted_of(request))), [](const RegisteredSchema& use) {
    Json entry = Json::object();
    entry.set("subject", Json::string(use.subject));
    entry.set("version", number_json(use.version));
    return entry;
  });
}

Result<std::string> subjects_of_id(LocalRegistry& registry, const Request& request) {
  const schema::SchemaId id = TRY(id_in(request));
  const auto ledger = TRY(registry.ledger());
  std::vector<std::string> names;
  for (const RegisteredSchema& use : TRY(ledger->uses(id, deleted_of(request)))) {
    if (names.empty() || names.back() != use.subject) names.push_back(use.subject);
  }
  return list_of(request, names, text_json);
}

Result<std::string> check(LocalRegistry& registry, const Request& request, bool one) {
  const schema::Draft draft = TRY(draft_of(request));
  const auto ledger = TRY(registry.ledger());
  std::optional<int32_t> version;
  if (one) {
    version = TRY(version_in(request));
    version = TRY(ledger->version(subject_in(request), version, Deleted::without)).version;
  }
  const auto problems = TRY(schema::draft_problems(*ledger, subject_in(request), draft, version));
  Json body = Json::object();
  body.set("is_compatible", Json::boolean(problems.empty()));
  if (flag(request, "verbose")) {
    Json messages = Json::array();
    for (const std::string& problem : problems) messages.push(Json::string(problem));
    body.set("messages", std::move(messages));
  }
  return body.dump();
}

Result<std::string> level(LocalRegistry& registry, const Request& request) {
  const std::string subject = subject_in(request);
  const auto ledger = TRY(registry.ledger());
  if (!subject.empty() && !ledger->own_level(subject) && !flag(request, "defaultToGlobal"))
    return schema::refusal(schema::kLevelNotSet,
                           "Subject '" + subject + "' does not have subject-level compatibility configured");
  return object_of("compatibilityLevel", schema::name_of(ledger->level(subject))).dump();
}

Result<std::string> set_level(LocalRegistry& registry, const Request& request) {
  const Json body = TRY(body_of(request));
  for (const char* name : {"alias", "compatibilityGroup", "defaultMetadata", "overrideMetadata",
                           "defaultRuleSet", "overrideRuleSet"}) {
    const Json* member = body.find(name);
    if (member != nullptr && !member->is_null())
      return schema::refusal(schema::kNotPermitted, std::string(name) + " is not offered here");
  }
  const std::string name =
      body.string_at("compatibility").value_or(body.string_at("compatibilityLevel").value_or(""));
  const auto level = schema::compatibility_from(name);
  if (!level.ok()) {
    return schema::refusal(schema::kLevelInvalid,
                           "Invalid compatibility level '" + name +
                               "'. Valid values are none, backward, forward, full, backward_transitive, "
                               "forward_transitive, and full_transitive");
  }
  TRY(registry.set_level(subject_in(request), *level));
  return object_of("compatibility", schema::name_of(*level)).dump();
}

// Old clients read `compatibility` here, newer ones `compatibilityLevel`.
Result<std::string> reset_level(LocalRegistry& registry, const Request& request) {
  const std::string subject = subject_in(request);
  const std::string before = schema::name_of(TRY(registry.ledger())->level(subject));
  TRY(registry.set_level(subject, std::nullopt));
  Json body = object_of("compatibilityLevel", before);
  body.set("compatibility", Json::string(before));
  return body.dump();
}

Result<std::string> mode(LocalRegistry& registry, const Request& request) {
  const std::string subject = subject_in(request);
  const auto ledger = TRY(registry.ledger());
  if (!subject.empty() && !ledger->own_mode(subject) && !flag(request, "defaultToGlobal"))
    return schema::refusal(schema::kModeNotSet,
                           "Subject '" + subject + "' does not have subject-level mode configured");
  const schema::Mode own = ledger->own_mode(subject).value_or(ledger->mode(subject));
  return object_of("mode", schema::name_of(own)).dump();
}

Result<std::string> set_mode(LocalRegistry& registry, const Request& request) {
  const Json body = TRY(body_of(request));
  const std::string name = body.string_at("mode").value_or("");
  const auto mode = schema::mode_from(name);
  if (!mode) {
    return schema::refusal(
        schema::kModeInvalid,
        "Invalid mode '" + name + "'. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT");
  }
  TRY(registry.set_mode(subject_in(request), mode, flag(request, "force")));
  return object_of("mode", schema::name_of(*mode)).dump();
}

Result<std::string> reset_mode(LocalRegistry& registry, const Request& request) {
  const std::string subject = subject_in(request);
  const std::string before = schema::name_of(TRY(registry.ledger())->mode(subject));
  TRY(registry.set_mode(subject, std::nullopt, false));
  return object_of("mode", before).dump();
}

struct Route {
  const char* method;
  const char* pattern;
  Result<std::string> (*handler)(LocalRegistry&, const Request&);
};

Result<std::string> subjects(LocalRegistry& registry, const Request& request) {
  return list_of(request, TRY(registry.ledger())->subjects(prefix_of(request), deleted_of(request)),
                 text_json);
}
Result<std::string> versions(LocalRegistry& registry, const Request& request) {
  const auto ledger = TRY(registry.ledger());
  return list_of(request, TRY(ledger->versions(subject_in(request), deleted_of(request))), number_json);
}
Result<std::string> version(LocalRegistry& registry, const Request& request) {
  return named_schema(TRY(version_asked(registry, request))).dump();
}
Result<std::string> version_text(LocalRegistry& registry, const Request& request) {
  return TRY(version_asked(registry, request)).text;
}
Result<std::string> schema_of_id(LocalRegistry& registry, const Request& request) {
  const RegisteredSchema found = TRY(id_asked(registry, request));
  Json body = bare_schema(found);
  if (flag(request, "fetchMaxId")) {
    const auto ledger = TRY(registry.ledger());
    body.set("maxId", number_json(ledger->next_id() - 1));
  }
  return body.dump();
}
Result<std::string> text_of_id(LocalRegistry& registry, const Request& request) {
  return TRY(id_asked(registry, request)).text;
}
Result<std::string> check_one(LocalRegistry& registry, const Request& request) {
  return check(registry, request, true);
}
Result<std::string> check_all(LocalRegistry& registry, const Request& request) {
  return check(registry, request, false);
}
Result<std::string> types(LocalRegistry&, const Request&) {
  return std::string(R"(["JSON","PROTOBUF","AVRO"])");
}
Result<std::string> contexts(LocalRegistry&, const Request&) {
  return std::string(R"(["."])");
}
Result<std::string> metadata_id(LocalRegistry&, const Request&) {
  return std::string(
      R"({"scope":{"path":[],"clusters":{"kafka-cluster":"embedded","schema-registry-cluster":"tradewind"}},"id":""})");
}
Result<std::string> metadata_version(LocalRegistry&, const Request&) {
  return std::string(R"({"version":"0.1.0","commitId":"tradewind"})");
}

constexpr Route kRoutes[] = {
    {"GET", "/subjects", subjects},
    {"POST", "/subjects/{subject}", look_up},
    {"DELETE", "/subjects/{subject}", delete_subject},
    {"GET", "/subjects/{subject}/versions", versions},
    {"POST", "/subjects/{subject}/versions", register_version},
    {"GET", "/subjects/{subject}/versions/{version}", version},
    {"DELETE", "/subjects/{subject}/versions/{version}", delete_version},
    {"GET", "/subjects/{subject}/versions/{version}/schema", version_text},
    {"GET", "/subjects/{subject}/versions/{version}/referencedby", referrers},
    {"GET", "/schemas", schemas},
    {"GET", "/schemas/types", types},
    {"GET", "/schemas/ids/{id}", schema_of_id},
    {"GET", "/schemas/ids/{id}/schema", text_of_id},
    {"GET", "/schemas/ids/{id}/subjects", subjects_of_id},
    {"GET", "/schemas/ids/{id}/versions", versions_of_id},
    {"POST", "/compatibility/subjects/{subject}/versions", check_all},
    {"POST", "/compatibility/subjects/{subject}/versions/{version}", check_one},
    {"GET", "/config", level},
    {"PUT", "/config", set_level},
    {"DELETE", "/config", reset_level},
    {"GET", "/config/{subject}", level},
    {"PUT", "/config/{subject}", set_level},
    {"DELETE", "/config/{subject}", reset_level},
    {"GET", "/mode", mode},
    {"PUT", "/mode", set_mode},
    {"DELETE", "/mode", reset_mode},
    {"GET", "/mode/{subject}", mode},
    {"PUT", "/mode/{subject}", set_mode},
    {"DELETE", "/mode/{subject}", reset_mode},
    {"GET", "/contexts", contexts},
    {"GET", "/v1/metadata/id", metadata_id},
    {"GET", "/v1/metadata/version", metadata_version},
};

std::string target_of(const std::string& pattern, const Request& request) {
  std::string target;
  for (size_t at = 0; at < pattern.size();) {
    const size_t open = std::min(pattern.find('{', at), pattern.size());
    target += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const size_t close = pattern.find('}', open);
    const auto value = request.captures.find(pattern.substr(open + 1, close - open - 1));
    if (value != request.captures.end()) target += net::encode_url(value->second);
    at = close + 1;
  }
  char separator = '?';
  for (const auto& [name, value] : request.parameters) {
    target += separator + net::encode_url(name) + '=' + net::encode_url(value);
    separator = '&';
  }
  return target;
}

}  // namespace

void declare_forwarded_routes(net::HttpServer& http, schema::RemoteRegistry& registry) {
  for (const Route& route : kRoutes) {
    const std::string pattern = route.pattern;
    if (pattern.starts_with("/v1/")) continue;  // the platform answers for itself
    http.route(route.method, pattern, [&registry, pattern](const Request& request) {
      auto answer = registry.forward({request.method, target_of(pattern, request), request.body});
      if (!answer.ok()) {
        return schema_answer(request, [&](const Request&) -> Result<std::string> {
          return schema::refusal(schema::kForwardFailed, answer.error().message);
        });
      }
      net::Response response;
      response.status = answer->status;
      response.body = std::move(answer->body);
      if (!answer->content_type.empty()) response.content_type = answer->content_type;
      return response;
    });
  }
}

void declare_schema_routes(net::HttpServer& http, LocalRegistry& registry) {
  for (const Route& route : kRoutes) {
    const auto answer = [&registry, handler = route.handler](const Request& request) {
      return schema_answer(request, [&](const Request& asked) { return handler(registry, asked); });
    };
    http.route(route.method, route.pattern, answer);
  }
}

}  // namespace tradewind::server
