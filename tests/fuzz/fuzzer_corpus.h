#pragma once
// What a fuzzer begins with, as libFuzzer takes it: a file each, in the first folder it is given.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tidemark {

// Nothing if no argument is a folder, or if there is something in it.
inline void write_seeds(const std::vector<std::string>& seeds, int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::filesystem::path folder = arguments[i];
    if (!std::filesystem::is_directory(folder)) {
      continue;
    }
    bool is_new = std::filesystem::is_empty(folder);
    for (size_t seed = 0; is_new && seed < seeds.size(); ++seed) {
      std::ofstream(folder / ("seed-" + std::to_string(seed))) << seeds[seed];
    }
    return;
  }
}

}  // namespace tidemark
