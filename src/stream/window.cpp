#include "stream/window.h"

#include "base/check.h"

namespace tradewind::stream {

std::vector<int64_t> windows_for(const WindowSpec& spec, Timestamp time) {
  CHECK(spec.advance.count() > 0);
  std::vector<int64_t> starts;
  const Timestamp first = floor_to(time - spec.size, spec.advance) + spec.advance;
  for (Timestamp start = first; start <= time; start = start + spec.advance) starts.push_back(start.ms);
  CHECK(!starts.empty());
  return starts;
}

}  // namespace tradewind::stream
