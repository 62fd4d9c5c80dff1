#pragma once
// What this process may use: the machine's memory, or its control group's limit (cgroup v2, then
// v1), in bytes. Any thread.

#include <cstdint>

namespace tidemark {

uint64_t available_memory();

}  // namespace tidemark
