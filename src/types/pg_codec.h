#pragma once
// Values between PostgreSQL's wire formats and columns. A decoder is chosen once a column, from the
// type at the source and the type to deliver; then each value, or each run of values, is one
// indirect call without allocation (strings longer than 12 bytes go to the column's heap).
//
// Binary layouts are those of the types' send functions (src/backend/utils/adt/*.c, PostgreSQL 15).

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "types/column.h"
#include "types/pg_type.h"

namespace tidemark {

class PgDecoder {
 public:
  // Any source type can be delivered as STRING, by its text. Other pairs must agree (see
  // pg_type_check.h, which also says what could be lost); kInvalidArgument if there is no way.
  static Result<PgDecoder> make(const PgType& source, const Type& target);

  // False: the source must send text (COPY casts the column, the stream runs in text).
  bool has_binary() const { return binary_.one != nullptr; }

  // Appends one value that is not NULL. On error nothing has been appended.
  Status decode_binary(std::string_view bytes, Column& out) const {
    return binary_.one(*this, bytes, out);
  }
  Status decode_text(std::string_view text, Column& out) const { return text_(*this, text, out); }
  // Appends values of one column, in binary form if there is one and else as text. A value without
  // data is NULL. On error those before the one that failed have been appended.
  Status decode_all(std::span<const std::string_view> values, Column& out) const;

  const PgType& source() const { return source_; }
  const Type& target() const { return target_; }

  using Function = Status (*)(const PgDecoder&, std::string_view, Column&);
  // The same for one value and for all of a run, in a loop without indirect calls.
  struct BinaryFunctions {
    Function one = nullptr;
    Status (*all)(const PgDecoder&, std::span<const std::string_view>, Column&) = nullptr;
  };
  // Arrays: the decoder of one element.
  const PgDecoder& element() const { return *element_; }

 private:
  PgType source_;
  Type target_;
  BinaryFunctions binary_;
  Function text_ = nullptr;
  std::shared_ptr<const PgDecoder>
      element_;  // shared: immutable, and a decoder is copied with its plan
};

// The functions of each kind, for PgDecoder::make; nullptr: there is none.
PgDecoder::BinaryFunctions pg_binary_functions(const PgType& source, const Type& target);
PgDecoder::Function pg_text_function(const PgType& source, const Type& target);

// The text of a value in binary form, as the type's output function writes it under the settings of
// our sessions (ISO dates, postgres intervals, UTC).
Status append_pg_text(const PgType& source, std::string_view bytes, std::string& out);
bool pg_text_is_known(const PgType& source);

// Appends a value that is not NULL in the binary form of oid_of(column.type()), without its length.
void append_pg_binary(const Column& column, size_t row, std::string& out);

}  // namespace tidemark
