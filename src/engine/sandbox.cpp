// Statements tried on a copy of the catalogue, so that a request fails before its first statement is done.
#include "engine/engine.h"
#include "engine/record_writer.h"
#include "sql/check_source.h"
#include "sql/parse.h"

namespace tradewind::engine {
namespace {

// The catalogue as it would be, and the topics that would be there.
class Sandbox final : public sql::SchemaLookup {
 public:
  Sandbox(sql::Catalog catalog, sql::SchemaLookup& real) : catalog_(std::move(catalog)), real_(real) {}

  Result<> take(const sql::Statement& statement) {
    return std::visit([&](const auto& known) { return take_one(known); }, statement.is);
  }

 private:
  Result<std::vector<Field>> columns(const std::string& topic, bool key, schema::SchemaId id) override {
    return real_.columns(topic, key, id);
  }
  Result<int32_t> partitions(const std::string& topic) override {
    const auto made = topics_.find(topic);
    return made == topics_.end() ? real_.partitions(topic) : Result<int32_t>(made->second);
  }

  Result<> take_one(const sql::CreateSource& create) {
    if (catalog_.find_made(create.name) != nullptr) {
      if (create.if_not_exists) return {};
      if (!create.or_replace)
        return Error{Code::conflict, create.name + " exists already; DROP it first, or write IF NOT EXISTS"};
    }
    sql::SourcePlan plan = TRY(sql::plan_source(create, catalog_, *this));
    TRY(sql::check_source(plan.source));
    if (const sql::Source* old = catalog_.find_made(create.name)) TRY(sql::check_replacement(*old, plan));
    if (plan.topology) plan.source.query_id = "?";
    if (plan.create_topic) TRY(check_writable(plan.source.topic));
    if (plan.create_topic) topics_[plan.source.topic] = plan.source.partitions;
    sql::put_source(std::move(plan), catalog_);
    return {};
  }
  Result<> take_one(const sql::Drop& drop) {
    if (drop.what == sql::Drop::What::type) {
      catalog_.types.erase(drop.name);
      return {};
    }
    if (!catalog_.sources.contains(drop.name) && !drop.if_exists)
      return Error{Code::not_found, "no stream or table is called " + drop.name};
    sql::drop_source(drop.name, catalog_);
    return {};
  }
  Result<> take_one(const sql::Alter& alter) {
    catalog_.sources[alter.name] = TRY(sql::plan_alter(alter, catalog_));
    return {};
  }
  Result<> take_one(const sql::InsertValues& insert) {
    return check_writable(catalog_.find(TRY(sql::plan_insert(insert, catalog_)).target)->topic);
  }
  Result<> take_one(const sql::InsertSelect& insert) {
    return check_writable(catalog_.find(TRY(sql::plan_insert_query(insert, catalog_)).target)->topic);
  }
  Result<> take_one(const sql::CreateType& create) {
    catalog_.types[create.name] = create.type;
    return {};
  }
  Result<> take_one(const sql::Describe& describe) {
    if (describe.function || describe.all || catalog_.find(describe.name) != nullptr) return {};
    return Error{Code::not_found, "no stream or table is called " + describe.name};
  }
  template <typename Other>
  Result<> take_one(const Other&) {  // what only looks, or cannot be told before
    return {};
  }

  sql::Catalog catalog_;
  sql::SchemaLookup& real_;
  std::map<std::string, int32_t> topics_;
};

}  // namespace

Result<> Engine::check(const std::vector<sql::Statement>& statements, size_t& failed) {
  Sandbox sandbox(catalog(), *this);
  for (failed = 0; failed < statements.size(); ++failed) TRY(sandbox.take(statements[failed]));
  return {};
}

}  // namespace tradewind::engine
