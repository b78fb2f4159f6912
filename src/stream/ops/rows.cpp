// Filter, project, explode: steps without memory.
#include "expr/evaluate.h"
#include "stream/ops/ops.h"

namespace tradewind::stream {
namespace {

void tell(Context& context, const char* step, const expr::Notes& notes, const Batch& rows) {
  for (const expr::Note& note : notes) {
    RowNote told;
    told.query = context.query();
    told.step = step;
    told.reason = note.reason;
    told.partition = rows.origin().partition;
    if (rows.offsets() != nullptr && note.row < rows.offsets()->size())
      told.offset = (*rows.offsets())[note.row];
    context.note(std::move(told));
  }
}

class Filter final : public Operator {
 public:
  explicit Filter(FilterStep step) : step_(std::move(step)) {}
  Result<> open(Context& context) override {
    context_ = &context;
    return {};
  }
  Result<> process(const Batch& rows, Collector& out) override {
    notes_.clear();
    std::vector<uint32_t> left = expr::rows_where(*step_.condition, rows, notes_);
    if (!notes_.empty()) tell(*context_, "where", notes_, rows);
    if (left.empty()) return {};
    return out.emit(rows.filtered(std::move(left)));
  }

 private:
  FilterStep step_;
  Context* context_ = nullptr;
  expr::Notes notes_;
};

class Project final : public Operator {
 public:
  Project(ProjectStep step, const Schema& output)
      : step_(std::move(step)), output_(std::make_shared<const Schema>(output)) {}
  Result<> open(Context& context) override {
    context_ = &context;
    return {};
  }
  Result<> process(const Batch& rows, Collector& out) override {
    notes_.clear();
    std::vector<ColumnPtr> columns;
    for (const expr::ExpressionPtr& expression : step_.expressions) {
      columns.push_back(expr::evaluate(*expression, rows, notes_));
    }
    if (!notes_.empty()) tell(*context_, "select", notes_, rows);
    return out.emit(rows.with_columns(output_, std::move(columns)));
  }

 private:
  ProjectStep step_;
  SchemaPtr output_;
  Context* context_ = nullptr;
  expr::Notes notes_;
};

class Explode final : public Operator {
 public:
  Explode(ExplodeStep step, const Schema& output)
      : step_(std::move(step)), output_(std::make_shared<const Schema>(output)) {}
  Result<> open(Context& context) override {
    context_ = &context;
    return {};
  }

  Result<> process(const Batch& rows, Collector& out) override {
    notes_.clear();
    std::vector<ColumnPtr> arrays;
    for (const expr::ExpressionPtr& array : step_.arrays)
      arrays.push_back(expr::evaluate(*array, rows, notes_));
    if (!notes_.empty()) tell(*context_, "explode", notes_, rows);
    std::vector<uint32_t> parents;
    for (uint32_t row = 0; row < rows.rows(); ++row) parents.insert(parents.end(), longest(arrays, row), row);
    if (parents.empty()) return {};
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < rows.schema()->size(); ++i) {
      // Gathered only where a later step can ask for it; most of a wide row is never looked at again.
      columns.push_back(rows.has(i) && wanted(i) ? rows.column(i)->gather(parents.data(), parents.size())
                                                 : nullptr);
    }
    for (const ColumnPtr& array : arrays) columns.push_back(elements(*array, parents, arrays.size() == 1));
    return out.emit(rows.expanded(output_, std::move(columns), parents));
  }

 private:
  static uint32_t length(const Column& array, uint32_t row) {
    return array.is_null(row) ? 0 : array.offsets()[row + 1] - array.offsets()[row];
  }
  static uint32_t longest(const std::vector<ColumnPtr>& arrays, uint32_t row) {
    uint32_t most = 0;
    for (const ColumnPtr& array : arrays) most = std::max(most, length(*array, row));
    return most;
  }
  bool wanted(size_t column) const {
    return step_.keep.empty() || (column < step_.keep.size() && step_.keep[column]);
  }

  // The elements one behind the other: for a lone array without null rows that is its child as it is.
  static ColumnPtr elements(const Column& array, const std::vector<uint32_t>& parents, bool alone) {
    const ColumnPtr& child = array.children()[0];
    if (alone && array.valid() == nullptr && child->size() == parents.size()) return child;
    std::vector<uint32_t> rows(parents.size());
    std::vector<uint8_t> absent(parents.size(), 0);
    bool padded = false;
    uint32_t nth = 0;
    for (size_t i = 0; i < parents.size(); ++i) {
      nth = i > 0 && parents[i] == parents[i - 1] ? nth + 1 : 0;
      const bool there = nth < length(array, parents[i]);
      rows[i] = there ? array.offsets()[parents[i]] + nth : 0;
      absent[i] = there ? 0 : 1;
      padded = padded || !there;
    }
    if (!padded) return child->gather(rows.data(), rows.size());
    ColumnBuilder builder(child->type());
    for (size_t i = 0; i < rows.size(); ++i)
      builder.append(absent[i] != 0 ? Value() : value_at(*child, rows[i]));
    return builder.finish();
  }

  ExplodeStep step_;
  SchemaPtr output_;
  Context* context_ = nullptr;
  expr::Notes notes_;
};

}  // namespace

std::unique_ptr<Operator> make_filter(const FilterStep& step) {
  return std::make_unique<Filter>(step);
}

std::unique_ptr<Operator> make_project(const ProjectStep& step, const Schema& output) {
  return std::make_unique<Project>(step, output);
}

std::unique_ptr<Operator> make_explode(const ExplodeStep& step, const Schema& output) {
  return std::make_unique<Explode>(step, output);
}

}  // namespace tradewind::stream
