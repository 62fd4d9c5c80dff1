// The simple query protocol: a text of statements, run one after the other.

#include "server/pgwire/connection.h"
#include "sql/parser.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

// Texts up to here are parsed on the socket thread: some microseconds, less than to wake a worker.
constexpr size_t kParsedHereMax = 512;

}  // namespace

asio::awaitable<void> Connection::simple_query(std::string text) {
  Busy busy(*this);
  portals_.erase("");
  std::optional<Result<std::vector<sql::Statement>>> statements;
  if (text.size() <= kParsedHereMax) {
    statements = sql::parse_script(text);
  } else {
    co_await on_worker([&] { statements = sql::parse_script(text); });
  }
  if (!statements->ok()) {
    fail(statements->status(), text);
  } else if ((*statements)->empty()) {
    write_bare(out_, 'I');
  } else {
    for (const sql::Statement& statement : **statements) {
      if (!co_await run_simple(statement, text)) {
        break;
      }
    }
  }
}

asio::awaitable<bool> Connection::run_simple(const sql::Statement& statement,
                                             const std::string& text) {
  Status status;
  if (const auto* to_copy = std::get_if<sql::Copy>(&statement.node);
      to_copy != nullptr && session_->transaction() != TransactionState::kFailed) {
    status = co_await copy(*to_copy, text, nullptr);
  } else {
    Portal portal;
    status = co_await run_portal(portal, statement, text);
    if (const auto* from = std::get_if<sql::Fetch>(&statement.node); from && status.ok()) {
      Result<Portal*> cursor = find_cursor(from->cursor.text, 0);
      if (cursor.ok() && (*cursor)->is_binary) {
        portal.formats = ResultFormats::binary();
      }
    }
    if (status.ok()) {
      if (RowsResult* rows = portal.rows()) {
        write_row_description(out_, rows->schema, portal.formats);
      } else if (portal.live() != nullptr) {
        portal.stream->write_parameters(out_);
        write_row_description(out_, portal.stream->schema(), portal.formats);
      }
      status = co_await send_portal(portal, 0);
    }
  }
  if (!status.ok()) {
    fail(status, text);
  }
  co_return status.ok() && !closed_;
}

}  // namespace tidemark::pgwire
