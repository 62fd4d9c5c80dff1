#pragma once
// A column: values of one type in one contiguous buffer, a null byte a row where there are nulls,
// and the heaps that keep long strings alive. Values of NULL rows are zero.
//
// Thread rule: one thread builds a column; once shared as ColumnRef it is immutable.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "types/string_ref.h"
#include "types/type.h"

namespace tidemark {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

// One value outside a column: literals, tests, slow paths. The alternative is the type's physical
// kind; monostate is NULL.
using Value =
    std::variant<std::monostate, bool, int32_t, int64_t, float, double, Int128, std::string>;

// The physical kind of a C++ type, and back.
template <typename T>
struct PhysicalOf;
template <>
struct PhysicalOf<uint8_t> {
  static constexpr PhysicalKind kKind = PhysicalKind::kBool;
};
template <>
struct PhysicalOf<int32_t> {
  static constexpr PhysicalKind kKind = PhysicalKind::kInt32;
};
template <>
struct PhysicalOf<int64_t> {
  static constexpr PhysicalKind kKind = PhysicalKind::kInt64;
};
template <>
struct PhysicalOf<float> {
  static constexpr PhysicalKind kKind = PhysicalKind::kFloat;
};
template <>
struct PhysicalOf<double> {
  static constexpr PhysicalKind kKind = PhysicalKind::kDouble;
};
template <>
struct PhysicalOf<Int128> {
  static constexpr PhysicalKind kKind = PhysicalKind::kInt128;
};
template <>
struct PhysicalOf<StringRef> {
  static constexpr PhysicalKind kKind = PhysicalKind::kString;
};

// Calls f with a default-constructed value of the C++ type of `kind`: one dispatch a column.
template <typename F>
decltype(auto) visit_physical(PhysicalKind kind, F&& f) {
  switch (kind) {
    case PhysicalKind::kBool:
      return f(uint8_t{});
    case PhysicalKind::kInt32:
      return f(int32_t{});
    case PhysicalKind::kInt64:
      return f(int64_t{});
    case PhysicalKind::kFloat:
      return f(float{});
    case PhysicalKind::kDouble:
      return f(double{});
    case PhysicalKind::kInt128:
      return f(Int128{});
    case PhysicalKind::kString:
      return f(StringRef{});
  }
  CHECK(false);
}

// Bytes without a value of their own: growing them copies what was there and touches no more.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) { *this = other; }
  Buffer(Buffer&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(const Buffer& other);
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer();
  std::byte* data() { return bytes_; }
  const std::byte* data() const { return bytes_; }
  size_t size() const { return size_; }
  void resize(size_t size);  // grows only

 private:
  std::byte* bytes_ = nullptr;
  size_t size_ = 0;
};

class Column {
 public:
  explicit Column(Type type)
      : type_(std::move(type)), physical_(type_.physical()), width_(physical_width(physical_)) {}

  const Type& type() const { return type_; }
  PhysicalKind physical() const { return physical_; }
  size_t size() const { return size_; }

  // T must be the physical C++ type: uint8_t, int32_t, int64_t, float, double, Int128, StringRef.
  template <typename T>
  const T* data() const {
    DCHECK(PhysicalOf<T>::kKind == physical_);
    return reinterpret_cast<const T*>(data_.data());
  }
  template <typename T>
  T* mutable_data() {
    DCHECK(PhysicalOf<T>::kKind == physical_);
    return reinterpret_cast<T*>(data_.data());
  }

  // One byte a row, 1 = NULL; nullptr when the column has no nulls.
  const uint8_t* nulls() const { return nulls_.empty() ? nullptr : nulls_.data(); }
  bool has_nulls() const { return !nulls_.empty(); }
  bool is_null(size_t row) const { return !nulls_.empty() && nulls_[row] != 0; }
  // Makes the null bytes exist (all 0 so far) and returns them.
  uint8_t* mutable_nulls();
  void set_null(size_t row) { mutable_nulls()[row] = 1; }

  void reserve(size_t rows);
  // New rows are zero and not null.
  void resize(size_t rows);
  void clear();

  template <typename T>
  void append(T value) {
    DCHECK(PhysicalOf<T>::kKind == physical_);
    size_t at = grow_one();
    std::memcpy(data_.data() + at, &value, sizeof(T));
  }
  void append_null();
  // Copies the bytes of long strings into this column's own heap.
  void append_string(std::string_view bytes);
  void append_value(const Value& value);
  // Appends rows[i] of source for each i; long strings are shared, not copied.
  void append_rows(const Column& source, std::span<const uint32_t> rows);
  // Appends all rows of source, sharing its strings.
  void append_all(const Column& source);
  // As append_rows for one row, but long strings are copied to this column's heap (or to `heap`).
  void append_copy(const Column& source, size_t row);
  // Overwrites a row in the same way.
  void assign_copy(size_t row, const Column& source, size_t source_row);

  // Reads one value; text of StringRef columns is copied.
  Value value_at(size_t row) const;
  std::string_view string_at(size_t row) const { return data<StringRef>()[row].view(); }

  // Keeps another column's string bytes alive for references copied from it.
  void share_heaps(const Column& source);
  // This column's own heap, made at first use.
  StringHeap& heap();
  // A reference to bytes that live as long as this column.
  StringRef intern(std::string_view bytes);
  // The heap that has all long strings of this column; null if there are others, or none.
  std::shared_ptr<const StringHeap> only_heap() const;

  // Bytes held: buffer, null bytes and own heap (shared heaps are counted by their owner).
  size_t held_bytes() const;

  // The same values under another type of the same physical kind (a cast that changes nothing).
  void set_type(Type type);

 private:
  size_t grow_one() {
    size_t at = size_ * width_;
    if (at + width_ > data_.size()) {
      reserve(size_ < 64 ? 128 : size_ * 2);
    }
    ++size_;
    if (!nulls_.empty()) {
      nulls_.push_back(0);
    }
    return at;
  }

  Type type_;
  PhysicalKind physical_;
  size_t width_;
  size_t size_ = 0;
  Buffer data_;  // rows past size_ are unspecified
  std::vector<uint8_t> nulls_;
  std::shared_ptr<StringHeap> heap_;
  // Immutable bytes of strings that were shared from other columns.
  std::vector<std::shared_ptr<const StringHeap>> shared_heaps_;
};

// Columns are shared between operators (and handed from thread to thread) once built.
using ColumnRef = std::shared_ptr<const Column>;

// Rows as columns of equal length.
struct RowBatch {
  std::vector<ColumnRef> columns;
  size_t rows = 0;

  // The chosen rows of every column.
  RowBatch select(std::span<const uint32_t> chosen) const;
};

// One empty column a field.
std::vector<Column> make_columns(const Schema& schema);
// Freezes built columns into a batch.
RowBatch to_batch(std::vector<Column> columns);

// Order of two values as Postgres's btree has it: NaN above all and equal to itself, -0 equal to 0,
// text by bytes. NULLs are not asked about here.
int compare_values(const Column& a, size_t row_a, const Column& b, size_t row_b);
// Equality for grouping: NULL equals NULL.
bool same_value(const Column& a, size_t row_a, const Column& b, size_t row_b);

}  // namespace tidemark
