#pragma once
// Lost place: a partition that ends before the place where it is read.

#include <string>

#include "base/result.h"
#include "log/record.h"

namespace tradewind::stream {

// not_found, for what was at the place is not there any more.
inline Error beyond_end(const log::FetchedBatch& batch) {
  return {Code::not_found,
          "topic " + batch.position.topic + " partition " + std::to_string(batch.position.partition) +
              " ends at " + std::to_string(batch.end) + ", but was read up to " + std::to_string(batch.next) +
              ": the topic was deleted and made anew, or its brokers lost records; TERMINATE the query and "
              "create it again to begin with what is there"};
}

}  // namespace tradewind::stream
