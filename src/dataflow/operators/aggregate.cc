#include "dataflow/operators/aggregate.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

#include "base/workers.h"
#include "dataflow/must_only_come.h"
#include "types/hash.h"

namespace tidemark {

namespace {

std::vector<std::unique_ptr<Accumulator>> make_accumulators(
    const std::vector<AggregateSpec>& specs) {
  std::vector<std::unique_ptr<Accumulator>> accumulators;
  for (const AggregateSpec& spec : specs) {
    accumulators.push_back(
        make_accumulator(spec, spec.keeper ? accumulators[*spec.keeper].get() : nullptr));
  }
  return accumulators;
}

}  // namespace

AggregateOperator::AggregateOperator(std::vector<size_t> group_columns,
                                     std::vector<Type> group_types,
                                     std::vector<AggregateSpec> specs)
    : group_columns_(std::move(group_columns)),
      specs_(std::move(specs)),
      accumulators_(make_accumulators(specs_)),
      distincts_(make_distincts(specs_)),
      plains_(make_plains(specs_)),
      groups_(group_types, {}, lay_out()) {
  for (Type& type : group_types) {
    result_schema_.fields.push_back({"", std::move(type)});
  }
  for (const AggregateSpec& spec : specs_) {
    result_schema_.fields.push_back({"", spec.result_type});
  }
  keeps_beside_ =
      std::ranges::any_of(accumulators_, [](const auto& each) { return each->keeps_beside(); });
  if (keeps_beside_) {
    groups_.set_extension(this);
  }
  is_insert_only_ = std::ranges::any_of(specs_, &AggregateSpec::insert_only);
}

std::vector<AggregateOperator::Distinct> AggregateOperator::make_distincts(
    const std::vector<AggregateSpec>& specs) {
  std::vector<Distinct> distincts;
  for (size_t a = 0; a < specs.size(); ++a) {
    if (!is_over_different_values(specs[a])) {
      continue;
    }
    auto same = std::ranges::find_if(distincts, [&](const Distinct& distinct) {
      return specs[distinct.functions[0]].input == specs[a].input;
    });
    (same == distincts.end() ? distincts.emplace_back() : *same).functions.push_back(a);
  }
  for (Distinct& distinct : distincts) {
    distinct.values = std::make_unique<DistinctValues>(specs[distinct.functions[0]].input_type,
                                                       distinct.functions.size());
  }
  return distincts;
}

std::vector<AggregateOperator::Plain> AggregateOperator::make_plains(
    const std::vector<AggregateSpec>& specs) {
  std::vector<Plain> plains;
  for (size_t a = 0; a < specs.size(); ++a) {
    if (specs[a].keeper) {
      auto keeper = std::ranges::find(plains, *specs[a].keeper,
                                      [](const Plain& plain) { return plain.functions[0]; });
      keeper->functions.push_back(a);
    } else if (!is_over_different_values(specs[a])) {
      plains.push_back({.functions = {a}, .inputs = {}, .weights = {}});
    }
  }
  return plains;
}

size_t AggregateOperator::lay_out() {
  size_t offset = sizeof(Header);
  for (Distinct& distinct : distincts_) {
    distinct.values->set_offset(offset);
    offset += DistinctValues::kBytes;
  }
  for (auto& accumulator : accumulators_) {
    accumulator->set_offset(offset);
    offset += accumulator->bytes();
  }
  return offset;
}

std::string AggregateOperator::name() const {
  return specs_.empty() ? "Distinct"
                        : fmt::format("Aggregate({} keys, {} functions)", group_columns_.size(),
                                      specs_.size());
}

void AggregateOperator::make_global_group() {
  uint32_t id = 0;
  groups_.find_or_insert({}, 1, &id);
  int64_t weight = 0;  // it is there without a row
  touch(std::span(&id, 1), &weight);
}

void AggregateOperator::reset(Delta& out) {
  groups_.clear();
  for (auto& accumulator : accumulators_) {
    accumulator->clear();
  }
  for (Distinct& distinct : distincts_) {
    distinct.values->clear();
  }
  mutable_errors().clear();
  touched_.clear();
  old_group_.clear();
  old_.clear();
  started_.set(0);
  out.reset = true;
}

// Tables that read the store are the step thread's alone.
Workers* AggregateOperator::sharers(size_t rows) {
  if (workers_ == nullptr || workers_->count() < 2 || rows < kSharedRows || keeps_beside_) {
    return nullptr;
  }
  bool is_complete = true;
  visit_state([&](StateTable& table) { is_complete = is_complete && table.is_complete(); });
  return is_complete ? workers_ : nullptr;
}

void AggregateOperator::finish_groups(std::span<const uint32_t> ids, std::vector<Column>& columns,
                                      std::vector<RowError>& errors) {
  if (columns.empty()) {
    columns = make_columns(result_schema_);
  }
  size_t keys = groups_.key_count();
  Workers* workers = sharers(ids.size());
  // Of each function, for who shares; together they are in the functions' order.
  std::vector<std::vector<RowError>> found(workers == nullptr ? 0 : accumulators_.size());
  for_each_piece(workers, columns.size(), [&](size_t c) {
    if (c < keys) {
      columns[c].append_rows(groups_.key(c), ids);
    } else {
      accumulators_[c - keys]->finish(groups_, ids, columns[c],
                                      workers == nullptr ? errors : found[c - keys]);
    }
  });
  for (std::vector<RowError>& each : found) {
    std::ranges::move(each, std::back_inserter(errors));
  }
}

// Counts the rows of each group (null: all +1), and remembers the result rows of groups that this
// step touches for the first time.
void AggregateOperator::touch(std::span<const uint32_t> ids, const int64_t* weights) {
  size_t first_new = touched_.size();
  groups_.fetch_fixed(ids);
  std::byte* headers = groups_.fixed(0);
  size_t stride = groups_.fixed_bytes();
  for (size_t i = 0; i < ids.size(); ++i) {
    uint32_t id = ids[i];
    Header& header = *reinterpret_cast<Header*>(headers + id * stride);
    header.rows += weights == nullptr ? 1 : weights[i];
    if (header.touched == 0) {
      touched_.push_back(id);
      header.touched = static_cast<uint32_t>(touched_.size());
      groups_.mark_changed(id);
    }
  }
  std::vector<uint32_t> standing, failed;
  for (size_t i = first_new; i < touched_.size(); ++i) {
    const Header& header = groups_.fixed_as<Header>(touched_[i]);
    if (header.emitted) {
      standing.push_back(touched_[i]);
    }
    if (header.failed) {
      failed.push_back(touched_[i]);
    }
  }
  std::vector<RowError> errors;
  if (!standing.empty()) {
    finish_groups(standing, old_, errors);
    old_group_.insert(old_group_.end(), standing.begin(), standing.end());
  }
  if (!failed.empty()) {
    // The error that stands is a function of the state, so it can be computed again and taken back.
    std::vector<Column> unused;
    finish_groups(failed, unused, errors);
    for (const RowError& error : errors) {
      mutable_errors().add(error.status.message(), -1);
    }
  }
}

void AggregateOperator::apply(const ZBatch& batch) {
  size_t rows = batch.rows.rows;
  std::vector<const Column*> keys;
  for (size_t column : group_columns_) {
    keys.push_back(batch.rows.columns[column].get());
  }
  ids_.resize(rows);
  groups_.find_or_insert(keys, rows, ids_.data());
  touch(ids_, batch.weights.empty() ? nullptr : batch.weights.data());
  // Those that keep values first, as they take longest.
  for_each_piece(sharers(rows), distincts_.size() + plains_.size(), [&](size_t piece) {
    if (piece < distincts_.size()) {
      apply_distinct(batch, distincts_[piece]);
    } else {
      apply_plain(batch, plains_[piece - distincts_.size()]);
    }
  });
}

void AggregateOperator::apply_plain(const ZBatch& batch, Plain& plain) {
  static const Column kNoNulls{Type::boolean()};  // COUNT(*) reads no column
  const AggregateSpec& spec = specs_[plain.functions[0]];
  plain.inputs.assign(
      1, spec.kind == AggregateKind::kCountStar ? &kNoNulls : batch.rows.columns[spec.input].get());
  for (const SortKey& key : spec.order) {
    plain.inputs.push_back(batch.rows.columns[key.column].get());
  }
  const int64_t* weights = weights_of(spec, batch, plain.weights);
  for (size_t function : plain.functions) {
    accumulators_[function]->update(groups_, ids_, plain.inputs, weights);
  }
}

const int64_t* AggregateOperator::weights_of(const AggregateSpec& spec, const ZBatch& batch,
                                             std::vector<int64_t>& kept) {
  if (!spec.filter) {
    return batch.weights.empty() ? nullptr : batch.weights.data();
  }
  const Column& filter = *batch.rows.columns[*spec.filter];
  const uint8_t* values = filter.data<uint8_t>();
  kept.resize(batch.rows.rows);
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i] = !filter.is_null(i) && values[i] != 0 ? batch.weight(i) : 0;
  }
  return kept.data();
}

