#include "schema/remote_registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/json.h"
#include "net/http_server.h"
#include "schema/compatibility.h"
#include "schema/draft.h"
#include "schema/refusal.h"
#include "schema/registries/registry_answer.h"
#include "schema/registries/registry_client.h"

namespace tradewind::schema {
namespace {

constexpr size_t kMostKept = 10'000;  // schemas by id, by version and as latest; then it begins anew
constexpr size_t kMostNeeded = 1'000;
constexpr size_t kMostDepth = 64;
constexpr Duration kAbsentKept(1'000);  // that a subject has no schema

std::string subject_path(const std::string& subject) {
  return "/subjects/" + net::encode_url(subject);
}

// What is known, and since when.
struct Kept {
  std::optional<RegisteredSchema> schema;  // nothing: there is none
  Error absent;
  int64_t asked_ns = 0;
};

class AskedRegistry final : public RemoteRegistry {
 public:
  AskedRegistry(const RemoteRegistryOptions& options, std::unique_ptr<RegistryClient> client, Clock& clock)
      : options_(options), client_(std::move(client)), clock_(clock) {}

  Result<RegisteredSchema> register_schema(const std::string& subject, SchemaKind kind,
                                           const std::string& text) override {
    const std::string key = subject + '\n' + name_of(kind) + '\n' + text;
    return kept_or_asked(registered_, key, [&] { return find_or_register(subject, kind, text); });
  }

  Result<RegisteredSchema> by_id(SchemaId id) override {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = by_id_.find(id); known != by_id_.end()) return known->second;
    }
    const Json body = TRY(ask("GET", "/schemas/ids/" + std::to_string(id), "schema " + std::to_string(id)));
    RegisteredSchema schema = TRY(schema_in(*client_, body));
    schema.id = id;
    schema.needed = TRY(needed(schema.references));
    keep(schema);
    return schema;
  }

  Result<RegisteredSchema> latest(const std::string& subject) override {
    return kept_or_asked(latest_, subject, [&] { return asked_version(subject, "latest", false); });
  }

  Result<RegisteredSchema> version(const std::string& subject, int32_t version) override {
    return kept_version(subject, version, false);
  }

