#include "schema/avro/encode.h"

#include <bit>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::schema::avro {
namespace {

// A growing buffer written through a pointer.
class Sink {
 public:
  explicit Sink(Bytes& bytes) : bytes_(bytes), used_(bytes.size()) { bytes_.resize(std::max(bytes_.capacity(), used_)); }

  // A place for `count` bytes.
  char* room(size_t count) {
    if (__builtin_expect(bytes_.size() - used_ < count, 0)) bytes_.resize(std::max(bytes_.size() * 2, used_ + count + 4096));
    return bytes_.data() + used_;
  }
  void wrote(size_t count) { used_ += count; }
  void wrote_to(const char* end) { used_ = static_cast<size_t>(end - bytes_.data()); }
  size_t used() const { return used_; }
  void finish(size_t size) { bytes_.resize(size); }

  void byte(uint8_t value) {
    *room(1) = static_cast<char>(value);
    wrote(1);
  }
  void raw(BytesView bytes) {
    char* at = room(bytes.size());
    if (bytes.size() == 1) {
      *at = bytes[0];
    } else {
      std::memcpy(at, bytes.data(), bytes.size());
    }
    wrote(bytes.size());
  }
  void varint(uint64_t value) {
    char* at = room(10);
    while (value >= 0x80) {
      *at++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<char>(value);
    wrote_to(at);
  }
  void number(int64_t value) { varint(zigzag(value)); }
  void text(BytesView bytes) {
    number(static_cast<int64_t>(bytes.size()));
    char* at = room(bytes.size() + 16);
    if (bytes.size() <= 16 && !bytes.empty()) {  // most text is short: two overlapping halves instead of a call
      copy_short(at, bytes);
    } else if (!bytes.empty()) {
      std::memcpy(at, bytes.data(), bytes.size());
    }
    wrote(bytes.size());
  }
  template <typename T>
  void fixed(T value) {
    std::memcpy(room(sizeof(T)), &value, sizeof(T));
    wrote(sizeof(T));
  }
  // Shortest two's complement with its length in front.
  void decimal(int64_t value) {
    const auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(value ^ (value >> 63))));
    const size_t size = bits / 8 + 1;
    char* at = room(16);
    *at = static_cast<char>(size * 2);
    const uint64_t word = __builtin_bswap64(static_cast<uint64_t>(value) << (64 - 8 * size));
    std::memcpy(at + 1, &word, 8);
    wrote(1 + size);
  }

 private:
  static void copy_short(char* at, BytesView bytes) {
    const size_t size = bytes.size();
    if (size >= 8) {
      std::memcpy(at, bytes.data(), 8);
      std::memcpy(at + size - 8, bytes.data() + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(at, bytes.data(), 4);
      std::memcpy(at + size - 4, bytes.data() + size - 4, 4);
    } else {
      at[0] = bytes[0];
      at[size / 2] = bytes[size / 2];
      at[size - 1] = bytes[size - 1];
    }
  }

  Bytes& bytes_;
  size_t used_;
};

// Writes the parts of one row after the other; remembers the first thing that does not fit.
class RowWriter {
 public:
  explicit RowWriter(Sink& sink) : sink_(sink) {}

  bool write(const EncodePart& part, const Column& column, size_t row) {
    if (part.put == Put::constant) {
      sink_.raw(part.constant);
      return true;
    }
    if (column.is_null(row)) {
      if (!part.when_null) return refuse(part, "is null and its field has neither a null branch nor a default");
      sink_.raw(*part.when_null);
      return true;
    }
    if (!part.before.empty()) sink_.raw(part.before);
    switch (part.put) {
      case Put::boolean: sink_.byte(column.data<uint8_t>()[row] != 0 ? 1 : 0); return true;
      case Put::number32: sink_.number(column.data<int32_t>()[row]); return true;
      case Put::number64: sink_.number(column.data<int64_t>()[row]); return true;
      case Put::number32_micros: sink_.number(int64_t{column.data<int32_t>()[row]} * 1000); return true;
      case Put::number64_micros: return micros(part, column.data<int64_t>()[row]);
      case Put::real32: sink_.fixed(static_cast<float>(column.data<double>()[row])); return true;
      case Put::real64: sink_.fixed(column.data<double>()[row]); return true;
      case Put::integer_real: sink_.fixed(static_cast<double>(column.data<int32_t>()[row])); return true;
      case Put::text: sink_.text(column.data<BytesView>()[row]); return true;
      case Put::fixed: return fixed(part, column.data<BytesView>()[row]);
      case Put::symbol: return symbol(part, column.data<BytesView>()[row]);
      case Put::decimal:
      case Put::decimal_fixed: return decimal(part, column, row);
      case Put::array:
      case Put::map: return list(part, column, row);
      case Put::record:
        for (const EncodePart& field : part.parts) {
          if (!write(field, *column.children()[field.column], row)) return false;
        }
        return true;
      case Put::constant: break;
    }
    return true;
  }

