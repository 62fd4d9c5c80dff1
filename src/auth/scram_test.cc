#include "auth/scram.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace tidemark {
namespace {

std::string text_of(const unsigned char* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
std::string hmac(const std::string& key, const std::string& text) {
  unsigned char out[32];
  unsigned int size = 32;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return text_of(out, size);
}
std::string sha(const std::string& text) {
  unsigned char out[32];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out);
  return text_of(out, 32);
}
std::string encode(const std::string& bytes) {
  std::string out(bytes.size() * 2 + 4, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}
std::string decode(const std::string& text) {
  std::string out(text.size(), '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size) - (text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0));
  return out;
}
std::string attribute(const std::string& message, char name) {
  size_t at = message.find(std::string(1, name) + "=");
  return message.substr(at + 2, message.find(',', at) - at - 2);
}

// The client's side of RFC 5802.
struct Client {
  std::string password;
  std::string first_bare = "n=,r=client-nonce";
  std::string auth;

  std::string final(const std::string& server_first, const std::string& header = "n,,",
                    const std::string& binding = "") {
    std::string salt = decode(attribute(server_first, 's'));
    unsigned char salted[32];
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), std::stoi(attribute(server_first, 'i')),
                      EVP_sha256(), 32, salted);
    std::string client_key = hmac(text_of(salted, 32), "Client Key");
    std::string without = "c=" + encode(header + binding) + ",r=" + attribute(server_first, 'r');
    auth = first_bare + "," + server_first + "," + without;
    std::string signature = hmac(sha(client_key), auth);
    for (size_t i = 0; i < 32; ++i) {
      client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
    }
    return without + ",p=" + encode(client_key);
  }
};

TEST(Scram, verifier_is_read_back) {
  ScramVerifier made = *ScramVerifier::make("secret");
  std::optional<ScramVerifier> read = ScramVerifier::parse(made.to_text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->stored_key, made.stored_key);
  EXPECT_EQ(read->salt, made.salt);
  EXPECT_EQ(read->to_text(), made.to_text());
  for (const char* bad : {"", "SCRAM-SHA-256$", "SCRAM-SHA-256$0:AAAA$AAAA:AAAA", "md5abc",
                          "SCRAM-SHA-256$4096:x$y:z", "SCRAM-SHA-256$4096:AAAA"}) {
    EXPECT_FALSE(ScramVerifier::parse(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ScramVerifier::make("").ok());
}

TEST(Scram, vector_of_rfc_7677) {
  // Section 3: user "user", password "pencil". The verifier by its salt and iterations.
  unsigned char salted[32];
  std::string salt = decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  PKCS5_PBKDF2_HMAC("pencil", 6, reinterpret_cast<const unsigned char*>(salt.data()),
                    static_cast<int>(salt.size()), 4096, EVP_sha256(), 32, salted);
  std::string server_key = hmac(text_of(salted, 32), "Server Key");
  std::string auth =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(encode(hmac(server_key, auth)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, right_password_is_let_in_and_the_server_proves_itself) {
  ScramExchange exchange("u", *ScramVerifier::make("secret"), "mock", "");
  Client client{.password = "secret"};
  Result<std::string> first = exchange.first("SCRAM-SHA-256", "n,," + client.first_bare);
  ASSERT_TRUE(first.ok()) << first.status().message();
  Result<std::string> final = exchange.final(client.final(*first));
  ASSERT_TRUE(final.ok()) << final.status().message();
  EXPECT_TRUE(final->starts_with("v="));
}

TEST(Scram, wrong_password_and_unknown_user_look_the_same) {
  Client client{.password = "wrong"};
  for (bool exists : {true, false}) {
    ScramExchange exchange(
        "u", exists ? std::optional(*ScramVerifier::make("secret")) : std::nullopt, "mock", "");
    std::string first = *exchange.first("SCRAM-SHA-256", "n,," + client.first_bare);
    Status status = exchange.final(client.final(first)).status();
    EXPECT_EQ(status.sqlstate(), "28P01");
    EXPECT_EQ(status.message(), "password authentication failed");
  }
  // The salt of a user that does not exist is always the same, as that of one that does.
  ScramExchange a("ghost", std::nullopt, "mock", ""), b("ghost", std::nullopt, "mock", "");
  EXPECT_EQ(attribute(*a.first("SCRAM-SHA-256", "n,,n=,r=x"), 's'),
            attribute(*b.first("SCRAM-SHA-256", "n,,n=,r=x"), 's'));
}

TEST(Scram, replayed_and_cut_messages_are_refused) {
  ScramVerifier verifier = *ScramVerifier::make("secret");
  Client client{.password = "secret"};
  ScramExchange first_time("u", verifier, "mock", "");
  std::string recorded =
      client.final(*first_time.first("SCRAM-SHA-256", "n,," + client.first_bare));
  ASSERT_TRUE(first_time.final(recorded).ok());
  ScramExchange again("u", verifier, "mock", "");
  ASSERT_TRUE(again.first("SCRAM-SHA-256", "n,," + client.first_bare).ok());
  EXPECT_FALSE(again.final(recorded).ok());
  for (size_t size = 0; size < recorded.size(); ++size) {
    ScramExchange cut("u", verifier, "mock", "");
    ASSERT_TRUE(cut.first("SCRAM-SHA-256", "n,," + client.first_bare).ok());
    EXPECT_FALSE(cut.final(recorded.substr(0, size)).ok());
  }
  std::string whole = "n,," + client.first_bare;
  for (size_t size = 0; size < whole.size() - 1; ++size) {
    ScramExchange cut("u", verifier, "mock", "");
    Result<std::string> first = cut.first("SCRAM-SHA-256", whole.substr(0, size));
    EXPECT_TRUE(!first.ok() || size >= 9) << size;  // a shorter nonce is a nonce
  }
}

TEST(Scram, bound_channels_must_be_the_same) {
  ScramVerifier verifier = *ScramVerifier::make("secret");
  std::string header = "p=tls-server-end-point,,";
  for (const char* seen : {"hash of ours", "hash of theirs"}) {
    ScramExchange exchange("u", verifier, "mock", "hash of ours");
    Client client{.password = "secret"};
    Result<std::string> first = exchange.first("SCRAM-SHA-256-PLUS", header + client.first_bare);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(exchange.final(client.final(*first, header, seen)).ok(),
              std::string_view(seen) == "hash of ours");
  }
  // A client that could bind, and was told that we cannot.
  ScramExchange downgraded("u", verifier, "mock", "hash of ours");
  EXPECT_FALSE(downgraded.first("SCRAM-SHA-256", "y,,n=,r=x").ok());
}

}  // namespace
}  // namespace tidemark
