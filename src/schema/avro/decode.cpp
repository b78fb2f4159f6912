#include "schema/avro/decode.h"

#include <algorithm>

#include "base/coding.h"
#include "data/decimal.h"
#include "schema/avro/lanes.h"
#include "schema/avro/skip.h"

namespace tradewind::schema::avro {
namespace {

constexpr uint32_t kMostEmptyElements = 65'536;  // elements that take no bytes, per record
constexpr size_t kMostElements = size_t{1} << 30;

template <typename Lanes>
class Runner {
 public:
  Runner(Block& block, const Lanes& lanes) : block_(block), lanes_(lanes) {}

  void run(const Steps& steps) {
    for (const Step& step : steps) run(step);
  }

  // The same, fetching a share of what comes next with every step.
  void run(const Steps& steps, Ahead& ahead) {
    const size_t share = ahead.payloads.size() / std::max<size_t>(steps.size(), 1) + 1;
    for (const Step& step : steps) {
      ahead.fetch(share);
      run(step);
    }
  }

 private:
  void run(const Step& step) {
    switch (step.op) {
      case Op::skip: return skip(step);
      case Op::boolean: return boolean(step);
      case Op::int32:
      case Op::micros_time: return small_number(step);
      case Op::int64:
      case Op::micros: return number(step);
      case Op::long_real:
      case Op::float_real:
      case Op::double_real: return real(step);
      case Op::text: return text(step);
      case Op::fixed: return fixed(step);
      case Op::symbol: return symbol(step);
      case Op::decimal64: return decimal64(step);
      case Op::decimal: return decimal(step);
      case Op::list: return list(step);
      case Op::choice: return choice(step);
      case Op::fill:
        for (size_t i = 0; i < lanes_.count; ++i) {
          if (!block_.failed(lanes_.lane(i)))
            block_.rows.fill(step.slot, lanes_.row(i), block_.plan.values[step.first]);
        }
        return;
      case Op::refuse:
        for (size_t i = 0; i < lanes_.count; ++i) {
          block_.fail(lanes_.lane(i), step.place, block_.plan.reasons[step.first].c_str());
        }
        return;
    }
  }

  void skip(const Step& step) {
    const SkipPart* const parts = block_.plan.skips.data() + step.first;
    for (size_t i = 0; i < lanes_.count; ++i) {
      const size_t lane = lanes_.lane(i);
      const Cursor end = block_.end[lane];
      Cursor at = block_.at[lane];
      for (uint32_t part = 0; part < step.count; ++part) {
        const Cursor next = skip_part(parts[part], at, end);
        if (__builtin_expect(next == nullptr, 0)) {
          block_.at[lane] = at;
          block_.fail(lane, parts[part].place, kShort);
          break;
        }
        at = next;
      }
      if (!block_.failed(lane)) block_.at[lane] = at;
    }
  }

  void boolean(const Step& step) {
    each<uint8_t>(block_, step, lanes_,
                  [](Cursor at, Cursor end, size_t, uint8_t& out, const char*&) -> Cursor {
                    if (at == end || *at > 1) return nullptr;
                    out = *at;
                    return at + 1;
                  });
  }

  void small_number(const Step& step) {
    const bool micros = step.op == Op::micros_time;
    each<int32_t>(block_, step, lanes_,
                  [micros](Cursor at, Cursor end, size_t, int32_t& out, const char*& what) -> Cursor {
                    uint64_t raw = 0;
                    at = read_varint(at, end, raw);
                    if (at == nullptr) return nullptr;
                    const int64_t value = micros ? millis_of(unzigzag(raw)) : unzigzag(raw);
                    out = static_cast<int32_t>(value);
                    if (out == value) return at;
                    what = kRange;
                    return nullptr;
                  });
  }

  void number(const Step& step) {
    const bool micros = step.op == Op::micros;
    each<int64_t>(block_, step, lanes_,
                  [micros](Cursor at, Cursor end, size_t, int64_t& out, const char*&) -> Cursor {
                    uint64_t raw = 0;
                    at = read_long_varint(at, end, raw);
                    out = micros ? millis_of(unzigzag(raw)) : unzigzag(raw);
                    return at;
                  });
  }

