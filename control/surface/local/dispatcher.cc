#include "control/surface/local/dispatcher.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

#include "control/document/json.h"
#include "control/surface/local/answers.h"
#include "control/surface/local/rates.h"
#include "dataplane/base/clock.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

constexpr std::string_view kApiLine = R"({"api":)";
constexpr std::size_t kQuestionMax = 4096;  // of the first kind

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

json refusal(const Error& error) {
  return error_answer(code_of(error), error.path.empty() ? error.text : error.path + " " + error.text);
}

// What a question does to the box, in the words that the API has for it; "action" is empty when that is nothing.
audit::Record deed_of(const json& question) {
  constexpr std::array<std::pair<std::string_view, const char*>, 6> kDeeds{{{"commit", "commit-candidate"},
                                                                            {"schedule", "schedule-candidate"},
                                                                            {"discard", "discard-candidate"},
                                                                            {"rollback", "rollback"},
                                                                            {"revert", "revert"},
                                                                            {"confirm", "confirm"}}};
  audit::Record deed;
  if (asks(question, "clear")) {
    deed.action = "clear-" + question["clear"].get<std::string>();
    deed.object = question.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  if (!asks(question, "config")) return deed;
  for (const auto& [verb, action] : kDeeds) {
    if (question["config"].get<std::string>() == verb) deed.action = action;
  }
  deed.object = asks(question, "candidate") ? "candidate " + question["candidate"].get<std::string>() : "configuration";
  return deed;
}

// What came of it.
void add_outcome(audit::Record& deed, const json& answer) {
  if (const auto error = answer.find("error"); error != answer.end()) {
    deed.result = "refused (" + error->value("code", "") + ")";
    deed.note = error->value("text", "");
    return;
  }
  deed.result = "done";
  if (const auto count = answer.find("cleared"); count != answer.end()) deed.note = count->dump() + " ended";
  if (const auto at = answer.find("commit_at"); at != answer.end() && at->is_string()) {
    deed.note = "to be committed at " + at->get<std::string>();
  }
  const auto revision = answer.find("revision");
  if (revision == answer.end() || !revision->is_object()) return;
  deed.object += fmt::format(" (revision {})", revision->value("revision", std::uint64_t{0}));
  for (const json& words : revision->value("words", json::array())) {
    deed.note += (deed.note.empty() ? "" : "; ") + words.get<std::string>();
  }
}

}  // namespace

Dispatcher::Done Dispatcher::recorded(const json& question, const std::string& who, Done done) const {
  audit::Record deed = deed_of(question);
  if (deed.action.empty() || !record_) return done;
  deed.who = who;
  deed.face = "console";
  deed.source = "local";
  return [record = record_, deed = std::move(deed), done = std::move(done)](json answer) mutable {
    add_outcome(deed, answer);
    record(std::move(deed), [done, answer = std::move(answer)] { done(answer); });
  };
}

json Dispatcher::show(const std::string& what) const {
  const View view = look_();
  if (what == "farms") return show_farms(view);
  if (what == "servers") return show_servers(view);
  if (what == "drops") return show_drops(view);
  if (what == "version") return show_version(view);
  return error_answer(
      "invalid", "nothing to show called \"" + what +
                     "\": ask for farms, servers, health, connections, persistence, drops, rates, events or version");
}

void Dispatcher::answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply) {
  if (line.starts_with(kApiLine)) {
    return forward_(line, reply->peer(), [this, reply](std::string answer) {
      boost::asio::post(loop_, [reply, answer = std::move(answer)]() mutable { reply->send(std::move(answer)); });
    });
  }
  const auto parsed = document::parse_json(line);
  const bool is_long = line.size() > kQuestionMax && !(parsed && parsed->contains("config"));
  json question = parsed && !is_long ? *parsed : json{};
  if (asks(question, "verb")) {
    return send(reply, error_answer("invalid",
                                    "verbs go by the API: {\"api\": {\"method\": \"POST\", \"path\": "
                                    "\"/api/v1/farms/F/servers/S/verbs\", \"body\": {\"verb\": ...}}}"));
  }
  if (question.is_object() && question.contains("test")) {
    return send(reply, error_answer("invalid",
                                    "tests go by the API: {\"api\": {\"method\": \"POST\", \"path\": "
                                    "\"/api/v1/test\", \"body\": {\"farm\": ...}}}"));
  }
  const std::string who = reply->peer().name(asks(question, "who") ? question["who"].get<std::string>() : "");
  if (question.is_object()) question.erase("who");
  if (asks(question, "config")) question["who"] = who;
  const Done done = recorded(question, who, [reply](json answer) {
    answer.erase("cost_ns");
    send(reply, answer);
  });
  ask(question, done, [reply] { return reply->is_wanted(); });
}

