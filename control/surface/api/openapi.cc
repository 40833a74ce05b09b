#include "control/surface/api/openapi.h"

#include <algorithm>
#include <string>
#include <utility>

#include "control/surface/api/schema.h"
#include "dataplane/base/version.h"

namespace fulcrum::api {
namespace {

Json problem_schema() {
  return {{"type", "object"},
          {"description", "RFC 9457"},
          {"required", {"type", "title", "status", "detail"}},
          {"properties",
           {{"type", {{"type", "string"}}},
            {"title", {{"type", "string"}}},
            {"status", {{"type", "integer"}}},
            {"detail", {{"type", "string"}}},
            {"confirm_advised_s", {{"type", "integer"}, {"description", "what could be said as confirm_within_s"}}},
            {"problems",
             list_schema(object_schema({{"path", {{"type", "string"}}}, {"text", {{"type", "string"}}}}), 1000)}}}};
}

std::string method_word(https::Method method) {
  std::string word{https::word(method)};
  std::transform(word.begin(), word.end(), word.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return word;
}

Json parameters_of(const Route& route) {
  Json parameters = Json::array();
  std::string_view rest = route.pattern;
  for (std::size_t at = rest.find('{'); at != std::string_view::npos; at = rest.find('{')) {
    rest.remove_prefix(at + 1);
    parameters.push_back({{"name", std::string{rest.substr(0, rest.find('}'))}},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  for (const Query& query : route.query) {
    parameters.push_back({{"name", query.name},
                          {"in", "query"},
                          {"required", query.is_required},
                          {"description", query.help},
                          {"schema", query.schema}});
  }
  for (const Header& header : route.headers) {
    parameters.push_back({{"name", header.name},
                          {"in", "header"},
                          {"required", false},
                          {"description", header.help},
                          {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

// What an operation refuses before its function sees it, and why.
std::vector<std::pair<unsigned, const char*>> refusals_of(const Route& route) {
  std::vector<std::pair<unsigned, const char*>> refusals{{400, "the request cannot be read, or its query is wrong"}};
  if (route.permission) {
    refusals.emplace_back(401, "log in first");
    refusals.emplace_back(403, "the role may not");
  }
  if (route.pattern.find('{') != std::string::npos) refusals.emplace_back(404, "there is no such object");
  if (!route.headers.empty() && route.method != https::Method::get) {
    refusals.emplace_back(409, "it conflicts with what others did, or could cut you off");
    refusals.emplace_back(412, "it has changed since it was read");
  }
  if (!route.body.is_null()) {
    refusals.emplace_back(415, "the body is of another type");
    refusals.emplace_back(422, "the body is not what this operation takes, or would be a wrong configuration");
  }
  return refusals;
}

Json operation_of(const Route& route) {
  Json operation{{"operationId", route.id}, {"summary", route.summary}, {"tags", {route.tag}}};
  operation["x-permission"] = route.permission ? access::word(*route.permission) : "none";
  if (!route.permission) operation["security"] = Json::array();
  if (Json parameters = parameters_of(route); !parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.body.is_null()) {
    const char* type = route.method == https::Method::patch ? "application/merge-patch+json" : "application/json";
    operation["requestBody"] = {{"required", true}, {"content", {{type, {{"schema", route.body}}}}}};
  }
  Json good{{"description", "done"}};
  if (!route.answer.is_null()) good["content"] = {{route.answer_type, {{"schema", route.answer}}}};
  operation["responses"][std::to_string(route.good)] = std::move(good);
  const auto is_precondition = [](const Header& header) { return header.name == "If-None-Match"; };
  if (route.method == https::Method::get && std::any_of(route.headers.begin(), route.headers.end(), is_precondition)) {
    operation["responses"]["304"] = {{"description", "has not changed"}};
  }
  const Json wrong{{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}};
  for (const auto& [status, why] : refusals_of(route)) {
    operation["responses"][std::to_string(status)] = {{"description", why}, {"content", wrong}};
  }
  operation["responses"]["default"] = {{"description", "what is wrong, and what would be right"}, {"content", wrong}};
  return operation;
}

}  // namespace

Json openapi_document(const std::vector<Route>& routes, const Json& schemas) {
  Json document{{"openapi", "3.0.3"},
                {"info",
                 {{"title", "Fulcrum"},
                  {"version", std::string{version()}},
                  {"description", "Everything that the box can do. Errors are RFC 9457 problems with paths."}}},
                {"servers", {{{"url", "/"}}}}};
  document["security"] = {{{"session", Json::array()}}, {{"token", Json::array()}}};
  for (const Route& route : routes) {
    if (!route.is_public_page) document["paths"][route.pattern][method_word(route.method)] = operation_of(route);
  }
  document["components"]["securitySchemes"] = {
      {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "__Host-fulcrum"}}},
      {"token", {{"type", "http"}, {"scheme", "bearer"}}}};
  document["components"]["schemas"] = schemas;
  document["components"]["schemas"]["Problem"] = problem_schema();
  return document;
}

}  // namespace fulcrum::api
