// PRINTF (Java's Formatter, Locale.US) and Postgres's FORMAT.

#include <cctype>
#include <cmath>

#include "expr/functions/families.h"
#include "expr/functions/shape.h"
#include "expr/functions/utf8.h"
#include "types/decimal.h"
#include "types/text.h"

namespace tidemark {

namespace {

using Arguments = std::span<const Argument>;

// %[index$][flags][width][.precision]conversion
struct Directive {
  size_t index = 0;  // 1-based; 0: the next one
  std::string flags;
  size_t width = 0;
  std::optional<size_t> precision;
  char conversion = 0;

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

constexpr size_t kWidthMax = 1 << 20;  // wider is a mistake, not a result

// Reads behind the %; nullopt: not a directive.
std::optional<Directive> read_directive(std::string_view& text) {
  Directive directive;
  auto number = [&]() -> std::optional<size_t> {
    size_t value = 0, digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
      value = std::min(value * 10 + static_cast<size_t>(text[digits++] - '0'), kWidthMax + 1);
    }
    text.remove_prefix(digits);
    return digits == 0 ? std::nullopt : std::optional<size_t>(value);
  };
  std::string_view start = text;
  std::optional<size_t> index = number();
  if (index && !text.empty() && text[0] == '$') {
    directive.index = *index;
    text.remove_prefix(1);
  } else {
    text = start;
  }
  while (!text.empty() && std::string_view("-#+ 0,(").find(text[0]) != std::string_view::npos) {
    directive.flags += text[0];
    text.remove_prefix(1);
  }
  directive.width = number().value_or(0);
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    directive.precision = number();
    if (!directive.precision) {
      return std::nullopt;
    }
  }
  if (text.empty() || directive.width > kWidthMax || directive.precision.value_or(0) > kWidthMax) {
    return std::nullopt;
  }
  directive.conversion = text[0];
  text.remove_prefix(1);
  return directive;
}

void append_padded(const Directive& directive, std::string text, std::string& out) {
  size_t points = code_points(text);
  size_t missing = directive.width > points ? directive.width - points : 0;
  if (directive.has('-')) {
    out += text + std::string(missing, ' ');
  } else if (directive.has('0') && !text.empty() && std::isdigit(text.back())) {
    size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
    out += text.substr(0, sign) + std::string(missing, '0') + text.substr(sign);
  } else {
    out += std::string(missing, ' ') + text;
  }
}

void insert_commas(std::string& digits) {
  size_t end = std::min(digits.find('.'), digits.size());
  for (size_t at = end; at > 3; at -= 3) {
    if (std::isdigit(digits[at - 4])) {
      digits.insert(at - 3, ",");
    }
  }
}

std::string with_sign(const Directive& directive, std::string digits, bool negative) {
  if (directive.has(',')) {
    insert_commas(digits);
  }
  return negative             ? (directive.has('(') ? "(" + digits + ")" : "-" + digits)
         : directive.has('+') ? "+" + digits
         : directive.has(' ') ? " " + digits
                              : digits;
}

std::optional<double> as_double(const Argument& argument, const Type& type, size_t row) {
  switch (type.kind) {
    case TypeKind::kFloat:
      return argument.at<float>(row);
    case TypeKind::kDouble:
      return argument.at<double>(row);
    case TypeKind::kDecimal:
      return decimal_to_double(argument.at<Int128>(row), type.scale);
    default:
      return std::nullopt;
  }
}

// False: the value is not of the kind that the conversion writes.
bool append_value(const Directive& directive, const Argument& argument, const Type& type,
                  size_t row, std::string& out) {
  bool null = argument.is_null(row);
  auto plain = [&] {
    return null ? std::string("null") : text_of(*argument.column, row * argument.stride);
  };
  std::string text;
  switch (directive.conversion) {
    case 's':
    case 'S':
      text = plain();
      if (directive.precision) {
        text = sub_points(text, 0, *directive.precision);
      }
      break;
    case 'b':
    case 'B':
      text = null ? "false" : type.kind == TypeKind::kBoolean ? plain() : "true";
      break;
    case 'd': {
      if (!null && !type.is_integer()) {
        return false;
      }
      text = plain();
      if (!null) {
        bool negative = text[0] == '-';
        text = with_sign(directive, text.substr(negative ? 1 : 0), negative);
      }
      break;
    }
    case 'x':
    case 'X':
    case 'o': {
      if (!null && !type.is_integer()) {
        return false;
      }
      if (null) {
        text = "null";
      } else {
        uint64_t bits = type.kind == TypeKind::kBigint
                            ? static_cast<uint64_t>(argument.at<int64_t>(row))
                            : static_cast<uint32_t>(argument.at<int32_t>(row));
        text = directive.conversion == 'o' ? fmt::format("{:o}", bits) : fmt::format("{:x}", bits);
      }
      break;
    }
    case 'f':
    case 'e':
    case 'E':
    case 'g': {
      std::optional<double> value = null ? std::nullopt : as_double(argument, type, row);
      if (!null && !value) {
        return false;
      }
      text = "null";
      if (value) {
        int precision = static_cast<int>(directive.precision.value_or(6));
        double size = std::abs(*value);
        text = with_sign(directive,
                         directive.conversion == 'f'   ? fmt::format("{:.{}f}", size, precision)
                         : directive.conversion == 'g' ? fmt::format("{:#.{}g}", size, precision)
                                                       : fmt::format("{:.{}e}", size, precision),
                         std::signbit(*value));
      }
      break;
    }
    default:
      return false;
  }
  if (directive.conversion == 'S' || directive.conversion == 'B' || directive.conversion == 'X' ||
      directive.conversion == 'E') {
    for (char& c : text) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  append_padded(directive, std::move(text), out);
  return true;
}

void printf_kernel(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    if (a[0].is_null(row)) {
      return false;
    }
    std::string_view text = a[0].string_at(row);
    size_t next = 1;
    while (!text.empty()) {
      size_t plain = std::min(text.find('%'), text.size());
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      if (text.empty()) {
        break;
      }
      text.remove_prefix(1);
      std::optional<Directive> directive = read_directive(text);
      if (!directive) {
        return false;
      }
      if (directive->conversion == '%' || directive->conversion == 'n') {
        out += directive->conversion == '%' ? '%' : '\n';
        continue;
      }
      size_t index = directive->index != 0 ? directive->index : next++;
      if (index >= a.size() ||
          !append_value(*directive, a[index], frame.argument_types[index], row, out)) {
        return false;
      }
    }
    return true;
  });
}

