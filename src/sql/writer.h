#pragma once
// The parts of unparse(), one family per unparse_*.cc; internal to it. Each appends to the text.

#include <string>
#include <string_view>
#include <vector>

#include "sql/ast_statement.h"

namespace tidemark::sql {

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void raw(std::string_view text) { out_ += text; }
  void name(const Identifier& identifier);
  void name(const Name& name);
  void names(const std::vector<Identifier>& names);  // (a, b)
  void string(std::string_view text);

  // unparse_expr.cc
  void expr(const Expr& expr) { expr_above(expr, 0); }
  void expr_above(const Expr& expr, int precedence);  // in parentheses if it binds less tightly
  void exprs(const std::vector<Expr>& exprs);
  void interval_units(const IntervalUnits& units);

  // unparse_call.cc
  void call(const FunctionCall& call);
  void bare_call(const FunctionCall& call);  // as a table function
  void order_items(const std::vector<OrderItem>& items);
  void window_spec(const WindowSpec& spec);

  // unparse_type.cc
  void type(const TypeName& type);

  // unparse_query.cc
  void query(const Query& query);
  void query_in_parentheses(const Query& query);
  void hints(const std::vector<Hint>& hints);
  void select_items(const std::vector<SelectItem>& items);

  // unparse_from.cc
  void table_ref(const TableRef& ref);
  void match_recognize(const MatchRecognize& match);

  // unparse_ddl.cc
  void element(const TableElement& element);
  void elements(const std::vector<TableElement>& elements);  // nothing when empty
  void distribution(const Distribution& distribution);       // without its first word
  void options(const Options& options);                      // ('k' = 'v'), nothing when empty
  void with_options(const Options& options);
  void comment(const std::optional<std::string>& comment);
  void partition(const PartitionSpec& partition);  // nothing when empty
  void function_body(const FunctionBody& body);
  void create_mode(CreateMode mode);

  // unparse_create.cc
  void node(const CreateTable& n);
  void node(const CreateView& n);
  void node(const CreateMaterializedView& n);
  void node(const CreateMaterializedTable& n);
  void node(const CreateCatalog& n);
  void node(const CreateDatabase& n);
  void node(const CreateFunction& n);
  void node(const CreateModel& n);
  void node(const CreateConnection& n);
  void node(const CreateUser& n);
  void node(const AlterUser& n);
  void node(const CreateIndex& n);

  // unparse_alter.cc
  void node(const Drop& n);
  void node(const Alter& n);
  void object_kind(ObjectKind kind);

  // unparse_show.cc
  void node(const Describe& n);
  void node(const Show& n);
  void node(const ShowCreate& n);
  void node(const ShowSetting& n);

  // unparse_statement.cc
  void statement(const Statement& statement);

  // Calls `each` for every item with `separator` between them.
  template <typename Items, typename Each>
  void joined(const Items& items, std::string_view separator, Each each) {
    bool first = true;
    for (const auto& item : items) {
      out_ += first ? std::string_view() : separator;
      first = false;
      each(item);
    }
  }

 private:
  std::string out_;
};

// Visits a variant with one lambda per alternative.
template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace tidemark::sql
