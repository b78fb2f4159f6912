#pragma once
// The benchmark's own clients of Kafka, on librdkafka itself, so that what is measured is not measured by
// itself: a producer of the workload's records, and a reader of committed ones.
//
// Threads: one each. Errors: unavailable.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

struct rd_kafka_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_s;

namespace tradewind::bench {

class RecordWriter {
 public:
  // `linger`: how long a record may wait for others to be sent with.
  static Result<std::unique_ptr<RecordWriter>> open(const std::string& servers, Duration linger);
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // Copies the bytes; waits while too many are on their way.
  Result<> add(const std::string& topic, int32_t partition, BytesView key, BytesView value, int64_t time_ms);
  // Until all that was added is acknowledged.
  Result<> finish();

 private:
  RecordWriter() = default;
  rd_kafka_topic_s* topic(const std::string& name);

  rd_kafka_s* handle_ = nullptr;
  std::vector<std::pair<std::string, rd_kafka_topic_s*>> topics_;
  int64_t lost_ = 0;
};

struct Read {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  BytesView key;
  BytesView value;
};

class RecordReader {
 public:
  struct Options {
    std::string servers;
    Duration fetch_wait{10};
    bool committed_only = true;
  };
  static Result<std::unique_ptr<RecordReader>> open(const Options& options);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // All partitions, from their beginning.
  Result<> assign(const std::string& topic, int32_t partitions);
  // Waits up to `wait` for records, at most about a thousand; how many there were. The views hold until
  // `each` returns.
  Result<size_t> read(Duration wait, const std::function<void(const Read&)>& each);
  // Raw: only the first byte of each value is touched. How many there were; their bytes are added to `bytes`.
  Result<size_t> touch(Duration wait, uint64_t& bytes);

 private:
  RecordReader() = default;

  rd_kafka_s* handle_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  std::vector<rd_kafka_topic_s*> topics_;
  std::vector<int32_t> partitions_;
};

}  // namespace tradewind::bench
