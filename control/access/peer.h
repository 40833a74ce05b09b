// Who is at the other end of the local socket, as the kernel says it and not the client: the user comes with the
// connection (SO_PEERCRED, unix(7)). Only root may connect, so that alone tells nobody from anybody. With it goes the
// login: the account with which the process's session began, which su and sudo leave alone (pam_loginuid(8) writes it,
// to /proc/PID/loginuid).
#pragma once

#include <string>

namespace fulcrum::access {

struct Peer {
  std::string user = "root";
  std::string login{};  // empty: the user's own, or none on record (what cron starts, and containers)

  // The name for the history and the audit log, where the peer says that it acts for `claim`; empty: for itself. A
  // claim that the kernel does not bear out never stands alone: "anna", "root (login anna)", "bob (user root)".
  [[nodiscard]] std::string name(const std::string& claim = {}) const;
};

// Of a connected socket, while its process lives. Names are those of /etc/passwd, others "uid 1000": no directory
// service may hold up the control loop.
Peer peer_of(int socket);

}  // namespace fulcrum::access
