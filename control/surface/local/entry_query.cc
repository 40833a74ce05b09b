#include "control/surface/local/entry_query.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "control/surface/local/question_keys.h"
#include "control/surface/local/words.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

tl::unexpected<Error> invalid(std::string text) { return fail(Error::Code::invalid, "", std::move(text)); }

Result<std::string> text(const json& question, const char* key) {
  const auto found = question.find(key);
  if (found == question.end()) return std::string{};
  if (!found->is_string()) return invalid(fmt::format("\"{}\" is a text", key));
  return found->get<std::string>();
}

Result<std::uint64_t> number(const json& question, const char* key, std::uint64_t least, std::uint64_t most,
                             std::uint64_t otherwise) {
  const auto found = question.find(key);
  if (found == question.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most) {
    return invalid(fmt::format("\"{}\" is a number from {} to {}", key, least, most));
  }
  return found->get<std::uint64_t>();
}

// An address alone is a network of one.
Result<Prefix> client_of(const std::string& text) {
  if (text.find('/') != std::string::npos) return Prefix::parse(text);
  const auto address = Address::parse(text);
  if (!address) return tl::unexpected<Error>{address.error()};
  return Prefix{*address, address->is_v4() ? std::uint8_t{32} : std::uint8_t{128}};
}

std::string all_states() {
  std::string words;
  for (std::size_t i = 0; i < kConnectionStates; ++i) {
    words += fmt::format("{}{}", i == 0 ? "" : ", ", word(static_cast<ConnectionState>(i)));
  }
  return words;
}

// One or several, separated by commas.
Result<std::uint8_t> states_of(std::string_view text) {
  std::uint8_t states = 0;
  while (true) {
    const std::string_view one = text.substr(0, text.find(','));
    std::size_t state = 0;
    while (state < kConnectionStates && word(static_cast<ConnectionState>(state)) != one) ++state;
    if (state == kConnectionStates) return invalid(fmt::format("there is no state \"{}\": say {}", one, all_states()));
    states = static_cast<std::uint8_t>(states | state_bit(static_cast<ConnectionState>(state)));
    if (one.size() == text.size()) return states;
    text.remove_prefix(one.size() + 1);
  }
}

Result<void> check_names(const EntryQuery& query, const model::Model& model) {
  bool farm_there = query.farm.empty();
  bool server_there = query.server.empty();
  for (const model::Farm& farm : model.farms) {
    if (!query.farm.empty() && farm.name != query.farm) continue;
    farm_there = true;
    server_there = server_there || std::any_of(farm.servers.begin(), farm.servers.end(),
                                               [&](const auto& server) { return server.name == query.server; });
  }
  if (!farm_there) return fail(Error::Code::not_found, "", "there is no farm \"" + query.farm + "\"");
  if (!server_there) {
    return fail(Error::Code::not_found, "",
                fmt::format("there is no server \"{}\"{}", query.server,
                            query.farm.empty() ? "" : " in farm \"" + query.farm + "\""));
  }
  return {};
}

Result<void> read_filter(const json& question, EntryQuery& query) {
  for (const auto& [key, into] : {std::pair{"farm", &query.farm}, std::pair{"server", &query.server}}) {
    auto name = text(question, key);
    if (!name) return tl::unexpected<Error>{name.error()};
    *into = std::move(*name);
  }
  const auto client = text(question, "client");
  if (!client) return tl::unexpected<Error>{client.error()};
  if (!client->empty()) {
    const auto network = client_of(*client);
    if (!network) return invalid(fmt::format("\"{}\" is no address and no network like 192.0.2.0/24", *client));
    query.client = *network;
  }
  const auto state = text(question, "state");
  if (!state) return tl::unexpected<Error>{state.error()};
  if (state->empty()) return {};
  if (query.table != Table::connections) return invalid("only connections have a state");
  const auto states = states_of(*state);
  if (!states) return tl::unexpected<Error>{states.error()};
  query.states = *states;
  return {};
}

}  // namespace

Result<EntryQuery> read_entry_query(const json& question, const std::string& verb, const model::Model& model) {
  EntryQuery query;
  query.table = question[verb] == "persistence" ? Table::persistence : Table::connections;
  std::set<std::string> known{verb, "farm", "server", "client", "state"};
  if (verb == "show") known.insert({"offset", "limit"});
  if (verb == "clear") known.insert("all");
  auto done = check_keys(question, known).and_then([&] { return read_filter(question, query); });
  if (!done) return tl::unexpected<Error>{done.error()};
  const auto limit = number(question, "limit", 1, EntryQuery::limit_max, query.limit);
  if (!limit) return tl::unexpected<Error>{limit.error()};
  const auto offset = number(question, "offset", 0, UINT64_MAX, 0);
  if (!offset) return tl::unexpected<Error>{offset.error()};
  query.limit = *limit;
  query.offset = *offset;
  if (const auto all = question.find("all"); all != question.end()) {
    if (!all->is_boolean()) return invalid("\"all\" is true or false");
    query.everything = all->get<bool>();
  }
  if (auto there = check_names(query, model); !there) return tl::unexpected<Error>{there.error()};
  return query;
}

std::vector<EntryFilter> filters_of(const EntryQuery& query, const Snapshot& snapshot) {
  EntryFilter filter;
  filter.states = query.states;
  if (query.client) {
    filter.client = query.client->address;
    filter.client_length = query.client->length;
  }
  for (std::uint16_t farm = 0; !query.farm.empty() && farm < kFarmsMax; ++farm) {
    if (snapshot.farms[farm].name.view() == query.farm) filter.farm = FarmId{farm};
  }
  if (!query.farm.empty() && filter.farm.value == kNoIndex) return {};
  if (query.server.empty()) return {filter};
  std::set<MemberId> members;
  for (std::size_t row = 0; row < kServersMax; ++row) {
    const ServerRow& server = snapshot.servers[row];
    if (server.state == ServerState::unused || server.service.value >= kServicesMax) continue;
    const FarmId farm = snapshot.services[server.service.value].farm;
    if (filter.farm.value != kNoIndex && farm != filter.farm) continue;
    if (snapshot.server_names[row].view() == query.server) members.insert(server.member);
  }
  std::vector<EntryFilter> filters;
  for (const MemberId member : members) {
    filters.push_back(filter);
    filters.back().member = member;
  }
  return filters;
}

}  // namespace fulcrum::surface
