// The extended query protocol (PostgreSQL 15 manual, "Extended Query"): Parse, Bind, Describe,
// Execute, Close, until Sync. After an error everything is skipped up to the Sync.

#include <fmt/core.h>

#include "base/overloaded.h"
#include "server/pgwire/connection.h"
#include "server/pgwire/parameter.h"
#include "server/pgwire/request.h"
#include "sql/parser.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

Status no_such(std::string_view kind, std::string_view name) {
  bool is_portal = kind == "portal";
  return Status::not_found(fmt::format("{} \"{}\" does not exist", kind, name))
      .with_sqlstate(is_portal ? "34000" : "26000");
}

bool same_types(const Schema& a, const Schema& b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (wire_type(a[i].type).oid != wire_type(b[i].type).oid) {
      return false;
    }
  }
  return true;
}

}  // namespace

asio::awaitable<bool> Connection::extended(Message message) {
  if (message.kind == 'S') {
    failed_ = false;
    if (session_->transaction() == TransactionState::kIdle) {
      end_portals();  // the end of the transaction ends them
    }
    write_ready(out_, static_cast<char>(session_->transaction()));
    co_return co_await flush();
  }
  if (message.kind == 'H') {
    co_return co_await flush();
  }
  if (failed_) {
    co_return true;
  }
  Status status;
  if (message.kind == 'B') {
    status = bind(message.body);
  } else if (message.kind == 'D') {
    status = describe(message.body);
  } else if (message.kind == 'C') {
    status = close_named(message.body);
  } else {
    Busy busy(*this);
    if (message.kind == 'P') {
      status = co_await parse(message.body);
    } else {
      status = co_await execute_message(message.body);
    }
  }
  if (!status.ok()) {
    fail(status, "");
    failed_ = true;
  }
  co_return !closed_;
}

asio::awaitable<Status> Connection::parse(std::string_view body) {
  Result<ParseRequest> request = read_parse(body);
  if (!request.ok()) {
    co_return request.status();
  }
  // Copied: while a worker has the statement, the input that the request points into may grow.
  std::string name(request->name);
  auto prepared = std::make_shared<Prepared>();
  prepared->text = std::string(request->text);
  for (size_t i = 0; i < request->types.size(); ++i) {
    Result<Type> type = parameter_type(request->types[i]);
    if (!type.ok()) {
      co_return type.status();
    }
    prepared->declared.declare(static_cast<uint32_t>(i + 1), *type);
  }
  if (!name.empty() && prepared_.contains(name)) {
    co_return Status::already_exists(fmt::format("prepared statement \"{}\" already exists", name))
        .with_sqlstate("42P05");
  }
  if (prepared_.size() >= all_.limits.prepared_max) {
    co_return Status::unavailable("too many prepared statements in this session")
        .with_sqlstate("53400")
        .with_hint("close some, or DEALLOCATE");
  }
  Status status;
  co_await on_worker([&] {
    Result<std::vector<sql::Statement>> statements = sql::parse_script(prepared->text);
    if (!statements.ok()) {
      status = statements.status();
      return;
    }
    prepared->statements = std::move(statements).value();
    if (prepared->statements.size() > 1) {
      status = Status::invalid_argument("cannot insert multiple commands into a prepared statement")
                   .with_sqlstate("42601");
    } else if (!prepared->statements.empty()) {
      Result<StatementShape> shape =
          session_->describe(prepared->statements[0], prepared->text, prepared->declared);
      status = shape.status();
      if (shape.ok()) {
        prepared->shape = std::move(shape).value();
        prepared->read = prepared->shape.read;
      }
    }
  });
  if (!status.ok()) {
    fail(status, prepared->text);
    failed_ = true;
    co_return Status();
  }
  prepared_[name] = std::move(prepared);
  write_bare(out_, '1');
  co_return Status();
}

Status Connection::bind(std::string_view body) {
  BindRequest request = TRY(read_bind(body));
  Portal portal;
  auto prepared = prepared_.find(request.statement);
  if (prepared == prepared_.end()) {
    return no_such("prepared statement", request.statement);
  }
  portal.prepared = prepared->second;
  portal.savepoints = session_->savepoints_made();
  TRY(take_parameters(request, portal));
  portal.formats = ResultFormats(std::move(request.result_formats));
  const StatementShape& shape = portal.prepared->shape;
  if (shape.rows) {
    TRY(portal.formats.check(shape.rows->size() + (shape.is_stream ? 2 : 0)));
  }
  std::string name(request.portal);
  if (!name.empty() && portals_.contains(name)) {
    return Status::already_exists(fmt::format("portal \"{}\" already exists", name))
        .with_sqlstate("42P03");
  }
  portals_.erase(name);
  portals_.emplace(std::move(name), std::move(portal));
  write_bare(out_, '2');
  return {};
}

