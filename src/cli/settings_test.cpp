#include "cli/settings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tw_settings_XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~SettingsTest() override {
    for (const std::string& name : variables_) unsetenv(name.c_str());
    std::filesystem::remove_all(directory_);
  }

  std::string file(const std::string& text) {
    std::ofstream(directory_ + "/tw.yaml") << text;
    return directory_ + "/tw.yaml";
  }
  void variable(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    variables_.push_back(name);
  }
  // "ok", or what is wrong.
  std::string read(const std::vector<std::string>& raw) {
    std::vector<std::string> valued = setting_flags();
    valued.push_back("--config");
    const auto arguments = parse_arguments(raw, {}, valued);
    if (!arguments.ok()) return arguments.error().message;
    const auto done = read_settings(*arguments, settings_);
    notes_ = done.ok() ? *done : std::vector<std::string>();
    return done.ok() ? "ok" : done.error().message;
  }

  Settings settings_;
  std::vector<std::string> notes_;
  std::string directory_;
  std::vector<std::string> variables_;
};

TEST_F(SettingsTest, AtLeastOnceIsTakenAndSaysWhatItDoesNot) {
  EXPECT_EQ(read({"--processing.guarantee", "exactly_once_v2"}), "ok");
  EXPECT_TRUE(notes_.empty());
  EXPECT_EQ(read({"--processing.guarantee", "at_least_once"}), "ok");
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_NE(notes_[0].find("stay one commit, exactly once"), std::string::npos) << notes_[0];
  EXPECT_EQ(read({"--processing.guarantee", "at_most_once"}),
            "processing.guarantee takes exactly_once or at_least_once, not 'at_most_once'");
}

TEST_F(SettingsTest, WithoutAnythingTheDefaultsStand) {
  EXPECT_EQ(read({}), "ok");
  EXPECT_EQ(settings_.log.directory, "data");
  EXPECT_EQ(settings_.server.port, 8088);
  EXPECT_EQ(settings_.log.durability, log::Durability::fsync);
  EXPECT_GE(settings_.stream.state_bytes, int64_t{1} << 30);
}

TEST_F(SettingsTest, TheShortFlagsAreTheSettingsTheyStandFor) {
  EXPECT_EQ(read({"--data", "D", "--listen", "0.0.0.0:1", "--durability", "os", "--workers", "2",
                  "--state-memory-mb=64"}),
            "ok");
  EXPECT_EQ(settings_.log.directory, "D");
  EXPECT_EQ(settings_.server.address, "0.0.0.0");
  EXPECT_EQ(settings_.server.port, 1);
  EXPECT_EQ(settings_.log.durability, log::Durability::os);
  EXPECT_EQ(settings_.stream.workers, 2);
  EXPECT_EQ(settings_.stream.state_bytes, int64_t{64} << 20);
}

TEST_F(SettingsTest, FlagsWinOverVariablesAndTheseOverTheFile) {
  const std::string path = file("stream:\n  workers: 2\n  commit_interval: 2s\nlog.path: from-file\n");
  variable("TW_STREAM_WORKERS", "3");
  variable("TW_STREAM_COMMIT_INTERVAL", "3s");
  EXPECT_EQ(read({"--config", path, "--stream.workers", "4"}), "ok");
  EXPECT_EQ(settings_.stream.workers, 4);
  EXPECT_EQ(settings_.stream.commit_interval, Duration(3000));
  EXPECT_EQ(settings_.log.directory, "from-file");
}

TEST_F(SettingsTest, AFileThatSetsNothingIsTold) {
  const std::string path = file("# log.path: elsewhere\n");
  EXPECT_EQ(read({"--config", path}), "ok");
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_EQ(notes_[0], path + " sets nothing: it is empty, or all comments");
}

TEST_F(SettingsTest, TheLastOfTwoFlagsWins) {
  EXPECT_EQ(read({"--workers", "2", "--workers", "3"}), "ok");
  EXPECT_EQ(settings_.stream.workers, 3);
}

TEST_F(SettingsTest, ErrorsNameFlagVariableOrLine) {
  EXPECT_EQ(read({"--workers", "0"}),
            "--workers: stream.workers is '0'; it takes a whole number from 1 to 4");
  EXPECT_THAT(read({"--state-memory-mb", "x"}), HasSubstr("--state-memory-mb: state.memory_bytes is 'xMB'"));
  EXPECT_EQ(read({"--log.durabilty=os"}),
            "no option is called --log.durabilty; did you mean --log.durability?");
  EXPECT_EQ(read({"--quite-another"}), "no option is called --quite-another; see --help");
  EXPECT_EQ(read({"--config", file("a: 1\n")}),
            directory_ + "/tw.yaml:1: no setting is called a; docs/reference/settings.md lists them");
  variable("TW_LOG_DURABILITY", "maybe");
  EXPECT_EQ(read({}), "TW_LOG_DURABILITY: log.durability is 'maybe'; it takes fsync or os");
}

TEST_F(SettingsTest, RecordsForKafkaArePackedOnlyAsItsClientsKnow) {
  EXPECT_EQ(read({"--log.kafka.compression", "zip"}),
            "--log.kafka.compression: log.kafka.compression is 'zip'; it takes none, gzip, snappy, lz4 or "
            "zstd; did you "
            "mean gzip?");
  for (const char* name : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    EXPECT_EQ(read({"--log.kafka.compression", name}), "ok");
    EXPECT_EQ(settings_.kafka.compression, name);
  }
}

TEST_F(SettingsTest, SegmentsMustNotBeginLargerThanTheyMayGrow) {
  EXPECT_THAT(read({"--log.most_segment_bytes", "1MB"}),
              HasSubstr("is larger than log.most_segment_bytes (1MB)"));
}

TEST_F(SettingsTest, EveryDefaultIsAValueItsSettingTakes) {
  Settings settings;
  Options options;
  settings.fields(options);
  ASSERT_GT(options.settings().size(), 20u);
  for (const Setting& setting : std::vector<Setting>(options.settings())) {
    if (setting.secret || setting.standard.empty()) continue;  // have none
    const auto done = options.set(setting.name, setting.standard, "default");
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
}

}  // namespace
}  // namespace tradewind::cli
