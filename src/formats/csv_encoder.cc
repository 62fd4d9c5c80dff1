// Lines of values between delimiters (RFC 4180), without a header. NULL is the null literal, by
// default nothing; an empty text is "". changelog-csv has two columns in front: the kind of the
// change (+I, -U, +U, -D) and its mark.

#include "formats/row_encoder.h"
#include "types/text.h"

namespace tidemark {

namespace {

struct CsvStyle {
  char delimiter = ',';
  char quote = '"';
  std::string null_literal;
};

class CsvEncoder final : public RowEncoder {
 public:
  CsvEncoder(const Format& format, CsvStyle style)
      : format_(format.name), is_append_only_(format.is_append_only), style_(std::move(style)) {}

  Status encode(const ChangeBatch& changes, Lsn mark, std::string& out) const override {
    if (is_append_only_) {
      TRY(check_append_only(changes, format_));
    }
    std::string after_op = style_.delimiter + mark.to_string();
    std::string text;
    for (size_t row = 0; row < changes.rows.rows; ++row) {
      bool is_first = is_append_only_;
      if (!is_append_only_) {
        out += row_kind_text(changes.kinds[row]);
        out += after_op;
      }
      for (const ColumnRef& column : changes.rows.columns) {
        if (!std::exchange(is_first, false)) {
          out += style_.delimiter;
        }
        if (column->is_null(row)) {
          out += style_.null_literal;
          continue;
        }
        text.clear();
        append_text(*column, row, text);
        append_field(text, out);
      }
      out += '\n';
    }
    return {};
  }

 private:
  void append_field(std::string_view text, std::string& out) const {
    const char special[] = {style_.delimiter, style_.quote, '\n', '\r'};
    bool is_quoted =
        text.empty() || text == style_.null_literal || text.front() == ' ' || text.back() == ' ' ||
        text.find_first_of(std::string_view(special, sizeof(special))) != std::string_view::npos;
    if (!is_quoted) {
      out += text;
      return;
    }
    out += style_.quote;
    for (char c : text) {
      out += c;
      if (c == style_.quote) {
        out += c;
      }
    }
    out += style_.quote;
  }

  std::string format_;
  bool is_append_only_;
  CsvStyle style_;
};

}  // namespace

Result<std::unique_ptr<RowEncoder>> make_csv_encoder(const Format& format, const Options& options,
                                                     const Schema&) {
  CsvStyle style;
  std::string prefix = std::string(format.name) + ".";
  auto character = [&](const char* name, char& value) -> Status {
    auto given = options.find(prefix + name);
    if (given == options.end()) {
      return {};
    }
    std::string text = given->second == "\\t" ? "\t" : given->second;
    if (text.size() != 1 || text == "\n" || text == "\r") {
      return Status::invalid_argument("option '" + given->first + "' is one character: '" +
                                      given->second + "'");
    }
    value = text[0];
    return {};
  };
  TRY(character("field-delimiter", style.delimiter));
  TRY(character("quote-character", style.quote));
  if (style.delimiter == style.quote) {
    return Status::invalid_argument("the delimiter and the quote of csv must differ: '" +
                                    std::string(1, style.quote) + "'");
  }
  if (auto given = options.find(prefix + "null-literal"); given != options.end()) {
    style.null_literal = given->second;
  }
  return std::unique_ptr<RowEncoder>(std::make_unique<CsvEncoder>(format, std::move(style)));
}

}  // namespace tidemark
