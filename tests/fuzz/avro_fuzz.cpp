// Any bytes as an Avro schema, and any payloads for a random schema: rows are good or bad, nothing worse, and
// memory stays in proportion to the payloads.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "random_avro.h"
#include "schema/compatibility.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

// The input cut into payloads at lengths that it tells itself, each behind the framing of schema 1. Not
// strings: behind their last byte lies a zero that may be read, and here nothing may.
std::vector<std::vector<char>> cut(BytesView input) {
  constexpr char kFraming[] = {0, 0, 0, 0, 1};
  std::vector<std::vector<char>> payloads;
  while (!input.empty() && payloads.size() < 300) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(input[0]) * 2U, input.size() - 1);
    std::vector<char>& payload = payloads.emplace_back(sizeof kFraming + size);
    std::copy_n(kFraming, sizeof kFraming, payload.data());
    std::copy_n(input.data() + 1, size, payload.data() + sizeof kFraming);
    input.remove_prefix(1 + size);
  }
  return payloads;
}

void decode_all(FakeRegistry& registry, const std::vector<Field>& columns, BytesView input) {
  SerdeSpec spec{.columns = columns, .topic = "t"};
  const std::vector<std::vector<char>> payloads = cut(input);
  std::vector<std::optional<BytesView>> views;
  for (const std::vector<char>& payload : payloads)
    views.emplace_back(BytesView(payload.data(), payload.size()));
  for (const bool all : {true, false}) {
    spec.wanted.clear();
    for (size_t i = 0; i < columns.size(); ++i) spec.wanted.push_back({.any = all || i % 2 == 1});
    const auto decoded = make_decoder(spec, &registry).value()->decode(views, nullptr);
    CHECK(decoded.ok());
    if (!all) continue;
    SerdeSpec json = spec;
    json.format = Format::json;
    Encoded out;
    CHECK(make_encoder(json, nullptr).value()->encode(decoded->columns, views.size(), out).ok());
  }
}

void random_schema(uint64_t seed, BytesView input) {
  RandomAvro random(seed);
  const Json writer = random.record();
  const Json reader = seed % 2 == 0 ? writer : random.evolved(writer);
  FakeRegistry registry;
  (void)registry.register_schema("writers", SchemaKind::avro, writer.dump());
  const auto registered = registry.register_schema("t-value", SchemaKind::avro, reader.dump());
  decode_all(registry, columns_of(*registered).value(), input);
}

void any_schema(BytesView text, BytesView input) {
  const auto schema = AvroSchema::parse(text);
  if (!schema.ok()) return;
  (void)check_defaults(**schema).ok();
  (void)read_problems(**schema, **schema);
  FakeRegistry registry;
  const auto registered = registry.register_schema("t-value", SchemaKind::avro, std::string(text));
  const auto columns = columns_of(*registered);
  if (columns.ok()) return decode_all(registry, *columns, input);
  decode_all(registry, {{"SOME", Kind::string}, {"COLUMN", Kind::bigint}}, input);  // everything is skipped
}

}  // namespace
}  // namespace tradewind::schema

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tradewind::BytesView input(reinterpret_cast<const char*>(data), size);
  if (size < 9) return 0;
  uint64_t seed = 0;
  std::memcpy(&seed, data, 8);
  if (data[0] != '{' && data[0] != '[') {
    tradewind::schema::random_schema(seed, input.substr(8));
    return 0;
  }
  const size_t end = std::min(input.find('\n'), size);
  tradewind::schema::any_schema(input.substr(0, end), input.substr(std::min(end + 1, size)));
  return 0;
}
