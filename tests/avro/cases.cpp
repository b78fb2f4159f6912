// avro_cases <seed> <schemas>: random writers' and readers' schemas with payloads and what our decoder makes
// of them, one JSON object a line; fastavro_check.py compares them with fastavro.

#include <cstdio>
#include <cstdlib>

#include "random_avro.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

constexpr size_t kRows = 20;

int print_case(uint64_t seed) {
  RandomAvro random(seed);
  const Json writer = random.record();
  const Json reader = seed % 2 == 0 ? writer : random.evolved(writer);
  FakeRegistry registry;
  (void)registry.register_schema("writers", SchemaKind::avro, writer.dump());
  const auto registered = registry.register_schema("t-value", SchemaKind::avro, reader.dump());
  const auto columns = columns_of(*registered);
  const auto schema = AvroSchema::parse(writer.dump());
  if (!columns.ok() || !schema.ok()) {
    std::fprintf(stderr, "seed %lu: %s\n", seed,
                 columns.ok() ? "no schema" : columns.error().message.c_str());
    return 1;
  }
  SerdeSpec spec{.columns = *columns, .topic = "t"};
  std::vector<Bytes> payloads;
  for (size_t i = 0; i < kRows; ++i) {
    payloads.emplace_back("\0\0\0\0\1", 5);
    random.value((*schema)->root(), seed % 3 == 0, payloads.back());
  }
  const std::vector<std::optional<BytesView>> views(payloads.begin(), payloads.end());
  const auto decoded = make_decoder(spec, &registry).value()->decode(views, nullptr);
  spec.format = Format::json;
  Encoded rows;
  if (!decoded.ok() || !make_encoder(spec, nullptr).value()->encode(decoded->columns, kRows, rows).ok())
    return 1;
  Json out = Json::object(
      {{"seed", Json::number(static_cast<int64_t>(seed))}, {"writer", writer}, {"reader", reader}});
  Json list = Json::array();
  for (size_t i = 0; i < kRows; ++i) {
    list.push(Json::object({{"payload", Json::string(to_base64(BytesView(payloads[i]).substr(5)))},
                            {"ours", *parse_json(rows[i])}}));
  }
  for (const BadRow& bad : decoded->bad) std::fprintf(stderr, "seed %lu: %s\n", seed, bad.reason.c_str());
  out.set("rows", std::move(list));
  std::printf("%s\n", out.dump().c_str());
  return decoded->bad.empty() ? 0 : 1;
}

}  // namespace
}  // namespace tradewind::schema

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 300;
  int failed = 0;
  for (uint64_t i = 0; i < count; ++i) failed |= tradewind::schema::print_case(seed + i);
  return failed;
}
