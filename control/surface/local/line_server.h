// The local socket: a Unix stream socket on which clients ask in lines and are answered in lines, one JSON text each
// (see answers.h for the contents). Only root may connect.
//
// No client can hold up the loop or eat the machine: a line has a length, a client has one question at a time and no
// further one is read before the answer is written, there are so many clients and not more, and who neither asks nor
// reads for a while is shown out.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "control/access/peer.h"
#include "dataplane/base/result.h"

namespace fulcrum {

class LineServer {
 public:
  // Where an answer goes: send() is to be called once, at once or later from the loop, with a text without line breaks.
  // When the client has left meanwhile, nothing happens.
  class Reply {
   public:
    virtual ~Reply() = default;
    virtual void send(std::string line) = 0;
    [[nodiscard]] virtual bool is_wanted() const = 0;
    [[nodiscard]] virtual const access::Peer& peer() const = 0;  // who asked
  };
  using Answer = std::function<void(const std::string& line, const std::shared_ptr<Reply>& reply)>;

  struct Limits {
    std::size_t clients_max = 32;
    std::size_t line_max = 6U << 20U;  // bytes; the longest carry a whole configuration
    std::chrono::milliseconds idle_max{30'000};
  };

  LineServer(boost::asio::io_context& loop, Limits limits, Answer answer);
  ~LineServer();

  // Listens on `path`, removing what a dead predecessor left there. The caller makes sure that there is no live one.
  Result<void> listen(const std::string& path);
  // Leaves all clients and removes the file.
  void close();

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  class Client;
  void accept();
  void take(boost::asio::local::stream_protocol::socket socket);

  Limits limits_;
  Answer answer_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::set<std::shared_ptr<Client>> clients_;
  std::string path_;
};

}  // namespace fulcrum
