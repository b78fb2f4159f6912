#include <algorithm>

#include "base/time.h"
#include "expr/aggregate.h"
#include "sql/binder/scope.h"

namespace tradewind::sql {
namespace {

using expr::ExpressionPtr;

Error wrong(const Node& node, const std::string& message) {
  return {Code::invalid, at(node.place, message)};
}

// A stored time compared with text: the text is read as ISO 8601.
bool is_time_column(const Node& node) {
  return node.form == Node::Form::name &&
         (node.text == "WINDOWSTART" || node.text == "WINDOWEND" || node.text == "ROWTIME");
}

Result<> read_times(const Node& node, std::vector<ExpressionPtr>& children) {
  if (node.children.size() < 2) return {};
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (!is_time_column(*node.children[i])) continue;
    for (size_t j = 0; j < children.size(); ++j) {
      const bool text = children[j]->node == expr::Node::constant &&
                        children[j]->type.kind() == Kind::string && !children[j]->value.is_null();
      if (j == i || !text) continue;
      const auto time = from_iso(children[j]->value.text());
      if (!time) {
        return wrong(*node.children[j],
                     "'" + children[j]->value.text() +
                         "' is no time; write it like '2011-11-17T13:00:00' or as milliseconds");
      }
      children[j] = expr::constant(Kind::bigint, Value(time->ms));
    }
  }
  return {};
}

std::string names_of(const Schema& schema) {
  std::string text;
  for (size_t i = 0; i < schema.size() && i < 12; ++i) text += (i == 0 ? "" : ", ") + schema[i].name;
  return text + (schema.size() > 12 ? ", ..." : "");
}

Result<ExpressionPtr> bind_name(const Node& node, Scope& scope) {
  if (scope.parts.empty() && !node.qualifier.empty() && node.qualifier != scope.alias) {
    return wrong(node, "no source is called " + node.qualifier + " here; there is " + scope.alias);
  }
  for (size_t i = scope.parameters.size(); node.qualifier.empty() && i-- > 0;) {
    if (scope.parameters[i].name != node.text) continue;
    auto made = std::make_shared<expr::Expression>();
    made->node = expr::Node::parameter;
    made->index = scope.parameters.size() - i;
    made->type = scope.parameters[i].type;
    return ExpressionPtr(made);
  }
  const auto index = scope.parts.empty() ? scope.schema.find(node.text) : TRY(find_joined(node, scope));
  if (index) return expr::column(*index, scope.schema[*index].type);
  const auto alias = scope.aliases.find(node.text);
  if (alias != scope.aliases.end() && node.qualifier.empty() && scope.expanding < 8) {
    ++scope.expanding;
    auto bound = bind(*alias->second, scope);
    --scope.expanding;
    return bound;
  }
  std::string known = names_of(scope.schema);
  for (const Scope::Part& part : scope.parts) {
    known =
        (&part == &scope.parts.front() ? "" : known + "; ") + names_of(part.columns) + " of " + part.alias;
  }
  return wrong(node, "no column is called " + node.text + "; there are " + known);
}

Result<ExpressionPtr> bind_explode(const Node& node, Scope& scope) {
  if (!scope.may_explode) return wrong(node, "EXPLODE stands in the select list only");
  if (node.children.size() != 1) return wrong(node, node.text + " takes one array");
  ExpressionPtr array = TRY(bind(*node.children[0], scope));
  if (node.text == "CUBE_EXPLODE" && array->type.kind() == Kind::array)
    array = TRY(expr::call("CUBE", {array}));
  if (node.text == "EXPLODE" && array->type.kind() == Kind::map)
    array = TRY(expr::call("ENTRIES", {array, expr::constant(Kind::boolean, Value(int64_t{0}))}));
  if (array->type.kind() != Kind::array)
    return wrong(node, node.text + " takes an array, not " + array->type.text());
  const Type element = array->type.element();
  for (size_t i = 0; i < scope.arrays.size(); ++i) {
    if (expr::same(*scope.arrays[i], *array)) return expr::column(scope.schema.size() + i, element);
  }
  scope.arrays.push_back(std::move(array));
  return expr::column(scope.schema.size() + scope.arrays.size() - 1, element);
}

Result<ExpressionPtr> make_collection(const Node& node, std::vector<ExpressionPtr> children) {
  auto made = std::make_shared<expr::Expression>();
  if (node.form == Node::Form::make_structure) {
    made->node = expr::Node::make_structure;
    std::vector<Field> fields;
    for (size_t i = 0; i < children.size(); ++i) {
      if (std::find(node.names.begin(), node.names.begin() + static_cast<ptrdiff_t>(i), node.names[i]) !=
          node.names.begin() + static_cast<ptrdiff_t>(i))
        return wrong(node, "two fields of the STRUCT are called " + node.names[i]);
      fields.push_back({node.names[i], children[i]->type});
    }
    made->type = Type::structure(std::move(fields));
    made->arguments = std::move(children);
    return ExpressionPtr(made);
  }
  if (children.empty()) return wrong(node, "an empty collection has no type; CAST a NULL instead");
  const size_t width = node.form == Node::Form::make_map ? 2 : 1;
  std::vector<Type> types;
  for (size_t part = 0; part < width; ++part) {
    std::vector<ExpressionPtr> parts;
    for (size_t i = part; i < children.size(); i += width) parts.push_back(children[i]);
    const auto type = expr::common_type(parts);
    if (!type.ok()) return wrong(node, type.error().message);
    if (!*type) return wrong(node, "a collection of NULLs has no type; CAST one of them");
    for (size_t i = part; i < children.size(); i += width)
      children[i] = expr::cast_if_needed(children[i], **type);
    types.push_back(**type);
  }
  made->node = width == 2 ? expr::Node::make_map : expr::Node::make_array;
  made->type = width == 2 ? Type::map(types[0], types[1]) : Type::array(types[0]);
  made->arguments = std::move(children);
  return ExpressionPtr(made);
}

}  // namespace

