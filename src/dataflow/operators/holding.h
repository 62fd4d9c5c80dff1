#pragma once
// An operator whose state has all that has come out of it: who begins to read it later can begin
// with that.

#include "dataflow/operator.h"

namespace tidemark {

class HoldingOperator : public Operator {
 public:
  // All rows that have come out and stand, those of the last step too. Copies them; the state is to
  // be in memory.
  virtual Delta content() = 0;
  // The bytes of the state that it comes from, which are about as many.
  virtual size_t content_bytes() { return state_bytes(); }
};

}  // namespace tidemark
