// Rows given as JSON objects, appended in the formats of their source.
#include "data/value.h"
#include "engine/engine.h"
#include "engine/record_writer.h"
#include "expr/function.h"
#include "log/partitioner.h"
#include "schema/serde.h"

namespace tradewind::engine {
namespace {

class SourceInserter final : public Inserter {
 public:
  SourceInserter(sql::Source target, log::Producer& producer, schema::Registry& registry, Clock& clock)
      : target_(std::move(target)), producer_(producer), registry_(registry), clock_(clock) {}

  Result<> open() {
    schema::SerdeSpec rows;
    rows.format = schema::Format::json;
    for (const sql::SourceColumn& column : target_.columns)
      rows.columns.push_back({column.name, column.type});
    columns_ = rows.columns;
    decoder_ = TRY(schema::make_decoder(rows, nullptr));
    for (const bool key : {true, false}) {
      const schema::SerdeSpec spec = sql::serde_spec(target_, key);
      if (spec.columns.empty() || spec.format == schema::Format::none) continue;
      encoders_[key ? 0 : 1] = TRY(schema::make_encoder(spec, &registry_));
    }
    return {};
  }

  std::vector<Result<>> insert(const std::vector<Json>& rows) override {
    std::vector<Result<>> answers;
    for (const Json& row : rows) answers.push_back(insert_one(row));
    return answers;
  }

 private:
  Result<> insert_one(const Json& given) {
    if (!given.is(Json::Kind::object)) return Error{Code::invalid, "a row is a JSON object"};
    const std::string text = TRY(with_times(given)).dump();
    const std::optional<BytesView> payload(text);
    const schema::Decoded decoded = TRY(decoder_->decode({&payload, 1}, nullptr));
    if (!decoded.bad.empty()) return Error{Code::invalid, decoded.bad[0].reason};
    log::RecordView record{.time = clock_.now()};
    schema::Encoded encoded[2];
    for (const bool key : {true, false}) {
      if (encoders_[key ? 0 : 1] == nullptr) continue;
      std::vector<ColumnPtr> columns;
      bool none = true;
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (target_.columns[i].key != key || target_.columns[i].headers) continue;
        columns.push_back(decoded.columns[i]);
        none = none && decoded.columns[i]->is_null(0);
        if (key && target_.table && decoded.columns[i]->is_null(0))
          return Error{Code::invalid, "the key " + columns_[i].name + " of a table must be given"};
      }
      if (key && none) continue;
      TRY(encoders_[key ? 0 : 1]->encode(columns, 1, encoded[key ? 0 : 1]));
      (key ? record.key : record.value) = encoded[key ? 0 : 1][0];
    }
    const int32_t partition = record.key ? log::partition_of(*record.key, target_.partitions)
                                         : static_cast<int32_t>(record.time.ms % target_.partitions);
    TRY(producer_.append({target_.topic, partition}, {&record, 1}));
    return {};
  }

  // Times are given as text here, and as numbers in topics.
  Result<Json> with_times(const Json& given) const {
    Json made = Json::object();
    for (const Json::Member& member : given.members()) {
      const Field* column = column_called(member.name);
      const Kind kind = column == nullptr ? Kind::string : column->type.kind();
      const bool time = kind == Kind::timestamp || kind == Kind::date || kind == Kind::time;
      if (!time || !member.value.is(Json::Kind::string)) {
        made.set(member.name, member.value);
        continue;
      }
      const auto value = expr::cast_value(Value(member.value.text()), Type(Kind::string), column->type);
      if (!value.ok()) return value.error().within(column->name);
      if (value->is_null())
        return Error{Code::invalid,
                     column->name + ": no " + column->type.text() + ": " + member.value.text()};
      made.set(member.name, Json::number(value->number()));
    }
    return made;
  }

  const Field* column_called(const std::string& name) const {
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const Field& column : columns_) {
      if (column.name == name || column.name == upper) return &column;
    }
    return nullptr;
  }

  sql::Source target_;
  log::Producer& producer_;
  schema::Registry& registry_;
  Clock& clock_;
  std::vector<Field> columns_;
  std::unique_ptr<schema::Decoder> decoder_;
  std::unique_ptr<schema::Encoder> encoders_[2];  // key, value
};

}  // namespace

Result<std::unique_ptr<Inserter>> Engine::inserter(const std::string& target) {
  const sql::Catalog known = catalog();
  const sql::Source* source = known.find(target);
  if (source == nullptr) return Error{Code::not_found, "no stream or table is called " + target};
  if (source->read_only) return Error{Code::invalid, target + " is read-only"};
  if (source->window_type) return Error{Code::invalid, "rows cannot be inserted into the windowed " + target};
  TRY(check_writable(source->topic));
  auto made = std::make_unique<SourceInserter>(*source, *producer_, registry_, clock_);
  TRY(made->open());
  return std::unique_ptr<Inserter>(std::move(made));
}

}  // namespace tradewind::engine
