#include <cmath>

#include "data/decimal.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

void copy_nulls(const Call& call, Column& out) {
  for (const ColumnPtr& argument : call.arguments) {
    if (argument->valid() == nullptr) continue;
    for (size_t i = 0; i < call.rows; ++i) {
      if (argument->is_null(i)) out.set_null(i);
    }
  }
}

Result<Type> bind_numbers(std::string_view name, std::vector<ExpressionPtr>& arguments,
                          Type (*decimal_type)(const Type&, const Type&)) {
  if (arguments.size() != 2) return does_not_take(name, arguments);
  for (const ExpressionPtr& argument : arguments) {
    if (!argument->type.is_number()) return does_not_take(name, arguments);
    if (argument->node == Node::constant && argument->value.is_null()) {
      return Error{Code::invalid, std::string(name) + " with NULL is always null; use IS NULL or COALESCE"};
    }
  }
  const Kind a = arguments[0]->type.kind();
  const Kind b = arguments[1]->type.kind();
  if (a == Kind::real || b == Kind::real) {
    for (ExpressionPtr& argument : arguments) argument = cast_if_needed(argument, Kind::real);
    return Type(Kind::real);
  }
  // Decimal kernels take whole numbers as they are, so nothing is copied for a cast.
  if (a == Kind::decimal || b == Kind::decimal) {
    return decimal_type(as_decimal(arguments[0]->type), as_decimal(arguments[1]->type));
  }
  if (a == Kind::integer && b == Kind::integer) return Type(Kind::integer);
  for (ExpressionPtr& argument : arguments) argument = cast_if_needed(argument, Kind::bigint);
  return Type(Kind::bigint);
}

// Reads any exact number as 128 bits.
template <typename Each>
void with_exact(const Column& column, Each each) {
  switch (column.type().layout()) {
    case Layout::i32: each(column.data<int32_t>()); return;
    case Layout::i64: each(column.data<int64_t>()); return;
    default: each(column.data<Int128>()); return;
  }
}

int scale_of(const Column& column) {
  return column.type().kind() == Kind::decimal ? column.type().scale() : 0;
}

void put_exact(const Call& call, Column& out, size_t row, std::optional<Int128> value, const char* what) {
  if (value && fits_precision(*value, call.type.precision())) {
    if (call.type.layout() == Layout::i64)
      out.data<int64_t>()[row] = static_cast<int64_t>(*value);
    else
      out.data<Int128>()[row] = *value;
    return;
  }
  out.set_null(row);
  bool null = false;
  for (const ColumnPtr& argument : call.arguments) null = null || argument->is_null(row);
  if (!null)
    call.notes.push_back(
        {static_cast<uint32_t>(row), std::string(what) + " does not fit " + call.type.text()});
}

ColumnPtr multiply_decimals(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  with_exact(*call.arguments[0], [&](const auto* a) {
    with_exact(*call.arguments[1], [&](const auto* b) {
      using A = std::remove_cvref_t<decltype(*a)>;
      using B = std::remove_cvref_t<decltype(*b)>;
      if constexpr (sizeof(A) + sizeof(B) <=
                    16) {  // the product always fits 128 bits, and the type's precision
        if (call.type.layout() == Layout::i128) {
          Int128* result = out->template data<Int128>();
          for (size_t i = 0; i < call.rows; ++i) result[i] = static_cast<Int128>(a[i]) * b[i];
        } else {
          int64_t* result = out->template data<int64_t>();
          for (size_t i = 0; i < call.rows; ++i)
            result[i] = static_cast<int64_t>(static_cast<Int128>(a[i]) * b[i]);
        }
      } else {
        for (size_t i = 0; i < call.rows; ++i) put_exact(call, *out, i, multiply(a[i], b[i]), "the product");
      }
    });
  });
  return out;
}

template <bool kMinus>
ColumnPtr add_decimals(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  const int scale = call.type.scale();
  with_exact(*call.arguments[0], [&](const auto* a) {
    with_exact(*call.arguments[1], [&](const auto* b) {
      for (size_t i = 0; i < call.rows; ++i) {
        const auto x = rescale(a[i], scale_of(*call.arguments[0]), scale);
        const auto y = rescale(b[i], scale_of(*call.arguments[1]), scale);
        put_exact(call, *out, i, x && y ? add(*x, kMinus ? -*y : *y) : std::nullopt, "the sum");
      }
    });
  });
  return out;
}

ColumnPtr divide_decimals(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  with_exact(*call.arguments[0], [&](const auto* a) {
    with_exact(*call.arguments[1], [&](const auto* b) {
      for (size_t i = 0; i < call.rows; ++i) {
        const auto quotient = divide(a[i], scale_of(*call.arguments[0]), b[i], scale_of(*call.arguments[1]),
                                     call.type.scale(), false);
        put_exact(call, *out, i, quotient,
                  b[i] == 0 ? "a division by zero" : "the quotient does not end; it");
      }
    });
  });
  return out;
}

