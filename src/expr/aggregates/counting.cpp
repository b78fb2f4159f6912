#include "expr/aggregates/counting.h"

#include <cmath>
#include <cstring>
#include <deque>

#include "base/coding.h"
#include "base/hash.h"

namespace tradewind::expr {
namespace {

int64_t number_at(const char* at) {
  int64_t number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

void put_number(char* at, int64_t number) {
  std::memcpy(at, &number, sizeof number);
}

class Count final : public Aggregate {
 public:
  Count() : Aggregate(Kind::bigint, 8) {}

  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    const uint8_t* valid = argument == nullptr ? nullptr : argument->valid();
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || (valid != nullptr && valid[i] == 0)) continue;
      char* at = rows[i] + offset();
      put_number(at, number_at(at) + (retract != nullptr && retract[i] == Change::retract ? -1 : 1));
    }
    return {};
  }

  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    Packer pack(out);
    for (size_t i = 0; i < count; ++i) pack.zigzag(number_at(rows[i] + offset()));
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    for (size_t i = 0; i < count; ++i) {
      int64_t number = 0;
      if (!get_zigzag(in, number)) return false;
      char* at = rows[i] + offset();
      put_number(at, replace ? number : number_at(at) + number);
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) out.data<int64_t>()[from + i] = number_at(rows[i] + offset());
  }
};

