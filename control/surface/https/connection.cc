#include "control/surface/https/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <cctype>
#include <optional>

namespace fulcrum::https {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kBufferMax = 65536;
constexpr std::chrono::milliseconds kGoodbye{2000};
constexpr std::size_t kLingerMax = 1U << 20U;  // bytes of a request that was refused, read so that the answer arrives
constexpr const char* kStreamType = "text/event-stream";

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::get;
    case http::verb::head:
      return Method::head;
    case http::verb::post:
      return Method::post;
    case http::verb::put:
      return Method::put;
    case http::verb::patch:
      return Method::patch;
    case http::verb::delete_:
      return Method::remove;
    case http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

Request head_of(const Parser& parser, const std::string& source) {
  Request request;
  const auto& message = parser.get();
  request.method = method_of(message.method());
  request.target = std::string{message.target()};
  request.source = source;
  for (const auto& field : message) {
    std::string name{field.name_string()};
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string& value = request.headers[name];
    if (!value.empty()) value += name == "cookie" ? "; " : ", ";
    value += std::string{field.value()};
  }
  return request;
}

// Whether somebody who stands before us may have read it as another request: two lengths or a coding beside `chunked`
// (RFC 9112 6.1), several hosts or none (3.2).
bool is_ambiguous(const Parser& parser) {
  const auto& message = parser.get();
  const std::size_t hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) return true;
  const std::size_t codings = message.count(http::field::transfer_encoding);
  if (codings == 0) return false;
  return codings > 1 || !boost::beast::iequals(message[http::field::transfer_encoding], "chunked") ||
         message.version() < 11 || message.count(http::field::content_length) != 0;
}

template <class Message>
void fill_head(Message& message, const Response& response) {
  message.result(response.status);
  for (const auto& [name, value] : response.headers) message.insert(name, value);
}

// Which answer a request gets that could not be read; 0: none, the client just left.
unsigned status_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_method).category() ? 400U : 0U;
}

std::string words_of(unsigned status) {
  switch (status) {
    case 413:
      return "the body is longer than this request may have";
    case 431:
      return "the headers are too long";
    case 505:
      return "speak HTTP/1.1";
    default:
      return "this is no HTTP/1.1 request";
  }
}

// The keeper of the library's objects; see the header for what it does.
class BeastConnection final : public Connection {
 public:
  BeastConnection(HttpsServer& server, tcp::socket socket, From from)
      : Connection{server, std::move(from)},
        tls_{tls_of(server)},
        stream_{std::move(socket), *tls_->context},
        deadline_{stream_.get_executor()},
        event_{stream_.get_executor()} {}

