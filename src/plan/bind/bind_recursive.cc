// WITH RECURSIVE t AS (base UNION [ALL] body), where the body reads t once.

#include <unordered_map>

#include "base/overloaded.h"
#include "expr/cast.h"
#include "plan/bind/query_binder.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"

namespace tidemark {

namespace {

size_t references(const LogicalPlan& plan) {
  if (std::holds_alternative<RecursiveRefNode>(plan.node)) {
    return 1;
  }
  size_t count = 0;
  for (const PlanRef& input : inputs_of(plan)) {
    count += references(*input);
  }
  return count;
}

// Whether rows may only be added where rows of the reference are added, as far as one node goes.
bool is_monotone(const LogicalPlan& plan) {
  return std::visit(
      Overloaded{
          [](const FilterNode&) { return true; },
          [](const ProjectNode&) { return true; },
          [](const UnnestNode&) { return true; },
          [](const UnionNode&) { return true; },
          [](const RecursiveRefNode&) { return true; },
          [](const JoinNode& join) {
            return join.type == JoinType::kInner || join.type == JoinType::kSemi ||
                   (join.type != JoinType::kFull && references(*join.right) == 0);
          },
          [](const AggregateNode& node) { return node.calls.empty() && !node.group.empty(); },
          [](const ScanNode&) { return false; },
          [](const ValuesNode&) { return false; },
          [](const TopNNode&) { return false; },
          [](const RankNode&) { return false; },
          [](const WindowNode&) { return false; },
          [](const RecursiveNode&) { return false; },
          [](const SetDifferenceNode&) { return false; },
          [](const DynamicFilterNode&) { return false; },
          [](const DeltaJoinNode&) { return true; },
      },
      plan.node);
}

// Parts that do not read the reference are computed once, outside.
class Splitter {
 public:
  Status status;
  std::vector<PlanRef> others;

  PlanRef split(const PlanRef& plan) {
    if (auto known = memo_.find(plan.get()); known != memo_.end()) {
      return known->second;
    }
    PlanRef result;
    if (references(*plan) == 0) {
      others.push_back(plan);
      result = make_recursive_ref(others.size(), plan->schema);
    } else {
      if (!is_monotone(*plan) && status.ok()) {
        status = Status::unsupported(
            "the recursive part of WITH RECURSIVE can filter, project, join and unite; aggregates, "
            "windows, LIMIT, EXCEPT and outer joins that take rows of the table back are not "
            "supported");
      }
      std::vector<PlanRef> inputs = inputs_of(*plan);
      for (PlanRef& input : inputs) {
        input = split(input);
      }
      result = with_inputs(plan, std::move(inputs));
    }
    memo_.emplace(plan.get(), result);
    return result;
  }

 private:
  std::unordered_map<const LogicalPlan*, PlanRef> memo_;
};

bool is_correlated(const PlanRef& plan) {
  bool found = false;
  rewrite_bottom_up(plan, [&](PlanRef node) {
    for_each_expression(*node, [&](const Expr& expr) {
      for_each_outer(expr, [&](const OuterExpr&) { found = true; });
    });
    return node;
  });
  return found;
}

// The plan with columns of these types, which its own convert to.
Result<PlanRef> with_types(const PlanRef& plan, const Schema& schema, size_t position) {
  std::vector<ExprRef> columns;
  for (size_t c = 0; c < schema.size(); ++c) {
    columns.push_back(
        TRY(ExprBinder::coerce(make_column(c, plan->schema[c].type), schema[c].type, position)));
  }
  return make_project(plan, std::move(columns), schema.names());
}

}  // namespace

Result<PlanRef> QueryBinder::bind_with_tables(const sql::Query& query,
                                              std::vector<CommonTable> tables, const Scope* outer) {
  std::swap(tables, common_tables_);
  const Scope* enclosing = std::exchange(outer_, outer);
  Result<BoundSelect> bound = bind(query);
  std::swap(tables, common_tables_);
  outer_ = enclosing;
  BoundSelect select = TRY(std::move(bound));
  return select.visible();
}

Result<std::optional<PlanRef>> QueryBinder::bind_recursive(size_t index) {
  const sql::CommonTable& ast = *common_tables_[index].ast;
  const Scope* outer = common_tables_[index].outer;
  const auto* operation = std::get_if<sql::SetOperation>(&ast.query->body);
  if (operation == nullptr || operation->op != sql::SetOperator::kUnion ||
      !ast.query->with.empty() || !ast.query->order_by.empty() || ast.query->limit ||
      ast.query->offset) {
    return std::optional<PlanRef>();
  }
  size_t position = operation->right->position;
  std::vector<CommonTable> before(common_tables_.begin(),
                                  common_tables_.begin() + static_cast<ptrdiff_t>(index));
  PlanRef base = TRY(bind_with_tables(*operation->left, before, outer));
  Schema schema = base->schema;
  for (Field& field : schema.fields) {
    field.type = field.type.kind == TypeKind::kNull ? Type::string() : field.type.as_nullable();
  }
  // The body decides types too: it is bound again where it makes them wider.
  constexpr int kRoundsMax = 3;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::vector<CommonTable> tables = before;
    tables.push_back({&ast, outer, make_recursive_ref(0, schema), false});
    PlanRef body = TRY(bind_with_tables(*operation->right, tables, outer));
    size_t count = references(*body);
    if (count == 0) {
      return std::optional<PlanRef>();
    }
    if (count > 1) {
      return unsupported("a recursive part that reads its table more than once", position);
    }
    if (is_correlated(base) || is_correlated(body)) {
      return unsupported("WITH RECURSIVE over columns of an enclosing query", position);
    }
    if (body->schema.size() != schema.size()) {
      return Status::invalid_argument(fmt::format("WITH RECURSIVE {}: {} columns and {} columns",
                                                  ast.name.text, schema.size(),
                                                  body->schema.size()))
          .with_position(position);
    }
    Schema wider = schema;
    for (size_t c = 0; c < schema.size(); ++c) {
      Result<Type> common = common_type(schema[c].type, body->schema[c].type);
      if (!common.ok()) {
        return common.status()
            .with_context(fmt::format("column {} of {}", c + 1, ast.name.text))
            .with_position(position);
      }
      wider.fields[c].type = common->as_nullable();
    }
    if (wider != schema) {
      schema = std::move(wider);
      continue;
    }
    RecursiveNode node;
    node.base = TRY(with_types(base, schema, operation->left->position));
    body = optimize(TRY(with_types(body, schema, position)));
    Splitter splitter;
    node.body = splitter.split(body);
    if (!splitter.status.ok()) {
      return std::move(splitter.status).with_position(position);
    }
    node.others = std::move(splitter.others);
    node.all = operation->all;
    return std::optional<PlanRef>(make_recursive(std::move(node)));
  }
  return Status::invalid_argument(
             fmt::format("the types of {} grow with each iteration", ast.name.text))
      .with_hint("CAST the columns of the recursive part to the types of the first one")
      .with_position(position);
}

}  // namespace tidemark
