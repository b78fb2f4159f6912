#include "schema/avro/encode.h"

#include <bit>

#include "base/coding.h"
#include "data/decimal.h"

namespace tradewind::schema::avro {
namespace {

constexpr size_t kSlack = 64;  // room that every value finds: any scalar, and the length of a text

inline char* put_number(char* at, int64_t value) {
  return write_varint(at, zigzag(value));
}

template <typename T>
inline char* put_fixed(char* at, T value) {
  std::memcpy(at, &value, sizeof(T));
  return at + sizeof(T);
}

// Shortest two's complement with its length in front.
inline char* put_decimal(char* at, int64_t value) {
  const auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(value ^ (value >> 63))));
  const size_t size = bits / 8 + 1;
  *at = static_cast<char>(size * 2);
  const uint64_t word = __builtin_bswap64(static_cast<uint64_t>(value) << (64 - 8 * size));
  std::memcpy(at + 1, &word, 8);
  return at + 1 + size;
}

// A column with its memory at hand.
struct Source {
  explicit Source(const Column& from) : column(&from), data(from.data<char>()), valid(from.valid()) {}

  template <typename T>
  T at(size_t row) const {
    return reinterpret_cast<const T*>(data)[row];
  }

  const Column* column;
  const char* data;
  const uint8_t* valid;
};

// Writes one row after the other through a pointer; between values there are always kSlack bytes of room. A
// value that does not fit is answered with null, and `problem` tells which.
class RowWriter {
 public:
  explicit RowWriter(Bytes& bytes) : bytes_(bytes), end_(bytes.data() + bytes.size()) {}

  // The buffer has room for `count` bytes and kSlack behind `at`, which may move.
  char* room(char* at, size_t count) {
    if (__builtin_expect(static_cast<size_t>(end_ - at) >= count + kSlack, 1)) return at;
    const size_t used = bytes_.empty() ? 0 : static_cast<size_t>(at - bytes_.data());
    bytes_.resize(std::max(bytes_.size() * 2, used + count + 4096));
    end_ = bytes_.data() + bytes_.size();
    return bytes_.data() + used;
  }

  char* write(char* at, const EncodePart& part, const Source& source, size_t row) {
    at = room(at, 0);
    if (__builtin_expect(part.put == Put::constant, 0)) return raw(at, part.constant);
    if (source.valid != nullptr && source.valid[row] == 0) {
      if (!part.when_null)
        return refuse(part, "is null and its field has neither a null branch nor a default");
      return raw(at, *part.when_null);
    }
    *at = static_cast<char>(part.branch);  // overwritten when there is none
    at += part.branch_bytes;
    switch (part.put) {
      case Put::boolean: *at = source.at<uint8_t>(row) != 0 ? 1 : 0; return at + 1;
      case Put::number32: return put_number(at, source.at<int32_t>(row));
      case Put::number64: return put_number(at, source.at<int64_t>(row));
      case Put::number32_micros: return put_number(at, int64_t{source.at<int32_t>(row)} * 1000);
      case Put::number64_micros: return micros(at, part, source.at<int64_t>(row));
      case Put::real32: return put_fixed(at, static_cast<float>(source.at<double>(row)));
      case Put::real64: return put_fixed(at, source.at<double>(row));
      case Put::integer_real: return put_fixed(at, static_cast<double>(source.at<int32_t>(row)));
      case Put::text: return text(at, source.at<BytesView>(row));
      case Put::fixed: return fixed(at, part, source.at<BytesView>(row));
      case Put::symbol: return symbol(at, part, source.at<BytesView>(row));
      case Put::decimal64: return put_decimal(at, source.at<int64_t>(row));
      case Put::decimal:
      case Put::decimal_fixed: return decimal(at, part, *source.column, row);
      case Put::array:
      case Put::map: return list(at, part, *source.column, row);
      case Put::record: return record(at, part, *source.column, row);
      case Put::constant: break;
    }
    return at;
  }

  const std::string& problem() const { return problem_; }

 private:
  char* raw(char* at, BytesView bytes) {
    if (__builtin_expect(bytes.size() == 1, 1)) {
      *at = bytes[0];
      return at + 1;
    }
    at = room(at, bytes.size());
    return write_raw(at, bytes.data(), bytes.size());
  }

  __attribute__((always_inline)) char* text(char* at, BytesView bytes) {
    at = room(at, bytes.size());
    if (__builtin_expect(bytes.size() < 64, 1)) {
      *at++ = static_cast<char>(bytes.size() * 2);
    } else {
      at = put_number(at, static_cast<int64_t>(bytes.size()));
    }
    return write_raw(at, bytes.data(), bytes.size());
  }

