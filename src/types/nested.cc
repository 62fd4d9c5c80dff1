#include "types/nested.h"

#include <cmath>
#include <limits>
#include <map>

namespace tidemark {

namespace {

void append_u32(uint32_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), 4);
}

uint32_t take_u32(std::string_view& bytes) {
  CHECK(bytes.size() >= 4);
  uint32_t value = 0;
  std::memcpy(&value, bytes.data(), 4);
  bytes.remove_prefix(4);
  return value;
}

template <typename T>
T canonical(T value) {
  if (std::isnan(value)) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  return value == 0 ? T{0} : value;
}

}  // namespace

void pack_element(const Column& column, size_t row, std::string& out) {
  if (column.is_null(row)) {
    out += '\1';
    return;
  }
  out += '\0';
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    T value = column.data<T>()[row];
    if constexpr (std::is_same_v<T, StringRef>) {
      append_u32(value.size(), out);
      out.append(value.view());
    } else {
      if constexpr (std::is_floating_point_v<T>) {
        value = canonical(value);
      }
      out.append(reinterpret_cast<const char*>(&value), sizeof(T));
    }
  });
}

void unpack_element(std::string_view& bytes, Column& column) {
  CHECK(!bytes.empty());
  bool null = bytes.front() == '\1';
  bytes.remove_prefix(1);
  if (null) {
    column.append_null();
    return;
  }
  visit_physical(column.physical(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_same_v<T, StringRef>) {
      uint32_t size = take_u32(bytes);
      CHECK(bytes.size() >= size);
      column.append_string(bytes.substr(0, size));
      bytes.remove_prefix(size);
    } else {
      CHECK(bytes.size() >= sizeof(T));
      T value;
      std::memcpy(&value, bytes.data(), sizeof(T));
      column.append(value);
      bytes.remove_prefix(sizeof(T));
    }
  });
}

std::string pack_array(const Column& elements) {
  std::string out;
  append_u32(static_cast<uint32_t>(elements.size()), out);
  for (size_t i = 0; i < elements.size(); ++i) {
    pack_element(elements, i, out);
  }
  return out;
}

void unpack_array(std::string_view bytes, Column& elements) {
  uint32_t count = take_u32(bytes);
  for (uint32_t i = 0; i < count; ++i) {
    unpack_element(bytes, elements);
  }
}

uint32_t packed_count(std::string_view bytes) {
  return take_u32(bytes);
}

std::vector<Field> unnested_fields(const Type& collection) {
  std::vector<Field> fields;
  const Type& element = collection.children[0];
  if (collection.kind == TypeKind::kMap) {
    fields = {{"KEY", element.as_nullable()}, {"VALUE", collection.children[1].as_nullable()}};
  } else if (element.kind == TypeKind::kRow) {
    for (size_t i = 0; i < element.children.size(); ++i) {
      fields.push_back({element.field_names[i], element.children[i].as_nullable()});
    }
  } else {
    fields = {{"EXPR$0", element.as_nullable()}};
  }
  return fields;
}

std::string_view take_packed(std::string_view& bytes, const Type& element) {
  CHECK(!bytes.empty());
  size_t size = 1;
  if (!is_packed_null(bytes)) {
    PhysicalKind kind = element.physical();
    if (kind == PhysicalKind::kString) {
      std::string_view rest = bytes.substr(1);
      size += 4;
      size += take_u32(rest);
    } else {
      size += physical_width(kind);
    }
  }
  CHECK(bytes.size() >= size);
  std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

std::vector<std::string_view> packed_elements(std::string_view array, const Type& element) {
  uint32_t count = take_u32(array);
  std::vector<std::string_view> elements;
  elements.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    elements.push_back(take_packed(array, element));
  }
  return elements;
}

std::string pack_elements(std::span<const std::string_view> elements) {
  std::string out;
  append_u32(static_cast<uint32_t>(elements.size()), out);
  for (std::string_view element : elements) {
    out += element;
  }
  return out;
}

std::string pack_map(const Column& keys, const Column& values) {
  std::map<std::string, size_t> last;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::string key;
    pack_element(keys, i, key);
    last[std::move(key)] = i;
  }
  std::string out;
  append_u32(static_cast<uint32_t>(last.size()), out);
  for (const auto& [key, i] : last) {
    out += key;
    pack_element(values, i, out);
  }
  return out;
}

void unpack_map(std::string_view bytes, Column& keys, Column& values) {
  uint32_t count = take_u32(bytes);
  for (uint32_t i = 0; i < count; ++i) {
    unpack_element(bytes, keys);
    unpack_element(bytes, values);
  }
}

}  // namespace tidemark
