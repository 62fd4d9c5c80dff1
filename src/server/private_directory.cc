#include <cstdlib>
#include <filesystem>

#include <errno.h>
#include <fmt/core.h>
#include <string.h>

#include "server/server.h"

namespace tidemark {

namespace {
// sockaddr_un holds 107 characters (unix(7)); the socket's name takes 14 of them.
constexpr size_t kPathMax = 90;
}  // namespace

Result<PrivateDirectory> PrivateDirectory::make() {
  const char* temporary = getenv("TMPDIR");
  std::string base = temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp";
  std::string path = base + "/tidemark.XXXXXX";
  if (path.size() > kPathMax) {
    path = "/tmp/tidemark.XXXXXX";
  }
  if (mkdtemp(path.data()) == nullptr) {  // mode 0700
    return Status::unavailable(
        fmt::format("cannot make a private directory: {}: {}", strerror(errno), path));
  }
  return PrivateDirectory(std::move(path));
}

PrivateDirectory::~PrivateDirectory() {
  if (!path_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

PrivateDirectory::PrivateDirectory(PrivateDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}
PrivateDirectory& PrivateDirectory::operator=(PrivateDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace tidemark
