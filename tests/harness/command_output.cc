#include "tests/harness/command_output.h"

#include <cstdio>

#include <sys/wait.h>

namespace tidemark {

CommandOutput command_output(const std::string& command) {
  CommandOutput output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    return output;
  }
  char buffer[4096];
  while (size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
    output.text.append(buffer, size);
  }
  int status = pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

}  // namespace tidemark
