#include "schema/plain_serde.h"

#include <charconv>
#include <cstring>

#include "base/coding.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/value.h"
#include "schema/avro.h"

namespace tradewind::schema {
namespace {

// The part that all plain decoders share: rows of values, nulls for missing payloads, bad ones with their
// reason.
class PlainDecoder : public Decoder {
 public:
  explicit PlainDecoder(const SerdeSpec& spec) : spec_(spec) {
    for (const Field& column : spec.columns) builders_.emplace_back(column.type);
  }

  Result<Decoded> decode(std::span<const std::optional<BytesView>> payloads,
                         const std::shared_ptr<const void>&) override {
    Decoded decoded;
    std::vector<Value> values(spec_.columns.size());
    for (uint32_t row = 0; row < payloads.size(); ++row) {
      std::string problem;
      const bool good = payloads[row] && read(*payloads[row], values, problem);
      if (!problem.empty()) decoded.bad.push_back({row, std::move(problem)});
      for (size_t i = 0; i < values.size(); ++i) builders_[i].append(good ? values[i] : Value());
    }
    for (size_t i = 0; i < values.size(); ++i) {
      ColumnPtr column = builders_[i].finish();
      const bool wanted = spec_.wanted.empty() || spec_.wanted[i].any;
      decoded.columns.push_back(wanted ? std::move(column) : nullptr);
    }
    return decoded;
  }

 protected:
  virtual bool read(BytesView payload, std::vector<Value>& values, std::string& problem) = 0;

  const SerdeSpec spec_;

 private:
  std::vector<ColumnBuilder> builders_;
};

class KafkaDecoder final : public PlainDecoder {
 public:
  using PlainDecoder::PlainDecoder;

 private:
  bool read(BytesView payload, std::vector<Value>& values, std::string& problem) override {
    const Type& type = spec_.columns[0].type;
    const bool narrow = type.kind() == Kind::integer;
    if (type.kind() == Kind::string || type.kind() == Kind::bytes) {
      values[0] = std::string(payload);
      return true;
    }
    if (payload.size() != (narrow ? 4 : 8)) {
      problem = std::to_string(payload.size()) + " bytes are no " + type.text();
      return false;
    }
    uint32_t small = 0;
    uint64_t large = 0;
    if (narrow) {
      (void)get_big32(payload, small);
      values[0] = int64_t{static_cast<int32_t>(small)};
      return true;
    }
    (void)get_big64(payload, large);
    values[0] =
        type.kind() == Kind::real ? Value(std::bit_cast<double>(large)) : Value(static_cast<int64_t>(large));
    return true;
  }
};

class KafkaEncoder final : public Encoder {
 public:
  Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) override {
    const Column& column = *columns[0];
    for (size_t row = 0; row < rows; ++row) {
      if (!column.is_null(row)) {
        switch (column.type().layout()) {
          case Layout::i32: put_big32(out.bytes, static_cast<uint32_t>(column.data<int32_t>()[row])); break;
          case Layout::i64: put_big64(out.bytes, static_cast<uint64_t>(column.data<int64_t>()[row])); break;
          case Layout::f64: put_big64(out.bytes, std::bit_cast<uint64_t>(column.data<double>()[row])); break;
          default: out.bytes += column.data<BytesView>()[row]; break;
        }
      }
      if (out.bytes.size() > UINT32_MAX)
        return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
    }
    return {};
  }
};

// One field of a CSV line; quoted fields may hold the delimiter and doubled quotes.
struct CsvField {
  std::string text;
  bool quoted = false;
};

bool split_csv(std::string_view line, char delimiter, std::vector<CsvField>& fields) {
  fields.clear();
  size_t at = 0;
  while (true) {
    CsvField field;
    if (at < line.size() && line[at] == '"') {
      field.quoted = true;
      for (++at;; ++at) {
        if (at >= line.size()) return false;
        if (line[at] != '"') {
          field.text += line[at];
          continue;
        }
        if (at + 1 >= line.size() || line[at + 1] != '"') break;
        field.text += line[at++];
      }
      ++at;
      if (at < line.size() && line[at] != delimiter) return false;
    } else {
      const size_t end = std::min(line.find(delimiter, at), line.size());
      field.text = line.substr(at, end - at);
      at = end;
    }
    fields.push_back(std::move(field));
    if (at >= line.size()) return true;
    ++at;
  }
}

template <typename T>
bool number_from(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool scalar_from(const std::string& text, const Type& type, Value& out) {
  switch (type.kind()) {
    case Kind::string: out = text; return true;
    case Kind::bytes: {
      Bytes bytes;
      if (!from_base64(text, bytes)) return false;
      out = std::move(bytes);
      return true;
    }
    case Kind::boolean: out = int64_t{upper_case(text) == "TRUE"}; return true;
    case Kind::real: {
      double value = 0;
      if (!number_from(text, value)) return false;
      out = value;
      return true;
    }
    case Kind::decimal: {
      const auto parsed = parse_decimal(text);
      const auto scaled = parsed ? rescale(parsed->unscaled, parsed->scale, type.scale()) : std::nullopt;
      if (!scaled || !fits_precision(*scaled, type.precision())) return false;
      if (parsed->scale > type.scale() && rescale(*scaled, type.scale(), parsed->scale) != parsed->unscaled)
        return false;
      out = *scaled;
      return true;
    }
    default: break;
  }
  int64_t value = 0;
  if (!number_from(text, value)) return false;
  if (type.layout() == Layout::i32 && (value < INT32_MIN || value > INT32_MAX)) return false;
  out = value;
  return true;
}

class DelimitedDecoder final : public PlainDecoder {
 public:
  using PlainDecoder::PlainDecoder;

 private:
  bool read(BytesView payload, std::vector<Value>& values, std::string& problem) override {
    while (!payload.empty() && (payload.back() == '\n' || payload.back() == '\r')) payload.remove_suffix(1);
    if (!split_csv(payload, spec_.detail.delimiter, fields_)) {
      problem = "a quote that does not end: " + std::string(payload.substr(0, 60));
      return false;
    }
    if (fields_.size() != values.size()) {
      problem = std::to_string(fields_.size()) + " fields for " + std::to_string(values.size()) + " columns";
      return false;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = Value();
      if (fields_[i].text.empty() && !fields_[i].quoted) continue;
      if (!scalar_from(fields_[i].text, spec_.columns[i].type, values[i])) {
        problem = "field " + spec_.columns[i].name + ": '" + fields_[i].text.substr(0, 60) + "' is no " +
                  spec_.columns[i].type.text();
        return false;
      }
    }
    return true;
  }

  std::vector<CsvField> fields_;
};

class DelimitedEncoder final : public Encoder {
 public:
  explicit DelimitedEncoder(char delimiter) : delimiter_(delimiter) {}

  Result<> encode(const std::vector<ColumnPtr>& columns, size_t rows, Encoded& out) override {
    for (size_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) out.bytes += delimiter_;
        if (!columns[i]->is_null(row)) write(*columns[i], row, out.bytes);
      }
      if (out.bytes.size() > UINT32_MAX)
        return Error{Code::invalid, "more than 4 GiB of encoded rows at once"};
      out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
    }
    return {};
  }

