#pragma once
// Memory of this process, in bytes. Any thread.

#include <cstdint>
#include <string>

namespace tidemark {

// What it may use: the machine's memory, or the least limit of its control groups.
uint64_t available_memory();
// That limit, of the groups that /proc/PID/cgroup names, below the roots of version 2 and of the
// memory controller of version 1; UINT64_MAX: none. (Linux: admin-guide/cgroup-v2.rst, memory.max;
// admin-guide/cgroup-v1/memory.rst, memory.limit_in_bytes; cgroup_namespaces(7).)
uint64_t group_memory_limit(const std::string& groups_file, const std::string& root);
// What it has now of its own: not the pages of files, which the system takes back when it wants.
uint64_t own_memory();
// Gives memory that is free back to the system: takes some milliseconds.
void give_back_free_memory();

}  // namespace tidemark
