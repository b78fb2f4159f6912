#pragma once
// Zone: a time zone by its name in the machine's zone data ("Europe/Berlin"), or an offset ("+02:00", "UTC").
//
// Threads: immutable, share freely.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tradewind::expr {

class Zone {
 public:
  Zone() = default;  // UTC
  static Zone fixed(int64_t offset_ms);
  // invalid: no zone is called that.
  static Result<Zone> find(const std::string& name);

  // How far its clocks are ahead of UTC at that moment.
  int64_t offset_at(int64_t utc_ms) const;
  // The moment its clocks show `local_ms`: the earlier one when there are two; what a clock that was not set
  // forward shows when there is none.
  int64_t to_utc(int64_t local_ms) const;
  const std::string& name() const { return name_; }
  std::string abbreviation(int64_t utc_ms) const;  // "CET"

 private:
  std::string name_ = "UTC";
  int64_t offset_ms_ = 0;
  const void* rules_ = nullptr;  // of the zone data; none: the offset
};

}  // namespace tradewind::expr
