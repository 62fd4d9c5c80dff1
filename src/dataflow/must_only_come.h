#pragma once
// For operators that keep less of rows that only come (plan/insert_only.h).

#include "dataflow/operator.h"
#include "zset/consolidate.h"

namespace tidemark {

// Not OK: a row is taken back. What the state would give then is wrong: the step is to end with it.
inline Status must_only_come(const Delta& in) {
  if (!has_retractions(in.batches)) {
    return {};
  }
  return Status::invalid_argument(
             "a row was changed or deleted in a table that is declared 'append-only'")
      .with_hint("declare the table without the option, and make what reads it again");
}

}  // namespace tidemark