Result<std::optional<size_t>> find_joined(const Node& name, const Scope& scope) {
  std::optional<size_t> found;
  std::string first;
  std::string aliases;
  bool known_alias = name.qualifier.empty();
  if (const auto at = scope.joined.find(name.text); name.qualifier.empty() && at != scope.joined.end())
    return std::optional(at->second);
  for (const Scope::Part& part : scope.parts) {
    aliases += (aliases.empty() ? "" : ", ") + part.alias;
    if (!name.qualifier.empty() && name.qualifier != part.alias) continue;
    known_alias = true;
    const auto index = part.columns.find(name.text);
    if (!index) continue;
    if (found) {
      return wrong(name, name.text + " is ambiguous: write " + first + "." + name.text + " or " + part.alias +
                             "." + name.text);
    }
    found = part.first + *index;
    first = part.alias;
  }
  if (!known_alias)
    return wrong(name, "no source is called " + name.qualifier + " here; there are " + aliases);
  return found;
}

bool is_aggregate(const Node& node) {
  const bool called = node.form == Node::Form::call || node.form == Node::Form::star_call;
  return called && expr::find_aggregate(node.text) != nullptr;
}

bool is_explode(const Node& node) {
  return node.form == Node::Form::call && (node.text == "EXPLODE" || node.text == "CUBE_EXPLODE");
}

bool contains(const Node& node, const std::function<bool(const Node&)>& what) {
  if (what(node)) return true;
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const NodePtr& child) { return contains(*child, what); });
}

Result<ExpressionPtr> assemble(const Node& node, std::vector<ExpressionPtr> children) {
  const auto placed = [&](Result<ExpressionPtr> made) -> Result<ExpressionPtr> {
    if (made.ok() || made.error().message.starts_with("line ")) return made;
    return Error{made.error().code, at(node.place, made.error().message)};
  };
  switch (node.form) {
    case Node::Form::literal: return expr::constant(node.type, node.value);
    case Node::Form::call:
      TRY(read_times(node, children));
      return placed(
          expr::call(node.text, std::move(children),
                     static_cast<size_t>(node.place.line) << 16 | static_cast<size_t>(node.place.column)));
    case Node::Form::choose: return placed(expr::choose(std::move(children), node.flag));
    case Node::Form::cast: return placed(expr::checked_cast(std::move(children[0]), node.type));
    case Node::Form::element: return placed(expr::element(std::move(children[0]), std::move(children[1])));
    case Node::Form::make_array:
    case Node::Form::make_map:
    case Node::Form::make_structure: return make_collection(node, std::move(children));
    case Node::Form::field: {
      const Type& type = children[0]->type;
      if (type.kind() != Kind::structure)
        return wrong(node, type.text() + " has no fields; -> is for a STRUCT");
      for (size_t i = 0; i < type.fields().size(); ++i) {
        if (type.fields()[i].name == node.text) return expr::field(std::move(children[0]), i);
      }
      return wrong(node,
                   "the STRUCT has no field " + node.text + "; it has " + names_of(Schema(type.fields())));
    }
    case Node::Form::star_call:
      return wrong(node, node.text + "(*) is no function; COUNT(*) is an aggregate");
    default: return wrong(node, "this is not offered yet");
  }
}

