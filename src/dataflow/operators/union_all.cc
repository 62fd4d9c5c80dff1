#include "dataflow/operators/union_all.h"

namespace tidemark {

Status UnionOperator::step(StepContext&, std::span<const Delta> in, Delta& out) {
  for (const Delta& delta : in) {
    if (delta.reset) {
      // One input's content cannot be told from the others' without keeping it.
      return Status::unsupported("TRUNCATE of a table under UNION is not supported yet")
          .with_hint("use DELETE FROM, or make the view again");
    }
    out.batches.insert(out.batches.end(), delta.batches.begin(), delta.batches.end());
  }
  return {};
}

}  // namespace tidemark
