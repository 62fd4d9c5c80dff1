#pragma once
// TLS for the server: the context that new connections begin with.

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "base/status.h"
#include "server/tls_options.h"

namespace tidemark {

// Reads the files. From TLS 1.2 on, protocol "postgresql" (ALPN, as registered with IANA).
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls(const TlsOptions& options);

}  // namespace tidemark
