#pragma once
// Json: a JSON document as a value; numbers keep their text, so that BIGINT and DECIMAL stay exact.
//
// Threads: plain values. Parsing: strict RFC 8259, UTF-8 checked, depth and size limited. For hot paths the
// writer is meant, not the document.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tradewind {

class Json {
 public:
  enum class Kind : uint8_t { null, boolean, number, string, array, object };
  struct Member;

  Json();
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  static Json boolean(bool value);
  static Json number(int64_t value);
  // REQUIRES the text of a JSON number.
  static Json number(std::string text);
  static Json string(std::string text);
  static Json array();
  static Json array(std::vector<Json> elements);
  static Json object();
  static Json object(std::vector<Member> members);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_null() const { return kind_ == Kind::null; }

  // REQUIRES the kind.
  bool truth() const;
  const std::string& text() const;  // of a string or a number, as written
  const std::vector<Json>& elements() const;
  const std::vector<Member>& members() const;

  // A number without fraction and exponent that fits.
  std::optional<int64_t> integer() const;
  std::optional<double> real() const;
  // The member of an object, the last of that name as in Java's parsers; null when missing or not an object.
  const Json* find(std::string_view name) const;
  // The text of a string member.
  std::optional<std::string> string_at(std::string_view name) const;

  void push(Json element);                 // REQUIRES array
  void set(std::string name, Json value);  // REQUIRES object; appends

  // Compact: no spaces, members in order, numbers as they were written.
  std::string dump() const;
  bool operator==(const Json& other) const;

 private:
  Kind kind_ = Kind::null;
  bool truth_ = false;
  std::string text_;
  std::vector<Json> elements_;
  std::vector<Member> members_;
};

struct Json::Member {
  std::string name;
  Json value;
  bool operator==(const Member&) const = default;
};

struct JsonLimits {
  size_t bytes = size_t{16} << 20;
  size_t depth = 64;
};

// `invalid` with the byte where it went wrong.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Appends compact JSON; commas and colons come by themselves. Bytes that are not UTF-8 are written as U+FFFD.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void null() { raw("null"); }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void number(int64_t value);
  void string(std::string_view text);
  // Text that is JSON already, such as a number.
  void raw(std::string_view json);
  void value(const Json& json);

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();

  std::string& out_;
  bool first_ = true;  // nothing stands before the next value here
};

// Appends `text` with quotes and escapes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tradewind
