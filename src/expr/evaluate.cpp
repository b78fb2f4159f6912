#include "expr/evaluate.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "expr/branches.h"
#include "expr/evaluate_lambda.h"
#include "expr/function.h"

namespace tradewind::expr {
namespace {

// Notes of a part of the rows, told as rows of the whole.
class PartNotes {
 public:
  PartNotes(Notes& whole, const std::vector<uint32_t>& rows) : whole_(whole), rows_(rows) {}
  ~PartNotes() {
    for (Note& note : part) whole_.push_back({rows_[note.row], std::move(note.reason)});
  }
  Notes part;

 private:
  Notes& whole_;
  const std::vector<uint32_t>& rows_;
};

ColumnPtr evaluate_choose(const Expression& expression, const Batch& batch, Notes& notes) {
  std::vector<uint32_t> left(batch.rows());
  std::iota(left.begin(), left.end(), 0U);
  std::vector<Branch> branches;
  const size_t pairs = expression.arguments.size() / 2;
  const bool has_else = expression.arguments.size() % 2 == 1;
  for (size_t i = 0; i < pairs + (has_else ? 1 : 0) && !left.empty(); ++i) {
    const Batch rest = batch.filtered(left);
    Branch branch;
    std::vector<uint32_t> others;
    if (i < pairs) {
      PartNotes part(notes, left);
      const std::vector<uint32_t> taken = rows_where(*expression.arguments[2 * i], rest, part.part);
      size_t next = 0;
      for (uint32_t row = 0; row < left.size(); ++row) {
        if (next < taken.size() && taken[next] == row) {
          branch.rows.push_back(left[row]);
          ++next;
        } else {
          others.push_back(left[row]);
        }
      }
    } else {
      branch.rows = left;
    }
    if (!branch.rows.empty()) {
      const Expression& result = *expression.arguments[i < pairs ? 2 * i + 1 : 2 * pairs];
      PartNotes part(notes, branch.rows);
      branch.values = evaluate(result, batch.filtered(branch.rows), part.part);
      branches.push_back(std::move(branch));
    }
    left = std::move(others);
  }
  if (branches.size() == 1 && branches[0].rows.size() == batch.rows()) return branches[0].values;
  return assemble(expression.type, batch.rows(), branches);
}

// AND stops at false, OR at true; a null operand that is needed is an error of the row.
ColumnPtr evaluate_logic(const Expression& expression, const Batch& batch, Notes& notes) {
  const bool stops_at = expression.function->name == "OR";
  const size_t rows = batch.rows();
  auto out = std::make_shared<Column>(Kind::boolean, rows);
  uint8_t* result = out->data<uint8_t>();
  std::vector<uint32_t> open(rows);
  std::iota(open.begin(), open.end(), 0U);
  for (size_t a = 0; a < expression.arguments.size() && !open.empty(); ++a) {
    Notes part;
    const ColumnPtr values = evaluate(*expression.arguments[a], batch.filtered(open), part);
    for (Note& note : part) notes.push_back({open[note.row], std::move(note.reason)});
    std::vector<uint32_t> next;
    for (uint32_t i = 0; i < open.size(); ++i) {
      if (values->is_null(i)) {
        notes.push_back({open[i], "an operand of " + std::string(expression.function->name) + " is null"});
        out->set_null(open[i]);
        continue;
      }
      const bool value = values->data<uint8_t>()[i] != 0;
      result[open[i]] = value ? 1 : 0;
      if (value != stops_at) next.push_back(open[i]);
    }
    open = std::move(next);
  }
  return out;
}

// COALESCE and IFNULL: the first that is not null.
ColumnPtr evaluate_coalesce(const Expression& expression, const Batch& batch, Notes& notes) {
  std::vector<uint32_t> open(batch.rows());
  std::iota(open.begin(), open.end(), 0U);
  std::vector<Branch> branches;
  for (size_t a = 0; a < expression.arguments.size() && !open.empty(); ++a) {
    Notes part;
    const ColumnPtr values = evaluate(*expression.arguments[a], batch.filtered(open), part);
    for (Note& note : part) notes.push_back({open[note.row], std::move(note.reason)});
    Branch branch;
    std::vector<uint32_t> places;
    std::vector<uint32_t> next;
    for (uint32_t i = 0; i < open.size(); ++i) {
      if (values->is_null(i)) {
        next.push_back(open[i]);
      } else {
        branch.rows.push_back(open[i]);
        places.push_back(i);
      }
    }
    branch.values = values->gather(places.data(), places.size());
    branches.push_back(std::move(branch));
    open = std::move(next);
  }
  return assemble(expression.type, batch.rows(), branches);
}

ColumnPtr evaluate_rows(const Expression& expression, const std::vector<ColumnPtr>& arguments, size_t rows,
                        Notes& notes) {
  ColumnBuilder builder(expression.type);
  std::vector<Value> values(arguments.size());
  std::vector<Type> types;
  for (const auto& argument : expression.arguments) types.push_back(argument->type);
  for (size_t row = 0; row < rows; ++row) {
    bool null = false;
    for (size_t a = 0; a < arguments.size(); ++a) {
      values[a] = value_at(*arguments[a], row);
      null = null || values[a].is_null();
    }
    if (null && !expression.function->takes_nulls) {
      builder.append_null();
      continue;
    }
    auto result = expression.function->row(values, types);
    if (!result.ok()) notes.push_back({static_cast<uint32_t>(row), result.error().message});
    builder.append(result.ok() ? *result : Value());
  }
  return builder.finish();
}

ColumnPtr evaluate_call(const Expression& expression, const Batch& batch, Notes& notes) {
  if (expression.function->lazy && expression.arguments.back()->node == Node::lambda) {
    return evaluate_lambdas(expression, batch, notes);
  }
  if (expression.function->lazy) {
    const bool logic = expression.function->name == "AND" || expression.function->name == "OR";
    return logic ? evaluate_logic(expression, batch, notes) : evaluate_coalesce(expression, batch, notes);
  }
  std::vector<ColumnPtr> arguments;
  for (const ExpressionPtr& argument : expression.arguments)
    arguments.push_back(evaluate(*argument, batch, notes));
  if (expression.function->kernel != nullptr) {
    return expression.function->kernel(
        {expression.type, arguments, batch.rows(), notes, batch.origin().moment, expression.index});
  }
  return evaluate_rows(expression, arguments, batch.rows(), notes);
}

// A field of a structure: its child as it is, unless the structure itself can be null.
ColumnPtr evaluate_field(const Expression& expression, const Batch& batch, Notes& notes) {
  const ColumnPtr of = evaluate(*expression.arguments[0], batch, notes);
  const ColumnPtr& child = of->children()[expression.index];
  if (child == nullptr) return constant_column(expression.type, Value(), batch.rows());
  if (of->valid() == nullptr) return child;
  if (expression.type.is_nested()) {
    ColumnBuilder builder(expression.type);
    for (size_t i = 0; i < of->size(); ++i) builder.append(of->is_null(i) ? Value() : value_at(*child, i));
    return builder.finish();
  }
  std::vector<uint32_t> all(of->size());
  std::iota(all.begin(), all.end(), 0U);
  auto out = std::const_pointer_cast<Column>(child->gather(all.data(), all.size()));
  for (size_t i = 0; i < of->size(); ++i) {
    if (of->is_null(i)) out->set_null(i);
  }
  return out;
}

ColumnPtr evaluate_element(const Expression& expression, const Batch& batch, Notes& notes) {
  const ColumnPtr of = evaluate(*expression.arguments[0], batch, notes);
  const ColumnPtr index = evaluate(*expression.arguments[1], batch, notes);
  const bool map = of->type().kind() == Kind::map;
  const Column& values = *of->children()[map ? 1 : 0];
  ColumnBuilder builder(expression.type);
  for (size_t row = 0; row < of->size(); ++row) {
    Value found;
    if (!of->is_null(row) && !index->is_null(row)) {
      const uint32_t begin = of->offsets()[row];
      const int64_t count = of->offsets()[row + 1] - begin;
      if (map) {
        const Value key = value_at(*index, row);
        for (int64_t i = count - 1; i >= 0 && found.is_null(); --i) {
          const size_t at = begin + static_cast<size_t>(i);
          if (value_at(*of->children()[0], at) == key) found = value_at(values, at);
        }
      } else {
        int64_t at = value_at(*index, row).number();
        if (at < 0) at += count + 1;
        if (at >= 1 && at <= count) found = value_at(values, begin + static_cast<size_t>(at - 1));
      }
    }
    builder.append(found);
  }
  return builder.finish();
}

ColumnPtr evaluate_made(const Expression& expression, const Batch& batch, Notes& notes) {
  std::vector<ColumnPtr> parts;
  for (const ExpressionPtr& argument : expression.arguments)
    parts.push_back(evaluate(*argument, batch, notes));
  if (expression.node == Node::make_structure) {
    auto out = std::make_shared<Column>(expression.type, batch.rows());
    out->children() = std::move(parts);
    return out;
  }
  ColumnBuilder builder(expression.type);
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::vector<Value> values;
    for (const ColumnPtr& part : parts) values.push_back(value_at(*part, row));
    builder.append(Value(std::move(values)));
  }
  return builder.finish();
}

template <typename From, typename To>
ColumnPtr widen(const Column& from, const Type& to) {
  auto out = std::make_shared<Column>(to, from.size());
  const From* in = from.data<From>();
  To* result = out->data<To>();
  for (size_t i = 0; i < from.size(); ++i) result[i] = static_cast<To>(in[i]);
  for (size_t i = 0; from.valid() != nullptr && i < from.size(); ++i) {
    if (from.is_null(i)) out->set_null(i);
  }
  return out;
}

ColumnPtr evaluate_cast(const Expression& expression, const Batch& batch, Notes& notes) {
  const ColumnPtr from = evaluate(*expression.arguments[0], batch, notes);
  const Type& type = from->type();
  const Type& to = expression.type;
  if (type == to) return from;
  if (type.kind() == Kind::integer && to.kind() == Kind::bigint) return widen<int32_t, int64_t>(*from, to);
  if (type.kind() == Kind::integer && to.kind() == Kind::real) return widen<int32_t, double>(*from, to);
  if (type.kind() == Kind::bigint && to.kind() == Kind::real) return widen<int64_t, double>(*from, to);
  if (type.kind() == Kind::bigint && to.kind() == Kind::timestamp) return widen<int64_t, int64_t>(*from, to);
  const bool decimals = type.kind() == Kind::decimal && to.kind() == Kind::decimal &&
                        type.scale() == to.scale() && to.precision() >= type.precision() &&
                        type.layout() == Layout::i64;
  if (decimals && to.layout() == Layout::i64) return widen<int64_t, int64_t>(*from, to);
  if (decimals) return widen<int64_t, Int128>(*from, to);
  ColumnBuilder builder(to);
  for (size_t row = 0; row < from->size(); ++row) {
    if (from->is_null(row)) {
      builder.append_null();
      continue;
    }
    auto value = cast_value(value_at(*from, row), type, to);
    if (!value.ok()) notes.push_back({static_cast<uint32_t>(row), value.error().message});
    builder.append(value.ok() ? *value : Value());
  }
  return builder.finish();
}

}  // namespace

