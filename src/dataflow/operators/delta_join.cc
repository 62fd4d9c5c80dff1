#include "dataflow/operators/delta_join.h"

#include <algorithm>
#include <numeric>

#include "expr/eval.h"
#include "types/hash.h"
#include "zset/consolidate.h"

namespace tidemark {

namespace {

std::vector<uint32_t> chosen(const std::vector<uint32_t>& from, std::span<const uint32_t> rows) {
  std::vector<uint32_t> result(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    result[i] = from[rows[i]];
  }
  return result;
}

}  // namespace

DeltaJoinOperator::DeltaJoinOperator(DeltaJoinSpec spec)
    : spec_(std::move(spec)),
      bases_(spec_.inputs.size()),
      first_input_(spec_.paths.size(), SIZE_MAX) {
  for (size_t i = spec_.inputs.size(); i-- > 0;) {
    first_input_[spec_.inputs[i].relation] = i;
  }
  CHECK(std::ranges::find(first_input_, SIZE_MAX) == first_input_.end());
}

void DeltaJoinOperator::read_from(size_t input, Arrangement& arrangement,
                                  std::span<const size_t> places) {
  CHECK(bases_[input] == nullptr);
  bases_[input] = &arrangement;
  for (size_t& place : spec_.inputs[input].places) {
    place = places[place];
  }
}

// The later of two relations that change meets the change of the earlier one.
bool DeltaJoinOperator::can_meet(size_t changed) const {
  for (size_t other = 0; other < first_input_.size(); ++other) {
    const JoinSide& side = sides_[first_input_[other]];
    bool has_delta = other < changed && side.rows() != 0;
    if (other != changed && !has_delta && !side.has_base()) {
      return false;
    }
  }
  return true;
}

Status DeltaJoinOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  for (size_t i = 0; i < in.size(); ++i) {
    out.reset = out.reset || in[i].reset;
    sides_.push_back(make_join_side(*bases_[i], in[i].reset, concatenate(in[i].batches),
                                    spec_.inputs[i].null_safe));
  }
  if (out.reset) {
    mutable_errors().clear();
  }
  indexes_.resize(in.size());
  made_bytes_ = 0;
  Status status;
  for (size_t relation = 0; relation < spec_.paths.size() && status.ok(); ++relation) {
    status = follow(context, relation, out);
  }
  indexes_.clear();
  sides_.clear();
  return status;
}

Status DeltaJoinOperator::follow(StepContext& context, size_t changed, Delta& out) {
  const JoinSide& side = sides_[first_input_[changed]];
  if (side.rows() == 0 || !can_meet(changed)) {
    return {};
  }
  for (size_t first = 0; first < side.rows(); first += kPairsMax) {
    std::vector<uint32_t> rows(std::min(side.rows() - first, kPairsMax));
    std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(first));
    Joined joined;
    for (uint32_t row : rows) {
      joined.weights.push_back(side.delta.weight(row));
    }
    joined.found.resize(spec_.paths.size());
    joined.found[changed] = {&side, &spec_.inputs[first_input_[changed]], false, std::move(rows)};
    TRY(look_up(context, changed, 0, joined, out));
  }
  return {};
}

ColumnRef DeltaJoinOperator::gather(size_t column, const Joined& joined) const {
  const DeltaJoinColumn& wanted = spec_.columns[column];
  const Found& found = joined.found[wanted.relation];
  auto result = std::make_shared<Column>(wanted.type);
  result->append_rows(found.rows().column(found.input->places[wanted.column]), found.at);
  return result;
}

Status DeltaJoinOperator::look_up(StepContext& context, size_t changed, size_t place,
                                  const Joined& joined, Delta& out) {
  if (place == spec_.paths[changed].size()) {
    return emit(context, joined, out);
  }
  const DeltaJoinStep& step = spec_.paths[changed][place];
  const DeltaJoinInput& input = spec_.inputs[step.input];
  const JoinSide& side = sides_[step.input];
  Probe probe{.joined = joined, .changed = changed, .place = place};
  for (size_t column : step.key) {
    probe.key.push_back(gather(column, joined));
    probe.keys.push_back(probe.key.back().get());
  }
  hash_rows(probe.keys, joined.weights.size(), probe.hashes);
  note_nulls(probe.keys, joined.weights.size(), input.null_safe, probe.never);
  if (side.has_base()) {
    TRY(probe_base(context, probe, out));
  }
  if (input.relation < changed && side.rows() != 0) {
    TRY(probe_delta(context, probe, out));
  }
  return {};
}

