#pragma once
// Errors are values. A function that can fail returns Status, or Result<T> when it also has a
// value; both are [[nodiscard]] and are passed on with TRY:
//
//   Result<int> twice(std::string_view text) {
//     int value = TRY(parse_int(text));   // on error: returns its Status from here
//     return value * 2;
//   }
//
// Messages are lower case without a final period, say what was being tried, and put values last.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace tidemark {

// What the caller can do about it. Each code maps to one SQLSTATE (sqlstate()).
enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,  // the user fixes the statement, option or declaration
  kDataError,        // a row cannot be computed: the row policy decides
  kUnavailable,      // a server is away: retry with back-off
  kCorruption,       // stop the job: what we hold is not to be trusted
  kNotFound,
  kAlreadyExists,
  kUnsupported,  // understood, and not built yet; named as such
  kCancelled,
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK: one null pointer
  Status(StatusCode code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status invalid_argument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status data_error(std::string m) { return {StatusCode::kDataError, std::move(m)}; }
  static Status unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status corruption(std::string m) { return {StatusCode::kCorruption, std::move(m)}; }
  static Status not_found(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status already_exists(std::string m) { return {StatusCode::kAlreadyExists, std::move(m)}; }
  static Status unsupported(std::string m) { return {StatusCode::kUnsupported, std::move(m)}; }
  static Status cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }

  bool ok() const { return detail_ == nullptr; }
  StatusCode code() const { return detail_ ? detail_->code : StatusCode::kOk; }
  const std::string& message() const;
  // More about what happened, in a sentence of its own. Empty if none.
  const std::string& detail() const;
  // What to do about it: a statement to run, the nearest name that exists. Empty if none.
  const std::string& hint() const;
  // Byte offset into the statement's text where the error is, if it has one.
  std::optional<size_t> position() const;
  // The code's own, unless with_sqlstate has named a narrower one.
  std::string_view sqlstate() const;

  // These do nothing on an OK status. `with_position` keeps a position that is already there.
  Status with_hint(std::string hint) &&;
  Status with_detail(std::string detail) &&;
  // Five characters of PostgreSQL's table (its manual, "PostgreSQL Error Codes"); a literal, which
  // is kept by reference. One that is there already stays.
  Status with_sqlstate(const char* sqlstate) &&;
  Status with_position(size_t position) &&;
  Status with_context(std::string_view prefix) &&;  // "prefix: message"

  // Message and hint on their own lines, without the source excerpt.
  std::string to_string() const;

  // For TRY, which takes Status and Result alike.
  Status status() && { return std::move(*this); }
  void value() && {}

 private:
  struct Detail {
    StatusCode code;
    std::string message;
    std::string hint;
    std::optional<size_t> position;
    std::string detail;
    const char* sqlstate = nullptr;  // null: the code's
  };
  std::unique_ptr<Detail> detail_;
};

// By hand and not over std::variant: nearly every file has Results of types of its own, and each
// costs the compiler several times as much as this.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : ok_(true), value_(std::move(value)) {}
  Result(Status status) : ok_(false), status_(std::move(status)) { CHECK(!status_.ok()); }
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      std::construct_at(&value_, std::move(other.value_));
    } else {
      std::construct_at(&status_, std::move(other.status_));
    }
  }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }
  ~Result() {
    if (ok_) {
      value_.~T();
    } else {
      status_.~Status();
    }
  }

  bool ok() const { return ok_; }
  const T& operator*() const& { return get(); }
  T& operator*() & { return get(); }
  const T* operator->() const { return &get(); }
  T* operator->() { return &get(); }
  T value() && { return std::move(get()); }
  Status status() && { return ok_ ? Status() : std::move(status_); }
  Status status() const& { return ok_ ? Status() : status_; }

 private:
  const T& get() const {
    CHECK(ok_);
    return value_;
  }
  T& get() {
    CHECK(ok_);
    return value_;
  }
  bool ok_;
  union {
    T value_;
    Status status_;
  };
};

}  // namespace tidemark

// Evaluates to the value, or returns the error from the enclosing function.
#define TRY(expression)                       \
  ({                                          \
    auto&& try_result_ = (expression);        \
    if (!try_result_.ok()) [[unlikely]] {     \
      return std::move(try_result_).status(); \
    }                                         \
    std::move(try_result_).value();           \
  })
