#pragma once
// Plans whose every row comes from one row of the one object that they scan: no operator is needed.

#include "expr/eval.h"
#include "plan/logical.h"
#include "zset/zset.h"

namespace tidemark {

// A plan of scan, filters and projections.
bool is_row_wise(const LogicalPlan& plan);
enum class Filters : uint8_t { kApply, kHold };  // kHold: they are known to be true
// `content`: of the object that the plan scans, all its columns.
ZBatch evaluate_rows(const LogicalPlan& plan, const ZBatch& content, EvalContext& context,
                     Filters filters = Filters::kApply);
// Each row as often as its weight says.
RowBatch repeated(const ZBatch& batch);

}  // namespace tidemark
