#pragma once
// Ledger: what the topic `_schemas` says: subjects, versions, ids, levels and modes, folded record by record.
//
// Threads: const use is shared freely. Errors are refusals with Confluent's numbers (refusal.h).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "schema/mode.h"
#include "schema/registry.h"

namespace tradewind::schema {

struct SchemaRecord;

// Which versions are meant: those that are deleted softly are still there for whoever asks for them.
enum class Deleted { without, with, only };

class Ledger {
 public:
  void fold(const SchemaRecord& record);

  std::vector<std::string> subjects(const std::string& prefix, Deleted deleted) const;
  // All versions of the subjects whose names begin so, by subject and version.
  std::vector<RegisteredSchema> schemas(const std::string& prefix, Deleted deleted) const;
  Result<std::vector<int32_t>> versions(const std::string& subject, Deleted deleted) const;
  // The latest for nothing.
  Result<RegisteredSchema> version(const std::string& subject, std::optional<int32_t> version,
                                   Deleted deleted) const;
  bool soft_deleted(const std::string& subject, int32_t version) const;
  Result<RegisteredSchema> by_id(SchemaId id) const;
  // The subjects and versions an id stands for.
  Result<std::vector<RegisteredSchema>> uses(SchemaId id, Deleted deleted) const;
  // The ids of the schemas that refer to it, in order.
  std::vector<SchemaId> referrers(const std::string& subject, int32_t version, Deleted deleted) const;

  std::optional<Compatibility> own_level(const std::string& subject) const;  // "": the global one
  std::optional<Mode> own_mode(const std::string& subject) const;
  // The subject's own, else the global one, else BACKWARD and READWRITE.
  Compatibility level(const std::string& subject) const;
  Mode mode(const std::string& subject) const;

  // The id of the same schema, if one is known.
  std::optional<SchemaId> id_of(const RegisteredSchema& schema) const;
  SchemaId next_id() const { return next_id_; }
  int32_t next_version(const std::string& subject) const;
  // RegisteredSchema::needed for these references; invalid when one is not there.
  Result<std::vector<std::string>> needed(const std::vector<SchemaReference>& references) const;

 private:
  struct Entry {
    RegisteredSchema schema;
    bool deleted = false;
    size_t fingerprint = 0;
  };
  using EntryPtr = std::shared_ptr<const Entry>;  // shared by the copies of a ledger
  using Versions = std::map<int32_t, EntryPtr>;

  const Entry* find(const std::string& subject, int32_t version) const;
  RegisteredSchema whole(const Entry& entry) const;
  void forget(const std::string& subject, int32_t version);

  std::map<std::string, Versions> subjects_;
  std::map<SchemaId, std::vector<EntryPtr>> uses_;
  std::multimap<size_t, SchemaId> by_fingerprint_;
  std::map<std::string, Compatibility> levels_;
  std::map<std::string, Mode> modes_;
  SchemaId next_id_ = 1;
};

}  // namespace tradewind::schema
