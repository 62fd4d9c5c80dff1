// The part of ExprBinder for calls: of functions, and of those that decide what is evaluated.

#include <fmt/core.h>

#include "base/ascii.h"
#include "expr/cast.h"
#include "plan/bind/bind_expr.h"
#include "plan/bind/bind_query.h"

namespace tidemark {

namespace {

bool is_conditional(std::string_view name) {
  return name == "COALESCE" || name == "NULLIF" || name == "IF" || name == "IFNULL";
}

}  // namespace

bool is_system_function(std::string_view name) {
  bool is_window_table =
      name == "TUMBLE" || name == "HOP" || name == "CUMULATE" || name == "SESSION";
  return find_function(name) != nullptr || find_aggregate(name) != nullptr ||
         find_rank_function(name) || find_window_function(name) || is_json_aggregate(name) ||
         is_json_call(name) || is_grouping_function(name) || is_conditional(name) ||
         is_window_table || name == "OVERLAPS";
}

// COALESCE, NULLIF, IF, IFNULL: CASE in other words.
Result<ExprRef> ExprBinder::bind_conditional(const std::string& name,
                                             const sql::FunctionCall& function, size_t position) {
  std::vector<ExprRef> arguments;
  Type known = Type::null();  // of the arguments so far, for parameters
  for (const sql::Expr& argument : function.args) {
    arguments.push_back(TRY(bind_as(argument, known)));
    known = arguments.back()->type;
  }
  auto wrong_count = [&](std::string_view usage) {
    return Status::invalid_argument(fmt::format("{} got {} arguments", name, arguments.size()))
        .with_hint(fmt::format("usage: {}", usage))
        .with_position(position);
  };
  auto common_of = [&](size_t from) -> Result<Type> {
    Type type = Type::null();
    for (size_t i = from; i < arguments.size(); ++i) {
      Result<Type> common = common_type(type, arguments[i]->type);
      if (!common.ok()) {
        return common.status().with_context(name).with_position(function.args[i].position);
      }
      type = *common;
    }
    for (size_t i = from; i < arguments.size(); ++i) {
      arguments[i] = TRY(coerce(arguments[i], type, function.args[i].position));
    }
    return type;
  };
  if (name == "NULLIF") {
    if (arguments.size() != 2) {
      return wrong_count("NULLIF(a, b)");
    }
    ExprRef equal = TRY(call("=", {arguments[0], arguments[1]}, position));
    Type type = arguments[0]->type;
    return make_case({{equal, make_literal(std::monostate{}, type)}}, arguments[0], type);
  }
  if (name == "IF") {
    if (arguments.size() != 3) {
      return wrong_count("IF(condition, then, else)");
    }
    ExprRef condition = TRY(coerce(arguments[0], Type::boolean(), position));
    Type type = TRY(common_of(1));
    return make_case({{condition, arguments[1]}}, arguments[2], type);
  }
  if (arguments.empty() || (name == "IFNULL" && arguments.size() != 2)) {
    return wrong_count(name == "IFNULL" ? "IFNULL(x, otherwise)" : "COALESCE(a, b, ...)");
  }
  Type type = TRY(common_of(0));
  std::vector<std::pair<ExprRef, ExprRef>> branches;
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    branches.emplace_back(TRY(call("IS NOT NULL", {arguments[i]}, position)), arguments[i]);
  }
  return branches.empty() ? arguments[0] : make_case(std::move(branches), arguments.back(), type);
}

// Both periods by their ends; a length is added to the start.
Result<ExprRef> ExprBinder::bind_overlaps(const sql::FunctionCall& function, size_t position) {
  std::vector<ExprRef> ends;
  for (const sql::Expr& argument : function.args) {
    const auto* row = std::get_if<sql::RowConstructor>(&argument.node);
    if (row == nullptr || row->fields.size() != 2) {
      return Status::invalid_argument("OVERLAPS takes two pairs: (a, b) OVERLAPS (c, d)")
          .with_position(position);
    }
    ExprRef from = TRY(bind(row->fields[0])), to = TRY(bind(row->fields[1]));
    if (to->type.is_interval()) {
      to = TRY(call("+", {from, to}, position));
    }
    ends.push_back(std::move(from));
    ends.push_back(std::move(to));
  }
  return call("OVERLAPS", std::move(ends), position);
}

Result<ExprRef> ExprBinder::bind_call(const sql::FunctionCall& function, size_t position) {
  std::string name = ascii_upper(function.name.last());
  if (ObjectRef sql_function = TRY(find_sql_function(function.name))) {
    return bind_sql_call(sql_function, function, position);
  }
  if (function.over) {
    return without_sets("OVER", [&] { return bind_window(function, position); });
  }
  if (const AggregateFunction* aggregate = find_aggregate(name)) {
    return without_sets(name, [&] { return bind_aggregate(*aggregate, function, position); });
  }
  if (is_json_aggregate(name)) {
    return without_sets(name, [&] { return bind_json_aggregate(name, function, position); });
  }
  if (is_grouping_function(name)) {
    return bind_grouping(name, function, position);
  }
  if (function.distinct || function.filter || !function.order_by.empty() ||
      !function.within_group.empty()) {
    return Status::invalid_argument(
               fmt::format("{} is not an aggregate: DISTINCT, FILTER and ORDER BY do not apply",
                           name))
        .with_position(position);
  }
  if (is_conditional(name)) {
    return without_sets(name, [&] { return bind_conditional(name, function, position); });
  }
  if (is_json_call(name)) {
    return bind_json(name, function, position);
  }
  if (name == "OVERLAPS") {
    return bind_overlaps(function, position);
  }
  std::vector<const sql::Expr*> arguments;
  for (const sql::Expr& argument : function.args) {
    arguments.push_back(&argument);
  }
  const Function* found = find_function(name);
  bool is_set = found != nullptr && found->gives_rows;
  if (!is_set || (sets_ == nullptr && place_without_sets_.empty())) {
    return call_over(name, std::move(arguments), position);
  }
  if (sets_ == nullptr) {
    return Status::invalid_argument(
               fmt::format("{} gives rows: it cannot stand in {}", name, place_without_sets_))
        .with_sqlstate("0A000")
        .with_hint("write it in FROM, and use its column here")
        .with_position(position);
  }
  ExprRef collection = TRY(without_sets(
      "the arguments of " + name, [&] { return call_over(name, std::move(arguments), position); }));
  return add_set(name, std::move(collection), position);
}

// Two calls alike are one: rows go in step anyway.
Result<ExprRef> ExprBinder::add_set(const std::string& name, ExprRef collection, size_t position) {
  const Type& type = collection->type;
  if (!type.is_nested() || type.children.empty() || type.children[0].kind == TypeKind::kNull) {
    return Status::invalid_argument(
               fmt::format("{} needs an ARRAY, not {}", name, type.to_string_without_null()))
        .with_position(position);
  }
  Type element = type.children[0].as_nullable();
  std::vector<ExprRef>& known = sets_->collections;
  for (size_t i = 0; i < known.size(); ++i) {
    if (same_expr(*known[i], *collection)) {
      return make_outer(sets_->id, i, std::move(element));
    }
  }
  known.push_back(std::move(collection));
  return make_outer(sets_->id, known.size() - 1, std::move(element));
}

}  // namespace tidemark
