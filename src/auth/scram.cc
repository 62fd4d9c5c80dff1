#include "auth/scram.h"

#include <charconv>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "auth/saslprep.h"
#include "base/base64.h"

namespace tidemark {

namespace {

constexpr int kIterations = 4096;  // RFC 7677's least; PostgreSQL's default
constexpr int kIterationsMax = 10'000'000;
constexpr size_t kSaltBytes = 16;
constexpr size_t kNonceBytes = 18;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string sha256(std::string_view text) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(bytes_of(text), text.size(), hash);
  return {reinterpret_cast<char*>(hash), sizeof hash};
}

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  unsigned int size = sizeof hash;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
             hash, &size) != nullptr);
  return {reinterpret_cast<char*>(hash), size};
}

std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(bytes, text);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  return append_from_base64(text, bytes) ? std::optional(std::move(bytes)) : std::nullopt;
}

Status malformed(std::string_view what) {
  return Status::invalid_argument("malformed SCRAM message")
      .with_detail(std::string(what))
      .with_sqlstate("08P01");
}

// The value of the attribute that the message must go on with; moves behind it.
std::optional<std::string_view> take_attribute(std::string_view& message, char name) {
  if (message.size() < 2 || message[0] != name || message[1] != '=') {
    return std::nullopt;
  }
  size_t end = std::min(message.find(','), message.size());
  std::string_view value = message.substr(2, end - 2);
  message.remove_prefix(std::min(end + 1, message.size()));
  return value;
}

bool is_printable(std::string_view text) {
  for (char c : text) {
    if (c < 0x21 || c > 0x7e || c == ',') {
      return false;
    }
  }
  return !text.empty();
}

}  // namespace

std::string random_bytes(size_t size) {
  std::string bytes(size, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) == 1);
  return bytes;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string ScramVerifier::to_text() const {
  return "SCRAM-SHA-256$" + std::to_string(iterations) + ":" + base64(salt) + "$" +
         base64(stored_key) + ":" + base64(server_key);
}

std::optional<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  constexpr std::string_view kScheme = "SCRAM-SHA-256$";
  if (!text.starts_with(kScheme)) {
    return std::nullopt;
  }
  text.remove_prefix(kScheme.size());
  size_t colon = text.find(':'), dollar = text.find('$'), last = text.rfind(':');
  if (colon == text.npos || dollar == text.npos || colon > dollar || last < dollar) {
    return std::nullopt;
  }
  ScramVerifier verifier;
  auto [end, error] = std::from_chars(text.data(), text.data() + colon, verifier.iterations);
  auto salt = from_base64(text.substr(colon + 1, dollar - colon - 1));
  auto stored = from_base64(text.substr(dollar + 1, last - dollar - 1));
  auto server = from_base64(text.substr(last + 1));
  bool is_whole = error == std::errc() && end == text.data() + colon && verifier.iterations > 0 &&
                  verifier.iterations <= kIterationsMax && salt && stored && server &&
                  stored->size() == SHA256_DIGEST_LENGTH && server->size() == SHA256_DIGEST_LENGTH;
  if (!is_whole) {
    return std::nullopt;
  }
  verifier.salt = *std::move(salt);
  verifier.stored_key = *std::move(stored);
  verifier.server_key = *std::move(server);
  return verifier;
}

Result<ScramVerifier> ScramVerifier::make(std::string_view password) {
  if (password.empty()) {
    return Status::invalid_argument("an empty password is no password");
  }
  ScramVerifier verifier{.iterations = kIterations, .salt = random_bytes(kSaltBytes)};
  std::string prepared = saslprep(password);
  unsigned char salted[SHA256_DIGEST_LENGTH];
  CHECK(PKCS5_PBKDF2_HMAC(prepared.data(), static_cast<int>(prepared.size()),
                          bytes_of(verifier.salt), static_cast<int>(verifier.salt.size()),
                          kIterations, EVP_sha256(), sizeof salted, salted) == 1);
  std::string_view salted_password(reinterpret_cast<char*>(salted), sizeof salted);
  verifier.stored_key = sha256(hmac(salted_password, "Client Key"));
  verifier.server_key = hmac(salted_password, "Server Key");
  OPENSSL_cleanse(salted, sizeof salted);
  OPENSSL_cleanse(prepared.data(), prepared.size());
  return verifier;
}

