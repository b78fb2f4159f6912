#include "schema/json_serde.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/coding.h"
#include "base/json.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/value.h"
#include "schema/avro.h"
#include "schema/json_schema.h"

namespace tradewind::schema {
namespace {

// Reads JSON values as SQL ones; `problem` tells why it cannot.
class Reader {
 public:
  bool read(const Json& json, const Type& type, const std::string& place, Value& out) {
    out = Value();
    if (json.is_null()) return true;
    switch (type.kind()) {
      case Kind::boolean:
        if (!json.is(Json::Kind::boolean)) return refuse(json, type, place);
        out = int64_t{json.truth()};
        return true;
      case Kind::integer:
      case Kind::bigint:
      case Kind::time:
      case Kind::date:
      case Kind::timestamp: return whole(json, type, place, out);
      case Kind::real: return real(json, type, place, out);
      case Kind::decimal: return decimal(json, type, place, out);
      case Kind::string: return text(json, out);
      case Kind::bytes: {
        Bytes bytes;
        if (!json.is(Json::Kind::string) || !from_base64(json.text(), bytes))
          return refuse(json, type, place);
        out = std::move(bytes);
        return true;
      }
      case Kind::array: return array(json, type, place, out);
      case Kind::map: return map(json, type, place, out);
      case Kind::structure: break;
    }
    if (!json.is(Json::Kind::object)) return refuse(json, type, place);
    std::vector<Value> parts(type.fields().size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!field(json, type.fields()[i], place, parts[i])) return false;
    }
    out = std::move(parts);
    return true;
  }

  // The member of this name, exactly or else ignoring case; missing is null.
  bool field(const Json& object, const Field& field, const std::string& place, Value& out) {
    const Json* found = object.find(field.name);
    if (found == nullptr) {
      const std::string name = upper_case(field.name);
      for (const Json::Member& member : object.members()) {
        if (upper_case(member.name) == name) found = &member.value;
      }
    }
    out = Value();
    if (found == nullptr) return true;
    return read(*found, field.type, place.empty() ? field.name : place + "." + field.name, out);
  }

  const std::string& problem() const { return problem_; }

 private:
  static bool is_scalar_text(const Json& json) {
    return json.is(Json::Kind::number) || json.is(Json::Kind::string);
  }

  bool whole(const Json& json, const Type& type, const std::string& place, Value& out) {
    if (!is_scalar_text(json)) return refuse(json, type, place);
    const std::string& text = json.text();
    int64_t value = 0;
    const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      // A real number loses its fraction, as in ksqlDB; text must be a whole number.
      const auto number = json.real();
      if (!number || !(std::abs(*number) < 9.2e18)) return refuse(json, type, place);
      value = static_cast<int64_t>(*number);
    }
    const bool narrow = type.layout() == Layout::i32;
    if (narrow && (value < INT32_MIN || value > INT32_MAX)) return refuse(json, type, place);
    out = value;
    return true;
  }

  bool real(const Json& json, const Type& type, const std::string& place, Value& out) {
    if (!is_scalar_text(json) || json.text().empty()) return refuse(json, type, place);
    char* end = nullptr;
    const double value = std::strtod(json.text().c_str(), &end);
    if (*end != '\0') return refuse(json, type, place);
    out = value;
    return true;
  }

  // Exact: too many digits before or after the point make the row bad.
  bool decimal(const Json& json, const Type& type, const std::string& place, Value& out) {
    if (!is_scalar_text(json)) return refuse(json, type, place);
    std::string_view text = json.text();
    int64_t exponent = 0;
    if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
      std::string_view digits = text.substr(e + 1);
      if (digits.starts_with('+')) digits.remove_prefix(1);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
      if (error != std::errc() || end != digits.data() + digits.size()) return refuse(json, type, place);
      text = text.substr(0, e);
    }
    const auto parsed = parse_decimal(text);
    if (!parsed || std::abs(exponent) > 1000) return refuse(json, type, place);
    const int scale = parsed->scale - static_cast<int>(exponent);
    Int128 unscaled = parsed->unscaled;
    const int lifted = std::max(scale, 0);
    if (scale < 0) {
      const auto grown = rescale(unscaled, scale, 0);
      if (!grown) return refuse(json, type, place);
      unscaled = *grown;
    }
    const auto scaled = rescale(unscaled, lifted, type.scale());
    if (!scaled || !fits_precision(*scaled, type.precision())) return refuse(json, type, place);
    if (lifted > type.scale() && rescale(*scaled, type.scale(), lifted) != unscaled)
      return refuse(json, type, place);
    out = *scaled;
    return true;
  }

  static bool text(const Json& json, Value& out) {
    const bool scalar = is_scalar_text(json);
    out = scalar ? json.text() : json.dump();
    return true;
  }

  bool array(const Json& json, const Type& type, const std::string& place, Value& out) {
    if (!json.is(Json::Kind::array)) return refuse(json, type, place);
    std::vector<Value> parts(json.elements().size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!read(json.elements()[i], type.element(), place + "[]", parts[i])) return false;
    }
    out = std::move(parts);
    return true;
  }

  bool map(const Json& json, const Type& type, const std::string& place, Value& out) {
    if (!json.is(Json::Kind::object)) return refuse(json, type, place);
    std::vector<Value> parts;
    for (const Json::Member& member : json.members()) {
      Value key;
      Value value;
      if (!read(Json::string(member.name), type.key(), place + "{}", key)) return false;
      if (!read(member.value, type.element(), place + "{}", value)) return false;
      parts.push_back(std::move(key));
      parts.push_back(std::move(value));
    }
    out = std::move(parts);
    return true;
  }

  bool refuse(const Json& json, const Type& type, const std::string& place) {
    std::string text = json.dump();
    if (text.size() > 60) text = text.substr(0, 60) + "...";
    problem_ =
        (place.empty() ? std::string("the value") : "field " + place) + ": " + text + " is no " + type.text();
    return false;
  }

  std::string problem_;
};

