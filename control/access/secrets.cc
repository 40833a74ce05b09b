#include "control/access/secrets.h"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "dataplane/base/invariant.h"

namespace fulcrum::access {
namespace {

// yescrypt's cost: 5 is Debian's default for logins, 16 MiB.
constexpr unsigned long kCost = 5;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// A hash as good as any that no password has, so that an unknown account costs as much time as a known one.
constexpr const char* kNobody = "$y$j9T$QUfH8EXzlkZtQKbHRMe6J.$BBJt4CqXyXN8.P9opBf3rvykjpzLZ1T/OwvPMnEvAd5";

std::unique_ptr<void, Free> crypted(const std::string& password, const std::string& setting, std::string& into) {
  void* memory = nullptr;
  int size = 0;
  const char* hash = crypt_ra(password.c_str(), setting.c_str(), &memory, &size);
  into = hash != nullptr ? hash : "";
  return std::unique_ptr<void, Free>{memory};
}

void fill_random(std::array<unsigned char, 32>& bytes) {
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = getrandom(bytes.data() + have, bytes.size() - have, 0);
    FULCRUM_ASSERT(got > 0 || errno == EINTR);
    if (got > 0) have += static_cast<std::size_t>(got);
  }
}

}  // namespace

Result<void> check_password(std::string_view name, std::string_view password) {
  if (password.size() < kPasswordMin || password.size() > kPasswordMax) {
    return fail(Error::Code::invalid, "password",
                fmt::format("has {} bytes: take {} to {}; several words are easy to remember", password.size(),
                            kPasswordMin, kPasswordMax));
  }
  if (password.find('\0') != std::string_view::npos) {
    return fail(Error::Code::invalid, "password", "has a zero byte in it");
  }
  if (password == name || password.find_first_not_of(password.front()) == std::string_view::npos) {
    return fail(Error::Code::invalid, "password", "is the account's name or one character repeated: take another");
  }
  return {};
}

Result<std::string> hash_password(const std::string& password) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (crypt_gensalt_rn("$y$", kCost, nullptr, 0, setting.data(), setting.size()) == nullptr) {
    return fail(Error::Code::io, "password", "cannot make a salt: " + errno_words(errno));
  }
  std::string hash;
  const auto memory = crypted(password, setting.data(), hash);
  if (hash.empty() || hash.front() == '*') {
    return fail(Error::Code::io, "password", "cannot be hashed: " + errno_words(errno));
  }
  return hash;
}

bool verify_password(const std::string& password, const std::string& hash) {
  std::string again;
  const auto memory = crypted(password, hash.empty() ? kNobody : hash, again);
  const bool same = same_secret(again, hash.empty() ? kNobody : hash);
  return same && !hash.empty() && password.find('\0') == std::string::npos;
}

std::string random_secret() {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 32> bytes{};
  fill_random(bytes);
  std::string text;
  unsigned bits = 0;
  unsigned have = 0;
  for (const unsigned char byte : bytes) {
    bits = (bits << 8U) | byte;
    for (have += 8; have >= 6; have -= 6) text += kDigits[(bits >> (have - 6)) & 63U];
  }
  text += kDigits[(bits << (6 - have)) & 63U];
  return text;
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  FULCRUM_ASSERT(done == 1);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace fulcrum::access