  void real(const Step& step) {
    const Op op = step.op;
    each<double>(block_, step, lanes_,
                 [op](Cursor at, Cursor end, size_t, double& out, const char*&) -> Cursor {
                   if (op == Op::long_real) {
                     uint64_t raw = 0;
                     at = read_long_varint(at, end, raw);
                     out = static_cast<double>(unzigzag(raw));
                     return at;
                   }
                   if (op == Op::float_real) {
                     float small = 0;
                     if (end - at < 4) return nullptr;
                     std::memcpy(&small, at, 4);
                     out = small;
                     return at + 4;
                   }
                   if (end - at < 8) return nullptr;
                   std::memcpy(&out, at, 8);
                   return at + 8;
                 });
  }

  void text(const Step& step) {
    const auto read = [](Cursor at, Cursor end, size_t, BytesView& out, const char*&) -> Cursor {
      size_t length = 0;
      at = read_length(at, end, length);
      if (__builtin_expect(at == nullptr, 0)) return nullptr;
      out = view_of(at, length);
      return at + length;
    };
    if (step.null_branch != kNeverNull) return each_nullable_text(block_, step, lanes_, read);
    each_value<BytesView>(block_, step, lanes_, read);
  }

  void fixed(const Step& step) {
    const size_t size = step.size;
    each<BytesView>(block_, step, lanes_,
                    [size](Cursor at, Cursor end, size_t, BytesView& out, const char*&) -> Cursor {
                      if (size > static_cast<size_t>(end - at)) return nullptr;
                      out = view_of(at, size);
                      return at + size;
                    });
  }

  void symbol(const Step& step) {
    const std::vector<BytesView>& symbols = block_.plan.enumerations[step.first].symbols;
    each<BytesView>(block_, step, lanes_,
                    [&symbols](Cursor at, Cursor end, size_t, BytesView& out, const char*& what) -> Cursor {
                      uint64_t raw = 0;
                      at = read_varint(at, end, raw);
                      if (at == nullptr) return nullptr;
                      if (__builtin_expect((raw & 1) == 0 && raw / 2 < symbols.size(), 1)) {
                        out = symbols[raw / 2];
                        if (out.data() != nullptr) return at;
                      }
                      what = kSymbol;
                      return nullptr;
                    });
  }

  void decimal64(const Step& step) {
    const uint32_t fixed_size = step.size;
    const auto bound = static_cast<int64_t>(power_of_ten(static_cast<int>(step.count)));
    each<int64_t>(block_, step, lanes_,
                  [&, fixed_size, bound](Cursor at, Cursor end, size_t lane, int64_t& out,
                                         const char*& what) -> Cursor {
                    size_t size = fixed_size;
                    at = fixed_size == kLengthFirst ? read_length(at, end, size)
                                                    : (size > static_cast<size_t>(end - at) ? nullptr : at);
                    if (__builtin_expect(at == nullptr, 0)) return nullptr;
                    if (__builtin_expect(size - 1 < 8, 1)) {
                      out = small_decimal(at, size, block_.begin[lane]);
                    } else {
                      Int128 wide = 0;
                      if (!wide_decimal(view_of(at, size), wide) || wide >= bound || wide <= -bound) {
                        what = kDecimal;
                        return nullptr;
                      }
                      out = static_cast<int64_t>(wide);
                    }
                    if (__builtin_expect(out < bound && out > -bound, 1)) return at + size;
                    what = kDecimal;
                    return nullptr;
                  });
  }

  void decimal(const Step& step) {
    if (block_.rows.column(step.slot).type().layout() == Layout::i64) return decimal_into<int64_t>(step);
    decimal_into<Int128>(step);
  }

