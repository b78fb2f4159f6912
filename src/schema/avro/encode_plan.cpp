// Which part writes which column into which field of an Avro schema.

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "data/decimal.h"
#include "schema/avro/encode.h"

namespace tradewind::schema::avro {
namespace {

bool same_name(std::string_view a, std::string_view b, bool any_case) {
  return any_case ? upper_case(a) == upper_case(b) : a == b;
}

Bytes branch_bytes(size_t branch) {
  Bytes bytes;
  put_zigzag(bytes, static_cast<int64_t>(branch));
  return bytes;
}

class Planner {
 public:
  Result<std::vector<EncodePart>> record(const AvroType& record, const std::vector<Field>& columns,
                                         const std::string& place) {
    if (++depth_ > 64) return Error{Code::invalid, place + ": nested too deep"};
    std::vector<size_t> column_of(record.fields.size(), SIZE_MAX);
    for (size_t i = 0; i < columns.size(); ++i) {
      const size_t field = field_for(record, columns[i].name, column_of);
      if (field == SIZE_MAX) return Error{Code::invalid, "no field for column " + place + columns[i].name};
      column_of[field] = i;
    }
    std::vector<EncodePart> parts;
    for (size_t i = 0; i < record.fields.size(); ++i) {
      const AvroField& field = record.fields[i];
      const std::string at = place + field.name;
      if (field.fallback) TRY(check_default(*field.type, *field.fallback, at));
      if (column_of[i] == SIZE_MAX) {
        if (!field.fallback)
          return Error{Code::invalid, "field " + at + " has no default and no column fills it"};
        EncodePart part;
        append_default(*field.type, *field.fallback, part.constant);
        parts.push_back(std::move(part));
        continue;
      }
      EncodePart part = TRY(value(*field.type, columns[column_of[i]].type, at));
      part.column = column_of[i];
      if (!part.when_null && field.fallback)
        append_default(*field.type, *field.fallback, part.when_null.emplace());
      parts.push_back(std::move(part));
    }
    --depth_;
    return parts;
  }

  Result<EncodePart> value(const AvroType& type, const Type& column, const std::string& place) {
    if (type.kind != AvroKind::choice) return plain(type, column, place);
    for (size_t i = 0; i < type.branches.size(); ++i) {
      if (type.branches[i]->kind == AvroKind::null) continue;
      auto part = plain(*type.branches[i], column, place);
      if (!part.ok()) {
        if (type.only() != nullptr) return part.error();
        continue;
      }
      if (i > 63) return Error{Code::invalid, "column " + place + ": its union has too many branches"};
      part->branch = static_cast<uint8_t>(i * 2);
      part->branch_bytes = 1;
      if (const auto null = type.null_branch()) part->when_null = branch_bytes(*null);
      return part;
    }
    return cannot(type, column, place);
  }

 private:
  static size_t field_for(const AvroType& record, const std::string& column,
                          const std::vector<size_t>& taken) {
    for (const bool any_case : {false, true}) {
      for (size_t i = 0; i < record.fields.size(); ++i) {
        if (taken[i] == SIZE_MAX && same_name(record.fields[i].name, column, any_case)) return i;
      }
    }
    return SIZE_MAX;
  }

  Result<EncodePart> plain(const AvroType& type, const Type& column, const std::string& place) {
    EncodePart part;
    part.type = &type;
    part.place = place;
    switch (type.kind) {
      case AvroKind::array:
        if (column.kind() != Kind::array) break;
        part.put = Put::array;
        part.parts.push_back(TRY(value(*type.element, column.element(), place + "[]")));
        return part;
      case AvroKind::map:
        if (column.kind() != Kind::map || column.key().kind() != Kind::string) break;
        part.put = Put::map;
        part.parts.push_back(TRY(value(*type.element, column.element(), place + "{}")));
        part.parts[0].column = 1;
        return part;
      case AvroKind::record:
        if (column.kind() != Kind::structure) break;
        part.put = Put::record;
        part.parts = TRY(record(type, column.fields(), place + "."));
        return part;
      default:
        if (!scalar(type, column, part)) break;
        if (part.put == Put::symbol) index_symbols(part);
        return part;
    }
    return cannot(type, column, place);
  }

