#include "base/reference.h"

#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace tidemark {
namespace {

TEST(Reference, environment_and_files_are_put_in_place) {
  setenv("TIDEMARK_TEST_SECRET", "s3cret", 1);
  std::string path = testing::TempDir() + "/reference_" + std::to_string(getpid());
  std::ofstream(path) << "from a file\n";
  Result<Options> resolved = resolve_references({{"password", "${TIDEMARK_TEST_SECRET}"},
                                                 {"other", "<${file:" + path + "}>"},
                                                 {"plain", "$5 and $${x}"}});
  ASSERT_TRUE(resolved.ok()) << resolved.status().message();
  EXPECT_EQ(resolved->at("password"), "s3cret");
  EXPECT_EQ(resolved->at("other"), "<from a file>");
  EXPECT_EQ(resolved->at("plain"), "$5 and ${x}");
  unlink(path.c_str());
}

TEST(Reference, what_is_missing_is_named) {
  unsetenv("TIDEMARK_TEST_NOT_SET");
  Result<Options> missing = resolve_references({{"password", "${TIDEMARK_TEST_NOT_SET}"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().message(),
            "option 'password': the environment variable TIDEMARK_TEST_NOT_SET is not set");
  EXPECT_FALSE(resolve_references({{"password", "${file:/no/such/file}"}}).ok());
  EXPECT_FALSE(resolve_references({{"password", "${open"}}).ok());
}

}  // namespace
}  // namespace tidemark
