#include "control/surface/local/line_server.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

namespace fulcrum {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using UnixStream = asio::local::stream_protocol;

constexpr std::string_view kTooLong = R"({"error":{"code":"limit","text":"the request is too long"}})";
constexpr std::string_view kTooMany =
    R"({"error":{"code":"limit","text":"too many clients on the control socket: try again later"}})";
// After a failed accept (no descriptors left), so that the loop does not spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

class LineServer::Client final : public LineServer::Reply, public std::enable_shared_from_this<LineServer::Client> {
 public:
  Client(LineServer& server, UnixStream::socket socket)
      : server_{&server},
        socket_{std::move(socket)},
        peer_{access::peer_of(socket_.native_handle())},
        timer_{socket_.get_executor()} {}

  // Takes up the next question, or waits for more of it.
  void read() {
    if (server_ == nullptr) return;
    const auto end = input_.find('\n', searched_);
    searched_ = end == std::string::npos ? input_.size() : 0;
    if (end > server_->limits_.line_max && input_.size() > server_->limits_.line_max) {
      leaving_ = true;
      return send(std::string{kTooLong});
    }
    if (end != std::string::npos) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      timer_.cancel();  // while we work on the answer the client may be as idle as it likes
      return server_->answer_(line, shared_from_this());
    }
    watch_idle();
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = shared_from_this()](const error_code& error, std::size_t length) {
                              if (error) return self->leave();
                              self->input_.append(self->chunk_.data(), length);
                              self->read();
                            });
  }

  void send(std::string line) override {
    if (server_ == nullptr) return;
    output_ = std::move(line);
    output_ += '\n';
    written_ = 0;
    write();
  }
  [[nodiscard]] bool is_wanted() const override { return server_ != nullptr; }
  [[nodiscard]] const access::Peer& peer() const override { return peer_; }

  // The server is going away.
  void abandon() {
    server_ = nullptr;
    close();
  }

 private:
  void leave() {
    if (server_ == nullptr) return;
    LineServer& server = *std::exchange(server_, nullptr);
    close();
    server.clients_.erase(shared_from_this());
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

  // In pieces, each under the idle timer: a client that reads slowly but reads is served.
  void write() {
    watch_idle();
    socket_.async_write_some(asio::buffer(output_.data() + written_, output_.size() - written_),
                             [self = shared_from_this()](const error_code& error, std::size_t length) {
                               if (error) return self->leave();
                               self->written_ += length;
                               if (self->written_ < self->output_.size()) return self->write();
                               self->output_ = {};
                               if (self->leaving_) return self->leave();
                               self->read();
                             });
  }

  void watch_idle() {
    timer_.expires_after(server_->limits_.idle_max);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->leave();
    });
  }

  LineServer* server_;  // null: has left
  UnixStream::socket socket_;
  const access::Peer peer_;
  asio::steady_timer timer_;
  std::array<char, 4096> chunk_{};
  std::string input_, output_;
  std::size_t searched_ = 0;  // of the input: no line ends before
  std::size_t written_ = 0;
  bool leaving_ = false;  // after what is being written
};

LineServer::LineServer(asio::io_context& loop, Limits limits, Answer answer)
    : limits_{limits}, answer_{std::move(answer)}, acceptor_{loop}, pause_{loop} {}

LineServer::~LineServer() { close(); }

Result<void> LineServer::listen(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(Error::Code::limit, path, "too long for a Unix socket: choose a shorter `runtime_dir`");
  }
  unlink(path.c_str());
  error_code error;
  acceptor_.open(UnixStream{}, error);
  // bind() makes the file: with chmod() afterwards somebody might be in before.
  const mode_t mask = umask(0177);
  if (!error) acceptor_.bind(UnixStream::endpoint{path}, error);
  umask(mask);
  if (!error) acceptor_.listen(UnixStream::acceptor::max_listen_connections, error);
  if (error) return fail(Error::Code::io, path, "cannot listen: " + error.message());
  path_ = path;
  accept();
  return {};
}

void LineServer::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  if (!path_.empty()) unlink(std::exchange(path_, {}).c_str());
  for (const auto& client : std::exchange(clients_, {})) client->abandon();
}

void LineServer::accept() {
  acceptor_.async_accept([this](const error_code& error, UnixStream::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      take(std::move(socket));
      return accept();
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) accept();
    });
  });
}

void LineServer::take(UnixStream::socket socket) {
  if (clients_.size() < limits_.clients_max) {
    const auto client = std::make_shared<Client>(*this, std::move(socket));
    clients_.insert(client);
    return client->read();
  }
  // A fresh socket has room for a line, so this does not block; whether the client reads it is its own business.
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(std::string{kTooMany} + "\n"), ignored);
}

}  // namespace fulcrum
