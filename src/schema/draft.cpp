#include "schema/draft.h"

#include <algorithm>

#include "schema/compatibility.h"
#include "schema/refusal.h"
#include "schema/registries/schema_texts.h"

namespace tradewind::schema {
namespace {

constexpr size_t kMostSubjectBytes = 1000;
constexpr int32_t kMostVersions = 10'000;  // per subject
constexpr JsonLimits kJsonSchema{.bytes = size_t{1} << 20, .depth = 256};

struct KindName {
  SchemaKind kind;
  const char* name;
};
constexpr KindName kKinds[] = {
    {SchemaKind::avro, "AVRO"}, {SchemaKind::json, "JSON"}, {SchemaKind::protobuf, "PROTOBUF"}};

Result<AvroSchemaPtr> parse_checked(const std::string& text, const std::vector<std::string>& needed) {
  const AvroSchemaPtr schema = TRY(AvroSchema::parse(text, needed));
  TRY(check_defaults(*schema));
  return schema;
}

Result<> check_text(const RegisteredSchema& schema) {
  if (schema.text.empty()) return refusal(kSchemaInvalid, "Empty schema");
  if (schema.kind == SchemaKind::avro) {
    const auto parsed = parse_checked(schema.text, schema.needed);
    if (!parsed.ok()) return refusal(kSchemaInvalid, "Invalid schema: " + parsed.error().message);
  }
  if (schema.kind == SchemaKind::json) {
    const auto json = parse_json(schema.text, kJsonSchema);
    if (!json.ok()) return refusal(kSchemaInvalid, "Invalid schema: " + json.error().message);
    if (!json->is(Json::Kind::object) && !json->is(Json::Kind::boolean))
      return refusal(kSchemaInvalid, "Invalid schema: a JSON Schema is an object, true or false");
  }
  return {};
}

// The draft as it would be kept, without id and version.
Result<RegisteredSchema> checked(const Ledger& ledger, const std::string& subject, const Draft& draft) {
  RegisteredSchema schema{
      .subject = subject, .kind = draft.kind, .text = draft.text, .references = draft.references};
  for (const SchemaReference& reference : draft.references) {
    const auto there = ledger.version(reference.subject, reference.version, Deleted::without);
    if (!there.ok()) {
      return refusal(kSchemaInvalid, "Invalid schema: no schema reference found: " + there.error().message);
    }
  }
  schema.needed = TRY(ledger.needed(draft.references));
  TRY(check_text(schema));
  schema.text = draft.normalize ? normal_text(draft.kind, draft.text) : kept_text(draft.kind, draft.text);
  return schema;
}

bool same(const RegisteredSchema& known, const RegisteredSchema& schema, bool normalize) {
  if (known.kind != schema.kind || known.references != schema.references) return false;
  if (known.text == schema.text) return true;
  return normalize ? normal_text(known.kind, known.text) == schema.text
                   : ordered_text(known.kind, known.text) == ordered_text(schema.kind, schema.text);
}

// The newest version with this schema.
std::optional<RegisteredSchema> find_same(const Ledger& ledger, const RegisteredSchema& schema,
                                          bool normalize, Deleted deleted) {
  const auto versions = ledger.versions(schema.subject, deleted);
  if (!versions.ok()) return std::nullopt;
  for (size_t i = versions->size(); i-- > 0;) {
    auto known = ledger.version(schema.subject, (*versions)[i], deleted);
    if (known.ok() && same(*known, schema, normalize)) return std::move(*known);
  }
  return std::nullopt;
}

// JSON Schema and Protobuf are not understood here: only the very same text is known to be compatible.
std::optional<std::string> problem_of_texts(const RegisteredSchema& next, const RegisteredSchema& before) {
  const std::string version = "version " + std::to_string(before.version);
  if (next.kind != before.kind) {
    return version + " is " + name_of(before.kind) + " and this is " + name_of(next.kind);
  }
  if (next.kind == SchemaKind::avro || same(before, next, true)) return std::nullopt;
  return "differs from " + version + ", and changes of " + name_of(next.kind) +
         " schemas are not compared here: set the subject's compatibility to NONE to take any";
}

Result<std::vector<std::string>> problems_with(const Ledger& ledger, const RegisteredSchema& schema,
                                               const std::vector<int32_t>& versions) {
  std::vector<std::string> problems;
  std::vector<EarlierVersion> before;
  for (const int32_t number : versions) {
    const RegisteredSchema known = TRY(ledger.version(schema.subject, number, Deleted::without));
    if (auto problem = problem_of_texts(schema, known)) {
      problems.push_back(std::move(*problem));
      continue;
    }
    if (schema.kind != SchemaKind::avro) continue;
    const AvroSchemaPtr parsed = TRY(AvroSchema::parse(known.text, known.needed));
    before.push_back({number, parsed});
  }
  if (before.empty()) return problems;
  const AvroSchemaPtr next = TRY(AvroSchema::parse(schema.text, schema.needed));
  for (std::string& problem : compatibility_problems(ledger.level(schema.subject), *next, before))
    problems.push_back(std::move(problem));
  return problems;
}

std::vector<int32_t> versions_that_count(const Ledger& ledger, const std::string& subject) {
  const auto versions = ledger.versions(subject, Deleted::without);
  if (!versions.ok()) return {};
  return compared_versions(ledger.level(subject), *versions);
}

Error incompatible(const Ledger& ledger, const std::string& subject, const std::vector<std::string>& found) {
  std::string message = "Schema being registered is incompatible with an earlier schema for subject \"" +
                        subject + "\" (compatibility " + name_of(ledger.level(subject)) + ")";
  for (const std::string& problem : found) message += "; " + problem;
  return refusal(kIncompatible, message);
}

bool is_subject(const std::string& name) {
  return !name.empty() && name.size() <= kMostSubjectBytes &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Error too_many(const std::string& subject) {
  return refusal(kSchemaInvalid, "Invalid schema: subject '" + subject + "' has or would have more than " +
                                     std::to_string(kMostVersions) + " versions");
}

Result<Registration> import_draft(const Ledger& ledger, RegisteredSchema schema, const Draft& draft) {
  if (!draft.id) return refusal(kNotPermitted, "Subject '" + schema.subject + "' is in import mode");
  const std::string id = std::to_string(*draft.id);
  if (*draft.id < 1 || *draft.id == INT32_MAX)
    return refusal(kSchemaInvalid, "Invalid schema: " + id + " is no id");
  const auto holder = ledger.by_id(*draft.id);
  if (holder.ok() && !same(*holder, schema, false))
    return refusal(kNotPermitted, "Overwrite new schema with id " + id + " is not permitted.");
  schema.id = *draft.id;
  schema.version = draft.version.value_or(ledger.next_version(schema.subject));
  if (schema.version > kMostVersions) return too_many(schema.subject);
  const auto there = ledger.version(schema.subject, schema.version, Deleted::with);
  if (!there.ok()) return Registration{std::move(schema), false};
  if (there->id != schema.id) {
    return refusal(kNotPermitted, "Version " + std::to_string(schema.version) + " of subject '" +
                                      schema.subject + "' has id " + std::to_string(there->id) +
                                      " and keeps it.");
  }
  return Registration{std::move(schema), !ledger.soft_deleted(there->subject, there->version)};
}

}  // namespace

const char* name_of(SchemaKind kind) {
  return kKinds[static_cast<size_t>(kind)].name;
}

std::optional<SchemaKind> schema_kind_from(const std::string& name) {
  const std::string upper = upper_case(name);
  for (const KindName& kind : kKinds) {
    if (upper == kind.name) return kind.kind;
  }
  return std::nullopt;
}

Result<Registration> register_draft(const Ledger& ledger, const std::string& subject, const Draft& draft) {
  if (!is_subject(subject))
    return refusal(kSubjectInvalid, "'" + subject.substr(0, 100) + "' cannot name a subject");
  const Mode mode = ledger.mode(subject);
  if (mode == Mode::readonly || mode == Mode::readonly_override)
    return refusal(kNotPermitted, "Subject '" + subject + "' is in read-only mode");
  RegisteredSchema schema = TRY(checked(ledger, subject, draft));
  if (mode == Mode::import) return import_draft(ledger, std::move(schema), draft);
  if (draft.id) return refusal(kNotPermitted, "Subject '" + subject + "' is not in import mode");
  if (auto known = find_same(ledger, schema, draft.normalize, Deleted::without))
    return Registration{std::move(*known), true};
  const auto problems = TRY(problems_with(ledger, schema, versions_that_count(ledger, subject)));
  if (!problems.empty()) return incompatible(ledger, subject, problems);
  schema.version = ledger.next_version(subject);
  if (schema.version > kMostVersions) return too_many(subject);
  if (draft.version && *draft.version != schema.version)
    return refusal(kSchemaInvalid, "Invalid schema: version " + std::to_string(*draft.version) +
                                       " is not one more than the latest, " +
                                       std::to_string(schema.version - 1));
  schema.id = ledger.id_of(schema).value_or(ledger.next_id());
  return Registration{std::move(schema), false};
}

Result<RegisteredSchema> look_up(const Ledger& ledger, const std::string& subject, const Draft& draft,
                                 Deleted deleted) {
  TRY(ledger.versions(subject, deleted));
  const RegisteredSchema schema = TRY(checked(ledger, subject, draft));
  if (auto known = find_same(ledger, schema, draft.normalize, deleted)) return std::move(*known);
  return refusal(kSchemaUnknown, "Schema not found in subject '" + subject + "'.");
}

Result<std::vector<std::string>> draft_problems(const Ledger& ledger, const std::string& subject,
                                                const Draft& draft, std::optional<int32_t> version) {
  const RegisteredSchema schema = TRY(checked(ledger, subject, draft));
  if (!version) return problems_with(ledger, schema, versions_that_count(ledger, subject));
  TRY(ledger.version(subject, *version, Deleted::without));
  return problems_with(ledger, schema, compared_versions(ledger.level(subject), {*version}));
}

}  // namespace tradewind::schema
