// What operators say about servers: kept in the state directory, laid over the configuration, ended in time.
#include <fmt/format.h>

#include <algorithm>

#include "control/app/control.h"
#include "control/document/document.h"
#include "control/files/files.h"
#include "control/surface/local/words.h"
#include "control/validate/validate.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

using boost::system::error_code;
using std::chrono::system_clock;

constexpr std::size_t kVerbsBytesMax = 64U << 20U;

std::string until_words(const surface::VerbRequest& request, system_clock::time_point now) {
  return request.for_time ? " until " + surface::iso_time(now + *request.for_time) : std::string{};
}

// What an enabled server's weight is about, where that is news or keeps it from serving all the same.
std::string weight_words(const surface::VerbRequest& request, const model::Server& configured,
                         const roster::Overlay& before, const roster::Overlay& after) {
  if (request.state != model::AdminState::enabled) return {};
  const auto has_weight = [&](const roster::Overlay& overlay) {
    const roster::ServerVerbs* verbs = overlay.find(request.farm, request.server);
    return verbs != nullptr && verbs->weight;
  };
  if (!has_weight(after) && configured.weight == 0) {
    return "; its weight in the configuration is 0, so it takes no new clients";
  }
  return has_weight(before) && !has_weight(after) ? fmt::format(", with weight {} again", configured.weight)
                                                  : std::string{};
}

// What becomes of the connections of a server in maintenance.
std::string fate_words(const model::Farm& farm) {
  switch (farm.removed_flows) {
    case model::RemovedFlows::keep:
      return "; its connections go on";
    case model::RemovedFlows::drain:
      return fmt::format("; connections that are left are reset in {} s (drain_time_s)", farm.drain_time.count());
    case model::RemovedFlows::reset:
      break;
  }
  return "; its connections are reset (removed_flows)";
}

std::string_view stays_words(model::AdminState state) {
  if (state == model::AdminState::enabled) return "stays enabled";
  return state == model::AdminState::drain ? "stays drained" : "stays in maintenance";
}

}  // namespace

std::string Control::verbs_file() const { return configuration_.history().directory() + "/verbs.json"; }

// What the predecessor kept. A file that is none stays where it is until the next verb.
void Control::load_verbs() {
  const auto text = files::read(verbs_file(), kVerbsBytesMax);
  if (!text) return log(Level::error, "what operators said is lost: {}", text.error().words());
  if (!*text) return;
  auto read = roster::Overlay::parse(**text);
  if (!read) return log(Level::error, "what operators said is lost: {}: {}", verbs_file(), read.error().words());
  overlay_ = std::move(*read);
  follow_boot();
  tell_ended(forget_verbs(), ", while fulcrum-control was not running");
}

// A file that was edited meanwhile may have given servers other names.
void Control::follow_boot() {
  if (made_at_boot_.empty()) return;
  const auto before = configuration_.history().document(made_at_boot_.front().number - 1);
  if (!before || !overlay_.follow(document::object_of<model::Model>(*before), *configuration_.model())) return;
  if (auto saved = save_verbs(); !saved) log(Level::error, "{}", saved.error().words());
}

Result<void> Control::save_verbs() const { return files::replace(verbs_file(), overlay_.text()); }

// After a commit, which may have given servers other names, when it is confirmed, or at the end of a verb's time.
std::vector<roster::Overlay::Ended> Control::forget_verbs() {
  const bool renamed = overlay_.follow(*model_, *configuration_.model());
  const bool stays = !configuration_.history().awaits_confirmation();
  auto ended = overlay_.forget(system_clock::now(), *configuration_.model(), stays);
  if (!ended.empty() || renamed) {
    if (auto saved = save_verbs(); !saved) log(Level::error, "{}", saved.error().words());
  }
  model_ = overlay_.over(configuration_.model());
  watch_verbs();
  return ended;
}

void Control::tell_ended(const std::vector<roster::Overlay::Ended>& ended, const char* when) {
  for (const auto& one : ended) {
    const std::string object = fmt::format("{} of farm {}", one.name.second, one.name.first);
    const std::string text =
        one.is_there ? fmt::format("the time of \"{}\" by {} was over at {}{}: the configured value applies again",
                                   one.verb, one.said.who, surface::iso_time(*one.said.until), when)
                     : fmt::format("\"{}\" by {} is forgotten{}: the server is no longer in the configuration",
                                   one.verb, one.said.who, when);
    log(Level::notice, "server {}: {}", object, text);
    tell(false, "operator", object, text);
  }
}

