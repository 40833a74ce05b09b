// What operators said about servers, laid over the configuration: `drain`, `enable`, `maintenance`, `weight`, each for
// a time or until somebody says otherwise. Beside the configuration and not in it, because it is about tonight: it
// needs no commit, does not stand in the file, and the configured value applies again when its time is up. What an
// operator says without an end that the configuration says anyway is not kept; with an end it is, because it shall hold
// whatever is committed in that time.
//
// Kept by the names of farm and server; goes with a server that is renamed, and is forgotten when the server leaves the
// configuration; while a commit may yet go back, what was said about a server that it has removed waits for that. A
// value type: who has one saves its text() and reads it again with parse(). Pure: time comes in from outside.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/model/model.h"
#include "dataplane/base/result.h"

namespace fulcrum::roster {

struct Said {
  using Time = std::chrono::system_clock::time_point;
  std::string who;
  Time since{};
  std::optional<Time> until{};  // nothing: until somebody says otherwise
  friend bool operator==(const Said&, const Said&) = default;
};

struct ServerVerbs {
  struct State : Said {
    model::AdminState value = model::AdminState::enabled;
    friend bool operator==(const State&, const State&) = default;
  };
  struct Weight : Said {
    std::uint16_t value = 0;
    friend bool operator==(const Weight&, const Weight&) = default;
  };
  std::optional<State> state{};
  std::optional<Weight> weight{};
  friend bool operator==(const ServerVerbs&, const ServerVerbs&) = default;
};

class Overlay {
 public:
  using Name = std::pair<std::string, std::string>;  // farm, server
  using Time = Said::Time;

  // `configured` is the server as the configuration has it. To enable a server lifts a weight of 0 that was said, too:
  // with it the server would take nobody.
  void set_state(const std::string& farm, const model::Server& configured, const ServerVerbs::State& state);
  void set_weight(const std::string& farm, const model::Server& configured, const ServerVerbs::Weight& weight);
  // A configuration comes after another: a server is who it was by its addresses, else by its name, as for compile
  // (compile.h). True when something goes by another name now.
  bool follow(const model::Model& before, const model::Model& after);
  // What was forgotten: of whom, the operator's words ("drain", "weight 5") and him.
  struct Ended {
    Name name;
    std::string verb;
    Said said;
    bool is_there = true;  // its time was over; false: the server is gone
  };
  // Forgets what is over by `now`, and, if the model is there to stay, what is about servers that it does not have.
  std::vector<Ended> forget(Time now, const model::Model& model, bool stays = true);

  // The model with what was said; the same one when nothing was.
  [[nodiscard]] std::shared_ptr<const model::Model> over(const std::shared_ptr<const model::Model>& model) const;
  // Null: nothing was said about it.
  [[nodiscard]] const ServerVerbs* find(const std::string& farm, const std::string& server) const;
  // The first moment at which something is over.
  [[nodiscard]] std::optional<Time> next_end() const;
  [[nodiscard]] bool empty() const { return verbs_.empty(); }

  [[nodiscard]] std::string text() const;
  // Errors: not what text() writes (invalid).
  static Result<Overlay> parse(const std::string& text);
  friend bool operator==(const Overlay&, const Overlay&) = default;

 private:
  void tidy(const Name& name);
  std::map<Name, ServerVerbs> verbs_;
};

// What the server of that name is called after a change, a server being who it is as in follow(); the same where it is
// not found.
[[nodiscard]] Overlay::Name name_after(const Overlay::Name& name, const model::Model& before,
                                       const model::Model& after);
// "drain", "maintenance", "enabled" as in the configuration.
[[nodiscard]] std::string_view word(model::AdminState state);
[[nodiscard]] std::optional<model::AdminState> admin_state(std::string_view word);

}  // namespace fulcrum::roster
