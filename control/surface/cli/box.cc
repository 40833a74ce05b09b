#include "control/surface/cli/box.h"

#include "control/surface/cli/client.h"

namespace fulcrum::cli {
namespace {

// As long as a commit may take on a full box, and then some.
constexpr std::chrono::seconds kPatience{20};

Status status_of(const std::string& code) {
  if (code == "invalid") return Status::invalid;
  if (code == "not_found") return Status::not_found;
  if (code == "conflict") return Status::conflict;
  return Status::failed;
}

}  // namespace

std::optional<Trouble> trouble_in(const nlohmann::json& answer) {
  if (!answer.is_object()) return Trouble{.text = "fulcrum-control answered something that is no JSON"};
  const auto error = answer.find("error");
  if (error == answer.end() || !error->is_object()) return std::nullopt;
  Trouble trouble{.status = status_of(error->value("code", "")), .text = error->value("text", "unknown error")};
  const auto problems = error->find("problems");
  if (problems != error->end() && problems->is_array() && problems->size() > 1) {
    trouble.text.clear();
    for (const auto& problem : *problems) {
      if (!trouble.text.empty()) trouble.text += '\n';
      const std::string path = problem.value("path", "");
      trouble.text += (path.empty() ? "" : path + ": ") + problem.value("text", "");
    }
  }
  trouble.json = answer;
  return trouble;
}

Box::Answer SocketBox::ask(const Json& question) {
  Json named = question;
  (named.contains("api") ? named["api"] : named)["who"] = user_;
  const auto line = cli::ask(runtime_dir_, named.dump(-1, ' ', false, Json::error_handler_t::replace), kPatience);
  if (!line) return tl::unexpected<Trouble>{Trouble{.text = line.error().words()}};
  Json answer = Json::parse(*line, nullptr, false);
  if (auto trouble = trouble_in(answer)) return tl::unexpected<Trouble>{std::move(*trouble)};
  return answer;
}

}  // namespace fulcrum::cli
