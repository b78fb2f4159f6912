#include "schema/local_registry.h"

#include <thread>

#include "log/breakable_log.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LocalRegistryTest : public testing::Test {
 protected:
  static std::string record(const std::string& fields) {
    return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
  }
  Result<RegisteredSchema> add(const std::string& subject, const std::string& fields) {
    return registry_->register_schema(subject, SchemaKind::avro, record(fields));
  }
  void reopen() { registry_ = LocalRegistry::open(log_).value(); }

  log::BreakableLog log_;
  std::unique_ptr<LocalRegistry> registry_ = LocalRegistry::open(log_).value();
};

const char* const kA = R"({"name":"a","type":"int"})";
const char* const kAB = R"({"name":"a","type":"int"},{"name":"b","type":"int","default":0})";
const char* const kAC = R"({"name":"a","type":"int"},{"name":"c","type":"string"})";

TEST_F(LocalRegistryTest, IdsAreGlobalAndVersionsArePerSubject) {
  EXPECT_EQ(add("x", kA)->id, 1);
  EXPECT_EQ(add("x", kAB)->id, 2);
  EXPECT_EQ(add("x", kAB)->version, 2);
  EXPECT_EQ(add("y", kAB)->id, 2);
  EXPECT_EQ(add("y", kAB)->version, 1);
  EXPECT_THAT(*registry_->versions("x"), ElementsAre(1, 2));
  EXPECT_THAT(*registry_->subjects(), ElementsAre("x", "y"));
  EXPECT_EQ(registry_->latest("x")->id, 2);
  EXPECT_EQ(registry_->version("x", 1)->id, 1);
}

TEST_F(LocalRegistryTest, SpacingMakesNoOtherSchema) {
  EXPECT_EQ(registry_->register_schema("x", SchemaKind::avro, "\"string\"")->id, 1);
  EXPECT_EQ(registry_->register_schema("x", SchemaKind::avro, "  \"string\" ")->id, 1);
}

TEST_F(LocalRegistryTest, WhatWasRegisteredIsThereAfterAReopen) {
  ASSERT_TRUE(add("x", kA).ok());
  ASSERT_TRUE(registry_->set_compatibility("x", Compatibility::none).ok());
  reopen();
  EXPECT_EQ(registry_->by_id(1)->text,
            R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"}]})");
  EXPECT_EQ((*registry_->ledger())->level("x"), Compatibility::none);
  EXPECT_EQ(add("x", kAC)->id, 2);
  reopen();
  EXPECT_THAT(*registry_->versions("x"), ElementsAre(1, 2));
}

TEST_F(LocalRegistryTest, RecordsAreAsConfluentWritesThem) {
  ASSERT_TRUE(registry_->register_schema("x", SchemaKind::avro, "\"string\"").ok());
  ASSERT_TRUE(registry_->set_compatibility("", Compatibility::full).ok());
  auto consumer = log_.consumer(log::Visibility::durable).value();
  ASSERT_TRUE(consumer->assign({"_schemas", 0}, 0).ok());
  const auto batches = *consumer->poll(Duration(0), 10);
  const auto& records = batches[0].records;
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(*records[0].key, R"({"keytype":"SCHEMA","subject":"x","version":1,"magic":1})");
  EXPECT_EQ(*records[0].value, R"({"subject":"x","version":1,"id":1,"schema":"\"string\"","deleted":false})");
  EXPECT_EQ(*records[1].key, R"({"keytype":"CONFIG","subject":null,"magic":0})");
  EXPECT_EQ(*records[1].value, R"({"compatibilityLevel":"FULL"})");
}

TEST_F(LocalRegistryTest, AnIncompatibleSchemaIsAConflictThatNamesThePath) {
  ASSERT_TRUE(add("x", kA).ok());
  const auto refused = add("x", kAC);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("BACKWARD"));
  EXPECT_THAT(refused.error().message, HasSubstr("R.c: the reader's field has no default"));
  EXPECT_THAT(*draft_problems(**registry_->ledger(), "x", {.text = record(kAB)}, std::nullopt), IsEmpty());
}

TEST_F(LocalRegistryTest, NotASchemaIsInvalidAndUnknownIsNotFound) {
  EXPECT_EQ(add("x", "{").error().code, Code::invalid);
  EXPECT_EQ(add("x", R"({"name":"a","type":"int","default":"x"})").error().code, Code::invalid);
  EXPECT_EQ(registry_->by_id(9).error(), (Error{Code::not_found, "no schema has id 9", 40403}));
  EXPECT_EQ(registry_->latest("z").error().code, Code::not_found);
  ASSERT_TRUE(add("x", kA).ok());
  EXPECT_EQ(registry_->version("x", 7).error().code, Code::not_found);
}