  template <typename T>
  void decimal_into(const Step& step) {
    const uint32_t fixed_size = step.size;
    const DecimalPart part = block_.plan.decimals[step.first];
    each<T>(
        block_, step, lanes_,
        [fixed_size, part](Cursor at, Cursor end, size_t, T& out, const char*& what) -> Cursor {
          size_t size = fixed_size;
          at = fixed_size == kLengthFirst ? read_length(at, end, size)
                                          : (size > static_cast<size_t>(end - at) ? nullptr : at);
          if (at == nullptr) return nullptr;
          what = kDecimal;
          Int128 value = 0;
          if (!wide_decimal(view_of(at, size), value)) return nullptr;
          const auto scaled = rescale(value, part.from_scale, part.to_scale);
          if (!scaled || !fits_precision(*scaled, part.precision)) return nullptr;
          // Digits lost by rounding make the row bad, never the value.
          if (part.to_scale < part.from_scale && rescale(*scaled, part.to_scale, part.from_scale) != value) {
            return nullptr;
          }
          out = static_cast<T>(*scaled);
          return at + size;
        });
  }

  void choice(const Step& step) {
    const ChoicePart& part = block_.plan.choices[step.first];
    uint32_t taken[kBlock];
    for (size_t i = 0; i < lanes_.count; ++i) {
      const size_t lane = lanes_.lane(i);
      taken[i] = UINT32_MAX;
      if (block_.failed(lane)) continue;
      uint64_t raw = 0;
      const Cursor next = read_varint(block_.at[lane], block_.end[lane], raw);
      if (next == nullptr || (raw & 1) != 0 || raw / 2 >= part.branches.size()) {
        block_.fail(lane, step.place, next == nullptr ? kShort : kBranch);
        continue;
      }
      block_.at[lane] = next;
      taken[i] = static_cast<uint32_t>(raw / 2);
    }
    uint16_t lanes[kBlock];
    uint32_t rows[kBlock];
    for (uint32_t branch = 0; branch < part.branches.size(); ++branch) {
      size_t count = 0;
      for (size_t i = 0; i < lanes_.count; ++i) {
        if (taken[i] != branch) continue;
        lanes[count] = static_cast<uint16_t>(lanes_.lane(i));
        rows[count++] = lanes_.row(i);
      }
      if (count > 0) run_branch(part.branches[branch], Sparse{count, lanes, rows});
    }
  }

  void run_branch(const ChoicePart::Branch& branch, const Sparse& lanes) {
    for (const int slot : branch.blanks) {
      for (size_t i = 0; i < lanes.count; ++i) block_.rows.blank(slot, lanes.row(i));
    }
    Runner<Sparse>(block_, lanes).run(branch.steps);
  }

  // The count of the next block of a list; 0 at its end, or when the record is bad.
  uint32_t block_count(size_t lane, const Step& step, const ListPart& part) {
    uint64_t raw = 0;
    Cursor next = read_varint(block_.at[lane], block_.end[lane], raw);
    if (next != nullptr && raw == 0) {
      block_.at[lane] = next;
      return 0;
    }
    int64_t count = unzigzag(raw);
    if (next != nullptr && count < 0) {  // a size in bytes follows; the elements are read all the same
      uint64_t size = 0;
      next = read_varint(next, block_.end[lane], size);
      count = count == INT64_MIN ? INT64_MAX : -count;
    }
    if (next == nullptr) {
      block_.fail(lane, step.place, kShort);
      return 0;
    }
    const auto most = part.element_bytes == 0
                          ? kMostEmptyElements - block_.empties[lane]
                          : static_cast<size_t>(block_.end[lane] - next) / part.element_bytes;
    if (static_cast<uint64_t>(count) > most) {
      block_.fail(lane, step.place, kCount);
      return 0;
    }
    if (part.element_bytes == 0) block_.empties[lane] += static_cast<uint32_t>(count);
    block_.at[lane] = next;
    return static_cast<uint32_t>(count);
  }