 private:
  void write(const Column& column, size_t row, Bytes& out) const {
    const Value value = value_at(column, row);
    switch (column.type().kind()) {
      case Kind::time:
      case Kind::date:
      case Kind::timestamp: out += std::to_string(value.number()); return;
      case Kind::string: return text(value.text(), out);
      default: out += value_text(column.type(), value); return;
    }
  }

  void text(const std::string& value, Bytes& out) const {
    const std::string special = std::string("\"\r\n") + delimiter_;
    if (!value.empty() && value.find_first_of(special) == std::string::npos) {
      out += value;
      return;
    }
    out += '"';
    for (const char c : value) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  const char delimiter_;
};

class NoneDecoder final : public Decoder {
 public:
  Result<Decoded> decode(std::span<const std::optional<BytesView>>,
                         const std::shared_ptr<const void>&) override {
    return Decoded{};
  }
};

class NoneEncoder final : public Encoder {
 public:
  Result<> encode(const std::vector<ColumnPtr>&, size_t rows, Encoded& out) override {
    out.ends.resize(out.ends.size() + rows, static_cast<uint32_t>(out.bytes.size()));
    return {};
  }
};

Result<> check_kafka(const SerdeSpec& spec) {
  if (spec.columns.size() != 1) {
    return Error{Code::invalid, "KAFKA holds one column, not " + std::to_string(spec.columns.size())};
  }
  switch (spec.columns[0].type.kind()) {
    case Kind::integer:
    case Kind::bigint:
    case Kind::real:
    case Kind::string:
    case Kind::bytes: return {};
    default: break;
  }
  return Error{Code::invalid,
               "KAFKA cannot hold " + spec.columns[0].name + " " + spec.columns[0].type.text()};
}

Result<> check_delimited(const SerdeSpec& spec) {
  for (const Field& column : spec.columns) {
    if (column.type.is_nested()) {
      return Error{Code::invalid, "DELIMITED cannot hold " + column.name + " " + column.type.text()};
    }
  }
  return {};
}

Result<> check_none(const SerdeSpec& spec) {
  if (spec.columns.empty()) return {};
  return Error{Code::invalid, "NONE holds no columns, and there is " + spec.columns[0].name};
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_kafka_decoder(const SerdeSpec& spec) {
  TRY(check_kafka(spec));
  return std::unique_ptr<Decoder>(std::make_unique<KafkaDecoder>(spec));
}

Result<std::unique_ptr<Encoder>> make_kafka_encoder(const SerdeSpec& spec) {
  TRY(check_kafka(spec));
  return std::unique_ptr<Encoder>(std::make_unique<KafkaEncoder>());
}

Result<std::unique_ptr<Decoder>> make_delimited_decoder(const SerdeSpec& spec) {
  TRY(check_delimited(spec));
  return std::unique_ptr<Decoder>(std::make_unique<DelimitedDecoder>(spec));
}

Result<std::unique_ptr<Encoder>> make_delimited_encoder(const SerdeSpec& spec) {
  TRY(check_delimited(spec));
  return std::unique_ptr<Encoder>(std::make_unique<DelimitedEncoder>(spec.detail.delimiter));
}

Result<std::unique_ptr<Decoder>> make_none_decoder(const SerdeSpec& spec) {
  TRY(check_none(spec));
  return std::unique_ptr<Decoder>(std::make_unique<NoneDecoder>());
}

Result<std::unique_ptr<Encoder>> make_none_encoder(const SerdeSpec& spec) {
  TRY(check_none(spec));
  return std::unique_ptr<Encoder>(std::make_unique<NoneEncoder>());
}

}  // namespace tradewind::schema
