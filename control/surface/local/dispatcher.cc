#include "control/surface/local/dispatcher.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "control/surface/local/answers.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

// Names come from files and people: what is no UTF-8 must not stop an answer.
void send(const std::shared_ptr<LineServer::Reply>& reply, const json& answer) {
  reply->send(answer.dump(-1, ' ', false, json::error_handler_t::replace));
}

// A whole number of the question, or nothing when it is anything else.
std::optional<std::uint64_t> number(const json& question, const char* key, std::uint64_t otherwise) {
  const auto found = question.find(key);
  if (found == question.end()) return otherwise;
  if (!found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<std::string> text(const json& question, const char* key) {
  const auto found = question.find(key);
  if (found == question.end()) return std::string{};
  if (!found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// What is wrong with the question's keys, in words; empty: nothing.
std::string unknown_key(const json& question, const std::set<std::string>& known) {
  for (const auto& [key, value] : question.items()) {
    if (known.count(key) == 0) return "unknown key \"" + key + "\"";
  }
  return {};
}

bool has_server(const model::Model& model, const ConnectionQuery& query) {
  return std::any_of(model.farms.begin(), model.farms.end(), [&](const model::Farm& farm) {
    return (query.farm.empty() || farm.name == query.farm) &&
           std::any_of(farm.servers.begin(), farm.servers.end(),
                       [&](const model::Server& server) { return server.name == query.server; });
  });
}

Result<ConnectionQuery> read_query(const json& question, const model::Model& model) {
  const auto offset = number(question, "offset", 0);
  const auto limit = number(question, "limit", ConnectionQuery{}.limit);
  const auto farm = text(question, "farm");
  const auto server = text(question, "server");
  if (!offset || !farm || !server || !limit || *limit < 1 || *limit > ConnectionQuery::limit_max) {
    return fail(Error::Code::invalid, "",
                "\"limit\" is a number from 1 to " + std::to_string(ConnectionQuery::limit_max) +
                    ", \"offset\" a number, \"farm\" and \"server\" are names");
  }
  ConnectionQuery query{.offset = *offset, .limit = *limit, .farm = *farm, .server = *server};
  const bool farm_known = query.farm.empty() || std::any_of(model.farms.begin(), model.farms.end(),
                                                            [&](const auto& f) { return f.name == query.farm; });
  if (!farm_known) return fail(Error::Code::not_found, "", "there is no farm \"" + query.farm + "\"");
  if (!query.server.empty() && !has_server(model, query)) {
    return fail(Error::Code::not_found, "", "there is no server \"" + query.server + "\"");
  }
  return query;
}

}  // namespace

json Dispatcher::show(const std::string& what) const {
  const View view = look_();
  if (what == "farms") return show_farms(view);
  if (what == "servers") return show_servers(view);
  if (what == "drops") return show_drops(view);
  if (what == "version") return show_version(view);
  return error_answer("invalid",
                      "nothing to show called \"" + what + "\": ask for farms, servers, connections, drops or version");
}

void Dispatcher::answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply) {
  const json question = json::parse(line, nullptr, false);
  if (!question.is_object() || !question.contains("show") || !question["show"].is_string()) {
    return send(reply, error_answer("invalid", "a request is one line of JSON like {\"show\": \"farms\"}"));
  }
  const auto what = question["show"].get<std::string>();
  const bool is_walk = what == "connections";
  const auto known =
      is_walk ? std::set<std::string>{"show", "offset", "limit", "farm", "server"} : std::set<std::string>{"show"};
  if (const std::string wrong = unknown_key(question, known); !wrong.empty()) {
    return send(reply, error_answer("invalid", wrong));
  }
  if (!is_walk) return send(reply, show(what));
  const auto query = read_query(question, look_().model);
  if (!query) {
    return send(reply, error_answer(query.error().code == Error::Code::not_found ? "not_found" : "invalid",
                                    query.error().text));
  }
  walk(std::make_shared<ConnectionWalk>(*query), reply);
}

void Dispatcher::walk(const std::shared_ptr<ConnectionWalk>& walk_on, const std::shared_ptr<LineServer::Reply>& reply) {
  if (!reply->is_wanted()) return;
  const View view = look_();
  if (walk_on->turn(view)) return send(reply, walk_on->answer(view));
  boost::asio::post(loop_, [this, walk_on, reply] { walk(walk_on, reply); });
}

}  // namespace fulcrum::surface
