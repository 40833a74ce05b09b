#include "drivers/port/dpdk_port.h"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/base/invariant.h"
#include "dataplane/base/log.h"
#include "drivers/port/interface_link.h"
#include "drivers/port/packet_sockets.h"

namespace fulcrum {
namespace {

constexpr std::uint64_t kChecksumOffloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

// What the NIC saw. Anything it is not sure about is looked at in software.
ChecksumFact checksum_fact(std::uint64_t flags) {
  switch (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
      return ChecksumFact::good;
    case RTE_MBUF_F_RX_L4_CKSUM_BAD:
      return ChecksumFact::bad;
    default:
      return ChecksumFact::verify;
  }
}

std::uint64_t spread_functions(Spread spread, Faces faces) {
  if (spread == Spread::none) return 0;
  if (spread == Spread::client && faces == Faces::clients) return RTE_ETH_RSS_IP | RTE_ETH_RSS_L3_SRC_ONLY;
  if (spread == Spread::client && faces == Faces::servers) return RTE_ETH_RSS_IP | RTE_ETH_RSS_L3_DST_ONLY;
  // Addresses without ports, so that the fragments of a packet stay together.
  return RTE_ETH_RSS_IP;
}

// Some drivers take the tag out of the frame unasked; the parser shall see the frame as it was on the wire.
void put_tag_back(rte_mbuf*& buffer) {
  if ((buffer->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0) return;
  [[maybe_unused]] const int done = rte_vlan_insert(&buffer);  // fails for want of headroom only, which we left
}

}  // namespace

tl::unexpected<Error> DpdkPort::refused(Error::Code code, std::string text) const {
  return fail(code, fmt::format("port {} ({} {})", options_.name, profile_.name, options_.device), std::move(text));
}

Result<std::unique_ptr<DpdkPort>> DpdkPort::open(const DpdkPortOptions& options, const NicProfile& profile,
                                                 const PacketPool& pool) {
  std::unique_ptr<DpdkPort> port{new DpdkPort{options, profile}};
  auto done = port->attach()
                  .and_then([&] { return port->configure(); })
                  .and_then([&] { return port->set_up_queues(pool); })
                  .and_then([&] { return port->start(); });
  if (!done) return tl::unexpected<Error>{done.error()};
  return port;
}

DpdkPort::~DpdkPort() {
  if (port_) {
    rte_eth_dev_stop(*port_);
    rte_eth_dev_close(*port_);
  }
  if (virtual_device_) rte_eal_hotplug_remove("vdev", device_name_.c_str());
}

std::uint32_t DpdkPort::buffers_for(const NicProfile& profile, std::uint16_t queues) noexcept {
  return static_cast<std::uint32_t>(queues) * (profile.receive_descriptors + profile.transmit_descriptors);
}

Result<void> DpdkPort::attach() {
  if (profile_.device == DeviceKind::pci) {
    device_name_ = options_.device;
  } else {
    device_name_ = fmt::format("{}{}", profile_.driver, options_.id.value);
    interface_number_ = number_of_interface(options_.device);
    const std::string arguments = fill_in(profile_, options_.device, options_.queues, options_.mtu);
    const std::set<int> before = packet_sockets();
    const int error = rte_eal_hotplug_add("vdev", device_name_.c_str(), arguments.c_str());
    for (const int socket : packet_sockets()) {
      if (before.count(socket) == 0) packet_sockets_.insert(socket);
    }
    if (error == -EFAULT) {  // what it says of a name that no driver begins with
      return refused(Error::Code::not_found, fmt::format("DPDK has no driver {}: is the package {} installed?",
                                                         profile_.driver, profile_.package));
    }
    if (error != 0) {
      return refused(Error::Code::io, fmt::format("DPDK does not make {} with \"{}\"; its reason stands above",
                                                  device_name_, arguments));
    }
    virtual_device_ = true;
  }
  std::uint16_t number = 0;
  if (rte_eth_dev_get_port_by_name(device_name_.c_str(), &number) != 0) {
    return refused(
        Error::Code::not_found,
        fmt::format("DPDK did not take the device: is the package {} installed, and is the profile the right "
                    "one? DPDK's own reason stands above, if it gave one",
                    profile_.package));
  }
  port_ = number;
  return {};
}

Result<void> DpdkPort::configure() {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(*port_, &info); error != 0) {
    return refused(Error::Code::io, rte_strerror(-error));
  }
  if (profile_.driver != info.driver_name) {
    return refused(Error::Code::invalid, fmt::format("the device belongs to the driver {}, the profile is for {}",
                                                     info.driver_name, profile_.driver));
  }
  const int queues_max = std::min<int>({info.max_rx_queues, info.max_tx_queues, profile_.queues_max});
  if (options_.queues > queues_max) {
    return refused(Error::Code::limit,
                   fmt::format("has {} queue{} and {} workers need one each: list at most {} in "
                               "`worker_cores`",
                               queues_max, queues_max == 1 ? "" : "s", options_.queues, queues_max));
  }
  rte_eth_conf wanted{};
  wanted.rxmode.mtu = options_.mtu;
  const std::uint64_t spread = spread_functions(profile_.spread, options_.faces) & info.flow_type_rss_offloads;
  if (options_.queues > 1 && spread != 0) {
    wanted.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    wanted.rx_adv_conf.rss_conf.rss_hf = spread;
  }
  if (profile_.checksum == ChecksumCheck::hardware) {
    hardware_checksum_ = (info.rx_offload_capa & kChecksumOffloads) == kChecksumOffloads;
    if (hardware_checksum_)
      wanted.rxmode.offloads |= kChecksumOffloads;
    else
      log(Level::notice, "port {}: the device does not verify checksums, the workers do", options_.name);
  }
  if (profile_.fast_free) wanted.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  if (const int error = rte_eth_dev_configure(*port_, options_.queues, options_.queues, &wanted); error != 0) {
    return refused(Error::Code::io, fmt::format("DPDK does not configure it (MTU {}, {} queues): {}", options_.mtu,
                                                options_.queues, rte_strerror(-error)));
  }
  return {};
}

Result<void> DpdkPort::set_up_queues(const PacketPool& pool) {
  std::uint16_t receive_length = profile_.receive_descriptors;
  std::uint16_t transmit_length = profile_.transmit_descriptors;
  int error = rte_eth_dev_adjust_nb_rx_tx_desc(*port_, &receive_length, &transmit_length);
  const auto socket = static_cast<unsigned>(std::max(rte_eth_dev_socket_id(*port_), 0));
  for (std::uint16_t queue = 0; error == 0 && queue < options_.queues; ++queue) {
    error = rte_eth_rx_queue_setup(*port_, queue, receive_length, socket, nullptr, pool.handle());
    if (error == 0) error = rte_eth_tx_queue_setup(*port_, queue, transmit_length, socket, nullptr);
  }
  if (error == 0) return {};
  return refused(Error::Code::io, fmt::format("DPDK does not set up {} queues of {} and {} descriptors: {}",
                                              options_.queues, receive_length, transmit_length, rte_strerror(-error)));
}

Result<void> DpdkPort::start() {
  if (const int error = rte_eth_dev_set_mtu(*port_, options_.mtu); error != 0 && error != -ENOTSUP) {
    return refused(Error::Code::limit,
                   fmt::format("does not take an MTU of {}: {}", options_.mtu, rte_strerror(-error)));
  }
  if (const int error = rte_eth_dev_start(*port_); error != 0) {
    return refused(Error::Code::io, fmt::format("DPDK does not start it: {}", rte_strerror(-error)));
  }
  const int promiscuous = profile_.promiscuous ? rte_eth_promiscuous_enable(*port_) : 0;
  const int multicast = profile_.all_multicast ? rte_eth_allmulticast_enable(*port_) : 0;
  // Virtual devices receive everything and have no such switch; a NIC that has none must be promiscuous instead.
  if (profile_.device == DeviceKind::pci && (promiscuous != 0 || multicast != 0)) {
    log(Level::notice, "port {}: no filter for multicast, receiving all frames", options_.name);
    if (rte_eth_promiscuous_enable(*port_) != 0) {
      return refused(Error::Code::io, "receives no multicast, which IPv6 neighbour discovery needs");
    }
  }
  rte_ether_addr address{};
  if (const int error = rte_eth_macaddr_get(*port_, &address); error != 0) {
    return refused(Error::Code::io, fmt::format("has no MAC address: {}", rte_strerror(-error)));
  }
  std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac_.bytes.begin());
  take_losses();  // what others left in the NIC's counters
  return {};
}