class JsonDecoder final : public Decoder {
 public:
  explicit JsonDecoder(const SerdeSpec& spec) : spec_(spec), wrapped_(spec.wrapped()) {
    for (const Field& column : spec.columns) builders_.emplace_back(column.type);
  }

  Result<Decoded> decode(std::span<const std::optional<BytesView>> payloads,
                         const std::shared_ptr<const void>&) override {
    Decoded decoded;
    std::vector<Value> values(spec_.columns.size());
    for (uint32_t row = 0; row < payloads.size(); ++row) {
      std::string problem;
      const bool good = payloads[row] && row_of(*payloads[row], values, problem);
      if (!problem.empty()) decoded.bad.push_back({row, std::move(problem)});
      for (size_t i = 0; i < values.size(); ++i) {
        if (wanted(i)) builders_[i].append(good ? values[i] : Value());
      }
    }
    for (size_t i = 0; i < values.size(); ++i)
      decoded.columns.push_back(wanted(i) ? builders_[i].finish() : nullptr);
    return decoded;
  }

 private:
  bool wanted(size_t column) const { return spec_.wanted.empty() || spec_.wanted[column].any; }

  bool row_of(BytesView payload, std::vector<Value>& values, std::string& problem) {
    const auto json = parse_json(payload);
    if (!json.ok()) {
      problem = json.error().message;
      return false;
    }
    if (json->is_null()) {
      for (Value& value : values) value = Value();
      return true;
    }
    Reader reader;
    if (!wrapped_) {
      if (reader.read(*json, spec_.columns[0].type, "", values[0])) return true;
      problem = reader.problem();
      return false;
    }
    if (!json->is(Json::Kind::object)) {
      problem = "not a JSON object: " + std::string(payload.substr(0, 60));
      return false;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (!wanted(i) || reader.field(*json, spec_.columns[i], "", values[i])) continue;
      problem = reader.problem();
      return false;
    }
    return true;
  }

  const SerdeSpec spec_;
  const bool wrapped_;
  std::vector<ColumnBuilder> builders_;
};

