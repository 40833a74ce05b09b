// The box as the command line sees it: something that answers questions (control/surface/local). Tests answer them
// themselves.
#pragma once

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <string>

#include "control/surface/cli/trouble.h"

namespace fulcrum::cli {

class Box {
 public:
  using Json = nlohmann::json;
  using Answer = tl::expected<Json, Trouble>;

  virtual ~Box() = default;
  // What the box answered; an answer that is an error becomes a Trouble with its status.
  virtual Answer ask(const Json& question) = 0;
};

// By the local socket in `runtime_dir`. Says with each question for whom it is.
class SocketBox final : public Box {
 public:
  SocketBox(std::string runtime_dir, std::string user) : runtime_dir_{std::move(runtime_dir)}, user_{std::move(user)} {}
  Answer ask(const Json& question) override;

 private:
  std::string runtime_dir_, user_;
};

// What an answer's "error" means to whoever asked. Nothing: it is no error.
std::optional<Trouble> trouble_in(const nlohmann::json& answer);

}  // namespace fulcrum::cli
