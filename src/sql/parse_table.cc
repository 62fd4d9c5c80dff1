// What CREATE TABLE and its relatives share: columns, keys, watermarks, options, distribution.

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

Result<Enforcement> read_enforcement(TokenStream& in) {
  if (in.accept("NOT ENFORCED")) {
    return Enforcement::kNotEnforced;
  }
  return in.accept("ENFORCED") ? Enforcement::kEnforced : Enforcement::kUnspecified;
}

// [CONSTRAINT n] {PRIMARY KEY|UNIQUE} [(a, b)] [NOT ENFORCED]
Result<KeyConstraint> read_key(TokenStream& in, bool of_table) {
  KeyConstraint key{.position = in.position()};
  if (in.accept("CONSTRAINT")) {
    key.name = TRY(in.identifier("a constraint name"));
  }
  if (in.accept("UNIQUE")) {
    key.kind = ConstraintKind::kUnique;
  } else {
    TRY(in.expect("PRIMARY KEY"));
  }
  if (of_table) {
    key.columns = TRY(in.identifiers("a column name"));
  }
  key.enforcement = TRY(read_enforcement(in));
  return key;
}

Result<TableElement> read_metadata(TokenStream& in, Identifier name, TypeName type) {
  MetadataColumn column{.name = std::move(name), .type = std::move(type)};
  if (in.accept("FROM")) {
    column.key = TRY(in.string("a metadata key in quotes"));
  }
  column.is_virtual = in.accept("VIRTUAL");
  column.comment = TRY(read_comment(in));
  return TableElement(std::move(column));
}

Result<TableElement> read_column(TokenStream& in) {
  Identifier name = TRY(in.any_word("a column name"));
  if (in.accept("AS")) {
    Expr expr = TRY(read_expr(in));
    auto comment = TRY(read_comment(in));  // GCC leaks an aggregate that is half made
    return TableElement(ComputedColumn{std::move(name), std::move(expr), std::move(comment)});
  }
  if (in.at(",") || in.at(")")) {
    return TableElement(ColumnName{std::move(name)});
  }
  TypeName type = TRY(read_type(in));
  if (in.accept("METADATA")) {
    return read_metadata(in, std::move(name), std::move(type));
  }
  PhysicalColumn column{.name = std::move(name), .type = std::move(type)};
  while (true) {
    if (!column.key && (in.at("CONSTRAINT") || in.at("PRIMARY KEY") || in.at("UNIQUE"))) {
      column.key = TRY(read_key(in, false));
    } else if (in.accept("NOT NULL")) {
      column.type.not_null = true;
    } else if (!in.accept_quietly("NULL")) {
      break;
    }
  }
  column.comment = TRY(read_comment(in));
  return TableElement(std::move(column));
}

// A word, a dotted name, a number or a string, as its text.
Result<std::string> read_option_text(TokenStream& in, std::string_view what) {
  std::string text;
  if (in.at("-") && (in.at_kind(TokenKind::kInteger, 1) || in.at_kind(TokenKind::kDecimal, 1))) {
    in.take();
    text = "-";
  }
  switch (in.peek().kind) {
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kDouble:
    case TokenKind::kMeasure:
      return text + in.take().text;
    case TokenKind::kWord:
    case TokenKind::kQuotedIdentifier:
      break;
    case TokenKind::kEnd:
    case TokenKind::kBytes:
    case TokenKind::kParameter:
    case TokenKind::kOperator:
    case TokenKind::kHintBegin:
    case TokenKind::kHintEnd:
      return in.unexpected(what);
  }
  text += in.take().text;
  while (in.accept_quietly(".") || in.at("-")) {
    if (in.accept_quietly("-")) {
      text += "-";
    } else {
      text += ".";
    }
    text += TRY(in.any_word(what)).text;
  }
  return text;
}

}  // namespace

Result<std::optional<std::string>> read_comment(TokenStream& in) {
  if (!in.accept("COMMENT")) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(TRY(in.string("a comment in quotes")));
}

Result<TableElement> read_table_element(TokenStream& in) {
  if (in.at("WATERMARK FOR")) {
    Watermark watermark{.position = in.position()};
    in.accept_quietly("WATERMARK FOR");
    watermark.column = TRY(in.name("a column name"));
    TRY(in.expect("AS"));
    watermark.expr = TRY(read_expr(in));
    return TableElement(std::move(watermark));
  }
  if (in.at("PRIMARY KEY") || in.at("UNIQUE (") || (in.at("CONSTRAINT") && in.at_identifier(1))) {
    return TableElement(TRY(read_key(in, true)));
  }
  return read_column(in);
}

Result<std::vector<TableElement>> read_table_elements(TokenStream& in) {
  std::vector<TableElement> elements;
  TRY(in.expect("("));
  do {
    elements.push_back(TRY(read_table_element(in)));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return elements;
}

// [BY [HASH|RANGE] (a, b)] [INTO n BUCKETS], [HASH|RANGE] (a, b)
Result<Distribution> read_distribution(TokenStream& in) {
  Distribution distribution;
  if (in.accept("BY") || in.at("HASH") || in.at("RANGE") || in.at("(")) {
    if (in.accept("HASH")) {
      distribution.kind = DistributionKind::kHash;
    } else if (in.accept("RANGE")) {
      distribution.kind = DistributionKind::kRange;
    }
    distribution.columns = TRY(in.identifiers("a column name"));
  }
  if (distribution.columns.empty() || in.at("INTO")) {
    TRY(in.expect("INTO"));
    distribution.buckets = TRY(in.number("a number of buckets"));
    TRY(in.expect("BUCKETS"));
  }
  return distribution;
}

// ('k' = 'v', ..); a key alone is true, and Postgres's (FORMAT text) has no `=`.
Result<Options> read_options(TokenStream& in) {
  Options options;
  TRY(in.expect("("));
  while (!in.at(")")) {
    Option option{.position = in.position()};
    option.key = TRY(read_option_text(in, "an option such as 'connector' = '..'"));
    option.value_position = in.position();
    if (in.at(",") || in.at(")")) {
      option.value = "true";
    } else {
      if (!in.accept("=") && in.at_kind(TokenKind::kOperator)) {
        return in.unexpected("");
      }
      option.value_position = in.position();
      option.value = TRY(read_option_text(in, "a value in quotes"));
    }
    options.push_back(std::move(option));
    if (!in.accept(",")) {
      break;
    }
  }
  TRY(in.expect(")"));
  return options;
}

Result<Options> read_with_options(TokenStream& in) {
  return in.accept("WITH") ? read_options(in) : Result<Options>(Options{});
}

Result<PartitionSpec> read_partition(TokenStream& in) {
  PartitionSpec partition;
  if (!in.accept("PARTITION")) {
    return partition;
  }
  TRY(in.expect("("));
  do {
    PartitionItem item;
    item.column = TRY(in.identifier("a partition column"));
    if (in.accept("=")) {
      item.value = TRY(read_expr_ptr(in));
    }
    partition.push_back(std::move(item));
  } while (in.accept(","));
  TRY(in.expect(")"));
  return partition;
}

}  // namespace tidemark::sql
