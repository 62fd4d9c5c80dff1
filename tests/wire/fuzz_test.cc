// Bytes that no client would send, at the port and inside a session: others are served on. Seeded.

#include <random>

#include <unistd.h>

#include "server/pgwire/message.h"
#include "tests/harness/raw_socket.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

using namespace std::string_view_literals;

class WireFuzz : public WireTest {
 protected:
  // What the server says is dropped.
  void flood(std::string_view bytes) {
    int fd = connect_unix(socket_path());
    speak(fd, bytes);
    close(fd);
  }
};

constexpr std::string_view kStartup("\0\0\0\x17\0\3\0\0user\0tidemark\0\0", 23);

std::string message(char kind, std::string_view body) {
  std::string bytes(1, kind);
  size_t size = body.size() + 4;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(size >> shift);
  }
  return bytes + std::string(body);
}

TEST_F(WireFuzz, random_bytes_at_the_port) {
  std::mt19937 random(20240229);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 3000, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random());
    }
    if (round % 3 == 0) {
      bytes = std::string(kStartup) + bytes;
    }
    flood(bytes);
  }
  PgClient client(socket_conninfo());
  EXPECT_EQ(client.rows("SELECT 1"), "1");
}

TEST_F(WireFuzz, mutated_messages_in_a_session) {
  std::mt19937 random(7);
  const std::string valid[] = {
      message('Q', "SELECT 1\0"sv),
      message('P', "s\0SELECT $1::INT + 1\0\0\0"sv),
      message('P', "\0SELECT $1\0\0\1\0\0\0\x17"sv),
      message('B', "\0s\0\0\1\0\1\0\1\0\0\0\4\0\0\0\5\0\1\0\1"sv),
      message('D', "Ss\0"sv),
      message('D', "P\0"sv),
      message('E', "\0\0\0\0\1"sv),
      message('C', "Ss\0"sv),
      message('S', ""),
      message('H', ""),
      message('F', "\0\0\0\1"sv),
      message('Q', "BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH c; COMMIT\0"sv),
      message('Q', "COPY (SELECT 1) TO STDOUT\0"sv)};
  for (int round = 0; round < 400; ++round) {
    std::string bytes(kStartup);
    for (size_t i = random() % 12; i > 0; --i) {
      std::string part = valid[random() % std::size(valid)];
      if (random() % 2 == 0) {
        part[5 % part.size() + random() % (part.size() - 4) % (part.size() - 5 + 1)] =
            static_cast<char>(random());
      }
      bytes += part;
    }
    flood(bytes);
  }
  PgClient client(socket_conninfo());
  EXPECT_EQ(client.rows("SELECT 1"), "1");
}

TEST_F(WireFuzz, the_reader_takes_any_bytes) {
  std::mt19937 random(11);
  for (int round = 0; round < 200'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) {
      c = static_cast<char>(random() % 3 == 0 ? 0 : random());
    }
    const Result<std::optional<pgwire::Message>> cuts[] = {pgwire::cut_message(bytes),
                                                           pgwire::cut_startup_message(bytes)};
    for (const auto& cut : cuts) {
      if (cut.ok() && *cut) {
        ASSERT_LE((*cut)->bytes, bytes.size());
        pgwire::BodyReader body((*cut)->body);
        body.text();
        body.bytes(static_cast<size_t>(static_cast<uint16_t>(body.int16())));
        body.int32();
      }
    }
  }
}

}  // namespace
}  // namespace tidemark
