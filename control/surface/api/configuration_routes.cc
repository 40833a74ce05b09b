// The configuration as resources: the whole, and every group, list and element of its description under the path that
// it has there (farms.shop.servers.web1 is /api/v1/farms/shop/servers/web1).
#include <fmt/format.h>

#include <charconv>

#include "control/document/json.h"
#include "control/document/path.h"
#include "control/model/model.h"
#include "control/surface/api/configuration.h"
#include "control/surface/api/schema.h"

namespace fulcrum::api {
namespace {

using access::Permission;
using document::Document;
using document::Path;
using document::Step;
using https::Method;
using nlohmann::json;
using CallPtr = std::shared_ptr<Call>;

constexpr const char* kRoot = "/api/v1";
constexpr std::uint64_t kPage = 1000;

// A kind of resource: where it is, in the API and in the document.
struct Place {
  std::string pattern;      // "/api/v1/farms/{farm}"
  std::vector<Step> steps;  // words; those in braces stand for parameters
  std::string id, words, schema;
  const settings::Field* field = nullptr;  // null: the whole
  bool is_list = false, is_element = false;
  // To make, remove or order it; and the least that something in it takes.
  settings::Permission permission = settings::Permission::administer, least = settings::Permission::operate;
};

// The enumerators go up with what they take.
settings::Permission least_in(const settings::Shape& shape, settings::Permission own) {
  settings::Permission least = own;
  for (const settings::Field& field : shape.fields) {
    const settings::Permission here = field.permission == settings::Permission::inherit ? own : field.permission;
    least = std::min(least, field.kind == settings::Kind::group ? least_in(*field.shape, here) : here);
  }
  return least;
}

Path path_of(const Place& place, const Call& call) {
  Path path;
  for (const Step& step : place.steps) {
    if (step.word.starts_with('{')) {
      path.push_back({call.parameters.at(step.word.substr(1, step.word.size() - 2)), false});
    } else {
      path.push_back(step);
    }
  }
  return path;
}

Json list_page(const Json& all, std::uint64_t from, std::uint64_t limit) {
  Json items = Json::array();
  for (std::uint64_t i = from; i < all.size() && i < from + limit; ++i) items.push_back(all[i]);
  const std::uint64_t end = from + items.size();
  return {{"items", std::move(items)}, {"total", all.size()}, {"next", end < all.size() ? Json(end) : Json()}};
}

Answer answer_of_get(const Place& place, const CallPtr& call, Json value, const std::string& etag) {
  if (value.is_null()) value = place.is_list ? Json::array() : Json::object();
  Answer answer =
      ok(place.is_list ? list_page(value, call->number("cursor", 0), call->number("limit", kPage)) : std::move(value));
  if (!etag.empty()) answer.headers.emplace_back("ETag", etag);
  return answer;
}

void get(Api& api, const Place& place, const CallPtr& call) {
  const Path path = path_of(place, *call);
  const bool defaults = call->flag("defaults", true);
  const std::string candidate = call->text("candidate");
  const std::uint64_t revision = call->number("revision", 0);
  if (candidate.empty() && revision == 0) {
    const Current& current = api.current();
    const auto found = current.document.find(path);
    if (!found) return call->answer(problem(found.error()));
    if (place.is_element && found->node == nullptr) return call->answer(problem(404, "there is no such object"));
    const std::string etag = etag_of(current.document, path);
    if (names(call->request.header("if-none-match"), etag)) {
      Answer unchanged;
      unchanged.status = 304;
      unchanged.headers.emplace_back("ETag", etag);
      return call->answer(unchanged);
    }
    return api.answer_later(call, [place, call, document = current.document, found = *found, defaults, etag] {
      return answer_of_get(place, call, document::to_json(document, found, {.defaults = defaults}), etag);
    });
  }
  const auto found = std::make_shared<document::Answer<Document>>(api.current().document);
  const auto find = [found, candidate, revision](store::Configuration& configuration) {
    *found = candidate.empty()
                 ? configuration.history().document(revision)
                 : configuration.find(candidate).map([](const store::Candidate* one) { return one->document; });
  };
  api.look_in_turn(call, find, [&api, place, call, path, defaults, found] {
    if (!*found) return call->answer(problem(found->error()));
    api.answer_later(call, [place, call, path, defaults, document = **found] {
      const auto value = document.find(path);
      if (!value) return problem(value.error());
      return answer_of_get(place, call, document::to_json(document, *value, {.defaults = defaults}), {});
    });
  });
}

document::Answer<Document> put_whole(const Document& before, const json& body) {
  return document::document_from_json(before.shape(), body, &before);
}

void put(Api& api, const Place& place, const CallPtr& call) {
  const Path path = path_of(place, *call);
  const auto there = api.current().document.find(path);
  const bool is_new = place.is_element && (!there || there->node == nullptr);
  change(
      api, call,
      {.edit = [path, body = call->body](
                   const Document& before) { return path.empty() ? put_whole(before, body) : before.set(path, body); },
       .path = path,
       .good_status = is_new ? 201U : 200U,
       .location = is_new ? call->request.target.substr(0, call->request.target.find('?')) : std::string{}});
}

// RFC 7396.
void patch(Api& api, const Place& place, const CallPtr& call) {
  const Path path = path_of(place, *call);
  change(api, call,
         {.edit = [place, path, body = call->body](const Document& before) -> document::Answer<Document> {
            const auto found = before.find(path);
            if (!found) return tl::unexpected<document::Refusal>{found.error()};
            if (place.is_element && found->node == nullptr) {
              return document::refuse(Error::Code::not_found, document::text_of(path), "there is no such object");
            }
            const json now = path.empty() ? json(document::to_json(before)) : json(document::to_json(before, *found));
            json merged = now.is_null() ? json::object() : now;
            merged.merge_patch(body);
            if (merged == now) return before;  // else what the path implies, a key's default, would count as set
            return path.empty() ? put_whole(before, merged) : before.set(path, merged);
          },
          .path = path});
}

void erase(Api& api, const Place& place, const CallPtr& call) {
  const Path path = path_of(place, *call);
  change(api, call, {.edit = [path](const Document& before) { return before.erase(path); }, .path = path});
}

// The key that the body of a new element names, as a step; "tcp/443" where several fields are the key.
std::optional<std::string> key_in(const settings::Shape& shape, const json& body) {
  std::string key;
  for (const std::size_t position : shape.key()) {
    const settings::Field& field = shape.fields[position];
    const auto found = body.find(field.name);
    std::string part;
    if (found == body.end() && field.kind == settings::Kind::choice && !field.choices.empty()) {
      part = field.choices.front().name;
    } else if (found != body.end() && found->is_string()) {
      part = found->get<std::string>();
    } else if (found != body.end() && found->is_number_integer()) {
      part = found->dump();
    } else {
      return std::nullopt;
    }
    key += (key.empty() ? "" : "/") + part;
  }
  return key.empty() ? std::nullopt : std::optional{key};
}

void post(Api& api, const Place& place, const CallPtr& call) {
  const auto key = call->body.is_object() ? key_in(*place.field->shape, call->body) : std::nullopt;
  if (!key) return call->answer(problem(422, "the new object needs its name (the fields of its key)"));
  const Path list = path_of(place, *call);
  Path path = list;
  path.push_back({*key, false});
  const std::string location =
      call->request.target.substr(0, call->request.target.find('?')) + "/" + percent_encode(*key);
  change(api, call,
         {.edit = [path, body = call->body](const Document& before) -> document::Answer<Document> {
            const auto there = before.find(path, true);
            if (there && there->node != nullptr) {
              return document::refuse(Error::Code::conflict, document::text_of(path), "is there already: use PUT");
            }
            return before.set(path, body);
          },
          .path = list,
          .made = path,
          .good_status = 201,
          .location = location});
}

std::vector<Query> change_queries() {
  std::vector<Query> queries = commit_queries();
  queries.push_back({"candidate", text_schema(1, 63), "only edit this candidate, commit nothing"});
  return queries;
}

std::vector<Query> read_queries(const Place& place) {
  std::vector<Query> queries{{"defaults", {{"type", "boolean"}}, "also what is not set; true if not said"},
                             {"candidate", text_schema(1, 63), "of this candidate"},
                             {"revision", number_schema(1, INT64_MAX), "of an earlier revision"}};
  if (!place.is_list) return queries;
  queries.push_back({"cursor", number_schema(0, INT64_MAX), "where an earlier page ended"});
  queries.push_back({"limit", number_schema(1, static_cast<std::int64_t>(kPage)), "at most so many"});
  return queries;
}

using Run = void (*)(Api&, const Place&, const CallPtr&);

Route route_of(Api& api, const Place& place, Method method, const std::string& verb, Run run) {
  Route route;
  route.method = method;
  route.pattern = place.pattern;
  // Who may change something in it may try: which change takes which permission is decided change by change.
  const bool whole = method == Method::remove || (method == Method::post && place.is_list);
  route.permission = method == Method::get ? Permission::look : permission_of(whole ? place.permission : place.least);
  route.id = verb + "-" + place.id;
  route.tag = "configuration";
  route.query = method == Method::get ? read_queries(place) : change_queries();
  route.headers =
      method != Method::get
          ? match_headers()
          : std::vector<Header>{{"If-None-Match", "ETags of what is known already: 304 when it is one of them"}};
  route.answer = reference("Outcome");
  route.checks_body = false;
  route.run = [&api, place, run](const CallPtr& call) { run(api, place, call); };
  return route;
}

void add_place(Api& api, const Place& place) {
  const Json schema = place.is_list
                          ? record_schema({{"items", Json{{"type", "array"}, {"items", reference(place.schema)}}},
                                           {"total", number_schema(0, INT64_MAX)},
                                           {"next", {{"type", "integer"}, {"nullable", true}}}})
                          : reference(place.schema);
  Route read = route_of(api, place, Method::get, place.is_list ? "list" : "get", get);
  read.summary = fmt::format("{}.", place.words);
  read.answer = schema;
  api.router().add(std::move(read));
  if (place.is_list) {
    Route add = route_of(api, place, Method::post, "add", post);
    add.summary = fmt::format("Add one to {}.", place.words);
    add.body = reference(place.schema);
    add.good = 201;
    return api.router().add(std::move(add));
  }
  Route replace = route_of(api, place, Method::put, "put", put);
  replace.summary = fmt::format("Put in place of what is there: {}.", place.words);
  replace.body = reference(place.schema);
  api.router().add(std::move(replace));
  Route merge = route_of(api, place, Method::patch, "patch", patch);
  merge.summary = fmt::format("Change only what is named (RFC 7396): {}.", place.words);
  merge.body = reference(place.schema + "Patch");
  api.router().add(std::move(merge));
  if (!place.is_element) return;
  Route remove = route_of(api, place, Method::remove, "delete", erase);
  remove.summary = fmt::format("Remove: {}.", place.words);
  api.router().add(std::move(remove));
}

// "farms" -> "farm".
std::string singular(const std::string& name) { return name.ends_with('s') ? name.substr(0, name.size() - 1) : name; }

std::string type_of(const std::string& name) {
  std::string type;
  bool up = true;
  for (const char letter : name) {
    if (letter != '_') type += up && letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    up = letter == '_';
  }
  return type;
}

void add_below(Api& api, const settings::Shape& shape, const Place& above, const std::string& type) {
  for (const settings::Field& field : shape.fields) {
    if (field.kind != settings::Kind::group) continue;
    const std::string one = field.list ? singular(field.name) : field.name;
    Place place = above;
    place.pattern += "/" + field.name;
    place.steps.push_back({field.name, false});
    place.schema = type + type_of(one);
    place.field = &field;
    place.is_list = field.list;
    place.is_element = false;
    if (field.permission != settings::Permission::inherit) place.permission = field.permission;
    place.least = least_in(*field.shape, place.permission);
    place.words = document::text_of(place.steps);
    const std::string prefix = above.field == nullptr ? "" : above.id + "-";
    place.id = prefix + field.name;
    add_place(api, place);
    if (field.list) {
      if (field.shape->key().empty()) continue;
      place.pattern += "/{" + one + "}";
      place.steps.push_back({"{" + one + "}", false});
      place.is_list = false;
      place.is_element = true;
      place.words = fmt::format("one of {}", place.words);
      place.id = prefix + one;
      add_place(api, place);
    }
    add_below(api, *field.shape, place, place.schema);
  }
}

// {"op": "set", "path": "farms.shop.servers.web1.weight", "value": 5} and so on.
document::Answer<Document> make_step(const Document& before, const json& step) {
  const auto path = document::parse_path(step["path"].get<std::string>());
  if (!path) return document::refuse(path.error());
  const auto op = step["op"].get<std::string>();
  if (op == "delete") return before.erase(*path);
  if (!step.contains("value")) return document::refuse(Error::Code::invalid, "value", "is missing");
  if (op == "set") return before.set(*path, step["value"]);
  if (!step["value"].is_string()) return document::refuse(Error::Code::invalid, "value", "is no name");
  return before.rename(*path, step["value"].get<std::string>());
}

// Whoever has several wrong steps hears of all: each is tried on what those before it that went well have made.
void transact(Api& api, const CallPtr& call) {
  for (const json& step : call->body["changes"]) {
    if (step["path"].get_ref<const std::string&>().empty()) {
      return call->answer(problem(422, "a change needs a path", {{"changes", "has an empty path"}}));
    }
  }
  change(api, call,
         {.edit = [body = call->body](const Document& before) -> document::Answer<Document> {
            Document next = before;
            document::Refusal refusal;
            for (const json& step : body["changes"]) {
              auto made = make_step(next, step);
              if (made) {
                next = std::move(*made);
                continue;
              }
              if (refusal.problems.empty()) refusal.code = made.error().code;
              for (settings::Problem& problem : made.error().problems) refusal.problems.push_back(std::move(problem));
            }
            if (!refusal.problems.empty()) return tl::unexpected<document::Refusal>{std::move(refusal)};
            return next;
          },
          .path = {}});
}

}  // namespace

void add_configuration_routes(Api& api) {
  Place whole;
  whole.pattern = std::string{kRoot} + "/configuration";
  whole.id = "configuration";
  whole.words = "the whole configuration";
  whole.schema = "Configuration";
  add_place(api, whole);
  Place root;
  root.pattern = kRoot;
  add_below(api, *model::description().shape(), root, "");
  Route several = route_of(api, whole, Method::post, "transact", nullptr);
  several.pattern = std::string{kRoot} + "/transactions";
  several.id = "transact";
  several.summary = "Several changes in one commit: all of them, or none.";
  several.checks_body = true;
  Json operation{{"type", "string"}, {"enum", {"set", "delete", "rename"}}};
  several.body = object_schema(
      {{"changes",
        list_schema(object_schema({{"op", operation}, {"path", text_schema(1, 1024)}}, {{"value", Json::object()}}),
                    1000)}});
  several.run = [&api](const CallPtr& call) { transact(api, call); };
  api.router().add(std::move(several));
}

}  // namespace fulcrum::api