ColumnPtr modulo_decimals(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  const int scale = call.type.scale();
  with_exact(*call.arguments[0], [&](const auto* a) {
    with_exact(*call.arguments[1], [&](const auto* b) {
      for (size_t i = 0; i < call.rows; ++i) {
        const auto x = rescale(a[i], scale_of(*call.arguments[0]), scale);
        const auto y = rescale(b[i], scale_of(*call.arguments[1]), scale);
        put_exact(call, *out, i, x && y && *y != 0 ? std::optional<Int128>(*x % *y) : std::nullopt,
                  "the rest");
      }
    });
  });
  return out;
}

struct Plus {
  static int64_t whole(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
  static double real(double a, double b) { return a + b; }
};
struct Minus {
  static int64_t whole(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  }
  static double real(double a, double b) { return a - b; }
};
struct Times {
  static int64_t whole(int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  }
  static double real(double a, double b) { return a * b; }
};
struct Over {
  static int64_t whole(int64_t a, int64_t b) { return b == -1 ? Minus::whole(0, a) : a / b; }
  static double real(double a, double b) { return a / b; }
};
struct Rest {
  static int64_t whole(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }
  static double real(double a, double b) { return std::fmod(a, b); }
};

template <typename Op, bool kDivides>
ColumnPtr whole_or_real(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  const Column& a = *call.arguments[0];
  const Column& b = *call.arguments[1];
  const auto loop = [&](auto* result, const auto* x, const auto* y) {
    using T = std::remove_reference_t<decltype(*result)>;
    for (size_t i = 0; i < call.rows; ++i) {
      if (kDivides && y[i] == 0) {
        if (!out->is_null(i)) call.notes.push_back({static_cast<uint32_t>(i), "a division by zero"});
        out->set_null(i);
        result[i] = 0;
        continue;
      }
      result[i] = static_cast<T>(Op::whole(x[i], y[i]));
    }
  };
  if (call.type.kind() == Kind::real) {
    double* result = out->data<double>();
    const double* x = a.data<double>();
    const double* y = b.data<double>();
    for (size_t i = 0; i < call.rows; ++i) result[i] = Op::real(x[i], y[i]);
  } else if (call.type.kind() == Kind::integer) {
    loop(out->data<int32_t>(), a.data<int32_t>(), b.data<int32_t>());
  } else {
    loop(out->data<int64_t>(), a.data<int64_t>(), b.data<int64_t>());
  }
  return out;
}

ColumnPtr concatenate(const Call& call) {
  auto out = std::make_shared<Column>(call.type, call.rows);
  copy_nulls(call, *out);
  std::string text;
  for (size_t i = 0; i < call.rows; ++i) {
    text = call.arguments[0]->data<BytesView>()[i];
    text += call.arguments[1]->data<BytesView>()[i];
    out->data<BytesView>()[i] = out->store(text);
  }
  return out;
}

ColumnPtr plus(const Call& call) {
  if (call.type.kind() == Kind::string) return concatenate(call);
  return call.type.kind() == Kind::decimal ? add_decimals<false>(call) : whole_or_real<Plus, false>(call);
}
ColumnPtr minus(const Call& call) {
  return call.type.kind() == Kind::decimal ? add_decimals<true>(call) : whole_or_real<Minus, false>(call);
}
ColumnPtr times(const Call& call) {
  return call.type.kind() == Kind::decimal ? multiply_decimals(call) : whole_or_real<Times, false>(call);
}
ColumnPtr over(const Call& call) {
  return call.type.kind() == Kind::decimal ? divide_decimals(call) : whole_or_real<Over, true>(call);
}
ColumnPtr rest(const Call& call) {
  return call.type.kind() == Kind::decimal ? modulo_decimals(call) : whole_or_real<Rest, true>(call);
}

Result<Type> bind_plus(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() == 2 && is_text(arguments[0]) && is_text(arguments[1])) return Type(Kind::string);
  return bind_numbers("+", arguments, decimal_add_type);
}
Result<Type> bind_concatenate(std::vector<ExpressionPtr>& arguments) {
  if (arguments.size() != 2 || !is_text(arguments[0]) || !is_text(arguments[1]))
    return does_not_take("||", arguments);
  return Type(Kind::string);
}

const Function kRows[] = {
    {"+", "number + number, or text + text", "The sum, or both texts one behind the other.", "1 + 2",
     bind_plus, plus},
    {"-", "number - number", "The difference.", "3 - 2",
     [](std::vector<ExpressionPtr>& a) { return bind_numbers("-", a, decimal_add_type); }, minus},
    {"*", "number * number", "The product.", "2 * 3",
     [](std::vector<ExpressionPtr>& a) { return bind_numbers("*", a, decimal_multiply_type); }, times},
    {"/", "number / number", "The quotient; whole numbers are cut, division by zero is null.", "7 / 2",
     [](std::vector<ExpressionPtr>& a) { return bind_numbers("/", a, decimal_divide_type); }, over},
    {"%", "number % number", "What a division leaves.", "7 % 2",
     [](std::vector<ExpressionPtr>& a) { return bind_numbers("%", a, decimal_modulo_type); }, rest},
    {"||", "text || text", "Both texts one behind the other; null when one of them is.", "'a' || 'b'",
     bind_concatenate, concatenate},
};

}  // namespace

std::span<const Function> arithmetic_functions() {
  return kRows;
}

}  // namespace tradewind::expr
