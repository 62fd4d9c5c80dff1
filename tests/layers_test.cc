// Holds src/layers.txt: every include between folders of src/ must be implied by it, and a listed
// third-party header may be included only by the folders named for it.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/harness/paths.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

struct Layers {
  std::map<std::string, std::set<std::string>> allowed;
  std::vector<std::pair<std::string, std::set<std::string>>> third_party;
};

Layers read_layers(const fs::path& file) {
  Layers layers;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string kind, name, word;
    words >> kind >> name;
    if (kind != "layer" && kind != "third-party") {
      continue;
    }
    if (!name.empty() && name.back() == ':') {
      name.pop_back();
    }
    std::set<std::string> rest;
    while (words >> word) {
      rest.insert(word);
    }
    if (kind == "layer") {
      // Arrows point down only: a layer may name only layers that stand above it in the file.
      for (const std::string& below : rest) {
        EXPECT_TRUE(layers.allowed.contains(below))
            << name << " names " << below << " before it is defined";
      }
      layers.allowed[name] = rest;
    } else {
      layers.third_party.emplace_back(name, rest);
    }
  }
  return layers;
}

TEST(Layers, every_include_is_implied_by_layers_txt) {
  fs::path src = fs::path(source_dir()) / "src";
  Layers layers = read_layers(src / "layers.txt");
  ASSERT_GT(layers.allowed.size(), 10u);
  size_t includes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(src)) {
    std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") {
      continue;
    }
    std::string relative = fs::relative(entry.path(), src);
    std::string folder = relative.substr(0, relative.find('/'));
    ASSERT_TRUE(layers.allowed.contains(folder)) << relative << ": its folder is not in layers.txt";
    bool is_test = relative.ends_with("_test.cc");
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line)) {
      if (!line.starts_with("#include ")) {
        continue;
      }
      char open = line[9];
      std::string name = line.substr(10, line.find(open == '"' ? '"' : '>', 10) - 10);
      if (open == '"') {
        ASSERT_NE(name.find('/'), std::string::npos)
            << relative << ": include paths start at src/: " << name;
        std::string target = name.substr(0, name.find('/'));
        ++includes;
        EXPECT_TRUE(target == folder || layers.allowed[folder].contains(target) ||
                    (is_test && target == "tests"))
            << relative << " includes " << name << ": " << folder << " may not see " << target;
      }
      for (const auto& [prefix, folders] : layers.third_party) {
        if (name.starts_with(prefix)) {
          EXPECT_TRUE(folders.contains(folder)) << relative << " includes " << name;
        }
      }
    }
  }
  EXPECT_GT(includes, 5u);
}

}  // namespace
}  // namespace tidemark
