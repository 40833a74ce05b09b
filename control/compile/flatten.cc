#include "control/compile/flatten.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/wide.h"

namespace fulcrum {
namespace {

Uint128 number_of(const Address& address) {
  const auto& words = address.words();
  const auto high = BigEndian<std::uint64_t>::from_wire(words[0]).host();
  const auto low = BigEndian<std::uint64_t>::from_wire(words[1]).host();
  return (static_cast<Uint128>(high) << 64U) | low;
}

Address address_of(Uint128 number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 16; i-- > 0; number >>= 8U) bytes[i] = static_cast<std::uint8_t>(number & 0xFFU);
  return Address::v6(bytes.data());
}

struct Span {
  Uint128 first = 0, last = 0;
  std::uint16_t hop = 0;
  std::uint64_t rank = 0;
};

struct Start {
  Uint128 first = 0;
  std::uint16_t hop = 0;
};

// The outer before the inner; of equal ones the one that counts first.
bool comes_before(const Span& a, const Span& b) {
  if (a.first != b.first) return a.first < b.first;
  if (a.last != b.last) return a.last > b.last;
  return a.rank < b.rank;
}

// A later start at the same address replaces the earlier, and a range that goes on with the same hop is one range.
void append(std::vector<Start>& starts, Start next) {
  if (!starts.empty() && starts.back().first == next.first) starts.pop_back();
  if (starts.empty() || starts.back().hop != next.hop) starts.push_back(next);
}

// `all` is the whole family, with the hop of what no other span covers.
std::vector<Start> sweep(const Span& all, std::vector<Span> spans) {
  std::stable_sort(spans.begin(), spans.end(), comes_before);
  std::vector<Start> starts{{all.first, all.hop}};
  std::vector<Span> open{all};
  const auto close_before = [&](Uint128 limit) {
    while (open.size() > 1 && open.back().last < limit) {
      const Uint128 next = open.back().last + 1;
      open.pop_back();
      append(starts, {next, open.back().hop});
    }
  };
  for (const Span& span : spans) {
    close_before(span.first);
    const bool is_repeated = open.size() > 1 && open.back().first == span.first && open.back().last == span.last;
    if (is_repeated) continue;
    open.push_back(span);
    append(starts, {span.first, span.hop});
  }
  while (open.size() > 1 && open.back().last < all.last) close_before(open.back().last + 1);
  return starts;
}

Result<std::uint32_t> count_of(const std::vector<Start>& starts) {
  if (starts.size() <= kRoutesMax) return static_cast<std::uint32_t>(starts.size());
  return fail(Error::Code::limit, "routes",
              fmt::format("routes and farm addresses make {} address ranges, the box has room for {} of each family",
                          starts.size(), kRoutesMax));
}

}  // namespace

Result<void> flatten(std::vector<FlatRoute> routes, RouteTable& table) {
  std::vector<Span> v4;
  std::vector<Span> v6;
  for (const FlatRoute& route : routes) {
    auto& spans = route.to.address.is_v4() ? v4 : v6;
    spans.push_back({number_of(route.to.first()), number_of(route.to.last()), route.hop, route.rank});
  }
  const Prefix v4_all{Address::v4(Be32{0}), 0};
  const auto v4_starts = sweep({number_of(v4_all.first()), number_of(v4_all.last()), 0, 0}, std::move(v4));
  const auto v6_starts = sweep({0, ~static_cast<Uint128>(0), 0, 0}, std::move(v6));
  const auto v4_count = count_of(v4_starts);
  if (!v4_count) return tl::unexpected<Error>{v4_count.error()};
  const auto v6_count = count_of(v6_starts);
  if (!v6_count) return tl::unexpected<Error>{v6_count.error()};
  for (std::size_t i = 0; i < v4_starts.size(); ++i) {
    table.v4_first[i] = static_cast<std::uint32_t>(v4_starts[i].first & UINT32_MAX);
    table.v4_hop[i] = v4_starts[i].hop;
  }
  for (std::size_t i = 0; i < v6_starts.size(); ++i) {
    table.v6_first[i] = address_of(v6_starts[i].first);
    table.v6_hop[i] = v6_starts[i].hop;
  }
  table.v4_count = *v4_count;
  table.v6_count = *v6_count;
  return {};
}

}  // namespace fulcrum
