// The application behind the HTTPS server and behind the local socket: one table of operations, one way in.
//
//   request -> operation -> who asks -> may they -> is the input right -> the operation -> audit record -> answer
//
// From the network a request brings a token (Authorization: Bearer) or a session's cookie; with a cookie, whatever
// changes something must also bring the session's CSRF secret. From the local socket it comes with a
// name (access/peer.h), and is the console.
//
// One thread, the API's. What needs the control loop goes there through Plane and comes back later.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/access/access.h"
#include "control/document/document.h"
#include "control/store/configuration.h"
#include "control/surface/api/auditor.h"
#include "control/surface/api/router.h"
#include "control/surface/api/show_cache.h"
#include "control/surface/api/turns.h"
#include "dataplane/base/address.h"

namespace fulcrum::api {

// What the API asks of the rest of the control plane.
struct Plane {
  // A question of the local socket ({"show": "connections", ...}); `done` on the API's thread.
  std::function<void(nlohmann::json question, std::function<void(nlohmann::json)> done)> ask;
  // Runs `job` with the store on the control loop, then `done` on the API's thread.
  std::function<void(std::function<void(store::Configuration&)> job, std::function<void()> done)> job;
  // Runs `make` on a thread of its own, below the API's, then `done` on the API's thread.
  std::function<void(std::function<https::Response()> make, std::function<void(https::Response)> done)> write;
  // Calls back on the API's thread after that time.
  Turns::Later later;
  // How the HTTPS server stands: addresses, certificate, problems.
  std::function<Json()> management;
};

// What is in force: the API's thread has its own copy, which costs nothing (document.h).
struct Current {
  document::Document document;
  std::uint64_t revision = 0;
};

class Events;

class Api {
 public:
  static constexpr std::size_t body_max_unknown = 4096;     // of who has not logged in
  static constexpr std::size_t body_max_known = 4U << 20U;  // a configuration of 4,000 servers takes half of it
  static constexpr const char* cookie_name = "__Host-fulcrum";
  static constexpr std::chrono::minutes rescue_time{30};

  Api(access::Access& access, Auditor& auditor, Plane plane, Current current);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // From the network.
  void handle(https::Request request, std::shared_ptr<https::Reply> reply);
  [[nodiscard]] https::Admission admit(const https::Request& head);
  [[nodiscard]] bool is_allowed(const Address& source) const;
  // From the local socket, where `who` may do everything.
  void handle_console(https::Request request, std::string who, std::function<void(https::Response)> done);

  // Answers with what `make` says, which is asked on the thread that writes large answers, when the caller's turn has
  // come: for whatever grows with the configuration. So nobody waits for more than one answer of each other account.
  // `make` holds what it needs, and nobody changes that any more; it is not asked when the client has gone meanwhile.
  void answer_later(const std::shared_ptr<Call>& call, std::function<Answer()> make);

  // For what a client wants to know that costs the control loop time: a question, or a job with the store, when the
  // caller's turn has come (turns.h). Whoever has too many waiting is refused.
  void ask_in_turn(const std::shared_ptr<Call>& call, nlohmann::json question,
                   std::function<void(nlohmann::json)> done);
  void look_in_turn(const std::shared_ptr<Call>& call, std::function<void(store::Configuration&)> job,
                    std::function<void()> done);

  void set_current(Current current) { current_ = std::move(current); }
  [[nodiscard]] const Current& current() const { return current_; }
  // Who may connect at all; empty: everybody.
  void set_allowed_hosts(std::vector<Prefix> hosts) { allowed_hosts_ = std::move(hosts); }
  // Once a second: live events, and what has to be tried again.
  void tick();

  [[nodiscard]] Router& router() { return router_; }
  [[nodiscard]] access::Access& access() { return access_; }
  [[nodiscard]] Auditor& auditor() { return auditor_; }
  [[nodiscard]] ShowCache& shows() { return shows_; }
  [[nodiscard]] const Plane& plane() const { return plane_; }
  [[nodiscard]] Events& events() { return *events_; }
  // At the console: everybody may connect for a while, and all lock-outs end.
  void begin_rescue();
  void end_rescue() { rescued_until_.reset(); }
  [[nodiscard]] std::chrono::seconds rescue_left() const;

 private:
  struct Caller {
    std::optional<access::Identity> who;
    std::string secret;  // of a session
    bool by_cookie = false;
  };
  Caller identify(const https::Request& request);
  void dispatch(const std::shared_ptr<Call>& call, const Caller& caller);
  std::optional<Answer> read_input(const Route& route, Call& call, const std::string& query);
  std::optional<Answer> objection(const Route& route, const Call& call, const Caller& caller);
  static void in_turn(Turns& turns, const std::shared_ptr<Call>& call, Turns::Task task);
  // Writes the record, then answers.
  void finish(const Route& route, const std::shared_ptr<Call>& call, const Answer& answer,
              const std::function<void(Answer)>& send);

  access::Access& access_;
  Auditor& auditor_;
  Plane plane_;
  Current current_;
  Router router_;
  ShowCache shows_;
  Turns turns_;   // for the control loop
  Turns writes_;  // for the thread that writes large answers
  std::vector<Prefix> allowed_hosts_;
  std::optional<std::chrono::steady_clock::time_point> rescued_until_;
  std::unique_ptr<Events> events_;
};

// The operations, by subject.
void add_session_routes(Api& api);
void add_access_routes(Api& api);
void add_audit_routes(Api& api);
void add_status_routes(Api& api);
void add_question_routes(Api& api);
void add_trial_routes(Api& api);
void add_configuration_routes(Api& api);
void add_revision_routes(Api& api);
void add_page_routes(Api& api);

}  // namespace fulcrum::api
