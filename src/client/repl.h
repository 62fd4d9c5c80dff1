#pragma once
// The prompt: reads statements from the terminal and runs them until the user leaves.

#include "client/run_end.h"

namespace tidemark {

class ClientSession;

RunEnd run_prompt(ClientSession& session);

}  // namespace tidemark
