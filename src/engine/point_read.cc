#include "engine/point_read.h"

#include <algorithm>

#include "plan/bind/parameters.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

// What stands under filters and projections, and the conditions over its columns unchanged.
struct Conditions {
  const ScanNode* scan = nullptr;
  std::vector<ExprRef> conditions;
  bool are_all = true;  // no other filter stands above them
  bool is_bare = true;  // no projection either: columns are the scan's
};

Conditions find_conditions(const LogicalPlan& plan) {
  if (const auto* project = std::get_if<ProjectNode>(&plan.node)) {
    Conditions found = find_conditions(*project->input);
    found.is_bare = false;
    return found;
  }
  if (const auto* filter = std::get_if<FilterNode>(&plan.node)) {
    Conditions found = find_conditions(*filter->input);
    if (found.is_bare) {
      split_and(filter->predicate, found.conditions);
    }
    found.are_all = found.are_all && found.is_bare;
    return found;
  }
  return {.scan = std::get_if<ScanNode>(&plan.node), .conditions = {}};
}

struct Equality {
  size_t place;   // of the object's columns
  ExprRef value;  // a literal or an open parameter
};

// `column = constant`, on either side.
std::optional<Equality> as_equality(const Expr& condition, const ScanNode& scan) {
  const auto* call = std::get_if<CallExpr>(&condition.node);
  if (call == nullptr || call->function->name != "=") {
    return std::nullopt;
  }
  for (size_t side : {0, 1}) {
    const ExprRef& mine = without_relabelling(call->arguments[side]);
    const ExprRef& other = without_relabelling(call->arguments[1 - side]);
    const auto* column = std::get_if<ColumnExpr>(&mine->node);
    if (column == nullptr || !(is_literal(*other) || is_open_parameter(*other))) {
      continue;
    }
    size_t place = scan.columns[column->index];
    const Type& type = scan.object->schema[place].type;
    if (other->type.physical() == type.physical() && other->type.scale == type.scale) {
      return Equality{place, other};
    }
  }
  return std::nullopt;
}

// Equal for SQL is equal for the index: nothing is padded, rounded or not a number.
bool is_plain(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kTinyint:
    case TypeKind::kSmallint:
    case TypeKind::kInt:
    case TypeKind::kBigint:
    case TypeKind::kVarchar:
    case TypeKind::kDate:
      return true;
    default:
      return false;
  }
}

// The key if the equalities cover it, which gives one row, or the columns of CREATE INDEX: of those
// with most columns.
const std::vector<size_t>* declared_index(const CatalogObject& object,
                                          const std::vector<Equality>& equal) {
  const std::vector<size_t>* best = nullptr;
  auto is_covered = [&](const std::vector<size_t>& columns) {
    return !columns.empty() && std::ranges::all_of(columns, [&](size_t column) {
      return std::ranges::any_of(equal, [&](const Equality& e) { return e.place == column; });
    });
  };
  if (is_covered(object.primary_key)) {
    return &object.primary_key;
  }
  for (const IndexDefinition& index : object.indexes()) {
    if (is_covered(index.columns) && (best == nullptr || index.columns.size() > best->size())) {
      best = &index.columns;
    }
  }
  return best;
}

}  // namespace

