// The extended query protocol, without parameters and binary results: enough for drivers that send
// every statement this way (PostgreSQL 15 manual, "Extended Query").

#include <boost/asio/post.hpp>

#include <fmt/core.h>

#include "server/pgwire/connection.h"
#include "server/pgwire/rows.h"
#include "sql/parser.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

Status protocol_error(std::string_view what) {
  return Status::invalid_argument(fmt::format("cannot read the {} message", what));
}

}  // namespace

asio::awaitable<bool> Connection::extended(Message message) {
  if (message.kind == 'S') {
    failed_ = false;
    portals_.erase("");  // the end of the transaction ends the unnamed portal
    write_ready(out_);
    co_return co_await flush();
  }
  if (message.kind == 'H') {
    co_return co_await flush();
  }
  if (failed_) {
    co_return true;
  }
  busy_ = true;
  cancelled_ = false;
  BodyReader body(message.body);
  Status status;
  if (message.kind == 'P') {
    status = co_await parse(body);
  } else if (message.kind == 'B') {
    status = bind(body);
  } else if (message.kind == 'D') {
    status = co_await describe(body);
  } else if (message.kind == 'E') {
    status = co_await execute_portal(body);
  } else {
    close_named(body);
  }
  busy_ = false;
  if (!status.ok()) {
    write_error(out_, status, "");
    failed_ = true;
  }
  failed_ = failed_ || closed_;
  co_return !closed_;
}

asio::awaitable<Status> Connection::parse(BodyReader body) {
  std::string name(body.text());
  Prepared prepared{.text = std::string(body.text()), .statements = {}};
  int16_t parameters = body.int16();
  if (!body.ok()) {
    co_return protocol_error("Parse");
  }
  if (parameters > 0) {
    co_return Status::unsupported("parameters of statements are not supported yet");
  }
  std::optional<Result<std::vector<sql::Statement>>> statements;
  co_await on_worker([&] { statements = sql::parse_script(prepared.text); });
  if (!statements->ok()) {
    write_error(out_, statements->status(), prepared.text);
    failed_ = true;
    co_return Status();
  }
  if ((*statements)->size() > 1) {
    co_return Status::invalid_argument("cannot insert multiple commands into a prepared statement");
  }
  prepared.statements = std::move(*statements).value();
  prepared_[name] = std::make_shared<const Prepared>(std::move(prepared));
  write_bare(out_, '1');
  co_return Status();
}

Status Connection::bind(BodyReader body) {
  std::string portal(body.text());
  std::string_view name = body.text();
  int16_t parameter_formats = body.int16();
  for (int16_t i = 0; i < parameter_formats; ++i) {
    body.int16();
  }
  int16_t parameters = body.int16();
  if (!body.ok()) {
    return protocol_error("Bind");
  }
  if (parameters > 0) {
    return Status::unsupported("parameters of statements are not supported yet");
  }
  int16_t result_formats = body.int16();
  for (int16_t i = 0; i < result_formats; ++i) {
    if (body.int16() != 0) {
      return Status::unsupported("results in binary format are not supported yet");
    }
  }
  auto prepared = prepared_.find(name);
  if (prepared == prepared_.end()) {
    return Status::not_found(fmt::format("prepared statement \"{}\" does not exist", name));
  }
  portals_[portal] = Portal{.prepared = prepared->second, .result = std::nullopt};
  write_bare(out_, '2');
  return {};
}

// Runs the portal's statement unless it has run.
asio::awaitable<Status> Connection::run_portal(Portal& portal) {
  if (portal.result || portal.prepared->statements.empty()) {
    co_return Status();
  }
  std::shared_ptr<const Prepared> prepared = portal.prepared;
  Result<StatementResult> result = co_await run(prepared->statements[0], prepared->text);
  if (!result.ok()) {
    write_error(out_, result.status(), prepared->text);
    failed_ = true;
    co_return Status();
  }
  portal.result = std::move(result).value();
  co_return Status();
}

