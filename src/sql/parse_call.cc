// Function calls: arguments, what may follow them, windows.

#include <algorithm>
#include <array>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

// TABLE t [PARTITION BY a, b] [ORDER BY c], TABLE (q) ..
Result<Expr> read_table_argument(TokenStream& in) {
  size_t position = in.position();
  TRY(in.expect("TABLE"));
  TableArgument argument;
  if (in.at("(")) {
    bool is_query = at_query(in, 1);
    if (is_query) {
      argument.query = TRY(read_query_in_parentheses(in));
    } else {
      in.take();
      in.accept("TABLE");
      argument.table = TRY(in.name("a table name"));
      TRY(in.expect(")"));
    }
  } else {
    argument.table = TRY(in.name("a table name"));
  }
  if (in.accept("PARTITION BY")) {
    bool parenthesised = in.accept_quietly("(");
    argument.partition_by = TRY(read_exprs(in));
    if (parenthesised) {
      TRY(in.expect(")"));
    }
  }
  if (in.accept("ORDER BY")) {
    argument.order_by = TRY(read_order_by(in));
  }
  return Expr{std::move(argument), position};
}

Result<Expr> read_argument(TokenStream& in) {
  size_t position = in.position();
  if ((in.at_kind(TokenKind::kWord) || in.at_kind(TokenKind::kQuotedIdentifier)) &&
      (in.at("=>", 1) || in.at(":=", 1))) {
    NamedArgument argument;
    argument.name = TRY(in.any_word("an argument name"));
    in.take();
    Level level(in);
    TRY(level.check());
    argument.value = make_expr(TRY(read_argument(in)));
    return Expr{std::move(argument), position};
  }
  if (in.at("TABLE")) {
    return read_table_argument(in);
  }
  if (in.at("DESCRIPTOR (")) {
    in.take();
    return Expr{Descriptor{TRY(in.identifiers("a column name"))}, position};
  }
  if (in.at("DEFAULT") && (in.at(",", 1) || in.at(")", 1))) {
    in.take();
    return Expr{Symbol{"DEFAULT"}, position};
  }
  return read_expr(in);
}

// Behind `(`: DISTINCT, the arguments and ORDER BY, up to and with `)`.
Status read_arguments(TokenStream& in, FunctionCall& call) {
  if (in.at("*") && in.at(")", 1)) {
    call.args.push_back(Expr{Star{}, in.position()});
    in.take();
  } else if (!in.at(")")) {
    call.distinct = in.accept_quietly("DISTINCT");
    if (!call.distinct) {
      in.accept_quietly("ALL");
    }
    do {
      call.args.push_back(TRY(read_argument(in)));
    } while (in.accept(","));
    if (in.accept_quietly("ORDER BY")) {
      call.order_by = TRY(read_order_by(in));
    }
    if (in.at("IGNORE NULLS") || in.at("RESPECT NULLS")) {
      call.nulls = in.at("IGNORE") ? NullTreatment::kIgnore : NullTreatment::kRespect;
      in.take();
      in.take();
    }
  }
  return in.expect(")");
}

Result<FrameBound> read_frame_bound(TokenStream& in) {
  FrameBound bound;
  if (in.accept("CURRENT ROW")) {
    return bound;
  }
  if (in.accept("UNBOUNDED")) {
    bool preceding = in.accept("PRECEDING");
    if (!preceding) {
      TRY(in.expect("FOLLOWING"));
    }
    bound.kind =
        preceding ? FrameBoundKind::kUnboundedPreceding : FrameBoundKind::kUnboundedFollowing;
    return bound;
  }
  bound.offset = TRY(read_expr_ptr(in));
  bool preceding = in.accept("PRECEDING");
  if (!preceding) {
    TRY(in.expect("FOLLOWING"));
  }
  bound.kind = preceding ? FrameBoundKind::kPreceding : FrameBoundKind::kFollowing;
  return bound;
}

// [ROWS|RANGE|GROUPS ..]
Result<std::optional<Frame>> read_frame(TokenStream& in) {
  Frame frame;
  if (in.accept("ROWS")) {
    frame.unit = FrameUnit::kRows;
  } else if (in.accept("RANGE")) {
    frame.unit = FrameUnit::kRange;
  } else if (in.accept("GROUPS")) {
    frame.unit = FrameUnit::kGroups;
  } else {
    return std::optional<Frame>();
  }
  bool between = in.accept("BETWEEN");
  frame.start = TRY(read_frame_bound(in));
  if (between) {
    TRY(in.expect("AND"));
    frame.end = TRY(read_frame_bound(in));
  }
  if (in.accept("EXCLUDE")) {
    if (in.accept("CURRENT ROW")) {
      frame.exclude = FrameExclude::kCurrentRow;
    } else if (in.accept("GROUP")) {
      frame.exclude = FrameExclude::kGroup;
    } else if (in.accept("TIES")) {
      frame.exclude = FrameExclude::kTies;
    } else {
      TRY(in.expect("NO OTHERS"));
    }
  }
  return std::optional<Frame>(std::move(frame));
}

