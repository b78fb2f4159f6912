// The journal beside RocksDB used as a log: records of 252 bytes in batches of 1000, synced every 10 ms.
//
//   tradewind-bench-log [--records N] [--directory PATH] [--json]
//
// RocksDB has its default options, without compression: its figures of appending include flushes and the
// compactions that were done by then. Both are written to and read by one thread; CPU time is that of all
// threads.
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/coding.h"
#include "base/random.h"
#include "bench/measure.h"
#include "log/open.h"

namespace tradewind::bench {
namespace {

constexpr size_t kBatch = 1000;
constexpr size_t kKeyBytes = 12;
constexpr size_t kValueBytes = 240;
constexpr int32_t kPartitions = 32;
constexpr auto kSyncEvery = std::chrono::milliseconds(10);

struct Figures {
  std::string name;
  double append_cpu_ns = 0;  // per record, all threads
  double append_wall_ns = 0;
  double written_per_payload = 0;
  double read_cpu_ns = 0;
  double read_wall_ns = 0;
  int64_t syncs = 0;
};

// One batch of records over bytes of its own.
struct Batch {
  Bytes bytes;
  std::vector<log::RecordView> records;

  explicit Batch(Random& random) : bytes(kBatch * (kKeyBytes + kValueBytes), '\0') {
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    for (size_t i = 0; i < kBatch; ++i) {
      const char* at = bytes.data() + i * (kKeyBytes + kValueBytes);
      records.push_back({.key = BytesView(at, kKeyBytes),
                         .value = BytesView(at + kKeyBytes, kValueBytes),
                         .time = {1'300'000'000'000 + static_cast<int64_t>(i)}});
    }
  }
};

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T sure(Result<T> result) {
  if (!result.ok()) stop(result.error().message);
  return std::move(result).value();
}
void sure(const rocksdb::Status& status) {
  if (!status.ok()) stop(status.ToString());
}

class Stretch {
 public:
  // CPU and wall nanoseconds per record since it was made.
  void take(size_t records, double& cpu, double& wall) const {
    const auto passed = std::chrono::steady_clock::now() - wall_;
    cpu = static_cast<double>(cpu_ns() - cpu_) / static_cast<double>(records);
    wall = static_cast<double>(std::chrono::nanoseconds(passed).count()) / static_cast<double>(records);
  }

