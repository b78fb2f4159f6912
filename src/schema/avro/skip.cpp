#include "schema/avro/skip.h"

#include "base/coding.h"

namespace tradewind::schema::avro {
namespace {

constexpr int kMostDepth = 200;
constexpr int64_t kMostEmpty = 10'000;  // values that take no bytes, per value skipped

class Skipper {
 public:
  explicit Skipper(Cursor end) : end_(end) {}

  Cursor skip(const AvroType& type, Cursor at, int depth) {
    if (depth > kMostDepth) return nullptr;
    switch (type.kind) {
      case AvroKind::null: return at;
      case AvroKind::boolean: return skip_bytes(at, end_, 1);
      case AvroKind::float32: return skip_bytes(at, end_, 4);
      case AvroKind::float64: return skip_bytes(at, end_, 8);
      case AvroKind::fixed: return skip_bytes(at, end_, type.size);
      case AvroKind::int32:
      case AvroKind::int64:
      case AvroKind::enumeration: return skip_varint(at, end_);
      case AvroKind::bytes:
      case AvroKind::string: return skip_text(at, end_);
      case AvroKind::array:
      case AvroKind::map: return list(type, at, depth);
      case AvroKind::choice: {
        uint64_t raw = 0;
        at = read_varint(at, end_, raw);
        if (at == nullptr || (raw & 1) != 0 || raw / 2 >= type.branches.size()) return nullptr;
        return skip(*type.branches[raw / 2], at, depth + 1);
      }
      case AvroKind::record: break;
    }
    const Cursor from = at;
    for (const AvroField& field : type.fields) {
      at = skip(*field.type, at, depth + 1);
      if (at == nullptr) return nullptr;
    }
    return at != from || ++empty_ <= kMostEmpty ? at : nullptr;
  }

 private:
  Cursor list(const AvroType& type, Cursor at, int depth) {
    while (true) {
      uint64_t raw = 0;
      at = read_varint(at, end_, raw);
      if (at == nullptr) return nullptr;
      const int64_t count = unzigzag(raw);
      if (count == 0) return at;
      if (count < 0) {  // the size in bytes follows: the block need not be looked at
        size_t size = 0;
        at = read_length(at, end_, size);
        if (at == nullptr) return nullptr;
        at += size;
        continue;
      }
      at = block(type, at, count, depth);
      if (at == nullptr) return nullptr;
    }
  }

  Cursor block(const AvroType& type, Cursor at, int64_t count, int depth) {
    for (int64_t i = 0; i < count; ++i) {
      const Cursor from = at;
      if (type.kind == AvroKind::map) at = skip_text(at, end_);
      if (at != nullptr) at = skip(*type.element, at, depth + 1);
      if (at == nullptr) return nullptr;
      if (at == from && ++empty_ > kMostEmpty) return nullptr;
    }
    return at;
  }

  const Cursor end_;
  int64_t empty_ = 0;
};

}  // namespace

Cursor skip_value(const AvroType& type, Cursor at, Cursor end) {
  return Skipper(end).skip(type, at, 0);
}

}  // namespace tradewind::schema::avro
