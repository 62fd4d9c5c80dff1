#include "expr/single_row.h"

namespace tidemark {

namespace {

void single_row_kernel(const KernelFrame& frame, std::span<const Argument> arguments) {
  const Argument& count = arguments[0];
  const Argument& value = arguments[1];
  frame.out.share_heaps(*value.column);
  visit_physical(frame.out.physical(), [&](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < frame.rows; ++i) {
      if (!count.is_null(i) && count.at<int64_t>(i) > 1) {
        frame.fail(i, "a subquery used as a value has more than one row");
      } else if (value.is_null(i)) {
        frame.out.set_null(i);
      } else {
        frame.out.mutable_data<T>()[i] = value.at<T>(i);
      }
    }
  });
}

// Not in the table of functions: only the binder calls it.
constexpr Function kSingleRow{"SINGLE_ROW", "", "", "", "", "", nullptr};

}  // namespace

ExprRef make_single_row(ExprRef count, ExprRef value) {
  Type type = value->type.as_nullable();
  BoundFunction bound{single_row_kernel, type, {count->type, value->type}, NullRule::kCalled, true};
  return std::make_shared<const Expr>(
      Expr{type, CallExpr{&kSingleRow, std::move(bound), {std::move(count), std::move(value)}}});
}

}  // namespace tidemark
