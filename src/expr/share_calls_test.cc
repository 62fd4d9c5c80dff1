#include "expr/share_calls.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

ExprRef text_column(size_t index) {
  return make_column(index, Type::string());
}
ExprRef lower(ExprRef text) {
  return make_call("LOWER", {std::move(text)});
}
std::string show(const ExprRef& expr) {
  return expr_to_string(*expr, {"a", "b", "shared"});
}

TEST(ShareCalls, a_call_of_two_expressions_is_made_once) {
  ExprRef equal = make_call("=", {lower(text_column(0)), lower(text_column(1))});
  SharedCalls shared = share_calls({equal, lower(text_column(0))}, 1, 2);
  ASSERT_EQ(shared.calls.size(), 1u);
  EXPECT_EQ(show(shared.calls[0]), show(lower(text_column(0))));
  EXPECT_EQ(show(shared.expressions[0]),
            show(make_call("=", {text_column(2), lower(text_column(1))})));
  EXPECT_EQ(show(shared.expressions[1]), show(text_column(2)));
}

TEST(ShareCalls, the_largest_call_is_shared_and_its_parts_are_not) {
  ExprRef nested = make_call("UPPER", {lower(text_column(0))});
  SharedCalls shared = share_calls({nested, nullptr, nested}, 1, 2);
  ASSERT_EQ(shared.calls.size(), 1u);
  EXPECT_EQ(show(shared.calls[0]), show(nested));
}

TEST(ShareCalls, what_can_fail_or_is_asked_for_later_only_stays) {
  ExprRef fails =
      make_call("REGEXP_EXTRACT", {text_column(0), make_literal(std::string("("), Type::string())});
  ExprRef late = lower(text_column(1));
  SharedCalls shared = share_calls({fails, fails, late, late}, 1, 2);
  EXPECT_TRUE(shared.calls.empty());
  EXPECT_EQ(share_calls({late, late}, 2, 2).calls.size(), 1u);
}

TEST(ShareCalls, a_regular_expression_that_is_known_to_be_one_cannot_fail) {
  auto extract = [](const char* pattern) {
    return make_call("REGEXP_EXTRACT",
                     {text_column(0), make_literal(std::string(pattern), Type::string())});
  };
  ExprRef simple = extract("id=([^&]*)");
  EXPECT_EQ(share_calls({simple, simple}, 1, 2).calls.size(), 1u);
  EXPECT_TRUE(can_fail(*extract("(")));
  EXPECT_TRUE(can_fail(*make_call("REGEXP_EXTRACT", {text_column(0), text_column(1)})));
}

}  // namespace
}  // namespace tidemark
