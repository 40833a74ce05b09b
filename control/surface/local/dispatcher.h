// From a line on the local socket to its answer: reads the question, looks at the control plane, answers. Questions
// about connections take several turns of the loop, with everything else in between.
#pragma once

#include <boost/asio/io_context.hpp>
#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <string>

#include "control/surface/local/connection_walk.h"
#include "control/surface/local/line_server.h"
#include "control/surface/local/view.h"

namespace fulcrum::surface {

class Dispatcher {
 public:
  using Look = std::function<View()>;
  Dispatcher(boost::asio::io_context& loop, Look look) : loop_{loop}, look_{std::move(look)} {}

  void answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply);

 private:
  void walk(const std::shared_ptr<ConnectionWalk>& walk, const std::shared_ptr<LineServer::Reply>& reply);
  [[nodiscard]] nlohmann::json show(const std::string& what) const;

  boost::asio::io_context& loop_;
  Look look_;
};

}  // namespace fulcrum::surface
