// The shipped event schemas: they parse, become columns, and may evolve under FULL_TRANSITIVE.

#include <fstream>
#include <set>
#include <sstream>

#include "schema/compatibility.h"

namespace tradewind::schema {
namespace {

struct Shipped {
  const char* file;
  std::set<std::string> required;  // ids, keys, time and type: the only fields without a default
};

const Shipped kShipped[] = {
    {"customer-events", {"event_id", "event_type", "event_time", "visitor_id"}},
    {"orders", {"event_id", "event_type", "event_time", "order_id", "customer_id"}},
    {"inventory", {"event_id", "event_type", "event_time", "product_id"}},
    {"user-profiles", {"event_id", "event_type", "event_time", "customer_id"}},
};

std::string text_of(const std::string& name) {
  const std::ifstream file("schemas/" + name + ".avsc");  // tests run in the project's folder
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void check_enums(const AvroType& type, std::set<const AvroType*>& seen) {
  if (!seen.insert(&type).second) return;
  if (type.kind == AvroKind::enumeration) {
    EXPECT_EQ(type.symbols.front(), "UNKNOWN") << type.name;
    EXPECT_EQ(type.symbol_default, "UNKNOWN") << type.name;
  }
  if (type.element != nullptr) check_enums(*type.element, seen);
  for (const AvroType* branch : type.branches) check_enums(*branch, seen);
  for (const AvroField& field : type.fields) {
    check_enums(*field.type, seen);
    const bool id = field.name.ends_with("_id");
    EXPECT_TRUE(field.fallback || id || field.name.starts_with("event_")) << type.name << "." << field.name;
  }
}

TEST(EventSchemas, ParseAndBecomeColumns) {
  for (const Shipped& shipped : kShipped) {
    const auto schema = AvroSchema::parse(text_of(shipped.file));
    ASSERT_TRUE(schema.ok()) << shipped.file << ": " << schema.error().message;
    const auto checked = check_defaults(**schema);
    EXPECT_TRUE(checked.ok()) << (checked.ok() ? "" : checked.error().message);
    const auto columns = columns_of(**schema, "");
    ASSERT_TRUE(columns.ok()) << columns.error().message;
    EXPECT_EQ((*columns)[0].name, "EVENT_ID");
    EXPECT_EQ((*columns)[2], (Field{"EVENT_TIME", Kind::timestamp}));
    EXPECT_TRUE(read_problems(**schema, **schema).empty());
  }
}

TEST(EventSchemas, OnlyIdsKeysTimeAndTypeLackADefault) {
  for (const Shipped& shipped : kShipped) {
    const auto schema = AvroSchema::parse(text_of(shipped.file));
    for (const AvroField& field : (*schema)->root().fields) {
      EXPECT_EQ(field.fallback.has_value(), shipped.required.count(field.name) == 0)
          << shipped.file << field.name;
    }
    std::set<const AvroType*> seen;
    check_enums((*schema)->root(), seen);
  }
}

TEST(EventSchemas, AnythingElseMayGoUnderFullTransitive) {
  for (const Shipped& shipped : kShipped) {
    const auto schema = AvroSchema::parse(text_of(shipped.file));
    const Json json = *parse_json(text_of(shipped.file));
    Json fields = Json::array();
    for (const Json& field : json.find("fields")->elements()) {
      if (shipped.required.count(*field.string_at("name")) > 0) fields.push(field);
    }
    Json bare = Json::object();
    for (const Json::Member& member : json.members())
      bare.set(member.name, member.name == "fields" ? fields : member.value);
    const auto smallest = AvroSchema::parse(bare.dump());
    ASSERT_TRUE(smallest.ok());
    EXPECT_TRUE(compatibility_problems(Compatibility::full_transitive, **smallest, {{1, *schema}}).empty())
        << shipped.file;
  }
}

// Decoding stops after the last field that somebody wants.
TEST(EventSchemas, ListsAndRecordsStandBehindTheScalars) {
  for (const Shipped& shipped : kShipped) {
    const auto schema = AvroSchema::parse(text_of(shipped.file));
    bool nested_seen = false;
    for (const AvroField& field : (*schema)->root().fields) {
      const AvroType* only = field.type->only();
      const bool nested =
          only->kind == AvroKind::record || only->kind == AvroKind::array || only->kind == AvroKind::map;
      if (field.name == "payment") continue;
      EXPECT_TRUE(nested || !nested_seen) << shipped.file << ": " << field.name;
      nested_seen |= nested;
    }
  }
}

}  // namespace
}  // namespace tradewind::schema
