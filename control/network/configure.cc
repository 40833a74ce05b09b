#include "control/network/configure.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace fulcrum {
namespace {

struct Sysctl {
  const char* path;  // below /proc/sys/net; {} stands for the link
  const char* value;
  bool required;  // others only improve things, and a small kernel may lack them
};

// Linux is the slow path: it forwards what a worker could not (no MAC yet), whatever way the answer will take.
constexpr std::array kForAll{
    Sysctl{"ipv4/ip_forward", "1", true},
    Sysctl{"ipv6/conf/all/forwarding", "1", true},
    Sysctl{"ipv4/conf/all/rp_filter", "0", true},  // the larger of `all` and the link's counts
    Sysctl{"ipv4/conf/all/send_redirects", "0", false},
};
constexpr std::array kPerLink{
    Sysctl{"ipv4/conf/{}/rp_filter", "0", true},
    Sysctl{"ipv4/conf/{}/accept_local", "1", true},  // a punted packet may carry an address of ours as its source
    Sysctl{"ipv4/conf/{}/send_redirects", "0", false},
    Sysctl{"ipv4/conf/{}/arp_notify", "1", false},  // gratuitous ARP when an address comes up
    Sysctl{"ipv4/conf/{}/promote_secondaries", "1", false},
    // Without its dataplane a twin has no carrier; what Linux knows of neighbours is as true as before.
    Sysctl{"ipv4/conf/{}/arp_evict_nocarrier", "0", false},
    Sysctl{"ipv6/conf/{}/ndisc_evict_nocarrier", "0", false},
    Sysctl{"ipv6/conf/{}/disable_ipv6", "0", false},
    Sysctl{"ipv6/conf/{}/accept_ra", "0", false},
    Sysctl{"ipv6/conf/{}/accept_dad", "0", false},
    Sysctl{"ipv6/conf/{}/ndisc_notify", "1", false},
    // A server whose network card was replaced is asked again within seconds, even if it announces nothing: Linux's own
    // times (believed for 30 s, then five seconds' delay) are made for hosts, not for what stands in front of a farm.
    Sysctl{"ipv4/neigh/{}/base_reachable_time_ms", "3000", false},
    Sysctl{"ipv4/neigh/{}/delay_first_probe_time", "1", false},
    Sysctl{"ipv4/neigh/{}/retrans_time_ms", "300", false},
    Sysctl{"ipv6/neigh/{}/base_reachable_time_ms", "3000", false},
    Sysctl{"ipv6/neigh/{}/delay_first_probe_time", "1", false},
    Sysctl{"ipv6/neigh/{}/retrans_time_ms", "300", false},
};

// Reads before it writes: some sysctls act on every write, and /proc/sys may be read-only with the right values.
Result<void> set_sysctl(const std::string& path, std::string_view value) {
  const OwnedFd reading{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!reading.valid()) return fail(Error::Code::not_found, path, errno_words(errno));
  std::array<char, 64> now{};
  const ssize_t length = read(reading.get(), now.data(), now.size());
  if (length > 0 && std::string_view{now.data(), static_cast<std::size_t>(length)} == std::string{value} + "\n") {
    return {};
  }
  const OwnedFd writing{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!writing.valid() || write(writing.get(), value.data(), value.size()) < 0) {
    return fail(Error::Code::io, path, fmt::format("cannot set it to {}: {}", value, errno_words(errno)));
  }
  return {};
}

class Configurer {
 public:
  Configurer(const TwinNamespace& where, netlink::Requests& linux_side, const TwinPlan& plan)
      : where_{where}, linux_{linux_side}, plan_{plan} {}

  std::vector<Error> run(std::span<const TwinLink> twins) {
    for (const std::string& port : plan_.ports_missing) {
      problem({Error::Code::not_found, "port " + port, "fulcrum-dataplane has no port of this name (dataplane.cfg)"});
    }
    if (!find_links(twins)) return std::move(problems_);
    set_sysctls(twins);
    for (const auto& [name, index] : links_) check(linux_.set_up(index), name);
    settle_addresses();
    settle_routes();
    return std::move(problems_);
  }

 private:
  void problem(Error error) { problems_.push_back(std::move(error)); }
  void check(const Result<void>& done, const std::string& link) {
    if (!done) problem({done.error().code, link, done.error().words()});
  }

