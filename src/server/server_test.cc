#include "server/server.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/engine.h"

namespace tidemark {
namespace {

// Speaks raw bytes to a server over its socket: layers.txt keeps libpq away from here.
class Wire {
 public:
  explicit Wire(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Wire() { close(fd_); }
  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    ASSERT_EQ(::write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void send_message(char kind, std::string_view body) {
    std::string bytes(1, kind);
    size_t size = body.size() + 4;
    bytes += {'\0', static_cast<char>(size >> 16), static_cast<char>(size >> 8),
              static_cast<char>(size)};
    send(bytes + std::string(body));
  }
  void start() { send({"\0\0\0\x17\0\3\0\0user\0tidemark\0\0", 23}); }
  // The kinds of all messages up to one of kind `last`; "" at the end of the connection.
  std::string kinds_until(char last) {
    std::string kinds;
    while (kinds.empty() || kinds.back() != last) {
      char head[5];
      if (!read_all(head, 5)) {
        return kinds + "!";
      }
      size_t size = 0;
      for (int i = 1; i < 5; ++i) {
        size = size << 8 | static_cast<unsigned char>(head[i]);
      }
      body.resize(size - 4);
      if (!read_all(body.data(), body.size())) {
        return kinds + "!";
      }
      kinds += head[0];
      if (head[0] == 'K') {
        key = body;
      }
      if (head[0] == 'E') {
        error = body;
      }
    }
    return kinds;
  }
  bool read_all(char* to, size_t size) {
    for (size_t done = 0; done < size;) {
      ssize_t got = ::read(fd_, to + done, size - done);
      if (got <= 0) {
        return false;
      }
      done += static_cast<size_t>(got);
    }
    return true;
  }
  std::string body, key, error;

 private:
  int fd_;
  bool connected_ = false;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<PrivateDirectory> made = PrivateDirectory::make();
    ASSERT_TRUE(made.ok());
    directory_.emplace(std::move(made).value());
    Result<std::unique_ptr<Server>> server =
        Server::start(engine_, {.socket_directory = directory_->path()});
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = std::move(server).value();
    path_ = directory_->path() + "/.s.PGSQL.7432";
  }
  Engine engine_;
  std::optional<PrivateDirectory> directory_;
  std::unique_ptr<Server> server_;
  std::string path_;
};

TEST_F(ServerTest, private_directory_is_for_its_owner_and_goes_away) {
  struct stat about {};
  ASSERT_EQ(stat(directory_->path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
  server_.reset();
  std::string path = directory_->path();
  directory_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, simple_queries) {
  Wire wire(path_);
  ASSERT_TRUE(wire.connected());
  wire.start();
  std::string greeting = wire.kinds_until('Z');
  EXPECT_EQ(greeting.front(), 'R');
  EXPECT_EQ(greeting.substr(greeting.size() - 2), "KZ");
  wire.send_message('Q', {"VALUES (1), (2); SELECT 3\0", 26});
  EXPECT_EQ(wire.kinds_until('Z'), "TDDCTDCZ");
  wire.send_message('Q', {" ;\0", 3});
  EXPECT_EQ(wire.kinds_until('Z'), "IZ");
  wire.send_message('Q', {"SELECT FROM nowhere; SELECT 1\0", 30});
  EXPECT_EQ(wire.kinds_until('Z'), "EZ");
  wire.send_message('Q', {"SELECT 1\0", 9});
  EXPECT_EQ(wire.kinds_until('Z'), "TDCZ");
}

TEST_F(ServerTest, extended_queries) {
  Wire wire(path_);
  wire.start();
  wire.kinds_until('Z');
  wire.send_message('P', {"s\0VALUES (1), (2), (3)\0\0\0", 25});
  wire.send_message('D', {"Ss\0", 3});
  wire.send_message('B', {"\0s\0\0\0\0\0\0\0", 9});
  wire.send_message('D', {"P\0", 2});
  wire.send_message('E', {"\0\0\0\0\2", 5});
  wire.send_message('E', {"\0\0\0\0\0", 5});
  wire.send_message('C', {"Ss\0", 3});
  wire.send_message('S', "");
  EXPECT_EQ(wire.kinds_until('Z'), "1tT2TDDsDC3Z");
  wire.send_message('P', {"\0SELEKT\0\0\0", 10});
  wire.send_message('B', {"\0\0\0\0\0\0\0\0", 8});
  wire.send_message('S', "");
  EXPECT_EQ(wire.kinds_until('Z'), "EZ");
}

TEST_F(ServerTest, requests_before_the_start) {
  Wire wire(path_);
  wire.send({"\0\0\0\x08\x04\xD2\x16\x2F", 8});  // SSLRequest
  char answer = 0;
  ASSERT_TRUE(wire.read_all(&answer, 1));
  EXPECT_EQ(answer, 'N');
  wire.start();
  EXPECT_EQ(wire.kinds_until('Z').back(), 'Z');
}

TEST_F(ServerTest, garbage_is_refused_and_others_are_served_on) {
  for (std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\0\0\0\x08\0\2\0\0", 8)}) {
    Wire wire(path_);
    wire.send(garbage);
    EXPECT_EQ(wire.kinds_until('Z'), "E!");
  }
  Wire late(path_);
  late.start();
  late.kinds_until('Z');
  late.send({"Q\0\0\0\1", 5});
  EXPECT_EQ(late.kinds_until('Z'), "E!");
  Wire good(path_);
  good.start();
  EXPECT_EQ(good.kinds_until('Z').back(), 'Z');
}

TEST_F(ServerTest, stops_with_connections_open) {
  Wire idle(path_);
  idle.start();
  idle.kinds_until('Z');
  Wire half(path_);
  server_.reset();
  EXPECT_EQ(idle.kinds_until('Z'), "!");
}

TEST_F(ServerTest, tcp_on_a_free_port) {
  Result<std::unique_ptr<Server>> tcp =
      Server::start(engine_, {.socket_directory = "", .host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(tcp.ok());
  EXPECT_NE((*tcp)->port(), 0);
  Result<std::unique_ptr<Server>> taken =
      Server::start(engine_, {.socket_directory = "", .host = "127.0.0.1", .port = (*tcp)->port()});
  EXPECT_FALSE(taken.ok());
}

}  // namespace
}  // namespace tidemark