  void start() override { asio::co_spawn(stream_.get_executor(), run(self()), asio::detached); }
  void drop() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
    deadline_.cancel();
    event_.cancel();
    is_open_ = false;
    leave();
  }

  void answer(Response response) {
    response_ = std::move(response);
    event_.cancel();
  }
  bool begin_stream() { return is_open_ && may_stream() ? (is_stream_ = true) : false; }
  void write_to_stream(std::string text) {
    text_ = std::move(text);
    event_.cancel();
  }
  void end_stream() {
    is_stream_ = false;
    event_.cancel();
  }
  [[nodiscard]] bool is_open() const { return is_open_; }
  [[nodiscard]] bool is_ready() const { return is_open_ && text_.empty(); }

 private:
  using Self = std::shared_ptr<BeastConnection>;
  Self self() { return std::static_pointer_cast<BeastConnection>(shared_from_this()); }

  // `self` keeps the object while the coroutine runs.
  asio::awaitable<void> run([[maybe_unused]] Self self) {
    deadline(limits().handshake);
    const auto [error] = co_await stream_.async_handshake(TlsStream::server, kAwait);
    if (error || !is_open_) co_return drop();
    bool more = true;
    for (bool first = true; more && is_open_; first = false) {
      more = co_await serve(first);
    }
    if (is_open_) co_await say_goodbye();
    if (is_open_) drop();
  }

  // One request. Whether another one may follow.
  asio::awaitable<bool> serve(bool first) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits().header_max));
    parser.body_limit(boost::none);
    if (!co_await await_request(first)) co_return false;
    const auto [head_error, head_length] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
    if (!is_open_) co_return false;
    if (head_error) co_return co_await refuse(status_of(head_error));
    if (is_ambiguous(parser)) co_return co_await refuse(400);
    Request request = head_of(parser, address());
    const auto [body_max, is_known] = application().admit(request);
    if (is_known) note_known();
    if (parser.content_length().value_or(0) > body_max) co_return co_await refuse(413);
    parser.body_limit(body_max);
    deadline(limits().body);
    if (!parser.is_done()) {
      if (!co_await invite_body(parser)) co_return false;
      const auto [body_error, body_length] = co_await http::async_read(stream_, buffer_, parser, kAwait);
      if (!is_open_) co_return false;
      if (body_error) co_return co_await refuse(status_of(body_error));
    }
    request.body = std::move(parser.get().body());
    const bool is_head = request.method == Method::head;
    const bool keep_alive = parser.get().keep_alive();
    if (!co_await work(std::move(request))) co_return false;
    if (is_stream_) co_return co_await stream_on();
    const bool sent = co_await send(is_head, keep_alive);
    co_return sent&& keep_alive;
  }

  // Until there is something to read: a client may keep its connection between requests, but not for ever.
  asio::awaitable<bool> await_request(bool first) {
    enter(Phase::waiting);
    deadline(first ? limits().header : limits().idle);
    if (buffer_.size() == 0) {
      const auto [error, length] = co_await stream_.async_read_some(buffer_.prepare(4096), kAwait);
      if (error || !is_open_) co_return false;
      buffer_.commit(length);
    }
    enter(Phase::receiving);
    deadline(limits().header);
    co_return true;
  }

  // RFC 9110 10.1.1: a client with a large body asks first.
  asio::awaitable<bool> invite_body(const Parser& parser) {
    if (parser.get()[http::field::expect] != "100-continue") co_return true;
    const http::response<http::empty_body> go_on{http::status::continue_, 11};
    const auto [error, length] = co_await http::async_write(stream_, go_on, kAwait);
    co_return !error && is_open_;
  }

  asio::awaitable<bool> work(Request request);

  asio::awaitable<void> wait_for_event() {
    event_.expires_at(std::chrono::steady_clock::time_point::max());
    co_await event_.async_wait(kAwait);
  }

  asio::awaitable<bool> send(bool is_head, bool keep_alive) {
    enter(Phase::sending);
    deadline(limits().answer);
    Response response = std::move(*std::exchange(response_, std::nullopt));
    http::response<http::string_body> message;
    message.version(11);
    fill_head(message, response);
    message.keep_alive(keep_alive);
    if (response.status != 204 && response.status != 304) message.content_length(response.body.size());
    if (!is_head) message.body() = std::move(response.body);
    http::response_serializer<http::string_body> serializer{message};
    if (is_head) {
      const auto [error, length] = co_await http::async_write_header(stream_, serializer, kAwait);
      co_return !error && is_open_;
    }
    const auto [error, length] = co_await http::async_write(stream_, serializer, kAwait);
    co_return !error && is_open_;
  }

  asio::awaitable<bool> refuse(unsigned status) {
    if (status == 0) co_return false;
    response_ = application().refuse(status, words_of(status));
    co_await send(false, false);
    co_return false;
  }

  // What the application writes, until it or the client has had enough.
  asio::awaitable<bool> stream_on() {
    enter(Phase::streaming);
    http::response<http::empty_body> head;
    head.version(11);
    fill_head(head, *std::exchange(response_, std::nullopt));
    head.set(http::field::content_type, kStreamType);
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer{head};
    deadline(limits().answer);
    const auto [error, length] = co_await http::async_write_header(stream_, serializer, kAwait);
    if (error || !is_open_) co_return false;
    asio::co_spawn(stream_.get_executor(), watch_for_the_end(self()), asio::detached);
    while (is_open_ && (is_stream_ || !text_.empty())) {
      deadline_.cancel();
      if (text_.empty()) co_await wait_for_event();
      if (text_.empty()) continue;
      deadline(limits().answer);
      const auto [failed, sent] = co_await asio::async_write(stream_, asio::buffer(text_), kAwait);
      text_.clear();
      if (failed) break;
    }
    co_return false;
  }

  // A listener has nothing to say: whatever comes from it is its end.
  asio::awaitable<void> watch_for_the_end([[maybe_unused]] Self self) {
    std::array<char, 1> any{};
    co_await stream_.async_read_some(asio::buffer(any), kAwait);
    if (is_open_) drop();
  }

  asio::awaitable<void> say_goodbye() {
    enter(Phase::ending);
    deadline(kGoodbye);
    if (is_stream_) co_return;
    co_await stream_.async_shutdown(kAwait);
    error_code ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, 4096> rest;
    for (std::size_t read = 0; is_open_ && read < kLingerMax;) {
      const auto [error, length] = co_await stream_.next_layer().async_read_some(asio::buffer(rest), kAwait);
      if (error) co_return;
      read += length;
    }
  }

  void deadline(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) self->drop();
    });
  }

  std::shared_ptr<TlsContext> tls_;  // lives as long as the stream that uses it
  TlsStream stream_;
  asio::steady_timer deadline_, event_;
  boost::beast::flat_buffer buffer_{kBufferMax};
  std::optional<Response> response_;
  std::string text_;  // of a stream: what is being sent
  bool is_open_ = true, is_stream_ = false;
};

class StreamHandle final : public Stream {
 public:
  explicit StreamHandle(std::shared_ptr<BeastConnection> connection) : connection_{std::move(connection)} {}
  ~StreamHandle() override { connection_->end_stream(); }
  StreamHandle(const StreamHandle&) = delete;
  StreamHandle& operator=(const StreamHandle&) = delete;
  [[nodiscard]] bool is_open() const override { return connection_->is_open(); }
  [[nodiscard]] bool is_ready() const override { return connection_->is_ready(); }
  void write(std::string text) override {
    if (is_ready()) connection_->write_to_stream(std::move(text));
  }

 private:
  std::shared_ptr<BeastConnection> connection_;
};

class ReplyHandle final : public Reply {
 public:
  explicit ReplyHandle(const std::shared_ptr<BeastConnection>& connection) : connection_{connection} {}
  void send(Response response) override {
    if (const auto connection = connection_.lock()) connection->answer(std::move(response));
  }
  std::shared_ptr<Stream> stream(Response head) override {
    const auto connection = connection_.lock();
    if (connection == nullptr || !connection->begin_stream()) return nullptr;
    connection->answer(std::move(head));
    return std::make_shared<StreamHandle>(connection);
  }
  [[nodiscard]] bool is_wanted() const override {
    const auto connection = connection_.lock();
    return connection != nullptr && connection->is_open();
  }

 private:
  std::weak_ptr<BeastConnection> connection_;
};

asio::awaitable<bool> BeastConnection::work(Request request) {
  enter(Phase::working);
  deadline_.cancel();
  application().handle(std::move(request), std::make_shared<ReplyHandle>(self()));
  while (is_open_ && !response_) co_await wait_for_event();
  co_return is_open_;
}

}  // namespace

std::shared_ptr<Connection> Connection::make(HttpsServer& server, tcp::socket socket, From from) {
  return std::make_shared<BeastConnection>(server, std::move(socket), std::move(from));
}

}  // namespace fulcrum::https
