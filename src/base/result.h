#pragma once
// Result<T>: a value, or an Error that says whose fault it is and what to do. Dropping one is a compile
// error.
//
// Threads: plain values.

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tradewind {

enum class Code {
  invalid,      // the asker is wrong: SQL, settings, a request
  not_found,    // what was named does not exist
  conflict,     // it exists already, or changed meanwhile
  corrupt,      // bytes that were written are not what is read
  unavailable,  // try again later
  fenced,       // someone took over
  io,           // disk or network failed
  unsupported,  // known, but not offered
};

const char* name_of(Code code);

struct Error {
  Code code = Code::invalid;
  std::string message;  // what was wrong, then the value; readable at night
  int number = 0;       // what other people's clients know it by, such as 40401; 0: nothing

  // The same error, with where it happened in front: "topic orders: ...".
  Error within(const std::string& where) const { return {code, where + ": " + message, number}; }
  bool operator==(const Error&) const = default;
};

struct Nothing {
  bool operator==(const Nothing&) const = default;
};

template <typename T = Nothing>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  Result() requires std::is_same_v<T, Nothing> : state_(std::in_place_index<0>) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// auto rows = TRY(decode(bytes));   -- returns the error from the enclosing function. Not inside a brace list
// or beside other arguments that own memory: what was made of the full expression by then is not destroyed.
#define TRY(expression)                                \
  __extension__({                                      \
    auto try_result_ = (expression);                   \
    if (!try_result_.ok()) return try_result_.error(); \
    std::move(try_result_).value();                    \
  })

}  // namespace tradewind
