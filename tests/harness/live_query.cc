#include "tests/harness/live_query.h"

#include <gtest/gtest.h>

#include "sql/excerpt.h"
#include "sql/parser.h"
#include "types/text.h"

namespace tidemark {

namespace {

constexpr int64_t kPatienceUs = 20'000'000;

std::vector<std::string> text_row(const RowBatch& rows, size_t row, size_t columns) {
  std::vector<std::string> cells;
  for (size_t c = 0; c < columns; ++c) {
    const Column& column = *rows.columns[c];
    cells.push_back(column.is_null(row) ? "NULL" : text_of(column, row));
  }
  return cells;
}

}  // namespace

ViewUpdate LiveQuery::next() {
  std::optional<ViewUpdate> update = stream_.subscription->next(kPatienceUs);
  if (!update) {
    ADD_FAILURE() << "no update came in time";
    return ViewUpdate{.kind = ViewUpdate::Kind::kEnd};
  }
  if (update->kind == ViewUpdate::Kind::kChanges) {
    has_content_ = true;
    ++updates_;
    EXPECT_GE(update->mark, mark_) << "the mark went back";
    for (size_t row = 0; row < update->changes.rows.rows; ++row) {
      std::vector<std::string> cells = text_row(update->changes.rows, row, stream_.schema.size());
      if (is_retraction(update->changes.kinds[row])) {
        auto found = rows_.find(cells);
        if (found == rows_.end()) {
          ADD_FAILURE() << "a row was taken back that is not there: "
                        << testing::PrintToString(cells);
        } else {
          rows_.erase(found);
        }
      } else {
        rows_.insert(std::move(cells));
      }
    }
  }
  if (update->kind == ViewUpdate::Kind::kChanges || update->kind == ViewUpdate::Kind::kProgress) {
    mark_ = update->mark;
  }
  if (update->kind == ViewUpdate::Kind::kEnd && !update->status.ok()) {
    ADD_FAILURE() << "the query ended: " << update->status.to_string();
  }
  return *update;
}

void LiveQuery::wait_for_content() {
  while (!has_content_) {
    if (next().kind == ViewUpdate::Kind::kEnd) {
      return;
    }
  }
}

void LiveQuery::wait_for(const std::string& lsn) {
  Lsn wanted = Lsn::parse(lsn).value();
  while (!has_content_ || mark_ < wanted) {
    if (next().kind == ViewUpdate::Kind::kEnd) {
      return;
    }
  }
}

std::vector<std::string> TestSession::run(const std::string& text) {
  std::vector<std::string> notices;
  Status status = session_->execute_script(text, [&](StatementResult result) {
    notices.insert(notices.end(), result.notices.begin(), result.notices.end());
    return true;
  });
  EXPECT_TRUE(status.ok()) << sql::excerpt(status, text);
  return notices;
}

std::string TestSession::error(const std::string& text) {
  Status status = session_->execute_script(text, [&](StatementResult) { return true; });
  return status.ok() ? "" : status.message() + (status.hint().empty() ? "" : "\n" + status.hint());
}

LiveQuery TestSession::query(const std::string& text) {
  StreamResult stream;
  Status status = session_->execute_script(text, [&](StatementResult result) {
    if (auto* live = std::get_if<StreamResult>(&result.outcome)) {
      stream = std::move(*live);
    }
    return true;
  });
  EXPECT_TRUE(status.ok()) << sql::excerpt(status, text);
  CHECK(stream.subscription != nullptr);
  return LiveQuery(std::move(stream));
}

TextRows TestSession::rows(const std::string& text) {
  TextRows rows;
  Status status = session_->execute_script(text, [&](StatementResult result) {
    if (auto* answer = std::get_if<RowsResult>(&result.outcome)) {
      for (size_t row = 0; row < answer->rows.rows; ++row) {
        rows.insert(text_row(answer->rows, row, answer->schema.size()));
      }
    }
    return true;
  });
  EXPECT_TRUE(status.ok()) << sql::excerpt(status, text);
  return rows;
}

std::string connector_options(const PostgresAddress& address, const std::string& schema,
                              const std::string& table) {
  return "'connector' = 'postgres-cdc', 'hostname' = '" + address.host + "', 'port' = '" +
         address.port + "', 'username' = '" + address.user + "', 'password' = '" +
         address.password + "', 'database-name' = '" + address.database + "', 'schema-name' = '" +
         schema + "', 'table-name' = '" + table + "'";
}

TextRows postgres_rows(PostgresCluster& cluster, const std::string& database,
                       const std::string& query) {
  PostgresConnection connection = cluster.connect(database);
  Result<QueryResult> result = connection.query(query);
  EXPECT_TRUE(result.ok()) << result.status().message();
  TextRows rows;
  for (size_t row = 0; result.ok() && row < result->rows(); ++row) {
    std::vector<std::string> cells;
    for (size_t c = 0; c < result->columns(); ++c) {
      std::string cell(result->text(row, c));
      cells.push_back(result->is_null(row, c)       ? "NULL"
                      : result->column_oid(c) == 16 ? (cell == "t" ? "true" : "false")
                                                    : cell);
    }
    rows.insert(std::move(cells));
  }
  return rows;
}

}  // namespace tidemark
