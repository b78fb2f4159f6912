#include "expr/aggregates/extremes.h"

#include <cstring>
#include <deque>

#include "base/coding.h"

namespace tradewind::expr {
namespace {

// The state: how many values were seen (0: null), then the extreme one.
template <typename T>
class ExtremeNumber final : public Aggregate {
 public:
  ExtremeNumber(const Type& argument, bool greatest)
      : Aggregate(argument, 8 + std::max<size_t>(sizeof(T), 8)), greatest_(greatest) {}

  Result<> add(char* const* rows, const Column* argument, const Change*, size_t count) override {
    const T* values = argument->data<T>();
    const uint8_t* valid = argument->valid();
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] != nullptr && (valid == nullptr || valid[i] != 0)) fold(rows[i] + offset(), values[i]);
    }
    return {};
  }

  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) out.append(rows[i] + offset(), state_bytes());
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    if (in.size() < count * state_bytes()) return false;
    for (size_t i = 0; i < count; ++i) {
      char* at = rows[i] + offset();
      if (replace) {
        std::memcpy(at, in.data(), state_bytes());
      } else if (in[0] != '\0') {
        T value;
        std::memcpy(&value, in.data() + 8, sizeof value);
        fold(at, value);
      }
      in.remove_prefix(state_bytes());
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) {
      const char* at = rows[i] + offset();
      std::memcpy(out.data<T>() + from + i, at + 8, sizeof(T));
      if (*at == '\0') out.set_null(from + i);
    }
  }

 private:
  void fold(char* at, T value) const {
    T old;
    std::memcpy(&old, at + 8, sizeof old);
    if (*at == '\0' || (greatest_ ? old < value : value < old)) std::memcpy(at + 8, &value, sizeof value);
    *at = '\x01';
  }

  bool greatest_;
};

// Strings lie in a pool; the state is a handle, one more than the index, 0 for null. A value that was
// replaced stays readable until its row is settled, for readers of the committed state.
class ExtremeText final : public Aggregate {
 public:
  ExtremeText(const Type& argument, bool greatest) : Aggregate(argument, 8), greatest_(greatest) {}

  Result<> add(char* const* rows, const Column* argument, const Change*, size_t count) override {
    const BytesView* values = argument->data<BytesView>();
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] != nullptr && !argument->is_null(i)) fold(rows[i] + offset(), values[i]);
    }
    return {};
  }

  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    for (size_t i = 0; i < count; ++i) {
      const uint32_t handle = handle_at(rows[i] + offset());
      out += handle == 0 ? '\0' : '\x01';
      if (handle != 0) put_bytes(out, pool_[handle - 1]);
    }
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool) override {
    for (size_t i = 0; i < count; ++i) {
      if (in.empty()) return false;
      const bool some = in[0] != '\0';
      in.remove_prefix(1);
      BytesView text;
      if (some && !get_bytes(in, text)) return false;
      if (some) fold(rows[i] + offset(), text);  // extremes only move one way, so replacing is folding
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) {
      const uint32_t handle = handle_at(rows[i] + offset());
      out.data<BytesView>()[from + i] = handle == 0 ? BytesView() : out.store(pool_[handle - 1]);
      if (handle == 0) out.set_null(from + i);
    }
  }

  bool grows() const override { return true; }
  void settled(char*) override {
    for (const uint32_t handle : replaced_) release(handle);
    replaced_.clear();
  }
  void dropped(char* row) override {
    if (const uint32_t handle = handle_at(row + offset()); handle != 0) release(handle);
  }
  size_t pool_bytes() const override { return bytes_; }

 private:
  static uint32_t handle_at(const char* at) {
    uint32_t handle;
    std::memcpy(&handle, at, sizeof handle);
    return handle;
  }

  void fold(char* at, BytesView value) {
    const uint32_t old = handle_at(at);
    if (old != 0 && !(greatest_ ? BytesView(pool_[old - 1]) < value : value < BytesView(pool_[old - 1])))
      return;
    if (old != 0) replaced_.push_back(old);
    uint32_t handle;
    if (free_.empty()) {
      pool_.emplace_back(value);
      handle = static_cast<uint32_t>(pool_.size());
    } else {
      handle = free_.back();
      free_.pop_back();
      pool_[handle - 1] = value;
    }
    bytes_ += value.size() + sizeof(std::string);
    std::memcpy(at, &handle, sizeof handle);
  }

  void release(uint32_t handle) {
    bytes_ -= pool_[handle - 1].size() + sizeof(std::string);
    pool_[handle - 1] = {};
    free_.push_back(handle);
  }

  bool greatest_;
  std::deque<Bytes> pool_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> replaced_;
  size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Aggregate> make_extreme(const Type& argument, bool greatest) {
  switch (argument.layout()) {
    case Layout::i32: return std::make_unique<ExtremeNumber<int32_t>>(argument, greatest);
    case Layout::i64: return std::make_unique<ExtremeNumber<int64_t>>(argument, greatest);
    case Layout::i128: return std::make_unique<ExtremeNumber<Int128>>(argument, greatest);
    case Layout::f64: return std::make_unique<ExtremeNumber<double>>(argument, greatest);
    case Layout::view: return std::make_unique<ExtremeText>(argument, greatest);
    default: return nullptr;
  }
}

}  // namespace tradewind::expr