Result<BoundFunction> bind_printf(std::span<const Type> types) {
  if (types.empty() || !(types[0].is_character() || types[0].kind == TypeKind::kNull)) {
    return Status::invalid_argument("takes a format and any number of values");
  }
  BoundFunction bound{printf_kernel, Type::string(), {Type::string()}, NullRule::kCalled, false};
  for (const Type& type : types.subspan(1)) {
    bound.arguments.push_back(type.kind == TypeKind::kNull ? Type::string() : type.as_nullable());
  }
  return bound;
}

bool is_plain_identifier(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

void append_quoted(std::string_view text, char quote, std::string& out) {
  out += quote;
  for (char c : text) {
    out.append(c == quote ? 2 : 1, c);
  }
  out += quote;
}

// Postgres: %s the text, %I as an identifier, %L as a literal, %% a percent sign.
void format_kernel(const KernelFrame& frame, Arguments a) {
  fill_text(frame, [&](size_t row, std::string& out) {
    if (a[0].is_null(row)) {
      return false;
    }
    std::string_view text = a[0].string_at(row);
    size_t next = 1;
    while (!text.empty()) {
      size_t plain = std::min(text.find('%'), text.size());
      out += text.substr(0, plain);
      text.remove_prefix(std::min(plain + 1, text.size()));
      if (plain == a[0].string_at(row).size() || text.empty()) {
        break;
      }
      std::optional<Directive> directive = read_directive(text);
      char c = directive ? directive->conversion : '\0';
      if (c == '%') {
        out += '%';
        continue;
      }
      if (c != 's' && c != 'I' && c != 'L') {
        frame.fail(row, fmt::format("unknown conversion in FORMAT: '{}': expected %s, %I, %L or %%",
                                    a[0].string_at(row)));
        return true;
      }
      size_t index = directive->index != 0 ? directive->index : next++;
      if (index >= a.size() || (c == 'I' && a[index].is_null(row))) {
        frame.fail(row, index >= a.size() ? "too few arguments for FORMAT"
                                          : "FORMAT: NULL is not an identifier");
        return true;
      }
      bool null = a[index].is_null(row);
      std::string_view value = null ? std::string_view() : a[index].string_at(row);
      std::string written;
      if (c == 'I' && !is_plain_identifier(value)) {
        append_quoted(value, '"', written);
      } else if (c == 'L') {
        null ? void(written = "NULL") : append_quoted(value, '\'', written);
      } else {
        written = value;
      }
      append_padded(*directive, std::move(written), out);
    }
    return true;
  });
}

constexpr Function kPrintfFunctions[] = {
    {"PRINTF", "string", "PRINTF(format, a, ...)",
     "Text by a format of Java's Formatter (%s %d %x %o %f %e %g %b %%); NULL if the format is "
     "none "
     "or does not fit the values.",
     "PRINTF('%05d %-4s|%,.2f', 42, 'ab', 1234567.891e0)", "00042 ab  |1,234,567.89", bind_printf},
    {"FORMAT", "string", "FORMAT(format, a, ...)",
     "Text by a format with %s, %I (an identifier), %L (a literal) and %% (Postgres).",
     "FORMAT('%s in %I = %L', 1, 'My table', 'it''s')", "1 in \"My table\" = 'it''s'",
     bind_shape<"sa*", 's', format_kernel, true, NullRule::kCalled>},
};

}  // namespace

std::span<const Function> printf_functions() {
  return kPrintfFunctions;
}

}  // namespace tidemark
