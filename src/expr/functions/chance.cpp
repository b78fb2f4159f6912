// Functions of chance. The same moment and row give the same, so that a run can be played again.
#include "base/hash.h"
#include "base/random.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

Random random_of(const Call& call, size_t row, uint64_t salt) {
  return Random(mix64(mix64(call.moment.chance, salt), mix64(call.site, row)));
}

ColumnPtr random(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  for (size_t row = 0; row < call.rows; ++row) out->data<double>()[row] = random_of(call, row, 1).unit();
  return out;
}

// Version 4 of RFC 4122: its text of 16 bytes.
std::string uuid_text(BytesView bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[static_cast<unsigned char>(bytes[i]) >> 4];
    text += kDigits[static_cast<unsigned char>(bytes[i]) & 15];
  }
  return text;
}

ColumnPtr uuid(const Call& call) {
  if (call.arguments.size() == 1) {
    return by_row(call, [](Values a) -> Result<Value> {
      if (a[0].text().size() != 16)
        return Error{Code::invalid, "a UUID has 16 bytes, not " + std::to_string(a[0].text().size())};
      return Value(uuid_text(a[0].text()));
    });
  }
  auto out = std::make_shared<Column>(call.type, call.rows);
  for (size_t row = 0; row < call.rows; ++row) {
    Bytes bytes;
    for (const uint64_t salt : {2, 3}) {
      const uint64_t half = random_of(call, row, salt).next();
      bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
    }
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
    out->data<BytesView>()[row] = out->store(uuid_text(bytes));
  }
  return out;
}

const Function kRows[] = {
    {"RANDOM", "RANDOM() -> DOUBLE", "A number from 0 up to, not including, 1; another one each time.",
     "RANDOM()", [](Arguments& a) { return take("RANDOM", a, {}, Kind::real); }, random, nullptr, false,
     false, true},
    {"UUID", "UUID([BYTES]) -> STRING", "A new identifier; or 16 bytes written as one.", "UUID()",
     [](Arguments& a) { return take("UUID", a, {Kind::bytes}, Kind::string, 1); }, uuid, nullptr, false,
     false, true},
};

}  // namespace

std::span<const Function> chance_functions() {
  return kRows;
}

}  // namespace tradewind::expr
