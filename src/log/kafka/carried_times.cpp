#include "log/kafka/carried_times.h"

#include <algorithm>

#include "base/coding.h"
#include "log/kafka/client.h"

namespace tradewind::log::kafka {

std::span<const RecordView> CarriedTimes::of(std::span<const RecordView> records) {
  const int64_t latest_ms = now_.ms + kMostAhead.count();
  const auto ahead = [&](const RecordView& record) { return record.time.ms > latest_ms; };
  if (std::none_of(records.begin(), records.end(), ahead)) return records;
  std::vector<RecordView>& carried = records_.emplace_back(records.begin(), records.end());
  for (RecordView& record : carried) {
    if (!ahead(record)) continue;
    Bytes& time = times_.emplace_back();
    put_big64(time, static_cast<uint64_t>(record.time.ms));
    std::vector<HeaderView>& headers = headers_.emplace_back();
    if (record.header_count > 0) headers.assign(record.headers, record.headers + record.header_count);
    headers.push_back({.name = kTimeHeader, .value = BytesView(time)});
    record.headers = headers.data();
    record.header_count = static_cast<uint32_t>(headers.size());
    record.time = now_;
  }
  return carried;
}

}  // namespace tradewind::log::kafka
