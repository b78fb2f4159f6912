#include "kafka_watch.h"

#include <algorithm>

namespace tradewind::bench {

Result<std::unique_ptr<ResultWatch>> ResultWatch::open(const std::string& servers, const std::string& side,
                                                       bool nullable) {
  std::unique_ptr<ResultWatch> watch(new ResultWatch(nullable));
  watch->reader_ = TRY(RecordReader::open({.servers = servers}));
  for (int query = 1; query <= 5; ++query)
    TRY(watch->reader_->assign(result_topic(side, query), kPartitions));
  return watch;
}

Result<size_t> ResultWatch::read(Duration wait) {
  std::string bad;
  const size_t got = TRY(reader_->read(wait, [&](const Read& record) {
    const auto query = static_cast<size_t>(record.topic.back() - '1');
    if (!found_[query].put(record.key, record.value, nullable_) && bad.empty())
      bad = "a record of " + std::string(record.topic) + " is no result of its query (partition " +
            std::to_string(record.partition) + ", offset " + std::to_string(record.offset) + ")";
  }));
  if (!bad.empty()) return Error{Code::io, bad};
  records_ += static_cast<int64_t>(got);
  return got;
}

bool ResultWatch::complete(const QueryRows& wanted) const {
  for (size_t q = 0; q < found_.size(); ++q) {
    if (found_[q].total() != wanted[q].total()) return false;
  }
  return true;
}

double ResultWatch::share(const QueryRows& wanted) const {
  double least = 1;
  for (size_t q = 0; q < found_.size(); ++q)
    least = std::min(least, static_cast<double>(found_[q].total()) / static_cast<double>(wanted[q].total()));
  return least;
}

std::vector<std::string> ResultWatch::differences(const QueryRows& wanted) const {
  std::vector<std::string> all;
  for (size_t q = 0; q < found_.size(); ++q) {
    if (std::string text = found_[q].difference(wanted[q]); !text.empty()) all.push_back(std::move(text));
  }
  return all;
}

}  // namespace tradewind::bench
