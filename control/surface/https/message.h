// A request and its answer, as plain data: what the HTTPS server hands to the application and gets back. The
// application knows nothing of sockets, TLS or the HTTP library; the same structs come from the local socket.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fulcrum::https {

enum class Method : std::uint8_t { get, head, post, put, patch, remove, options, other };
std::string_view word(Method method);  // "GET"

struct Request {
  Method method = Method::get;
  std::string target;                          // as sent: path and query
  std::map<std::string, std::string> headers;  // names in small letters; of several with one name, joined by ", "
  std::string body;
  std::string source;  // address of the client

  // Empty when there is none.
  [[nodiscard]] const std::string& header(const std::string& name) const;
};

// What is said of a request when its header is there.
struct Admission {
  std::size_t body_max = 0;  // bytes that it may bring
  bool is_known = false;     // somebody whom we know asks
};

struct Response {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// An answer without an end (server-sent events). Owned by the application; the connection ends with the last owner.
// There is no queue: who writes faster than the client reads finds the stream not ready, and tells the client later
// what then is true. The server's thread only.
class Stream {
 public:
  virtual ~Stream() = default;
  [[nodiscard]] virtual bool is_open() const = 0;
  [[nodiscard]] virtual bool is_ready() const = 0;  // what was written before has been sent
  virtual void write(std::string text) = 0;         // only when ready
};

// Where the answer goes: one of the two, once, at once or later, on the server's thread. When the client has left
// meanwhile nothing happens; stream() then gives null.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  virtual std::shared_ptr<Stream> stream(Response head) = 0;
  [[nodiscard]] virtual bool is_wanted() const = 0;
};

}  // namespace fulcrum::https