void Dispatcher::ask(const json& question, const std::function<void(json)>& done, const std::function<bool()>& wanted) {
  if (desk_ != nullptr && question.is_object() && question.contains("config")) return desk_->answer(question, done);
  if (question.is_object() && question.contains("explain")) return explain(question, done);
  if (asks(question, "clear")) return clear(question, done);
  if (asks(question, "verb") && operate_) return operate(question, done);
  if (test_ && question.is_object() && question.contains("test")) return test(question["test"], done);
  if (!asks(question, "show")) {
    return done(error_answer("invalid", "a request is one line of JSON like {\"show\": \"farms\"}"));
  }
  const auto what = question["show"].get<std::string>();
  if (what == "connections" || what == "persistence") {
    const auto query = read_entry_query(question, "show", look_().model);
    if (!query) return done(refusal(query.error()));
    return walk(std::make_shared<EntryWalk>(*query), done, wanted);
  }
  if (what == "rates") return rates(question, done);
  if (what == "events") {
    const auto events = show_events(question, look_());
    return done(events ? *events : refusal(events.error()));
  }
  if (what == "health") {
    const std::chrono::nanoseconds start = monotonic_now();
    auto health = show_health(question, look_());
    if (!health) return done(refusal(health.error()));
    (*health)["cost_ns"] = (monotonic_now() - start).count();
    return done(std::move(*health));
  }
  if (question.size() > 1) return done(error_answer("invalid", "`show " + what + "` takes nothing else"));
  const std::chrono::nanoseconds start = monotonic_now();
  json answer = show(what);
  answer["cost_ns"] = (monotonic_now() - start).count();
  done(std::move(answer));
}

void Dispatcher::walk(const std::shared_ptr<EntryWalk>& walk_on, const Done& done,
                      const std::function<bool()>& wanted) {
  if (!wanted()) return;
  const View view = look_();
  if (walk_on->turn(view)) return done(walk_on->answer(view));
  boost::asio::post(loop_, [this, walk_on, done, wanted] { walk(walk_on, done, wanted); });
}

void Dispatcher::explain(const json& question, const Done& done) {
  const auto request = read_explain(question, look_());
  if (!request) return done(refusal(request.error()));
  explain_(*request,
           [this, request = *request, done](const ExplainQuestion& asked, const Result<const ExplainAnswer*>& answer) {
             if (!answer) return done(refusal(answer.error()));
             const View view = look_();
             done(explain_answer(view, request, asked, **answer, view.region->snapshot(asked.slot % kSnapshotSlots)));
           });
}

void Dispatcher::test(const json& question, const Done& done) {
  const auto places = read_trial(question, look_());
  if (!places) return done(refusal(places.error()));
  std::vector<Trial> trials;
  for (const TrialPlace& place : *places) trials.push_back(place.trial);
  test_(trials, [this, places = *places, done](const Result<std::vector<Observation>>& seen) {
    done(seen ? trial_answer(look_(), places, *seen) : refusal(seen.error()));
  });
}

void Dispatcher::rates(const json& question, const Done& done) {
  using std::chrono::system_clock;
  const auto request = read_rates(question, system_clock::to_time_t(system_clock::now()));
  if (!request) return done(refusal(request.error()));
  if (!request->past) return done(show_rates(look_(), request->kind));
  past_rates_(*request->past,
              [this, query = *request->past, done](const Result<std::vector<telemetry::HistoryPoint>>& points) {
                done(points ? surface::past_rates(look_(), query, *points) : refusal(points.error()));
              });
}

void Dispatcher::operate(const json& question, const Done& done) {
  const auto request = read_verb(question, look_().model);
  if (!request) return done(refusal(request.error()));
  operate_(*request, [this, done](const Result<VerbDone>& did) {
    if (!did) return done(refusal(did.error()));
    json answer{{"dataplane", dataplane_part(look_())}, {"done", did->text}};
    answer["waiting_for"] = did->waiting_for.empty() ? json() : json(did->waiting_for);
    done(std::move(answer));
  });
}

void Dispatcher::clear(const json& question, const Done& done) {
  const auto what = question["clear"].get<std::string>();
  if (what != "connections" && what != "persistence") {
    return done(error_answer("invalid", "nothing to clear called \"" + what + "\": say connections or persistence"));
  }
  const View view = look_();
  const auto query = read_entry_query(question, "clear", view.model);
  if (!query) return done(refusal(query.error()));
  if (query->is_narrow() == query->everything) {
    return done(error_answer("invalid", query->everything ? "say either which ones or \"all\", not both"
                                                          : "this would end all of them: say which ones, or "
                                                            "\"all\""));
  }
  if (view.region == nullptr || view.snapshot == nullptr || !view.dataplane_alive) {
    return done(error_answer("failed", "the dataplane is not running: nothing was cleared"));
  }
  clear_(query->table, filters_of(*query, *view.snapshot), [this, what, done](const Result<std::uint64_t>& cleared) {
    if (!cleared) return done(refusal(cleared.error()));
    done(json{{"dataplane", dataplane_part(look_())}, {"table", what}, {"cleared", *cleared}});
  });
}

}  // namespace fulcrum::surface