Status read_call_tail(TokenStream& in, FunctionCall& call) {
  if (in.accept_quietly("WITHIN GROUP")) {
    TRY(in.expect("("));
    TRY(in.expect("ORDER BY"));
    call.within_group = TRY(read_order_by(in));
    TRY(in.expect(")"));
  }
  if (in.accept_quietly("FILTER (")) {
    TRY(in.expect("WHERE"));
    call.filter = TRY(read_expr_ptr(in));
    TRY(in.expect(")"));
  }
  if (in.at("IGNORE NULLS") || in.at("RESPECT NULLS")) {
    call.nulls = in.at("IGNORE") ? NullTreatment::kIgnore : NullTreatment::kRespect;
    in.take();
    in.take();
  }
  if (in.at("OVER") && (in.at("(", 1) || in.at_identifier(1))) {
    in.take();
    WindowSpec spec;
    if (in.at("(")) {
      spec = TRY(read_window_spec(in));
    } else {
      spec.position = in.position();
      spec.base = TRY(in.identifier("a window name"));
    }
    call.over = std::make_unique<WindowSpec>(std::move(spec));
  }
  return {};
}

}  // namespace

bool is_bare_function(std::string_view upper) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "CURRENT_DATE",   "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME",
      "LOCALTIMESTAMP", "CURRENT_USER", "SESSION_USER",      "USER",
      "CURRENT_ROLE",   "SYSTEM_USER",  "CURRENT_CATALOG",   "CURRENT_SCHEMA"};
  return std::find(kNames.begin(), kNames.end(), upper) != kNames.end();
}

Result<WindowSpec> read_window_spec(TokenStream& in) {
  WindowSpec spec;
  spec.position = in.position();
  TRY(in.expect("("));
  if (in.at_identifier() && !in.at("PARTITION BY") && !in.at("ROWS") && !in.at("RANGE") &&
      !in.at("GROUPS")) {
    spec.base = TRY(in.identifier("a window name"));
  }
  if (in.accept("PARTITION BY")) {
    spec.partition_by = TRY(read_exprs(in));
  }
  if (in.accept("ORDER BY")) {
    spec.order_by = TRY(read_order_by(in));
  }
  spec.frame = TRY(read_frame(in));
  TRY(in.expect(")"));
  return spec;
}

Result<std::vector<OrderItem>> read_order_by(TokenStream& in) {
  std::vector<OrderItem> items;
  do {
    OrderItem item;
    item.expr = TRY(read_expr_ptr(in));
    item.descending = in.accept("DESC");
    if (!item.descending) {
      in.accept("ASC");
    }
    if (in.accept("NULLS FIRST")) {
      item.nulls = NullsOrder::kFirst;
    } else if (in.accept("NULLS LAST")) {
      item.nulls = NullsOrder::kLast;
    }
    items.push_back(std::move(item));
  } while (in.accept(","));
  return items;
}

Result<FunctionCall> read_table_call(TokenStream& in) {
  FunctionCall call;
  call.name = TRY(in.name("a function name"));
  TRY(in.expect("("));
  TRY(read_arguments(in, call));
  return call;
}

Result<Expr> read_call(TokenStream& in, Name name, bool quoted) {
  size_t position = name.position();
  FunctionCall call;
  if (!quoted && name.parts.size() == 1) {
    std::string upper = name.last();
    for (char& c : upper) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (std::optional<FunctionCall> special = TRY(read_special_call(in, upper))) {
      call = std::move(*special);
      call.name.parts.push_back({upper == "CEILING" ? "CEIL" : upper, position});
      TRY(read_call_tail(in, call));
      return Expr{std::move(call), position};
    }
    if (is_bare_function(upper)) {
      name.parts.front().text = upper;
    }
  }
  call.name = std::move(name);
  TRY(in.expect("("));
  TRY(read_arguments(in, call));
  TRY(read_call_tail(in, call));
  return Expr{std::move(call), position};
}

}  // namespace tidemark::sql
