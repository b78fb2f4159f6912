// What people may change of an embedded log, and that it is still so after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class AdminTest : public testing::Test {
 protected:
  AdminTest() {
    start();
    EXPECT_TRUE(log->create_topic({.name = "orders", .partitions = 2}).ok());
  }
  void start() {
    auto opened = open_embedded(
        {.directory = "/log", .disk = &disk, .own_thread = false, .first_segment_bytes = 64 << 10});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log = std::move(opened).value();
  }
  void restart() {
    log.reset();
    start();
  }
  void append(const Bytes& value) {
    const RecordView record{.value = value};
    ASSERT_TRUE(log->producer({}).value()->append({"orders", 0}, {&record, 1}).ok());
  }
  Result<> set(const std::string& name, const std::string& value) {
    TopicSpec spec = log->topic("orders").value();
    const auto done = set_config(spec, name, value);
    return done.ok() ? log->admin().alter_topic(spec) : done;
  }
  void expect_after_a_restart_and_a_new_segment(const std::function<void()>& expect) {
    expect();
    restart();
    expect();
    for (int i = 0; i < 3; ++i) append(Bytes(50'000, 'x'));  // what follows is known by a checkpoint only
    restart();
    expect();
  }

  FaultyDisk disk{1};
  std::unique_ptr<EmbeddedLog> log;
};

TEST_F(AdminTest, ChangesTheSettingsOfATopic) {
  ASSERT_TRUE(set("cleanup.policy", "compact,delete").ok());
  ASSERT_TRUE(set("retention.ms", "-1").ok());
  ASSERT_TRUE(set("retention.bytes", "1000000").ok());
  ASSERT_TRUE(set("delete.retention.ms", "0").ok());
  expect_after_a_restart_and_a_new_segment([&] {
    EXPECT_THAT(config_of(log->topic("orders").value()),
                ElementsAre(Pair("cleanup.policy", "compact,delete"), Pair("retention.ms", "-1"),
                            Pair("retention.bytes", "1000000"), Pair("delete.retention.ms", "0")));
    EXPECT_EQ(log->topic("orders")->partitions, 2);
  });
}

TEST_F(AdminTest, RefusesSettingsThatAreNone) {
  for (const auto& [name, value] :
       {std::pair("cleanup.policy", "archive"), std::pair("retention.ms", "1h"),
        std::pair("retention.bytes", "-2"), std::pair("delete.retention.ms", "-1"),
        std::pair("retention.ms", ""), std::pair("min.insync.replicas", "1")}) {
    const auto done = set(name, value);
    ASSERT_FALSE(done.ok()) << name;
    EXPECT_EQ(done.error().code, Code::invalid);
    EXPECT_THAT(done.error().message, HasSubstr(name));
  }
  TopicSpec more = log->topic("orders").value();
  more.partitions = 3;
  EXPECT_EQ(log->admin().alter_topic(more).error().code, Code::conflict);
  EXPECT_EQ(log->admin().alter_topic({.name = "nowhere"}).error().code, Code::not_found);
}

TEST_F(AdminTest, CountsTheBytesOfWhatMayBeRead) {
  EXPECT_EQ(log->admin().bytes({"orders", 0}).value(), 0);
  append(Bytes(10'000, 'x'));
  EXPECT_GT(log->admin().bytes({"orders", 0}).value(), 10'000);
  ASSERT_TRUE(log->trim({"orders", 0}, 1).ok());
  EXPECT_EQ(log->admin().bytes({"orders", 0}).value(), 0);
  EXPECT_EQ(log->admin().bytes({"orders", 2}).error().code, Code::not_found);
}

TEST_F(AdminTest, KeepsThePlacesOfAGroup) {
  Admin& admin = log->admin();
  ASSERT_TRUE(admin.set_group_offsets("billing", {{{"orders", 0}, 7}, {{"orders", 1}, 1}}).ok());
  ASSERT_TRUE(admin.set_group_offsets("billing", {{{"orders", 0}, 3}}).ok());
  expect_after_a_restart_and_a_new_segment([&] {
    EXPECT_THAT(log->admin().groups().value(), ElementsAre("billing"));
    EXPECT_THAT(log->group_offsets("billing").value(),
                ElementsAre(Pair(Position{"orders", 0}, 3), Pair(Position{"orders", 1}, 1)));
  });
}

TEST_F(AdminTest, ForgetsADeletedGroup) {
  ASSERT_TRUE(log->admin().set_group_offsets("billing", {{{"orders", 0}, 7}}).ok());
  ASSERT_TRUE(log->admin().set_group_offsets("shipping", {{{"orders", 0}, 8}}).ok());
  ASSERT_TRUE(log->admin().delete_group("billing").ok());
  EXPECT_EQ(log->admin().delete_group("billing").error().code, Code::not_found);
  expect_after_a_restart_and_a_new_segment([&] {
    EXPECT_THAT(log->admin().groups().value(), ElementsAre("shipping"));
    EXPECT_THAT(log->group_offsets("billing").value(), IsEmpty());
  });
}

TEST_F(AdminTest, RefusesPlacesThatCannotBe) {
  Admin& admin = log->admin();
  EXPECT_EQ(admin.set_group_offsets("billing", {}).error().code, Code::invalid);
  EXPECT_EQ(admin.set_group_offsets("billing", {{{"orders", 0}, -1}}).error().code, Code::invalid);
  EXPECT_EQ(admin.set_group_offsets("billing", {{{"orders", 2}, 0}}).error().code, Code::not_found);
  EXPECT_THAT(admin.groups().value(), IsEmpty());
}

}  // namespace
}  // namespace tradewind::log
