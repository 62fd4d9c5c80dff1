#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cstdlib>

namespace tidemark {

namespace {

uint32_t number_of(const char* variable, uint32_t otherwise) {
  const char* text = getenv(variable);
  return text == nullptr ? otherwise : static_cast<uint32_t>(strtoul(text, nullptr, 10));
}

constexpr unsigned char kEdges[] = {0, 1, 0x7F, 0x80, 0xFF, '"', '\'', '\\', ' ', '0'};

}  // namespace

Mutations::Mutations(std::vector<std::string> corpus, uint32_t seed)
    : corpus_(std::move(corpus)), random_(number_of("TIDEMARK_FUZZ_SEED", seed)) {}

int Mutations::cases(int otherwise) {
  return static_cast<int>(number_of("TIDEMARK_FUZZ_CASES", static_cast<uint32_t>(otherwise)));
}

std::string Mutations::next() {
  std::string input = corpus_[below(corpus_.size())];
  for (size_t changes = 1 + below(4); changes > 0; --changes) {
    change(input);
  }
  return input;
}

void Mutations::change(std::string& input) {
  size_t at = below(input.size() + 1);
  size_t size = below(std::min<size_t>(input.size() - at, 16) + 1);
  const std::string& other = corpus_[below(corpus_.size())];
  size_t other_at = below(other.size() + 1);
  switch (below(6)) {
    case 0:
      if (at < input.size()) {
        input[at] = static_cast<char>(random_());
      }
      return;
    case 1:
      if (at < input.size()) {
        input[at] = static_cast<char>(kEdges[below(std::size(kEdges))]);
      }
      return;
    case 2:
      input.erase(at, size);
      return;
    case 3:
      input.insert(at, input.substr(at, size));
      return;
    case 4:
      input.insert(at, 1 + below(4), static_cast<char>(kEdges[below(std::size(kEdges))]));
      return;
    default:
      input = input.substr(0, at) + other.substr(other_at);
  }
}

}  // namespace tidemark
