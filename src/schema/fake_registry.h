#pragma once
// FakeRegistry: a Registry in memory without compatibility rules, for tests, fuzzing and benchmarks.
//
// Threads: one.

#include <map>

#include "schema/registry.h"

namespace tradewind::schema {

class FakeRegistry final : public Registry {
 public:
  // What every question is answered with while it is set.
  std::optional<Error> broken;
  int questions = 0;

  Result<RegisteredSchema> register_schema(const std::string& subject, SchemaKind kind,
                                           const std::string& text) override {
    if (broken) return *broken;
    for (const RegisteredSchema& known : schemas_) {
      if (known.subject == subject && known.text == text) return known;
    }
    const auto versions = static_cast<int32_t>(this->versions(subject)->size());
    schemas_.push_back(
        {.id = next_id_++, .subject = subject, .version = versions + 1, .kind = kind, .text = text});
    return schemas_.back();
  }

  // The next schema registered gets this id.
  void next_id(SchemaId id) { next_id_ = id; }

  Result<RegisteredSchema> by_id(SchemaId id) override {
    ++questions;
    return find([&](const RegisteredSchema& schema) { return schema.id == id; });
  }
  Result<RegisteredSchema> latest(const std::string& subject) override {
    return find([&](const RegisteredSchema& schema) { return schema.subject == subject; });
  }
  Result<RegisteredSchema> version(const std::string& subject, int32_t version) override {
    return find([&](const RegisteredSchema& schema) {
      return schema.subject == subject && schema.version == version;
    });
  }
  Result<std::vector<std::string>> subjects() override {
    std::map<std::string, int> names;
    for (const RegisteredSchema& schema : schemas_) names[schema.subject]++;
    std::vector<std::string> list;
    for (const auto& [name, count] : names) list.push_back(name);
    return list;
  }
  Result<std::vector<int32_t>> versions(const std::string& subject) override {
    std::vector<int32_t> list;
    for (const RegisteredSchema& schema : schemas_) {
      if (schema.subject == subject) list.push_back(schema.version);
    }
    return list;
  }
  Result<> set_compatibility(const std::string&, Compatibility) override { return {}; }

 private:
  // The last one that is right.
  template <typename Right>
  Result<RegisteredSchema> find(const Right& right) {
    if (broken) return *broken;
    for (size_t i = schemas_.size(); i-- > 0;) {
      if (right(schemas_[i])) return schemas_[i];
    }
    return Error{Code::not_found, "no such schema"};
  }

  std::vector<RegisteredSchema> schemas_;
  SchemaId next_id_ = 1;
};

}  // namespace tradewind::schema
