#pragma once
// Changes as bytes, a record a row. The formats are a table (formats/formats.cc); a sink asks for
// one by name.
//
// A format is append-only if its records have no place for the kind of a change: then a row that
// goes or changes is an error. Whole batches are encoded: one call a batch, and a function a
// column.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "base/status.h"
#include "types/change.h"
#include "types/lsn.h"
#include "types/type.h"

namespace tidemark {

class RowEncoder {
 public:
  virtual ~RowEncoder() = default;
  // Appends the records. kDataError: a row cannot be written in this format; then nothing of the
  // batch counts.
  virtual Status encode(const ChangeBatch& changes, Lsn mark, std::string& out) const = 0;
};

struct Format {
  std::string_view name;
  bool is_append_only;
  std::string_view extension;  // of files
  // `options`: those of WITH that begin with the format's name.
  Result<std::unique_ptr<RowEncoder>> (*make)(const Format& format, const Options& options,
                                              const Schema& schema);
};

std::span<const Format> formats();
// kInvalidArgument lists the formats, and names the nearest.
Result<const Format*> find_format(std::string_view name);

// Of the formats in formats.cc.
Result<std::unique_ptr<RowEncoder>> make_json_encoder(const Format& format, const Options& options,
                                                      const Schema& schema);
Result<std::unique_ptr<RowEncoder>> make_csv_encoder(const Format& format, const Options& options,
                                                     const Schema& schema);

// Why the batch cannot be written in an append-only format; OK: rows only come.
Status check_append_only(const ChangeBatch& changes, std::string_view format);

}  // namespace tidemark
