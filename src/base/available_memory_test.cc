#include "base/available_memory.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace tidemark {
namespace {

class GroupMemory : public testing::Test {
 protected:
  GroupMemory() : root_(testing::TempDir() + "/groups" + std::to_string(getpid())) {
    std::filesystem::create_directories(root_);
  }
  ~GroupMemory() override { std::filesystem::remove_all(root_); }
  void put(const std::string& path, const std::string& text) {
    std::filesystem::path file = root_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  uint64_t limit() const { return group_memory_limit(root_ + "/self", root_); }

  std::string root_;
};

TEST_F(GroupMemory, TheRootSaysIt) {
  put("self", "0::/");
  EXPECT_EQ(limit(), UINT64_MAX);
  put("memory.max", "max");
  EXPECT_EQ(limit(), UINT64_MAX);
  put("memory.max", "1000000");
  EXPECT_EQ(limit(), 1000000u);
}

TEST_F(GroupMemory, AServicesGroupOrOneAboveIt) {
  put("self", "0::/system.slice/tidemark.service");
  put("system.slice/tidemark.service/memory.max", "300000");
  EXPECT_EQ(limit(), 300000u);
  put("system.slice/memory.max", "200000");
  EXPECT_EQ(limit(), 200000u);
  put("system.slice/memory.max", "max");
  EXPECT_EQ(limit(), 300000u);
}

TEST_F(GroupMemory, VersionOne) {
  put("self", "4:cpu,cpuacct:/other\n3:blkio,memory:/docker/abc\n0::/");
  put("memory/memory.limit_in_bytes", "9223372036854771712");
  put("memory/docker/abc/memory.limit_in_bytes", "400000");
  put("memory/other/memory.limit_in_bytes", "1");
  EXPECT_EQ(limit(), 400000u);
}

TEST_F(GroupMemory, AGroupThatIsNotSeenIsPassedOver) {
  put("self", "4:memory:/docker/abc\n0::/../elsewhere");
  put("memory/memory.limit_in_bytes", "500000");
  EXPECT_EQ(limit(), 500000u);
}

TEST(OwnMemory, GrowsWithWhatIsTouched) {
  uint64_t before = own_memory();
  EXPECT_GT(before, 0u);
  std::optional<std::string> touched(std::in_place, 64 << 20, 'x');
  uint64_t with = own_memory();
  EXPECT_GT(with, before + (32 << 20)) << touched->back();
  touched.reset();
  give_back_free_memory();
#ifndef __SANITIZE_ADDRESS__  // keeps freed memory for a while, to see who still uses it
  EXPECT_LT(own_memory(), with - (32 << 20));
#endif
}

}  // namespace
}  // namespace tidemark
