#include <unordered_map>

#include "base/ascii.h"
#include "expr/functions/families.h"

namespace tidemark {

namespace {

struct Registry {
  std::vector<const Function*> functions;
  std::unordered_map<std::string, const Function*> by_name;

  Registry() {
    for (std::span<const Function> family :
         {comparison_functions(),  math_functions(),     numeric_functions(),
          string_functions(),      printf_functions(),   encoding_functions(),
          digest_functions(),      pattern_functions(),  json_functions(),
          jsonb_functions(),       datetime_functions(), clock_functions(),
          time_zone_functions(),   interval_functions(), to_char_functions(),
          conditional_functions(), nested_functions(),   array_functions(),
          map_functions(),         catalog_functions()}) {
      for (const Function& function : family) {
        functions.push_back(&function);
        CHECK(by_name.emplace(std::string(function.name), &function).second);
      }
    }
  }
};

const Registry& registry() {
  static const Registry instance;  // built at first use, from constant tables
  return instance;
}

}  // namespace

std::span<const Function* const> all_functions() {
  return registry().functions;
}

const Function* find_function(std::string_view name) {
  auto found = registry().by_name.find(ascii_upper(name));
  return found == registry().by_name.end() ? nullptr : found->second;
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const Function* function : all_functions()) {
    names.emplace_back(function->name);
  }
  return names;
}

}  // namespace tidemark
