#include "types/column.h"

#include <algorithm>
#include <cmath>

#include "base/page_memory.h"

namespace tidemark {

void StringHeap::grow(size_t size) {
  constexpr size_t kChunkMin = 4 << 10;  // small columns stay small
  constexpr size_t kChunkMax = 256 << 10;
  // The end of a chunk stays empty: as much as one string, and of the last one as much as half.
  size_t most = std::clamp(size * 8, kChunkMax / 4, kChunkMax);
  size_t chunk = std::max(size, std::clamp(held_, kChunkMin, most));
  chunks_.push_back(std::unique_ptr<char[]>(new char[chunk]));  // left uninitialised on purpose
  next_ = chunks_.back().get();
  left_ = chunk;
  held_ += chunk;
}

void StringHeap::keep(std::shared_ptr<const StringHeap> other) {
  CHECK(!other->keeps_others());  // so there are no rings
  used_ += other->used_bytes();
  kept_.push_back(std::move(other));
  asked_ = 0;
}

size_t StringHeap::held_bytes() const {
  constexpr uint32_t kLookEvery = 64;  // there may be thousands, and this is asked often
  if (kept_.empty()) {
    return held_;
  }
  if (asked_++ % kLookEvery == 0) {
    kept_held_ = 0;
    for (const std::shared_ptr<const StringHeap>& heap : kept_) {
      kept_held_ += heap->held_ / static_cast<size_t>(std::max<long>(heap.use_count(), 1));
    }
  }
  return held_ + kept_held_;
}

Buffer::~Buffer() {
  free_memory(bytes_, size_);
}

Buffer& Buffer::operator=(const Buffer& other) {
  if (this != &other) {
    resize(other.size_);
    if (other.size_ != 0) {
      std::memcpy(bytes_, other.bytes_, other.size_);
    }
  }
  return *this;
}

void Buffer::resize(size_t size) {
  if (size > size_) {
    bytes_ = grow_memory(bytes_, size_, size);
    size_ = size;
  }
}

uint8_t* Column::mutable_nulls() {
  if (nulls_.empty()) {
    nulls_.reserve(std::max<size_t>(size_, data_.size() / width_));
    nulls_.resize(std::max<size_t>(size_, 1));
    nulls_.resize(size_);
    if (size_ == 0) {
      return nullptr;
    }
  }
  return nulls_.data();
}

void Column::reserve(size_t rows) {
  if (rows * width_ > data_.size()) {
    data_.resize(rows * width_);
  }
}

void Column::resize(size_t rows) {
  reserve(rows);
  if (rows > size_) {
    std::memset(data_.data() + size_ * width_, 0, (rows - size_) * width_);
  }
  size_ = rows;
  if (!nulls_.empty()) {
    nulls_.resize(rows);
  }
}

void Column::clear() {
  size_ = 0;
  nulls_.clear();
  heap_.reset();
  shared_heaps_.clear();
}

void Column::append_null() {
  size_t row = size_;
  resize(size_ + 1 > data_.size() / width_ ? (reserve(size_ < 64 ? 128 : size_ * 2), size_ + 1)
                                           : size_ + 1);
  if (nulls_.empty()) {
    nulls_.resize(size_);
  }
  nulls_[row] = 1;
}

void Column::append_string(std::string_view bytes) {
  append(intern(bytes));
}

StringRef Column::intern(std::string_view bytes) {
  if (bytes.size() > StringRef::kInlineMax) {
    return StringRef({heap().append(bytes), bytes.size()});
  }
  return StringRef(bytes);
}

StringHeap& Column::heap() {
  if (!heap_) {
    heap_ = std::make_shared<StringHeap>();
  }
  return *heap_;
}

void Column::append_value(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    append_null();
    return;
  }
  switch (physical_) {
    case PhysicalKind::kBool:
      append<uint8_t>(std::get<bool>(value));
      return;
    case PhysicalKind::kInt32:
      append(std::get<int32_t>(value));
      return;
    case PhysicalKind::kInt64:
      append(std::get<int64_t>(value));
      return;
    case PhysicalKind::kFloat:
      append(std::get<float>(value));
      return;
    case PhysicalKind::kDouble:
      append(std::get<double>(value));
      return;
    case PhysicalKind::kInt128:
      append(std::get<Int128>(value));
      return;
    case PhysicalKind::kString:
      append_string(std::get<std::string>(value));
      return;
  }
  CHECK(false);
}

