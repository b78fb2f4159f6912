// Every file of tests/sql in four modes. TW_SEED=n plays the power cuts of that seed only.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"
#include "player.h"

namespace tradewind::sqltest {
namespace {

constexpr uint64_t kSeeds = 30;
constexpr uint64_t kLongSeeds = 300;

class FileTest : public testing::Test {
 public:
  FileTest(std::string path, Mode mode) : path_(std::move(path)), mode_(mode) {}

  void TestBody() override {
    const auto script = read_script(path_);
    ASSERT_TRUE(script.ok()) << script.error().message;
    if (mode_ == Mode::spread && script->one_partition) {
      SUCCEED() << "its meaning hangs on one partition";
      return;
    }
    uint64_t first = 1;
    uint64_t last = std::getenv("TW_LONG") != nullptr ? kLongSeeds : kSeeds;
    if (mode_ != Mode::killed) last = 1;
    if (const char* one = std::getenv("TW_SEED")) first = last = std::strtoull(one, nullptr, 10);
    for (uint64_t seed = first; seed <= last; ++seed) {
      const std::string trouble = Player(*script, mode_, seed).play();
      if (!trouble.empty()) FAIL() << trouble << "\nTW_SEED=" << seed << " plays it again";
    }
  }

 private:
  const std::string path_;
  const Mode mode_;
};

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".test") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// tests/sql/window/late_rows.test -> window_late_rows
std::string test_name(const std::string& folder, const std::string& path) {
  std::string name =
      path.substr(folder.size() + 1, path.size() - folder.size() - 1 - std::string(".test").size());
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

}  // namespace
}  // namespace tradewind::sqltest

int main(int argc, char** argv) {
  using namespace tradewind::sqltest;
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "sql_files_test FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  const auto paths = files_below(folder);
  if (paths.empty()) {
    std::fprintf(stderr, "no .test files lie in %s\n", folder.c_str());
    return 2;
  }
  for (const std::string& path : paths) {
    for (const Mode mode : {Mode::straight, Mode::by_row, Mode::killed, Mode::spread}) {
      testing::RegisterTest("SqlFiles", (test_name(folder, path) + "." + name_of(mode)).c_str(), nullptr,
                            nullptr, path.c_str(), 1, [path, mode] { return new FileTest(path, mode); });
    }
  }
  return RUN_ALL_TESTS();
}
