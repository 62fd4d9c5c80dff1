#pragma once
// String options as users write them in WITH (...) and SET, and the tables that say what each
// means. The same table gives the error for an unknown option, SHOW and the reference
// documentation.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tidemark {

using Options = std::map<std::string, std::string>;

struct OptionSpec {
  enum class Kind { kString, kInt, kBool, kDouble, kDuration, kSize };
  enum class Effect {
    kUsed,
    kIgnored,  // known from Flink, accepted, and without meaning here: `text` says why
  };
  std::string_view name;  // a trailing ".*" takes every option with that prefix
  Kind kind = Kind::kString;
  bool required = false;
  std::string_view default_value;  // empty: none
  Effect effect = Effect::kUsed;
  std::string_view text;  // one sentence for the reference
  // By ALTER ... SET while it is in use: it says how to get in, not what is read.
  bool is_changeable = false;
};

// Checks names, required options and the form of values. Returns the notices for ignored options;
// an unknown option is an error that names the nearest known one.
Result<std::vector<std::string>> check_options(const Options& options,
                                               std::span<const OptionSpec> specs,
                                               std::string_view owner);

// The option's value, or its default from the table; empty if neither.
std::string option_or_default(const Options& options, std::span<const OptionSpec> specs,
                              std::string_view name);

Result<bool> parse_bool(std::string_view text);
Result<int64_t> parse_int(std::string_view text);
// "30s", "500 ms", "10min", "1 h", "2 d"; a bare number is milliseconds. In microseconds.
Result<int64_t> parse_duration_us(std::string_view text);
// "2GB", "500 MB", "64 kB"; a bare number is bytes. Units are powers of 1024.
Result<uint64_t> parse_size_bytes(std::string_view text);

}  // namespace tidemark
