#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/nearest.h"

namespace tidemark {

namespace {

const OptionSpec* find_spec(std::span<const OptionSpec> specs, std::string_view name) {
  for (const OptionSpec& spec : specs) {
    if (spec.name == name) {
      return &spec;
    }
    if (spec.name.ends_with(".*") && name.starts_with(spec.name.substr(0, spec.name.size() - 1)) &&
        name.size() > spec.name.size() - 1) {
      return &spec;
    }
  }
  return nullptr;
}

Status check_value(const OptionSpec& spec, std::string_view value) {
  switch (spec.kind) {
    case OptionSpec::Kind::kString:
      return {};
    case OptionSpec::Kind::kInt:
      return parse_int(value).status();
    case OptionSpec::Kind::kBool:
      return parse_bool(value).status();
    case OptionSpec::Kind::kDouble: {
      double parsed = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
      if (error != std::errc() || end != value.data() + value.size()) {
        return Status::invalid_argument(fmt::format("expected a number: '{}'", value));
      }
      return {};
    }
    case OptionSpec::Kind::kDuration:
      return parse_duration_us(value).status();
    case OptionSpec::Kind::kSize:
      return parse_size_bytes(value).status();
  }
  CHECK(false);
}

}  // namespace

Result<std::vector<std::string>> check_options(const Options& options,
                                               std::span<const OptionSpec> specs,
                                               std::string_view owner) {
  std::vector<std::string> notices;
  for (const auto& [name, value] : options) {
    const OptionSpec* spec = find_spec(specs, name);
    if (spec == nullptr) {
      std::vector<std::string> known;
      std::string list;
      for (const OptionSpec& candidate : specs) {
        known.emplace_back(candidate.name);
        list += (list.empty() ? "" : ", ") + std::string(candidate.name);
      }
      auto nearest = nearest_name(name, known);
      return Status::invalid_argument(fmt::format("unknown option of {}: '{}'", owner, name))
          .with_hint((nearest ? fmt::format("did you mean '{}'? ", *nearest) : std::string()) +
                     "supported options: " + list);
    }
    Status valid = check_value(*spec, value);
    if (!valid.ok()) {
      return std::move(valid).with_context(fmt::format("option '{}' of {}", name, owner));
    }
    if (spec->effect == OptionSpec::Effect::kIgnored) {
      notices.push_back(fmt::format("option '{}' has no effect here: {}", name, spec->text));
    }
  }
  for (const OptionSpec& spec : specs) {
    if (spec.required && !options.contains(std::string(spec.name))) {
      return Status::invalid_argument(
          fmt::format("missing required option of {}: '{}'", owner, spec.name));
    }
  }
  return notices;
}

std::string option_or_default(const Options& options, std::span<const OptionSpec> specs,
                              std::string_view name) {
  auto found = options.find(std::string(name));
  if (found != options.end()) {
    return found->second;
  }
  const OptionSpec* spec = find_spec(specs, name);
  return spec == nullptr ? std::string() : std::string(spec->default_value);
}

Result<bool> parse_bool(std::string_view text) {
  std::string lower;
  for (char c : text) {
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  if (lower == "true" || lower == "on" || lower == "yes" || lower == "1") {
    return true;
  }
  if (lower == "false" || lower == "off" || lower == "no" || lower == "0") {
    return false;
  }
  return Status::invalid_argument(fmt::format("expected true or false: '{}'", text));
}

Result<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return Status::invalid_argument(fmt::format("expected a whole number: '{}'", text));
  }
  return value;
}

Result<int64_t> parse_duration_us(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.')) {
    ++digits;
  }
  double amount = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, amount);
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') {
    unit.remove_prefix(1);
  }
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1e3},        {"us", 1},        {"µs", 1},         {"micro", 1},     {"ms", 1e3},
      {"milli", 1e3},   {"millis", 1e3},  {"s", 1e6},        {"sec", 1e6},     {"second", 1e6},
      {"seconds", 1e6}, {"m", 60e6},      {"min", 60e6},     {"minute", 60e6}, {"minutes", 60e6},
      {"h", 3600e6},    {"hour", 3600e6}, {"hours", 3600e6}, {"d", 86400e6},   {"day", 86400e6},
      {"days", 86400e6}};
  for (const auto& [name, factor] : kUnits) {
    if (digits > 0 && error == std::errc() && name == unit) {
      return static_cast<int64_t>(amount * factor);
    }
  }
  return Status::invalid_argument(
      fmt::format("expected a duration such as '30s', '500 ms' or '10 min': '{}'", text));
}

Result<uint64_t> parse_size_bytes(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') {
    unit.remove_prefix(1);
  }
  static constexpr std::pair<std::string_view, int> kUnits[] = {
      {"", 0},     {"B", 0},   {"KB", 10}, {"K", 10},   {"KIB", 10}, {"MB", 20}, {"M", 20},
      {"MIB", 20}, {"GB", 30}, {"G", 30},  {"GIB", 30}, {"TB", 40},  {"T", 40},  {"TIB", 40}};
  Result<int64_t> number = parse_int(text.substr(0, digits));
  std::string upper = ascii_upper(unit);
  for (const auto& [name, shift] : kUnits) {
    if (number.ok() && upper == name && (*number >> (63 - shift)) == 0) {
      return static_cast<uint64_t>(*number) << shift;
    }
  }
  return Status::invalid_argument(fmt::format("expected a size such as '2GB': '{}'", text));
}

}  // namespace tidemark
