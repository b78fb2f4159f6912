#include "runner/test_record.h"

namespace tradewind::runner {
namespace {

Error wrong(const std::string& what) {
  return {Code::invalid, what};
}

Result<int64_t> number_at(const Json& object, const char* name) {
  const Json* found = object.find(name);
  const auto number = found == nullptr ? std::nullopt : found->integer();
  if (!number) return wrong(std::string("\"") + name + "\" must be a whole number of milliseconds");
  return *number;
}

Result<TestWindow> window_of(const Json& json) {
  TestWindow window;
  window.start_ms = TRY(number_at(json, "start"));
  window.end_ms = TRY(number_at(json, "end"));
  std::string type = json.string_at("type").value_or("time");
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (type != "time" && type != "session")
    return wrong("the type of a window is \"time\" or \"session\", not \"" + type + "\"");
  window.session = type == "session";
  return window;
}

Result<std::vector<TestHeader>> headers_of(const Json& json) {
  std::vector<TestHeader> headers;
  if (json.is_null()) return headers;
  if (!json.is(Json::Kind::array)) return wrong("\"headers\" must be a list");
  for (const Json& header : json.elements()) {
    const auto key = header.string_at("KEY");
    if (!key) return wrong("a header is {\"KEY\": text, \"VALUE\": base64 or null}");
    const Json* value = header.find("VALUE");
    std::optional<Bytes> bytes;
    if (value != nullptr && !value->is_null()) {
      bytes.emplace();
      if (!value->is(Json::Kind::string) || !from_base64(value->text(), *bytes))
        return wrong("the header " + *key + " has a VALUE that is no base64: " + value->dump());
    }
    headers.emplace_back(*key, std::move(bytes));
  }
  return headers;
}

Result<TestRecord> record_of(const Json& json) {
  if (!json.is(Json::Kind::object)) return wrong("a record is an object");
  TestRecord record;
  for (const Json::Member& member : json.members()) {
    if (member.name == "topic") {
      record.topic = member.value.is(Json::Kind::string) ? member.value.text() : "";
    } else if (member.name == "key") {
      record.key = member.value;
    } else if (member.name == "value") {
      record.value = member.value;
    } else if (member.name == "timestamp") {
      if (!member.value.is_null()) record.time_ms = TRY(number_at(json, "timestamp"));
    } else if (member.name == "window") {
      if (!member.value.is_null()) record.window = TRY(window_of(member.value));
    } else if (member.name == "headers") {
      record.headers = TRY(headers_of(member.value));
    } else {
      return wrong("a record has no \"" + member.name +
                   "\"; it has topic, key, value, timestamp, window and headers");
    }
  }
  if (record.topic.empty()) return wrong("a record needs a \"topic\"");
  return record;
}

}  // namespace

Result<std::vector<TestRecord>> read_records(const std::string& text, const std::string& member) {
  return records_in(TRY(parse_json(text)), member);
}

Result<std::vector<TestRecord>> records_in(const Json& file, const std::string& member) {
  const Json* list = file.find(member);
  if (list == nullptr || !list->is(Json::Kind::array))
    return wrong("the file must hold {\"" + member + "\": [...]}");
  std::vector<TestRecord> records;
  for (const Json& json : list->elements()) {
    auto record = record_of(json);
    if (!record.ok())
      return record.error().within("record " + std::to_string(records.size() + 1) + " of " + member);
    records.push_back(std::move(*record));
  }
  return records;
}

}  // namespace tradewind::runner