std::size_t DpdkPort::receive(std::uint16_t queue, std::span<Frame> into) noexcept {
  std::array<rte_mbuf*, kBatchMax> buffers;
  const auto wanted = static_cast<std::uint16_t>(std::min(into.size(), buffers.size()));
  const std::uint16_t count = rte_eth_rx_burst(*port_, queue, buffers.data(), wanted);
  const bool verified = hardware_checksum_;
  const ChecksumFact unasked = profile_.checksum == ChecksumCheck::none ? ChecksumFact::unknown : ChecksumFact::verify;
  for (std::size_t i = 0; i < count; ++i) {
    put_tag_back(buffers[i]);
    set_frame(into[i], buffers[i], options_.id, verified ? checksum_fact(buffers[i]->ol_flags) : unasked);
  }
  return count;
}

LossCounts DpdkPort::take_losses() noexcept {
  LossCounts lost{};
  if (rte_eth_stats counts{}; rte_eth_stats_get(*port_, &counts) == 0) {
    const LossCounts now{counts.imissed, counts.ierrors, counts.rx_nombuf};
    // A driver that began anew has counted less than before.
    for (std::size_t i = 0; i < kLosses; ++i) lost[i] = now[i] - std::min(now[i], lost_before_[i]);
    lost_before_ = now;
  }
  for (const int socket : packet_sockets_) lost[static_cast<std::size_t>(Loss::ring_full)] += take_overflows(socket);
  return lost;
}

