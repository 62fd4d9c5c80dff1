#include "base/status.h"

namespace tidemark {

namespace {
const std::string kEmpty;
}

Status::Status(StatusCode code, std::string message)
    : detail_(std::make_unique<Detail>(Detail{code, std::move(message), {}, {}, {}, nullptr})) {
  CHECK(code != StatusCode::kOk);
}

Status::Status(const Status& other)
    : detail_(other.detail_ ? std::make_unique<Detail>(*other.detail_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) {
    detail_ = other.detail_ ? std::make_unique<Detail>(*other.detail_) : nullptr;
  }
  return *this;
}

const std::string& Status::message() const {
  return detail_ ? detail_->message : kEmpty;
}
const std::string& Status::hint() const {
  return detail_ ? detail_->hint : kEmpty;
}

const std::string& Status::detail() const {
  return detail_ ? detail_->detail : kEmpty;
}

std::optional<size_t> Status::position() const {
  return detail_ ? detail_->position : std::nullopt;
}

std::string_view Status::sqlstate() const {
  if (detail_ && detail_->sqlstate != nullptr) {
    return detail_->sqlstate;
  }
  switch (code()) {
    case StatusCode::kOk:
      return "00000";
    case StatusCode::kInvalidArgument:
      return "42601";  // syntax_error: also what names and types that do not fit are reported as
    case StatusCode::kDataError:
      return "22000";  // data_exception
    case StatusCode::kUnavailable:
      return "08006";  // connection_failure
    case StatusCode::kCorruption:
      return "XX001";  // data_corrupted
    case StatusCode::kNotFound:
      return "42704";  // undefined_object
    case StatusCode::kAlreadyExists:
      return "42710";  // duplicate_object
    case StatusCode::kUnsupported:
      return "0A000";  // feature_not_supported
    case StatusCode::kCancelled:
      return "57014";  // query_canceled
  }
  return "XX000";
}

Status Status::with_hint(std::string hint) && {
  if (detail_) {
    detail_->hint = std::move(hint);
  }
  return std::move(*this);
}

Status Status::with_detail(std::string detail) && {
  if (detail_) {
    detail_->detail = std::move(detail);
  }
  return std::move(*this);
}

Status Status::with_sqlstate(const char* sqlstate) && {
  if (detail_ && detail_->sqlstate == nullptr) {
    detail_->sqlstate = sqlstate;
  }
  return std::move(*this);
}

Status Status::with_position(size_t position) && {
  if (detail_ && !detail_->position) {
    detail_->position = position;
  }
  return std::move(*this);
}

Status Status::with_context(std::string_view prefix) && {
  if (detail_) {
    detail_->message = std::string(prefix) + ": " + detail_->message;
  }
  return std::move(*this);
}

std::string Status::to_string() const {
  std::string text = message();
  if (!hint().empty()) {
    text += "\nhint: " + hint();
  }
  return text;
}

}  // namespace tidemark
