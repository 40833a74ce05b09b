#include "control/surface/api/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/surface/api/alarms.h"
#include "control/surface/api/events.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Identity;
using https::Method;
using https::Request;
using nlohmann::json;

constexpr std::string_view kBearer = "bearer ";

bool changes_something(Method method) {
  return method != Method::get && method != Method::head && method != Method::options;
}

// What stands behind the scheme's name, which is of either case (RFC 9110 11.1, RFC 6750 2.1); nothing: another scheme.
std::optional<std::string> bearer_of(const std::string& authorization) {
  if (authorization.size() < kBearer.size()) return std::nullopt;
  for (std::size_t i = 0; i < kBearer.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kBearer[i]) return std::nullopt;
  }
  return authorization.substr(kBearer.size());
}

// The value of our cookie; empty: none.
std::string cookie_of(const Request& request) {
  std::string_view rest = request.header("cookie");
  const std::string wanted = std::string{Api::cookie_name} + "=";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (one.starts_with(wanted)) return std::string{one.substr(wanted.size())};
  }
  return {};
}

// RFC 9110 8.3: parameters (charset) do not matter.
bool is_json(const Request& request) {
  std::string type = request.header("content-type");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return type == "application/json" || (request.method == Method::patch && type == "application/merge-patch+json");
}

// A page of another site may make a browser send a request, but the browser says where it comes from.
bool is_foreign(const Request& request) {
  const std::string& site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const std::string& origin = request.header("origin");
  return !origin.empty() && origin != "https://" + request.header("host");
}

Answer log_in_first() {
  Answer answer = problem(401, "log in (POST /api/v1/session) or bring a token (Authorization: Bearer ...)");
  answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fulcrum\"");
  return answer;
}

class ConsoleReply final : public https::Reply {
 public:
  void send(https::Response /*response*/) override {}
  std::shared_ptr<https::Stream> stream(https::Response /*head*/) override { return nullptr; }
  [[nodiscard]] bool is_wanted() const override { return true; }
};

ShowCache::Ask ask_through(const Plane& plane) {
  return [ask = plane.ask](const std::string& what, auto done) {
    ask({{"show", what}}, [done](json answer) {
      const auto cost = std::chrono::nanoseconds{answer.value("cost_ns", std::int64_t{0})};
      answer.erase("cost_ns");
      done(std::make_shared<const json>(std::move(answer)), cost);
    });
  };
}

}  // namespace

Api::Api(access::Access& access, Auditor& auditor, Plane plane, Current current)
    : access_{access},
      auditor_{auditor},
      plane_{std::move(plane)},
      current_{std::move(current)},
      shows_{ask_through(plane_), access.clock().steady},
      turns_{access.clock().steady, plane_.later},
      writes_{access.clock().steady, plane_.later, 0},
      events_{std::make_unique<Events>([this](const std::string& topic, const ShowCache::Done& done) {
        if (topic == "alarms") return ask_alarms(*this, done);
        shows_.get(topic, done);
      })} {
  add_session_routes(*this);
  add_access_routes(*this);
  add_audit_routes(*this);
  add_status_routes(*this);
  add_question_routes(*this);
  add_trial_routes(*this);
  add_configuration_routes(*this);
  add_revision_routes(*this);
  add_page_routes(*this);
}

Api::~Api() = default;

void Api::tick() {
  events_->tick();
  if (!auditor_.problem().empty()) auditor_.try_again();
}

bool Api::is_allowed(const Address& source) const {
  if (allowed_hosts_.empty() || rescue_left() > std::chrono::seconds{0}) return true;
  return std::any_of(allowed_hosts_.begin(), allowed_hosts_.end(),
                     [&](const Prefix& host) { return host.contains(source); });
}

void Api::begin_rescue() {
  rescued_until_ = access_.clock().steady() + rescue_time;
  access_.forgive({});
}

std::chrono::seconds Api::rescue_left() const {
  if (!rescued_until_) return std::chrono::seconds{0};
  return std::max(std::chrono::seconds{0},
                  std::chrono::ceil<std::chrono::seconds>(*rescued_until_ - access_.clock().steady()));
}

https::Admission Api::admit(const Request& head) {
  const bool is_known = identify(head).who.has_value();
  return {.body_max = is_known ? body_max_known : body_max_unknown, .is_known = is_known};
}

Api::Caller Api::identify(const Request& request) {
  Caller caller;
  const std::string& authorization = request.header("authorization");
  if (!authorization.empty()) {
    if (const auto token = bearer_of(authorization)) caller.who = access_.by_token(*token, request.source);
    return caller;
  }
  caller.secret = cookie_of(request);
  if (caller.secret.empty()) return caller;
  caller.by_cookie = true;
  // What a page does by itself must not keep a forgotten session alive.
  const bool quiet = request.target.starts_with("/api/v1/events");
  caller.who = access_.by_session(caller.secret, request.source, quiet);
  return caller;
}

void Api::handle(Request request, std::shared_ptr<https::Reply> reply) {
  const Caller caller = identify(request);
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->reply = reply;
  call->send = [reply](https::Response response) { reply->send(std::move(response)); };
  call->answer = [reply](const Answer& answer) { reply->send(response_of(answer)); };
  dispatch(call, caller);
}

void Api::handle_console(Request request, std::string who, std::function<void(https::Response)> done) {
  Caller caller;
  caller.who = access::console(std::move(who));
  request.source = caller.who->source;
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->reply = std::make_shared<ConsoleReply>();
  call->send = done;
  call->answer = [done](const Answer& answer) { done(response_of(answer)); };
  dispatch(call, caller);
}