// The different values of one group: their bytes one behind the other (so what is new is a suffix), a table
// of where each begins, and registers instead of both once there are too many.
class ValueSet {
 public:
  // True when the number of values changed.
  bool add(BytesView value) {
    const uint64_t hash = hash64(value);
    if (!registers_.empty()) return add_estimated(hash);
    if (static_cast<size_t>(count_ + 1) * 2 > slots_.size()) grow();
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
      if (value_at(slots_[at] - 1) == value) return false;
    }
    slots_[at] = static_cast<uint32_t>(bytes_.size()) + 1;
    put_bytes(bytes_, value);
    if (++count_ > static_cast<int64_t>(kExactDistinct)) become_estimate();
    return true;
  }

  int64_t count() const { return count_; }
  size_t size_bytes() const { return bytes_.capacity() + slots_.size() * 4 + registers_.size() + 64; }
  void settled() {
    settled_at_ = bytes_.size();
    changed_.clear();
  }

  // '\0' and values, or '\x01' and registers (number, value).
  void save(bool whole, Bytes& out) const {
    if (registers_.empty()) {
      out += '\0';
      put_bytes(out, BytesView(bytes_).substr(whole ? 0 : settled_at_));
      return;
    }
    out += '\x01';
    Bytes pairs;
    if (whole) {
      for (size_t i = 0; i < registers_.size(); ++i) put_register(i, pairs);
    } else {
      for (const uint16_t i : changed_) put_register(i, pairs);
    }
    put_bytes(out, pairs);
  }

  bool load(BytesView& in) {
    if (in.empty()) return false;
    const char form = in[0];
    in.remove_prefix(1);
    BytesView saved;
    if (!get_bytes(in, saved)) return false;
    if (form == '\0') {
      BytesView value;
      while (!saved.empty()) {
        if (!get_bytes(saved, value)) return false;
        add(value);
      }
      return true;
    }
    if (registers_.empty()) become_estimate();
    for (; saved.size() >= 3; saved.remove_prefix(3)) {
      uint16_t index;
      std::memcpy(&index, saved.data(), 2);
      if (index >= registers_.size()) return false;
      raise(index, static_cast<uint8_t>(saved[2]));
    }
    count_ = estimate();
    return saved.empty();
  }

 private:
  static constexpr int kIndexBits = 14;

  BytesView value_at(size_t offset) const {
    BytesView rest = BytesView(bytes_).substr(offset);
    BytesView value;
    get_bytes(rest, value);
    return value;
  }

  void grow() {
    std::vector<uint32_t> old(slots_.empty() ? 8 : slots_.size() * 2, 0);
    old.swap(slots_);
    for (const uint32_t slot : old) {
      if (slot == 0) continue;
      size_t at = hash64(value_at(slot - 1)) & (slots_.size() - 1);
      while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  void become_estimate() {
    registers_.assign(size_t{1} << kIndexBits, 0);
    BytesView rest(bytes_);
    BytesView value;
    while (get_bytes(rest, value)) add_hash(hash64(value));
    bytes_ = {};
    slots_ = {};
    settled_at_ = 0;
    count_ = estimate();
  }

  void raise(size_t index, uint8_t rank) {
    if (rank <= registers_[index]) return;
    registers_[index] = rank;
    changed_.push_back(static_cast<uint16_t>(index));
  }
  void add_hash(uint64_t hash) {
    const size_t index = hash >> (64 - kIndexBits);
    const uint64_t rest = hash << kIndexBits | (uint64_t{1} << (kIndexBits - 1));
    raise(index, static_cast<uint8_t>(__builtin_clzll(rest) + 1));
  }
  bool add_estimated(uint64_t hash) {
    const size_t before = changed_.size();
    add_hash(hash);
    if (changed_.size() == before) return false;
    count_ = estimate();
    return true;
  }
  int64_t estimate() const {
    const auto m = static_cast<double>(registers_.size());
    double sum = 0;
    int zeros = 0;
    for (const uint8_t rank : registers_) {
      sum += std::ldexp(1.0, -rank);
      zeros += rank == 0 ? 1 : 0;
    }
    const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (raw <= 2.5 * m && zeros != 0) return std::llround(m * std::log(m / zeros));
    return std::llround(raw);
  }
  void put_register(size_t index, Bytes& out) const {
    if (registers_[index] == 0) return;
    put_fixed(out, static_cast<uint16_t>(index));
    out += static_cast<char>(registers_[index]);
  }

  Bytes bytes_;
  std::vector<uint32_t> slots_;
  std::vector<uint8_t> registers_;
  std::vector<uint16_t> changed_;
  size_t settled_at_ = 0;
  int64_t count_ = 0;
};

// The state: the count (what readers see), then the set's handle, one more than its index, 0 for none yet.
class CountDistinct final : public Aggregate {
 public:
  explicit CountDistinct(size_t width) : Aggregate(Kind::bigint, 16), width_(width) {}

  Result<> add(char* const* rows, const Column* argument, const Change*, size_t count) override {
    const char* fixed = argument->data<char>();
    const BytesView* views = argument->data<BytesView>();
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || argument->is_null(i)) continue;
      char* at = rows[i] + offset();
      ValueSet& set = set_of(at);
      const size_t before = set.size_bytes();
      if (set.add(width_ == 0 ? views[i] : BytesView(fixed + i * width_, width_))) {
        put_number(at, set.count());
        set_bytes_ += set.size_bytes() - before;
      }
    }
    return {};
  }

  void save(const char* const* rows, size_t count, bool whole, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) {
      const int64_t handle = number_at(rows[i] + offset() + 8);
      if (handle == 0)
        ValueSet().save(true, out);
      else
        sets_[static_cast<size_t>(handle - 1)].save(whole, out);
    }
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool) override {
    for (size_t i = 0; i < count; ++i) {
      char* at = rows[i] + offset();
      ValueSet& set = set_of(at);
      const size_t before = set.size_bytes();
      if (!set.load(in)) return false;
      set_bytes_ += set.size_bytes() - before;
      put_number(at, set.count());
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) out.data<int64_t>()[from + i] = number_at(rows[i] + offset());
  }

  bool grows() const override { return true; }
  void settled(char* row) override {
    if (const int64_t handle = number_at(row + offset() + 8); handle != 0) {
      ValueSet& set = sets_[static_cast<size_t>(handle - 1)];
      set.settled();
    }
  }
  void dropped(char* row) override {
    if (const int64_t handle = number_at(row + offset() + 8); handle != 0) {
      ValueSet& set = sets_[static_cast<size_t>(handle - 1)];
      set_bytes_ -= set.size_bytes();
      set = ValueSet();
      set_bytes_ += set.size_bytes();
      free_.push_back(handle);
    }
  }
  size_t pool_bytes() const override { return set_bytes_; }

 private:
  ValueSet& set_of(char* at) {
    int64_t handle = number_at(at + 8);
    if (handle == 0) {
      if (free_.empty()) {
        sets_.emplace_back();
        set_bytes_ += sets_.back().size_bytes();
        handle = static_cast<int64_t>(sets_.size());
      } else {
        handle = free_.back();
        free_.pop_back();
      }
      put_number(at + 8, handle);
    }
    return sets_[static_cast<size_t>(handle - 1)];
  }

  size_t width_;  // of a fixed-width value; 0: views
  std::deque<ValueSet> sets_;
  size_t set_bytes_ = 0;
  std::vector<int64_t> free_;
};

}  // namespace

std::unique_ptr<Aggregate> make_count() {
  return std::make_unique<Count>();
}

std::unique_ptr<Aggregate> make_count_distinct(const Type& argument) {
  if (argument.is_nested()) return nullptr;
  const Layout layout = argument.layout();
  return std::make_unique<CountDistinct>(layout == Layout::view ? 0 : width_of(layout));
}

}  // namespace tradewind::expr
