#pragma once
// JsonTokens: a JSON text cut into tokens - brackets, commas, colons, and where each text and each word (a
// number, true, false or null) begins - and walked from the first to the last.
//
// What stands between them is blank; whether they follow each other as JSON wants is for who walks. Behind
// the last one stands a '\0' that nothing takes. Threads: one at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/opening.h"

namespace tradewind::ingest {

class JsonTokens {
 public:
  JsonTokens();
  ~JsonTokens();

  // Goes to the first token of a text, which stays where it is. False: bytes that are no UTF-8, a text
  // without an end or with raw control characters in it, or nothing.
  bool cut(const std::string& text);

  struct Mark {
    const uint32_t* token;
  };
  Mark mark() const { return {next_}; }
  void go_back(Mark mark) { next_ = mark.token; }
  bool at_end() const { return next_ == end_; }

  // The first character of the token at hand, and where it stands.
  char peek() const { return text_[*next_]; }
  const char* at() const { return text_ + *next_; }
  // Passes the token at hand if it is this bracket, comma or colon.
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++next_;
    return true;
  }
  // Passes the three tokens of an opening, if they stand here to the last blank.
  bool take(const Opening& opening) {
    if (next_[3] - next_[0] != opening.size() || !opening.stands_at(at(), text_end_)) return false;
    next_ += 3;
    return true;
  }
  // From where it was until the token at hand.
  std::string_view written_since(Mark mark) const {
    return {text_ + *mark.token, static_cast<size_t>(*next_ - *mark.token)};
  }
  // A text without its quotes, its escapes as they are written. REQUIRES peek() == '"'.
  std::string_view raw_text() {
    const char* begin = text_ + *next_ + 1;
    const char* end = text_ + *++next_ - 1;
    while (*end != '"') --end;
    return {begin, static_cast<size_t>(end - begin)};
  }
  // Whether a raw text of this one has escapes.
  bool has_escape(std::string_view raw) const;
  // A word, whatever it says; empty where none begins.
  std::string_view word();
  // A whole number of 64 bits, without fraction or exponent; else nothing is passed.
  bool whole_number(int64_t& value);

 private:
  struct Cutter;
  std::unique_ptr<Cutter> cutter_;
  const char* text_ = "";
  const char* text_end_ = text_;
  const uint32_t* next_ = nullptr;
  const uint32_t* end_ = nullptr;
};

// What a raw text says. False: an escape is none, or half a character.
bool unescape(std::string_view raw, std::string& text);
// Of a word that is a number as JSON writes them and within reach.
std::optional<double> real_number(std::string_view word);

// Calls `each` at every element of a list, or stops where it answers false. True: the list ended as it
// should.
template <class Each>
bool walk_list(JsonTokens& tokens, const Each& each) {
  if (!tokens.take('[')) return false;
  if (tokens.take(']')) return true;
  do {
    if (!each()) return false;
  } while (tokens.take(','));
  return tokens.take(']');
}

// A member's raw name and its colon.
inline bool member_name(JsonTokens& tokens, std::string_view& name) {
  if (tokens.peek() != '"') return false;
  name = tokens.raw_text();
  return tokens.take(':');
}

// The same at the value of every member of an object, with its raw name.
template <class Each>
bool walk_object(JsonTokens& tokens, const Each& each) {
  if (!tokens.take('{')) return false;
  if (tokens.take('}')) return true;
  do {
    std::string_view name;
    if (!member_name(tokens, name) || !each(name)) return false;
  } while (tokens.take(','));
  return tokens.take('}');
}

}  // namespace tradewind::ingest
