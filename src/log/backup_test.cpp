// BackupSources of a log that goes on, as backups; and logs made of them.
#include "log/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "log/open.h"

namespace tradewind::log {
namespace {

using testing::HasSubstr;

const Position kIn{"in", 0};
const Position kOut{"out", 0};

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tradewind-backup-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    log = open(folder + "/data");
    EXPECT_TRUE(log->create_topic({.name = "in"}).ok());
    EXPECT_TRUE(log->create_topic({.name = "out"}).ok());
    EXPECT_TRUE(log->create_topic({.name = "state", .cleanup = Cleanup::compact}).ok());
    producer = std::move(log->producer({.id = "worker", .transactional = true})).value();
  }
  ~BackupTest() override {
    producer.reset();
    log.reset();
    std::filesystem::remove_all(folder);
  }

  static std::unique_ptr<EmbeddedLog> open(const std::string& directory) {
    auto opened = open_embedded({.directory = directory,
                                 .durability = Durability::os,
                                 .first_segment_bytes = 64 << 10,
                                 .most_segment_bytes = 64 << 10,
                                 .spare_percent = 5,
                                 .dirty_percent = 10,
                                 .keeper_rate = 1ULL << 30});
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(opened).value();
  }

  // One commit: a record in each topic and the place behind it.
  void commit(int64_t number) {
    const Bytes value = std::to_string(number) + Bytes(static_cast<size_t>(number % 1500), '.');
    const Bytes key = "k" + std::to_string(number % 10);
    const RecordView record{.key = key, .value = value, .time = {number}};
    auto transaction = std::move(producer->begin()).value();
    for (const char* topic : {"in", "out", "state"})
      ASSERT_TRUE(transaction->append({topic, 0}, {&record, 1}).ok());
    const auto done = transaction->commit("worker", {{kIn, number + 1}});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  Bytes backup(bool packed = true) { return backup_of(std::move(log->backup_source()).value(), packed); }
  static Bytes backup_of(const BackupSource& source, bool packed) {
    BackupWriter writer(packed);
    Bytes file = writer.head({5, source.last_frame(), source.parts()});
    Bytes bytes;
    for (size_t part = 0; part < source.parts().size(); ++part) {
      for (uint64_t at = 0; at < source.parts()[part].bytes; at += bytes.size()) {
        const auto read = source.read(part, at, 10'000, bytes);
        EXPECT_TRUE(read.ok()) << read.error().message;
        file += writer.piece({source.parts()[part].number, at, bytes});
      }
    }
    return file + writer.end();
  }

  static Result<> read(BytesView file, const BackupReader::EachPiece& each) {
    BackupReader reader;
    for (size_t at = 0; at < file.size(); at += 4'097) TRY(reader.take(file.substr(at, 4'097), each));
    return reader.finish();
  }
  static Result<> check(BytesView file) {
    return read(file, [](const BackupPiece&) { return Result<>(); });
  }
  Result<> restore(BytesView file, const std::string& directory) {
    const auto disk = make_posix_disk();
    const auto restoring = TRY(Restoring::begin(directory, *disk));
    TRY(read(file, [&](const BackupPiece& piece) { return restoring->take(piece); }));
    return restoring->finish();
  }

  // The numbers that lie in a topic, in order.
  static std::vector<int64_t> numbers(EmbeddedLog& log, const Position& position) {
    std::vector<int64_t> found;
    auto consumer = std::move(log.consumer(Visibility::written)).value();
    EXPECT_TRUE(consumer->assign(position, 0).ok());
    while (true) {
      const auto batches = consumer->poll(Duration(0), 1000);
      EXPECT_TRUE(batches.ok()) << batches.error().message;
      if (!batches.ok() || batches->empty()) return found;
      for (const FetchedBatch& batch : *batches)
        for (const RecordView& record : batch.records) found.push_back(record.time.ms);
    }
  }

  std::string folder;
  std::unique_ptr<EmbeddedLog> log;
  std::unique_ptr<Producer> producer;
};

