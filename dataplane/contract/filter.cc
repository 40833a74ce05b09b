#include "dataplane/contract/filter.h"

#include <bit>

namespace fulcrum {

bool matches(const EntryFilter& filter, const Snapshot& snapshot, const ConnectionEntry& entry) noexcept {
  // A state that this release does not know is in no filter but the one for all.
  const auto state = static_cast<unsigned>(entry.state);
  if (filter.states != EntryFilter::any_state && (state >= kConnectionStates || (filter.states >> state & 1U) == 0)) {
    return false;
  }
  if (filter.client_length != EntryFilter::any_client &&
      !Prefix{filter.client, filter.client_length}.contains(entry.key.client)) {
    return false;
  }
  if (filter.farm.value != kNoIndex) {
    if (entry.key.service.value >= kServicesMax) return false;
    const ServiceRow& service = snapshot.services[entry.key.service.value];
    if (service.in_use == 0 || service.farm != filter.farm) return false;
  }
  if (filter.member == kNoMember) return true;
  if (entry.server.index >= kServersMax) return false;
  const ServerRow& server = snapshot.servers[entry.server.index];
  return server.state != ServerState::unused && server.generation == entry.server.generation &&
         server.member == filter.member;
}

Binding binding_of(const ConnectionEntry& entry) noexcept {
  const auto length = static_cast<std::uint8_t>(entry.key.client_port.host());
  return {.farm = FarmId{entry.key.service.value},
          .client = {entry.key.client, length},
          .member = MemberId{std::bit_cast<std::uint32_t>(entry.server)}};
}

FlowKey binding_key(FarmId farm, const Address& client, std::uint8_t length) noexcept {
  FlowKey key;
  key.client = Prefix{client, length}.first();
  key.client_port = Be16{length};
  key.service = ServiceId{farm.value};
  return key;
}

bool matches(const EntryFilter& filter, const Binding& binding) noexcept {
  if (filter.farm.value != kNoIndex && binding.farm != filter.farm) return false;
  if (filter.member != kNoMember && binding.member != filter.member) return false;
  if (filter.client_length == EntryFilter::any_client) return true;
  const Prefix wanted{filter.client, filter.client_length};
  return wanted.contains(binding.client.address) || binding.client.contains(wanted.address);
}

}  // namespace fulcrum
