#include "schema/registries/changes.h"

#include <algorithm>

#include "schema/refusal.h"

namespace tradewind::schema {
namespace {

std::string quoted(const std::string& subject) {
  return subject.empty() ? "The registry" : "Subject '" + subject + "'";
}

Result<> check_writable(const Ledger& ledger, const std::string& subject) {
  const Mode mode = ledger.mode(subject);
  if (mode != Mode::readonly && mode != Mode::readonly_override) return {};
  return refusal(kNotPermitted, quoted(subject) + " is in read-only mode");
}

// A schema that is still served must be able to be read, so what it refers to stays.
Result<> check_unreferenced(const Ledger& ledger, const std::string& subject, int32_t version,
                            bool permanent) {
  const auto ids = ledger.referrers(subject, version, permanent ? Deleted::with : Deleted::without);
  if (ids.empty()) return {};
  std::string list;
  for (const SchemaId id : ids) list += (list.empty() ? "" : ", ") + std::to_string(id);
  return refusal(kReferenced, "One or more references exist to version " + std::to_string(version) +
                                  " of subject '" + subject + "', from the schemas with id " + list);
}

Result<std::vector<int32_t>> versions_to_remove(const Ledger& ledger, const std::string& subject,
                                                bool permanent) {
  const std::vector<int32_t> all = TRY(ledger.versions(subject, Deleted::with));
  const auto living = ledger.versions(subject, Deleted::without);
  if (permanent && living.ok())
    return refusal(kSubjectNotSoftDeleted,
                   quoted(subject) + " was not deleted first before being permanently deleted");
  if (permanent) return all;
  if (living.ok()) return *living;
  return refusal(kSubjectSoftDeleted,
                 quoted(subject) + " was soft deleted. Set permanent=true to delete permanently");
}

Result<std::vector<int32_t>> version_to_remove(const Ledger& ledger, const std::string& subject,
                                               int32_t version, bool permanent) {
  TRY(ledger.version(subject, version, Deleted::with));
  const std::string which = quoted(subject) + " Version " + std::to_string(version);
  const bool deleted = ledger.soft_deleted(subject, version);
  if (deleted && !permanent)
    return refusal(kVersionSoftDeleted,
                   which + " was soft deleted. Set permanent=true to delete permanently");
  if (!deleted && permanent)
    return refusal(kVersionNotSoftDeleted, which + " was not deleted first before being permanently deleted");
  return std::vector<int32_t>{version};
}

}  // namespace

Result<std::vector<SchemaRecord>> removal(const Ledger& ledger, const std::string& subject,
                                          std::optional<int32_t> version, bool permanent) {
  TRY(check_writable(ledger, subject));
  const std::vector<int32_t> versions = TRY(version ? version_to_remove(ledger, subject, *version, permanent)
                                                    : versions_to_remove(ledger, subject, permanent));
  std::vector<SchemaRecord> records;
  for (const int32_t number : versions) {
    TRY(check_unreferenced(ledger, subject, number, permanent));
    SchemaRecord record{.subject = subject, .deleted = true};
    record.schema = TRY(ledger.version(subject, number, Deleted::with));
    if (permanent) record.schema.id = 0;
    records.push_back(std::move(record));
  }
  using Kind = SchemaRecord::Kind;
  if (!version && ledger.own_level(subject)) records.push_back({.kind = Kind::level, .subject = subject});
  if (!version && ledger.own_mode(subject)) records.push_back({.kind = Kind::mode, .subject = subject});
  if (permanent) records.push_back({.kind = Kind::next_id, .next_id = ledger.next_id()});
  return records;
}

Result<SchemaRecord> level_change(const Ledger& ledger, const std::string& subject,
                                  std::optional<Compatibility> level) {
  TRY(check_writable(ledger, subject));
  if (!level && !subject.empty() && !ledger.own_level(subject))
    return refusal(kLevelNotSet, quoted(subject) + " does not have subject-level compatibility configured");
  return SchemaRecord{.kind = SchemaRecord::Kind::level, .subject = subject, .level = level};
}

Result<SchemaRecord> mode_change(const Ledger& ledger, const std::string& subject, std::optional<Mode> mode,
                                 bool force) {
  if (!mode && !subject.empty() && !ledger.own_mode(subject))
    return refusal(kModeNotSet, quoted(subject) + " does not have subject-level mode configured");
  const bool begins = mode == Mode::import && ledger.mode(subject) != Mode::import;
  const bool holds = subject.empty() ? !ledger.subjects("", Deleted::without).empty()
                                     : ledger.versions(subject, Deleted::without).ok();
  if (begins && holds && !force)
    return refusal(kNotPermitted, "Cannot import since found existing subjects; force=true does it anyway");
  return SchemaRecord{.kind = SchemaRecord::Kind::mode, .subject = subject, .mode = mode};
}

}  // namespace tradewind::schema
