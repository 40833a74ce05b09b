// One client of the HTTPS server, from its handshake to its end. The header is free of the HTTP library, which takes
// long to compile: the body of the class is behind a pointer.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "control/surface/https/https_server.h"

namespace fulcrum::https {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // What it is at, which decides who makes room for newcomers.
  enum class Phase : std::uint8_t { handshake, waiting, receiving, working, sending, streaming, ending };
  struct From {
    std::string address;
    std::string source;  // what counts as one: see HttpsServer
  };

  static std::shared_ptr<Connection> make(HttpsServer& server, boost::asio::ip::tcp::socket socket, From from);
  virtual ~Connection() = default;

  virtual void start() = 0;
  // At once, without a word.
  virtual void drop() = 0;
  // The server is going away.
  void abandon() {
    server_ = nullptr;
    drop();
  }

  [[nodiscard]] const std::string& source() const { return from_.source; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] std::chrono::steady_clock::time_point since() const { return since_; }

 protected:
  Connection(HttpsServer& server, From from) : server_{&server}, from_{std::move(from)} { enter(Phase::handshake); }
  void enter(Phase phase) {
    phase_ = phase;
    since_ = std::chrono::steady_clock::now();
  }
  // Out of the server's list. The object lives on while it has operations under way.
  void leave() {
    if (server_ == nullptr) return;
    HttpsServer& server = *std::exchange(server_, nullptr);
    server.connections_.erase(shared_from_this());
  }
  [[nodiscard]] const HttpsServer::Limits& limits() const { return server_->limits_; }
  [[nodiscard]] const HttpsServer::Application& application() const { return server_->application_; }
  [[nodiscard]] bool may_stream() const { return server_ != nullptr && server_->may_stream(from_.source); }
  [[nodiscard]] const std::string& address() const { return from_.address; }
  void note_known() { server_->note_known(from_.source); }
  static std::shared_ptr<TlsContext> tls_of(const HttpsServer& server) { return server.tls_; }

  HttpsServer* server_;  // null: has left

 private:
  From from_;
  Phase phase_ = Phase::handshake;
  std::chrono::steady_clock::time_point since_{};
};

}  // namespace fulcrum::https
