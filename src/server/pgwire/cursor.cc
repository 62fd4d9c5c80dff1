// DECLARE, FETCH, MOVE, CLOSE: portals by name (PostgreSQL 15 manual, DECLARE and FETCH). A cursor
// over a live query only goes forward, and FETCH waits for its next rows.

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "server/pgwire/connection.h"
#include "types/datetime.h"

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

// Where a cursor over `total` rows goes, and which rows it gives on the way: [first, first +
// count), from the last to the first if `backward`. `row` is the place after the current row: 0 is
// before the first, total + 1 behind the last.
struct Move {
  size_t row = 0;
  size_t first = 0;
  size_t count = 0;
  bool backward = false;
};

Move single(int64_t place, int64_t total) {
  if (place < 1) {
    return {.row = 0};
  }
  if (place > total) {
    return {.row = static_cast<size_t>(total) + 1};
  }
  return {.row = static_cast<size_t>(place), .first = static_cast<size_t>(place - 1), .count = 1};
}

Move move_cursor(const sql::Fetch& fetch, size_t row, size_t rows) {
  using enum sql::FetchDirection;
  auto at = static_cast<int64_t>(row), total = static_cast<int64_t>(rows);
  int64_t count = fetch.count.value_or(INT64_MAX);
  bool backward = fetch.direction == kBackward;
  if (fetch.direction == kAbsolute) {
    return single(count < 0 ? total + 1 + count : count, total);
  }
  if (fetch.direction == kRelative) {
    return single(at + count, total);
  }
  if (count == 0) {  // the current row again
    return single(at, total);
  }
  if (count < 0) {
    backward = !backward;
    count = -count;
  }
  if (!backward) {
    int64_t first = std::min(at, total);
    int64_t given = std::min(count, total - first);
    bool is_past = given < count;
    return {.row = static_cast<size_t>(is_past ? total + 1 : first + given),
            .first = static_cast<size_t>(first),
            .count = static_cast<size_t>(given)};
  }
  int64_t before = std::max<int64_t>(at - 1, 0);  // rows in front of the current one
  int64_t given = std::min(count, before);
  return {.row = static_cast<size_t>(given < count ? 0 : before - given + 1),
          .first = static_cast<size_t>(before - given),
          .count = static_cast<size_t>(given),
          .backward = true};
}

bool goes_back(const sql::Fetch& fetch) {
  using enum sql::FetchDirection;
  int64_t count = fetch.count.value_or(1);
  return fetch.direction == kAbsolute || (fetch.direction == kForward && count < 0) ||
         (fetch.direction == kRelative && count < 0) ||
         (fetch.direction == kBackward && count >= 0);
}

StatementResult command(std::string tag) {
  return StatementResult{CommandDone{std::move(tag)}, {}};
}

}  // namespace

Result<Portal*> Connection::find_cursor(const std::string& name, size_t position) {
  auto found = portals_.find(name);
  if (found == portals_.end() || !found->second.result) {
    return Status::not_found(fmt::format("cursor \"{}\" does not exist", name))
        .with_sqlstate("34000")
        .with_position(position);
  }
  return &found->second;
}

asio::awaitable<Result<StatementResult>> Connection::declare(const sql::DeclareCursor& declare,
                                                             const std::string& text,
                                                             Parameters* parameters) {
  const std::string& name = declare.name.text;
  if (session_->transaction() == TransactionState::kIdle && !declare.hold) {
    co_return Status::invalid_argument("DECLARE CURSOR can only be used in transaction blocks")
        .with_sqlstate("25P01")
        .with_hint("BEGIN first, or declare it WITH HOLD");
  }
  if (portals_.contains(name)) {
    co_return Status::already_exists(fmt::format("cursor \"{}\" already exists", name))
        .with_sqlstate("42P03");
  }
  Portal portal;
  portal.savepoints = session_->savepoints_made();
  portal.is_cursor = true;
  portal.is_held = declare.hold;
  portal.is_forward_only = declare.no_scroll;
  portal.is_binary = declare.binary;
  if (parameters != nullptr) {
    portal.parameters = *parameters;
  }
  Status status = co_await run_portal(portal, *declare.statement, text);
  if (!status.ok()) {
    co_return status;
  }
  portals_.insert_or_assign(name, std::move(portal));
  co_return command("DECLARE CURSOR");
}

