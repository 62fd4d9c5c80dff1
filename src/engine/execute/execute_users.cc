// CREATE, ALTER, DROP USER and SHOW USERS. Of a password only its SCRAM verifier is kept.

#include "auth/scram.h"
#include "base/ascii.h"
#include "engine/durability.h"
#include "engine/execute/executor.h"

namespace tidemark {

namespace {

// A verifier as PostgreSQL's pg_dumpall writes it is taken as it is.
Result<std::string> verifier_of(const std::string& password) {
  if (ScramVerifier::parse(password)) {
    return password;
  }
  return TRY(ScramVerifier::make(password)).to_text();
}

}  // namespace

Result<StatementResult> StatementExecutor::run(const sql::CreateUser& statement) {
  std::optional<std::string> password = statement.password;
  for (const sql::Option& option : statement.options) {
    if (ascii_upper(option.key) != "PASSWORD") {
      return Status::invalid_argument("unknown option of CREATE USER: " + option.key)
          .with_hint("the option is PASSWORD")
          .with_position(option.position);
    }
    password = option.value;
  }
  User user{.name = statement.name.text, .verifier = {}};
  if (password) {
    user.verifier = TRY(verifier_of(*password));
  }
  if (engine_.users().find(user.name)) {
    if (statement.if_not_exists) {
      notice("user \"" + user.name + "\" already exists, skipping");
      return done("CREATE USER");
    }
    return Status::already_exists("user \"" + user.name + "\" already exists")
        .with_position(statement.name.position);
  }
  if (password && !engine_.users().has_passwords()) {
    notice("this is the first password: from now on everybody needs one");
  }
  // On disk before it counts: who is let in is never forgotten by a crash.
  if (engine_.durability() != nullptr) {
    TRY(engine_.durability()->put_user(user));
  }
  TRY(engine_.users().add(std::move(user)));
  return done("CREATE USER");
}

Result<StatementResult> StatementExecutor::run(const sql::AlterUser& statement) {
  std::optional<User> user = engine_.users().find(statement.name.text);
  if (!user) {
    return Status::not_found("user \"" + statement.name.text + "\" does not exist")
        .with_hint("SHOW USERS lists them")
        .with_position(statement.name.position);
  }
  user->verifier = statement.password ? TRY(verifier_of(*statement.password)) : "";
  if (engine_.durability() != nullptr) {
    TRY(engine_.durability()->put_user(*user));
  }
  engine_.users().put(*std::move(user));
  if (!engine_.users().has_passwords()) {
    notice("no user has a password any more: everybody on this machine is let in");
  }
  return done("ALTER USER");
}

Result<StatementResult> StatementExecutor::drop_user(const sql::Drop& statement) {
  const std::string& name = statement.name.last();
  if (!engine_.users().find(name)) {
    if (statement.if_exists) {
      notice("user \"" + name + "\" does not exist, skipping");
      return done("DROP USER");
    }
    return Status::not_found("user \"" + name + "\" does not exist")
        .with_hint("SHOW USERS lists them")
        .with_position(statement.name.position());
  }
  if (engine_.durability() != nullptr) {
    TRY(engine_.durability()->erase_user(name));
  }
  TRY(engine_.users().remove(name));
  if (!engine_.users().has_passwords()) {
    notice("no user has a password any more: everybody on this machine is let in");
  }
  return done("DROP USER");
}

Result<StatementResult> StatementExecutor::show_users() {
  std::vector<std::vector<std::string>> rows;
  for (const User& user : engine_.users().all()) {
    rows.push_back({user.name, user.verifier.empty() ? "no" : "yes"});
  }
  return table("SHOW", Schema{{{"user name", Type::string()}, {"password", Type::string()}}},
               std::move(rows));
}

}  // namespace tidemark
