#include "auth/saslprep.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <unicode/usprep.h>
#include <unicode/ustring.h>

namespace tidemark {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<signed char>(c) >= 0; });
}

// nullopt: not UTF-8.
std::optional<std::u16string> to_utf16(std::string_view text) {
  std::u16string units(text.size(), u'\0');  // never more units than bytes
  int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(units.data(), static_cast<int32_t>(units.size()), &size, text.data(),
                static_cast<int32_t>(text.size()), &error);
  if (U_FAILURE(error)) {
    return std::nullopt;
  }
  units.resize(static_cast<size_t>(size));
  return units;
}

std::string to_utf8(std::u16string_view units) {
  std::string text(units.size() * 3, '\0');
  int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF8(text.data(), static_cast<int32_t>(text.size()), &size, units.data(),
              static_cast<int32_t>(units.size()), &error);
  text.resize(U_FAILURE(error) ? 0 : static_cast<size_t>(size));
  return text;
}

// nullopt: the profile prohibits something in it.
std::optional<std::u16string> prepare(std::u16string_view units) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<UStringPrepProfile, decltype(&usprep_close)> profile(
      usprep_openByType(USPREP_RFC4013_SASLPREP, &error), &usprep_close);
  std::u16string prepared;
  int32_t size = static_cast<int32_t>(units.size());
  do {  // normalization can make it longer
    prepared.resize(static_cast<size_t>(size));
    error = error == U_BUFFER_OVERFLOW_ERROR ? U_ZERO_ERROR : error;
    size = usprep_prepare(profile.get(), units.data(), static_cast<int32_t>(units.size()),
                          prepared.data(), static_cast<int32_t>(prepared.size()), USPREP_DEFAULT,
                          nullptr, &error);
  } while (error == U_BUFFER_OVERFLOW_ERROR);
  if (U_FAILURE(error)) {
    return std::nullopt;
  }
  prepared.resize(static_cast<size_t>(size));
  return prepared;
}

}  // namespace

std::string saslprep(std::string_view password) {
  std::optional<std::u16string> units = is_ascii(password) ? std::nullopt : to_utf16(password);
  std::optional<std::u16string> prepared = units ? prepare(*units) : std::nullopt;
  std::string text = prepared ? to_utf8(*prepared) : "";
  return text.empty() ? std::string(password) : text;
}

}  // namespace tidemark