Status DeltaJoinOperator::probe_base(StepContext& context, const Probe& probe, Delta& out) {
  Arrangement& base = *sides_[step_of(probe).input].base;
  Arrangement::Cursor cursor =
      base.start(probe.keys, probe.hashes.size(), probe.hashes, probe.never.data());
  ProbedPairs pairs;
  while (base.probe(cursor, kPairsMax, pairs)) {
    TRY(go_on(context, probe, true, pairs, out));
    pairs.clear();
  }
  return {};
}

Status DeltaJoinOperator::probe_delta(StepContext& context, const Probe& probe, Delta& out) {
  size_t input = step_of(probe).input;
  if (indexes_[input] == nullptr) {
    indexes_[input] = std::make_unique<DeltaIndex>(sides_[input]);
  }
  const DeltaIndex& index = *indexes_[input];
  ProbedPairs pairs;
  for (uint32_t row = 0; row < probe.hashes.size(); ++row) {
    if (probe.never[row]) {
      continue;
    }
    uint64_t hash = probe.hashes[row];
    for (uint32_t at = index.first(probe.keys, row, hash); at != DeltaIndex::kEnd;
         at = index.next(at, probe.keys, row, hash)) {
      pairs.probe.push_back(row);
      pairs.stored.push_back(at);
      if (pairs.size() >= kPairsMax) {
        TRY(go_on(context, probe, false, pairs, out));
        pairs.clear();
      }
    }
  }
  return pairs.size() != 0 ? go_on(context, probe, false, pairs, out) : Status();
}

Status DeltaJoinOperator::go_on(StepContext& context, const Probe& probe, bool from_base,
                                ProbedPairs& pairs, Delta& out) {
  TRY(context.may_go_on(made_bytes_));
  const DeltaJoinStep& step = step_of(probe);
  const DeltaJoinInput& input = spec_.inputs[step.input];
  Joined next;
  for (const Found& found : probe.joined.found) {
    next.found.push_back({found.side, found.input, found.from_base, {}});
    if (found.side != nullptr) {
      next.found.back().at = chosen(found.at, pairs.probe);
    }
  }
  Found& added = next.found[input.relation];
  added = {&sides_[step.input], &input, from_base, std::move(pairs.stored)};
  JoinRows rows = added.rows();
  next.weights.resize(pairs.probe.size());
  for (size_t i = 0; i < next.weights.size(); ++i) {
    next.weights[i] = probe.joined.weights[pairs.probe[i]] * rows.weight(i);
  }
  if (step.condition != nullptr) {
    keep_true(context, *step.condition, next);
  }
  return next.weights.empty() ? Status()
                              : look_up(context, probe.changed, probe.place + 1, next, out);
}

void DeltaJoinOperator::keep_true(StepContext& context, const Expr& condition, Joined& joined) {
  std::vector<bool> read;
  collect_columns(condition, read);
  RowBatch tested{{}, joined.weights.size()};
  for (size_t column = 0; column < read.size(); ++column) {
    tested.columns.push_back(read[column] ? gather(column, joined) : nullptr);
  }
  std::vector<uint32_t> kept;
  evaluate_filter(condition, tested, context.eval, kept);
  if (!context.eval.errors.empty()) {
    take_errors(context, {{}, joined.weights});  // of values beyond all bounds alone
  }
  if (kept.size() == joined.weights.size()) {
    return;
  }
  for (Found& found : joined.found) {
    found.at = found.side != nullptr ? chosen(found.at, kept) : std::vector<uint32_t>();
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    joined.weights[i] = joined.weights[kept[i]];
  }
  joined.weights.resize(kept.size());
}

Status DeltaJoinOperator::emit(StepContext& context, const Joined& joined, Delta& out) {
  RowBatch rows{{}, joined.weights.size()};
  for (size_t i = 0; i < spec_.output.size(); ++i) {
    rows.columns.push_back(spec_.needed[i] ? gather(spec_.output[i], joined) : nullptr);
  }
  made_bytes_ += add_joined(std::move(rows), joined.weights, out);
  return context.may_go_on(made_bytes_);
}

}  // namespace tidemark