Result<ExpressionPtr> bind(const Node& node, Scope& scope) {
  if (node.form == Node::Form::name) return bind_name(node, scope);
  if (is_aggregate(node))
    return wrong(node, node.text + " cannot stand here; aggregates belong in SELECT and HAVING");
  if (is_explode(node)) return bind_explode(node, scope);
  if (node.form == Node::Form::lambda)
    return wrong(node, "a lambda stands in TRANSFORM, FILTER and REDUCE only");
  auto children = TRY(bind_children(node, scope, [&](const Node& child) { return bind(child, scope); }));
  return assemble(node, std::move(children));
}

void Usage::visit(const expr::Expression& expression, std::vector<size_t> path) {
  if (expression.node == expr::Node::field) {
    path.insert(path.begin(), expression.index);
    visit(*expression.arguments[0], std::move(path));
    return;
  }
  if (expression.node != expr::Node::column) {
    for (const ExpressionPtr& argument : expression.arguments) visit(*argument, {});
    return;
  }
  if (expression.index >= schema_.size()) {
    path.insert(path.begin(), 0);  // the element of the array
    visit(*arrays_[expression.index - schema_.size()], std::move(path));
    return;
  }
  Use* use = &uses_[expression.index];
  for (const size_t part : path) use = &use->parts[part];
  use->whole = true;
}

schema::Wanted Usage::wanted_of(const Type& type, const Use& use) {
  if (use.whole || use.parts.empty()) return {};
  schema::Wanted wanted;
  const auto part = [&](size_t i, const Type& of) {
    const auto found = use.parts.find(i);
    if (found == use.parts.end())
      wanted.parts.push_back({.any = false});
    else
      wanted.parts.push_back(wanted_of(of, found->second));
  };
  if (type.kind() == Kind::array) part(0, type.element());
  if (type.kind() == Kind::structure) {
    for (size_t i = 0; i < type.fields().size(); ++i) part(i, type.fields()[i].type);
  }
  return wanted;
}

std::vector<schema::Wanted> Usage::wanted() const {
  std::vector<schema::Wanted> wanted;
  for (size_t i = 0; i < schema_.size(); ++i) {
    const auto found = uses_.find(i);
    if (found == uses_.end())
      wanted.push_back({.any = false});
    else
      wanted.push_back(wanted_of(schema_[i].type, found->second));
  }
  return wanted;
}

ItemNames::ItemNames(const std::vector<SelectItem>& items) {
  for (const SelectItem& item : items) {
    if (!item.alias.empty())
      taken_.push_back(item.alias);
    else if (item.expression != nullptr && item.expression->form == Node::Form::name)
      taken_.push_back(item.expression->text);
  }
}

std::string ItemNames::unused(const std::string& base, bool numbered) {
  std::string name = numbered ? base + std::to_string(next_) : base;
  for (int n = 1; std::find(taken_.begin(), taken_.end(), name) != taken_.end(); ++n) {
    name = numbered ? base + std::to_string(++next_) : base + "_" + std::to_string(n);
  }
  if (numbered) ++next_;
  taken_.push_back(name);
  return name;
}

std::string ItemNames::name_of(const SelectItem& item) {
  if (!item.alias.empty()) return item.alias;
  if (item.expression->form == Node::Form::name) return item.expression->text;
  if (item.expression->form == Node::Form::field) return unused(item.expression->text, false);
  return unused("KSQL_COL_", true);
}

}  // namespace tradewind::sql
