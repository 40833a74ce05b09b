// Passwords, random tokens and hashes. Passwords are kept as yescrypt hashes (libcrypt's $y$, Debian's default for
// /etc/shadow); tokens, which are random and long, as plain SHA-256. Randomness is the kernel's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace fulcrum::access {

inline constexpr std::size_t kPasswordMin = 12;   // characters are not counted, bytes are
inline constexpr std::size_t kPasswordMax = 256;  // longer ones only cost time; yescrypt takes 512

// Whether a new password is good enough: its length, and that it is not the account's name or one character repeated.
// No rules about kinds of characters (NIST SP 800-63B 5.1.1.2).
Result<void> check_password(std::string_view name, std::string_view password);

// Some 25 ms of one core and 16 MiB: not for a loop's thread (worker.h). Any thread. Errors: the machine has no memory
// or randomness (io).
Result<std::string> hash_password(const std::string& password);
// As long for a wrong password as for a right one. An empty hash matches nothing, after the same time.
bool verify_password(const std::string& password, const std::string& hash);

// 256 random bits in 43 characters of A-Z a-z 0-9 - _.
std::string random_secret();
// 64 hexadecimal digits.
std::string sha256(std::string_view text);
// In a time that does not tell where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace fulcrum::access
