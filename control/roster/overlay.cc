#include "control/roster/overlay.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace fulcrum::roster {
namespace {

using nlohmann::json;
using std::chrono::system_clock;

constexpr std::array<std::pair<std::string_view, model::AdminState>, 3> kWords{
    {{"enabled", model::AdminState::enabled},
     {"drain", model::AdminState::drain},
     {"maintenance", model::AdminState::maintenance}}};

template <class Value>
json to_json(const Said& said, Value value) {
  json one{{"value", value}, {"who", said.who}, {"since", system_clock::to_time_t(said.since)}};
  one["until"] = said.until ? json(system_clock::to_time_t(*said.until)) : json();
  return one;
}

bool is_time(const json& one, const char* key) { return one.contains(key) && one[key].is_number_integer(); }

// False: not as to_json() makes it.
bool read_said(const json& one, Said& said) {
  if (!one.is_object() || !one.contains("who") || !one["who"].is_string() || !is_time(one, "since")) return false;
  said.who = one["who"].get<std::string>();
  said.since = system_clock::from_time_t(one["since"].get<std::time_t>());
  if (is_time(one, "until")) said.until = system_clock::from_time_t(one["until"].get<std::time_t>());
  return is_time(one, "until") || (one.contains("until") && one["until"].is_null());
}

bool read_verbs(const json& row, ServerVerbs& verbs) {
  if (row.contains("state")) {
    ServerVerbs::State state;
    if (!read_said(row["state"], state) || !row["state"].value("value", json()).is_string()) return false;
    const auto value = admin_state(row["state"]["value"].get<std::string>());
    if (!value) return false;
    state.value = *value;
    verbs.state = state;
  }
  if (row.contains("weight")) {
    ServerVerbs::Weight weight;
    if (!read_said(row["weight"], weight) || !row["weight"].value("value", json()).is_number_unsigned()) return false;
    const auto value = row["weight"]["value"].get<std::uint64_t>();
    if (value > 100) return false;
    weight.value = static_cast<std::uint16_t>(value);
    verbs.weight = weight;
  }
  return verbs.state || verbs.weight;
}

template <class Is>
const model::Farm* find_farm(const model::Model& model, Is is) {
  const auto found = std::find_if(model.farms.begin(), model.farms.end(), is);
  return found == model.farms.end() ? nullptr : &*found;
}

template <class Is>
const model::Server* find_server(const model::Farm& farm, Is is) {
  const auto found = std::find_if(farm.servers.begin(), farm.servers.end(), is);
  return found == farm.servers.end() ? nullptr : &*found;
}

const model::Farm* farm_called(const model::Model& model, const std::string& name) {
  return find_farm(model, [&](const model::Farm& farm) { return farm.name == name; });
}

const model::Server* server_called(const model::Farm& farm, const std::string& name) {
  return find_server(farm, [&](const model::Server& server) { return server.name == name; });
}

const model::Server* find_server(const model::Model& model, const Overlay::Name& name) {
  const model::Farm* farm = farm_called(model, name.first);
  return farm == nullptr ? nullptr : server_called(*farm, name.second);
}

template <class List>
bool share(const List& ours, const List& theirs) {
  return std::any_of(ours.begin(), ours.end(),
                     [&](const auto& value) { return std::find(theirs.begin(), theirs.end(), value) != theirs.end(); });
}

bool serve_the_same(const model::Farm& one, const model::Farm& other) {
  return share(one.addresses, other.addresses) && share(one.ports, other.ports);
}

// The farm as it is after a change, by the rule of compile.h; null: it is gone.
const model::Farm* farm_after(const model::Farm& farm, const model::Model& after) {
  const model::Farm* named = farm_called(after, farm.name);
  if (named != nullptr && serve_the_same(farm, *named)) return named;
  if (const auto* same = find_farm(after, [&](const auto& one) { return serve_the_same(one, farm); })) return same;
  if (named != nullptr) return named;
  return find_farm(after, [&](const model::Farm& one) { return share(one.addresses, farm.addresses); });
}

bool is_over(const std::optional<Said::Time>& until, Said::Time now) { return until && *until <= now; }

}  // namespace

Overlay::Name name_after(const Overlay::Name& name, const model::Model& before, const model::Model& after) {
  const model::Farm* farm = farm_called(before, name.first);
  const model::Server* server = farm == nullptr ? nullptr : server_called(*farm, name.second);
  if (server == nullptr) return name;
  const model::Farm* now = farm_after(*farm, after);
  if (now == nullptr) return name;
  const auto* found = find_server(*now, [&](const model::Server& one) { return one.addresses == server->addresses; });
  return {now->name, found == nullptr ? name.second : found->name};
}

