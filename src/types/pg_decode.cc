// Binary values into columns.

#include <fmt/core.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/nested.h"
#include "types/pg_codec.h"
#include "types/pg_numeric.h"
#include "types/pg_wire.h"

namespace tidemark {

namespace {

using Function = PgDecoder::Function;
using Functions = PgDecoder::BinaryFunctions;

constexpr Functions kNone;

template <Function decode>
Status decode_each(const PgDecoder& decoder, std::span<const std::string_view> values,
                   Column& out) {
  for (std::string_view value : values) {
    if (value.data() == nullptr) {
      out.append_null();
    } else {
      TRY(decode(decoder, value, out));
    }
  }
  return {};
}

template <Function decode>
constexpr Functions kEach{.one = decode, .all = decode_each<decode>};

Status malformed(const PgDecoder& decoder, std::string_view bytes) {
  return Status::data_error(
      fmt::format("malformed {}: {} bytes", decoder.source().name, bytes.size()));
}

// A number of type From, stored as To (which holds every From).
template <typename From, typename To>
Status decode_number(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  if (bytes.size() != sizeof(From)) [[unlikely]] {
    return malformed(decoder, bytes);
  }
  out.append<To>(static_cast<To>(read_big_endian<From>(bytes.data())));
  return {};
}

// Days or microseconds that the type can hold, as PostgreSQL's receive functions check them.
template <typename From, bool (*is_valid)(int64_t)>
Status decode_moment(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  if (bytes.size() != sizeof(From) || !is_valid(read_big_endian<From>(bytes.data()))) [[unlikely]] {
    return malformed(decoder, bytes);
  }
  out.append<From>(read_big_endian<From>(bytes.data()));
  return {};
}

template <typename From>
Status decode_integer_as_decimal(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  if (bytes.size() != sizeof(From)) {
    return malformed(decoder, bytes);
  }
  Int128 value = read_big_endian<From>(bytes.data());
  const Type& type = decoder.target();
  out.append<Int128>(TRY(decimal_rescale(value, 0, type.scale, type.precision)));
  return {};
}

template <typename From>
Functions integer_functions(const Type& target) {
  switch (target.physical()) {
    case PhysicalKind::kInt32:
      return target.is_integer() ? kEach<decode_number<From, int32_t>> : kNone;
    case PhysicalKind::kInt64:
      return target.kind == TypeKind::kBigint ? kEach<decode_number<From, int64_t>> : kNone;
    case PhysicalKind::kFloat:
      return kEach<decode_number<From, float>>;
    case PhysicalKind::kDouble:
      return kEach<decode_number<From, double>>;
    case PhysicalKind::kInt128:
      if constexpr (!std::is_floating_point_v<From>) {
        return kEach<decode_integer_as_decimal<From>>;
      }
      return kNone;
    default:
      return kNone;
  }
}

template <typename From>
Functions float_functions(const Type& target) {
  if (target.kind == TypeKind::kFloat) {
    return kEach<decode_number<From, float>>;
  }
  return target.kind == TypeKind::kDouble ? kEach<decode_number<From, double>> : kNone;
}

Status decode_bool(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  if (bytes.size() != 1) {
    return malformed(decoder, bytes);
  }
  out.append<uint8_t>(bytes[0] != 0);
  return {};
}

Status decode_bytes(const PgDecoder&, std::string_view bytes, Column& out) {
  out.append_string(bytes);
  return {};
}

// As decode_bytes, for texts: the heap is looked up once.
Status decode_all_bytes(const PgDecoder&, std::span<const std::string_view> values, Column& out) {
  StringHeap* heap = nullptr;
  for (std::string_view value : values) {
    if (value.data() == nullptr) {
      out.append_null();
      continue;
    }
    if (value.size() > StringRef::kInlineMax) {
      heap = heap == nullptr ? &out.heap() : heap;
      value = {heap->append(value), value.size()};
    }
    out.append(StringRef(value));
  }
  return {};
}

constexpr Functions kBytes{.one = decode_bytes, .all = decode_all_bytes};

Status decode_numeric(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  out.append<Int128>(
      TRY(decode_pg_numeric(bytes, decoder.target().precision, decoder.target().scale)));
  return {};
}

template <typename To>
Status decode_numeric_as_integer(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  Int128 value = TRY(decode_pg_numeric(bytes, 18, 0));
  if (decimal_is_special(value) || static_cast<To>(value) != value) {
    std::string text;
    TRY(append_pg_numeric_text(bytes, text));
    return Status::data_error(
        fmt::format("value does not fit {}: {}", decoder.target().to_string(), text));
  }
  out.append<To>(static_cast<To>(value));
  return {};
}

Functions numeric_functions(const Type& target) {
  switch (target.kind) {
    case TypeKind::kDecimal:
      return kEach<decode_numeric>;
    case TypeKind::kInt:
      return kEach<decode_numeric_as_integer<int32_t>>;
    case TypeKind::kBigint:
      return kEach<decode_numeric_as_integer<int64_t>>;
    default:
      return kNone;
  }
}

// Anything as STRING. The text is built in a buffer that keeps its capacity.
Status decode_as_text(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  thread_local std::string text;
  text.clear();
  TRY(append_pg_text(decoder.source(), bytes, text));
  out.append_string(text);
  return {};
}

// array_send: int32 dimensions, int32 has nulls, uint32 element type, then per dimension int32 size
// and int32 lower bound; then the elements in row-major order, each int32 length (-1: NULL) and
// bytes.
struct ArrayReader {
  const PgDecoder& decoder;
  std::string_view rest;
  std::vector<int32_t> sizes;

