// The configuration on the local socket: requests {"config": VERB, ...}, one line of JSON each, and their answers. What
// they mean stands in store/configuration.h; paths in document/path.h, values in document/json.h.
//
// Each takes "who" as well, whether it is of importance or not.
//
//   verb        takes                                        answers
//   candidates                                               "candidates": [{candidate}]
//   open        candidate, who                               {candidate}
//   discard     candidate                                    {}
//   get         [candidate | revision], [path], [defaults]   "path", "value", "set", "permission", "revision"
//   text        [candidate | revision]                       "text": in the language of fulcrum.cfg
//   suggest     [candidate], [path]                          "suggestions": [{"word", "path", "help", "element"}]
//   set         candidate, path, value | words: [..]         {candidate}; words are those of a command line
//   add         candidate, path, word                        {candidate}; to a list of values
//   remove      candidate, path, word                        {candidate}; from a list of values
//   delete      candidate, path                              {candidate}
//   rename      candidate, path, name                        {candidate}
//   order       candidate, path, names: [..]                 {candidate}
//   replace     candidate, text                              {candidate}; the whole, in the language of fulcrum.cfg
//                An edit counts as that of "who", else as its owner's.
//   diff        candidate                                    "changes": [{change}]
//   rebase      candidate, [wins: "mine" | "theirs"]         {candidate}; wins: of what conflicts
//   check       candidate                                    "problems", "changes", "since", "conflicts", "radius",
//                                                            "confirm_advised_s": seconds, or null
//   commit      candidate, who, [face], [why], [rebase], [confirm_s]        {committed}
//   schedule    candidate, who, at, [face], [why], [confirm_s]              {candidate}; at: "03:00" or
//                                                            "2026-07-24T03:00Z", UTC; commits it then
//   confirm     [who]                                        "revision": {revision}
//   history     [before], [limit]                            "revisions": [{revision}], the newest first; "current",
//                                                            "confirm_until"
//   show        revision                                     {revision} with "steps": [{change}]
//   compare     from: REVISION, [to: REVISION | candidate]   "changes": [{change}]; to the current one when neither
//   rollback    revision, who, [face], [why], [confirm_s]    {committed}
//   revert      revision, [change], who, [face], [why], [confirm_s]   {committed}; change: only that one of its
//   "steps",
//                                                            from 1
//
//   {candidate}  "candidate", "who": its owner, "base", "current", "opened", "changed", "editors": [who changed it],
//                "changes": how many; "commit_at", "commit_for": who scheduled it, "commit_refused": why it was not
//                committed then; each may be null
//   {change}     "path", "change", "from", "to", "words" (compare.h)
//   {revision}   "revision", "when", "who", "face", "why", "editors": [who else made the changes], "hash",
//                "confirm_until", "changes", "words" (revision_json.h)
//   {committed}  "revision": {revision}, "changes": [{change}], "acknowledged": by every worker, "took_ms",
//                "waiting_for": why it is not, in words
//   radius       {"connections": {"kept", "drained", "reset", "lost", "closing": before it}, "farms": [names],
//                "losing_weight": [{"farm", "server", "why", "from", "to"}]} (app/blast_radius.h); "connections" is
//                null when there is no dataplane to ask; all of it when the candidate has problems or is behind
//
// What cannot be done is answered {"error": {"code", "text", "problems": [{"path", "text", "file", "line"}]}} with one
// of the codes invalid, not_found, conflict, limit, io; "problems" has all reasons, "text" the first. Nothing has
// changed then. Values of sensitive settings are shown as "(hidden)".
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/store/configuration.h"

namespace fulcrum::surface {

class ConfigurationDesk {
 public:
  struct Box {
    std::function<store::Time()> now;
    // Calls back once every worker uses the newest configuration, or when that takes too long: then with the reason.
    std::function<void(std::function<void(const std::string& waiting_for)>)> when_acknowledged;
    // What committing `model` would do: see "radius" above.
    std::function<nlohmann::json(const model::Model& model, const std::vector<document::Change>& changes)> radius;
    // Sentences: which of these changes do not show in `model`, because an operator has said otherwise.
    std::function<std::vector<std::string>(const model::Model& model, const std::vector<document::Change>& changes)>
        hidden;
    // Is told of each commit for a time that was made one for good, and by whom.
    std::function<void(const store::Revision&, const std::string& who)> confirmed;
    // Is told of each candidate that is to be committed later.
    std::function<void(const store::Candidate&)> scheduled;
  };
  ConfigurationDesk(store::Configuration& configuration, Box box)
      : configuration_{configuration}, box_{std::move(box)} {}

  using Done = std::function<void(nlohmann::json)>;
  // `request` is an object with the key "config". Answers at once or, after a commit, later from the loop.
  void answer(const nlohmann::json& request, const Done& done);

 private:
  struct Verb;
  using Json = nlohmann::ordered_json;
  using Request = nlohmann::json;
  static const Verb* find(const std::string& word);

  document::Answer<Json> candidates(const Request& request);
  document::Answer<Json> open(const Request& request);
  document::Answer<Json> discard(const Request& request);
  document::Answer<Json> get(const Request& request);
  document::Answer<Json> text(const Request& request);
  document::Answer<Json> suggest(const Request& request);
  document::Answer<Json> edit(const Request& request);
  document::Answer<Json> diff(const Request& request);
  document::Answer<Json> rebase(const Request& request);
  document::Answer<Json> check(const Request& request);
  document::Answer<Json> schedule(const Request& request);
  document::Answer<Json> confirm(const Request& request);
  document::Answer<Json> history(const Request& request);
  document::Answer<Json> show(const Request& request);
  document::Answer<Json> compare(const Request& request);
  document::Answer<store::Committed> commit(const Request& request);

  [[nodiscard]] document::Answer<document::Document> document_for(const Request& request) const;
  [[nodiscard]] Json describe(const store::Candidate& candidate) const;

  store::Configuration& configuration_;
  Box box_;
};

}  // namespace fulcrum::surface