ColumnPtr evaluate(const Expression& expression, const Batch& batch, Notes& notes) {
  switch (expression.node) {
    case Node::column: return batch.column(expression.index);
    case Node::constant: return constant_column(expression.type, expression.value, batch.rows());
    case Node::call: return evaluate_call(expression, batch, notes);
    case Node::choose: return evaluate_choose(expression, batch, notes);
    case Node::cast: return evaluate_cast(expression, batch, notes);
    case Node::field: return evaluate_field(expression, batch, notes);
    case Node::element: return evaluate_element(expression, batch, notes);
    case Node::make_array:
    case Node::make_map:
    case Node::make_structure: return evaluate_made(expression, batch, notes);
    case Node::parameter: return batch.column(batch.schema()->size() - expression.index);
    case Node::lambda: break;  // evaluated by the call it stands in
  }
  return nullptr;
}

std::vector<uint32_t> rows_where(const Expression& condition, const Batch& batch, Notes& notes) {
  const ColumnPtr truth = evaluate(condition, batch, notes);
  const uint8_t* values = truth->data<uint8_t>();
  std::vector<uint32_t> rows;
  rows.reserve(truth->size());
  for (uint32_t i = 0; i < truth->size(); ++i) {
    if (values[i] != 0 && !truth->is_null(i)) rows.push_back(i);
  }
  return rows;
}

}  // namespace tradewind::expr
