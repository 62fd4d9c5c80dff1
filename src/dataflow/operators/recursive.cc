#include "dataflow/operators/recursive.h"

#include <algorithm>

#include <fmt/core.h>

#include "types/key_codec.h"

namespace tidemark {

namespace {

// An iteration is a copy of the body's state: what needs more does not end, or should be written
// otherwise.
constexpr size_t kIterationsMax = 1000;

}  // namespace

RecursiveOperator::RecursiveOperator(RecursiveSpec spec) : spec_(std::move(spec)) {
  for (size_t i = 0; i <= spec_.other_types.size(); ++i) {
    inputs_.push_back(std::make_unique<OrderedTable>());
  }
}

void RecursiveOperator::visit_state(const StateVisitor& visit) {
  for (std::unique_ptr<OrderedTable>& input : inputs_) {
    visit(*input);
  }
}

ZBatch RecursiveOperator::to_rows(const Rows& rows, const std::vector<Type>& types) const {
  std::vector<Column> columns(types.begin(), types.end());
  ZBatch batch;
  for (const auto& [bytes, weight] : rows) {
    if (weight == 0) {
      continue;
    }
    ByteReader in(bytes);
    for (Column& column : columns) {
      read_sort_key(in, false, column);
    }
    CHECK(in.at_end());
    batch.weights.push_back(weight);
  }
  batch.rows = to_batch(std::move(columns));
  batch.rows.rows = batch.weights.size();
  return batch;
}

void RecursiveOperator::add_rows(const ZBatch& batch, Rows& rows) {
  std::string bytes;
  for (size_t row = 0; row < batch.rows.rows; ++row) {
    bytes.clear();
    for (const ColumnRef& column : batch.rows.columns) {
      append_sort_key(*column, row, false, false, bytes);
    }
    rows[bytes] += batch.weight(row);
  }
}

RecursiveOperator::Rows RecursiveOperator::all_of(const OrderedTable& table) {
  Rows rows;
  for (OrderedTable::Scan scan = table.forward({}); scan.valid(); scan.next()) {
    rows.emplace(scan.key(), scan.weight());
  }
  return rows;
}

void RecursiveOperator::count(size_t level, const std::string& row, int64_t weight,
                              std::vector<Rows>& brought) {
  auto bring = [&](size_t at, int64_t change) {
    if (brought.size() <= at) {
      brought.resize(at + 1);
    }
    brought[at][row] += change;
  };
  if (spec_.all) {
    bring(level, weight);
    return;
  }
  std::map<size_t, int64_t>& levels = made_[row];
  auto first = [&] {
    for (const auto& [at, made] : levels) {
      if (made > 0) {
        return at;
      }
    }
    return SIZE_MAX;
  };
  size_t before = first();
  int64_t& made = levels[level];
  made += weight;
  if (made == 0) {
    levels.erase(level);
  }
  size_t after = first();
  if (levels.empty()) {
    made_.erase(row);
  }
  if (before == after) {
    return;
  }
  if (before != SIZE_MAX) {
    bring(before, -1);
  }
  if (after != SIZE_MAX) {
    bring(after, 1);
  }
}

Status RecursiveOperator::iterate(StepContext& context, const std::vector<Rows>& changes,
                                  Rows& result) {
  bool others_changed = false;
  for (size_t i = 1; i < changes.size(); ++i) {
    others_changed = others_changed || !changes[i].empty();
  }
  std::vector<Rows> brought(1);
  for (const auto& [row, weight] : changes[0]) {
    if (weight != 0) {
      count(0, row, weight, brought);
    }
  }
  for (size_t level = 0;; ++level) {
    if (brought.size() <= level) {
      brought.emplace_back();
    }
    if (rows_brought_.size() <= level) {
      rows_brought_.push_back(0);
    }
    std::erase_if(brought[level], [](const auto& entry) { return entry.second == 0; });
    const Rows rows = std::move(brought[level]);
    for (const auto& [row, weight] : rows) {
      rows_brought_[level] += weight;
      result[row] += weight;
    }
    bool is_new = level == bodies_.size();
    if (is_new && rows.empty()) {
      break;
    }
    if (is_new) {
      if (level >= kIterationsMax) {
        return Status::data_error(
                   fmt::format("WITH RECURSIVE does not end after {} iterations", kIterationsMax))
            .with_hint("bound the depth in the recursive part, or use UNION in place of UNION ALL");
      }
      bodies_.push_back(spec_.make_body());
    } else if (rows.empty() && !others_changed) {
      continue;
    }
    RecursiveBody& body = bodies_[level];
    body.graph->push(body.entries[0], {false, {to_rows(rows, spec_.types)}});
    for (size_t i = 1; i < changes.size(); ++i) {
      Rows whole = is_new ? all_of(*inputs_[i]) : changes[i];
      body.graph->push(body.entries[i], {false, {to_rows(whole, spec_.other_types[i - 1])}});
    }
    TRY(body.graph->step(context));
    Rows made;
    add_rows(body.graph->output().publish(), made);
    for (const auto& [row, weight] : made) {
      if (weight != 0) {
        count(level + 1, row, weight, brought);
      }
    }
  }
  // Iterations at the end that no row goes into any more.
  while (!bodies_.empty() && rows_brought_[bodies_.size() - 1] == 0) {
    bodies_.pop_back();
  }
  rows_brought_.resize(bodies_.size() + 1);
  return {};
}

void RecursiveOperator::take_error() {
  std::optional<std::string> found;
  for (const RecursiveBody& body : bodies_) {
    found = found ? found : body.graph->error();
  }
  if (found == error_) {
    return;
  }
  if (error_) {
    mutable_errors().add(*error_, -1);
  }
  if (found) {
    mutable_errors().add(*found, 1);
  }
  error_ = std::move(found);
}

Status RecursiveOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  bool reset = std::any_of(in.begin(), in.end(), [](const Delta& delta) { return delta.reset; });
  if (reset || !is_made_) {
    bodies_.clear();
    made_.clear();
    rows_brought_.clear();
    error_ = errors().first();
  }
  if (!reset && !is_made_) {  // as an earlier process left it: its result stands downstream
    std::vector<Rows> whole;
    for (const std::unique_ptr<OrderedTable>& input : inputs_) {
      whole.push_back(all_of(*input));
    }
    Rows unused;
    TRY(iterate(context, whole, unused));
  }
  is_made_ = true;
  std::vector<Rows> changes(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].reset) {
      inputs_[i]->clear();
    }
    for (const ZBatch& batch : in[i].batches) {
      add_rows(batch, changes[i]);
    }
    std::erase_if(changes[i], [](const auto& entry) { return entry.second == 0; });
    for (const auto& [row, weight] : changes[i]) {
      inputs_[i]->add(row, weight);
    }
    if (reset) {
      changes[i] = all_of(*inputs_[i]);
    }
  }
  out.reset = reset;
  Rows result;
  TRY(iterate(context, changes, result));
  take_error();
  ZBatch rows = to_rows(result, spec_.types);
  if (rows.rows.rows != 0) {
    out.batches.push_back(std::move(rows));
  }
  return {};
}

}  // namespace tidemark
