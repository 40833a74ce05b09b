// The operations of the API as data: method, path, who may, what goes in and comes out, and the function that does it.
// The OpenAPI document is made from this table, requests are checked against it before the function sees them, and the
// tests walk over it; so the three cannot differ.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/access/role.h"
#include "control/surface/api/answer.h"
#include "control/surface/https/message.h"

namespace fulcrum::api {

// A request that may go on: known operation, identity with the permission, well-formed input.
struct Call {
  https::Request request;
  access::Identity who;                           // no name: the operation is open to everybody
  std::string secret;                             // of the session that asks; empty: none
  std::map<std::string, std::string> parameters;  // of the path, decoded
  std::map<std::string, std::string> query;
  nlohmann::json body;
  std::shared_ptr<https::Reply> reply;  // for streams
  std::function<void(Answer)> answer;   // once
  // The same for one that is written already, and that is on no record (Api::answer_later).
  std::function<void(https::Response)> send;
  std::string object, note;  // for the audit record; empty: the path, and what was wrong

  [[nodiscard]] std::string parameter(const std::string& name) const { return parameters.at(name); }
  // The value of a query parameter, or `otherwise`; numbers were checked before.
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise = {}) const;
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;
  [[nodiscard]] bool flag(const std::string& name, bool otherwise = false) const;
};

struct Query {
  std::string name;
  Json schema;
  std::string help;
  bool is_required = false;
};

struct Header {
  std::string name, help;
};

struct Route {
  https::Method method = https::Method::get;
  std::string pattern;                             // "/api/v1/accounts/{name}"
  std::optional<access::Permission> permission{};  // none: open, also to those who have not logged in
  std::string id{}, summary{}, tag{};
  std::vector<Query> query{};
  std::vector<Header> headers{};  // of the request, that change what the operation does
  Json body{};                    // schema; null: no body
  Json answer{};                  // schema of the answer; null: no body
  unsigned good = 200;            // its status
  bool is_public_page = false;    // not part of the document: pages and their parts
  bool checks_body = true;        // false: the function checks the body itself (configuration)
  std::string answer_type = "application/json";
  std::function<void(const std::shared_ptr<Call>&)> run{};
};

struct Match {
  const Route* route = nullptr;  // null: none
  std::map<std::string, std::string> parameters;
  std::string allowed;  // methods that the path knows, "GET, PUT"; empty: no such path
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  // HEAD finds the route of GET.
  [[nodiscard]] Match find(https::Method method, const std::string& path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// %41 and so on (RFC 3986 2.1). Nothing: broken, or a zero byte.
std::optional<std::string> percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);
// "a=1&b=2". Nothing: broken, or a name twice.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view text);
// A boolean of a query: true or 1, false or 0.
std::optional<bool> flag_of(std::string_view text);
// What is wrong with the query parameters of a call.
std::vector<Fault> check_query(const Route& route, const std::map<std::string, std::string>& query);

}  // namespace fulcrum::api
