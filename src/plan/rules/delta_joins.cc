// Inner joins of three relations or more that stand next to each other: as a tree, which keeps its
// results in between, or as a delta join, which keeps none but each relation by every key by which
// the others reach it. What counts is the state.
//
// Of a fact with dimensions both keep as many rows: the tree one result a dimension, the delta join
// the fact once more. But a result has the columns of all that it joins, and no other query has it;
// and where a row has several partners it has more rows. With conditions it is the other way round:
// what is left by one is small, and a tree joins the rest with that.
//
// There are no statistics (docs/decisions/0030_plans_of_joins.md): sizes follow from keys and
// conditions, by the constants below.

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "plan/filtered.h"
#include "plan/optimizer.h"
#include "plan/rewrite.h"
#include "plan/same_plan.h"

namespace tidemark {

namespace {

constexpr size_t kRelationsMax = 16;       // of a delta join; each has a path through all others
constexpr double kRowsPerReferenced = 10;  // of a relation, by one that it references by its key
constexpr double kRowsPerKey = 10;         // where a key is not unique
constexpr double kLeftByCondition = 0.05;
constexpr double kMany = std::numeric_limits<double>::infinity();
constexpr double kRowBytes = 40, kValueBytes = 8, kTextBytes = 24;  // of an arrangement

double row_bytes(const Schema& schema) {
  double bytes = kRowBytes;
  for (const Field& field : schema.fields) {
    bytes += field.type.physical() == PhysicalKind::kString ? kTextBytes : kValueBytes;
  }
  return bytes;
}

// Joins taken apart. Columns are those of the relations side by side.
class JoinGraph {
 public:
  JoinGraph(const PlanRef& root, const PlanReaders& readers);

  // Whether there are delta joins for it at all.
  bool is_fit() const;
  // nullopt: a relation is not reached by equalities.
  std::optional<DeltaJoinNode> delta_join() const;
  double tree_bytes(const PlanRef& root) const;
  double delta_bytes(const DeltaJoinNode& delta) const;

 private:
  struct Rows {
    double all = 1;   // without conditions
    double left = 1;  // by them
  };
  using Arrangements = std::set<std::pair<const LogicalPlan*, std::vector<size_t>>>;

  // Where the columns of the plan are.
  std::vector<size_t> take_apart(const PlanRef& plan, bool is_root, const PlanReaders& readers);
  std::vector<size_t> take_join(const JoinNode& join, const PlanReaders& readers);
  void make_equal(size_t a, size_t b, bool null_safe);
  void note_sizes();
  std::optional<size_t> column_equal_to(size_t column, size_t relation) const;
  bool references(size_t from, size_t to) const;
  double different_values(size_t column) const;
  std::optional<std::vector<DeltaLookup>> path_from(size_t changed) const;
  std::optional<DeltaLookup> next_lookup(const std::vector<size_t>& joined) const;
  DeltaLookup lookup_of(size_t relation, const std::vector<size_t>& joined) const;
  bool is_unique(const DeltaLookup& lookup) const;
  ExprRef take_ready(const std::vector<size_t>& joined, std::vector<bool>& applied) const;
  Rows weigh(const PlanRef& plan, Arrangements& arranged, double& bytes) const;
  double bytes_of(const PlanRef& plan, std::vector<size_t> key, double rows,
                  Arrangements& arranged) const;

