#pragma once
// Type rules of functions with fixed argument types, in one line of letters:
//
//   s text   i INT   l BIGINT   d DOUBLE   b BOOLEAN   D DATE   t TIME   T TIMESTAMP   L
//   TIMESTAMP_LTZ y bytes  a anything that can be written as text (converted to text) ? before the
//   first argument that may be left out   * after the last: any number of it

#include <algorithm>

#include <fmt/core.h>

#include "expr/cast.h"
#include "expr/function.h"

namespace tidemark {

template <size_t kSize>
struct FixedString {
  char text[kSize];
  constexpr FixedString(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }
  constexpr std::string_view view() const { return {text, kSize - 1}; }
};

inline Type type_of_letter(char letter) {
  switch (letter) {
    case 'i':
      return Type::integer();
    case 'l':
      return Type::bigint();
    case 'd':
      return Type::float64();
    case 'b':
      return Type::boolean();
    case 'D':
      return Type::date();
    case 't':
      return Type::time(6);
    case 'T':
      return Type::timestamp(6);
    case 'L':
      return Type::timestamp_ltz(6);
    case 'y':
      return Type::bytes();
    default:
      return Type::string();
  }
}

inline bool letter_takes(char letter, const Type& type) {
  if (type.kind == TypeKind::kNull) {
    return true;
  }
  switch (letter) {
    case 'a':
      return !type.is_nested();
    case 's':
      return type.is_character();
    case 'l':
    case 'i':
      return type.is_integer() && (letter == 'l' || type.kind != TypeKind::kBigint);
    case 'd':
      return type.is_numeric();
    case 'D':
      return type.kind == TypeKind::kDate || type.is_timestamp() || type.is_character();
    case 'T':
      return type.is_timestamp() || type.kind == TypeKind::kDate || type.is_character();
    case 'L':
      return type.is_timestamp();
    case 't':
      return type.kind == TypeKind::kTime;
    case 'b':
      return type.kind == TypeKind::kBoolean;
    case 'y':
      return type.is_binary();
    default:
      return false;
  }
}

template <FixedString kArguments, char kResult, Kernel kKernel, bool kCanFail = false,
          NullRule kNulls = NullRule::kStrict>
Result<BoundFunction> bind_shape(std::span<const Type> given) {
  std::string_view letters = kArguments.view();
  BoundFunction bound{kKernel, type_of_letter(kResult), {}, kNulls, kCanFail};
  size_t next = 0, required = 0, count = 0;
  bool optional = false, repeats = false;
  std::string expected;
  for (char letter : letters) {
    optional = optional || letter == '?';
    repeats = repeats || letter == '*';
    if (letter != '?' && letter != '*') {
      ++count;
      required += optional ? 0 : 1;
    }
  }
  if (given.size() < required || (given.size() > count && !repeats)) {
    return Status::invalid_argument(fmt::format(
        "takes {}{} arguments, not {}", required == count ? "" : fmt::format("{} to ", required),
        repeats ? "any number of" : std::to_string(count), given.size()));
  }
  char letter = 's';
  for (const Type& type : given) {
    while (next < letters.size() && letters[next] == '?') {
      ++next;
    }
    if (next < letters.size() && letters[next] != '*') {
      letter = letters[next++];
    }
    if (!letter_takes(letter, type)) {
      return Status::invalid_argument(fmt::format(
          "argument {} is {}, expected {}", bound.arguments.size() + 1,
          type.to_string_without_null(),
          letter == 'a' ? "a scalar" : type_of_letter(letter).to_string_without_null()));
    }
    bound.arguments.push_back(type_of_letter(letter));
  }
  return bound;
}

// --- loops for kernels ---

// f(row) -> T for every row that is not NULL.
template <typename T, typename F>
void fill(const KernelFrame& frame, F&& f) {
  T* out = frame.out.mutable_data<T>();
  for (size_t row = 0; row < frame.rows; ++row) {
    if (!frame.out.is_null(row)) {
      out[row] = static_cast<T>(f(row));
    }
  }
}

// The row's text, of which `bytes` have been made before. False: they are too many, and the kernel
// is to stop.
inline bool put_text(const KernelFrame& frame, size_t row, std::string_view text, size_t& bytes) {
  bytes += text.size();
  if (bytes > frame.context.bytes_max) {
    frame.context.is_exceeded = true;
    return false;
  }
  frame.out.mutable_data<StringRef>()[row] = frame.out.intern(text);
  return true;
}

// f(row, text) writes the row's text; returns false for NULL.
template <typename F>
void fill_text(const KernelFrame& frame, F&& f) {
  std::string text;
  size_t bytes = 0;
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    text.clear();
    if (!f(row, text)) {
      frame.out.set_null(row);
    } else if (!put_text(frame, row, text, bytes)) {
      return;
    }
  }
}

// f(row, part) finds the row's text within that of `source`, whose bytes it shares; returns false
// for NULL.
template <typename F>
void fill_part(const KernelFrame& frame, const Argument& source, F&& f) {
  frame.out.share_heaps(*source.column);
  for (size_t row = 0; row < frame.rows; ++row) {
    if (frame.out.is_null(row)) {
      continue;
    }
    std::string_view part;
    if (f(row, part)) {
      frame.out.mutable_data<StringRef>()[row] = StringRef(part);
    } else {
      frame.out.set_null(row);
    }
  }
}

}  // namespace tidemark
