#include "control/surface/local/dispatcher.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <utility>

#include "control/surface/local/answers.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

// Names come from files and people: what is no UTF-8 must not stop an answer.
void send(const std::shared_ptr<LineServer::Reply>& reply, const json& answer) {
  reply->send(answer.dump(-1, ' ', false, json::error_handler_t::replace));
}

bool asks(const json& question, const char* verb) {
  return question.is_object() && question.contains(verb) && question[verb].is_string();
}

std::string_view code_of(const Error& error) {
  switch (error.code) {
    case Error::Code::invalid:
      return "invalid";
    case Error::Code::not_found:
      return "not_found";
    default:
      return "failed";
  }
}

json refusal(const Error& error) { return error_answer(code_of(error), error.text); }

}  // namespace

json Dispatcher::show(const std::string& what) const {
  const View view = look_();
  if (what == "farms") return show_farms(view);
  if (what == "servers") return show_servers(view);
  if (what == "drops") return show_drops(view);
  if (what == "version") return show_version(view);
  return error_answer("invalid", "nothing to show called \"" + what +
                                     "\": ask for farms, servers, connections, persistence, drops or version");
}

void Dispatcher::answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply) {
  const json question = json::parse(line, nullptr, false);
  if (asks(question, "clear")) return clear(question, reply);
  if (!asks(question, "show")) {
    return send(reply, error_answer("invalid", "a request is one line of JSON like {\"show\": \"farms\"}"));
  }
  const auto what = question["show"].get<std::string>();
  if (what == "connections" || what == "persistence") {
    const auto query = read_entry_query(question, "show", look_().model);
    if (!query) return send(reply, refusal(query.error()));
    return walk(std::make_shared<EntryWalk>(*query), reply);
  }
  if (question.size() > 1) return send(reply, error_answer("invalid", "`show " + what + "` takes nothing else"));
  send(reply, show(what));
}

void Dispatcher::walk(const std::shared_ptr<EntryWalk>& walk_on, const std::shared_ptr<LineServer::Reply>& reply) {
  if (!reply->is_wanted()) return;
  const View view = look_();
  if (walk_on->turn(view)) return send(reply, walk_on->answer(view));
  boost::asio::post(loop_, [this, walk_on, reply] { walk(walk_on, reply); });
}

void Dispatcher::clear(const json& question, const std::shared_ptr<LineServer::Reply>& reply) {
  const auto what = question["clear"].get<std::string>();
  if (what != "connections" && what != "persistence") {
    return send(reply,
                error_answer("invalid", "nothing to clear called \"" + what + "\": say connections or persistence"));
  }
  const View view = look_();
  const auto query = read_entry_query(question, "clear", view.model);
  if (!query) return send(reply, refusal(query.error()));
  if (query->is_narrow() == query->everything) {
    return send(reply, error_answer("invalid", query->everything ? "say either which ones or \"all\", not both"
                                                                 : "this would end all of them: say which ones, or "
                                                                   "\"all\" (--all)"));
  }
  if (view.region == nullptr || view.snapshot == nullptr || !view.dataplane_alive) {
    return send(reply, error_answer("failed", "the dataplane is not running: nothing was cleared"));
  }
  clear_(query->table, filters_of(*query, *view.snapshot), [this, what, reply](const Result<std::uint64_t>& cleared) {
    if (!cleared) return send(reply, refusal(cleared.error()));
    send(reply, {{"dataplane", dataplane_part(look_())}, {"table", what}, {"cleared", *cleared}});
  });
}

}  // namespace fulcrum::surface
