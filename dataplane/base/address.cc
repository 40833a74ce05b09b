#include "dataplane/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace fulcrum {
namespace {

std::optional<unsigned> parse_number(std::string_view text, int base) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The prefix length counted from the start of the 16 bytes.
unsigned length_of_16(const Prefix& prefix) { return prefix.length + (prefix.address.is_v4() ? 96U : 0U); }

Address fill_host_part(const Prefix& prefix, bool ones) {
  auto bytes = prefix.address.bytes();
  const unsigned length = length_of_16(prefix);
  for (unsigned bit = length; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    auto& byte = bytes[bit / 8];
    byte = static_cast<std::uint8_t>(ones ? (byte | mask) : (byte & ~mask));
  }
  return Address::v6(bytes.data());
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  // What stands behind a zero byte would not be read.
  const std::string terminated{text.find('\0') == std::string_view::npos ? text : std::string_view{}};
  if (in_addr v4_address{}; inet_pton(AF_INET, terminated.c_str(), &v4_address) == 1) {
    return Address::v4(Be32::from_wire(v4_address.s_addr));
  }
  in6_addr v6_address{};
  if (inet_pton(AF_INET6, terminated.c_str(), &v6_address) != 1) {
    return fail(Error::Code::invalid, "", fmt::format("\"{}\" is not an IPv4 or IPv6 address", text));
  }
  const Address result = Address::v6(v6_address.s6_addr);
  if (result.is_v4())
    return fail(Error::Code::invalid, "", fmt::format("\"{}\": write the IPv4 address as such", text));
  return result;
}

bool Address::is_multicast() const noexcept {
  const auto octets = bytes();
  return is_v4() ? (octets[12] & 0xF0U) == 0xE0U : octets[0] == 0xFF;
}

bool Address::is_loopback() const noexcept {
  const auto octets = bytes();
  if (is_v4()) return octets[12] == 127;
  return words_[0] == 0 && BigEndian<std::uint64_t>::from_wire(words_[1]).host() == 1;
}

bool Address::is_unspecified() const noexcept { return is_v4() ? bytes()[12] == 0 : (words_[0] | words_[1]) == 0; }

bool Address::is_link_local() const noexcept {
  const auto octets = bytes();
  if (is_v4()) return octets[12] == 169 && octets[13] == 254;
  return octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const auto octets = bytes();
  if (is_v4()) {
    inet_ntop(AF_INET, octets.data() + 12, buffer.data(), buffer.size());
  } else {
    inet_ntop(AF_INET6, octets.data(), buffer.data(), buffer.size());
  }
  return buffer.data();
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return fail(Error::Code::invalid, "",
                fmt::format("\"{}\" has no prefix length: write for example {}/24", text, text));
  }
  auto address = Address::parse(text.substr(0, slash));
  if (!address) return tl::unexpected<Error>{address.error()};
  const auto length = parse_number(text.substr(slash + 1), 10);
  const unsigned length_max = address->is_v4() ? 32 : 128;
  if (!length || *length > length_max) {
    return fail(Error::Code::invalid, "", fmt::format("\"{}\": the prefix length must be 0 to {}", text, length_max));
  }
  return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

bool Prefix::contains(const Address& other) const noexcept {
  if (other.is_v4() != address.is_v4()) return false;
  return !(other < first()) && !(last() < other);
}

Address Prefix::first() const noexcept { return fill_host_part(*this, false); }
Address Prefix::last() const noexcept { return fill_host_part(*this, true); }
std::string Prefix::text() const { return fmt::format("{}/{}", address.text(), length); }

Result<Mac> Mac::parse(std::string_view text) {
  Mac mac;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto value = text.size() == 17 ? parse_number(text.substr(i * 3, 2), 16) : std::nullopt;
    if (!value || (i < 5 && text[i * 3 + 2] != ':')) {
      return fail(Error::Code::invalid, "", fmt::format("\"{}\" is not a MAC address such as 02:00:00:00:00:01", text));
    }
    mac.bytes[i] = static_cast<std::uint8_t>(*value);
  }
  return mac;
}

std::string Mac::text() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                     bytes[5]);
}

}  // namespace fulcrum
