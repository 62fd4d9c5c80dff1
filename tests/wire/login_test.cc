// Who is let in: passwords, TLS, certificates, limits. libpq is the client.

#include <fmt/core.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/command_output.h"
#include "tests/harness/raw_socket.h"
#include "tests/harness/tcp_proxy.h"
#include "tests/wire/wire_fixture.h"

namespace tidemark {
namespace {

class WireLogin : public WireTest {
 protected:
  // Certificates of a throw-away authority, made with the openssl program.
  void make_certificates() {
    certificates_ = directory_of_test();
    std::string command = fmt::format(
        "cd {} && {{ openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout "
        "ca.key -out ca.pem && "
        "for name in server ada; do openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout "
        "$name.key -out $name.csr && openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key "
        "-CAcreateserial -days 2 -out $name.pem; done && "
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ada -keyout forged.key -out "
        "forged.pem && chmod 600 *.key; }} >/dev/null 2>&1",
        certificates_);
    ASSERT_EQ(system(command.c_str()), 0) << command;
  }
  static std::string directory_of_test() {
    static Result<PrivateDirectory> directory = PrivateDirectory::make();
    return directory->path();
  }
  ListenOptions with_tls(bool with_authority) {
    ListenOptions options;
    options.tls.certificate_file = certificates_ + "/server.pem";
    options.tls.key_file = certificates_ + "/server.key";
    options.tls.authority_file = with_authority ? certificates_ + "/ca.pem" : "";
    return options;
  }
  std::string certificates_;
};

TEST_F(WireLogin, trusted_until_the_first_password) {
  PgClient before = connect();
  ASSERT_TRUE(before.ok());
  EXPECT_EQ(before.run("CREATE USER ada PASSWORD 'lovelace'").tag(), "CREATE USER");
  EXPECT_EQ(before.rows("SELECT 1"), "1");  // who is in stays in
  EXPECT_FALSE(connect().ok());
  std::string as_ada = socket_conninfo() + " user=ada dbname=tidemark";
  EXPECT_FALSE(PgClient(as_ada).ok());
  PgClient wrong(as_ada + " password=byron");
  EXPECT_NE(wrong.message().find("password authentication failed for user \"ada\""),
            std::string::npos)
      << wrong.message();
  PgClient right(as_ada + " password=lovelace");
  ASSERT_TRUE(right.ok()) << right.message();
  EXPECT_EQ(right.rows("SELECT current_user"), "ada");
  EXPECT_EQ(right.rows("SHOW USERS"), "ada|yes");
  right.run("ALTER USER ada PASSWORD 'countess'");
  EXPECT_FALSE(PgClient(as_ada + " password=lovelace").ok());
  EXPECT_TRUE(PgClient(as_ada + " password=countess").ok());
  EXPECT_EQ(right.run("DROP USER ada").tag(), "DROP USER");
  EXPECT_TRUE(connect().ok());
}

// libpq prepares what it is given by SASLprep, and so do we.
TEST_F(WireLogin, passwords_of_other_normal_forms) {
  PgClient admin = connect();
  ASSERT_TRUE(admin.ok());
  admin.run("CREATE USER ada PASSWORD 'cafe\u0301 \u2168'");
  std::string as_ada = socket_conninfo() + " user=ada dbname=tidemark";
  for (const char* password : {"cafe\u0301 \u2168", "caf\u00E9 IX", "caf\u00E9\u00A0I\u00ADX"}) {
    PgClient client(fmt::format("{} password='{}'", as_ada, password));
    EXPECT_TRUE(client.ok()) << password << client.message();
  }
  EXPECT_FALSE(PgClient(as_ada + " password='cafe IX'").ok());
  admin.run("DROP USER ada");
}

TEST_F(WireLogin, statements_about_users_have_their_errors) {
  PgClient client = connect();
  client.run("CREATE USER ada");
  EXPECT_EQ(client.run("CREATE USER ada").sqlstate(), "42710");
  EXPECT_TRUE(client.run("CREATE USER IF NOT EXISTS ada").ok());
  EXPECT_EQ(client.run("DROP USER nobody").sqlstate(), "42704");
  EXPECT_TRUE(client.run("DROP USER IF EXISTS nobody").ok());
  EXPECT_EQ(client.run("ALTER USER nobody PASSWORD 'x'").sqlstate(), "42704");
  EXPECT_FALSE(client.run("ALTER USER ada PASSWORD ''").ok());
}

TEST_F(WireLogin, tls_with_channel_binding_and_certificates) {
  make_certificates();
  start(with_tls(true));
  PgClient admin(tcp_conninfo() + " sslmode=disable");
  ASSERT_TRUE(admin.ok()) << admin.message();
  admin.run("CREATE USER ada PASSWORD 'lovelace'");
  std::string as_ada = fmt::format(
      "host=127.0.0.1 port={} user=ada dbname=tidemark sslmode=verify-ca "
      "sslrootcert={}/ca.pem",
      server_->port(), certificates_);
  PgClient bound(as_ada + " password=lovelace channel_binding=require sslcert=/nonexistent");
  ASSERT_TRUE(bound.ok()) << bound.message();
  EXPECT_EQ(bound.rows("SELECT 1"), "1");
  PgClient certified(as_ada +
                     fmt::format(" sslcert={0}/ada.pem sslkey={0}/ada.key", certificates_));
  ASSERT_TRUE(certified.ok()) << certified.message();
  EXPECT_EQ(certified.rows("SELECT current_user"), "ada");
  // The certificate is ada's, and another user needs the password.
  PgClient other(
      as_ada + fmt::format(" sslcert={0}/ada.pem sslkey={0}/ada.key user=tidemark", certificates_));
  EXPECT_FALSE(other.ok());
  PgClient forged(as_ada +
                  fmt::format(" sslcert={0}/forged.pem sslkey={0}/forged.key", certificates_));
  EXPECT_FALSE(forged.ok());
  EXPECT_TRUE(server_->reload(with_tls(true).tls, {}).ok());
  EXPECT_TRUE(PgClient(as_ada + " password=lovelace sslcert=/nonexistent").ok());
  admin.run("DROP USER ada");
}

TEST_F(WireLogin, a_large_answer_over_tls) {
  make_certificates();
  start(with_tls(false));
  PgClient client(tcp_conninfo() + " sslmode=require");
  ASSERT_TRUE(client.ok()) << client.message();
  std::string text(100'000, 'x');
  EXPECT_EQ(client.rows("SELECT '" + text + "'"), text);
}

TEST_F(WireLogin, open_addresses_need_tls_and_a_password) {
  ListenOptions open{.socket_directory = "", .host = "0.0.0.0", .port = 0};
  Result<std::unique_ptr<Server>> refused = Server::start(engine_, open);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().hint().find("--tls-cert"), std::string::npos);
  make_certificates();
  ListenOptions tls = with_tls(false);
  tls.host = "0.0.0.0";
  tls.port = 0;
  EXPECT_FALSE(Server::start(engine_, tls).ok());  // still no password
  connect().run("CREATE USER ada PASSWORD 'lovelace'");
  EXPECT_TRUE(Server::start(engine_, tls).ok());
  open.limits.allows_insecure = true;
  EXPECT_TRUE(Server::start(engine_, open).ok());
  engine_.users().put({"ada", ""});
  ASSERT_TRUE(engine_.users().remove("ada").ok());
}

TEST_F(WireLogin, too_many_clients_are_told_so) {
  ListenOptions options;
  options.limits.connections_max = 2;
  start(options);
  PgClient first = connect(), second = connect();
  ASSERT_TRUE(second.ok());
  PgClient third = connect();
  EXPECT_FALSE(third.ok());
  EXPECT_NE(third.message().find("too many clients"), std::string::npos) << third.message();
  PgClient by_tcp(tcp_conninfo());
  EXPECT_NE(by_tcp.message().find("too many clients"), std::string::npos) << by_tcp.message();
}

TEST_F(WireLogin, a_thousand_half_open_connections_do_not_stop_others) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;  // both ends of each are in this process
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GT(limit.rlim_cur, 2200U) << "the system does not give enough descriptors";
  std::vector<int> half_open;
  for (int i = 0; i < 1000; ++i) {
    int fd = connect_unix(socket_path());
    ASSERT_EQ(write(fd, "\0\0\0", 3), 3);
    half_open.push_back(fd);
  }
  PgClient client = connect();
  ASSERT_TRUE(client.ok()) << client.message();
  EXPECT_EQ(client.rows("SELECT 1"), "1");
  // Nobody of them was let in, or cut before its time.
  for (int fd : half_open) {
    char byte = 0;
    EXPECT_EQ(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
  }
  for (int fd : half_open) {
    close(fd);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

// What a client that was let in has said lets nobody else in: not when it is said again, not when
// it is said in part, and not with a byte changed.
TEST_F(WireLogin, an_overheard_login_is_worth_nothing) {
  connect().run("CREATE USER ada PASSWORD 'lovelace'");
  TcpProxy proxy(std::to_string(server_->port()));
  std::string heard;
  {
    PgClient client(fmt::format(
        "host=127.0.0.1 port={} user=ada password=lovelace dbname=tidemark sslmode=disable "
        "gssencmode=disable",
        proxy.port()));
    ASSERT_TRUE(client.ok()) << client.message();
    heard = proxy.heard();
  }
  using namespace std::string_view_literals;
  constexpr std::string_view kOk = "R\0\0\0\x08\0\0\0\0"sv;  // AuthenticationOk
  auto say = [&](std::string_view bytes) {
    int fd = connect_unix(socket_path());
    std::string answer = speak(fd, bytes);
    close(fd);
    return answer;
  };
  std::string again = say(heard);
  EXPECT_EQ(again.find(kOk), std::string::npos);
  EXPECT_NE(again.find("malformed SCRAM message"), std::string::npos) << again;  // not our nonce
  for (size_t size = 1; size < heard.size(); ++size) {
    EXPECT_EQ(say(std::string_view(heard).substr(0, size)).find(kOk), std::string::npos) << size;
    std::string changed = heard;
    changed[size] = static_cast<char>(changed[size] + 1);
    EXPECT_EQ(say(changed).find(kOk), std::string::npos) << size;
  }
  PgClient ada(socket_conninfo() + " user=ada password=lovelace dbname=tidemark");
  EXPECT_EQ(ada.run("DROP USER ada").tag(), "DROP USER");
}

// As libpq's sslnegotiation=direct does: TLS from the first byte, for those who name the protocol.
TEST_F(WireLogin, tls_from_the_first_byte) {
  make_certificates();
  start(with_tls(false));
  // A startup message (version 3.0, user tidemark), then Terminate.
  std::string startup = "\\000\\000\\000\\027\\000\\003\\000\\000user\\000tidemark\\000\\000";
  auto speak = [&](const std::string& options) {
    std::string command = fmt::format(
        "printf '{}X\\000\\000\\000\\004' | openssl s_client -quiet -connect 127.0.0.1:{} {} "
        "2>/dev/null | tr -d '\\000'",
        startup, server_->port(), options);
    return command_output(command).text;
  };
  EXPECT_NE(speak("-alpn postgresql").find("server_version"), std::string::npos);
  EXPECT_EQ(speak(""), "");
  EXPECT_EQ(speak("-alpn http/1.1"), "");
  EXPECT_EQ(PgClient(tcp_conninfo() + " sslmode=require").rows("SELECT 1"), "1");
}

}  // namespace
}  // namespace tidemark