Status Connection::take_parameters(const BindRequest& request, Portal& portal) {
  portal.parameters = portal.prepared->declared;
  size_t count = request.values.size();
  if (count != portal.parameters.size()) {
    return Status::invalid_argument(
               fmt::format("bind message supplies {} parameters, but prepared statement requires "
                           "{}",
                           count, portal.parameters.size()))
        .with_sqlstate("08P01");
  }
  std::string zone_name = zone();
  for (size_t i = 0; i < count; ++i) {
    Parameters::Parameter& parameter = portal.parameters.at(static_cast<uint32_t>(i + 1));
    parameter.has_value = true;
    if (!request.values[i]) {
      continue;  // NULL
    }
    Result<Value> value =
        decode_parameter(parameter.type, *request.values[i], request.format_of(i) == 1, zone_name);
    if (!value.ok()) {
      return value.status().with_context(fmt::format("parameter ${}", i + 1));
    }
    parameter.value = std::move(value).value();
  }
  return {};
}

void Connection::describe_rows(const StatementShape& shape, const ResultFormats& formats,
                               Portal* portal) {
  if (!shape.rows) {
    write_bare(out_, 'n');
    return;
  }
  if (portal != nullptr && portal->stream) {
    portal->stream->write_parameters(out_);
  }
  write_row_description(out_, shape.is_stream ? stream_schema(*shape.rows) : *shape.rows, formats);
}

Status Connection::describe(std::string_view body) {
  auto [kind, name] = TRY(read_named(body));
  std::shared_ptr<const Prepared> prepared;
  Portal* portal = nullptr;
  if (kind == 'S') {
    auto found = prepared_.find(name);
    if (found == prepared_.end()) {
      return no_such("prepared statement", name);
    }
    prepared = found->second;
    MessageWriter message(out_, 't');
    message.int16(static_cast<int16_t>(prepared->declared.size()));
    for (const Parameters::Parameter& parameter : prepared->declared.all()) {
      message.int32(static_cast<int32_t>(parameter_oid(parameter.type)));
    }
  } else {
    auto found = portals_.find(name);
    if (found == portals_.end()) {
      return no_such("portal", name);
    }
    portal = &found->second;
    prepared = portal->prepared;
  }
  StatementShape cursor_shape;
  auto take_cursor = [&](Portal& cursor) {
    cursor_shape.is_stream = cursor.live() != nullptr;
    cursor_shape.rows = cursor_shape.is_stream ? cursor.live()->schema : cursor.rows()->schema;
    return &cursor_shape;
  };
  const StatementShape* shape =
      prepared != nullptr ? &prepared->shape : take_cursor(*portal);  // a cursor of DECLARE
  if (prepared != nullptr && !prepared->statements.empty()) {
    if (const auto* fetch = std::get_if<sql::Fetch>(&prepared->statements[0].node);
        fetch != nullptr && !fetch->is_move) {
      shape = take_cursor(*TRY(find_cursor(fetch->cursor.text, 0)));
    }
  }
  describe_rows(*shape, portal != nullptr ? portal->formats : ResultFormats(), portal);
  return {};
}

asio::awaitable<Status> Connection::execute_message(std::string_view body) {
  Result<ExecuteRequest> request = read_execute(body);
  if (!request.ok()) {
    co_return request.status();
  }
  std::string name(request->portal);
  size_t rows_max = request->rows_max;
  auto found = portals_.find(name);
  if (found == portals_.end()) {
    co_return no_such("portal", name);
  }
  // Out of the map while it runs: the end of a block clears that.
  Portal portal = std::move(found->second);
  portals_.erase(found);
  Status status;
  std::shared_ptr<const Prepared> prepared = portal.prepared;
  bool ends_block = false;
  if (prepared != nullptr && prepared->statements.empty()) {
    write_bare(out_, 'I');
  } else if (prepared != nullptr &&
             std::holds_alternative<sql::Copy>(prepared->statements[0].node)) {
    status = co_await copy(std::get<sql::Copy>(prepared->statements[0].node), prepared->text,
                           portal.parameters.size() != 0 ? &portal.parameters : nullptr);
  } else {
    bool was_in_block = session_->transaction() != TransactionState::kIdle;
    if (prepared != nullptr) {
      status = co_await run_portal(portal, prepared->statements[0], prepared->text);
    }
    ends_block = was_in_block && session_->transaction() == TransactionState::kIdle;
    if (status.ok() && prepared != nullptr && prepared->shape.rows && portal.rows() != nullptr &&
        !same_types(*prepared->shape.rows, portal.rows()->schema)) {
      status = Status::unsupported("cached plan must not change result type");
    }
    if (status.ok()) {
      status = co_await send_portal(portal, rows_max);
    }
  }
  if (!status.ok()) {
    fail(status, prepared != nullptr ? prepared->text : "");
    failed_ = true;
  } else if (!ends_block) {
    portals_.insert_or_assign(std::move(name), std::move(portal));
  }
  co_return Status();
}

Status Connection::close_named(std::string_view body) {
  auto [kind, name] = TRY(read_named(body));
  if (kind == 'S') {
    if (auto found = prepared_.find(name); found != prepared_.end()) {
      prepared_.erase(found);
    }
  } else if (auto found = portals_.find(name); found != portals_.end()) {
    portals_.erase(found);
  }
  write_bare(out_, '3');
  return {};
}

}  // namespace tidemark::pgwire
