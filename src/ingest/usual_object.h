#pragma once
// UsualObject: how the objects of one record were written the last time. Producers write them alike: what
// stands between two values is compared as a whole, not read again.
//
// Threads: one at a time.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ingest/event_plan.h"
#include "ingest/opening.h"

namespace tradewind::ingest {

inline constexpr size_t kUnknownField = SIZE_MAX;

// The member that came behind a certain field, or first.
struct UsualMember {
  // What is read without asking what else it may be.
  enum class Kind : uint8_t { other, text, noted_text, symbol };

  Opening opening;
  Kind kind = Kind::other;
  size_t field = 0;
  Bytes lead;            // what stands in for the fields it passed, and the value's branch
  size_t stand_ins = 0;  // bytes of `lead` in front of the branch
  size_t symbol = 0;     // the last one

  // All but the opening: a member for `index` behind the fields before `from`; `noted`: its value is looked
  // at. False, and it is as it was: fields between must be there.
  bool learn(const RecordPlan& planned, size_t from, size_t index, bool noted);
};

struct UsualObject {
  bool in_order = true;             // of the schema
  std::vector<UsualMember> behind;  // in order: the member behind field n - 1
  std::vector<size_t> fields;       // in another order: which field the n-th member was

  // In another order: the name is compared with the last one's, and looked up if it is not the same.
  size_t field_of(std::string_view name, const RecordPlan& planned, size_t number);
};

}  // namespace tradewind::ingest
