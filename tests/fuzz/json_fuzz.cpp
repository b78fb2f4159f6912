// Any bytes as JSON: what parses is written and parsed again to the same value, and rows of JSON are good or
// bad.

#include <cstdint>

#include "base/check.h"
#include "base/json.h"
#include "schema/serde.h"

namespace tradewind {
namespace {

void rows_of(BytesView input) {
  const Type item = Type::structure({{"A", Kind::integer}, {"B", Kind::real}});
  schema::SerdeSpec spec{.format = schema::Format::json,
                         .columns = {{"A", Kind::string},
                                     {"B", Kind::bigint},
                                     {"C", Type::decimal(20, 4)},
                                     {"D", Kind::boolean},
                                     {"E", Kind::bytes},
                                     {"F", Type::array(item)},
                                     {"G", Type::map(Kind::string, Kind::timestamp)},
                                     {"H", item},
                                     {"I", Kind::time}}};
  const std::vector<std::optional<BytesView>> payloads = {input, std::nullopt, input};
  const auto decoded = schema::make_decoder(spec, nullptr).value()->decode(payloads, nullptr);
  CHECK(decoded.ok());
  schema::Encoded out;
  CHECK(schema::make_encoder(spec, nullptr).value()->encode(decoded->columns, payloads.size(), out).ok());
  for (size_t i = 0; i < out.size(); ++i) CHECK(parse_json(out[i]).ok());
  spec.format = schema::Format::delimited;
  spec.columns = {{"A", Kind::string}, {"B", Kind::real}, {"C", Type::decimal(9, 2)}};
  CHECK(schema::make_decoder(spec, nullptr).value()->decode(payloads, nullptr).ok());
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tradewind::BytesView input(reinterpret_cast<const char*>(data), size);
  const auto parsed = tradewind::parse_json(input);
  if (parsed.ok()) {
    const std::string text = parsed->dump();
    const auto again = tradewind::parse_json(text);
    CHECK(again.ok() && *again == *parsed);
  }
  tradewind::rows_of(input);
  return 0;
}
