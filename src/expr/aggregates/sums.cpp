#include "expr/aggregates/sums.h"

#include <cstring>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::expr {
namespace {

template <typename T>
T load_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

template <typename T>
void store_at(char* at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

void put_sum(Packer& out, int64_t sum) {
  out.zigzag(sum);
}
void put_sum(Packer& out, double sum) {
  out.raw(BytesView(reinterpret_cast<const char*>(&sum), sizeof sum));
}
void put_sum(Packer& out, Int128 sum) {
  const auto folded = static_cast<unsigned __int128>(sum << 1) ^ static_cast<unsigned __int128>(sum >> 127);
  out.varint(static_cast<uint64_t>(folded));
  out.varint(static_cast<uint64_t>(folded >> 64));
}
bool get_sum(BytesView& in, int64_t& sum) {
  return get_zigzag(in, sum);
}
bool get_sum(BytesView& in, double& sum) {
  return get_fixed(in, sum);
}
bool get_sum(BytesView& in, Int128& sum) {
  uint64_t low = 0;
  uint64_t high = 0;
  if (!get_varint(in, low) || !get_varint(in, high)) return false;
  const auto folded = static_cast<unsigned __int128>(high) << 64 | low;
  sum = static_cast<Int128>(folded >> 1) ^ -static_cast<Int128>(folded & 1);
  return true;
}

// The state is a sum and the number of values in it. No values: 0, as in ksqlDB.
template <typename Sum>
struct SumState {
  Sum sum;
  int64_t values;
};

// SUM keeps the type of its argument, AVG answers the mean as DOUBLE; both fold Argument values into a Sum.
template <typename Argument, typename Sum, bool kAverage>
class SumAggregate final : public Aggregate {
 public:
  SumAggregate(const Type& argument)
      : Aggregate(kAverage ? Type(Kind::real) : argument, sizeof(Sum) + 8), argument_(argument) {}

  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    const Argument* values = argument->data<Argument>();
    const uint8_t* valid = argument->valid();
    bool overflow = false;
    for (size_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || (valid != nullptr && valid[i] == 0)) continue;
      char* at = rows[i] + offset();
      const bool back = retract != nullptr && retract[i] == Change::retract;
      overflow |= fold(at, back ? -static_cast<Sum>(values[i]) : static_cast<Sum>(values[i]), back ? -1 : 1);
    }
    if (overflow) return too_large();
    return {};
  }

  void save(const char* const* rows, size_t count, bool, Bytes& out) const override {
    Packer pack(out);
    for (size_t i = 0; i < count; ++i) {
      put_sum(pack, load_at<Sum>(rows[i] + offset()));
      pack.zigzag(load_at<int64_t>(rows[i] + offset() + sizeof(Sum)));
    }
  }

  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    for (size_t i = 0; i < count; ++i) {
      Sum sum{};
      int64_t values = 0;
      if (!get_sum(in, sum) || !get_zigzag(in, values)) return false;
      char* at = rows[i] + offset();
      if (replace) {
        store_at(at, sum);
        store_at(at + sizeof(Sum), values);
      } else {
        fold(at, sum, values);
      }
    }
    return true;
  }

  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    for (size_t i = 0; i < count; ++i) {
      const auto sum = load_at<Sum>(rows[i] + offset());
      const auto values = load_at<int64_t>(rows[i] + offset() + sizeof(Sum));
      if constexpr (kAverage) {
        out.data<double>()[from + i] = values == 0 ? 0 : mean(sum, values);
      } else {
        out.data<Argument>()[from + i] = static_cast<Argument>(sum);
      }
    }
  }

 private:
  bool fold(char* at, Sum value, int64_t values) const {
    store_at(at + sizeof(Sum), load_at<int64_t>(at + sizeof(Sum)) + values);
    const Sum old = load_at<Sum>(at);
    if constexpr (std::is_same_v<Sum, double>) {
      store_at(at, old + value);
      return false;
    } else {
      Sum sum;
      bool overflow = __builtin_add_overflow(old, value, &sum);
      if (!kAverage && argument_.kind() == Kind::decimal) {
        overflow |= !fits_precision(sum, argument_.precision());
      } else if (!kAverage) {
        sum = static_cast<Sum>(static_cast<Argument>(sum));  // INT and BIGINT wrap, as in ksqlDB
        overflow = false;
      }
      store_at(at, sum);
      return overflow;
    }
  }

  double mean(Sum sum, int64_t values) const {
    if constexpr (std::is_same_v<Sum, double>)
      return sum / static_cast<double>(values);
    else if (argument_.kind() == Kind::decimal)
      return decimal_to_double(sum, argument_.scale()) / static_cast<double>(values);
    else
      return static_cast<double>(sum) / static_cast<double>(values);
  }

  Error too_large() const {
    return Error{Code::invalid,
                 "a sum no longer fits " + argument_.text() + "; CAST the summed value to a wider DECIMAL"};
  }

  Type argument_;
};