std::optional<PointRead> as_point_read(const PlanRef& plan) {
  Conditions found = find_conditions(*plan);
  if (found.scan == nullptr || found.scan->as_of) {
    return std::nullopt;
  }
  std::vector<Equality> equal;
  bool is_whole = found.are_all;
  for (const ExprRef& condition : found.conditions) {
    std::optional<Equality> equality = as_equality(*condition, *found.scan);
    bool is_new = equality && std::ranges::none_of(equal, [&](const Equality& e) {
                    return e.place == equality->place;
                  });
    is_whole = is_whole && is_new && is_plain(found.scan->object->schema[equality->place].type);
    if (is_new) {
      equal.push_back(std::move(*equality));
    }
  }
  if (equal.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(equal, {}, &Equality::place);
  PointRead point{.plan = plan, .object = found.scan->object, .columns = {}, .values = {}};
  const std::vector<size_t>* declared = declared_index(*point.object, equal);
  point.is_declared = declared != nullptr;
  for (Equality& equality : equal) {
    if (declared == nullptr || std::ranges::find(*declared, equality.place) != declared->end()) {
      point.columns.push_back(equality.place);
      point.values.push_back(std::move(equality.value));
    }
  }
  point.is_whole = is_whole && point.columns.size() == equal.size();
  return point;
}

std::optional<std::vector<ColumnRef>> values_of(const PointRead& point,
                                                const Parameters* parameters) {
  std::vector<ColumnRef> values;
  for (size_t i = 0; i < point.values.size(); ++i) {
    const Type& type = point.object->schema[point.columns[i]].type;
    const Value* value = nullptr;
    if (const auto* literal = std::get_if<LiteralExpr>(&point.values[i]->node)) {
      value = &literal->value;
    } else {
      const Parameters::Parameter* parameter =
          parameters == nullptr ? nullptr : parameters->find_open(*point.values[i]);
      if (parameter == nullptr || !parameter->has_value ||
          parameter->type.physical() != type.physical() || parameter->type.scale != type.scale) {
        return std::nullopt;
      }
      value = &parameter->value;
    }
    if (std::holds_alternative<std::monostate>(*value)) {
      return std::nullopt;
    }
    auto column = std::make_shared<Column>(type);
    column->reserve(1);
    column->append_value(*value);
    values.push_back(std::move(column));
  }
  return values;
}

std::optional<BoundPoint> as_bound_point(const PlanRef& plan) {
  std::optional<PointRead> read = as_point_read(plan);
  std::optional<std::vector<ColumnRef>> values = read ? values_of(*read, nullptr) : std::nullopt;
  return values ? std::optional(BoundPoint{*std::move(read), *std::move(values)}) : std::nullopt;
}

std::vector<const Column*> values_for(const BoundPoint& point, const std::vector<size_t>& columns) {
  std::vector<const Column*> values;
  for (size_t column : columns) {
    auto place = std::ranges::find(point.read.columns, column);
    if (place == point.read.columns.end()) {
      return {};
    }
    values.push_back(point.values[place - point.read.columns.begin()].get());
  }
  return values;
}

namespace {

ZBatch chosen_of(const ZBatch& batch, std::span<const uint32_t> chosen) {
  ZBatch result{batch.rows.select(chosen), {}};
  for (uint32_t row : chosen) {
    result.weights.push_back(batch.weight(row));
  }
  return result;
}

std::vector<uint32_t> look_at_all(const RowBatch& rows, const std::vector<size_t>& columns,
                                  std::span<const Column* const> key) {
  std::vector<uint32_t> chosen;
  for (uint32_t row = 0; row < rows.rows; ++row) {
    bool is_equal = true;
    for (size_t i = 0; i < key.size() && is_equal; ++i) {
      const Column& column = *rows.columns[columns[i]];
      is_equal = !column.is_null(row) && compare_values(column, row, *key[i], 0) == 0;
    }
    if (is_equal) {
      chosen.push_back(row);
    }
  }
  return chosen;
}

}  // namespace

std::optional<ZBatch> find_rows(const ViewRead& read, const PointRead& point,
                                const std::vector<ColumnRef>& values, IndexUse use) {
  std::vector<const Column*> key;
  for (const ColumnRef& value : values) {
    key.push_back(value.get());
  }
  const KeyIndex* index =
      use == IndexUse::kMadeOnly
          ? read.base->made_index(point.columns)
          : read.base->index(point.columns, point.is_declared || read.is_of_point);
  if (index == nullptr) {
    return std::nullopt;
  }
  std::vector<ZBatch> parts;
  parts.push_back(chosen_of(read.base->rows(), index->find(key)));
  for (const std::shared_ptr<const ViewContent>& changes : read.changes) {
    const RowBatch& rows = changes->rows().rows;
    std::vector<uint32_t> chosen = rows.rows <= ViewContent::kLookedAtMax
                                       ? look_at_all(rows, point.columns, key)
                                       : changes->index(point.columns, true)->find(key);
    if (!chosen.empty()) {
      parts.push_back(chosen_of(changes->rows(), chosen));
    }
  }
  return parts.size() == 1 ? std::move(parts[0]) : consolidate(parts);
}

}  // namespace tidemark