  const std::string& problem() const { return problem_; }

 private:
  bool micros(const EncodePart& part, int64_t millis) {
    int64_t value = 0;
    if (__builtin_mul_overflow(millis, int64_t{1000}, &value)) return refuse(part, "does not fit microseconds");
    sink_.number(value);
    return true;
  }

  bool fixed(const EncodePart& part, BytesView bytes) {
    if (bytes.size() != part.type->size) {
      return refuse(part, "has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(part.type->size));
    }
    sink_.raw(bytes);
    return true;
  }

  bool symbol(const EncodePart& part, BytesView text) {
    const std::vector<std::string>& symbols = part.type->symbols;
    size_t fallback = symbols.size();
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (symbols[i] == text) {
        sink_.number(static_cast<int64_t>(i));
        return true;
      }
      if (part.type->symbol_default == symbols[i]) fallback = i;
    }
    if (fallback == symbols.size()) return refuse(part, "'" + std::string(text) + "' is no symbol of " + part.type->name);
    sink_.number(static_cast<int64_t>(fallback));
    return true;
  }

  bool decimal(const EncodePart& part, const Column& column, size_t row) {
    const bool narrow = column.type().layout() == Layout::i64;
    if (narrow && part.lift == 0 && part.put == Put::decimal) {
      sink_.decimal(column.data<int64_t>()[row]);
      return true;
    }
    const Int128 value = narrow ? Int128{column.data<int64_t>()[row]} : column.data<Int128>()[row];
    const auto lifted = rescale(value, 0, part.lift);
    if (!lifted) return refuse(part, "does not fit the decimal of its field");
    const std::string bytes = decimal_bytes(*lifted);
    if (part.put == Put::decimal) {
      sink_.text(bytes);
      return true;
    }
    if (bytes.size() > part.type->size) return refuse(part, "does not fit the fixed decimal of its field");
    for (size_t i = bytes.size(); i < part.type->size; ++i) sink_.byte(*lifted < 0 ? 0xff : 0);
    sink_.raw(bytes);
    return true;
  }

  bool list(const EncodePart& part, const Column& column, size_t row) {
    const uint32_t from = column.offsets()[row];
    const uint32_t to = column.offsets()[row + 1];
    if (to > from) {
      sink_.number(to - from);
      for (uint32_t at = from; at < to; ++at) {
        if (part.put == Put::map) {
          const Column& keys = *column.children()[0];
          if (keys.is_null(at)) return refuse(part, "has a null key");
          sink_.text(keys.data<BytesView>()[at]);
        }
        if (!write(part.parts[0], *column.children()[part.parts[0].column], at)) return false;
      }
    }
    sink_.byte(0);
    return true;
  }

  bool refuse(const EncodePart& part, const std::string& what) {
    problem_ = "column " + part.place + " " + what;
    return false;
  }

  Sink& sink_;
  std::string problem_;
};

}  // namespace

Result<> Encoding::encode(BytesView header, const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) const {
  const size_t bytes_before = out.bytes.size();
  const size_t rows_before = out.ends.size();
  out.ends.reserve(rows_before + rows);
  Sink sink(out.bytes);
  RowWriter writer(sink);
  for (size_t row = 0; row < rows; ++row) {
    sink.raw(header);
    bool fits = true;
    for (const EncodePart& part : parts_) {
      const Column& column = *columns[part.column];
      if (!writer.write(part, column, row)) {
        fits = false;
        break;
      }
    }
    if (!fits || sink.used() > UINT32_MAX) {
      sink.finish(bytes_before);
      out.ends.resize(rows_before);
      if (fits) return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      return Error{Code::invalid, "row " + std::to_string(row) + ": " + writer.problem()};
    }
    out.ends.push_back(static_cast<uint32_t>(sink.used()));
  }
  sink.finish(sink.used());
  return {};
}

}  // namespace tradewind::schema::avro