void Column::append_rows(const Column& source, std::span<const uint32_t> rows) {
  CHECK(source.physical_ == physical_);
  size_t first = size_;
  size_t total = size_ + rows.size();
  if (total * width_ > data_.size()) {
    reserve(first == 0 ? total : std::max(total, size_ * 2));
  }
  visit_physical(physical_, [&](auto tag) {
    using T = decltype(tag);
    const T* from = reinterpret_cast<const T*>(source.data_.data());
    T* to = reinterpret_cast<T*>(data_.data()) + first;
    for (size_t i = 0; i < rows.size(); ++i) {
      to[i] = from[rows[i]];
    }
  });
  if (!source.nulls_.empty() || !nulls_.empty()) {
    if (nulls_.empty()) {
      nulls_.resize(first);
    }
    nulls_.resize(total);
    if (!source.nulls_.empty()) {
      for (size_t i = 0; i < rows.size(); ++i) {
        nulls_[first + i] = source.nulls_[rows[i]];
      }
    }
  }
  size_ = total;
  if (physical_ == PhysicalKind::kString) {
    share_heaps(source);
  }
}

void Column::append_all(const Column& source) {
  CHECK(source.physical_ == physical_);
  size_t first = size_;
  size_t total = size_ + source.size_;
  if (total * width_ > data_.size()) {
    reserve(first == 0 ? total : std::max(total, size_ * 2));
  }
  if (source.size_ != 0) {
    std::memcpy(data_.data() + first * width_, source.data_.data(), source.size_ * width_);
  }
  if (!source.nulls_.empty() || !nulls_.empty()) {
    if (nulls_.empty()) {
      nulls_.resize(first);
    }
    if (source.nulls_.empty()) {
      nulls_.resize(total);
    } else {
      nulls_.insert(nulls_.end(), source.nulls_.begin(), source.nulls_.end());
    }
  }
  size_ = total;
  if (physical_ == PhysicalKind::kString) {
    share_heaps(source);
  }
}

void Column::append_copy(const Column& source, size_t row) {
  resize(size_ + 1 > data_.size() / width_ ? (reserve(size_ < 64 ? 128 : size_ * 2), size_ + 1)
                                           : size_ + 1);
  assign_copy(size_ - 1, source, row);
}

void Column::assign_copy(size_t row, const Column& source, size_t source_row) {
  CHECK(source.physical_ == physical_);
  bool null = source.is_null(source_row);
  if (null || !nulls_.empty()) {
    mutable_nulls()[row] = null;
  }
  if (physical_ == PhysicalKind::kString) {
    StringRef ref = source.data<StringRef>()[source_row];
    if (!ref.is_inline()) {
      ref = intern(ref.view());
    }
    reinterpret_cast<StringRef*>(data_.data())[row] = ref;
    return;
  }
  std::memcpy(data_.data() + row * width_, source.data_.data() + source_row * width_, width_);
}

Value Column::value_at(size_t row) const {
  if (is_null(row)) {
    return std::monostate{};
  }
  switch (physical_) {
    case PhysicalKind::kBool:
      return data<uint8_t>()[row] != 0;
    case PhysicalKind::kInt32:
      return data<int32_t>()[row];
    case PhysicalKind::kInt64:
      return data<int64_t>()[row];
    case PhysicalKind::kFloat:
      return data<float>()[row];
    case PhysicalKind::kDouble:
      return data<double>()[row];
    case PhysicalKind::kInt128:
      return data<Int128>()[row];
    case PhysicalKind::kString:
      return std::string(string_at(row));
  }
  CHECK(false);
}

