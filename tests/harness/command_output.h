#pragma once
// A shell command's output and exit status.

#include <string>

namespace tidemark {

struct CommandOutput {
  int status = -1;  // of exit; -1: ended by a signal, or not begun
  std::string text;
};

// What the command does not redirect (its standard error) goes where the test's goes.
CommandOutput command_output(const std::string& command);

}  // namespace tidemark
