#pragma once
// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, as PostgreSQL speaks it in SASL messages
// (PostgreSQL 15 manual, "SASL Authentication"). OpenSSL gives SHA-256, HMAC, PBKDF2 and
// randomness; the exchange is here.
//
//   client-first  n,,n=,r=<nonce>        ──► first()
//   server-first  r=<nonce+ours>,s=,i=   ◄──
//   client-final  c=,r=,p=<proof>        ──► final()
//   server-final  v=<signature>          ◄──
//
// Passwords are prepared by SASLprep (auth/saslprep.h), as clients prepare theirs.

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tidemark {

// What is kept of a password. Who has it cannot log in with it.
struct ScramVerifier {
  int iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;

  // "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", base64: pg_authid.rolpassword of
  // PostgreSQL 10 and later.
  std::string to_text() const;
  static std::optional<ScramVerifier> parse(std::string_view text);
  // Of the prepared password, with a new random salt.
  static Result<ScramVerifier> make(std::string_view password);
};

// One login.
class ScramExchange {
 public:
  // No verifier: the user does not exist or has no password; the exchange then goes on as if, and
  // fails at its end. `mock_secret` makes the salt that such a user seems to have: always the same.
  // `binding`: data of tls-server-end-point; empty: the channel cannot be bound.
  ScramExchange(std::string_view user, std::optional<ScramVerifier> verifier,
                std::string_view mock_secret, std::string binding);

  // "SCRAM-SHA-256" or "SCRAM-SHA-256-PLUS". Then server-first, or why not.
  Result<std::string> first(std::string_view mechanism, std::string_view message);
  // server-final. kInvalidArgument: not the password, or not this exchange.
  Result<std::string> final(std::string_view message);

 private:
  ScramVerifier verifier_;
  bool is_mock_;
  std::string binding_;
  std::string header_;  // gs2-header as it was sent
  bool is_bound_ = false;
  std::string nonce_;
  std::string auth_message_;  // client-first-bare "," server-first
};

// Bytes that nobody can guess.
std::string random_bytes(size_t size);
// Compared in the same time wherever they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace tidemark
