#include "control/access/peer.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

namespace fulcrum::access {
namespace {

constexpr uid_t kNoLogin = static_cast<uid_t>(-1);

std::string user_of(uid_t uid) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file{std::fopen("/etc/passwd", "re"), close};
  while (const passwd* entry = file != nullptr ? fgetpwent(file.get()) : nullptr) {
    if (entry->pw_uid == uid) return entry->pw_name;
  }
  return fmt::format("uid {}", uid);
}

std::optional<uid_t> login_of(pid_t pid) {
  uid_t uid = kNoLogin;
  std::ifstream file{fmt::format("/proc/{}/loginuid", pid)};
  if (!(file >> uid) || uid == kNoLogin) return std::nullopt;
  return uid;
}

}  // namespace

std::string Peer::name(const std::string& claim) const {
  const std::string& said = claim.empty() ? user : claim;
  if (!login.empty()) return said == login ? said : fmt::format("{} (login {})", said, login);
  return said == user ? said : fmt::format("{} (user {})", said, user);
}

Peer peer_of(int socket) {
  ucred said{};
  socklen_t size = sizeof said;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &said, &size) != 0) return {.user = "unknown"};
  Peer peer{.user = user_of(said.uid)};
  const auto login = login_of(said.pid);
  if (login && *login != said.uid) peer.login = user_of(*login);
  return peer;
}

}  // namespace fulcrum::access