  bool find_links(std::span<const TwinLink> twins) {
    auto there = linux_.links();
    if (!there) return problem(there.error()), false;
    for (const netlink::Link& link : *there) {
      const bool wanted = link.name == "lo" || std::any_of(twins.begin(), twins.end(), [&](const TwinLink& twin) {
                            return twin.link == link.name;
                          });
      if (wanted) links_.emplace(link.name, link.index);
    }
    for (const TwinLink& twin : twins) {
      if (links_.count(twin.link) == 0) {
        problem({Error::Code::not_found, "kernel twin " + twin.link,
                 "is not there, in " + where_.words() + "; it comes with the dataplane"});
      }
    }
    return true;
  }

  void set_sysctls(std::span<const TwinLink> twins) {
    const auto set_all = [&]() -> Result<void> {
      const auto set = [&](const Sysctl& sysctl, const std::string& path) {
        auto done = set_sysctl("/proc/sys/net/" + path, sysctl.value);
        if (!done && sysctl.required) problem(done.error());
      };
      for (const Sysctl& sysctl : kForAll) set(sysctl, sysctl.path);
      for (const TwinLink& twin : twins) {
        if (links_.count(twin.link) == 0) continue;
        for (const Sysctl& sysctl : kPerLink) set(sysctl, fmt::format(fmt::runtime(sysctl.path), twin.link));
      }
      return {};
    };
    // /proc/sys/net shows the namespace of the thread that opens the file.
    if (auto done = where_.inside(set_all); !done) problem(done.error());
  }

  using Key = std::tuple<int, std::array<std::uint8_t, 16>, std::uint8_t>;
  static Key key(int index, const Prefix& prefix) { return {index, prefix.address.bytes(), prefix.length}; }

  // New ones first: when the box's address in a subnet changes, the routes of that subnet stay.
  void settle_addresses() {
    const auto there = linux_.addresses();
    if (!there) return problem(there.error());
    std::set<Key> present;
    std::set<Key> planned;
    for (const netlink::LinkAddress& address : *there) present.insert(key(address.index, address.prefix));
    for (const TwinPlan::LinkAddress& address : plan_.addresses) {
      const auto link = links_.find(address.link);
      if (link == links_.end()) continue;
      const Key wanted = key(link->second, address.prefix);
      planned.insert(wanted);
      if (present.count(wanted) == 0) {
        check(linux_.add_address(link->second, address.prefix, address.is_vip), address.link);
      }
    }
    for (const netlink::LinkAddress& address : *there) {
      if (!address.ours || planned.count(key(address.index, address.prefix)) != 0) continue;
      auto done = linux_.remove_address(address.index, address.prefix);
      if (!done && done.error().code != Error::Code::not_found) problem(done.error());
    }
  }

  void settle_routes() {
    const auto there = linux_.routes();
    if (!there) return problem(there.error());
    const auto same = [](const netlink::Route& route, const model::Route& planned) {
      return route.to.length == planned.to.length && route.to.first() == planned.to.first() && route.via == planned.via;
    };
    for (const netlink::Route& route : *there) {
      if (route.protocol != netlink::kOurProtocol) continue;
      const bool stays = std::any_of(plan_.routes.begin(), plan_.routes.end(),
                                     [&](const model::Route& planned) { return same(route, planned); });
      if (stays) continue;
      auto done = linux_.remove_route(route);
      if (!done && done.error().code != Error::Code::not_found) problem(done.error());
    }
    for (const model::Route& planned : plan_.routes) {
      const bool is_there = std::any_of(there->begin(), there->end(), [&](const netlink::Route& route) {
        return route.protocol == netlink::kOurProtocol && same(route, planned);
      });
      if (is_there) continue;
      auto done = linux_.add_route(planned.to, planned.via);
      if (done) continue;
      if (done.error().code == Error::Code::conflict) {
        done.error().text = "somebody else set a route of this prefix; it stays: remove theirs or ours";
      }
      problem({done.error().code, done.error().path + " via " + planned.via.text(), done.error().text});
    }
  }

  const TwinNamespace& where_;
  netlink::Requests& linux_;
  const TwinPlan& plan_;
  std::map<std::string, int> links_;
  std::vector<Error> problems_;
};

}  // namespace

std::vector<Error> configure(const TwinNamespace& where, netlink::Requests& linux_side, const TwinPlan& plan,
                             std::span<const TwinLink> twins) {
  return Configurer{where, linux_side, plan}.run(twins);
}

}  // namespace fulcrum
