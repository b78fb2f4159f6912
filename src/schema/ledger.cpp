#include "schema/ledger.h"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include "schema/avro.h"
#include "schema/refusal.h"
#include "schema/registries/schema_records.h"
#include "schema/registries/schema_texts.h"

namespace tradewind::schema {
namespace {

constexpr size_t kMostNeeded = 1000;
constexpr size_t kMostDepth = 64;

struct ModeName {
  Mode mode;
  const char* name;
};
constexpr ModeName kModes[] = {{Mode::readwrite, "READWRITE"},
                               {Mode::readonly, "READONLY"},
                               {Mode::readonly_override, "READONLY_OVERRIDE"},
                               {Mode::import, "IMPORT"}};

bool meant(bool is_deleted, Deleted deleted) {
  if (deleted == Deleted::with) return true;
  return is_deleted == (deleted == Deleted::only);
}

bool same_schema(const RegisteredSchema& a, const RegisteredSchema& b) {
  return a.kind == b.kind && a.references == b.references &&
         (a.text == b.text || ordered_text(a.kind, a.text) == ordered_text(b.kind, b.text));
}

size_t fingerprint_of(const RegisteredSchema& schema) {
  std::string all = ordered_text(schema.kind, schema.text);
  for (const SchemaReference& reference : schema.references) {
    all += '\n' + reference.name + '\n' + reference.subject + '\n' + std::to_string(reference.version);
  }
  return std::hash<std::string>()(all);
}

template <typename Value>
void set_or_erase(std::map<std::string, Value>& values, const std::string& subject,
                  const std::optional<Value>& value) {
  if (value) {
    values[subject] = *value;
  } else {
    values.erase(subject);
  }
}

template <typename Value>
std::optional<Value> found_in(const std::map<std::string, Value>& values, const std::string& subject) {
  const auto found = values.find(subject);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

}  // namespace

const char* name_of(Mode mode) {
  return kModes[static_cast<size_t>(mode)].name;
}

std::optional<Mode> mode_from(const std::string& name) {
  const std::string upper = upper_case(name);
  for (const ModeName& mode : kModes) {
    if (upper == mode.name) return mode.mode;
  }
  return std::nullopt;
}

void Ledger::fold(const SchemaRecord& record) {
  using Kind = SchemaRecord::Kind;
  if (record.kind == Kind::level) return set_or_erase(levels_, record.subject, record.level);
  if (record.kind == Kind::mode) return set_or_erase(modes_, record.subject, record.mode);
  next_id_ = std::max({next_id_, record.next_id, record.schema.id + 1});
  if (record.kind == Kind::next_id) return;
  forget(record.subject, record.schema.version);
  if (record.schema.id == 0) return;
  Entry entry{record.schema, record.deleted, fingerprint_of(record.schema)};
  const auto kept = std::make_shared<const Entry>(std::move(entry));
  subjects_[record.subject][record.schema.version] = kept;
  auto& uses = uses_[record.schema.id];
  if (uses.empty()) by_fingerprint_.emplace(kept->fingerprint, record.schema.id);
  uses.push_back(kept);
}

void Ledger::forget(const std::string& subject, int32_t version) {
  const auto versions = subjects_.find(subject);
  if (versions == subjects_.end()) return;
  const auto found = versions->second.find(version);
  if (found == versions->second.end()) return;
  const EntryPtr entry = found->second;
  versions->second.erase(found);
  if (versions->second.empty()) subjects_.erase(versions);
  auto& uses = uses_[entry->schema.id];
  const size_t fingerprint = uses.front()->fingerprint;
  std::erase(uses, entry);
  if (!uses.empty()) return;
  const auto [first, last] = by_fingerprint_.equal_range(fingerprint);
  const auto known =
      std::find_if(first, last, [&](const auto& pair) { return pair.second == entry->schema.id; });
  if (known != last) by_fingerprint_.erase(known);
  uses_.erase(entry->schema.id);
}

std::vector<std::string> Ledger::subjects(const std::string& prefix, Deleted deleted) const {
  std::vector<std::string> names;
  for (auto at = subjects_.lower_bound(prefix); at != subjects_.end() && at->first.starts_with(prefix);
       ++at) {
    // A subject is deleted when all its versions are.
    const bool gone = std::all_of(at->second.begin(), at->second.end(),
                                  [](const auto& version) { return version.second->deleted; });
    if (meant(gone, deleted)) names.push_back(at->first);
  }
  return names;
}

std::vector<RegisteredSchema> Ledger::schemas(const std::string& prefix, Deleted deleted) const {
  std::vector<RegisteredSchema> all;
  for (auto at = subjects_.lower_bound(prefix); at != subjects_.end() && at->first.starts_with(prefix);
       ++at) {
    for (const auto& [version, entry] : at->second) {
      if (meant(entry->deleted, deleted)) all.push_back(entry->schema);
    }
  }
  return all;
}

Result<std::vector<int32_t>> Ledger::versions(const std::string& subject, Deleted deleted) const {
  std::vector<int32_t> numbers;
  const auto versions = subjects_.find(subject);
  if (versions == subjects_.end()) return subject_unknown(subject);
  for (const auto& [version, entry] : versions->second) {
    if (meant(entry->deleted, deleted)) numbers.push_back(version);
  }
  if (numbers.empty()) return subject_unknown(subject);
  return numbers;
}

Result<RegisteredSchema> Ledger::version(const std::string& subject, std::optional<int32_t> version,
                                         Deleted deleted) const {
  const std::vector<int32_t> numbers = TRY(versions(subject, deleted));
  const int32_t wanted = version.value_or(numbers.back());
  if (std::find(numbers.begin(), numbers.end(), wanted) == numbers.end())
    return version_unknown(subject, wanted);
  return whole(*find(subject, wanted));
}

bool Ledger::soft_deleted(const std::string& subject, int32_t version) const {
  const Entry* entry = find(subject, version);
  return entry != nullptr && entry->deleted;
}

Result<RegisteredSchema> Ledger::by_id(SchemaId id) const {
  const auto found = uses_.find(id);
  if (found == uses_.end()) return refusal(kSchemaUnknown, "no schema has id " + std::to_string(id));
  return whole(*found->second.front());
}

Result<std::vector<RegisteredSchema>> Ledger::uses(SchemaId id, Deleted deleted) const {
  const auto found = uses_.find(id);
  if (found == uses_.end()) return refusal(kSchemaUnknown, "no schema has id " + std::to_string(id));
  std::vector<RegisteredSchema> list;
  for (const EntryPtr& entry : found->second) {
    if (meant(entry->deleted, deleted)) list.push_back(entry->schema);
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.subject, a.version) < std::tie(b.subject, b.version);
  });
  return list;
}