void Overlay::set_state(const std::string& farm, const model::Server& configured, const ServerVerbs::State& state) {
  const Name name{farm, configured.name};
  ServerVerbs& verbs = verbs_[name];
  verbs.state = state.value == configured.state && !state.until ? std::nullopt : std::optional{state};
  const bool enables = state.value == model::AdminState::enabled;
  if (enables && verbs.weight && verbs.weight->value == 0) verbs.weight.reset();
  tidy(name);
}

void Overlay::set_weight(const std::string& farm, const model::Server& configured, const ServerVerbs::Weight& weight) {
  const Name name{farm, configured.name};
  const bool is_configured = weight.value == configured.weight && !weight.until;
  verbs_[name].weight = is_configured ? std::nullopt : std::optional{weight};
  tidy(name);
}

void Overlay::tidy(const Name& name) {
  const auto found = verbs_.find(name);
  if (found != verbs_.end() && !found->second.state && !found->second.weight) verbs_.erase(found);
}

bool Overlay::follow(const model::Model& before, const model::Model& after) {
  std::map<Name, ServerVerbs> followed;
  for (const auto& [name, verbs] : verbs_) followed.try_emplace(name_after(name, before, after), verbs);
  const bool changed = followed != verbs_;
  verbs_ = std::move(followed);
  return changed;
}

std::vector<Overlay::Ended> Overlay::forget(Time now, const model::Model& model, bool stays) {
  std::vector<Ended> ended;
  for (auto one = verbs_.begin(); one != verbs_.end();) {
    auto& [name, verbs] = *one;
    const bool is_there = find_server(model, name) != nullptr;
    const bool is_gone = stays && !is_there;
    if (verbs.state && (is_gone || is_over(verbs.state->until, now))) {
      ended.push_back({name, std::string{word(verbs.state->value)}, *verbs.state, is_there});
      verbs.state.reset();
    }
    if (verbs.weight && (is_gone || is_over(verbs.weight->until, now))) {
      ended.push_back({name, fmt::format("weight {}", verbs.weight->value), *verbs.weight, is_there});
      verbs.weight.reset();
    }
    one = verbs.state || verbs.weight ? std::next(one) : verbs_.erase(one);
  }
  return ended;
}

std::shared_ptr<const model::Model> Overlay::over(const std::shared_ptr<const model::Model>& model) const {
  if (verbs_.empty()) return model;
  auto changed = std::make_shared<model::Model>(*model);
  for (model::Farm& farm : changed->farms) {
    for (model::Server& server : farm.servers) {
      const ServerVerbs* verbs = find(farm.name, server.name);
      if (verbs == nullptr) continue;
      if (verbs->state) server.state = verbs->state->value;
      if (verbs->weight) server.weight = verbs->weight->value;
    }
  }
  return changed;
}

const ServerVerbs* Overlay::find(const std::string& farm, const std::string& server) const {
  const auto found = verbs_.find({farm, server});
  return found == verbs_.end() ? nullptr : &found->second;
}

std::optional<Overlay::Time> Overlay::next_end() const {
  std::optional<Time> next;
  const auto look = [&](const std::optional<Time>& until) {
    if (until && (!next || *until < *next)) next = until;
  };
  for (const auto& [name, verbs] : verbs_) {
    if (verbs.state) look(verbs.state->until);
    if (verbs.weight) look(verbs.weight->until);
  }
  return next;
}

std::string Overlay::text() const {
  json rows = json::array();
  for (const auto& [name, verbs] : verbs_) {
    json row{{"farm", name.first}, {"server", name.second}};
    if (verbs.state) row["state"] = to_json(*verbs.state, word(verbs.state->value));
    if (verbs.weight) row["weight"] = to_json(*verbs.weight, verbs.weight->value);
    rows.push_back(std::move(row));
  }
  return json{{"version", 1}, {"servers", rows}}.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Overlay> Overlay::parse(const std::string& text) {
  const auto refuse = [](const std::string& reason) { return fail(Error::Code::invalid, "operator verbs", reason); };
  const json all = json::parse(text, nullptr, false);
  if (!all.is_object() || all.value("version", json()) != json(1) || !all.value("servers", json()).is_array()) {
    return refuse("the file is not one that this program wrote");
  }
  Overlay overlay;
  for (const json& row : all["servers"]) {
    const bool is_named =
        row.is_object() && row.value("farm", json()).is_string() && row.value("server", json()).is_string();
    ServerVerbs verbs;
    if (!is_named || !read_verbs(row, verbs)) return refuse("a server in the file is not as this program writes it");
    overlay.verbs_[{row["farm"].get<std::string>(), row["server"].get<std::string>()}] = std::move(verbs);
  }
  return overlay;
}

std::string_view word(model::AdminState state) { return kWords[static_cast<std::size_t>(state)].first; }

std::optional<model::AdminState> admin_state(std::string_view word) {
  for (const auto& [name, state] : kWords) {
    if (name == word) return state;
  }
  return std::nullopt;
}

}  // namespace fulcrum::roster
