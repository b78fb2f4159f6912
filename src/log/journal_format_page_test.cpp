// docs/formats/journal.md shows a journal; this one must be it.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

std::string hex_of_page(const std::string& path) {
  std::ifstream page(path);
  std::string line;
  std::string hex;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (inside) hex += (hex.empty() ? "" : " ") + line;
  }
  return hex;
}

TEST(JournalFormat, IsWhatThePageShows) {
  FaultyDisk disk(1);
  const auto log =
      std::move(open_embedded({.directory = "/log", .disk = &disk, .own_thread = false})).value();
  ASSERT_TRUE(log->create_topic({.name = "t", .retention = Duration(-1)}).ok());
  const HeaderView headers[] = {{"h", std::nullopt}};
  const RecordView records[] = {
      {.key = "k", .value = "hi", .time = {1000}, .headers = headers, .header_count = 1}};
  ASSERT_TRUE(std::move(log->producer({})).value()->append({"t", 0}, records).ok());
  Bytes content = disk.content("/log/journal/000000000001.seg");
  content.resize(content.find_last_not_of('\0') + 2);  // the last byte of the batch is a 0: no value
  EXPECT_EQ(to_hex(content), hex_of_page("docs/formats/journal.md"));  // tests run in the project's folder
}

}  // namespace
}  // namespace tradewind::log