void Api::answer_later(const std::shared_ptr<Call>& call, std::function<Answer()> make) {
  in_turn(writes_, call, [this, call, make = std::move(make)](std::function<void()> leave) {
    if (!call->reply->is_wanted()) return leave();
    plane_.write([make] { return response_of(make()); },
                 [call, leave = std::move(leave)](https::Response response) {
                   leave();
                   call->send(std::move(response));
                 });
  });
}

void Api::in_turn(Turns& turns, const std::shared_ptr<Call>& call, Turns::Task task) {
  if (turns.take(call->who.name, std::move(task))) return;
  Answer answer =
      problem(429, fmt::format("{} of your questions wait already: take their answers first", Turns::waiting_max));
  answer.headers.emplace_back("Retry-After", "1");
  call->answer(answer);
}

void Api::ask_in_turn(const std::shared_ptr<Call>& call, json question, std::function<void(json)> done) {
  in_turn(turns_, call, [this, question = std::move(question), done = std::move(done)](std::function<void()> leave) {
    plane_.ask(question, [leave = std::move(leave), done](json said) {
      leave();
      done(std::move(said));
    });
  });
}

void Api::look_in_turn(const std::shared_ptr<Call>& call, std::function<void(store::Configuration&)> job,
                       std::function<void()> done) {
  in_turn(turns_, call, [this, job = std::move(job), done = std::move(done)](std::function<void()> leave) {
    plane_.job(job, [leave = std::move(leave), done] {
      leave();
      done();
    });
  });
}

void Api::dispatch(const std::shared_ptr<Call>& call, const Caller& caller) {
  const std::string& target = call->request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string path = target.substr(0, question);
  if (path.empty() || path.front() != '/') return call->answer(problem(400, "the target is no path"));
  Match match = router_.find(call->request.method, path);
  if (match.route == nullptr && match.allowed.empty()) return call->answer(problem(404, "there is no " + path));
  if (match.route == nullptr) {
    Answer answer = problem(405, fmt::format("{} knows {}", path, match.allowed));
    answer.headers.emplace_back("Allow", match.allowed);
    return call->answer(answer);
  }
  const Route& route = *match.route;
  call->parameters = std::move(match.parameters);
  if (caller.who) call->who = *caller.who;
  call->secret = caller.secret;
  // From here on whatever comes of an attempt to change something is on record.
  if (changes_something(route.method) && route.permission && caller.who) {
    call->answer = [this, &route, call = std::weak_ptr{call}, send = call->answer](const Answer& answer) {
      if (const auto alive = call.lock()) finish(route, alive, answer, send);
    };
  }
  if (auto wrong = objection(route, *call, caller)) return call->answer(*wrong);
  if (auto wrong = read_input(route, *call, target.substr(std::min(question + 1, target.size())))) {
    return call->answer(*wrong);
  }
  route.run(call);
}

std::optional<Answer> Api::objection(const Route& route, const Call& call, const Caller& caller) {
  const bool changes = changes_something(route.method);
  if (changes && call.who.face != access::Face::console && is_foreign(call.request)) {
    return problem(403, "the request comes from a page of another site");
  }
  if (!route.permission) return std::nullopt;
  if (!caller.who) return log_in_first();
  if (changes && caller.by_cookie && !access_.csrf_matches(caller.secret, call.request.header("x-csrf-token"))) {
    return problem(403, "with a session, changes need its CSRF token in the header X-CSRF-Token (GET /api/v1/session)");
  }
  if (!allows(call.who, *route.permission)) {
    return problem(403, fmt::format("the role {} may not: this takes the permission {}", access::word(call.who.role),
                                    access::word(*route.permission)));
  }
  if (changes && !auditor_.problem().empty() && call.who.face != access::Face::console) {
    return problem(503, "nothing is changed while the audit log cannot be written: " + auditor_.problem());
  }
  return std::nullopt;
}

std::optional<Answer> Api::read_input(const Route& route, Call& call, const std::string& query) {
  auto parsed = parse_query(query);
  if (!parsed) return problem(400, "the query cannot be read");
  call.query = std::move(*parsed);
  if (const auto faults = check_query(route, call.query); !faults.empty()) {
    return problem(400, "the query is wrong", faults);
  }
  if (route.body.is_null()) {
    if (!call.request.body.empty()) return problem(400, "this operation takes no body");
    return std::nullopt;
  }
  if (!is_json(call.request)) return problem(415, "the body must be application/json");
  auto body = parse_body(call.request.body);
  if (!body && body.error().path.empty()) return problem(400, body.error().text);
  if (!body) return problem(400, body.error().words(), {{body.error().path, body.error().text}});
  call.body = std::move(*body);
  if (!route.checks_body) return std::nullopt;
  if (const auto faults = check(route.body, call.body); !faults.empty()) {
    return problem(422, "the body is not as this operation needs it", faults);
  }
  return std::nullopt;
}

void Api::finish(const Route& route, const std::shared_ptr<Call>& call, const Answer& answer,
                 const std::function<void(Answer)>& send) {
  audit::Record record = record_of(call->who);
  record.action = route.id;
  record.object = call->object.empty() ? call->request.target : call->object;
  record.result = answer.status < 400 ? "done" : fmt::format("refused ({})", answer.status);
  record.note = call->note.empty() ? problem_words(answer) : call->note;
  auditor_.record(std::move(record), [call, answer, send] { send(answer); });
}

}  // namespace fulcrum::api
