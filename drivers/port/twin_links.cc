#include "drivers/port/twin_links.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace fulcrum {
namespace {

constexpr std::string_view kAliasStart = "kernel twin of fulcrum-dataplane in ";
constexpr std::size_t kAliasMax = 255;  // IFALIASZ, less the zero
constexpr std::size_t kRoom = 32768;    // what the kernel puts into one answer
constexpr unsigned kSequence = 1;

struct SocketClose {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};

int keep_words(const nlattr* attribute, void* into) {
  auto& link = *static_cast<StandingLink*>(into);
  if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0) return MNL_CB_OK;
  if (mnl_attr_get_type(attribute) == IFLA_IFNAME) link.name = mnl_attr_get_str(attribute);
  if (mnl_attr_get_type(attribute) == IFLA_IFALIAS) link.alias = mnl_attr_get_str(attribute);
  return MNL_CB_OK;
}

int keep_link(const nlmsghdr* message, void* into) {
  StandingLink link;
  mnl_attr_parse(message, sizeof(ifinfomsg), keep_words, &link);
  static_cast<std::vector<StandingLink>*>(into)->push_back(std::move(link));
  return MNL_CB_OK;
}

// Sends one request and reads its answer to the end. Links that it names are added to `into`.
Result<void> ask(nlmsghdr* message, const std::string& what, std::vector<StandingLink>& into) {
  const std::unique_ptr<mnl_socket, SocketClose> socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  message->nlmsg_seq = kSequence;
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
      mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) {
    return fail(Error::Code::io, what, errno_words(errno));
  }
  const unsigned port = mnl_socket_get_portid(socket.get());
  std::vector<char> answer(kRoom);
  for (int outcome = MNL_CB_OK; outcome > MNL_CB_STOP;) {
    const ssize_t length = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    outcome = length < 0
                  ? -1
                  : mnl_cb_run(answer.data(), static_cast<std::size_t>(length), kSequence, port, keep_link, &into);
    if (outcome < 0) return fail(Error::Code::io, what, errno_words(errno));
  }
  return {};
}

}  // namespace

std::string twin_alias(const std::string& runtime_dir) {
  return (std::string{kAliasStart} + runtime_dir).substr(0, kAliasMax);
}

bool is_twin(const StandingLink& link) { return link.alias.starts_with(kAliasStart); }

Result<std::vector<StandingLink>> standing_links() {
  alignas(NLMSG_ALIGNTO) std::array<char, 256> room{};
  nlmsghdr* message = mnl_nlmsg_put_header(room.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)))->ifi_family = AF_UNSPEC;
  std::vector<StandingLink> found;
  auto done = ask(message, "the interfaces of the kernel twins' namespace", found);
  if (!done) return tl::unexpected<Error>{done.error()};
  return found;
}

Result<void> set_alias(const std::string& interface, const std::string& alias) {
  alignas(NLMSG_ALIGNTO) std::array<char, 512> room{};
  nlmsghdr* message = mnl_nlmsg_put_header(room.data());
  message->nlmsg_type = RTM_NEWLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  header->ifi_index = static_cast<int>(if_nametoindex(interface.c_str()));
  mnl_attr_put_str(message, IFLA_IFALIAS, alias.c_str());
  std::vector<StandingLink> none;
  return ask(message, interface, none);
}

}  // namespace fulcrum