namespace {

// Whether a statement can be known to return no rows without running it.
bool returns_rows(const sql::Statement& statement) {
  return std::visit(
      []<typename Node>(const Node&) {
        return std::is_same_v<Node, sql::QueryStatement> || std::is_same_v<Node, sql::Subscribe> ||
               std::is_same_v<Node, sql::Show> || std::is_same_v<Node, sql::ShowCreate> ||
               std::is_same_v<Node, sql::ShowSetting> || std::is_same_v<Node, sql::Describe> ||
               std::is_same_v<Node, sql::Explain> || std::is_same_v<Node, sql::VerifyView>;
      },
      statement.node);
}

}  // namespace

asio::awaitable<Status> Connection::describe(BodyReader body) {
  char kind = static_cast<char>(body.byte());
  std::string name(body.text());
  if (!body.ok()) {
    co_return protocol_error("Describe");
  }
  Portal scratch;  // describing a statement runs it, and throws the answer away
  Portal* portal = &scratch;
  if (kind == 'S') {
    auto prepared = prepared_.find(name);
    if (prepared == prepared_.end()) {
      co_return Status::not_found(fmt::format("prepared statement \"{}\" does not exist", name));
    }
    scratch.prepared = prepared->second;
    write_no_parameters(out_);
  } else {
    auto found = portals_.find(name);
    if (found == portals_.end()) {
      co_return Status::not_found(fmt::format("portal \"{}\" does not exist", name));
    }
    portal = &found->second;
  }
  const auto& statements = portal->prepared->statements;
  if (statements.empty() || !returns_rows(statements[0])) {
    write_bare(out_, 'n');
    co_return Status();
  }
  Status status = co_await run_portal(*portal);
  if (status.ok() && portal->result) {
    describe_result(*portal->result);
  }
  if (scratch.result && std::holds_alternative<StreamResult>(scratch.result->outcome)) {
    std::get<StreamResult>(scratch.result->outcome).subscription->cancel();
  }
  co_return status;
}

asio::awaitable<Status> Connection::execute_portal(BodyReader body) {
  std::string name(body.text());
  int32_t rows_max = body.int32();
  auto found = portals_.find(name);
  if (!body.ok() || found == portals_.end()) {
    co_return body.ok() ? Status::not_found(fmt::format("portal \"{}\" does not exist", name))
                        : protocol_error("Execute");
  }
  Portal& portal = found->second;
  if (portal.prepared->statements.empty()) {
    write_bare(out_, 'I');
    co_return Status();
  }
  Status status = co_await run_portal(portal);
  if (!status.ok() || failed_) {
    co_return status;
  }
  if (auto* done = std::get_if<CommandDone>(&portal.result->outcome)) {
    write_command_complete(out_, done->tag);
  } else if (auto* stream = std::get_if<StreamResult>(&portal.result->outcome)) {
    failed_ = !co_await send_stream(*stream);
  } else {
    const RowsResult& rows = std::get<RowsResult>(portal.result->outcome);
    std::string zone_name = zone();
    size_t end = rows_max <= 0
                     ? rows.rows.rows
                     : std::min(rows.rows.rows, portal.row + static_cast<size_t>(rows_max));
    RowBatch window{.columns = rows.rows.columns, .rows = end};
    while (portal.row < end && !cancelled_) {
      portal.row = write_rows(out_, window, portal.row, 256 << 10, TextFormat{.zone = zone_name});
      co_await flush();
    }
    if (cancelled_) {
      co_return Status::cancelled("the statement was cancelled");
    }
    if (end < rows.rows.rows) {
      write_bare(out_, 's');
    } else {
      write_command_complete(out_, rows.tag);
    }
  }
  co_return Status();
}

void Connection::close_named(BodyReader body) {
  char kind = static_cast<char>(body.byte());
  std::string name(body.text());
  if (kind == 'S') {
    prepared_.erase(name);
  } else {
    portals_.erase(name);
  }
  write_bare(out_, '3');
}

}  // namespace tidemark::pgwire