 private:
  std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
  int64_t cpu_ = cpu_ns();
};

// Calls `append` for each batch and `sync` when 10 ms are over and at the end.
void drive(size_t batches, const std::function<void(size_t)>& append, const std::function<void()>& sync) {
  auto synced = std::chrono::steady_clock::now();
  for (size_t i = 0; i < batches; ++i) {
    append(i);
    const auto now = std::chrono::steady_clock::now();
    if (now - synced < kSyncEvery) continue;
    sync();
    synced = std::chrono::steady_clock::now();
  }
  sync();
}

Figures journal(const std::string& directory, const std::vector<Batch>& data, size_t batches) {
  Figures figures{.name = "journal"};
  const auto log = sure(log::open_embedded({.directory = directory, .own_thread = false}));
  sure(log->create_topic({.name = "events", .partitions = kPartitions}));
  const auto producer = sure(log->producer({.id = "bench", .transactional = true}));
  const auto before = log->figures();
  const Stretch appending;
  drive(
      batches,
      [&](size_t i) {
        const auto transaction = sure(producer->begin());
        const auto& records = data[i % data.size()].records;
        sure(transaction->append({"events", static_cast<int32_t>(i % kPartitions)}, records));
        sure(transaction->commit("", {}));
      },
      [&] { sure(log->wait_durable(log->written())); });
  appending.take(batches * kBatch, figures.append_cpu_ns, figures.append_wall_ns);
  const auto after = log->figures();
  figures.written_per_payload = static_cast<double>(after.bytes_written - before.bytes_written) /
                                static_cast<double>(after.payload_bytes - before.payload_bytes);
  figures.syncs = after.syncs - before.syncs;

  const auto consumer = sure(log->consumer(log::Visibility::durable));
  for (int32_t p = 0; p < kPartitions; ++p) sure(consumer->assign({"events", p}, 0));
  const Stretch reading;
  size_t records = 0;
  size_t bytes = 0;
  while (records < batches * kBatch) {
    for (const log::FetchedBatch& batch : sure(consumer->poll(Duration(0), 10'000))) {
      records += batch.records.size();
      for (const log::RecordView& record : batch.records) bytes += record.key->size() + record.value->size();
    }
  }
  reading.take(records, figures.read_cpu_ns, figures.read_wall_ns);
  if (bytes != batches * kBatch * (kKeyBytes + kValueBytes))
    stop("the journal did not give back what it got");
  return figures;
}

// Records of a batch as one value: time, key and value of each, with their lengths.
void encode(const std::vector<log::RecordView>& records, Bytes& out) {
  out.clear();
  for (const log::RecordView& record : records) {
    put_zigzag(out, record.time.ms);
    put_bytes(out, *record.key);
    put_bytes(out, *record.value);
  }
}

size_t walk(BytesView value, size_t& bytes) {
  size_t records = 0;
  for (; !value.empty(); ++records) {
    int64_t time = 0;
    BytesView key;
    BytesView payload;
    if (!get_zigzag(value, time) || !get_bytes(value, key) || !get_bytes(value, payload)) stop("a bad batch");
    bytes += key.size() + payload.size();
  }
  return records;
}

Figures rocks(const std::string& directory, const std::vector<Batch>& data, size_t batches) {
  Figures figures{.name = "rocksdb"};
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.statistics = rocksdb::CreateDBStatistics();
  rocksdb::DB* raw = nullptr;
  sure(rocksdb::DB::Open(options, directory, &raw));
  const std::unique_ptr<rocksdb::DB> db(raw);
  Bytes key;
  Bytes value;
  const Stretch appending;
  drive(
      batches,
      [&](size_t i) {
        encode(data[i % data.size()].records, value);
        key.clear();
        put_big32(key, static_cast<uint32_t>(i % kPartitions));
        put_big64(key, i / kPartitions * kBatch);
        sure(db->Put({}, key, value));
      },
      [&] {
        sure(db->SyncWAL());
        ++figures.syncs;
      });
  sure(db->Flush({}));
  appending.take(batches * kBatch, figures.append_cpu_ns, figures.append_wall_ns);
  rocksdb::CancelAllBackgroundWork(db.get(), true);  // else its compactions count as reading
  const auto& statistics = *options.statistics;
  const uint64_t written = statistics.getTickerCount(rocksdb::WAL_FILE_BYTES) +
                           statistics.getTickerCount(rocksdb::FLUSH_WRITE_BYTES) +
                           statistics.getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
  const auto payload = static_cast<double>(batches * kBatch * (kKeyBytes + kValueBytes));
  figures.written_per_payload = static_cast<double>(written) / payload;

  rocksdb::ReadOptions read;
  read.readahead_size = 2 << 20;
  const Stretch reading;
  size_t records = 0;
  size_t bytes = 0;
  const std::unique_ptr<rocksdb::Iterator> each(db->NewIterator(read));
  for (each->SeekToFirst(); each->Valid(); each->Next()) {
    records += walk(BytesView(each->value().data(), each->value().size()), bytes);
  }
  reading.take(records, figures.read_cpu_ns, figures.read_wall_ns);
  if (records != batches * kBatch) stop("rocksdb did not give back what it got");
  return figures;
}

void print(const std::vector<Figures>& all, size_t records, bool json) {
  if (json) {
    std::printf("{\"records\":%zu,\"record_bytes\":%zu,\"logs\":[", records, kKeyBytes + kValueBytes);
    for (size_t i = 0; i < all.size(); ++i) {
      const Figures& f = all[i];
      std::printf(
          "%s{\"name\":\"%s\",\"append_cpu_ns\":%.1f,\"append_wall_ns\":%.1f,\"written_per_payload\":%.3f,"
          "\"read_cpu_ns\":%.1f,\"read_wall_ns\":%.1f,\"syncs\":%lld}",
          i == 0 ? "" : ",", f.name.c_str(), f.append_cpu_ns, f.append_wall_ns, f.written_per_payload,
          f.read_cpu_ns, f.read_wall_ns, static_cast<long long>(f.syncs));
    }
    std::printf("]}\n");
    return;
  }
  std::printf("%zu records of %zu bytes, batches of %zu, a sync every 10 ms; ns per record\n\n", records,
              kKeyBytes + kValueBytes, kBatch);
  std::printf("%-10s %12s %12s %16s %10s %10s %7s\n", "log", "append CPU", "append wall", "written/payload",
              "read CPU", "read wall", "syncs");
  for (const Figures& f : all) {
    std::printf("%-10s %12.1f %12.1f %16.3f %10.1f %10.1f %7lld\n", f.name.c_str(), f.append_cpu_ns,
                f.append_wall_ns, f.written_per_payload, f.read_cpu_ns, f.read_wall_ns,
                static_cast<long long>(f.syncs));
  }
}

int run(int argc, char** argv) {
  const auto batches =
      std::strtoull(option(argc, argv, "--records", "2000000").c_str(), nullptr, 10) / kBatch;
  const std::string parent =
      option(argc, argv, "--directory", std::filesystem::temp_directory_path().string());
  std::string directory = parent + "/tradewind-bench-log-XXXXXX";
  if (batches == 0 || ::mkdtemp(directory.data()) == nullptr) stop("cannot use " + directory);
  Random random(1);
  std::vector<Batch> data;
  for (int i = 0; i < 8; ++i) data.emplace_back(random);
  std::vector<Figures> all;
  all.push_back(journal(directory + "/journal", data, batches));
  std::filesystem::remove_all(directory + "/journal");
  all.push_back(rocks(directory + "/rocksdb", data, batches));
  std::filesystem::remove_all(directory);
  print(all, batches * kBatch, flag(argc, argv, "--json"));
  return 0;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  return tradewind::bench::run(argc, argv);
}
