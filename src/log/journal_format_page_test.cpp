// docs/formats/journal.md shows a journal; this one must be it.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "log/embedded/frame.h"
#include "log/faulty_disk.h"
#include "log/open.h"

namespace tradewind::log {
namespace {

// The lines of the block called `name`.
std::string hex_of_page(const std::string& name) {
  std::ifstream page("docs/formats/journal.md");  // tests run in the project's folder
  std::string line;
  std::string hex;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("```")) {
      inside = line == "```" + name;
      continue;
    }
    if (inside) hex += (hex.empty() ? "" : " ") + line;
  }
  return hex;
}

TEST(JournalFormat, IsWhatThePageShows) {
  FaultyDisk disk(1);
  ManualClock clock(Timestamp{2000});
  const auto log =
      std::move(open_embedded({.directory = "/log", .disk = &disk, .clock = &clock, .own_thread = false}))
          .value();
  ASSERT_TRUE(log->create_topic({.name = "t", .retention = Duration(-1)}).ok());
  const HeaderView headers[] = {{"h", std::nullopt}};
  const RecordView records[] = {
      {.key = "k", .value = "hi", .time = {1000}, .headers = headers, .header_count = 1}};
  ASSERT_TRUE(std::move(log->producer({})).value()->append({"t", 0}, records).ok());
  Bytes content = disk.content("/log/journal/000000000001.seg");
  content.resize(content.find_last_not_of('\0') + 2);  // the last byte of the batch is a 0: no value
  EXPECT_EQ(to_hex(content), hex_of_page("hex"));
}

TEST(JournalFormat, WritesBatchesAgainAsThePageShows) {
  FrameGroup first;
  const RecordView record{.key = "k", .value = "hi", .time = {1000}};
  first.add_batch(1, 0, {&record, 1});
  first.entries()[0].header.base_offset = 4;
  const FrameGroup::Entry& batch = first.entries()[0];
  FrameGroup again;
  again.add_moved(batch.header, first.frames()[0].view().substr(batch.at + sizeof(EntryHeader)), 2000);
  RecordView left = record;
  left.offset = 6;
  again.add_compacted(1, 0, 4, {.appended_ms = 2000, .span = 5}, {&left, 1});
  again.seal(9, 3, 8);
  EXPECT_EQ(to_hex(again.frames()[0].view()), hex_of_page("hex rewritten"));
}

}  // namespace
}  // namespace tradewind::log
