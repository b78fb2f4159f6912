#pragma once
// Scope: what names in an expression mean, and the bound expressions made of them.
//
// Threads: one.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "expr/expression.h"
#include "expr/function.h"
#include "sql/statement.h"
#include "stream/topology.h"

namespace tradewind::sql {

// Columns of the rows at hand; EXPLODE adds columns behind them.
struct Scope {
  Schema schema;
  std::string alias;  // how the source may be called
  // Of joined sources: the columns of each, which lie in `schema` from `first` on, and columns of the join
  // itself, by name. Empty: one source.
  struct Part {
    std::string alias;
    size_t first = 0;
    Schema columns;
  };
  std::vector<Part> parts;
  std::map<std::string, size_t> joined;
  std::vector<expr::ExpressionPtr> arrays;  // exploded so far; column schema.size() + i
  std::map<std::string, NodePtr> aliases;   // select items with EXPLODE, usable by name
  bool may_explode = false;
  std::vector<Field> parameters;  // of the lambdas around, outermost first
  int expanding = 0;              // aliases being looked up, against circles
};

// Binds over a scope; aggregates are errors.
Result<expr::ExpressionPtr> bind(const Node& node, Scope& scope);
// The column of joined sources that a name means; nothing when there is none. invalid: several, or no such
// source.
Result<std::optional<size_t>> find_joined(const Node& name, const Scope& scope);
// Puts a bound node together from its bound children.
Result<expr::ExpressionPtr> assemble(const Node& node, std::vector<expr::ExpressionPtr> children);
// The children of a node, each by `bind_one`; lambdas over the parameters that the call gives them, and time
// units as text.
using BindOne = std::function<Result<expr::ExpressionPtr>(const Node&)>;
Result<std::vector<expr::ExpressionPtr>> bind_children(const Node& node, Scope& scope,
                                                       const BindOne& bind_one);
// "of->*" as the fields it stands for; anything else as it is.
Result<> expand_fields(const SelectItem& item, Scope& scope, std::vector<SelectItem>& items);
bool is_aggregate(const Node& node);
bool contains(const Node& node, const std::function<bool(const Node&)>& what);
bool is_explode(const Node& node);

// Which parts of the source columns expressions read, as schema::Wanted.
class Usage {
 public:
  Usage(const Schema& schema, const std::vector<expr::ExpressionPtr>& arrays)
      : schema_(schema), arrays_(arrays) {}
  void add(const expr::Expression& expression) { visit(expression, {}); }
  void add_column(size_t index) { uses_[index].whole = true; }
  bool reads(size_t index) const { return uses_.contains(index); }
  std::vector<schema::Wanted> wanted() const;

 private:
  struct Use {
    bool whole = false;
    std::map<size_t, Use> parts;
  };
  void visit(const expr::Expression& expression, std::vector<size_t> path);
  static schema::Wanted wanted_of(const Type& type, const Use& use);

  const Schema& schema_;
  const std::vector<expr::ExpressionPtr>& arrays_;
  std::map<size_t, Use> uses_;
};

// The name of a select item without an alias: a column's own, a field's own, else KSQL_COL_n.
class ItemNames {
 public:
  explicit ItemNames(const std::vector<SelectItem>& items);
  std::string name_of(const SelectItem& item);

 private:
  std::string unused(const std::string& base, bool numbered);
  std::vector<std::string> taken_;
  int next_ = 0;
};

}  // namespace tradewind::sql
