#include "server/pgwire/channel.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace tidemark::pgwire {

namespace asio = boost::asio;

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// One way a function: GCC 12 mixes up structured bindings of one name in two scopes of a coroutine.
template <typename Tls>
asio::awaitable<bool> read_tls(Tls& tls, std::string& to) {
  char own[4096];
  auto [error, size] = co_await tls.async_read_some(asio::buffer(own), kAsTuple);
  to.append(own, size);
  co_return !error;
}

// An idle connection holds no buffer: it waits for bytes first, then reads them.
asio::awaitable<bool> read_plain(Socket& socket, std::string& scratch, std::string& to) {
  auto [waited] = co_await socket.async_wait(Socket::wait_read, kAsTuple);
  if (waited) {
    co_return false;
  }
  boost::system::error_code failed;
  socket.non_blocking(true, failed);
  size_t bytes = socket.read_some(asio::buffer(scratch), failed);
  to.append(scratch, 0, bytes);
  co_return !failed || failed == asio::error::would_block;
}

template <typename Stream>
asio::awaitable<bool> write_all(Stream& stream, std::string_view bytes) {
  auto [error, size] =
      co_await asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()), kAsTuple);
  co_return !error && size == bytes.size();
}

}  // namespace

asio::awaitable<bool> Channel::read(std::string& scratch, std::string& to) {
  return tls_ != nullptr ? read_tls(*tls_, to) : read_plain(socket_, scratch, to);
}

asio::awaitable<bool> Channel::write(std::string_view bytes) {
  return tls_ != nullptr ? write_all(*tls_, bytes) : write_all(socket_, bytes);
}

asio::awaitable<bool> Channel::start_tls(asio::ssl::context& context, std::string_view early) {
  tls_ = std::make_unique<Tls>(socket_, context);
  auto [error, used] = co_await tls_->async_handshake(
      asio::ssl::stream_base::server, asio::buffer(early.data(), early.size()), kAsTuple);
  co_return !error && used == early.size();
}

void Channel::close() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

std::string Channel::certificate_name() const {
  if (tls_ == nullptr) {
    return {};
  }
  SSL* ssl = tls_->native_handle();
  std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                          X509_free);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
    return {};
  }
  char name[256];
  int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                                       name, sizeof name);
  // A zero byte inside a name is a forgery of a shorter one.
  bool is_whole = size > 0 && std::string_view(name, static_cast<size_t>(size)).find('\0') ==
                                  std::string_view::npos;
  return is_whole ? std::string(name, static_cast<size_t>(size)) : std::string();
}

std::string Channel::binding() const {
  if (tls_ == nullptr) {
    return {};
  }
  X509* own = SSL_get_certificate(tls_->native_handle());
  if (own == nullptr) {
    return {};
  }
  // RFC 5929, section 4.1: the hash of the signature, but SHA-256 in place of MD5 and SHA-1.
  int digest = NID_undef;
  OBJ_find_sigid_algs(X509_get_signature_nid(own), &digest, nullptr);
  const EVP_MD* method = digest == NID_undef || digest == NID_md5 || digest == NID_sha1
                             ? EVP_sha256()
                             : EVP_get_digestbynid(digest);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (method == nullptr || X509_digest(own, method, hash, &size) != 1) {
    return {};
  }
  return {reinterpret_cast<char*>(hash), size};
}

bool Channel::has_protocol() const {
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  if (tls_ != nullptr) {
    SSL_get0_alpn_selected(tls_->native_handle(), &protocol, &size);
  }
  return size != 0;
}

}  // namespace tidemark::pgwire