void AggregateOperator::apply_distinct(const ZBatch& batch, const Distinct& distinct) {
  const Column& input = *batch.rows.columns[specs_[distinct.functions[0]].input];
  std::vector<std::vector<int64_t>> kept(distinct.functions.size());
  std::vector<const int64_t*> weights;
  for (size_t f = 0; f < distinct.functions.size(); ++f) {
    weights.push_back(weights_of(specs_[distinct.functions[f]], batch, kept[f]));
  }
  distinct.values->update(groups_, ids_, input, weights);
  for (size_t f = 0; f < distinct.functions.size(); ++f) {
    const DistinctValues::Changes& changes = distinct.values->changes()[f];
    if (!changes.rows.empty()) {
      Column changed(input.type());
      changed.append_rows(input, changes.rows);
      const Column* argument = &changed;
      accumulators_[distinct.functions[f]]->update(groups_, changes.ids, std::span(&argument, 1),
                                                   changes.weights.data());
    }
  }
}

void AggregateOperator::emit(Delta& out) {
  std::vector<uint32_t> standing;  // groups that have a row after this step
  std::vector<uint32_t> gone;
  for (uint32_t id : touched_) {
    const Header& header = groups_.fixed_as<Header>(id);
    if (group_columns_.empty() || header.rows > 0) {
      standing.push_back(id);
    } else if (header.rows == 0) {
      gone.push_back(id);
    }
  }
  std::vector<Column> fresh;
  std::vector<RowError> errors;
  finish_groups(standing, fresh, errors);
  std::vector<bool> in_error(errors.empty() ? 0 : standing.size());
  for (const RowError& error : errors) {
    if (!in_error[error.row]) {
      in_error[error.row] = true;
    }
    mutable_errors().add(error.status.message(), 1);
  }
  if (old_.empty()) {
    old_ = make_columns(result_schema_);
  }
  // Where each touched group's old row is.
  std::vector<uint32_t> old_row(touched_.size(), UINT32_MAX);
  for (uint32_t i = 0; i < old_group_.size(); ++i) {
    old_row[groups_.fixed_as<Header>(old_group_[i]).touched - 1] = i;
  }
  std::vector<uint32_t> taken_back, given;  // rows of old_ and of fresh
  auto same_row = [&](uint32_t a, uint32_t b) {
    for (size_t c = groups_.key_count(); c < fresh.size(); ++c) {
      if (!same_value(old_[c], a, fresh[c], b)) {
        return false;
      }
    }
    return true;
  };
  for (uint32_t i = 0; i < standing.size(); ++i) {
    Header& header = groups_.fixed_as<Header>(standing[i]);
    uint32_t old = old_row[header.touched - 1];
    bool failed = !in_error.empty() && in_error[i];
    if (!(old != UINT32_MAX && !failed && same_row(old, i))) {
      if (old != UINT32_MAX) {
        taken_back.push_back(old);
      }
      if (!failed) {
        given.push_back(i);
      }
    }
    header.emitted = !failed;
    header.failed = failed;
  }
  for (uint32_t i = 0; i < old_group_.size(); ++i) {
    Header& header = groups_.fixed_as<Header>(old_group_[i]);
    if (!group_columns_.empty() && header.rows <= 0) {
      taken_back.push_back(i);
      header.emitted = 0;
    }
  }
  for (uint32_t id : touched_) {
    Header& header = groups_.fixed_as<Header>(id);
    if (!group_columns_.empty() && header.rows <= 0) {
      header.failed = 0;
    }
    header.touched = 0;
  }
  for (uint32_t id : gone) {
    for (auto& accumulator : accumulators_) {
      accumulator->release(groups_, id);
    }
    groups_.erase(id);
  }
  if (!taken_back.empty() || !given.empty()) {
    std::vector<Column> result = make_columns(result_schema_);
    for (size_t c = 0; c < result.size(); ++c) {
      result[c].append_rows(old_[c], taken_back);
      result[c].append_rows(fresh[c], given);
    }
    std::vector<int64_t> weights(taken_back.size(), -1);
    weights.resize(taken_back.size() + given.size(), 1);
    out.batches.push_back({to_batch(std::move(result)), std::move(weights)});
    out.batches.back().rows.rows = out.batches.back().weights.size();
  }
  touched_.clear();
  old_group_.clear();
  old_.clear();
}