// Each element of an array is a value of its row: an inner SUM folds them.
class SumList final : public Aggregate {
 public:
  explicit SumList(std::unique_ptr<Aggregate> sum)
      : Aggregate(sum->result_type(), sum->state_bytes()), sum_(std::move(sum)) {}

  Result<> add(char* const* rows, const Column* argument, const Change* retract, size_t count) override {
    sum_->place(offset());
    std::vector<char*> places;
    std::vector<Change> changes;
    std::vector<uint32_t> elements;
    for (uint32_t i = 0; i < count; ++i) {
      if (rows[i] == nullptr || argument->is_null(i)) continue;
      for (uint32_t at = argument->offsets()[i]; at < argument->offsets()[i + 1]; ++at) {
        elements.push_back(at);
        places.push_back(rows[i]);
        changes.push_back(retract == nullptr ? Change::insert : retract[i]);
      }
    }
    const ColumnPtr values = argument->children()[0]->gather(elements.data(), elements.size());
    return sum_->add(places.data(), values.get(), changes.data(), places.size());
  }
  void save(const char* const* rows, size_t count, bool whole, Bytes& out) const override {
    sum_->place(offset());
    sum_->save(rows, count, whole, out);
  }
  bool load(char* const* rows, size_t count, BytesView& in, bool replace) override {
    sum_->place(offset());
    return sum_->load(rows, count, in, replace);
  }
  void result(const char* const* rows, size_t count, Column& out, size_t from) const override {
    sum_->place(offset());
    sum_->result(rows, count, out, from);
  }

 private:
  std::unique_ptr<Aggregate> sum_;
};

template <bool kAverage>
std::unique_ptr<Aggregate> make(const Type& argument) {
  switch (argument.kind()) {
    case Kind::integer: return std::make_unique<SumAggregate<int32_t, int64_t, kAverage>>(argument);
    case Kind::bigint: return std::make_unique<SumAggregate<int64_t, int64_t, kAverage>>(argument);
    case Kind::real: return std::make_unique<SumAggregate<double, double, kAverage>>(argument);
    case Kind::decimal:
      if (argument.layout() == Layout::i64)
        return std::make_unique<SumAggregate<int64_t, int64_t, kAverage>>(argument);
      return std::make_unique<SumAggregate<Int128, Int128, kAverage>>(argument);
    default: return nullptr;
  }
}

}  // namespace

std::unique_ptr<Aggregate> make_sum(const Type& argument) {
  return make<false>(argument);
}
std::unique_ptr<Aggregate> make_sum_list(const Type& argument) {
  if (argument.kind() != Kind::array) return nullptr;
  auto sum = make_sum(argument.element());
  return sum == nullptr ? nullptr : std::make_unique<SumList>(std::move(sum));
}
std::unique_ptr<Aggregate> make_average(const Type& argument) {
  return make<true>(argument);
}

}  // namespace tradewind::expr
