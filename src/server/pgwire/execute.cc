// Portals: running their statements, and sending what these answer.

#include <algorithm>
#include <boost/asio/post.hpp>

#include <fmt/core.h>

#include "base/clock.h"
#include "server/pgwire/connection.h"
#include "types/datetime.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

constexpr int64_t kProgressInterval_ms = 100;  // marks without changes

}  // namespace

asio::awaitable<Status> Connection::run_portal(Portal& portal, const sql::Statement& statement,
                                               const std::string& text) {
  if (portal.result) {
    co_return Status();
  }
  bool is_read = portal.prepared != nullptr && portal.prepared->read != nullptr;
  if (is_read && !cancelled_ && !closed_) {
    portal.result = session_->read_prepared(*portal.prepared->read, portal.parameters);
    if (portal.result) {
      all_.metrics.count_point_read();
      co_return Status();
    }
  }
  Parameters* parameters = portal.parameters.size() != 0 ? &portal.parameters : nullptr;
  Result<StatementResult> result = co_await run(statement, text, parameters);
  if (is_read && result.ok() && !session_->is_current(*portal.prepared->read)) {
    co_await renew(*portal.prepared);
  }
  if (!result.ok()) {
    co_return result.status();
  }
  portal.result = std::move(result).value();
  if (portal.result->is_looked_up) {
    all_.metrics.count_point_read();
  }
  if (portal.live() != nullptr) {
    open_stream(portal);
  }
  co_return Status();
}

// What was bound against another catalog is bound anew for the next time.
asio::awaitable<void> Connection::renew(const Prepared& prepared) {
  std::shared_ptr<const PreparedRead> read;
  co_await on_worker([&] {
    Parameters declared = prepared.declared;
    Result<StatementShape> shape =
        session_->describe(prepared.statements[0], prepared.text, declared);
    read = shape.ok() ? shape->read : prepared.read;
  });
  prepared.read = std::move(read);
}

void Connection::open_stream(Portal& portal) {
  StreamResult& live = *portal.live();
  portal.stream.emplace(live);
  // The io_context may be gone from under the connection, not from under the function.
  live.subscription->set_wake([io = all_.io, weak = weak_from_this()] {
    asio::post(*io, [weak] {
      if (auto self = weak.lock()) {
        self->wake();
      }
    });
  });
}

// At the end of a transaction block; cursors WITH HOLD stay.
void Connection::end_portals() {
  std::erase_if(portals_, [](const auto& entry) { return !entry.second.is_held; });
}

// What the rows say of their time, for a client that looks.
void Connection::write_freshness(const RowsResult& rows) {
  bool is_told = rows.mark == told_mark_ && rows.published_us == told_published_us_;
  if (!rows.mark.valid() || is_told) {
    return;
  }
  told_mark_ = rows.mark;
  told_published_us_ = rows.published_us;
  write_parameter("tidemark.mark", rows.mark.to_string());
  std::string time;
  if (rows.commit_time_us != 0) {
    append_timestamp_ltz(rows.commit_time_us, "UTC", time);
  }
  if (std::optional<int64_t> lag = lag_us(rows.commit_time_us, rows.published_us)) {
    write_parameter("tidemark.lag_ms", std::to_string(*lag / 1000));
  }
  write_parameter("tidemark.commit_time", std::move(time));
}

asio::awaitable<Status> Connection::send_portal(Portal& portal, size_t rows_max) {
  if (auto* done = std::get_if<CommandDone>(&portal.result->outcome)) {
    write_command_complete(out_, done->tag);
    co_return Status();
  }
  if (portal.live() != nullptr) {
    co_return co_await send_stream(portal, rows_max);
  }
  const RowsResult& rows = *portal.rows();
  size_t total = rows.rows.rows;
  size_t from = std::min(portal.row, total);
  size_t end = rows_max == 0 ? total : std::min(total, from + rows_max);
  Status status = co_await send_rows(rows.rows, from, end, portal.formats);
  if (!status.ok()) {
    co_return status;
  }
  portal.row = end;
  if (end < total) {
    write_bare(out_, 's');
    co_return Status();
  }
  write_freshness(rows);
  bool is_select = rows.tag.starts_with("SELECT ");
  write_command_complete(out_, is_select ? fmt::format("SELECT {}", end - from) : rows.tag);
  co_return Status();
}

