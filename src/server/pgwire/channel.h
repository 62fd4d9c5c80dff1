#pragma once
// The bytes between a client and us: a socket, after start_tls() with TLS over it.
//
// Thread rule: the socket thread only.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::pgwire {

using Socket = boost::asio::generic::stream_protocol::socket;

class Channel {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // is_local: the other end is on this machine.
  Channel(Socket socket, bool is_local) : socket_(std::move(socket)), is_local_(is_local) {}

  // Appends what has arrived, waiting for something. `scratch` is only used between its waits, so
  // that all connections can share it. False: the other end is gone.
  Awaitable<bool> read(std::string& scratch, std::string& to);
  // All of it; false: the other end is gone.
  Awaitable<bool> write(std::string_view bytes);
  // The handshake; `early`: bytes of it that have been read already. False: it failed.
  Awaitable<bool> start_tls(boost::asio::ssl::context& context, std::string_view early);
  void close();

  bool is_tls() const { return tls_ != nullptr; }
  bool is_local() const { return is_local_; }
  // The common name of the client's certificate, which has been checked; empty: it has none.
  std::string certificate_name() const;
  // The hash of our own certificate that binds SCRAM to this channel (RFC 5929,
  // tls-server-end-point). Empty without TLS.
  std::string binding() const;
  // Whether the client has asked for the protocol "postgresql" (ALPN).
  bool has_protocol() const;

 private:
  using Tls = boost::asio::ssl::stream<Socket&>;
  Socket socket_;
  std::unique_ptr<Tls> tls_;
  bool is_local_;
};

}  // namespace tidemark::pgwire