TEST_F(BackupTest, HoldsWhatWasThereAndNothingOfWhatFollowed) {
  for (int64_t i = 0; i < 300; ++i) commit(i);
  for (const bool packed : {false, true}) {
    const Bytes file = backup(packed);
    commit(300 + (packed ? 1 : 0));
    const std::string directory = folder + (packed ? "/packed" : "/plain");
    const auto done = restore(file, directory);
    ASSERT_TRUE(done.ok()) << done.error().message;
    const auto restored = open(directory);
    const auto found = numbers(*restored, kIn);
    ASSERT_EQ(found.size(), packed ? 301u : 300u);
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], static_cast<int64_t>(i));
    EXPECT_EQ(restored->group_offsets("worker").value().at(kIn), static_cast<Offset>(found.size()));
  }
}

TEST_F(BackupTest, GoesOnWhereTheBackupWasTaken) {
  for (int64_t i = 0; i < 100; ++i) commit(i);
  ASSERT_TRUE(restore(backup(), folder + "/restored").ok());
  producer.reset();
  log = open(folder + "/restored");
  producer = std::move(log->producer({.id = "worker", .transactional = true})).value();
  for (int64_t i = 100; i < 400; ++i) commit(i);
  producer.reset();
  log.reset();
  log = open(folder + "/restored");
  EXPECT_EQ(numbers(*log, kOut).size(), 400u);
}

TEST_F(BackupTest, HoldsFilesThatTheLogNoLongerNeeds) {
  for (int64_t i = 0; i < 300; ++i) commit(i);
  auto source = std::make_unique<BackupSource>(std::move(log->backup_source()).value());
  const auto go_on = [&](int64_t from) {
    for (int64_t i = from; i < from + 300; ++i) commit(i);
    for (const char* topic : {"in", "out", "state"}) {
      EXPECT_TRUE(log->trim({topic, 0}, INT64_MAX).ok());
    }
  };
  go_on(300);
  go_on(600);
  EXPECT_EQ(log->figures().reclaimed_bytes, 0);
  const auto done = restore(backup_of(*source, false), folder + "/restored");
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(numbers(*open(folder + "/restored"), kIn).size(), 300u);
  source.reset();
  go_on(900);
  EXPECT_GT(log->figures().reclaimed_bytes, 0);
}

// Segments are emptied, compacted and used again meanwhile; every source lies between two commits.
TEST_F(BackupTest, LiesBetweenTwoCommitsWhileWritingAndKeepingGoOn) {
  std::atomic<bool> written{false};
  std::jthread writing([&] {
    for (int64_t i = 0; i < 3'000; ++i) {
      commit(i);
      if (i % 200 == 199) {
        EXPECT_TRUE(log->trim(kOut, i - 100).ok());
      }
    }
    written = true;
  });
  size_t last = 0;
  for (int round = 0; round == 0 || (round < 8 && !written); ++round) {
    const std::string directory = folder + "/restored" + std::to_string(round);
    const auto done = restore(backup(), directory);
    ASSERT_TRUE(done.ok()) << done.error().message;
    const auto restored = open(directory);
    const auto in = numbers(*restored, kIn);
    const auto out = numbers(*restored, kOut);
    const auto state = numbers(*restored, {"state", 0});
    EXPECT_GE(in.size(), last);
    last = in.size();
    for (size_t i = 0; i < in.size(); ++i) ASSERT_EQ(in[i], static_cast<int64_t>(i));
    if (in.empty()) continue;
    ASSERT_FALSE(out.empty());
    ASSERT_FALSE(state.empty());
    EXPECT_EQ(out.back(), in.back());
    EXPECT_EQ(state.back(), in.back());
    EXPECT_EQ(restored->group_offsets("worker").value().at(kIn), static_cast<Offset>(in.size()));
  }
}

TEST_F(BackupTest, IsNotWholeWhenItIsCutOffAnywhere) {
  for (int64_t i = 0; i < 60; ++i) commit(i);
  const Bytes file = backup();
  ASSERT_TRUE(check(file).ok());
  for (size_t size = 0; size < file.size(); size += 1 + file.size() / 97) {
    const auto done = check(BytesView(file).substr(0, size));
    ASSERT_FALSE(done.ok()) << size;
    EXPECT_EQ(done.error().code, Code::corrupt);
    EXPECT_THAT(done.error().message, HasSubstr("cut off at byte " + std::to_string(size)));
  }
}

