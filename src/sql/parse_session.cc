// Statements about the session, the client, jobs and cursors.

#include <charconv>

#include "sql/parse.h"

namespace tidemark::sql {

namespace {

using Node = Result<StatementNode>;

// A setting's name: 'k', a.b-c, or k.
Result<std::string> read_setting_name(TokenStream& in) {
  if (in.at_kind(TokenKind::kString)) {
    return in.take().text;
  }
  std::string name = TRY(in.any_word("the name of a setting")).text;
  while (in.at(".") || in.at("-")) {
    name += in.take().text;
    name += TRY(in.any_word("the name of a setting")).text;
  }
  return name;
}

// A setting's value up to `;`: one string, or the words as they stand ("2 min", "a, b").
Result<std::string> read_setting_value(TokenStream& in) {
  std::string value;
  size_t end = in.position();
  while (!in.at(";") && !in.at_kind(TokenKind::kEnd)) {
    const Token& token = in.peek();
    if (token.kind == TokenKind::kHintBegin || token.kind == TokenKind::kHintEnd) {
      return in.unexpected("a value");
    }
    if (!value.empty() && token.position > end) {
      value += ' ';
    }
    value += token.text;
    end = token.end;
    in.take();
  }
  return value;
}

Node read_set_setting(TokenStream& in) {
  in.take();
  Set set;
  if (in.at_kind(TokenKind::kEnd) || in.at(";")) {
    return StatementNode(std::move(set));
  }
  if (in.at("LOCAL") || in.at("SESSION")) {
    bool names_scope = !in.at("=", 1) && !in.at("TO", 1) && !in.at(".", 1) && !in.at("-", 1);
    set.local = names_scope && in.at("LOCAL");
    if (names_scope) {
      in.take();
    }
  }
  Option option{.position = in.position()};
  if (in.accept_quietly("TIME ZONE")) {
    option.key = "timezone";
  } else if (in.accept_quietly("TRANSACTION") ||
             in.accept_quietly("CHARACTERISTICS AS TRANSACTION")) {
    option.key = "transaction";
  } else {
    option.key = TRY(read_setting_name(in));
    if (!in.accept("=") && !in.accept("TO")) {
      return in.unexpected("");
    }
  }
  option.value_position = in.position();
  bool has_string = in.at_kind(TokenKind::kString);
  if (in.at("DEFAULT") && (in.at(";", 1) || in.at_kind(TokenKind::kEnd, 1))) {
    in.take();
    set.is_default = true;
  } else {
    option.value = TRY(read_setting_value(in));
    if (option.value.empty() && !has_string) {
      return in.unexpected("a value");
    }
  }
  set.option = std::move(option);
  return StatementNode(std::move(set));
}

Node read_reset_setting(TokenStream& in) {
  in.take();
  Reset reset;
  if (!in.at_kind(TokenKind::kEnd) && !in.at(";") && !in.accept_quietly("ALL")) {
    reset.key = TRY(read_setting_name(in));
  }
  return StatementNode(std::move(reset));
}

Node read_use(TokenStream& in) {
  in.take();
  Use use;
  if (in.at("CATALOG") && in.at_identifier(1)) {
    in.take();
    use.kind = UseKind::kCatalog;
  } else if (in.at("MODULES") && in.at_identifier(1)) {
    in.take();
    use.kind = UseKind::kModules;
  }
  do {
    use.names.push_back(TRY(in.name("a name")));
  } while (use.kind == UseKind::kModules && in.accept(","));
  return StatementNode(std::move(use));
}

Node read_load(TokenStream& in) {
  in.take();
  TRY(in.expect("MODULE"));
  LoadModule load{.name = TRY(in.identifier("a module name"))};
  load.options = TRY(read_with_options(in));
  return StatementNode(std::move(load));
}

Node read_unload(TokenStream& in) {
  in.take();
  TRY(in.expect("MODULE"));
  return StatementNode(UnloadModule{TRY(in.identifier("a module name"))});
}

// A path in quotes, or unquoted up to `;` as the Flink client once took it.
Result<std::string> read_path(TokenStream& in) {
  std::string path = TRY(read_setting_value(in));
  return path.empty() ? Result<std::string>(in.unexpected("a path in quotes"))
                      : Result<std::string>(std::move(path));
}

Node read_add_jar(TokenStream& in) {
  in.take();
  TRY(in.expect("JAR"));
  return StatementNode(AddJar{TRY(read_path(in))});
}

Node read_remove_jar(TokenStream& in) {
  in.take();
  TRY(in.expect("JAR"));
  return StatementNode(RemoveJar{TRY(read_path(in))});
}

Node read_source(TokenStream& in) {
  in.take();
  return StatementNode(SourceFile{TRY(read_path(in))});
}

Result<std::string> read_id(TokenStream& in) {
  if (in.at_kind(TokenKind::kInteger)) {
    return in.take().text;
  }
  return in.string("an id in quotes");
}

Node read_stop(TokenStream& in) {
  in.take();
  TRY(in.expect("JOB"));
  StopJob stop{.id = TRY(read_id(in))};
  stop.savepoint = in.accept("WITH SAVEPOINT");
  stop.drain = in.accept("WITH DRAIN");
  return StatementNode(std::move(stop));
}

Node read_kill(TokenStream& in) {
  in.take();
  in.accept_quietly("QUERY");
  in.accept_quietly("JOB");
  return StatementNode(Kill{TRY(read_id(in))});
}

// BEGIN, START TRANSACTION, and their modes
Node read_begin(TokenStream& in) {
  static constexpr std::string_view kModes[] = {"READ ONLY",
                                                "READ WRITE",
                                                "ISOLATION LEVEL SERIALIZABLE",
                                                "ISOLATION LEVEL REPEATABLE READ",
                                                "ISOLATION LEVEL READ COMMITTED",
                                                "ISOLATION LEVEL READ UNCOMMITTED",
                                                "NOT DEFERRABLE",
                                                "DEFERRABLE"};
  bool is_start = in.at("START");
  in.take();
  if (is_start) {
    TRY(in.expect("TRANSACTION"));
  } else if (in.accept("STATEMENT SET")) {
    return read_statement_set(in);
  } else if (!in.accept("TRANSACTION")) {
    in.accept("WORK");
  }
  Begin begin;
  bool again = true;
  while (again) {
    again = false;
    for (std::string_view mode : kModes) {
      if (in.accept(mode)) {
        begin.modes.emplace_back(mode);
        in.accept_quietly(",");
        again = true;
        break;
      }
    }
  }
  return StatementNode(std::move(begin));
}

Node read_transaction_end(TokenStream& in, StatementNode node) {
  in.take();
  if (!in.accept("TRANSACTION")) {
    in.accept("WORK");
  }
  return node;
}

Node read_rollback(TokenStream& in) {
  StatementNode whole = TRY(read_transaction_end(in, Rollback{}));
  if (!in.accept("TO")) {
    return whole;
  }
  in.accept("SAVEPOINT");
  return StatementNode(
      Savepoint{SavepointAction::kRollbackTo, TRY(in.identifier("a savepoint's name"))});
}

Node read_savepoint(TokenStream& in) {
  SavepointAction action = in.at("RELEASE") ? SavepointAction::kRelease : SavepointAction::kSet;
  in.take();
  if (action == SavepointAction::kRelease) {
    in.accept("SAVEPOINT");
  }
  return StatementNode(Savepoint{action, TRY(in.identifier("a savepoint's name"))});
}

Node read_declare(TokenStream& in) {
  in.take();
  DeclareCursor declare{.name = TRY(in.identifier("a cursor name"))};
  declare.binary = in.accept("BINARY");
  if (!in.accept("INSENSITIVE")) {
    in.accept("ASENSITIVE");
  }
  declare.no_scroll = in.accept("NO SCROLL");
  in.accept("SCROLL");
  TRY(in.expect("CURSOR"));
  declare.hold = in.accept("WITH HOLD");
  in.accept("WITHOUT HOLD");
  TRY(in.expect("FOR"));
  size_t position = in.position();
  StatementNode node =
      in.at("SUBSCRIBE") ? TRY(read_subscribe(in)) : QueryStatement{TRY(read_query_ptr(in))};
  declare.statement =
      std::make_unique<Statement>(Statement{std::move(node), position, in.previous_end()});
  return StatementNode(std::move(declare));
}

Result<int64_t> read_signed(TokenStream& in) {
  bool negative = in.accept_quietly("-");
  auto number = static_cast<int64_t>(TRY(in.number("a number of rows")));
  return negative ? -number : number;
}

// What stands between FETCH and FROM: nothing, n, ALL, NEXT, PRIOR, FIRST, LAST, ABSOLUTE n,
// RELATIVE n, FORWARD [n|ALL], BACKWARD [n|ALL] (PostgreSQL 15 manual, FETCH).
Status read_fetch_direction(TokenStream& in, Fetch& fetch) {
  using enum FetchDirection;
  struct Word {
    std::string_view word;
    FetchDirection direction;
    int64_t count;
  };
  static constexpr Word kWords[] = {{"NEXT", kForward, 1},
                                    {"PRIOR", kBackward, 1},
                                    {"FIRST", kAbsolute, 1},
                                    {"LAST", kAbsolute, -1}};
  fetch.count = 1;
  bool is_name = in.at_kind(TokenKind::kEnd, 1) || in.at(";", 1) || in.at("WITH", 1);
  if (is_name) {
    return {};  // FETCH next: a cursor of that name
  }
  for (const Word& word : kWords) {
    if (in.accept(word.word)) {
      fetch.direction = word.direction;
      fetch.count = word.count;
      return {};
    }
  }
  if (in.accept("ABSOLUTE") || in.at("RELATIVE")) {
    fetch.direction = in.accept("RELATIVE") ? kRelative : kAbsolute;
    fetch.count = TRY(read_signed(in));
    return {};
  }
  if (in.accept("BACKWARD")) {
    fetch.direction = kBackward;
  } else {
    in.accept("FORWARD");
  }
  if (in.accept("ALL")) {
    fetch.count.reset();
  } else if (in.at_kind(TokenKind::kInteger) || in.at("-")) {
    fetch.count = TRY(read_signed(in));
  }
  return {};
}

template <bool is_move>
Node read_fetch(TokenStream& in) {
  in.take();
  Fetch fetch{.is_move = is_move};
  TRY(read_fetch_direction(in, fetch));
  if (!in.accept("FROM")) {
    in.accept("IN");
  }
  fetch.cursor = TRY(in.identifier("a cursor name"));
  fetch.options = TRY(read_with_options(in));
  return StatementNode(std::move(fetch));
}

Node read_close(TokenStream& in) {
  in.take();
  CloseCursor close;
  if (!in.accept("ALL")) {
    close.cursor = TRY(in.identifier("a cursor name"));
  }
  return StatementNode(std::move(close));
}

Node read_deallocate(TokenStream& in) {
  in.take();
  in.accept("PREPARE");
  Deallocate statement;
  if (!in.accept("ALL")) {
    statement.name = TRY(in.identifier("a prepared statement"));
  }
  return StatementNode(std::move(statement));
}

Node read_discard(TokenStream& in) {
  in.take();
  TRY(in.expect("ALL"));
  return StatementNode(DiscardAll{});
}

template <typename T>
Node read_word_alone(TokenStream& in) {
  in.take();
  return StatementNode(T{});
}

}  // namespace

Result<std::optional<StatementNode>> read_session(TokenStream& in) {
  struct Row {
    std::string_view word;
    Node (*read)(TokenStream& in);
  };
  static constexpr Row kRows[] = {
      {"SET", read_set_setting},
      {"RESET", read_reset_setting},
      {"USE", read_use},
      {"LOAD", read_load},
      {"UNLOAD", read_unload},
      {"ADD", read_add_jar},
      {"REMOVE", read_remove_jar},
      {"STOP", read_stop},
      {"KILL", read_kill},
      {"BEGIN", read_begin},
      {"START", read_begin},
      {"COMMIT", [](TokenStream& s) { return read_transaction_end(s, Commit{}); }},
      {"END", [](TokenStream& s) { return read_transaction_end(s, Commit{}); }},
      {"ROLLBACK", read_rollback},
      {"ABORT", [](TokenStream& s) { return read_transaction_end(s, Rollback{}); }},
      {"SAVEPOINT", read_savepoint},
      {"RELEASE", read_savepoint},
      {"DECLARE", read_declare},
      {"DEALLOCATE", read_deallocate},
      {"DISCARD", read_discard},
      {"FETCH", read_fetch<false>},
      {"MOVE", read_fetch<true>},
      {"CLOSE", read_close},
      {"SOURCE", read_source},
      {"HELP", read_word_alone<Help>},
      {"QUIT", read_word_alone<Quit>},
      {"EXIT", read_word_alone<Quit>},
      {"CLEAR", read_word_alone<Clear>},
  };
  for (const Row& row : kRows) {
    if (in.at(row.word)) {
      return std::optional<StatementNode>(TRY(row.read(in)));
    }
    in.accept(row.word);  // for the error and its nearest keyword
  }
  return std::optional<StatementNode>();
}

}  // namespace tidemark::sql
