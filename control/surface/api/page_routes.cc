// The document and the page that draws it. Both are open: they tell what every copy of the program tells.
#include "control/document/schema.h"
#include "control/model/model.h"
#include "control/surface/api/answer_schemas.h"
#include "control/surface/api/api.h"
#include "control/surface/api/openapi.h"
#include "control/surface/api/page.h"

namespace fulcrum::api {
namespace {

using CallPtr = std::shared_ptr<Call>;

// Takes 10 ms, and anybody may ask for it, so it is written once.
std::string document_text(Api& api) {
  Json schemas = document::schemas(*model::description().shape(), "Configuration");
  const Json patches = patch_schemas(schemas);
  schemas.update(patches);
  schemas.update(answer_schemas());
  return openapi_document(api.router().routes(), schemas).dump();
}

void add_page(Api& api, const std::string& path, const std::string& file, const std::string& type) {
  api.router().add({.pattern = path,
                    .id = file,
                    .summary = {},
                    .tag = {},
                    .is_public_page = true,
                    .run = [file, type](const CallPtr& call) {
                      Answer answer;
                      answer.text = {type, std::string{page_text(file)}};
                      call->answer(answer);
                    }});
}

}  // namespace

void add_page_routes(Api& api) {
  api.router().add({.pattern = "/api/v1/openapi.json",
                    .id = "openapi",
                    .summary = "This document.",
                    .tag = "document",
                    .answer = {{"type", "object"}},
                    .run = [&api, text = std::make_shared<std::string>()](const CallPtr& call) {
                      if (text->empty()) *text = document_text(api);
                      Answer answer;
                      answer.text = {"application/json", *text};
                      call->answer(answer);
                    }});
  add_page(api, "/api/", "index.html", "text/html; charset=utf-8");
  add_page(api, "/api/page.js", "page.js", "text/javascript; charset=utf-8");
  add_page(api, "/api/page.css", "page.css", "text/css; charset=utf-8");
  api.router().add(
      {.pattern = "/", .id = "root", .summary = {}, .tag = {}, .is_public_page = true, .run = [](const CallPtr& call) {
         Answer answer;
         answer.status = 302;
         answer.headers.emplace_back("Location", "/api/");
         call->answer(answer);
       }});
}

}  // namespace fulcrum::api
