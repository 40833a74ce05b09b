// From a line on the local socket to its answer: reads the question, looks at the control plane, answers. Questions
// about connections and bindings take several turns of the loop, with everything else in between.
#pragma once

#include <boost/asio/io_context.hpp>
#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/publish/clearer.h"
#include "control/surface/local/entry_walk.h"
#include "control/surface/local/line_server.h"
#include "control/surface/local/view.h"

namespace fulcrum::surface {

class Dispatcher {
 public:
  using Look = std::function<View()>;
  using Clear = std::function<void(Table, std::vector<EntryFilter>, Clearer::Done)>;
  Dispatcher(boost::asio::io_context& loop, Look look, Clear clear)
      : loop_{loop}, look_{std::move(look)}, clear_{std::move(clear)} {}

  void answer(const std::string& line, const std::shared_ptr<LineServer::Reply>& reply);

 private:
  void clear(const nlohmann::json& question, const std::shared_ptr<LineServer::Reply>& reply);
  void walk(const std::shared_ptr<EntryWalk>& walk, const std::shared_ptr<LineServer::Reply>& reply);
  [[nodiscard]] nlohmann::json show(const std::string& what) const;

  boost::asio::io_context& loop_;
  Look look_;
  Clear clear_;
};

}  // namespace fulcrum::surface