  Result<std::vector<std::string>> subjects() override {
    const Json body = TRY(ask("GET", "/subjects", "its subjects"));
    if (!body.is(Json::Kind::array)) return client_->strange("lists no subjects: " + body.dump());
    std::vector<std::string> names;
    for (const Json& name : body.elements()) {
      if (name.is(Json::Kind::string)) names.push_back(name.text());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    const Json body = TRY(ask("GET", subject_path(subject) + "/versions", "subject " + subject));
    if (!body.is(Json::Kind::array)) return client_->strange("lists no versions: " + body.dump());
    std::vector<int32_t> numbers;
    for (const Json& number : body.elements()) {
      if (const auto known = number.integer()) numbers.push_back(static_cast<int32_t>(*known));
    }
    return numbers;
  }

  Result<> set_compatibility(const std::string& subject, Compatibility compatibility) override {
    Json body = Json::object();
    body.set("compatibility", Json::string(name_of(compatibility)));
    const std::string target = subject.empty() ? "/config" : "/config/" + net::encode_url(subject);
    TRY(ask("PUT", target, "the compatibility of " + (subject.empty() ? "all subjects" : subject), body));
    return {};
  }

  Result<Outlook> outlook(const std::string& subject, SchemaKind kind, const std::string& text) override {
    const Json body = draft_json(kind, text);
    const auto found = look_up(subject, body);
    if (found.ok()) return Outlook{.kind = Outlook::Kind::there, .version = found->version};
    if (found.error().number == kSubjectUnknown) return Outlook{.kind = Outlook::Kind::first};
    if (found.error().code != Code::not_found) return found.error();
    const std::string target = "/compatibility" + subject_path(subject) + "/versions?verbose=true";
    const Json answer = TRY(ask("POST", target, "the compatibility of " + subject, body));
    const Json* fits = answer.find("is_compatible");
    if (fits == nullptr || !fits->is(Json::Kind::boolean))
      return client_->strange("does not say whether a schema is compatible: " + answer.dump());
    if (fits->truth()) return Outlook{.kind = Outlook::Kind::next};
    Outlook refused{.kind = Outlook::Kind::refused};
    const Json* messages = answer.find("messages");
    if (messages != nullptr && messages->is(Json::Kind::array)) {
      for (const Json& message : messages->elements()) refused.reasons.push_back(plain_text(message));
    }
    return refused;
  }

  Result<ForwardedAnswer> forward(const ForwardedRequest& request) override {
    // Deleting twice is answered otherwise than once.
    const bool repeatable = request.method != "DELETE";
    net::Answer answer = TRY(client_->ask({request.method, request.target, request.body, repeatable}));
    if (request.method != "GET") forget();
    return ForwardedAnswer{answer.status, std::move(answer.body), std::move(answer.content_type)};
  }

  std::optional<Error> trouble() const override { return client_->trouble(); }

 private:
  Result<Json> ask(const std::string& method, const std::string& target, const std::string& what,
                   const Json& body = Json()) {
    const auto answer = TRY(client_->ask({method, target, body.is_null() ? "" : body.dump()}));
    return document_of(*client_, answer, {method, target, what});
  }

  std::string normalized() const { return options_.normalize ? "?normalize=true" : ""; }

  Result<RegisteredSchema> look_up(const std::string& subject, const Json& body) {
    const Json found =
        TRY(ask("POST", subject_path(subject) + normalized(), "a schema of subject " + subject, body));
    return named_schema_in(*client_, found);
  }

  // Who may only read finds what is there; only what is not is registered.
  Result<RegisteredSchema> find_or_register(const std::string& subject, SchemaKind kind,
                                            const std::string& text) {
    const Json body = draft_json(kind, text);
    auto found = look_up(subject, body);
    if (!found.ok() && found.error().code == Code::not_found) {
      TRY(ask("POST", subject_path(subject) + "/versions" + normalized(), "subject " + subject, body));
      found = look_up(subject, body);
      const std::lock_guard lock(mutex_);
      latest_.erase(subject);
    }
    if (found.ok()) keep(*found);
    return found;
  }

  Result<RegisteredSchema> asked_version(const std::string& subject, const std::string& version,
                                         bool deleted) {
    const std::string target =
        subject_path(subject) + "/versions/" + version + (deleted ? "?deleted=true" : "");
    const Json body = TRY(ask("GET", target, "version " + version + " of subject " + subject));
    RegisteredSchema schema = TRY(named_schema_in(*client_, body));
    schema.needed = TRY(needed(schema.references));
    keep(schema);
    return schema;
  }

  Result<RegisteredSchema> kept_version(const std::string& subject, int32_t version, bool deleted) {
    {
      const std::lock_guard lock(mutex_);
      const auto known = by_version_.find({subject, version});
      if (known != by_version_.end()) return known->second;
    }
    return asked_version(subject, std::to_string(version), deleted);
  }

  // The texts of what is referred to, also by others, what is needed first in front.
  Result<std::vector<std::string>> needed(const std::vector<SchemaReference>& references, size_t depth = 1) {
    std::vector<std::string> texts;
    const auto add = [&](const std::string& text) {
      if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    };
    if (depth > kMostDepth) return Error{Code::not_found, "a schema's references are nested too deeply"};
    for (const SchemaReference& reference : references) {
      const RegisteredSchema referred = TRY(referred_to(reference, depth));
      for (const std::string& text : referred.needed) add(text);
      add(referred.text);
      if (texts.size() > kMostNeeded) return Error{Code::not_found, "a schema has too many references"};
    }
    return texts;
  }

  Result<RegisteredSchema> referred_to(const SchemaReference& reference, size_t depth) {
    {
      const std::lock_guard lock(mutex_);
      const auto known = by_version_.find({reference.subject, reference.version});
      if (known != by_version_.end()) return known->second;
    }
    const std::string number = std::to_string(reference.version);
    const Json body =
        TRY(ask("GET", subject_path(reference.subject) + "/versions/" + number + "?deleted=true",
                "version " + number + " of subject " + reference.subject));
    RegisteredSchema schema = TRY(named_schema_in(*client_, body));
    schema.needed = TRY(needed(schema.references, depth + 1));
    keep(schema);
    return schema;
  }

  void keep(const RegisteredSchema& schema) {
    const std::lock_guard lock(mutex_);
    if (by_id_.size() >= kMostKept) by_id_.clear();
    if (by_version_.size() >= kMostKept) by_version_.clear();
    by_id_.emplace(schema.id, schema);
    if (!schema.subject.empty()) by_version_[{schema.subject, schema.version}] = schema;
  }

  void forget() {
    const std::lock_guard lock(mutex_);
    latest_.clear();
    registered_.clear();
  }

  // What is known if it is fresh; else what is answered; else, while nobody answers, what is known.
  template <typename Ask>
  Result<RegisteredSchema> kept_or_asked(std::map<std::string, Kept>& all, const std::string& key,
                                         const Ask& ask) {
    std::optional<Kept> known;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = all.find(key); found != all.end()) known = found->second;
    }
    const int64_t now_ns = clock_.monotonic_ns();
    if (known) {
      const Duration lives =
          known->schema ? options_.latest_kept : std::min(options_.latest_kept, kAbsentKept);
      if (now_ns - known->asked_ns < lives.count() * 1'000'000)
        return known->schema ? Result<RegisteredSchema>(*known->schema) : known->absent;
    }
    auto asked = ask();
    if (asked.ok() || asked.error().code == Code::not_found) {
      const std::lock_guard lock(mutex_);
      if (all.size() >= kMostKept) all.clear();
      Kept& kept = all[key] = {.asked_ns = now_ns};
      if (asked.ok())
        kept.schema = *asked;
      else
        kept.absent = asked.error();
      return asked;
    }
    if (asked.error().code == Code::unavailable && known && known->schema) return *known->schema;
    return asked;
  }

