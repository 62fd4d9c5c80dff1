#include "dataflow/operators/aggregate.h"

#include <fmt/core.h>

#include "types/hash.h"

namespace tidemark {

namespace {

size_t fixed_bytes_of(std::vector<std::unique_ptr<Accumulator>>& accumulators, size_t header) {
  size_t offset = header;
  for (auto& accumulator : accumulators) {
    accumulator->set_offset(offset);
    offset += accumulator->bytes();
  }
  return offset;
}

std::vector<std::unique_ptr<Accumulator>> make_accumulators(
    const std::vector<AggregateSpec>& specs) {
  std::vector<std::unique_ptr<Accumulator>> accumulators;
  for (const AggregateSpec& spec : specs) {
    accumulators.push_back(make_accumulator(spec));
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
      groups_(group_types, {}, fixed_bytes_of(accumulators_, sizeof(Header))) {
  for (Type& type : group_types) {
    result_schema_.fields.push_back({"", std::move(type)});
  }
  for (const AggregateSpec& spec : specs_) {
    result_schema_.fields.push_back({"", spec.result_type});
  }
  if (std::ranges::any_of(accumulators_, [](const auto& each) { return each->keeps_beside(); })) {
    groups_.set_extension(this);
  }
}

std::string AggregateOperator::name() const {
  return specs_.empty() ? "Distinct"
                        : fmt::format("Aggregate({} keys, {} functions)", group_columns_.size(),
                                      specs_.size());
}

void AggregateOperator::make_global_group() {
  hash_rows({}, 1, hashes_);
  uint32_t id = groups_.find_or_insert_one({}, 0, hashes_[0]);
  touch(std::span(&id, 1));
}

void AggregateOperator::reset(Delta& out) {
  groups_.clear();
  for (auto& accumulator : accumulators_) {
    accumulator->clear();
  }
  mutable_errors().clear();
  touched_.clear();
  old_group_.clear();
  old_.clear();
  started_.set(0);
  out.reset = true;
}

void AggregateOperator::finish_groups(std::span<const uint32_t> ids, std::vector<Column>& columns,
                                      std::vector<RowError>& errors) const {
  if (columns.empty()) {
    columns = make_columns(result_schema_);
  }
  size_t keys = groups_.key_count();
  for (size_t k = 0; k < keys; ++k) {
    for (uint32_t id : ids) {
      columns[k].append_copy(groups_.key(k), id);
    }
  }
  for (size_t a = 0; a < accumulators_.size(); ++a) {
    accumulators_[a]->finish(groups_, ids, columns[keys + a], errors);
  }
}

// Remembers the result rows of groups that this step touches for the first time.
void AggregateOperator::touch(std::span<const uint32_t> ids) {
  size_t first_new = touched_.size();
  for (uint32_t id : ids) {
    Header& header = groups_.fixed_as<Header>(id);
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
  hash_rows(keys, rows, hashes_);
  ids_.resize(rows);
  groups_.find_or_insert(keys, rows, hashes_, ids_.data());
  touch(ids_);
  const int64_t* weights = batch.weights.empty() ? nullptr : batch.weights.data();
  for (size_t i = 0; i < rows; ++i) {
    groups_.fixed_as<Header>(ids_[i]).rows += weights == nullptr ? 1 : weights[i];
  }
  for (size_t a = 0; a < specs_.size(); ++a) {
    const AggregateSpec& spec = specs_[a];
    const int64_t* used = weights;
    if (spec.filter) {
      const Column& filter = *batch.rows.columns[*spec.filter];
      weights_.resize(rows);
      for (size_t i = 0; i < rows; ++i) {
        bool is_true = !filter.is_null(i) && filter.data<uint8_t>()[i] != 0;
        weights_[i] = is_true ? batch.weight(i) : 0;
      }
      used = weights_.data();
    }
    static const Column kNoNulls{Type::boolean()};  // COUNT(*) reads no column
    inputs_.assign(1, spec.kind == AggregateKind::kCountStar
                          ? &kNoNulls
                          : batch.rows.columns[spec.input].get());
    for (const SortKey& key : spec.order) {
      inputs_.push_back(batch.rows.columns[key.column].get());
    }
    accumulators_[a]->update(groups_, ids_, inputs_, used);
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
  std::vector<Column> result = make_columns(result_schema_);
  std::vector<int64_t> weights;
  auto append = [&](const std::vector<Column>& from, uint32_t row, int64_t weight) {
    for (size_t c = 0; c < result.size(); ++c) {
      result[c].append_rows(from[c], std::span(&row, 1));
    }
    weights.push_back(weight);
  };
  auto same_row = [&](uint32_t a, uint32_t b) {
    for (size_t c = groups_.key_count(); c < result.size(); ++c) {
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
        append(old_, old, -1);
      }
      if (!failed) {
        append(fresh, i, 1);
      }
    }
    header.emitted = !failed;
    header.failed = failed;
  }
  for (uint32_t i = 0; i < old_group_.size(); ++i) {
    Header& header = groups_.fixed_as<Header>(old_group_[i]);
    if (!group_columns_.empty() && header.rows <= 0) {
      append(old_, i, -1);
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
  touched_.clear();
  old_group_.clear();
  old_.clear();
  if (!weights.empty()) {
    out.batches.push_back({to_batch(std::move(result)), std::move(weights)});
    if (result_schema_.size() == 0) {
      out.batches.back().rows.rows = out.batches.back().weights.size();
    }
  }
}

Status AggregateOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
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
  return {};
}

void AggregateOperator::visit_state(const StateVisitor& visit) {
  visit(groups_);
  visit(started_);
  for (auto& accumulator : accumulators_) {
    accumulator->visit_state(visit);
  }
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
