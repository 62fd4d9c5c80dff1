// COPY ... TO STDOUT: a view, a query, or the changes of a SUBSCRIBE (PostgreSQL 15 manual, "COPY
// Operations"). Each row is a CopyData message of its own.

#include <fmt/core.h>

#include "server/pgwire/connection.h"
#include "server/pgwire/copy_format.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

void write_copy_out(std::string& out, const CopyFormat& format, size_t columns) {
  bool is_binary = format.kind() == CopyFormat::Kind::kBinary;
  MessageWriter message(out, 'H');
  message.byte(is_binary ? 1 : 0);
  message.int16(static_cast<int16_t>(columns));
  for (size_t i = 0; i < columns; ++i) {
    message.int16(is_binary ? 1 : 0);
  }
}

void write_copy_data(std::string& out, std::string_view bytes) {
  if (!bytes.empty()) {
    MessageWriter(out, 'd').bytes(bytes);
  }
}

// COPY v (a, b): the query that it is.
sql::Statement query_of(const sql::Name& name, const std::vector<sql::Identifier>& columns) {
  sql::Select select;
  for (const sql::Identifier& column : columns) {
    select.items.push_back({sql::Expr{sql::ColumnRef{sql::Name{{column}}}, column.position}, {}});
  }
  if (columns.empty()) {
    select.items.push_back({sql::Expr{sql::Star{}, name.position()}, {}});
  }
  sql::TableRef table;
  table.position = name.position();
  table.node = sql::NamedTable{name, {}, nullptr, {}};
  select.from.push_back(std::move(table));
  auto query = std::make_unique<sql::Query>();
  query->body = std::move(select);
  query->position = name.position();
  return sql::Statement{sql::QueryStatement{std::move(query)}, name.position(), name.position()};
}

}  // namespace

asio::awaitable<Status> Connection::copy_rows(const RowBatch& rows, const CopyFormat& format) {
  std::string zone_name = zone();
  for (size_t row = 0; row < rows.rows; ++row) {
    if (out_.size() >= kOutBytes && !co_await flush()) {
      co_return cancelled_status();
    }
    if (cancelled_) {
      co_return cancelled_status();
    }
    MessageWriter message(out_, 'd');
    format.append_row(rows, row, out_, TextFormat{.zone = zone_name});
  }
  co_return Status();
}

asio::awaitable<Status> Connection::copy(const sql::Copy& copy, const std::string& text,
                                         Parameters* parameters) {
  Portal portal;
  if (parameters != nullptr) {
    portal.parameters = *parameters;
  }
  sql::Statement of_name;
  const sql::Statement* statement = nullptr;
  if (const auto* name = std::get_if<sql::Name>(&copy.source)) {
    of_name = query_of(*name, copy.columns);
    statement = &of_name;
  } else {
    statement = std::get<sql::StatementPtr>(copy.source).get();
  }
  Status status = co_await run_portal(portal, *statement, text);
  if (!status.ok()) {
    co_return status;
  }
  const Schema& schema = portal.live() != nullptr ? portal.stream->schema() : portal.rows()->schema;
  Result<CopyFormat> format = CopyFormat::make(copy.options, schema);
  if (!format.ok()) {
    co_return format.status();
  }
  write_copy_out(out_, *format, schema.size());
  write_copy_data(out_, format->header(schema));
  size_t rows = 0;
  if (portal.live() == nullptr) {
    rows = portal.rows()->rows.rows;
    status = co_await copy_rows(portal.rows()->rows, *format);
    write_freshness(*portal.rows());
  }
  while (portal.live() != nullptr) {
    Result<bool> more = co_await next_rows(portal, -1);
    status = more.status();
    if (!more.ok() || !*more) {
      break;
    }
    status = co_await copy_rows(portal.stream->rows(), *format);
    if (!status.ok()) {
      break;
    }
    rows += portal.stream->rows().rows;
    portal.stream->read_up_to(portal.stream->rows().rows);
    co_await flush();
  }
  if (status.ok()) {
    write_copy_data(out_, format->trailer());
    write_bare(out_, 'c');
    write_command_complete(out_, fmt::format("COPY {}", rows));
  }
  co_return status;
}

}  // namespace tidemark::pgwire