ScramExchange::ScramExchange(std::string_view user, std::optional<ScramVerifier> verifier,
                             std::string_view mock_secret, std::string binding)
    : is_mock_(!verifier), binding_(std::move(binding)) {
  if (verifier) {
    verifier_ = *std::move(verifier);
  } else {
    verifier_.iterations = kIterations;
    verifier_.salt = hmac(mock_secret, user).substr(0, kSaltBytes);
    verifier_.stored_key = random_bytes(SHA256_DIGEST_LENGTH);
    verifier_.server_key = random_bytes(SHA256_DIGEST_LENGTH);
  }
}

// gs2-header: "n,," (cannot bind), "y,," (could, thinks that we cannot), "p=<type>,," (binds); then
// the bare message "n=<user>,r=<nonce>". The user is that of the startup message.
Result<std::string> ScramExchange::first(std::string_view mechanism, std::string_view message) {
  is_bound_ = mechanism == "SCRAM-SHA-256-PLUS";
  if (!is_bound_ && mechanism != "SCRAM-SHA-256") {
    return malformed("unknown SASL mechanism");
  }
  if (is_bound_ && binding_.empty()) {
    return malformed("this channel cannot be bound");
  }
  size_t comma = message.find(',');
  if (comma == message.npos || message.substr(comma, 2) != ",,") {
    return malformed("no gs2-header");
  }
  std::string_view flag = message.substr(0, comma);
  header_ = message.substr(0, comma + 2);
  if (is_bound_ ? flag != "p=tls-server-end-point" : flag != "n" && flag != "y") {
    return malformed("the channel binding flag does not fit the mechanism");
  }
  if (flag == "y" && !binding_.empty()) {
    // Somebody between us has left SCRAM-SHA-256-PLUS out of our offer (RFC 5802, section 6).
    return malformed("the offer of channel binding was taken out on the way");
  }
  std::string_view bare = message.substr(comma + 2);
  std::string_view rest = bare;
  std::optional<std::string_view> user = take_attribute(rest, 'n');
  std::optional<std::string_view> nonce = take_attribute(rest, 'r');
  if (!user || !nonce || !is_printable(*nonce)) {
    return malformed("no user or no nonce in the first message");
  }
  nonce_ = std::string(*nonce) + base64(random_bytes(kNonceBytes));
  std::string answer =
      "r=" + nonce_ + ",s=" + base64(verifier_.salt) + ",i=" + std::to_string(verifier_.iterations);
  auth_message_ = std::string(bare) + "," + answer;
  return answer;
}

Result<std::string> ScramExchange::final(std::string_view message) {
  size_t proof_at = message.rfind(",p=");
  if (proof_at == message.npos) {
    return malformed("no proof in the final message");
  }
  std::string_view rest = message;
  std::optional<std::string_view> bound = take_attribute(rest, 'c');
  std::optional<std::string_view> nonce = take_attribute(rest, 'r');
  std::optional<std::string> proof = from_base64(message.substr(proof_at + 3));
  if (!bound || !nonce || !proof || proof->size() != SHA256_DIGEST_LENGTH) {
    return malformed("the final message is not whole");
  }
  std::string expected = base64(header_ + (is_bound_ ? binding_ : ""));
  Status refused =
      Status::invalid_argument("password authentication failed").with_sqlstate("28P01");
  if (!same_secret(*bound, expected)) {
    return malformed("the channel is another one than the client has bound");
  }
  if (!same_secret(*nonce, nonce_)) {
    return malformed("the nonce is not that of this exchange");
  }
  std::string signed_text = auth_message_ + "," + std::string(message.substr(0, proof_at));
  std::string client_key = hmac(verifier_.stored_key, signed_text);
  for (size_t i = 0; i < client_key.size(); ++i) {
    client_key[i] = static_cast<char>(client_key[i] ^ (*proof)[i]);
  }
  bool is_right = same_secret(sha256(client_key), verifier_.stored_key);
  if (!is_right || is_mock_) {
    return refused;
  }
  return "v=" + base64(hmac(verifier_.server_key, signed_text));
}

}  // namespace tidemark
