#include "control/surface/https/https_server.h"

#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "control/surface/https/connection.h"

namespace fulcrum::https {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After a failed accept (no descriptors left), so that the loop does not spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

Address address_of(const asio::ip::address& from) {
  if (from.is_v4()) return Address::v4(Be32{from.to_v4().to_uint()});
  const auto bytes = from.to_v6().to_bytes();
  return Address::v6(bytes.data());
}

asio::ip::address address_of(const Address& from) {
  if (from.is_v4()) return asio::ip::address_v4{from.v4().host()};
  asio::ip::address_v6::bytes_type bytes;
  const auto own = from.bytes();
  std::copy(own.begin(), own.end(), bytes.begin());
  return asio::ip::address_v6{bytes};
}

std::string source_of(const Address& address) {
  return address.is_v4() ? address.text() : Prefix{.address = address, .length = 64}.first().text();
}

bool waits_for_its_client(Connection::Phase phase) {
  return phase != Connection::Phase::working && phase != Connection::Phase::streaming;
}

}  // namespace

HttpsServer::HttpsServer(asio::io_context& loop, Limits limits, Application application)
    : loop_{loop}, limits_{limits}, application_{std::move(application)}, pause_{loop} {}

HttpsServer::~HttpsServer() { close(); }

Result<void> HttpsServer::listen(const Address& address, std::uint16_t port) {
  error_code error;
  const tcp::endpoint endpoint{address_of(address), port};
  const auto acceptor = std::make_shared<Acceptor>(loop_);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error && !address.is_v4()) acceptor->set_option(asio::ip::v6_only{!address.is_unspecified()}, error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    return fail(Error::Code::io, address.text() + " port " + std::to_string(port), "cannot listen: " + error.message());
  }
  acceptors_.push_back(acceptor);
  accept(acceptor);
  return {};
}

std::uint16_t HttpsServer::port() const {
  error_code ignored;
  return acceptors_.empty() ? std::uint16_t{0} : acceptors_.front()->local_endpoint(ignored).port();
}

void HttpsServer::stop_listening() {
  error_code ignored;
  for (const auto& acceptor : std::exchange(acceptors_, {})) acceptor->close(ignored);
}

void HttpsServer::close() {
  stop_listening();
  pause_.cancel();
  for (const auto& connection : std::exchange(connections_, {})) connection->abandon();
}

void HttpsServer::accept(const std::shared_ptr<Acceptor>& acceptor) {
  acceptor->async_accept([this, acceptor](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor->is_open()) return;
    if (!error) {
      take(std::move(socket));
      return accept(acceptor);
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this, acceptor](const error_code& cancelled) {
      if (!cancelled) accept(acceptor);
    });
  });
}

void HttpsServer::take(tcp::socket socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error || tls_ == nullptr) return;
  const Address source = address_of(peer.address());
  if (!application_.is_allowed(source)) return;
  if (!make_room(source_of(source))) return;
  socket.set_option(tcp::no_delay{true}, error);
  const auto connection = Connection::make(*this, std::move(socket), {source.text(), source_of(source)});
  connections_.insert(connection);
  connection->start();
}

bool HttpsServer::make_room(const std::string& source) {
  std::map<std::string_view, std::ptrdiff_t> held;
  for (const auto& connection : connections_) ++held[connection->source()];
  const auto own = held.find(source);
  const bool own_full = own != held.end() && own->second >= static_cast<std::ptrdiff_t>(limits_.per_source_max);
  if (!own_full && connections_.size() < limits_.connections_max) return true;
  std::set<std::string_view> known;
  for (const auto& [one, count] : held) {
    if (is_known(one)) known.insert(one);
  }
  // Of two the greater rather stays.
  const auto worth = [&](const Connection& one) {
    return std::tuple{known.count(one.source()), -held[one.source()], one.since()};
  };
  std::shared_ptr<Connection> least;
  for (const auto& connection : connections_) {
    if (own_full && connection->source() != source) continue;
    if (!waits_for_its_client(connection->phase())) continue;
    if (least == nullptr || worth(*connection) < worth(*least)) least = connection;
  }
  if (least == nullptr) return false;
  least->drop();
  return true;
}

bool HttpsServer::is_known(std::string_view source) const {
  return std::find(known_.begin(), known_.end(), source) != known_.end();
}

void HttpsServer::note_known(const std::string& source) {
  if (const auto found = std::find(known_.begin(), known_.end(), source); found != known_.end()) known_.erase(found);
  known_.push_front(source);
  if (known_.size() > limits_.known_sources_max) known_.pop_back();
}

bool HttpsServer::may_stream(const std::string& source) const {
  std::size_t all = 0;
  std::size_t own = 0;
  for (const auto& connection : connections_) {
    if (connection->phase() != Connection::Phase::streaming) continue;
    ++all;
    own += connection->source() == source ? 1U : 0U;
  }
  return all < limits_.streams_max && own < limits_.per_source_streams_max;
}

}  // namespace fulcrum::https