  Status fail() const { return Status::data_error("malformed array: " + decoder.source().name); }

  Status read_header() {
    if (rest.size() < 12) {
      return fail();
    }
    int32_t dimensions = read_big_endian<int32_t>(rest.data());
    rest.remove_prefix(12);
    if (dimensions < 0 || dimensions > 6 || rest.size() < 8 * static_cast<size_t>(dimensions)) {
      return fail();
    }
    for (int32_t i = 0; i < dimensions; ++i) {
      sizes.push_back(read_big_endian<int32_t>(rest.data()));
      rest.remove_prefix(8);
      if (sizes.back() < 0) {
        return fail();
      }
    }
    // No more elements than there are bytes for; an array without any has no dimensions.
    size_t elements = 1;
    for (int32_t size : sizes) {
      elements *= static_cast<size_t>(size);
      if (elements > rest.size() / 4) {
        return fail();
      }
    }
    if (elements == 0) {
      sizes.clear();
    }
    return {};
  }

  Status read_elements(int32_t count, Column& elements) {
    for (int32_t i = 0; i < count; ++i) {
      if (rest.size() < 4) {
        return fail();
      }
      int32_t size = read_big_endian<int32_t>(rest.data());
      rest.remove_prefix(4);
      if (size < 0) {
        elements.append_null();
        continue;
      }
      if (rest.size() < static_cast<size_t>(size)) {
        return fail();
      }
      TRY(decoder.element().decode_binary(rest.substr(0, static_cast<size_t>(size)), elements));
      rest.remove_prefix(static_cast<size_t>(size));
    }
    return {};
  }

