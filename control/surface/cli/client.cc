#include "control/surface/cli/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "control/surface/cli/interrupt.h"
#include "dataplane/base/owned_fd.h"

namespace fulcrum::cli {
namespace {

// All of 4,096 farms take less; more than this is no answer of ours.
constexpr std::size_t kAnswerMax = 256U << 20U;

Error cannot_connect(const std::string& path, int reason) {
  switch (reason) {
    case ENOENT:
    case ECONNREFUSED:
      return {Error::Code::io, path,
              "fulcrum-control is not running: start it, or name its directory with --runtime-dir"};
    case EACCES:
    case EPERM:
      return {Error::Code::io, path, "permission denied: be root"};
    default:
      return {Error::Code::io, path, errno_words(reason)};
  }
}

Result<OwnedFd> connect_to(const std::string& path, std::chrono::seconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Error::Code::invalid, path, "too long for a Unix socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  OwnedFd made{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!made.valid()) return fail(Error::Code::io, "socket", errno_words(errno));
  const timeval time{.tv_sec = patience.count(), .tv_usec = 0};
  setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected<Error>{cannot_connect(path, errno)};
  }
  return made;
}

}  // namespace

Result<std::string> ask(const std::string& runtime_dir, const std::string& question, std::chrono::seconds patience) {
  const std::string path = runtime_dir + "/control.sock";
  auto connected = connect_to(path, patience);
  if (!connected) return tl::unexpected<Error>{connected.error()};
  const std::string line = question + '\n';
  for (std::string_view rest{line}; !rest.empty();) {
    const ssize_t sent = send(connected->get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) break;  // it may have said why before it hung up
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  std::array<char, 65536> chunk;
  while (answer.size() < kAnswerMax) {
    const ssize_t got = recv(connected->get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR && !is_interrupted()) continue;
    if (got < 0 && errno == EINTR) {
      return fail(Error::Code::io, path, "interrupted; what was asked may be carried out all the same");
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return fail(Error::Code::io, path,
                  fmt::format("no answer within {} s: is fulcrum-control stopped?", patience.count()));
    }
    if (got <= 0) return fail(Error::Code::io, path, "fulcrum-control hung up in the middle: is it being restarted?");
    answer.append(chunk.data(), static_cast<std::size_t>(got));
    if (answer.back() == '\n') {
      answer.pop_back();
      return answer;
    }
  }
  return fail(Error::Code::limit, path, "the answer has no end");
}

}  // namespace fulcrum::cli
