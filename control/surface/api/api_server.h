// The REST API's thread: an event loop of its own with the HTTPS server, the API, and what they need of their own
// (accounts, audit log, certificate). It runs below the control loop's priority, and reaches it only through
// ControlLoop, so nothing that clients do makes health checks or changes wait for more than a question's own time.
//
// Called from the control loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/access/peer.h"
#include "control/model/model.h"
#include "control/surface/api/api.h"
#include "dataplane/base/result.h"

namespace fulcrum::api {

// The way to the control loop, from any thread; `done` is called on that loop.
struct ControlLoop {
  std::function<void(nlohmann::json question, std::function<void(nlohmann::json)> done)> ask;
  std::function<void(std::function<void(store::Configuration&)> job, std::function<void()> done)> job;
};

class ApiServer {
 public:
  // Opens accounts and audit log in `state_directory`, then starts the thread. Errors: one of them cannot be used.
  // Nobody gets in then, which is safer than letting everybody in.
  static Result<std::unique_ptr<ApiServer>> start(const std::string& state_directory, ControlLoop control,
                                                  Current current);
  // Ends the thread. The control loop must not wait for anything of it any more.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Where to listen, and who may come. Takes effect soon; an address that is not there yet is tried again.
  void configure(const model::Management& management);
  // After each commit.
  void set_current(Current current);
  // A line of this peer at the console: {"api": {"method": "PUT", "path": "/api/v1/...", "body": ..., "who": ...}}.
  // `done` gets {"status": 200, "headers": {...}, "body": ...} on the API's thread.
  void ask_as_console(const std::string& line, const access::Peer& peer, std::function<void(std::string)> done);
  // Whether whoever is on record as `who` may make these changes of `document` now: `done` gets why not, empty when
  // they may, on the API's thread.
  void judge(std::string who, document::Document document, std::vector<document::Change> changes,
             std::function<void(std::string objection)> done);
  // For what is done beside the API. `done` when it is on the disk, or cannot be, on the API's thread.
  void record(audit::Record record, std::function<void()> done);

 private:
  struct Inside;
  explicit ApiServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace fulcrum::api