asio::awaitable<Result<StatementResult>> Connection::fetch(const sql::Fetch& fetch) {
  Result<Portal*> found = find_cursor(fetch.cursor.text, fetch.cursor.position);
  if (!found.ok()) {
    co_return found.status();
  }
  Portal& portal = **found;
  const char* verb = fetch.is_move ? "MOVE" : "FETCH";
  bool is_back = goes_back(fetch);
  if (is_back && (portal.live() != nullptr || portal.is_forward_only)) {
    co_return Status::invalid_argument("cursor can only scan forward")
        .with_sqlstate("55000")
        .with_hint(portal.live() != nullptr ? "a live query has no way back"
                                            : "declare it without NO SCROLL");
  }
  RowsResult rows;
  if (portal.live() != nullptr) {
    Result<RowsResult> live = co_await fetch_live(portal, fetch);
    if (!live.ok()) {
      co_return live.status();
    }
    rows = std::move(live).value();
  } else {
    const RowsResult& all = *portal.rows();
    Move move = move_cursor(fetch, portal.row, all.rows.rows);
    portal.row = move.row;
    std::vector<uint32_t> places(fetch.is_move ? 0 : move.count);
    std::iota(places.begin(), places.end(), static_cast<uint32_t>(move.first));
    if (move.backward) {
      std::reverse(places.begin(), places.end());
    }
    rows = RowsResult{.schema = all.schema,
                      .rows = all.rows.select(places),
                      .tag = {},
                      .mark = all.mark,
                      .commit_time_us = all.commit_time_us,
                      .published_us = all.published_us};
    rows.rows.rows = places.size();
    if (fetch.is_move) {
      co_return command(fmt::format("MOVE {}", move.count));
    }
  }
  rows.tag = fmt::format("{} {}", verb, rows.rows.rows);
  if (fetch.is_move) {
    co_return command(rows.tag);
  }
  co_return StatementResult{std::move(rows), {}};
}

// Waits for the first row, then takes what is there. At most TIMEOUT; without it as long as needed.
asio::awaitable<Result<RowsResult>> Connection::fetch_live(Portal& portal,
                                                           const sql::Fetch& fetch) {
  int64_t deadline_us = -1;
  for (const sql::Option& option : fetch.options) {
    if (ascii_upper(option.key) != "TIMEOUT") {
      co_return Status::invalid_argument(fmt::format("unknown option of FETCH: {}", option.key))
          .with_hint("the option is TIMEOUT")
          .with_position(option.position);
    }
    Result<int64_t> timeout_us = parse_duration_us(option.value);
    if (!timeout_us.ok()) {
      co_return timeout_us.status().with_position(option.value_position);
    }
    deadline_us = steady_us() + *timeout_us;
  }
  StreamRows& stream = *portal.stream;
  std::vector<Column> columns = make_columns(stream.schema());
  size_t taken = 0;
  // ALL takes what is there now, at most so many.
  constexpr size_t kRowsMax = 1'000'000;
  size_t wanted = static_cast<size_t>(
      std::min<int64_t>(fetch.count.value_or(INT64_MAX), static_cast<int64_t>(kRowsMax)));
  while (taken < wanted) {
    Result<bool> more = co_await next_rows(portal, taken == 0 ? deadline_us : 0);
    if (!more.ok()) {
      co_return more.status();
    }
    if (!*more) {
      break;
    }
    size_t from = stream.next_row();
    size_t count = std::min(wanted - taken, stream.rows().rows - from);
    std::vector<uint32_t> places(count);
    std::iota(places.begin(), places.end(), static_cast<uint32_t>(from));
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c].append_rows(*stream.rows().columns[c], places);
    }
    stream.read_up_to(from + count);
    taken += count;
  }
  RowsResult rows;
  rows.schema = stream.schema();
  rows.rows = to_batch(std::move(columns));
  co_return rows;
}

Result<StatementResult> Connection::close_cursor(const sql::CloseCursor& close) {
  if (!close.cursor) {
    std::erase_if(portals_, [](const auto& entry) { return entry.second.is_cursor; });
    return command("CLOSE CURSOR ALL");
  }
  TRY(find_cursor(close.cursor->text, close.cursor->position));
  portals_.erase(close.cursor->text);
  return command("CLOSE CURSOR");
}

}  // namespace tidemark::pgwire