  char* record(char* at, const EncodePart& part, const Column& column, size_t row) {
    for (const EncodePart& field : part.parts) {
      at = write(at, field, Source(*column.children()[field.column]), row);
      if (__builtin_expect(at == nullptr, 0)) return nullptr;
    }
    return at;
  }

  char* micros(char* at, const EncodePart& part, int64_t millis) {
    int64_t value = 0;
    if (__builtin_mul_overflow(millis, int64_t{1000}, &value))
      return refuse(part, "does not fit microseconds");
    return put_number(at, value);
  }

  char* fixed(char* at, const EncodePart& part, BytesView bytes) {
    if (bytes.size() != part.type->size) {
      return refuse(part,
                    "has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(part.type->size));
    }
    return raw(at, bytes);
  }

  char* symbol(char* at, const EncodePart& part, BytesView text) {
    const std::vector<std::string>& symbols = part.type->symbols;
    int32_t number = part.symbols.first[SymbolTable::slot(text)];
    while (number >= 0 && symbols[static_cast<size_t>(number)] != text) {
      number = part.symbols.next[static_cast<size_t>(number)];
    }
    if (number < 0) number = part.symbols.fallback;
    if (number < 0) return refuse(part, "'" + std::string(text) + "' is no symbol of " + part.type->name);
    return put_number(at, number);
  }

  char* decimal(char* at, const EncodePart& part, const Column& column, size_t row) {
    const bool narrow = column.type().layout() == Layout::i64;
    const Int128 value = narrow ? Int128{column.data<int64_t>()[row]} : column.data<Int128>()[row];
    const auto lifted = rescale(value, 0, part.lift);
    if (!lifted) return refuse(part, "does not fit the decimal of its field");
    const std::string bytes = decimal_bytes(*lifted);
    if (part.put == Put::decimal) return text(at, bytes);
    if (bytes.size() > part.type->size) return refuse(part, "does not fit the fixed decimal of its field");
    const size_t padding = part.type->size - bytes.size();
    at = room(at, part.type->size);
    std::memset(at, *lifted < 0 ? 0xff : 0, padding);
    return write_raw(at + padding, bytes.data(), bytes.size());
  }

  char* list(char* at, const EncodePart& part, const Column& column, size_t row) {
    const uint32_t from = column.offsets()[row];
    const uint32_t to = column.offsets()[row + 1];
    const EncodePart& element = part.parts[0];
    if (to > from) {
      at = put_number(at, to - from);
      const Source values(*column.children()[element.column]);
      const Column* const keys = part.put == Put::map ? column.children()[0].get() : nullptr;
      for (uint32_t i = from; i < to; ++i) {
        if (keys != nullptr) {
          if (keys->is_null(i)) return refuse(part, "has a null key");
          at = text(at, keys->data<BytesView>()[i]);
        }
        at = write(at, element, values, i);
        if (__builtin_expect(at == nullptr, 0)) return nullptr;
      }
      at = room(at, 0);
    }
    *at = 0;
    return at + 1;
  }

  char* refuse(const EncodePart& part, const std::string& what) {
    problem_ = "column " + part.place + " " + what;
    return nullptr;
  }

  Bytes& bytes_;
  const char* end_;
  std::string problem_;
};

}  // namespace

Result<> Encoding::encode(BytesView header, const std::vector<ColumnPtr>& columns, size_t rows,
                          Encoded& out) const {
  const size_t bytes_before = out.bytes.size();
  const size_t rows_before = out.ends.size();
  out.ends.resize(rows_before + rows);
  uint32_t* const ends = out.ends.data() + rows_before;
  std::vector<Source> sources;
  for (const EncodePart& part : parts_) sources.emplace_back(*columns[part.column]);
  RowWriter writer(out.bytes);
  char* at = out.bytes.data() + bytes_before;
  for (size_t row = 0; row < rows; ++row) {
    at = writer.room(at, header.size());
    at = write_raw(at, header.data(), header.size());
    for (size_t i = 0; i < parts_.size(); ++i) {
      at = writer.write(at, parts_[i], sources[i], row);
      if (__builtin_expect(at == nullptr, 0)) break;
    }
    const auto used = at == nullptr ? 0 : static_cast<size_t>(at - out.bytes.data());
    if (__builtin_expect(at == nullptr || used > UINT32_MAX, 0)) {
      out.bytes.resize(bytes_before);
      out.ends.resize(rows_before);
      if (at != nullptr) return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      return Error{Code::invalid, "row " + std::to_string(row) + ": " + writer.problem()};
    }
    ends[row] = static_cast<uint32_t>(used);
  }
  if (rows > 0) out.bytes.resize(static_cast<size_t>(at - out.bytes.data()));
  return {};
}

}  // namespace tradewind::schema::avro