asio::awaitable<Status> Connection::send_rows(const RowBatch& rows, size_t from, size_t to,
                                              const ResultFormats& formats) {
  std::string zone_name = zone();
  for (size_t row = from; row < to;) {
    row = write_rows(out_, rows, row, to, kOutBytes, TextFormat{.zone = zone_name}, formats);
    if (row < to && !co_await flush()) {
      co_return cancelled_status();
    }
    if (cancelled_) {
      co_return cancelled_status();
    }
  }
  co_return Status();
}

asio::awaitable<Result<bool>> Connection::next_rows(Portal& portal, int64_t deadline_us) {
  StreamResult& live = *portal.live();
  while (!cancelled_ && !closed_ && !portal.has_ended) {
    if (!portal.stream->is_read()) {
      co_return true;
    }
    std::optional<ViewUpdate> update = live.subscription->next(0);
    int64_t wait_us = portal.progress_us + kProgressInterval_ms * 1000 - steady_us();
    if (update && update->kind == ViewUpdate::Kind::kProgress) {
      portal.held = std::move(live.progress ? update : portal.held);
      continue;
    }
    if (!update && portal.held && wait_us <= 0) {
      update = std::exchange(portal.held, std::nullopt);
    }
    if (!update) {
      if (!co_await flush() || (deadline_us >= 0 && steady_us() >= deadline_us)) {
        co_return false;
      }
      if (portal.held || deadline_us >= 0) {
        int64_t until_us = deadline_us >= 0 ? deadline_us - steady_us() : wait_us;
        wake_.expires_after(
            std::chrono::microseconds(portal.held ? std::min(wait_us, until_us) : until_us));
      }
      co_await wait();
      wake_.expires_at(asio::steady_timer::time_point::max());
      continue;
    }
    if (update->kind == ViewUpdate::Kind::kEnd) {
      portal.has_ended = true;
      if (!update->status.ok()) {
        co_return update->status;
      }
      if (portal.held) {  // the asked end is a mark like any other
        portal.stream->take(*portal.held, out_);
        co_return true;
      }
      co_return false;
    }
    portal.held.reset();
    portal.progress_us = steady_us();
    portal.stream->take(*update, out_);
  }
  if (cancelled_ || closed_) {
    co_return cancelled_status();
  }
  co_return !portal.stream->is_read();
}

asio::awaitable<Status> Connection::send_stream(Portal& portal, size_t rows_max) {
  StreamRows& stream = *portal.stream;
  size_t left = rows_max == 0 ? SIZE_MAX : rows_max;
  Status status;
  while (left != 0) {
    Result<bool> more = co_await next_rows(portal, -1);
    if (!more.ok() || !*more) {
      status = more.status();
      break;
    }
    size_t from = stream.next_row();
    size_t end = from + std::min(left, stream.rows().rows - from);
    status = co_await send_rows(stream.rows(), from, end, portal.formats);
    if (!status.ok()) {
      break;
    }
    stream.read_up_to(end);
    left -= end - from;
    if (stream.is_read()) {
      co_await flush();  // an update goes out whole, and at once
    }
  }
  if (status.ok() && left == 0 && !(portal.has_ended && stream.is_read())) {
    write_bare(out_, 's');
    co_return status;
  }
  portal.has_ended = true;
  write_parameter_status(out_, "tidemark.result", "rows");
  if (status.ok()) {
    write_command_complete(out_, fmt::format("SELECT {}", stream.changes()));
  }
  co_return status;
}

}  // namespace tidemark::pgwire
