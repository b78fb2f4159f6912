// Random schemas and values: our decoder beside libavro-c's, and our encoder against the bytes it should give
// back.

#include <avro.h>

#include "data/value.h"
#include "random_avro.h"
#include "schema/avro/encode.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

constexpr int kSchemas = 600;
constexpr size_t kRows = 150;

void ask(int failed) {
  ASSERT_EQ(failed, 0) << avro_strerror();
}

int64_t millis(int64_t micros) {
  return micros / 1000;
}

Int128 number_of(const void* bytes, size_t size) {
  const auto* from = static_cast<const unsigned char*>(bytes);
  Int128 value = size > 0 && from[0] >= 0x80 ? -1 : 0;
  for (size_t i = 0; i < size; ++i) value = value * 256 + from[i];
  return value;
}

Value value_of(avro_value_t value, const AvroType& type, const Type& sql);

Value parts_of(avro_value_t value, const AvroType& type, const Type& sql) {
  size_t size = 0;
  ask(avro_value_get_size(&value, &size));
  std::vector<Value> parts;
  for (size_t i = 0; i < size; ++i) {
    avro_value_t part;
    const char* key = nullptr;
    ask(avro_value_get_by_index(&value, i, &part, &key));
    if (type.kind == AvroKind::map) parts.emplace_back(std::string(key));
    const bool record = type.kind == AvroKind::record;
    parts.push_back(value_of(part, record ? *type.fields[i].type : *type.element,
                             record ? sql.fields()[i].type : sql.element()));
  }
  return parts;
}

Value branch_of(avro_value_t value, const AvroType& type, const Type& sql) {
  int number = 0;
  avro_value_t branch;
  ask(avro_value_get_discriminant(&value, &number));
  ask(avro_value_get_current_branch(&value, &branch));
  const AvroType& taken = *type.branches[static_cast<size_t>(number)];
  if (taken.kind == AvroKind::null) return {};
  if (type.only() != nullptr) return value_of(branch, taken, sql);
  std::vector<Value> parts;
  for (const Field& field : sql.fields()) {
    parts.push_back(field.name == branch_field(taken) ? value_of(branch, taken, field.type) : Value());
  }
  return parts;
}

Value value_of(avro_value_t value, const AvroType& type, const Type& sql) {
  const bool micros =
      type.logical == AvroLogical::timestamp_micros || type.logical == AvroLogical::time_micros;
  int32_t small = 0;
  int64_t large = 0;
  float narrow = 0;
  double wide = 0;
  const char* text = nullptr;
  const void* bytes = nullptr;
  size_t size = 0;
  switch (type.kind) {
    case AvroKind::null: return {};
    case AvroKind::boolean: ask(avro_value_get_boolean(&value, &small)); return int64_t{small};
    case AvroKind::int32: ask(avro_value_get_int(&value, &small)); return int64_t{small};
    case AvroKind::int64: ask(avro_value_get_long(&value, &large)); return micros ? millis(large) : large;
    case AvroKind::float32: ask(avro_value_get_float(&value, &narrow)); return double{narrow};
    case AvroKind::float64: ask(avro_value_get_double(&value, &wide)); return wide;
    case AvroKind::string:
      ask(avro_value_get_string(&value, &text, &size));
      return std::string(text, size - 1);
    case AvroKind::bytes:
    case AvroKind::fixed:
      ask(type.kind == AvroKind::bytes ? avro_value_get_bytes(&value, &bytes, &size)
                                       : avro_value_get_fixed(&value, &bytes, &size));
      if (type.logical == AvroLogical::decimal) return number_of(bytes, size);
      return std::string(static_cast<const char*>(bytes), size);
    case AvroKind::enumeration:
      ask(avro_value_get_enum(&value, &small));
      return type.symbols[static_cast<size_t>(small)];
    case AvroKind::choice: return branch_of(value, type, sql);
    case AvroKind::array:
    case AvroKind::map:
    case AvroKind::record: break;
  }
  return parts_of(value, type, sql);
}