  static bool scalar(const AvroType& type, const Type& column, EncodePart& part) {
    using enum AvroLogical;
    const bool micros = type.logical == timestamp_micros || type.logical == local_timestamp_micros;
    switch (column.kind()) {
      case Kind::boolean: part.put = Put::boolean; return type.kind == AvroKind::boolean;
      case Kind::integer:
        part.put = type.kind == AvroKind::float64 ? Put::integer_real : Put::number32;
        return type.kind == AvroKind::int32 || type.kind == AvroKind::int64 || type.kind == AvroKind::float64;
      case Kind::bigint: part.put = Put::number64; return type.kind == AvroKind::int64;
      case Kind::real:
        part.put = type.kind == AvroKind::float32 ? Put::real32 : Put::real64;
        return type.kind == AvroKind::float32 || type.kind == AvroKind::float64;
      case Kind::string:
        part.put = type.kind == AvroKind::enumeration ? Put::symbol : Put::text;
        return type.kind == AvroKind::enumeration || type.kind == AvroKind::string;
      case Kind::bytes:
        part.put = type.kind == AvroKind::fixed ? Put::fixed : Put::text;
        return type.logical == none && (type.kind == AvroKind::fixed || type.kind == AvroKind::bytes);
      case Kind::date: part.put = Put::number32; return type.kind == AvroKind::int32;
      case Kind::time:
        part.put = type.logical == time_micros ? Put::number32_micros : Put::number32;
        return type.logical == time_micros || type.kind == AvroKind::int32;
      case Kind::timestamp:
        part.put = micros ? Put::number64_micros : Put::number64;
        return type.kind == AvroKind::int64;
      case Kind::decimal:
        part.put = type.kind == AvroKind::fixed ? Put::decimal_fixed : Put::decimal;
        part.lift = type.scale - column.scale();
        if (part.put == Put::decimal && part.lift == 0 && column.layout() == Layout::i64)
          part.put = Put::decimal64;
        return type.logical == decimal && part.lift >= 0 &&
               type.precision - type.scale >= column.precision() - column.scale();
      case Kind::array:
      case Kind::map:
      case Kind::structure: break;
    }
    return false;
  }

  static void index_symbols(EncodePart& part) {
    const std::vector<std::string>& symbols = part.type->symbols;
    for (size_t i = 0; i < symbols.size(); ++i) {
      int32_t& first = part.symbols.first[SymbolTable::slot(symbols[i])];
      part.symbols.next.push_back(first);
      first = static_cast<int32_t>(i);
      if (part.type->symbol_default == symbols[i]) part.symbols.fallback = first;
    }
  }

  static Error cannot(const AvroType& type, const Type& column, const std::string& place) {
    return {Code::invalid,
            "column " + place + ": " + column.text() + " cannot be written as an Avro " + name_of(type.kind)};
  }

  int depth_ = 0;
};

}  // namespace

void append_default(const AvroType& type, const Json& value, Bytes& out) {
  switch (type.kind) {
    case AvroKind::null: return;
    case AvroKind::boolean: out += value.truth() ? '\1' : '\0'; return;
    case AvroKind::int32:
    case AvroKind::int64: return put_zigzag(out, *value.integer());
    case AvroKind::float32:
    case AvroKind::float64: {
      const double real = std::strtod(value.text().c_str(), nullptr);
      if (type.kind == AvroKind::float32) return put_fixed(out, static_cast<float>(real));
      return put_fixed(out, real);
    }
    case AvroKind::string:
      put_zigzag(out, static_cast<int64_t>(value.text().size()));
      out += value.text();
      return;
    case AvroKind::bytes:
    case AvroKind::fixed: {
      const std::string bytes = *bytes_of_json(value.text());
      if (type.kind == AvroKind::bytes) put_zigzag(out, static_cast<int64_t>(bytes.size()));
      out += bytes;
      return;
    }
    case AvroKind::enumeration: {
      const auto symbol = std::find(type.symbols.begin(), type.symbols.end(), value.text());
      return put_zigzag(out, symbol - type.symbols.begin());
    }
    case AvroKind::choice: out += '\0'; return append_default(*type.branches[0], value, out);
    case AvroKind::array:
      if (!value.elements().empty()) put_zigzag(out, static_cast<int64_t>(value.elements().size()));
      for (const Json& element : value.elements()) append_default(*type.element, element, out);
      out += '\0';
      return;
    case AvroKind::map:
      if (!value.members().empty()) put_zigzag(out, static_cast<int64_t>(value.members().size()));
      for (const Json::Member& member : value.members()) {
        put_zigzag(out, static_cast<int64_t>(member.name.size()));
        out += member.name;
        append_default(*type.element, member.value, out);
      }
      out += '\0';
      return;
    case AvroKind::record:
      for (const AvroField& field : type.fields) {
        const Json* part = value.find(field.name);
        append_default(*field.type, part == nullptr ? *field.fallback : *part, out);
      }
      return;
  }
}

Result<Encoding> Encoding::make(const AvroSchemaPtr& schema, const std::vector<Field>& columns,
                                bool wrapped) {
  Encoding encoding;
  encoding.schema_ = schema;
  Planner planner;
  const AvroType& root = schema->root();
  if (wrapped) {
    if (root.kind != AvroKind::record) return Error{Code::invalid, "the schema is no record"};
    encoding.parts_ = TRY(planner.record(root, columns, ""));
    return encoding;
  }
  CHECK(columns.size() == 1);
  encoding.parts_.push_back(TRY(planner.value(root, columns[0].type, columns[0].name)));
  return encoding;
}

}  // namespace tradewind::schema::avro