  // Block by block of the lists; most have one and then the end.
  void list(const Step& step) {
    const ListPart& part = block_.plan.lists[step.first];
    uint16_t open[kBlock];
    uint32_t rows[kBlock];
    size_t count = 0;
    for (size_t i = 0; i < lanes_.count; ++i) {
      open[count] = static_cast<uint16_t>(lanes_.lane(i));
      rows[count] = lanes_.row(i);
      count += block_.failed(open[count]) ? 0 : 1;
    }
    uint32_t next[kBlock];
    uint32_t last[kBlock];
    while (count > 0) {
      const size_t before = block_.rows.elements(step.slot);
      size_t total = 0;
      size_t kept = 0;
      for (size_t i = 0; i < count; ++i) {
        const uint32_t elements = block_count(open[i], step, part);
        if (elements == 0) continue;
        if (before + total + elements > kMostElements) {
          block_.fail(open[i], step.place, kCount);
          continue;
        }
        next[kept] = static_cast<uint32_t>(before + total);
        block_.rows.add_stretch(step.slot, rows[i], next[kept], elements);
        total += elements;
        last[kept] = static_cast<uint32_t>(before + total);
        open[kept] = open[i];
        rows[kept++] = rows[i];
      }
      count = kept;
      if (count == 0) return;
      block_.rows.add_elements(step.slot, total);
      elements(part, open, next, last, count);
    }
  }

  // The first elements of all lists, then the second ones, and so on; lists that end or go bad drop out.
  void elements(const ListPart& part, const uint16_t* open, uint32_t* next, uint32_t* last, size_t count) {
    uint16_t lanes[kBlock];
    std::copy_n(open, count, lanes);
    while (count > 0) {
      Runner<Sparse>(block_, Sparse{count, lanes, next}).run(part.steps);
      size_t left = 0;
      for (size_t i = 0; i < count; ++i) {
        const uint32_t row = next[i] + 1;
        const bool goes_on = row < last[i] && !block_.failed(lanes[i]);
        lanes[left] = lanes[i];
        next[left] = row;
        last[left] = last[i];
        left += goes_on ? 1 : 0;
      }
      count = left;
    }
  }

  Block& block_;
  const Lanes lanes_;
};

std::string reason_of(const Plan& plan, const Fault& fault) {
  const std::string& place = plan.places[fault.place];
  return (place.empty() ? std::string("the value") : "field " + place) + ": " + fault.what + ", at byte " +
         std::to_string(fault.byte);
}

}  // namespace

void decode(const Plan& plan, const Payloads& payloads, Ahead& ahead, Rows& rows, std::vector<BadRow>& bad) {
  Block block{.plan = plan, .rows = rows};
  const size_t total = payloads.picked != nullptr ? payloads.picked->size() : payloads.last - payloads.first;
  uint16_t lanes[kBlock];
  for (size_t i = 0; i < kBlock; ++i) lanes[i] = static_cast<uint16_t>(i);
  const auto row_of = [&](size_t i) {
    return payloads.picked != nullptr ? (*payloads.picked)[i] : payloads.first + static_cast<uint32_t>(i);
  };
  for (size_t from = 0; from < total; from += kBlock) {
    const size_t count = std::min(kBlock, total - from);
    for (size_t i = 0; i < count; ++i) {
      const BytesView payload = *payloads.all[row_of(from + i)];
      block.begin[i] = reinterpret_cast<Cursor>(payload.data());
      block.at[i] = block.begin[i] + payloads.header;
      block.end[i] = block.begin[i] + payload.size();
      block.empties[i] = 0;
      block.faults[i].what = nullptr;
    }
    if (payloads.picked != nullptr) {
      Runner<Sparse>(block, Sparse{count, lanes, payloads.picked->data() + from}).run(plan.steps, ahead);
    } else {
      Runner<Dense>(block, Dense{count, row_of(from)}).run(plan.steps, ahead);
    }
    ahead.reach = std::clamp<size_t>(static_cast<size_t>(block.at[0] - block.begin[0]), 64, 1024);
    for (size_t i = 0; i < count; ++i) {
      if (block.failed(i)) bad.push_back({row_of(from + i), reason_of(plan, block.faults[i])});
    }
  }
}

}  // namespace tradewind::schema::avro
