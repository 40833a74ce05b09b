// What operators say about servers: kept in the state directory, laid over the configuration, ended in time.
#include <fmt/format.h>

#include "control/app/control.h"
#include "control/files/files.h"
#include "control/surface/local/words.h"
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
  overlay_.forget(system_clock::now(), *configuration_.model());
  model_ = overlay_.over(configuration_.model());
  watch_verbs();
}

Result<void> Control::save_verbs() const { return files::replace(verbs_file(), overlay_.text()); }

// After a commit, which may have given servers other names, or at the end of a verb's time.
void Control::forget_verbs() {
  const bool renamed = overlay_.follow(*model_, *configuration_.model());
  if (overlay_.forget(system_clock::now(), *configuration_.model()) || renamed) {
    if (auto saved = save_verbs(); !saved) log(Level::error, "{}", saved.error().words());
  }
  model_ = overlay_.over(configuration_.model());
  watch_verbs();
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
    const bool is_over = overlay_.next_end().value_or(system_clock::time_point::max()) <= system_clock::now();
    forget_verbs();
    if (!is_over) return;
    log(Level::notice, "the time of an operator's word is over: the configured value applies again");
    tell(false, "operator", "servers", "the time of an operator's word is over: the configured value applies again");
    publish();
  });
}

void Control::operate(const surface::VerbRequest& request,
                      const std::function<void(const Result<surface::VerbDone>&)>& done) {
  const auto now = system_clock::now();
  const model::Server* configured = nullptr;
  for (const model::Farm& farm : configuration_.model()->farms) {
    for (const model::Server& server : farm.servers) {
      if (farm.name == request.farm && server.name == request.server) configured = &server;
    }
  }
  if (configured == nullptr) return done(fail(Error::Code::not_found, request.server, "there is no such server"));
  const roster::Said said{.who = request.who,
                          .since = now,
                          .until = request.for_time ? std::optional{now + *request.for_time} : std::nullopt};
  const roster::Overlay before = overlay_;
  if (request.state) {
    overlay_.set_state(request.farm, *configured, {said, *request.state});
  } else {
    overlay_.set_weight(request.farm, *configured, {said, request.weight});
  }
  if (auto saved = save_verbs(); !saved) {
    overlay_ = before;
    return done(tl::unexpected<Error>{saved.error()});
  }
  model_ = overlay_.over(configuration_.model());
  watch_verbs();
  const std::string what =
      request.state ? std::string{roster::word(*request.state)} : fmt::format("weight {}", request.weight);
  const std::string object = fmt::format("{} of farm {}", request.server, request.farm);
  const std::string text =
      fmt::format("{}{}{}", what, until_words(request, now), weight_words(request, *configured, before, overlay_));
  log(Level::notice, "server {}: {}, by {}", object, text, request.who);
  tell(false, "operator", object, fmt::format("{}, by {}", text, request.who));
  publish();
  wait_for_acknowledgement([done, text = object + ": " + text](const std::string& waiting_for) {
    done(surface::VerbDone{text, waiting_for});
  });
}

}  // namespace fulcrum