std::vector<SchemaId> Ledger::referrers(const std::string& subject, int32_t version, Deleted deleted) const {
  std::set<SchemaId> ids;
  for (const auto& [id, uses] : uses_) {
    for (const EntryPtr& entry : uses) {
      if (!meant(entry->deleted, deleted)) continue;
      for (const SchemaReference& reference : entry->schema.references) {
        if (reference.subject == subject && reference.version == version) ids.insert(id);
      }
    }
  }
  return {ids.begin(), ids.end()};
}

std::optional<Compatibility> Ledger::own_level(const std::string& subject) const {
  return found_in(levels_, subject);
}

std::optional<Mode> Ledger::own_mode(const std::string& subject) const {
  return found_in(modes_, subject);
}

Compatibility Ledger::level(const std::string& subject) const {
  if (const auto own = own_level(subject)) return *own;
  return own_level("").value_or(Compatibility::backward);
}

Mode Ledger::mode(const std::string& subject) const {
  const Mode global = own_mode("").value_or(Mode::readwrite);
  if (global == Mode::readonly_override) return global;
  return own_mode(subject).value_or(global);
}

std::optional<SchemaId> Ledger::id_of(const RegisteredSchema& schema) const {
  const auto [first, last] = by_fingerprint_.equal_range(fingerprint_of(schema));
  for (auto at = first; at != last; ++at) {
    if (same_schema(uses_.at(at->second).front()->schema, schema)) return at->second;
  }
  return std::nullopt;
}

int32_t Ledger::next_version(const std::string& subject) const {
  const auto found = subjects_.find(subject);
  return found == subjects_.end() ? 1 : found->second.rbegin()->first + 1;
}

const Ledger::Entry* Ledger::find(const std::string& subject, int32_t version) const {
  const auto versions = subjects_.find(subject);
  if (versions == subjects_.end()) return nullptr;
  const auto found = versions->second.find(version);
  return found == versions->second.end() ? nullptr : found->second.get();
}

Result<std::vector<std::string>> Ledger::needed(const std::vector<SchemaReference>& references) const {
  std::vector<std::string> texts;
  std::set<const Entry*> seen;
  const std::function<Result<>(const std::vector<SchemaReference>&, size_t)> visit =
      [&](const std::vector<SchemaReference>& list, size_t depth) -> Result<> {
    for (const SchemaReference& reference : list) {
      const Entry* entry = find(reference.subject, reference.version);
      const std::string which = "version " + std::to_string(reference.version) + " of " + reference.subject;
      if (entry == nullptr) return refusal(kSchemaInvalid, "the reference to " + which + " leads nowhere");
      if (!seen.insert(entry).second) continue;
      if (depth > kMostDepth || seen.size() > kMostNeeded)
        return refusal(kSchemaInvalid, "too many references, at last to " + which);
      TRY(visit(entry->schema.references, depth + 1));
      texts.push_back(entry->schema.text);
    }
    return {};
  };
  TRY(visit(references, 1));
  return texts;
}

// Where a reference leads nowhere the schema comes without what it needs, and whoever parses it is told.
RegisteredSchema Ledger::whole(const Entry& entry) const {
  RegisteredSchema schema = entry.schema;
  if (schema.references.empty()) return schema;
  if (auto texts = needed(schema.references); texts.ok()) schema.needed = std::move(*texts);
  return schema;
}

}  // namespace tradewind::schema