class JsonEncoder final : public Encoder {
 public:
  explicit JsonEncoder(const SerdeSpec& spec) : spec_(spec), wrapped_(spec.wrapped()) {}

  Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) override {
    for (size_t row = 0; row < rows; ++row) {
      JsonWriter writer(out.bytes);
      if (!wrapped_) {
        write(writer, *columns[0], row);
      } else {
        writer.begin_object();
        for (size_t i = 0; i < columns.size(); ++i) {
          writer.key(spec_.columns[i].name);
          write(writer, *columns[i], row);
        }
        writer.end_object();
      }
      if (out.bytes.size() > UINT32_MAX)
        return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
    }
    return {};
  }

 private:
  static void write(JsonWriter& writer, const Column& column, size_t row) {
    if (column.is_null(row)) return writer.null();
    const Type& type = column.type();
    switch (type.kind()) {
      case Kind::boolean: return writer.boolean(column.data<uint8_t>()[row] != 0);
      case Kind::integer:
      case Kind::time:
      case Kind::date: return writer.number(column.data<int32_t>()[row]);
      case Kind::bigint:
      case Kind::timestamp: return writer.number(column.data<int64_t>()[row]);
      case Kind::real: {
        const double value = column.data<double>()[row];
        return std::isfinite(value) ? writer.raw(double_text(value)) : writer.string(double_text(value));
      }
      case Kind::decimal: {
        const bool narrow = type.layout() == Layout::i64;
        const Int128 value = narrow ? Int128{column.data<int64_t>()[row]} : column.data<Int128>()[row];
        return writer.raw(decimal_text(value, type.scale()));
      }
      case Kind::string: return writer.string(column.data<BytesView>()[row]);
      case Kind::bytes: return writer.string(to_base64(column.data<BytesView>()[row]));
      case Kind::array:
        writer.begin_array();
        for (uint32_t at = column.offsets()[row]; at < column.offsets()[row + 1]; ++at) {
          write(writer, *column.children()[0], at);
        }
        return writer.end_array();
      case Kind::map:
        writer.begin_object();
        for (uint32_t at = column.offsets()[row]; at < column.offsets()[row + 1]; ++at) {
          writer.key(value_text(type.key(), value_at(*column.children()[0], at)));
          write(writer, *column.children()[1], at);
        }
        return writer.end_object();
      case Kind::structure:
        writer.begin_object();
        for (size_t i = 0; i < type.fields().size(); ++i) {
          if (column.children()[i] == nullptr) continue;  // nobody asked for it, so it was not read
          writer.key(type.fields()[i].name);
          write(writer, *column.children()[i], row);
        }
        return writer.end_object();
    }
  }

  const SerdeSpec spec_;
  const bool wrapped_;
};

}  // namespace

namespace {

constexpr size_t kFrame = 5;  // 00 and the id of a schema, big-endian

// JSON behind the frame that names its schema.
class JsonSrDecoder final : public Decoder {
 public:
  explicit JsonSrDecoder(const SerdeSpec& spec) : inner_(spec) {}

  Result<Decoded> decode(std::span<const std::optional<BytesView>> payloads,
                         const std::shared_ptr<const void>& buffer) override {
    std::vector<std::optional<BytesView>> bodies(payloads.size());
    std::vector<BadRow> unframed;
    for (uint32_t row = 0; row < payloads.size(); ++row) {
      if (!payloads[row]) continue;
      if (payloads[row]->size() < kFrame || (*payloads[row])[0] != 0) {
        unframed.push_back({row, "not Confluent's framing: it begins with " +
                                     to_hex(payloads[row]->substr(0, kFrame)) +
                                     " and not with 00 and a schema id"});
      } else {
        bodies[row] = payloads[row]->substr(kFrame);
      }
    }
    Decoded decoded = TRY(inner_.decode(bodies, buffer));
    decoded.bad.insert(decoded.bad.end(), unframed.begin(), unframed.end());
    std::sort(decoded.bad.begin(), decoded.bad.end(),
              [](const BadRow& a, const BadRow& b) { return a.row < b.row; });
    return decoded;
  }

 private:
  JsonDecoder inner_;
};

class JsonSrEncoder final : public Encoder {
 public:
  JsonSrEncoder(const SerdeSpec& spec, SchemaId id) : inner_(spec) {
    frame_ += '\0';
    put_big32(frame_, static_cast<uint32_t>(id));
  }

  Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) override {
    bare_.clear();
    TRY(inner_.encode(columns, rows, bare_));
    for (size_t row = 0; row < rows; ++row) {
      out.bytes += frame_;
      out.bytes += bare_[row];
      if (out.bytes.size() > UINT32_MAX)
        return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
    }
    return {};
  }

 private:
  JsonEncoder inner_;
  Bytes frame_;
  Encoded bare_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_json_sr_decoder(const SerdeSpec& spec) {
  return std::unique_ptr<Decoder>(std::make_unique<JsonSrDecoder>(spec));
}

Result<std::unique_ptr<Encoder>> make_json_sr_encoder(const SerdeSpec& spec, Registry& registry) {
  SchemaId id = spec.detail.schema_id;
  if (id == 0) {
    const std::string subject = spec.topic + (spec.key ? "-key" : "-value");
    id = TRY(registry.register_schema(subject, SchemaKind::json, json_schema_of(spec))).id;
  }
  return std::unique_ptr<Encoder>(std::make_unique<JsonSrEncoder>(spec, id));
}

Result<std::unique_ptr<Decoder>> make_json_decoder(const SerdeSpec& spec) {
  return std::unique_ptr<Decoder>(std::make_unique<JsonDecoder>(spec));
}

Result<std::unique_ptr<Encoder>> make_json_encoder(const SerdeSpec& spec) {
  return std::unique_ptr<Encoder>(std::make_unique<JsonEncoder>(spec));
}

}  // namespace tradewind::schema
