#include "connectors/filesystem/filesystem.h"

#include <fmt/core.h>

#include "connectors/filesystem/file_sink.h"
#include "formats/row_encoder.h"

namespace tidemark {

namespace {

using Kind = OptionSpec::Kind;
constexpr auto kIgnored = OptionSpec::Effect::kIgnored;
constexpr std::string_view kNoPartitions =
    "PARTITIONED BY is not supported yet: there is one "
    "directory of files";
constexpr std::string_view kNoCompaction = "files are written in the size that is asked for";
constexpr std::string_view kNotRead = "the connector is a sink: it is written, and not read";
constexpr std::string_view kIsoTime = "SQL (with a space) or ISO-8601 (with a T)";
constexpr std::string_view kNullFields = "leaves out members whose value is NULL";
constexpr std::string_view kPlainNumbers = "numbers are always written plain";
constexpr std::string_view kNullKeys = "a key that is NULL is written as null";

constexpr OptionSpec kSpecs[] = {
    {.name = "connector", .required = true, .text = "filesystem"},
    {.name = "path",
     .required = true,
     .text = "a directory of this machine, made if it is missing; file:///a/b or /a/b"},
    {.name = "format",
     .required = true,
     .text = "json and csv for rows that only come; changelog-json, changelog-csv and "
             "debezium-json have a place for the kind of each change"},
    {.name = "sink.append-only",
     .kind = Kind::kBool,
     .default_value = "false",
     .text = "for json and csv: the rows of the query only come. The first that goes or changes "
             "stops the job"},
    {.name = "sink.rolling-policy.file-size",
     .kind = Kind::kSize,
     .default_value = "128MB",
     .text = "a file that has reached this size is ended"},
    {.name = "sink.rolling-policy.rollover-interval",
     .kind = Kind::kDuration,
     .default_value = "1min",
     .text = "a file is ended when its first change is as old; 0s: with each checkpoint"},
    {.name = "sink.rolling-policy.check-interval",
     .kind = Kind::kDuration,
     .effect = kIgnored,
     .text = "the rollover interval is kept by a timer"},
    {.name = "sink.rolling-policy.inactivity-interval",
     .kind = Kind::kDuration,
     .effect = kIgnored,
     .text = "the rollover interval also ends a file that nothing is written to"},
    {.name = "sink.parallelism",
     .kind = Kind::kInt,
     .effect = kIgnored,
     .text = "a job has one writer for each of its sinks"},
    {.name = "sink.shuffle-by-partition.enable", .effect = kIgnored, .text = kNoPartitions},
    {.name = "sink.partition-commit.*", .effect = kIgnored, .text = kNoPartitions},
    {.name = "partition.*", .effect = kIgnored, .text = kNoPartitions},
    {.name = "auto-compaction", .effect = kIgnored, .text = kNoCompaction},
    {.name = "compaction.*", .effect = kIgnored, .text = kNoCompaction},
    {.name = "source.*", .effect = kIgnored, .text = kNotRead},
    {.name = "json.timestamp-format.standard", .default_value = "SQL", .text = kIsoTime},
    {.name = "json.encode.ignore-null-fields", .kind = Kind::kBool, .text = kNullFields},
    {.name = "json.encode.decimal-as-plain-number", .effect = kIgnored, .text = kPlainNumbers},
    {.name = "json.map-null-key.*", .effect = kIgnored, .text = kNullKeys},
    {.name = "json.fail-on-missing-field", .effect = kIgnored, .text = kNotRead},
    {.name = "json.ignore-parse-errors", .effect = kIgnored, .text = kNotRead},
    {.name = "changelog-json.timestamp-format.standard", .default_value = "SQL", .text = kIsoTime},
    {.name = "changelog-json.encode.ignore-null-fields", .kind = Kind::kBool, .text = kNullFields},
    {.name = "changelog-json.ignore-parse-errors", .effect = kIgnored, .text = kNotRead},
    {.name = "debezium-json.timestamp-format.standard", .default_value = "SQL", .text = kIsoTime},
    {.name = "debezium-json.encode.ignore-null-fields", .kind = Kind::kBool, .text = kNullFields},
    {.name = "debezium-json.encode.decimal-as-plain-number",
     .effect = kIgnored,
     .text = kPlainNumbers},
    {.name = "debezium-json.map-null-key.*", .effect = kIgnored, .text = kNullKeys},
    {.name = "debezium-json.schema-include", .effect = kIgnored, .text = kNotRead},
    {.name = "debezium-json.ignore-parse-errors", .effect = kIgnored, .text = kNotRead},
    {.name = "csv.field-delimiter", .default_value = ",", .text = "one character, or \\t"},
    {.name = "csv.quote-character", .default_value = "\"", .text = "one character"},
    {.name = "csv.null-literal", .text = "what NULL is written as; by default nothing"},
    {.name = "csv.allow-comments", .effect = kIgnored, .text = kNotRead},
    {.name = "csv.ignore-parse-errors", .effect = kIgnored, .text = kNotRead},
    {.name = "changelog-csv.field-delimiter",
     .default_value = ",",
     .text = "one character, or \\t"},
    {.name = "changelog-csv.quote-character", .default_value = "\"", .text = "one character"},
    {.name = "changelog-csv.null-literal", .text = "what NULL is written as; by default nothing"},
};

// Without file://, and without slashes at the end.
Result<std::string> directory_of(const std::string& path) {
  std::string directory = path.starts_with("file://") ? path.substr(7) : path;
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  if (directory.find("://") != std::string::npos) {
    return Status::unsupported(fmt::format("'path' is not of this machine: '{}'", path))
        .with_hint("write 'path' = '/some/directory'");
  }
  if (directory.empty() || directory[0] != '/') {
    return Status::invalid_argument(fmt::format("'path' must begin with a slash: '{}'", path))
        .with_hint("a relative path would depend on where the program was started");
  }
  return directory;
}

struct Written {
  FileSinkOptions files;
  std::unique_ptr<RowEncoder> encoder;
};

Result<Written> parse(const Options& with, const Schema& schema) {
  const Format& format = *TRY(find_format(with.at("format")));
  for (const auto& [key, value] : with) {
    for (const Format& other : formats()) {
      if (other.name != format.name && key.starts_with(std::string(other.name) + ".")) {
        return Status::invalid_argument(
            fmt::format("option '{}' is not one of format '{}'", key, format.name));
      }
    }
  }
  if (format.is_append_only &&
      !TRY(parse_bool(option_or_default(with, kSpecs, "sink.append-only")))) {
    return Status::invalid_argument(
               fmt::format("format '{}' has no place for rows that change or go, and rows of a "
                           "source do",
                           format.name))
        .with_hint(fmt::format("'format' = 'changelog-{0}' has; if the rows of the query only "
                               "come: 'sink.append-only' = 'true'",
                               format.name));
  }
  Written written;
  written.files.directory = TRY(directory_of(with.at("path")));
  written.files.extension = format.extension;
  written.files.size_max =
      TRY(parse_size_bytes(option_or_default(with, kSpecs, "sink.rolling-policy.file-size")));
  written.files.age_max_us = TRY(
      parse_duration_us(option_or_default(with, kSpecs, "sink.rolling-policy.rollover-interval")));
  if (written.files.size_max == 0) {
    return Status::invalid_argument("'sink.rolling-policy.file-size' must be more than 0");
  }
  written.encoder = TRY(format.make(format, with, schema));
  return written;
}

}  // namespace

std::span<const OptionSpec> FilesystemConnector::options() const {
  return kSpecs;
}

Result<SourceTable> FilesystemConnector::resolve_table(const Options& with,
                                                       const std::optional<Schema>& declared,
                                                       const Options& settings) {
  TRY(parse(with, declared.value_or(Schema())));
  return SinkConnector::resolve_table(with, declared, settings);
}

Result<std::unique_ptr<Sink>> FilesystemConnector::open_sink(SinkOpening opening) {
  Written written = TRY(parse(opening.with, opening.schema));
  written.files.name = std::move(opening.name);
  written.files.crash = opening.crash;
  return std::unique_ptr<Sink>(
      std::make_unique<FileSink>(std::move(written.files), std::move(written.encoder)));
}

}  // namespace tidemark
