#include "dataflow/operators/arrange.h"

#include <fmt/core.h>

#include "zset/consolidate.h"

namespace tidemark {

ArrangeOperator::ArrangeOperator(std::vector<size_t> order, std::vector<Type> types,
                                 size_t key_count, std::string description)
    : order_(std::move(order)),
      arrangement_(std::move(types), key_count),
      description_(std::move(description)) {}

std::string ArrangeOperator::name() const {
  return readers_ > 1 ? fmt::format("{}, shared by {} inputs of joins", description_, readers_)
                      : description_;
}

Status ArrangeOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  out.reset = in[0].reset;
  std::vector<ZBatch> arranged;
  for (const ZBatch& batch : in[0].batches) {
    if (batch.rows.rows == 0) {
      continue;
    }
    ZBatch next;
    next.rows.rows = batch.rows.rows;
    next.weights = batch.weights;
    for (size_t column : order_) {
      next.rows.columns.push_back(batch.rows.columns[column]);
    }
    arranged.push_back(std::move(next));
  }
  if (has_retractions(arranged)) {
    ZBatch rest = consolidate(arranged);
    arranged.clear();
    if (rest.rows.rows != 0) {
      arranged.push_back(std::move(rest));
    }
  }
  out.batches = std::move(arranged);
  if (!out.empty()) {
    arrangement_.stage(out);
  }
  return {};
}

}  // namespace tidemark