  const RemoteRegistryOptions options_;
  const std::unique_ptr<RegistryClient> client_;
  Clock& clock_;
  std::mutex mutex_;  // of what is kept; never held while the registry is asked
  std::map<SchemaId, RegisteredSchema> by_id_;
  std::map<std::pair<std::string, int32_t>, RegisteredSchema> by_version_;
  std::map<std::string, Kept> latest_;      // by subject
  std::map<std::string, Kept> registered_;  // by subject, kind and text
};

}  // namespace

void RemoteRegistryOptions::fields(Options& options) {
  options.text("registry.url", url,
               "The schema registry to use, as http://HOST:PORT or https://HOST with the path of its API; "
               "several with commas are one registry, of which the next is asked where one is away. Not set: "
               "the platform keeps the schemas itself.");
  options.secret("registry.basic.auth", basic_auth,
                 "USER:PASSWORD for that registry; of Confluent Cloud KEY:SECRET of the registry's API key.");
  options.secret("registry.bearer.token", bearer, "A token for it instead.");
  options.text("registry.ssl.ca.location", ca_file,
               "File (PEM) of who signs its certificate; not set: those the machine trusts.");
  options.text("registry.ssl.certificate.location", certificate_file,
               "File (PEM) of a certificate to show it.");
  options.text("registry.ssl.key.location", key_file, "File (PEM) of that certificate's private key.");
  options.duration("registry.timeout", timeout, {Duration(100), Duration(20'000)},
                   "How long it may take to answer one request.");
  options.duration("registry.patience", patience, {Duration(100), Duration(20'000)},
                   "How long a question is asked again when it is away, answers 5xx or 429. After that it is "
                   "known to be away and asked every two seconds; queries that need it wait.");
  options.duration("registry.latest_kept", latest_kept, {Duration(0), Duration(3'600'000)},
                   "How long the latest version of a subject is taken for it without asking again.");
  options.boolean("registry.normalize", normalize,
                  "Whether schemas are registered and looked up normalised: two ways of writing one are the "
                  "same.");
}

Result<std::unique_ptr<RemoteRegistry>> RemoteRegistry::open(const RemoteRegistryOptions& options,
                                                             Clock& clock) {
  auto client = TRY(RegistryClient::open(options, clock));
  return std::unique_ptr<RemoteRegistry>(std::make_unique<AskedRegistry>(options, std::move(client), clock));
}

}  // namespace tradewind::schema