Status AggregateOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  if (is_insert_only_) {
    TRY(must_only_come(in[0]));
  }
  workers_ = context.workers;
  if (in[0].reset) {
    reset(out);
  }
  if (group_columns_.empty() && started_.get() == 0) {
    started_.set(1);
    make_global_group();
  }
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows != 0) {
      apply(batch);
    }
  }
  if (!touched_.empty()) {
    emit(out);
  }
  workers_ = nullptr;
  return {};
}

void AggregateOperator::visit_state(const StateVisitor& visit) {
  visit(groups_);
  visit(started_);
  for (Distinct& distinct : distincts_) {
    distinct.values->visit_state(visit);
  }
  for (auto& accumulator : accumulators_) {
    accumulator->visit_state(visit);
  }
}

Delta AggregateOperator::content() {
  std::vector<uint32_t> standing;
  for (uint32_t id = 0; id < groups_.id_limit(); ++id) {
    if (groups_.is_live(id) && groups_.fixed_as<Header>(id).emitted) {
      standing.push_back(id);
    }
  }
  if (standing.empty()) {
    return {};
  }
  std::vector<Column> columns;
  std::vector<RowError> none;
  finish_groups(standing, columns, none);
  ZBatch rows{to_batch(std::move(columns)), {}};
  rows.rows.rows = standing.size();
  return {false, {std::move(rows)}};
}

// Texts and lists come from what the accumulators keep beside the groups; numbers are in these.
size_t AggregateOperator::content_bytes() {
  bool are_numbers = std::ranges::all_of(specs_, [](const AggregateSpec& spec) {
    return spec.result_type.physical() != PhysicalKind::kString;
  });
  return are_numbers ? groups_.held_bytes() : state_bytes();
}

void AggregateOperator::append(const KeyedTable& table, uint32_t id, std::string& out) const {
  for (const auto& accumulator : accumulators_) {
    accumulator->append_beside(table, id, out);
  }
}

void AggregateOperator::read(KeyedTable& table, uint32_t id, ByteReader& in) {
  for (auto& accumulator : accumulators_) {
    accumulator->read_beside(table, id, in);
  }
}

void AggregateOperator::release(KeyedTable& table, uint32_t id) {
  for (auto& accumulator : accumulators_) {
    accumulator->release_beside(table, id);
  }
}

}  // namespace tidemark
