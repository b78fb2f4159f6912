#include "base/json.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/planted.h"

namespace tradewind {

Json::Json() = default;
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json Json::boolean(bool value) {
  Json json;
  json.kind_ = Kind::boolean;
  json.truth_ = value;
  return json;
}

Json Json::number(int64_t value) {
  return number(std::to_string(value));
}

Json Json::number(std::string text) {
  Json json;
  json.kind_ = Kind::number;
  json.text_ = std::move(text);
  return json;
}

Json Json::string(std::string text) {
  Json json;
  json.kind_ = Kind::string;
  json.text_ = std::move(text);
  return json;
}

Json Json::array() {
  return array(std::vector<Json>());
}
Json Json::object() {
  return object(std::vector<Member>());
}

Json Json::array(std::vector<Json> elements) {
  Json json;
  json.kind_ = Kind::array;
  json.elements_ = std::move(elements);
  return json;
}

Json Json::object(std::vector<Member> members) {
  Json json;
  json.kind_ = Kind::object;
  json.members_ = std::move(members);
  return json;
}

bool Json::truth() const {
  CHECK(kind_ == Kind::boolean);
  return truth_;
}

const std::string& Json::text() const {
  CHECK(kind_ == Kind::string || kind_ == Kind::number);
  return text_;
}

const std::vector<Json>& Json::elements() const {
  CHECK(kind_ == Kind::array);
  return elements_;
}

const std::vector<Json::Member>& Json::members() const {
  CHECK(kind_ == Kind::object);
  return members_;
}

std::optional<int64_t> Json::integer() const {
  if (kind_ != Kind::number) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc() || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

std::optional<double> Json::real() const {
  if (kind_ != Kind::number) return std::nullopt;
  return std::strtod(text_.c_str(), nullptr);
}

const Json* Json::find(std::string_view name) const {
  for (size_t i = members_.size(); i-- > 0;) {
    if (members_[i].name == name) return &members_[i].value;
  }
  return nullptr;
}

std::optional<std::string> Json::string_at(std::string_view name) const {
  const Json* found = find(name);
  if (found == nullptr || !found->is(Kind::string)) return std::nullopt;
  return found->text_;
}

void Json::push(Json element) {
  CHECK(kind_ == Kind::array);
  elements_.push_back(std::move(element));
}

void Json::set(std::string name, Json value) {
  CHECK(kind_ == Kind::object);
  members_.push_back({std::move(name), std::move(value)});
}

std::string Json::dump() const {
  std::string out;
  JsonWriter(out).value(*this);
  return out;
}

bool Json::operator==(const Json& other) const {
  return kind_ == other.kind_ && truth_ == other.truth_ && text_ == other.text_ &&
         elements_ == other.elements_ && members_ == other.members_;
}

namespace {

namespace ondemand = simdjson::ondemand;

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_json_number(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const size_t first = at;
  const size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// Walks simdjson's on-demand values into a Json; the first thing wrong stops it.
class Walk {
 public:
  explicit Walk(size_t most_depth) : most_depth_(most_depth) {}

  bool take(ondemand::value value, Json& out, size_t depth) {
    ondemand::json_type type;
    if (failed(value.type().get(type))) return false;
    if (depth > most_depth_) return refuse("nested deeper than " + std::to_string(most_depth_));
    switch (type) {
      case ondemand::json_type::null: {
        bool null = false;
        if (failed(value.is_null().get(null))) return false;
        return null || refuse("not a value");
      }
      case ondemand::json_type::boolean: {
        bool truth = false;
        if (failed(value.get_bool().get(truth))) return false;
        out = Json::boolean(truth);
        return true;
      }
      case ondemand::json_type::number: {
        std::string_view token = value.raw_json_token();
        while (!token.empty() && std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos) {
          token.remove_suffix(1);
        }
        double number = 0;  // moves the iterator on; a number too big for a double is still a number
        const auto error = value.get_double().get(number);
        if (!is_json_number(token) || (error && error != simdjson::NUMBER_ERROR))
          return refuse("not a number");
        if (error) return refuse("a number out of every range");
        out = Json::number(std::string(token));
        return true;
      }
      case ondemand::json_type::string: {
        std::string_view text;
        if (failed(value.get_string().get(text))) return false;
        out = Json::string(std::string(text));
        return true;
      }
      case ondemand::json_type::array: return take_array(value, out, depth);
      case ondemand::json_type::object: return take_object(value, out, depth);
    }
    return refuse("not a value");
  }

  const std::string& problem() const { return problem_; }

 private:
  bool take_array(ondemand::value value, Json& out, size_t depth) {
    ondemand::array array;
    if (failed(value.get_array().get(array))) return false;
    out = Json::array();
    for (auto element : array) {
      ondemand::value inner;
      Json taken;
      if (failed(element.get(inner)) || !take(inner, taken, depth + 1)) return false;
      out.push(std::move(taken));
    }
    return true;
  }

  bool take_object(ondemand::value value, Json& out, size_t depth) {
    ondemand::object object;
    if (failed(value.get_object().get(object))) return false;
    out = Json::object();
    for (auto member : object) {
      ondemand::field field;
      std::string_view name;
      if (failed(std::move(member).get(field)) || failed(field.unescaped_key().get(name))) return false;
      std::string kept(name);
      Json taken;
      if (!take(field.value(), taken, depth + 1)) return false;
      out.set(std::move(kept), std::move(taken));
    }
    return true;
  }

  bool failed(simdjson::error_code error) {
    if (error == simdjson::SUCCESS) return false;
    refuse(simdjson::error_message(error));
    return true;
  }
  bool refuse(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
    return false;
  }

  const size_t most_depth_;
  std::string problem_;
};

std::string where(ondemand::document& document, const char* begin, size_t size) {
  const char* at = nullptr;
  if (document.current_location().get(at) != simdjson::SUCCESS || at < begin + 1) return "";
  return " near byte " + std::to_string(std::min(static_cast<size_t>(at - begin - 1), size));
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Error{Code::invalid, "JSON of " + std::to_string(text.size()) + " bytes; at most " +
                                    std::to_string(limits.bytes) + " are read"};
  }
  // In brackets, so that a lone scalar is a value like any other.
  static thread_local ondemand::parser parser;
  static thread_local std::string padded;
  padded.clear();
  padded.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);
  padded.append("[").append(text).append("]");
  ondemand::document document;
  ondemand::array array;
  if (const auto error = parser.iterate(padded.data(), padded.size(), padded.capacity()).get(document);
      error) {
    return Error{Code::invalid, std::string("not JSON: ") + simdjson::error_message(error)};
  }
  if (const auto error = document.get_array().get(array); error) {
    return Error{Code::invalid, std::string("not JSON: ") + simdjson::error_message(error)};
  }
  Json json;
  Walk walk(limits.depth);
  size_t count = 0;
  for (auto element : array) {
    ondemand::value value;
    const auto error = element.get(value);
    if (error || count++ > 0 || !walk.take(value, json, 1)) {
      const std::string problem = error ? simdjson::error_message(error) : walk.problem();
      return Error{Code::invalid, "not JSON: " + (problem.empty() ? "more than one value" : problem) +
                                      where(document, padded.data(), text.size())};
    }
  }
  const char* rest = nullptr;
  if (count != 1 || document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return Error{Code::invalid, "not JSON: not exactly one value"};
  return json;
}

namespace {

// The length of the UTF-8 sequence at the front of `text`; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += planted() ? "\b" : "\\b"; return;
    case '\f': out += "\\f"; return;
    default: break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[static_cast<uint8_t>(c) >> 4];
  out += kDigits[static_cast<uint8_t>(c) & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // where the stretch that needs no escape begins
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    const size_t length = byte < 0x80 ? 0 : utf8_length(text.substr(at));
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text.substr(plain, at - plain));
    if (byte < 0x80) {
      append_escape(out, text[at]);
    } else {
      out += "\xef\xbf\xbd";
    }
    plain = ++at;
  }
  out.append(text.substr(plain));
  out += '"';
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  first_ = true;
}

void JsonWriter::number(int64_t value) {
  separate();
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out_.append(text, end);
}

void JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

void JsonWriter::value(const Json& json) {
  switch (json.kind()) {
    case Json::Kind::null: return null();
    case Json::Kind::boolean: return boolean(json.truth());
    case Json::Kind::number: return raw(json.text());
    case Json::Kind::string: return string(json.text());
    case Json::Kind::array:
      begin_array();
      for (const Json& element : json.elements()) value(element);
      return end_array();
    case Json::Kind::object:
      begin_object();
      for (const Json::Member& member : json.members()) {
        key(member.name);
        value(member.value);
      }
      return end_object();
  }
}

}  // namespace tradewind