void Column::share_heaps(const Column& source) {
  auto add = [&](const std::shared_ptr<const StringHeap>& heap) {
    if (heap && heap != heap_ &&
        std::find(shared_heaps_.begin(), shared_heaps_.end(), heap) == shared_heaps_.end()) {
      shared_heaps_.push_back(heap);
    }
  };
  add(source.heap_);
  for (const auto& heap : source.shared_heaps_) {
    add(heap);
  }
}

std::shared_ptr<const StringHeap> Column::only_heap() const {
  return shared_heaps_.empty() ? heap_ : nullptr;
}

size_t Column::held_bytes() const {
  return data_.size() + nulls_.capacity() + (heap_ ? heap_->held_bytes() : 0);
}

void Column::set_type(Type type) {
  CHECK(type.physical() == physical_);
  type_ = std::move(type);
}

RowBatch RowBatch::select(std::span<const uint32_t> chosen) const {
  RowBatch result;
  result.rows = chosen.size();
  result.columns.reserve(columns.size());
  for (const ColumnRef& column : columns) {
    auto picked = std::make_shared<Column>(column->type());
    picked->append_rows(*column, chosen);
    result.columns.push_back(std::move(picked));
  }
  return result;
}

std::vector<Column> make_columns(const Schema& schema) {
  std::vector<Column> columns;
  columns.reserve(schema.size());
  for (const Field& field : schema.fields) {
    columns.emplace_back(field.type);
  }
  return columns;
}

RowBatch to_batch(std::vector<Column> columns) {
  RowBatch batch;
  batch.rows = columns.empty() ? 0 : columns[0].size();
  for (Column& column : columns) {
    CHECK(column.size() == batch.rows);
    batch.columns.push_back(std::make_shared<const Column>(std::move(column)));
  }
  return batch;
}

namespace {

template <typename T>
int compare(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

template <typename T>
int compare_floats(T a, T b) {
  // PostgreSQL 15, float8_cmp_internal: NaN equals NaN and is greater than everything else.
  if (std::isnan(a) || std::isnan(b)) {
    return std::isnan(a) && std::isnan(b) ? 0 : (std::isnan(a) ? 1 : -1);
  }
  return compare(a, b);
}

}  // namespace

int compare_values(const Column& a, size_t row_a, const Column& b, size_t row_b) {
  DCHECK(a.physical() == b.physical());
  switch (a.physical()) {
    case PhysicalKind::kBool:
      return compare(a.data<uint8_t>()[row_a], b.data<uint8_t>()[row_b]);
    case PhysicalKind::kInt32:
      return compare(a.data<int32_t>()[row_a], b.data<int32_t>()[row_b]);
    case PhysicalKind::kInt64:
      return compare(a.data<int64_t>()[row_a], b.data<int64_t>()[row_b]);
    case PhysicalKind::kFloat:
      return compare_floats(a.data<float>()[row_a], b.data<float>()[row_b]);
    case PhysicalKind::kDouble:
      return compare_floats(a.data<double>()[row_a], b.data<double>()[row_b]);
    case PhysicalKind::kInt128:
      return compare(a.data<Int128>()[row_a], b.data<Int128>()[row_b]);
    case PhysicalKind::kString: {
      int order = a.string_at(row_a).compare(b.string_at(row_b));
      return order < 0 ? -1 : (order > 0 ? 1 : 0);
    }
  }
  CHECK(false);
}

bool same_value(const Column& a, size_t row_a, const Column& b, size_t row_b) {
  bool null_a = a.is_null(row_a);
  bool null_b = b.is_null(row_b);
  if (null_a || null_b) {
    return null_a && null_b;
  }
  return compare_values(a, row_a, b, row_b) == 0;
}

}  // namespace tidemark
