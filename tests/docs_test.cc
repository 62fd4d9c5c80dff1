// What a page says is tested has that test.

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "tests/harness/paths.h"

namespace tidemark {
namespace {

std::vector<std::string> all_tests() {
  std::vector<std::string> names;
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      names.push_back(std::string(suite.name()) + "." + suite.GetTestInfo(j)->name());
    }
  }
  return names;
}

TEST(Docs, tests_that_what_goes_wrong_names_are_there) {
  std::ifstream in(source_dir() + "/docs/what_goes_wrong.md");
  std::stringstream page;
  page << in.rdbuf();
  std::string text = page.str();
  re2::StringPiece rest(text);
  std::string pattern;
  std::vector<std::string> tests = all_tests();
  int found = 0;
  while (RE2::FindAndConsume(&rest, R"(`(\*?[A-Z]\w*[.*][^`]*)`)", &pattern)) {
    bool is_there = std::ranges::any_of(tests, [&](const std::string& name) {
      return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
    EXPECT_TRUE(is_there) << pattern;
    ++found;
  }
  EXPECT_GT(found, 30);
}

}  // namespace
}  // namespace tidemark
