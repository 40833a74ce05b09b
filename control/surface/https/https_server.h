// The HTTPS server: connections, TLS, HTTP/1.1, and limits for all of it. One thread, one loop of its own, so that what
// clients do here costs the control loop nothing.
//
// Nobody can hold up others. Every phase of a connection has a deadline of its own (handshake, header, body, answer,
// waiting for the next request); header and body have lengths, and the body's depends on who asks (`admit` is called
// with the header, before any of the body is read). A source has so many connections and not more; of IPv6 a source is
// a /64, all of which one machine may use. When all are taken, a newcomer gets the place of somebody for whose client
// the server waits, to speak or to take its answer: rather of strangers than of those who come from where somebody was
// let in lately, then of the source that has most, then of who keeps us waiting longest. Connections whose request is
// being worked on, and streams, keep their places. So slow clients, however many, only ever push out each other.
//
// The HTTP library (Boost.Beast) stays inside connection.cc.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/surface/https/message.h"
#include "control/surface/https/tls.h"
#include "dataplane/base/address.h"
#include "dataplane/base/result.h"

namespace fulcrum::https {

class Connection;

class HttpsServer {
 public:
  struct Limits {
    std::chrono::milliseconds handshake{10'000};
    std::chrono::milliseconds header{10'000};
    std::chrono::milliseconds body{30'000};
    std::chrono::milliseconds answer{60'000};  // until all of it is sent; of a stream, each piece
    std::chrono::milliseconds idle{60'000};    // between two requests
    std::size_t header_max = 16384;            // bytes, of the request line and all headers
    std::size_t connections_max = 256;
    std::size_t per_source_max = 32;
    std::size_t streams_max = 64;
    std::size_t per_source_streams_max = 8;
    std::size_t known_sources_max = 128;
  };
  struct Application {
    std::function<bool(const Address& source)> is_allowed;  // asked before the handshake
    std::function<Admission(const Request& header)> admit;
    std::function<void(Request request, std::shared_ptr<Reply>)> handle;
    std::function<Response(unsigned status, const std::string& text)> refuse;  // what the server itself answers
  };

  HttpsServer(boost::asio::io_context& loop, Limits limits, Application application);
  ~HttpsServer();

  // Before listen(), and again at any time: connections that begin later use it.
  void use(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }
  // One more address; :: is all of IPv6 and IPv4. Errors: the address is not here (yet), or somebody has the port.
  Result<void> listen(const Address& address, std::uint16_t port);
  // Of these addresses no longer; connections that are there stay.
  void stop_listening();
  [[nodiscard]] std::uint16_t port() const;  // of the first address; the real one, where 0 was asked for
  // Ends everything.
  void close();

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  friend class Connection;
  using Acceptor = boost::asio::ip::tcp::acceptor;
  void accept(const std::shared_ptr<Acceptor>& acceptor);
  void take(boost::asio::ip::tcp::socket socket);
  bool make_room(const std::string& source);
  [[nodiscard]] bool may_stream(const std::string& source) const;
  [[nodiscard]] bool is_known(std::string_view source) const;
  void note_known(const std::string& source);

  boost::asio::io_context& loop_;
  Limits limits_;
  Application application_;
  std::shared_ptr<TlsContext> tls_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  boost::asio::steady_timer pause_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::deque<std::string> known_;  // sources from where somebody was let in, the latest first
};

}  // namespace fulcrum::https