TEST_F(LocalRegistryTest, AFailedAppendIsAnErrorAndLeavesNothing) {
  log_.broken = Error{Code::unavailable, "no disk"};
  EXPECT_EQ(add("x", kA).error().code, Code::unavailable);
  log_.broken.reset();
  EXPECT_THAT(*registry_->subjects(), IsEmpty());
  EXPECT_EQ(add("x", kA)->id, 1);
}

TEST_F(LocalRegistryTest, ADeletedVersionKeepsItsId) {
  ASSERT_TRUE(add("x", kA).ok());
  ASSERT_TRUE(add("x", kAB).ok());
  auto producer = log_.producer({}).value();
  const std::string key = R"({"keytype":"SCHEMA","subject":"x","version":2,"magic":1})";
  const std::string value = R"({"subject":"x","version":2,"id":2,"schema":"\"int\"","deleted":true})";
  const log::RecordView record{.key = key, .value = value};
  ASSERT_TRUE(producer->append({"_schemas", 0}, {&record, 1}).ok());
  EXPECT_THAT(*registry_->versions("x"), ElementsAre(1));
  EXPECT_TRUE(registry_->by_id(2).ok());
  EXPECT_EQ(add("x", R"({"name":"a","type":"long"})")->version, 3);
}

TEST_F(LocalRegistryTest, BytesOfASchemaWithReferencesAreDecoded) {
  ASSERT_TRUE(
      registry_->register_schema("item", SchemaKind::avro, record(R"({"name":"n","type":"int"})")).ok());
  const Draft order{.text = R"({"type":"record","name":"Order","fields":[{"name":"item","type":"R"}]})",
                    .references = {{.name = "R", .subject = "item", .version = 1}}};
  ASSERT_EQ(registry_->add("t-value", order)->id, 2);
  ASSERT_TRUE(registry_->remove("t-value", 1, false).ok());
  reopen();
  const auto columns = *columns_of(*registry_->by_id(2));
  auto decoder = make_decoder({.format = Format::avro, .columns = columns, .topic = "t"}, registry_.get());
  ASSERT_TRUE(decoder.ok());
  const std::string bytes("\0\0\0\0\2\x54", 6);
  const std::optional<BytesView> payload = bytes;
  const auto decoded = (*decoder)->decode({&payload, 1}, nullptr);
  ASSERT_TRUE(decoded.ok());
  EXPECT_THAT(decoded->bad, IsEmpty());
}

TEST_F(LocalRegistryTest, APictureStaysAsItWas) {
  ASSERT_TRUE(add("x", kA).ok());
  const auto before = *registry_->ledger();
  ASSERT_TRUE(add("x", kAB).ok());
  ASSERT_TRUE(registry_->remove("x", 1, false).ok());
  EXPECT_THAT(*before->versions("x", Deleted::without), ElementsAre(1));
  EXPECT_THAT(*(*registry_->ledger())->versions("x", Deleted::without), ElementsAre(2));
}

TEST_F(LocalRegistryTest, DeletingASubjectIsOneAtomicChange) {
  ASSERT_TRUE(add("x", kA).ok());
  ASSERT_TRUE(add("x", kAB).ok());
  log_.broken = Error{Code::unavailable, "no disk"};
  EXPECT_EQ(registry_->remove("x", std::nullopt, false).error().code, Code::unavailable);
  log_.broken.reset();
  EXPECT_THAT(*registry_->versions("x"), ElementsAre(1, 2));
  EXPECT_THAT(*registry_->remove("x", std::nullopt, false), ElementsAre(1, 2));
}

TEST_F(LocalRegistryTest, ManyThreadsGetOneIdPerSchema) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 20; ++i) {
        const auto done = add("s" + std::to_string(t),
                              R"({"name":"f)" + std::to_string(i) + R"(","type":"int","default":0})");
        EXPECT_TRUE(done.ok());
      }
    });
  }
  threads.clear();
  for (int id = 1; id <= 20; ++id) EXPECT_TRUE(registry_->by_id(id).ok());
  EXPECT_FALSE(registry_->by_id(21).ok());
}

TEST_F(LocalRegistryTest, WhoseColumnsDoNotFitIsToldWhyAndHowTheRecordIsCalled) {
  const char* const payment =
      R"({"type":"record","name":"x.y.Payment","fields":[{"name":"a","type":"int"}]})";
  ASSERT_TRUE(registry_->register_schema("t-value", SchemaKind::avro, payment).ok());
  SerdeSpec spec{.columns = {{"A", Kind::integer}, {"B", Kind::integer}}, .topic = "t"};
  const auto refused = make_encoder(spec, registry_.get());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("version 1 does not take these columns as they are: "));
  EXPECT_THAT(refused.error().message, HasSubstr("VALUE_AVRO_SCHEMA_FULL_NAME = 'x.y.Payment'"));
  spec.detail.record_name = "x.y.Payment";
  EXPECT_TRUE(make_encoder(spec, registry_.get()).ok());
}

}  // namespace
}  // namespace tradewind::schema