// One random schema with random rows, decoded by both.
void compare(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomAvro random(seed);
  const std::string text = random.record().dump();
  const AvroSchemaPtr schema = AvroSchema::parse(text).value();
  FakeRegistry registry;
  const auto registered = registry.register_schema("t-value", SchemaKind::avro, text);
  SerdeSpec spec{.columns = columns_of(*registered).value(), .topic = "t"};
  const bool blocks = seed % 3 == 0;
  std::vector<Bytes> payloads;
  for (size_t i = 0; i < kRows; ++i) {
    payloads.emplace_back("\0\0\0\0\1", 5);
    random.value(schema->root(), blocks, payloads.back());
  }
  const std::vector<std::optional<BytesView>> views(payloads.begin(), payloads.end());
  const auto decoded = make_decoder(spec, &registry).value()->decode(views, nullptr);
  ASSERT_TRUE(decoded.ok());
  for (const BadRow& bad : decoded->bad) FAIL() << bad.reason << "\n" << text;

  avro_schema_t theirs = nullptr;
  ask(avro_schema_from_json_length(text.c_str(), text.size(), &theirs));
  avro_value_iface_t* kind = avro_generic_class_from_schema(theirs);
  avro_value_t value;
  ask(avro_generic_value_new(kind, &value));
  avro_reader_t reader = avro_reader_memory("", 0);
  const Type row_type = Type::structure(spec.columns);
  for (size_t row = 0; row < kRows; ++row) {
    avro_reader_memory_set_source(reader, payloads[row].data() + 5,
                                  static_cast<int64_t>(payloads[row].size() - 5));
    avro_value_reset(&value);
    ask(avro_value_read(reader, &value));
    const Value expected = value_of(value, schema->root(), row_type);
    for (size_t i = 0; i < spec.columns.size(); ++i) {
      const Value got = value_at(*decoded->columns[i], row);
      ASSERT_EQ(value_text(spec.columns[i].type, got), value_text(spec.columns[i].type, expected.parts()[i]))
          << "row " << row << " column " << spec.columns[i].name << "\n"
          << text;
    }
  }
  avro_reader_free(reader);
  avro_value_decref(&value);
  avro_value_iface_decref(kind);
  avro_schema_decref(theirs);

  if (blocks) return;
  auto encoding = avro::Encoding::make(schema, spec.columns, true);
  if (!encoding.ok()) return;  // unions of several types are read only
  Encoded encoded;
  const auto done = encoding->encode(BytesView("\0\0\0\0\1", 5), decoded->columns, kRows, encoded);
  ASSERT_TRUE(done.ok()) << done.error().message;
  for (size_t row = 0; row < kRows; ++row) ASSERT_EQ(to_hex(encoded[row]), to_hex(payloads[row])) << text;
}

TEST(AvroOracle, RandomSchemasDecodeAsInLibavroAndEncodeBack) {
  for (uint64_t seed = 1; seed <= kSchemas && !testing::Test::HasFailure(); ++seed) compare(seed);
}

// Cut anywhere, changed anywhere: rows are good or bad, and nothing worse happens.
TEST(AvroOracle, DamagedPayloadsAreBadRowsOrOtherValues) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    RandomAvro random(seed);
    const std::string text = random.record().dump();
    const AvroSchemaPtr schema = AvroSchema::parse(text).value();
    FakeRegistry registry;
    const auto registered = registry.register_schema("t-value", SchemaKind::avro, text);
    SerdeSpec spec{.columns = columns_of(*registered).value(), .topic = "t"};
    std::vector<Bytes> payloads;
    for (size_t i = 0; i < 100; ++i) {
      Bytes payload("\0\0\0\0\1", 5);
      random.value(schema->root(), true, payload);
      if (random.random().chance(0.5)) payload.resize(5 + random.random().below(payload.size() - 4));
      for (uint64_t changes = random.random().below(4); changes > 0 && payload.size() > 5; --changes) {
        payload[5 + random.random().below(payload.size() - 5)] =
            static_cast<char>(random.random().below(256));
      }
      payload.shrink_to_fit();
      payloads.push_back(std::move(payload));
    }
    const std::vector<std::optional<BytesView>> views(payloads.begin(), payloads.end());
    const auto decoded = make_decoder(spec, &registry).value()->decode(views, nullptr);
    ASSERT_TRUE(decoded.ok());
    for (const BadRow& bad : decoded->bad) {
      for (const ColumnPtr& column : decoded->columns) EXPECT_TRUE(column->is_null(bad.row));
    }
    Encoded json;
    spec.format = Format::json;
    ASSERT_TRUE(make_encoder(spec, nullptr).value()->encode(decoded->columns, views.size(), json).ok());
  }
}

}  // namespace
}  // namespace tradewind::schema
