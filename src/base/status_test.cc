#include "base/status.h"

#include <gtest/gtest.h>

#include "base/nearest.h"

namespace tidemark {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) {
    return Status::invalid_argument("cannot halve: 3").with_hint("use an even number");
  }
  return n / 2;
}

Result<int> quarter(int n) {
  int h = TRY(half(n));
  return TRY(half(h));
}

TEST(Status, try_passes_values_and_errors) {
  EXPECT_EQ(*quarter(8), 2);
  Status error = quarter(6).status();
  EXPECT_EQ(error.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(error.hint(), "use an even number");
  EXPECT_EQ(std::move(error).with_context("dividing").message(), "dividing: cannot halve: 3");
}

TEST(Nearest, finds_misspellings_and_refuses_strangers) {
  std::vector<std::string> names = {"accident_detail", "claim_total", "member_id"};
  EXPECT_EQ(nearest_name("claim_totl", names), "claim_total");
  EXPECT_EQ(nearest_name("Claim_Total", names), "claim_total");
  EXPECT_EQ(nearest_name("zebra", names), std::nullopt);
}

}  // namespace
}  // namespace tidemark
