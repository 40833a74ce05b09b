// From a line on the local socket to its answer. Four kinds of lines:
//
//   {"show": WHAT, ...}                       looks at the control plane and answers (answers.h)
//   {"clear": "connections"|"persistence"}    ends entries of the dataplane's tables, then answers how many
//   {"api": {"method", "path", "body", ...}}  an operation of the REST API, at the console: goes on, unread, to the
//                                             API's thread (surface/api), which has one table for all faces
//   {"config": VERB, ...}                     the configuration (configuration_desk.h)
//
// Each may say for "who" it is asked; what the kernel knows of the peer is added to that (access/peer.h), and what such
// a line changes is put on record before it is answered, also when it is refused.
//
// The API's thread asks its own questions of the first two kinds by ask(). Questions about connections and persistence
// take several turns of the loop, with everything else in between.
#pragma once

#include <boost/asio/io_context.hpp>
#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/audit/audit_log.h"
#include "control/publish/clearer.h"
#include "control/publish/questioner.h"
#include "control/surface/local/configuration_desk.h"
#include "control/surface/local/entry_walk.h"
#include "control/surface/local/explain.h"
#include "control/surface/local/line_server.h"
#include "control/surface/local/trial.h"
#include "control/surface/local/verb.h"
#include "control/surface/local/view.h"
#include "control/telemetry/recorder.h"

namespace fulcrum::surface {

class Dispatcher {
 public:
  using Look = std::function<View()>;
  using Clear = std::function<void(Table, std::vector<EntryFilter>, Clearer::Done)>;
  using Explain = std::function<void(const ExplainRequest&, Questioner::Done)>;
  // `done` is called on the loop.
  using PastRates = std::function<void(const telemetry::HistoryQuery&, telemetry::Recorder::Done)>;
  // Takes a line of this peer for the API and calls `done` with the answer's line, on any thread.
  using Forward =
      std::function<void(const std::string& line, const access::Peer& peer, std::function<void(std::string)> done)>;
  // Puts on record what somebody did, then calls `done` on the loop.
  using Recorded = std::function<void(audit::Record record, std::function<void()> done)>;
  Dispatcher(boost::asio::io_context& loop, Look look, Clear clear, Explain explain, PastRates past_rates,
             Forward forward)
      : loop_{loop},
        look_{std::move(look)},
        clear_{std::move(clear)},
        explain_{std::move(explain)},
        past_rates_{std::move(past_rates)},
        forward_{std::move(forward)} {}
  // Who answers {"config": ...}. Without one nobody does.
  void set_desk(ConfigurationDesk& desk) { desk_ = &desk; }
  // Who does what an operator says (verb.h). Without one nobody does.
  void set_operator(Operate operate) { operate_ = std::move(operate); }
  // Who probes servers (trial.h). Without one nobody does.
  void set_tester(Test test) { test_ = std::move(test); }
  // Where what changes something is put on record. Without it nothing is.
  void set_record(Recorded record) { record_ = std::move(record); }

  void answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply);
  // A question of the first two kinds, or what an operator says or tries (verb.h, trial.h), which comes by the API
  // only. With most answers comes "cost_ns": what it took of the loop's time. `wanted` is asked now and then; when it
  // says no, `done` is not called.
  void ask(const nlohmann::json& question, const std::function<void(nlohmann::json)>& done,
           const std::function<bool()>& wanted);

 private:
  using Done = std::function<void(nlohmann::json)>;
  [[nodiscard]] Done recorded(const nlohmann::json& question, const std::string& who, Done done) const;
  void clear(const nlohmann::json& question, const Done& done);
  void explain(const nlohmann::json& question, const Done& done);
  void operate(const nlohmann::json& question, const Done& done);
  void test(const nlohmann::json& question, const Done& done);
  void rates(const nlohmann::json& question, const Done& done);
  void walk(const std::shared_ptr<EntryWalk>& walk, const Done& done, const std::function<bool()>& wanted);
  [[nodiscard]] nlohmann::json show(const std::string& what) const;

  boost::asio::io_context& loop_;
  Look look_;
  Clear clear_;
  Explain explain_;
  PastRates past_rates_;
  Forward forward_;
  ConfigurationDesk* desk_ = nullptr;
  Operate operate_;
  Test test_;
  Recorded record_;
};

}  // namespace fulcrum::surface
