#include "server/routes/row_format.h"

#include "net/event_stream.h"

namespace tradewind::server {
namespace {

// "`ID` INTEGER KEY, `N` STRING"
std::string schema_text(const engine::RowStream& rows) {
  std::string text;
  for (size_t i = 0; i < rows.columns().size(); ++i) {
    const Field& field = rows.columns()[i];
    text += (i == 0 ? "`" : ", `") + field.name + "` " + field.type.text();
    if (i < rows.keys().size() && rows.keys()[i]) text += " KEY";
  }
  return text;
}

std::string names_text(const engine::RowStream& rows) {
  std::string names;
  std::string types;
  for (const Field& field : rows.columns()) {
    names += (names.empty() ? "" : ",") + Json::string(field.name).dump();
    types += (types.empty() ? "" : ",") + Json::string(field.type.text()).dump();
  }
  return "\"columnNames\":[" + names + "],\"columnTypes\":[" + types + "]";
}

// All columns, or only those of `shown`, the others as null.
std::string values_text(const engine::RowStream& rows, const Batch& batch, size_t row,
                        const std::vector<bool>* shown = nullptr) {
  std::string out = "[";
  for (size_t i = 0; i < rows.columns().size(); ++i) {
    if (i > 0) out += ',';
    if (shown != nullptr && !(*shown)[i])
      out += "null";
    else
      engine::append_json(rows.columns()[i].type, *batch.column(i), row, out);
  }
  return out + ']';
}

std::string object_text(const engine::RowStream& rows, const Batch& batch, size_t row,
                        const std::vector<bool>* shown = nullptr) {
  std::string out;
  for (size_t i = 0; i < rows.columns().size(); ++i) {
    if (shown != nullptr && !(*shown)[i]) continue;
    out += out.empty() ? "{" : ",";
    append_json_string(out, rows.columns()[i].name);
    out += ':';
    engine::append_json(rows.columns()[i].type, *batch.column(i), row, out);
  }
  return out.empty() ? "{}" : out + '}';
}

std::string row_object(const std::string& columns, bool tombstone) {
  return "{\"row\":{\"columns\":" + columns + (tombstone ? ",\"tombstone\":true}}" : "}}");
}

std::string final_message(bool limited) {
  return limited ? R"({"finalMessage":"Limit Reached"})" : R"({"finalMessage":"Query Completed"})";
}

class StreamedRows final : public RowFormat {
 public:
  std::string header(const std::string& id, const engine::RowStream& rows) override {
    return "[{\"header\":{\"queryId\":\"" + id + "\",\"schema\":" + Json::string(schema_text(rows)).dump() +
           "}}";
  }
  std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) override {
    return ",\n" + row_object(values_text(rows, batch, row), false);
  }
  std::string deletion(const engine::RowStream& rows, const Batch& batch, size_t row,
                       const std::vector<bool>& keys) override {
    return ",\n" + row_object(values_text(rows, batch, row, &keys), true);
  }
  std::string failure(const std::string& error) override { return ",\n{\"errorMessage\":" + error + "}"; }
  std::string end(bool push, bool limited) override {
    return (push || limited ? ",\n" + final_message(limited) : "") + "]\n";
  }
};

class DelimitedRows final : public RowFormat {
 public:
  explicit DelimitedRows(bool push) : push_(push) {}
  std::string header(const std::string& id, const engine::RowStream& rows) override {
    return "{\"queryId\":\"" + id + "\"," + names_text(rows) + "}\n";
  }
  std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) override {
    return values_text(rows, batch, row) + "\n";
  }
  std::string deletion(const engine::RowStream&, const Batch&, size_t, const std::vector<bool>&) override {
    return "";
  }
  std::string failure(const std::string& error) override { return error + "\n"; }
  std::string end(bool, bool) override { return ""; }
  bool apart() const override { return push_; }

 private:
  bool push_;
};

class ArrayRows final : public RowFormat {
 public:
  std::string header(const std::string& id, const engine::RowStream& rows) override {
    return "[{\"queryId\":\"" + id + "\"," + names_text(rows) + "}";
  }
  std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) override {
    return "," + values_text(rows, batch, row);
  }
  std::string deletion(const engine::RowStream&, const Batch&, size_t, const std::vector<bool>&) override {
    return "";
  }
  std::string failure(const std::string& error) override { return "," + error; }
  std::string end(bool, bool) override { return "]"; }
};

// The type of a column as /ws/query and DESCRIBE write it.
std::string field_json(const Field& field) {
  const std::string type = field.type.text();
  return "{\"name\":" + Json::string(field.name).dump() +
         ",\"schema\":{\"type\":" + Json::string(type.substr(0, type.find_first_of("(<"))).dump() +
         ",\"fields\":null,\"memberSchema\":null}}";
}

class MessageRows final : public RowFormat {
 public:
  std::string header(const std::string&, const engine::RowStream& rows) override {
    std::string fields;
    for (const Field& field : rows.columns()) fields += (fields.empty() ? "" : ",") + field_json(field);
    return "[" + fields + "]";
  }
  std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) override {
    return row_object(values_text(rows, batch, row), false);
  }
  std::string deletion(const engine::RowStream& rows, const Batch& batch, size_t row,
                       const std::vector<bool>& keys) override {
    return row_object(values_text(rows, batch, row, &keys), true);
  }
  std::string failure(const std::string& error) override { return "{\"errorMessage\":" + error + "}"; }
  std::string end(bool push, bool limited) override { return push || limited ? final_message(limited) : ""; }
  bool apart() const override { return true; }
};

class EventRows final : public RowFormat {
 public:
  // `rows` is the name of a row's event, `ending` what stands behind every name.
  EventRows(std::string rows, std::string ending) : rows_(std::move(rows)), ending_(std::move(ending)) {}

  std::string header(const std::string& id, const engine::RowStream& rows) override {
    return event("header", "{\"queryId\":\"" + id + "\"," + names_text(rows) + "}");
  }
  std::string row(const engine::RowStream& rows, const Batch& batch, size_t row) override {
    return event(rows_, object_text(rows, batch, row));
  }
  std::string deletion(const engine::RowStream& rows, const Batch& batch, size_t row,
                       const std::vector<bool>& keys) override {
    return event("deleted", object_text(rows, batch, row, &keys));
  }
  std::string failure(const std::string& error) override { return event("failure", error); }
  std::string end(bool, bool limited) override { return event("end", final_message(limited)); }
  std::string nothing_new() override { return net::event_comment("still here"); }
  std::string held() override { return event("held", "{}"); }

 private:
  std::string event(const std::string& name, const std::string& data) const {
    return net::event_text(name + ending_, data);
  }

  std::string rows_;
  std::string ending_;
};

}  // namespace

std::unique_ptr<RowFormat> streamed_rows() {
  return std::make_unique<StreamedRows>();
}
std::unique_ptr<RowFormat> delimited_rows(bool push) {
  return std::make_unique<DelimitedRows>(push);
}
std::unique_ptr<RowFormat> array_rows() {
  return std::make_unique<ArrayRows>();
}
std::unique_ptr<RowFormat> message_rows() {
  return std::make_unique<MessageRows>();
}
std::unique_ptr<RowFormat> event_rows() {
  return std::make_unique<EventRows>("", "");
}
std::unique_ptr<RowFormat> numbered_event_rows(size_t number) {
  return std::make_unique<EventRows>("row", "/" + std::to_string(number));
}

}  // namespace tradewind::server