LinkState DpdkPort::link() noexcept {
  if (profile_.device == DeviceKind::interface) {
    const LinkState state = link_of_interface(options_.device, interface_number_);
    is_gone_.store(state == LinkState::gone, std::memory_order_relaxed);
    return state;
  }
  rte_eth_link now{};
  if (profile_.device != DeviceKind::pci || rte_eth_link_get_nowait(*port_, &now) != 0) return LinkState::unknown;
  return now.link_status != 0 ? LinkState::up : LinkState::down;
}

void DpdkPort::take_length(const Frame& frame) noexcept {
  auto* buffer = static_cast<rte_mbuf*>(frame.handle);
  buffer->data_len = static_cast<std::uint16_t>(frame.length);
  buffer->pkt_len = frame.length;
}

std::size_t DpdkPort::send(std::uint16_t queue, std::span<const Frame> frames) noexcept {
  // The driver's socket takes frames for an interface that is no more, and counts them as sent.
  if (is_gone_.load(std::memory_order_relaxed)) return 0;
  std::array<rte_mbuf*, kBatchMax> buffers;
  std::size_t sent = 0;
  while (sent < frames.size()) {
    const auto some = frames.subspan(sent, std::min(frames.size() - sent, buffers.size()));
    std::transform(some.begin(), some.end(), buffers.begin(),
                   [](const Frame& frame) { return static_cast<rte_mbuf*>(frame.handle); });
    const std::uint16_t taken =
        rte_eth_tx_burst(*port_, queue, buffers.data(), static_cast<std::uint16_t>(some.size()));
    sent += taken;
    if (taken < some.size()) break;
  }
  return sent;
}

}  // namespace fulcrum
