#include "expr/row_error.h"

#include <string_view>
#include <utility>

namespace tidemark {

Status row_error(const std::string& text) {
  constexpr std::pair<std::string_view, const char*> kStates[] = {
      {"division", "22012"},          {"out of range", "22003"}, {"does not fit", "22003"},
      {"more than one row", "21000"}, {"relation \"", "42P01"},  {"regular expression", "2201B"},
      {"to DATE", "22007"},           {"to TIME", "22007"},      {"not a ", "22P02"},
      {"cannot cast", "22P02"}};
  Status status = Status::data_error(text);
  for (auto [part, sqlstate] : kStates) {
    if (text.find(part) != std::string::npos) {
      return std::move(status).with_sqlstate(sqlstate);
    }
  }
  return status;
}

}  // namespace tidemark