void Control::watch_verbs() {
  verb_timer_.cancel();
  const auto end = overlay_.next_end();
  if (!end) return;
  // Short waits, because this clock may be set.
  const auto left = std::max(*end - system_clock::now(), system_clock::duration{0});
  verb_timer_.expires_after(std::min<system_clock::duration>(left, std::chrono::minutes{1}));
  verb_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    const auto ended = forget_verbs();
    tell_ended(ended, "");
    if (!ended.empty()) publish();
  });
}

// Whether the server waits while a standby holds its place, and is to come back.
bool Control::calls_back(const surface::VerbRequest& request) const {
  if (request.state != model::AdminState::enabled || compiled_model_ == nullptr) return false;
  return std::any_of(compiled_.begin(), compiled_.end(), [&](const CompiledServer& one) {
    const model::Farm& farm = compiled_model_->farms[one.farm];
    return one.duty.why == roster::Why::waits && farm.name == request.farm &&
           farm.servers[one.server].name == request.server;
  });
}

// What of these changes does not show, because an operator has said otherwise.
std::vector<std::string> Control::hidden(const model::Model& planned,
                                         const std::vector<document::Change>& changes) const {
  roster::Overlay verbs = overlay_;
  verbs.follow(*model_, planned);
  std::vector<std::string> sentences;
  for (const model::Farm& farm : planned.farms) {
    for (const model::Server& server : farm.servers) {
      const roster::ServerVerbs* said = verbs.find(farm.name, server.name);
      if (said == nullptr) continue;
      const auto add = [&](const char* setting, const std::string& stays, const roster::Said& by) {
        const std::string path = fmt::format("farms.{}.servers.{}.{}", farm.name, server.name, setting);
        const bool is_changed = std::any_of(changes.begin(), changes.end(), [&](const document::Change& change) {
          return document::text_of(change.path) == path;
        });
        if (!is_changed) return;
        sentences.push_back(fmt::format(
            "{} of farm {} {}: operator's word of {} {}", server.name, farm.name, stays, by.who,
            by.until ? "until " + surface::iso_time(*by.until) : std::string{"until somebody says otherwise"}));
      };
      if (said->state && said->state->value != server.state) {
        add("state", std::string{stays_words(said->state->value)}, *said->state);
      }
      if (said->weight && said->weight->value != server.weight) {
        add("weight", fmt::format("keeps weight {}", said->weight->value), *said->weight);
      }
    }
  }
  return sentences;
}

void Control::operate(const surface::VerbRequest& request,
                      const std::function<void(const Result<surface::VerbDone>&)>& done) {
  const auto now = system_clock::now();
  const auto configuration = configuration_.model();
  const model::Farm* farm = nullptr;
  const model::Server* configured = nullptr;
  for (const model::Farm& one : configuration->farms) {
    if (one.name == request.farm) farm = &one;
  }
  if (farm != nullptr) {
    for (const model::Server& server : farm->servers) {
      if (server.name == request.server) configured = &server;
    }
  }
  if (configured == nullptr) return done(fail(Error::Code::not_found, request.server, "there is no such server"));
  const roster::Said said{.who = request.who,
                          .since = now,
                          .until = request.for_time ? std::optional{now + *request.for_time} : std::nullopt};
  const bool calls_back = this->calls_back(request);
  const roster::Overlay before = overlay_;
  if (request.state) {
    overlay_.set_state(request.farm, *configured, {said, *request.state});
  } else {
    overlay_.set_weight(request.farm, *configured, {said, request.weight});
  }
  // What is configured fits; with another weight it may not.
  std::vector<settings::Problem> problems;
  if (!request.state) problems = validate(*overlay_.over(configuration), {});
  Result<void> saved = problems.empty() ? save_verbs() : fail(Error::Code::invalid, "weight", problems.front().text);
  if (!saved) {
    overlay_ = before;
    return done(tl::unexpected<Error>{saved.error()});
  }
  if (calls_back) called_back_.insert({request.farm, request.server});
  model_ = overlay_.over(configuration_.model());
  watch_verbs();
  const std::string what =
      request.state ? std::string{roster::word(*request.state)} : fmt::format("weight {}", request.weight);
  const std::string object = fmt::format("{} of farm {}", request.server, request.farm);
  std::string text =
      fmt::format("{}{}{}", what, until_words(request, now), weight_words(request, *configured, before, overlay_));
  if (calls_back) {
    text += "; it takes its place back from the standby";
  } else if (before == overlay_ && !request.for_time) {
    text += ", as the configuration says";
  }
  if (request.state == model::AdminState::maintenance) text += fate_words(*farm);
  log(Level::notice, "server {}: {}, by {}", object, text, request.who);
  tell(false, "operator", object, fmt::format("{}, by {}", text, request.who));
  publish();
  wait_for_acknowledgement([done, text = object + ": " + text](const std::string& waiting_for) {
    done(surface::VerbDone{text, waiting_for});
  });
}

}  // namespace fulcrum
