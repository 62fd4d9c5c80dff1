#pragma once
// Inputs made from others by seeded mutations: what keeps a fuzzed target in the tests, where
// libFuzzer is not.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tidemark {

class Mutations {
 public:
  // The corpus is not empty. Another seed: TIDEMARK_FUZZ_SEED.
  Mutations(std::vector<std::string> corpus, uint32_t seed);
  // How many are wanted: so many, or TIDEMARK_FUZZ_CASES.
  static int cases(int otherwise);

  // One of the corpus, with one to four changes.
  std::string next();

 private:
  size_t below(size_t bound) { return random_() % bound; }
  void change(std::string& input);

  const std::vector<std::string> corpus_;
  std::mt19937 random_;
};

}  // namespace tidemark