  // Packs dimension `depth` of the array, whose type is `type`.
  Result<std::string> pack(const Type& type, size_t depth) {
    Column elements(type.children[0]);
    if (depth + 1 == sizes.size()) {
      TRY(read_elements(sizes[depth], elements));
    } else {
      for (int32_t i = 0; i < sizes[depth]; ++i) {
        elements.append_string(TRY(pack(type.children[0], depth + 1)));
      }
    }
    return pack_array(elements);
  }
};

size_t array_depth(const Type& type) {
  return type.kind == TypeKind::kArray ? 1 + array_depth(type.children[0]) : 0;
}

Status decode_array(const PgDecoder& decoder, std::string_view bytes, Column& out) {
  ArrayReader reader{.decoder = decoder, .rest = bytes, .sizes = {}};
  TRY(reader.read_header());
  if (reader.sizes.empty()) {  // '{}' has no dimensions at all
    out.append_string(pack_array(Column(decoder.target().children[0])));
    return {};
  }
  size_t depth = array_depth(decoder.target());
  if (reader.sizes.size() != depth) {
    return Status::data_error(fmt::format("array of {} dimensions where {} are declared as {}",
                                          reader.sizes.size(), depth,
                                          decoder.target().to_string_without_null()));
  }
  out.append_string(TRY(reader.pack(decoder.target(), 0)));
  return {};
}

bool is_text(const Type& type) {
  return type.is_character();
}

}  // namespace

PgDecoder::BinaryFunctions pg_binary_functions(const PgType& source, const Type& target) {
  if (source.kind == PgKind::kText) {
    return is_text(target) ? kBytes : kNone;
  }
  if (is_text(target)) {
    return pg_text_is_known(source) ? kEach<decode_as_text> : kNone;
  }
  switch (source.kind) {
    case PgKind::kBool:
      return target.kind == TypeKind::kBoolean ? kEach<decode_bool> : kNone;
    case PgKind::kBytea:
      return target.is_binary() ? kBytes : kNone;
    case PgKind::kInt2:
      return integer_functions<int16_t>(target);
    case PgKind::kInt4:
      return integer_functions<int32_t>(target);
    case PgKind::kInt8:
      return integer_functions<int64_t>(target);
    case PgKind::kOid:
      return integer_functions<uint32_t>(target);
    case PgKind::kFloat4:
      return float_functions<float>(target);
    case PgKind::kFloat8:
      return float_functions<double>(target);
    case PgKind::kNumeric:
      return numeric_functions(target);
    case PgKind::kDate:
      return target.kind == TypeKind::kDate ? kEach<decode_moment<int32_t, is_date>> : kNone;
    case PgKind::kTime:
      return target.kind == TypeKind::kTime ? kEach<decode_moment<int64_t, is_time>> : kNone;
    case PgKind::kTimestamp:
      return target.kind == TypeKind::kTimestamp ? kEach<decode_moment<int64_t, is_timestamp>>
                                                 : kNone;
    case PgKind::kTimestampTz:
      return target.kind == TypeKind::kTimestampLtz ? kEach<decode_moment<int64_t, is_timestamp>>
                                                    : kNone;
    case PgKind::kArray:
      return target.kind == TypeKind::kArray ? kEach<decode_array> : kNone;
    default:
      return kNone;
  }
}

Status PgDecoder::decode_all(std::span<const std::string_view> values, Column& out) const {
  if (has_binary()) {
    return binary_.all(*this, values, out);
  }
  for (std::string_view value : values) {
    if (value.data() == nullptr) {
      out.append_null();
    } else {
      TRY(decode_text(value, out));
    }
  }
  return {};
}

Result<PgDecoder> PgDecoder::make(const PgType& source, const Type& target) {
  PgDecoder decoder;
  decoder.source_ = source;
  decoder.target_ = target;
  if (source.kind == PgKind::kArray && target.kind == TypeKind::kArray) {
    const Type* element = &target;
    while (element->kind == TypeKind::kArray) {
      element = &element->children[0];
    }
    PgType element_source = pg_builtin(source.element_oid, source.modifier);
    element_source.kind = source.element_kind;
    decoder.element_ = std::make_shared<const PgDecoder>(TRY(make(element_source, *element)));
  }
  decoder.text_ = pg_text_function(source, target);
  bool has_binary =
      source.has_binary && (decoder.element_ == nullptr || decoder.element_->has_binary());
  decoder.binary_ = has_binary ? pg_binary_functions(source, target) : kNone;
  if (decoder.text_ == nullptr) {
    return Status::invalid_argument(
        fmt::format("cannot deliver {} as {}", source.name, target.to_string_without_null()));
  }
  return decoder;
}

}  // namespace tidemark
