#include "server/tls.h"

#include <cstring>

#include <fmt/core.h>
#include <openssl/ssl.h>

namespace tidemark {

namespace ssl = boost::asio::ssl;

namespace {

constexpr unsigned char kProtocol[] = "\x0apostgresql";  // its length in front

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  int result =
      SSL_select_next_proto(&found, size, kProtocol, sizeof kProtocol - 1, offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Status cannot_load(std::string_view what, const std::string& file,
                   const boost::system::error_code& error) {
  return Status::invalid_argument(
      fmt::format("cannot load the {}: {}: {}", what, error.message(), file));
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_tls(const TlsOptions& options) {
  if (options.certificate_file.empty() || options.key_file.empty()) {
    return Status::invalid_argument(
        "TLS takes a certificate and its key: --tls-cert and --tls-key");
  }
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv3 |
                       ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                       ssl::context::no_compression);
  boost::system::error_code error;
  context->use_certificate_chain_file(options.certificate_file, error);
  if (error) {
    return cannot_load("certificate", options.certificate_file, error);
  }
  context->use_private_key_file(options.key_file, ssl::context::pem, error);
  if (error) {
    return cannot_load("key", options.key_file, error);
  }
  if (!options.authority_file.empty()) {
    context->load_verify_file(options.authority_file, error);
    if (error) {
      return cannot_load("certificates of --tls-ca", options.authority_file, error);
    }
    context->set_verify_mode(ssl::verify_peer);  // one that is sent must be good
  }
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace tidemark