  std::vector<PlanRef> relations_;
  std::vector<size_t> first_;        // column of each relation
  std::vector<size_t> relation_of_;  // by column
  std::vector<size_t> equal_;        // by column: the class of columns that are equal to it
  std::vector<bool> null_safe_;      // by class
  std::vector<ExprRef> conditions_;
  std::vector<size_t> output_;
  std::vector<Rows> rows_;                            // by relation
  std::map<const LogicalPlan*, size_t> relation_at_;  // which it is
};

const JoinNode* inner_join_at(const PlanRef& plan) {
  const auto* join = std::get_if<JoinNode>(&plan->node);
  return join != nullptr && join->type == JoinType::kInner ? join : nullptr;
}

bool chooses_columns(const ProjectNode& project) {
  return std::ranges::all_of(project.expressions,
                             [](const ExprRef& each) { return plain_column(*each).has_value(); });
}

JoinGraph::JoinGraph(const PlanRef& root, const PlanReaders& readers) {
  output_ = take_apart(root, true, readers);
  note_sizes();
}

std::vector<size_t> JoinGraph::take_apart(const PlanRef& plan, bool is_root,
                                          const PlanReaders& readers) {
  if (relations_.size() > kRelationsMax) {
    return std::vector<size_t>(plan->schema.size());  // too many: nobody asks for more
  }
  const JoinNode* join = inner_join_at(plan);
  if (join != nullptr && (is_root || !readers.is_shared(plan))) {
    return take_join(*join, readers);
  }
  const auto* project = std::get_if<ProjectNode>(&plan->node);
  if (project != nullptr && !readers.is_shared(plan) && inner_join_at(project->input) != nullptr &&
      !readers.is_shared(project->input) && chooses_columns(*project)) {
    std::vector<size_t> below = take_apart(project->input, false, readers);
    std::vector<size_t> places;
    for (const ExprRef& expression : project->expressions) {
      places.push_back(below[*plain_column(*expression)]);
    }
    return places;
  }
  std::vector<size_t> places(plan->schema.size());
  std::iota(places.begin(), places.end(), equal_.size());
  relation_at_.emplace(plan.get(), relations_.size());
  first_.push_back(equal_.size());
  for (size_t column : places) {
    relation_of_.push_back(relations_.size());
    equal_.push_back(column);
    null_safe_.push_back(true);
  }
  relations_.push_back(plan);
  return places;
}

std::vector<size_t> JoinGraph::take_join(const JoinNode& join, const PlanReaders& readers) {
  std::vector<size_t> places = take_apart(join.left, false, readers);
  std::vector<size_t> right = take_apart(join.right, false, readers);
  for (const JoinKey& key : join.keys) {
    make_equal(places[key.left], right[key.right], key.null_safe);
  }
  places.insert(places.end(), right.begin(), right.end());
  if (join.residual != nullptr) {
    split_and(remap_columns(join.residual, places), conditions_);
  }
  return places;
}

// A row of the answer has no NULL in columns that are equal by `=`, to each other or to a third.
void JoinGraph::make_equal(size_t a, size_t b, bool null_safe) {
  size_t kept = equal_[a], gone = equal_[b];
  null_safe_[kept] = null_safe && null_safe_[kept] && null_safe_[gone];
  std::ranges::replace(equal_, gone, kept);
}

std::optional<size_t> JoinGraph::column_equal_to(size_t column, size_t relation) const {
  for (size_t c = 0; c < relations_[relation]->schema.size(); ++c) {
    if (equal_[first_[relation] + c] == equal_[column]) {
      return first_[relation] + c;
    }
  }
  return std::nullopt;
}

bool JoinGraph::references(size_t from, size_t to) const {
  const auto& key = relations_[to]->key;
  return key && !key->empty() && std::ranges::all_of(*key, [&](size_t part) {
           return column_equal_to(first_[to] + part, from).has_value();
         });
}

// By the longest chain of references that leads down from a relation.
void JoinGraph::note_sizes() {
  if (relations_.size() > kRelationsMax) {
    return;
  }
  rows_.resize(relations_.size());
  for (size_t round = 0; round < relations_.size(); ++round) {
    for (size_t from = 0; from < relations_.size(); ++from) {
      for (size_t to = 0; to < relations_.size(); ++to) {
        if (from != to && references(from, to) && !references(to, from)) {
          rows_[from].all = std::max(rows_[from].all, rows_[to].all * kRowsPerReferenced);
        }
      }
    }
  }
  for (size_t i = 0; i < relations_.size(); ++i) {
    rows_[i].left = rows_[i].all * (is_filtered(*relations_[i]) ? kLeftByCondition : 1);
  }
}

// Three relations and not too many, each with one column of those that are equal, and conditions
// that may be asked of any row.
bool JoinGraph::is_fit() const {
  if (relations_.size() < 3 || relations_.size() > kRelationsMax) {
    return false;
  }
  std::set<std::pair<size_t, size_t>> seen;
  for (size_t column = 0; column < equal_.size(); ++column) {
    if (!seen.emplace(relation_of_[column], equal_[column]).second) {
      return false;
    }
  }
  return std::ranges::all_of(
      conditions_, [](const ExprRef& each) { return !can_fail(*each) && is_deterministic(*each); });
}

// By all columns that are equal to one that is there.
DeltaLookup JoinGraph::lookup_of(size_t relation, const std::vector<size_t>& joined) const {
  DeltaLookup lookup{.relation = relation};
  for (size_t c = 0; c < relations_[relation]->schema.size(); ++c) {
    size_t column = first_[relation] + c;
    for (size_t other : joined) {
      if (std::optional<size_t> from = column_equal_to(column, other)) {
        lookup.key.push_back(c);
        lookup.from.push_back(*from);
        lookup.null_safe.push_back(null_safe_[equal_[column]]);
        break;
      }
    }
  }
  return lookup;
}

bool JoinGraph::is_unique(const DeltaLookup& lookup) const {
  const auto& key = relations_[lookup.relation]->key;
  return key && std::ranges::all_of(*key, [&](size_t part) {
           return std::ranges::find(lookup.key, part) != lookup.key.end();
         });
}

// How many different values columns have that are equal to this one.
double JoinGraph::different_values(size_t column) const {
  double referenced = kMany, smallest = kMany;
  for (size_t relation = 0; relation < relations_.size(); ++relation) {
    if (std::optional<size_t> own = column_equal_to(column, relation)) {
      bool is_key = relations_[relation]->key == std::vector{*own - first_[relation]};
      smallest = std::min(smallest, rows_[relation].all / kRowsPerKey);
      referenced = is_key ? std::min(referenced, rows_[relation].all) : referenced;
    }
  }
  return referenced != kMany ? referenced : smallest;
}

// First those that leave at most one row of each. Then by the key with the most values: the rows
// that refer to what has changed come before those that refer to the same third.
std::optional<DeltaLookup> JoinGraph::next_lookup(const std::vector<size_t>& joined) const {
  auto rank = [&](const DeltaLookup& lookup) {
    const Rows& rows = rows_[lookup.relation];
    double values = 0;
    for (size_t column : lookup.from) {
      values = std::max(values, different_values(column));
    }
    bool unique = is_unique(lookup);
    return std::tuple(!unique, unique ? 0 : -values, rows.left / rows.all, rows.left);
  };
  std::optional<DeltaLookup> best;
  for (size_t relation = 0; relation < relations_.size(); ++relation) {
    if (std::ranges::find(joined, relation) != joined.end()) {
      continue;
    }
    DeltaLookup lookup = lookup_of(relation, joined);
    if (!lookup.key.empty() && (!best || rank(lookup) < rank(*best))) {
      best = std::move(lookup);
    }
  }
  return best;
}

// The conditions that read nothing but what is there now.
ExprRef JoinGraph::take_ready(const std::vector<size_t>& joined, std::vector<bool>& applied) const {
  std::vector<ExprRef> ready;
  for (size_t i = 0; i < conditions_.size(); ++i) {
    std::vector<bool> read;
    collect_columns(*conditions_[i], read);
    bool is_ready = !applied[i];
    for (size_t column = 0; column < read.size(); ++column) {
      is_ready = is_ready &&
                 (!read[column] || std::ranges::find(joined, relation_of_[column]) != joined.end());
    }
    if (is_ready) {
      applied[i] = true;
      ready.push_back(conditions_[i]);
    }
  }
  return ready.empty() ? nullptr : make_and(std::move(ready));
}

std::optional<std::vector<DeltaLookup>> JoinGraph::path_from(size_t changed) const {
  std::vector<size_t> joined{changed};
  std::vector<bool> applied(conditions_.size());
  std::vector<DeltaLookup> path;
  while (joined.size() < relations_.size()) {
    std::optional<DeltaLookup> lookup = next_lookup(joined);
    if (!lookup) {
      return std::nullopt;
    }
    joined.push_back(lookup->relation);
    lookup->condition = take_ready(joined, applied);
    path.push_back(*std::move(lookup));
  }
  return path;
}

std::optional<DeltaJoinNode> JoinGraph::delta_join() const {
  DeltaJoinNode node{.relations = relations_, .output = output_};
  for (size_t relation = 0; relation < relations_.size(); ++relation) {
    std::optional<std::vector<DeltaLookup>> path = path_from(relation);
    if (!path) {
      return std::nullopt;
    }
    node.paths.push_back(*std::move(path));
  }
  return node;
}

// What arranging these rows adds; nothing, if it has been counted.
double JoinGraph::bytes_of(const PlanRef& plan, std::vector<size_t> key, double rows,
                           Arrangements& arranged) const {
  const LogicalPlan* same = plan.get();
  if (relation_at_.contains(same)) {
    auto first = std::ranges::find_if(
        relations_, [&](const PlanRef& relation) { return same_plan(*relation, *plan); });
    same = first->get();
  }
  return arranged.emplace(same, std::move(key)).second ? rows * row_bytes(plan->schema) : 0;
}

JoinGraph::Rows JoinGraph::weigh(const PlanRef& plan, Arrangements& arranged, double& bytes) const {
  if (auto relation = relation_at_.find(plan.get()); relation != relation_at_.end()) {
    return rows_[relation->second];
  }
  if (const auto* project = std::get_if<ProjectNode>(&plan->node)) {
    return weigh(project->input, arranged, bytes);
  }
  const auto& join = std::get<JoinNode>(plan->node);
  std::vector<size_t> left_key, right_key;
  for (const JoinKey& key : join.keys) {
    left_key.push_back(key.left);
    right_key.push_back(key.right);
  }
  auto is_given = [](const PlanRef& side, const std::vector<size_t>& key) {
    return side->key && std::ranges::all_of(*side->key, [&](size_t part) {
             return std::ranges::find(key, part) != key.end();
           });
  };
  Rows left = weigh(join.left, arranged, bytes), right = weigh(join.right, arranged, bytes);
  Rows result;
  if (is_given(join.right, right_key)) {
    result.all = is_given(join.left, left_key) ? std::min(left.all, right.all) : left.all;
  } else if (is_given(join.left, left_key)) {
    result.all = right.all;
  } else {
    result.all = std::max(left.all, right.all) * kRowsPerKey;
  }
  result.left = result.all * (left.left / left.all) * (right.left / right.all) *
                (join.residual != nullptr ? kLeftByCondition : 1);
  bytes += bytes_of(join.left, std::move(left_key), left.left, arranged);
  bytes += bytes_of(join.right, std::move(right_key), right.left, arranged);
  return result;
}

double JoinGraph::tree_bytes(const PlanRef& root) const {
  double bytes = 0;
  Arrangements arranged;
  weigh(root, arranged, bytes);
  return bytes;
}

double JoinGraph::delta_bytes(const DeltaJoinNode& delta) const {
  double bytes = 0;
  Arrangements arranged;
  for (const DeltaLookup* lookup : arrangements_of(delta)) {
    bytes +=
        bytes_of(relations_[lookup->relation], lookup->key, rows_[lookup->relation].left, arranged);
  }
  return bytes;
}

PlanRef as_delta_join(const PlanRef& plan, const PlanReaders& readers) {
  if (inner_join_at(plan) == nullptr) {
    return plan;
  }
  JoinGraph graph(plan, readers);
  std::optional<DeltaJoinNode> delta = graph.is_fit() ? graph.delta_join() : std::nullopt;
  // As much state is less: other queries can have it too, and a change makes no results.
  return delta && graph.delta_bytes(*delta) <= graph.tree_bytes(plan)
             ? make_delta_join(*std::move(delta), plan->schema, plan->key)
             : plan;
}

}  // namespace

PlanRef delta_joins(PlanRef plan) {
  bool iterates = false;
  rewrite_bottom_up(plan, [&](PlanRef node) {
    iterates = iterates || std::holds_alternative<RecursiveRefNode>(node->node);
    return node;
  });
  if (iterates) {
    return plan;  // state is there once for each iteration: the more so what does not change in it
  }
  PlanReaders readers(plan);
  return rewrite_top_down(plan, [&](const PlanRef& node) { return as_delta_join(node, readers); });
}

}  // namespace tidemark
