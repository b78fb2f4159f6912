#include "base/options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tradewind {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

enum class Colour { red, blue };

struct ShopSettings {
  std::string path = "data";
  int workers = 1;
  Duration wait{100};
  size_t memory_bytes = size_t{64} << 20;
  bool open = true;
  Colour colour = Colour::red;
  std::string host = "127.0.0.1";
  int port = 8088;
  Secret token;

  void fields(Options& options) {
    options.text("shop.path", path, "Where it lies.");
    options.number("shop.workers", workers, {1, 64}, "How many.");
    options.duration("shop.wait", wait, {Duration(1), Duration(60'000)}, "How long.");
    options.bytes("shop.memory_bytes", memory_bytes, {1 << 20, int64_t{1} << 40}, "How much.");
    options.boolean("shop.open", open, "Whether.");
    options.choice("shop.colour", colour, {{"red", Colour::red}, {"blue", Colour::blue}}, "Which | what.");
    options.address("shop.listen", host, port, "Where it answers.");
    options.secret("shop.token", token, "What only it knows.");
  }
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { settings_.fields(options_); }

  std::string yaml(const std::string& text) {
    const auto done = options_.read_yaml(text, "tw.yaml");
    return done.ok() ? "ok" : done.error().message;
  }
  std::string set(const std::string& name, const std::string& value) {
    const auto done = options_.set(name, value, "--" + name);
    return done.ok() ? "ok" : done.error().message;
  }

  ShopSettings settings_;
  Options options_{Environment{{"TOKEN", "hush"}, {"EMPTY", ""}}};
};

TEST_F(OptionsTest, ReadsFlatKeysAndNestedMapsAlike) {
  EXPECT_EQ(yaml("shop.workers: 3\nshop:\n  wait: 2s\n  memory_bytes: \"1GB\"\n  colour: blue\n"), "ok");
  EXPECT_EQ(settings_.workers, 3);
  EXPECT_EQ(settings_.wait, Duration(2000));
  EXPECT_EQ(settings_.memory_bytes, size_t{1} << 30);
  EXPECT_EQ(settings_.colour, Colour::blue);
  EXPECT_EQ(settings_.path, "data");
}

TEST_F(OptionsTest, TakesAnEmptyFileAsNothing) {
  EXPECT_EQ(yaml(""), "ok");
  EXPECT_EQ(yaml("# only words\n"), "ok");
  EXPECT_TRUE(options_.given().empty());
}

TEST_F(OptionsTest, TakesEveryKind) {
  EXPECT_EQ(set("shop.open", "false"), "ok");
  EXPECT_EQ(set("shop.listen", "0.0.0.0:0"), "ok");
  EXPECT_EQ(set("shop.path", "/x y"), "ok");
  EXPECT_FALSE(settings_.open);
  EXPECT_EQ(settings_.host, "0.0.0.0");
  EXPECT_EQ(settings_.port, 0);
  EXPECT_EQ(settings_.path, "/x y");
}

TEST_F(OptionsTest, WhatIsReadLaterWins) {
  Options options(Environment{{"TW_SHOP_WORKERS", "5"}, {"TW_SHOP_WAIT", "7s"}});
  ShopSettings settings;
  settings.fields(options);
  ASSERT_TRUE(options.read_yaml("shop.workers: 4\nshop.wait: 6s\nshop.colour: blue\n", "tw.yaml").ok());
  ASSERT_TRUE(options.read_environment().ok());
  ASSERT_TRUE(options.set("shop.workers", "6", "--workers").ok());
  EXPECT_EQ(settings.workers, 6);
  EXPECT_EQ(settings.wait, Duration(7000));
  EXPECT_EQ(settings.colour, Colour::blue);
  EXPECT_EQ(options.given().at("shop.workers"), "--workers");
  EXPECT_EQ(options.given().at("shop.wait"), "TW_SHOP_WAIT");
  EXPECT_EQ(options.given().at("shop.colour"), "tw.yaml:3");
}

TEST_F(OptionsTest, AnUnknownKeyIsAnErrorThatNamesItsLineAndTheClosestName) {
  EXPECT_EQ(yaml("shop.path: a\n\nshop:\n  worker: 3\n"),
            "tw.yaml:4: no setting is called shop.worker; did you mean shop.workers?");
  EXPECT_EQ(yaml("quite.another: 1"),
            "tw.yaml:1: no setting is called quite.another; docs/reference/settings.md lists them");
  EXPECT_EQ(set("shop.colr", "x"), "--shop.colr: no setting is called shop.colr; did you mean shop.colour?");
}

TEST_F(OptionsTest, AnErrorNamesPlaceValueAndWhatIsTaken) {
  EXPECT_EQ(yaml("\nshop.workers: 0"),
            "tw.yaml:2: shop.workers is '0'; it takes a whole number from 1 to 64");
  EXPECT_EQ(set("shop.wait", "30"),
            "--shop.wait: shop.wait is '30'; it takes a time such as 100ms, 30s, 5m or 2h, from 1ms to 1m");
  EXPECT_EQ(set("shop.memory_bytes", "1XB"),
            "--shop.memory_bytes: shop.memory_bytes is '1XB'; it takes a size such as 16KB, 64MB or 1GB, "
            "from 1MB to 1TB");
  EXPECT_EQ(set("shop.colour", "bleu"),
            "--shop.colour: shop.colour is 'bleu'; it takes red or blue; did you mean blue?");
  EXPECT_EQ(set("shop.open", "1"), "--shop.open: shop.open is '1'; it takes true or false");
  EXPECT_EQ(set("shop.path", ""), "--shop.path: shop.path is ''; it takes a text that is not empty");
  EXPECT_EQ(set("shop.listen", "8088"),
            "--shop.listen: shop.listen is '8088'; it takes HOST:PORT such as 127.0.0.1:8088");
}

TEST_F(OptionsTest, RefusesNumbersThatAreNotWholeOrTooLarge) {
  for (const char* bad : {"", "x", "1.5", "65", "-1", "0x10", "1 2", "99999999999999999999"})
    EXPECT_NE(set("shop.workers", bad), "ok") << bad;
  for (const char* bad : {"", "s", "1.5s", "-1s", "61s", "9223372036854775807d", "1S", "1sec"})
    EXPECT_NE(set("shop.wait", bad), "ok") << bad;
  for (const char* bad : {"1", "9223372036854775807TB", "2mb", "-64MB", "64M B"})
    EXPECT_NE(set("shop.memory_bytes", bad), "ok") << bad;
  for (const char* bad : {":1", "a:", "a:65536", "a:-1", "a:1x", "a:+1"})
    EXPECT_NE(set("shop.listen", bad), "ok") << bad;
  EXPECT_EQ(settings_.workers, 1);
  EXPECT_EQ(settings_.port, 8088);
}

TEST_F(OptionsTest, AFileThatIsNoMapOfValuesIsRefusedWithItsLine) {
  EXPECT_EQ(yaml("- a\n"), "tw.yaml:1: not a map of settings such as 'log.durability: fsync'");
  EXPECT_EQ(yaml("shop.open: true\nshop.path: [a, b]"), "tw.yaml:2: shop.path is a list; it takes one value");
  EXPECT_EQ(yaml("shop.path:\n"), "tw.yaml:1: shop.path has no value; write one or leave it out");
  EXPECT_THAT(yaml("shop.open: true\nshop.path: \"x\nshop.wait: 3s"),
              AllOf(HasSubstr("tw.yaml:"), HasSubstr("not YAML: ")));
  EXPECT_EQ(yaml("shop.open: true\nshop:\n  open: false\n"),
            "tw.yaml:3: shop.open stands in line 1 already; leave one");
  EXPECT_THAT(yaml(std::string(100'000, '[')), HasSubstr("not YAML: "));
  EXPECT_THAT(yaml("{a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}}"), HasSubstr("deeper than 8"));
}

TEST_F(OptionsTest, AliasesToAliasesDoNotGrowWithoutEnd) {
  std::string text = "a0: &a0 {x: 1, y: 2, z: 3, w: 4, v: 5, u: 6}\n";
  for (int i = 1; i < 6; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {";
    for (int j = 0; j < 9; ++j) text += "k" + std::to_string(j) + ": " + before + ", ";
    text += "k9: " + before + "}\n";
  }
  EXPECT_THAT(yaml(text), HasSubstr("more than 1000 values"));
}

TEST_F(OptionsTest, SecretsComeFromElsewhereAndAreNeverPrinted) {
  EXPECT_THAT(yaml("shop.token: plain"), AllOf(HasSubstr("tw.yaml:1: shop.token is a secret"),
                                               HasSubstr("${env:NAME}"), Not(HasSubstr("plain'"))));
  EXPECT_THAT(set("shop.token", "swordfish"), Not(HasSubstr("swordfish")));
  EXPECT_EQ(set("shop.token", "${env:TOKEN}"), "ok");
  EXPECT_EQ(settings_.token.reveal(), "hush");
  EXPECT_THAT(options_.reference(), Not(HasSubstr("hush")));
  EXPECT_EQ(set("shop.token", "${env:NOPE}"),
            "--shop.token: shop.token is ${env:NOPE}, but no variable is called NOPE; export it");
  EXPECT_EQ(set("shop.token", "${file:/nowhere/at/all}"),
            "--shop.token: shop.token is ${file:/nowhere/at/all}, but cannot read /nowhere/at/all; check the "
            "path and who may read it");
  EXPECT_EQ(set("shop.token", "${vault:x}"),
            "--shop.token: shop.token is ${vault:x}; only ${env:NAME} and ${file:PATH} are known");
  EXPECT_NE(set("shop.token", "${env:EMPTY}"), "ok");
}

TEST_F(OptionsTest, AWrongValueFromElsewhereIsNotPrintedEither) {
  EXPECT_EQ(set("shop.workers", "${env:TOKEN}"),
            "--shop.workers: shop.workers is '${env:TOKEN}'; it takes a whole number from 1 to 64");
}

class OptionsFileTest : public OptionsTest {
 protected:
  OptionsFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tw_options_XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~OptionsFileTest() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string directory_;
};

TEST_F(OptionsFileTest, ReadsFilesAndSecretsOfFilesWithoutTheirLastNewline) {
  const std::string token = write("token", "from a file\n");
  const std::string path = write("tw.yaml", "shop.workers: 9\nshop.token: ${file:" + token + "}\n");
  const auto done = options_.read_file(path);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(settings_.workers, 9);
  EXPECT_EQ(settings_.token.reveal(), "from a file");
}

TEST_F(OptionsFileTest, AMissingFileIsAnErrorAndSoIsAFolder) {
  EXPECT_THAT(options_.read_file(directory_ + "/none.yaml").error().message,
              AllOf(HasSubstr("cannot read " + directory_ + "/none.yaml"), HasSubstr("--config")));
  EXPECT_FALSE(options_.read_file(directory_).ok());
}

TEST_F(OptionsTest, VariablesAreErrorsWhenTheyAreWrongAndNotesWhenTheyAreNearlyOurs) {
  const auto read = [](const Environment& environment) {
    Options options(environment);
    ShopSettings settings;
    settings.fields(options);
    return options.read_environment();
  };
  EXPECT_EQ(read({{"TW_SHOP_WORKERS", "many"}}).error().message,
            "TW_SHOP_WORKERS: shop.workers is 'many'; it takes a whole number from 1 to 64");
  const auto notes = read({{"TW_SHOP_WORKRS", "2"}, {"TW_SERVER", "http://x"}, {"PATH", "/bin"}});
  ASSERT_TRUE(notes.ok());
  EXPECT_THAT(*notes, ElementsAre("TW_SHOP_WORKRS names no setting; did you mean TW_SHOP_WORKERS?"));
}

TEST_F(OptionsTest, ThePageHasARowForEachWithItsDefault) {
  const std::string page = options_.reference();
  EXPECT_THAT(page, HasSubstr("\n## shop\n"));
  EXPECT_THAT(page, HasSubstr("| `shop.wait` | `100ms` | a time such as 100ms, 30s, 5m or 2h, from 1ms to 1m "
                              "| How long. |\n"));
  EXPECT_THAT(page, HasSubstr("| `shop.memory_bytes` | `64MB` |"));
  EXPECT_THAT(page, HasSubstr("Which \\| what."));
  EXPECT_THAT(page, HasSubstr("| `shop.listen` | `127.0.0.1:8088` |"));
}

TEST(OptionsText, UnitsAreTheLargestThatFit) {
  EXPECT_EQ(duration_text(Duration(0)), "0");
  EXPECT_EQ(duration_text(Duration(90'000)), "90s");
  EXPECT_EQ(duration_text(Duration(86'400'000)), "1d");
  EXPECT_EQ(bytes_text(int64_t{1} << 30), "1GB");
  EXPECT_EQ(bytes_text(1025), "1025B");
  for (const char* text : {"0", "1ms", "90s", "5m", "7h", "3d"})
    EXPECT_EQ(duration_text(*parse_duration(text)), text);
  EXPECT_EQ(parse_bytes("64 MB"), int64_t{64} << 20);
}

TEST(OptionsDeathTest, TwoSettingsOfOneVariableAreOurFault) {
  Options options;
  std::string one;
  options.text("a.b_c", one, "One.");
  EXPECT_DEATH(options.text("a_b.c", one, "Two."), "broken promise");
}

}  // namespace
}  // namespace tradewind
