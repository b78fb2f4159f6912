#include "log/record.h"

namespace tradewind::log {

int64_t payload_bytes(const RecordView& record) {
  size_t bytes = (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (uint32_t i = 0; i < record.header_count; ++i) {
    const HeaderView& header = record.headers[i];
    bytes += header.name.size() + (header.value ? header.value->size() : 0);
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace tradewind::log
