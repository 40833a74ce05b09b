// Whatever a client may send: a body against the schemas of the API and against the configuration, a line of the local
// socket, a query, a path. Nothing may crash, and what is accepted must be what the schema says.
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include "control/access/secrets.h"
#include "control/document/json.h"
#include "control/model/model.h"
#include "control/surface/api/console_line.h"
#include "control/surface/api/router.h"
#include "control/surface/api/schema.h"
#include "dataplane/base/invariant.h"

namespace fulcrum::api {
namespace {

void try_body(const std::string& text) {
  const auto body = parse_body(text);
  if (!body) return;
  static const Json kSchema = object_schema(
      {{"name", text_schema(1, 32)}, {"expires_in_s", number_schema(1, 1000)}},
      {{"scope", list_schema(text_schema(1, 63), 4)}, {"role", {{"type", "string"}, {"enum", {"viewer"}}}}});
  if (check(kSchema, *body).empty()) {
    FULCRUM_ASSERT((*body)["name"].is_string());
    FULCRUM_ASSERT((*body)["expires_in_s"].get<std::int64_t>() <= 1000);
  }
  const document::Document empty{model::description().shape()};
  const auto made = document::document_from_json(empty.shape(), *body, &empty);
  if (made) FULCRUM_ASSERT(document::document_from_json(empty.shape(), nlohmann::json(document::to_json(*made))));
}

void try_text(const std::string& text) {
  if (const auto read = read_console_line(text)) FULCRUM_ASSERT(read->request.method != https::Method::other);
  if (const auto decoded = percent_decode(text)) {
    FULCRUM_ASSERT(percent_decode(percent_encode(*decoded)) == decoded);
  }
  static_cast<void>(parse_query(text));
  Router router;
  router.add({.pattern = "/api/v1/farms/{farm}/servers/{server}"});
  const Match match = router.find(https::Method::get, "/" + text);
  FULCRUM_ASSERT(match.route == nullptr || match.parameters.size() == 2);
}

}  // namespace
}  // namespace fulcrum::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  fulcrum::api::try_body(text);
  fulcrum::api::try_text(text);
  return 0;
}
