// COPY's bytes as PostgresConnection hands them out: in pieces of any size, to the end, an error or
// a cancel.

#include <gtest/gtest.h>

#include "tests/harness/postgres_cluster.h"

namespace tidemark {
namespace {

constexpr const char* kCopy =
    "COPY (SELECT i, repeat('x', i % 300) FROM generate_series(1, 3000) i) TO STDOUT (FORMAT "
    "binary)";

std::string by_message(PostgresConnection& connection) {
  std::string all;
  EXPECT_TRUE(connection.start_copy(kCopy).ok());
  for (;;) {
    Result<std::optional<std::string_view>> message = connection.next_copy_message();
    EXPECT_TRUE(message.ok());
    if (!message.ok() || !message->has_value()) {
      return all;
    }
    all += **message;
  }
}

// Until the end, or `bytes_max` or more have come.
Result<std::string> by_bytes(PostgresConnection& connection, size_t room_bytes,
                             size_t bytes_max = SIZE_MAX) {
  std::string all;
  std::string room(room_bytes, '\0');
  while (all.size() < bytes_max) {
    size_t size = TRY(connection.next_copy_bytes(room));
    if (size == 0) {
      break;
    }
    all.append(room, 0, size);
  }
  return all;
}

TEST(PostgresCopyBytes, are_the_messages_whatever_room_there_is) {
  PostgresConnection connection = shared_cluster().connect();
  std::string expected = by_message(connection);
  ASSERT_GT(expected.size(), 100'000u);
  for (size_t room : {1, 7, 1000, 1 << 20}) {
    ASSERT_TRUE(connection.start_copy(kCopy).ok());
    Result<std::string> all = by_bytes(connection, room);
    ASSERT_TRUE(all.ok()) << all.status().message();
    EXPECT_TRUE(*all == expected) << room;
  }
}

TEST(PostgresCopyBytes, end_with_the_error_of_the_server) {
  PostgresConnection connection = shared_cluster().connect();
  ASSERT_TRUE(
      connection
          .start_copy("COPY (SELECT 1 / (2000 - i) FROM generate_series(1, 3000) i) TO STDOUT")
          .ok());
  Result<std::string> all = by_bytes(connection, 100);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(connection.sqlstate(), "22012");
  EXPECT_TRUE(connection.execute("SELECT 1").ok());
}

TEST(PostgresCopyBytes, left_within_a_row_the_next_copy_is_whole) {
  PostgresConnection connection = shared_cluster().connect();
  std::string expected = by_message(connection);
  ASSERT_TRUE(
      connection
          .start_copy("COPY (SELECT repeat('y', 500) FROM generate_series(1, 1000000)) TO STDOUT")
          .ok());
  ASSERT_TRUE(by_bytes(connection, 7, 70).ok());
  connection.cancel();
  EXPECT_FALSE(by_bytes(connection, 10'000).ok());
  EXPECT_EQ(connection.sqlstate(), "57014");
  ASSERT_TRUE(connection.start_copy(kCopy).ok());
  Result<std::string> all = by_bytes(connection, 64 << 10);
  ASSERT_TRUE(all.ok()) << all.status().message();
  EXPECT_TRUE(*all == expected);
}

}  // namespace
}  // namespace tidemark
