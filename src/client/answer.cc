#include "client/answer.h"

#include <charconv>

#include "types/datetime.h"

namespace tidemark {

namespace {

uint64_t parse_number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The text up to `separator`, which is taken off with it.
std::string_view take_until(std::string_view& text, char separator) {
  size_t end = text.find(separator);
  std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

Type array_of_wire(uint32_t oid) {
  switch (oid) {
    case 1000:
      return Type::array(Type::boolean());
    case 1005:
      return Type::array(Type::of(TypeKind::kSmallint));
    case 1007:
      return Type::array(Type::integer());
    case 1016:
      return Type::array(Type::bigint());
    case 1021:
      return Type::array(Type::float32());
    case 1022:
      return Type::array(Type::float64());
    default:
      return Type::string();
  }
}

}  // namespace

Type type_of_wire(uint32_t oid, int32_t modifier) {
  int32_t precision = modifier < 0 ? 6 : modifier;
  switch (oid) {
    case 16:
      return Type::boolean();
    case 21:
      return Type::of(modifier == 1 ? TypeKind::kTinyint : TypeKind::kSmallint);
    case 23:
      return Type::integer();
    case 20:
      return Type::bigint();
    case 700:
      return Type::float32();
    case 701:
      return Type::float64();
    case 1700: {
      int32_t packed = modifier - 4;  // PostgreSQL 15, numeric.c: precision << 16 | scale, plus 4
      bool is_ours = modifier >= 4 && packed >> 16 <= kDecimalPrecisionMax;
      return is_ours ? Type::decimal(packed >> 16, packed & 0xFFFF)
                     : Type::decimal(kDecimalPrecisionMax, 18);
    }
    case 1042:
      return Type::character(modifier > 4 ? modifier - 4 : 1);
    case 1043:
      return Type::varchar(modifier > 4 ? modifier - 4 : kLengthMax);
    case 17:
      return Type::bytes();
    case 1082:
      return Type::date();
    case 1083:
      return Type::time(precision);
    case 1114:
      return Type::timestamp(precision);
    case 1184:
      return Type::timestamp_ltz(precision);
    default:
      return array_of_wire(oid);
  }
}

std::vector<SortKey> parse_order(std::string_view text) {
  std::vector<SortKey> order;
  while (!text.empty()) {
    std::string_view item = take_until(text, ',');
    while (item.starts_with(' ')) {
      item.remove_prefix(1);
    }
    SortKey key;
    key.column = parse_number(take_until(item, ' '));
    key.descending = take_until(item, ' ') == "desc";
    key.nulls_first = item == "nulls_first";
    order.push_back(key);
  }
  return order;
}

std::optional<std::vector<size_t>> parse_key(std::string_view text) {
  if (text == "-") {
    return std::nullopt;
  }
  std::vector<size_t> key;
  while (!text.empty()) {
    key.push_back(parse_number(take_until(text, ',')));
  }
  return key;
}

Result<Answer> Answer::start(PostgresConnection& connection, const std::string& sql) {
  TRY(connection.send(sql));
  TRY(connection.row_by_row());
  return Answer(connection);
}

bool Answer::is_stream() const {
  return connection_->parameter("tidemark.result") == "stream";
}

void Answer::read_head(const QueryResult& result) {
  head_.is_stream = is_stream();
  size_t skipped = head_.is_stream ? 2 : 0;
  for (size_t i = skipped; i < result.columns(); ++i) {
    head_.columns.push_back(
        AnswerColumn{.name = std::string(result.column_name(i)),
                     .type = type_of_wire(result.column_oid(i), result.column_modifier(i))});
  }
  if (head_.is_stream) {
    head_.hidden = std::min<size_t>(parse_number(connection_->parameter("tidemark.hidden")),
                                    head_.columns.size());
    head_.order = parse_order(connection_->parameter("tidemark.order"));
    head_.key = parse_key(connection_->parameter("tidemark.key"));
  }
  has_head_ = true;
}

AnswerEvent Answer::take_row(const QueryResult& result) {
  AnswerEvent event{.kind = AnswerEvent::Kind::kRow};
  size_t skipped = 0;
  if (head_.is_stream) {
    skipped = 2;
    mark_ = result.text(0, 0);
    std::string_view op = result.text(0, 1);
    if (op == "mark") {
      event.kind = AnswerEvent::Kind::kMark;
      return event;
    }
    event.op = op == "-U"   ? RowKind::kUpdateBefore
               : op == "+U" ? RowKind::kUpdateAfter
               : op == "-D" ? RowKind::kDelete
                            : RowKind::kInsert;
  }
  event.row.reserve(result.columns() - skipped);
  for (size_t i = skipped; i < result.columns(); ++i) {
    event.row.push_back(result.is_null(0, i) ? Cell() : Cell(std::string(result.text(0, i))));
  }
  return event;
}

AnswerEvent Answer::poll() {
  if (first_) {
    AnswerEvent event = take_row(*first_);
    first_.reset();
    return event;
  }
  while (!ended_) {
    Result<PostgresConnection::Polled> polled = connection_->poll_result();
    if (!polled.ok()) {
      ended_ = true;
      // Takes what follows the error, up to where the next statement may be sent.
      while (!connection_->is_broken()) {
        Result<std::optional<QueryResult>> rest = connection_->next_result();
        if (rest.ok() && !rest->has_value()) {
          break;
        }
      }
      return {.kind = AnswerEvent::Kind::kFailed, .status = polled.status()};
    }
    if (!polled->ready) {
      return {};
    }
    if (!polled->result) {
      ended_ = true;
      return {.kind = AnswerEvent::Kind::kDone};
    }
    QueryResult& result = *polled->result;
    bool is_row = result.rows() == 1;
    if (!is_row) {
      tag_ = result.command_tag();
    }
    if (result.has_columns() && !has_head_) {
      read_head(result);
      if (is_row) {
        first_ = std::move(result);
      }
      return {.kind = AnswerEvent::Kind::kHead};
    }
    if (is_row) {
      return take_row(result);
    }
  }
  return {};
}

Freshness Answer::freshness() const {
  Freshness fresh{.mark = mark_};
  Result<int64_t> time = parse_timestamp_ltz(connection_->parameter("tidemark.commit_time"), "UTC");
  if (time.ok()) {
    fresh.commit_time_us = *time;
  }
  fresh.lag_ms = static_cast<int64_t>(parse_number(connection_->parameter("tidemark.lag_ms")));
  fresh.stale = connection_->parameter("tidemark.stale");
  std::string snapshot = connection_->parameter("tidemark.snapshot");
  std::string_view rest = snapshot;
  fresh.snapshot_rows = parse_number(take_until(rest, '/'));
  fresh.snapshot_rows_total = parse_number(rest);
  return fresh;
}

}  // namespace tidemark