TEST_F(BackupTest, NamesTheByteWhereItIsDamaged) {
  for (int64_t i = 0; i < 60; ++i) commit(i);
  const Bytes file = backup();
  for (size_t at = 0; at < file.size(); at += 1 + file.size() / 211) {
    Bytes damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_FALSE(check(damaged).ok()) << at;
  }
  Bytes damaged = file;
  damaged[file.size() / 2] = static_cast<char>(damaged[file.size() / 2] ^ 1);
  EXPECT_THAT(check(damaged).error().message, HasSubstr("is damaged at byte "));
  EXPECT_THAT(check(Bytes(1'000, 'x')).error().message, HasSubstr("this is no backup"));
  EXPECT_THAT(check(file + file).error().message, HasSubstr("something follows its end"));
}

TEST_F(BackupTest, MissesAPieceThatWasTakenOut) {
  for (int64_t i = 0; i < 60; ++i) commit(i);
  BackupWriter writer(false);
  const Bytes head = writer.head({0, 1, {{1, 6}}});
  const Bytes first = writer.piece({1, 0, "abc"});
  const Bytes second = writer.piece({1, 3, "def"});
  EXPECT_TRUE(check(head + first + second + writer.end()).ok());
  EXPECT_THAT(check(head + second + writer.end()).error().message, HasSubstr("a piece is missing"));
  EXPECT_THAT(check(head + first + writer.end()).error().message, HasSubstr("its end does not fit"));
  EXPECT_THAT(check(first + second).error().message, HasSubstr("out of order"));
}

TEST_F(BackupTest, IsRestoredOnlyIntoAnEmptyFolder) {
  commit(0);
  const auto done = restore(backup(), folder + "/data");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::conflict);
  std::filesystem::create_directory(folder + "/empty");
  const auto into_empty = restore(backup(), folder + "/empty/");
  EXPECT_TRUE(into_empty.ok()) << into_empty.error().message;
  EXPECT_EQ(numbers(*open(folder + "/empty"), kIn).size(), 1u);
}

TEST_F(BackupTest, LeavesNothingWhenItIsNotRestoredToItsEnd) {
  for (int64_t i = 0; i < 60; ++i) commit(i);
  const Bytes file = backup();
  const std::string directory = folder + "/restored";
  EXPECT_FALSE(restore(BytesView(file).substr(0, file.size() - 1), directory).ok());
  EXPECT_FALSE(std::filesystem::exists(directory));
  std::filesystem::create_directory(directory);
  EXPECT_FALSE(restore(BytesView(file).substr(0, file.size() - 1), directory).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

// As after a kill: what stood there then was copied away before it was taken back.
TEST_F(BackupTest, OpensNoLogWhereItWasKilledAndIsRestoredThereAgain) {
  for (int64_t i = 0; i < 300; ++i) commit(i);
  const Bytes file = backup();
  const std::string killed = folder + "/killed";
  {
    const auto disk = make_posix_disk();
    const auto restoring = std::move(Restoring::begin(folder + "/restored", *disk)).value();
    int pieces = 0;
    ASSERT_TRUE(read(file, [&](const BackupPiece& piece) {
                  if (++pieces == 3)
                    std::filesystem::copy(folder + "/restored", killed,
                                          std::filesystem::copy_options::recursive);
                  return restoring->take(piece);
                }).ok());
  }
  const auto opened = open_embedded({.directory = killed});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("run `tradewind backup restore` again"));
  const auto done = restore(file, killed);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(numbers(*open(killed), kIn).size(), 300u);
}

// docs/formats/backup.md shows a backup; this one must be it.
TEST(BackupFormat, IsWhatThePageShows) {
  BackupWriter writer(false);
  Bytes file = writer.head({.taken_ms = 2000, .last_frame = 7, .parts = {{.number = 3, .bytes = 3}}});
  file += writer.piece({3, 0, "ab"});
  file += writer.piece({3, 2, "c"});
  file += writer.end();
  std::ifstream page("docs/formats/backup.md");  // tests run in the project's folder
  std::string hex;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) inside = line == "```hex";
    if (inside && !line.starts_with("```")) hex += (hex.empty() ? "" : " ") + line;
  }
  EXPECT_EQ(to_hex(file), hex);
}

}  // namespace
}  // namespace tradewind::log
