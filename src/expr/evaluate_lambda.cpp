#include "expr/evaluate_lambda.h"

#include <numeric>

#include "expr/branches.h"
#include "expr/function.h"

namespace tradewind::expr {
namespace {

// Which columns of the outer batch a body reads; `width` is that of the batch the expression works on.
void mark_used(const Expression& expression, size_t width, std::vector<bool>& used) {
  if (expression.node == Node::column && expression.index < used.size()) used[expression.index] = true;
  if (expression.node == Node::parameter && width - expression.index < used.size())
    used[width - expression.index] = true;
  const size_t inside = expression.node == Node::lambda ? width + expression.index : width;
  for (const ExpressionPtr& argument : expression.arguments) mark_used(*argument, inside, used);
}

// The batch the body works on: row i belongs to the outer row parents[i]; the parameters are its last
// columns.
Batch inside(const Batch& outer, const Expression& lambda, const std::vector<uint32_t>& parents,
             std::vector<ColumnPtr> parameters) {
  std::vector<Field> fields = outer.schema()->fields();
  std::vector<bool> used(fields.size(), false);
  mark_used(*lambda.arguments[0], fields.size() + lambda.index, used);
  std::vector<ColumnPtr> columns(fields.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (used[i]) columns[i] = outer.column(i)->gather(parents.data(), parents.size());
  }
  for (ColumnPtr& parameter : parameters) {
    fields.push_back({"", parameter->type()});
    columns.push_back(std::move(parameter));
  }
  return outer.expanded(std::make_shared<const Schema>(std::move(fields)), std::move(columns), parents);
}

// The elements of all rows one behind the other, and the row each belongs to.
struct Elements {
  std::vector<uint32_t> parents;
  std::vector<ColumnPtr> columns;  // array: elements; map: keys, values
};

Elements elements_of(const Column& collection) {
  Elements found;
  std::vector<uint32_t> places;
  for (uint32_t row = 0; row < collection.size(); ++row) {
    if (collection.is_null(row)) continue;
    for (uint32_t at = collection.offsets()[row]; at < collection.offsets()[row + 1]; ++at) {
      places.push_back(at);
      found.parents.push_back(row);
    }
  }
  for (const ColumnPtr& child : collection.children())
    found.columns.push_back(child->gather(places.data(), places.size()));
  return found;
}

// A failed element makes its whole row null, as any failing part of an expression does.
void tell(Notes& part, const std::vector<uint32_t>& parents, Column& out, Notes& notes) {
  for (Note& note : part) {
    const uint32_t row = parents[note.row];
    if (!out.is_null(row)) notes.push_back({row, std::move(note.reason)});
    out.set_null(row);
  }
}

std::shared_ptr<Column> list_of(const Type& type, const Column& like, const std::vector<uint32_t>& parents,
                                std::vector<ColumnPtr> children) {
  auto out = std::make_shared<Column>(type, like.size());
  size_t at = 0;
  for (uint32_t row = 0; row < like.size(); ++row) {
    while (at < parents.size() && parents[at] == row) ++at;
    out->offsets()[row + 1] = static_cast<uint32_t>(at);
    if (like.is_null(row)) out->set_null(row);
  }
  out->children() = std::move(children);
  return out;
}

ColumnPtr transform(const Expression& call, const Batch& batch, Notes& notes) {
  const ColumnPtr of = evaluate(*call.arguments[0], batch, notes);
  const Elements elements = elements_of(*of);
  Notes part;
  std::vector<ColumnPtr> made;
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    const Expression& lambda = *call.arguments[i];
    made.push_back(
        evaluate(*lambda.arguments[0], inside(batch, lambda, elements.parents, elements.columns), part));
  }
  auto out = list_of(call.type, *of, elements.parents, std::move(made));
  tell(part, elements.parents, *out, notes);
  return out;
}

ColumnPtr filter(const Expression& call, const Batch& batch, Notes& notes) {
  const ColumnPtr of = evaluate(*call.arguments[0], batch, notes);
  const Elements elements = elements_of(*of);
  const Expression& lambda = *call.arguments[1];
  Notes part;
  const std::vector<uint32_t> left =
      rows_where(*lambda.arguments[0], inside(batch, lambda, elements.parents, elements.columns), part);
  std::vector<uint32_t> parents;
  for (const uint32_t at : left) parents.push_back(elements.parents[at]);
  std::vector<ColumnPtr> children;
  for (const ColumnPtr& column : elements.columns)
    children.push_back(column->gather(left.data(), left.size()));
  auto out = list_of(call.type, *of, parents, std::move(children));
  tell(part, elements.parents, *out, notes);
  return out;
}

// Element by element: the rows that have a next one go on together.
ColumnPtr reduce(const Expression& call, const Batch& batch, Notes& notes) {
  const ColumnPtr of = evaluate(*call.arguments[0], batch, notes);
  const ColumnPtr start = evaluate(*call.arguments[1], batch, notes);
  const Expression& lambda = *call.arguments[2];
  const auto length = [&](uint32_t row) {
    return of->is_null(row) || start->is_null(row) ? 0 : of->offsets()[row + 1] - of->offsets()[row];
  };
  std::vector<uint32_t> open(batch.rows());
  std::iota(open.begin(), open.end(), 0U);
  ColumnPtr state = start;
  std::vector<Branch> done;
  for (uint32_t step = 0; !open.empty(); ++step) {
    std::vector<uint32_t> ended, going, rows, places;
    Branch branch;
    for (uint32_t i = 0; i < open.size(); ++i) {
      const bool more = length(open[i]) > step;
      (more ? going : ended).push_back(i);
      (more ? rows : branch.rows).push_back(open[i]);
      if (more) places.push_back(of->offsets()[open[i]] + step);
    }
    branch.values = state->gather(ended.data(), ended.size());
    if (!ended.empty()) done.push_back(std::move(branch));
    open = std::move(rows);
    if (open.empty()) break;
    std::vector<ColumnPtr> parameters = {state->gather(going.data(), going.size())};
    for (const ColumnPtr& child : of->children())
      parameters.push_back(child->gather(places.data(), places.size()));
    Notes part;
    state = evaluate(*lambda.arguments[0], inside(batch, lambda, open, std::move(parameters)), part);
    std::vector<bool> failed(open.size(), false);
    for (Note& note : part) {
      if (!failed[note.row]) notes.push_back({open[note.row], std::move(note.reason)});
      failed[note.row] = true;
    }
    if (part.empty()) continue;
    std::vector<uint32_t> good, good_rows;
    for (uint32_t i = 0; i < open.size(); ++i) {
      if (failed[i]) continue;
      good.push_back(i);
      good_rows.push_back(open[i]);
    }
    state = state->gather(good.data(), good.size());
    open = std::move(good_rows);
  }
  return assemble(call.type, batch.rows(), done);
}

}  // namespace

ColumnPtr evaluate_lambdas(const Expression& call, const Batch& batch, Notes& notes) {
  if (call.function->name == "TRANSFORM") return transform(call, batch, notes);
  return call.function->name == "FILTER" ? filter(call, batch, notes) : reduce(call, batch, notes);
}

}  // namespace tradewind::expr
