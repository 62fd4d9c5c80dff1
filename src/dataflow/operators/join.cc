#include "dataflow/operators/join.h"

#include <algorithm>

#include "dataflow/operators/join_lone.h"
#include "expr/eval.h"
#include "zset/consolidate.h"

namespace tidemark {

void JoinOperator::read_from(size_t side, Arrangement& arrangement,
                             std::span<const size_t> places) {
  CHECK(bases_[side] == nullptr);
  bases_[side] = &arrangement;
  for (std::vector<JoinColumn>* columns : {&spec_.output, &spec_.condition_columns}) {
    for (JoinColumn& column : *columns) {
      column.index = column.side == side ? places[column.index] : column.index;
    }
  }
  if (spec_.residual != nullptr && spec_.lone[side] != LoneRows::kNone) {
    lone_[side] = std::make_unique<LoneByRow>(spec_.lone[side], arrangement);
  } else if (spec_.lone[side] != LoneRows::kNone) {
    lone_[side] = std::make_unique<LoneByKey>(spec_.lone[side]);
  }
}

JoinSide JoinOperator::make_side(size_t which, const Delta& in) const {
  // Partners are counted per different row.
  bool different = spec_.residual != nullptr && spec_.lone[which] != LoneRows::kNone;
  ZBatch delta =
      different && !in.batches.empty() ? consolidate(in.batches) : concatenate(in.batches);
  return make_join_side(*bases_[which], in.reset, std::move(delta), spec_.null_safe);
}

RowBatch JoinOperator::gather(std::span<const JoinColumn> columns, const JoinRows& left,
                              const JoinRows& right) const {
  RowBatch batch;
  batch.rows = left.side != nullptr ? left.at.size() : right.at.size();
  for (const JoinColumn& wanted : columns) {
    if (!wanted.needed) {
      batch.columns.push_back(nullptr);
      continue;
    }
    const JoinRows& rows = wanted.side == 0 ? left : right;
    auto column = std::make_shared<Column>(wanted.type);
    if (rows.side == nullptr) {
      column->resize(batch.rows);
      std::fill_n(column->mutable_nulls(), batch.rows, uint8_t{1});
    } else {
      column->append_rows(rows.column(wanted.index), rows.at);
    }
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

Status JoinOperator::join_pairs(StepContext& context, JoinRows left, JoinRows right, Delta& out) {
  std::vector<int64_t> weights(left.at.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = left.weight(i) * right.weight(i);
  }
  std::vector<uint32_t> left_at, right_at;
  if (spec_.residual != nullptr) {
    RowBatch tested = gather(spec_.condition_columns, left, right);
    std::vector<uint32_t> kept;
    evaluate_filter(*spec_.residual, tested, context.eval, kept);
    ZBatch weighted{std::move(tested), std::move(weights)};
    take_errors(context, weighted);
    weights.clear();
    for (uint32_t i : kept) {
      left_at.push_back(left.at[i]);
      right_at.push_back(right.at[i]);
      weights.push_back(weighted.weights[i]);
    }
    left.at = left_at;
    right.at = right_at;
    for (size_t side : {0, 1}) {
      if (lone_[side] != nullptr) {
        lone_[side]->count(side == 0 ? left : right, side == 0 ? right : left);
      }
    }
  }
  if (spec_.pairs && !weights.empty()) {
    made_bytes_ += add_joined(gather(spec_.output, left, right), std::move(weights), out);
  }
  return context.may_go_on(made_bytes_);
}

// The rows of one side's delta with those that the other side has had.
Status JoinOperator::probe(StepContext& context, size_t delta_side, Delta& out) {
  const JoinSide& delta = sides_[delta_side];
  const JoinSide& base = sides_[1 - delta_side];
  if (delta.rows() == 0 || !base.has_base()) {
    return {};
  }
  Arrangement::Cursor cursor =
      base.base->start(delta.keys, delta.rows(), delta.hashes, delta.never.data());
  ProbedPairs pairs;
  while (base.base->probe(cursor, kPairsMax, pairs)) {
    JoinRows from_delta{&delta, false, pairs.probe};
    JoinRows from_base{&base, true, pairs.stored};
    TRY(join_pairs(context, delta_side == 0 ? from_delta : from_base,
                   delta_side == 0 ? from_base : from_delta, out));
    pairs.clear();
  }
  return {};
}

Status JoinOperator::delta_by_delta(StepContext& context, Delta& out) {
  const JoinSide& left = sides_[0];
  const JoinSide& right = sides_[1];
  if (left.rows() == 0 || right.rows() == 0) {
    return {};
  }
  bool index_right = right.rows() <= left.rows();
  const JoinSide& indexed = index_right ? right : left;
  const JoinSide& probing = index_right ? left : right;
  DeltaIndex index(indexed);
  ProbedPairs pairs;
  auto flush = [&] {
    JoinRows from_probing{&probing, false, pairs.probe};
    JoinRows from_indexed{&indexed, false, pairs.stored};
    Status made = join_pairs(context, index_right ? from_probing : from_indexed,
                             index_right ? from_indexed : from_probing, out);
    pairs.clear();
    return made;
  };
  for (uint32_t row = 0; row < probing.rows(); ++row) {
    if (probing.never[row]) {
      continue;
    }
    uint64_t hash = probing.hashes[row];
    for (uint32_t other = index.first(probing.keys, row, hash); other != DeltaIndex::kEnd;
         other = index.next(other, probing.keys, row, hash)) {
      pairs.probe.push_back(row);
      pairs.stored.push_back(other);
      if (pairs.size() >= kPairsMax) {
        TRY(flush());
      }
    }
  }
  return pairs.size() != 0 ? flush() : Status();
}

void JoinOperator::emit_lone(size_t which, const LoneChanges& changes, Delta& out) const {
  if (changes.weights.empty()) {
    return;
  }
  JoinRows rows{&sides_[which], changes.from_base, changes.at};
  JoinRows none;
  out.batches.push_back(
      {gather(spec_.output, which == 0 ? rows : none, which == 0 ? none : rows), changes.weights});
}

Status JoinOperator::step(StepContext& context, std::span<const Delta> in, Delta& out) {
  bool reset = in[0].reset || in[1].reset;
  if (reset) {
    out.reset = true;
    mutable_errors().clear();
  }
  for (size_t side : {0, 1}) {
    sides_[side] = make_side(side, in[side]);
    if (lone_[side] != nullptr) {
      lone_[side]->begin(sides_[side], reset);
    }
  }
  if (spec_.pairs || spec_.residual != nullptr) {
    made_bytes_ = 0;
    TRY(probe(context, 0, out));
    TRY(probe(context, 1, out));
    TRY(delta_by_delta(context, out));
  }
  for (size_t side : {0, 1}) {
    if (lone_[side] != nullptr) {
      for (const LoneChanges& changes :
           lone_[side]->finish(sides_[side], sides_[1 - side], spec_.null_safe)) {
        emit_lone(side, changes, out);
      }
    }
  }
  sides_[0] = {};
  sides_[1] = {};
  return {};
}

void JoinOperator::visit_state(const StateVisitor& visit) {
  for (const auto& lone : lone_) {
    if (lone != nullptr) {
      lone->visit_state(visit);
    }
  }
}

}  // namespace tidemark
