// `fulcrum explain`: from the question's JSON to the dataplane's question, and from its answer to words.
//
// Question: {"explain": {"protocol": "tcp", "source": "198.51.100.7:40000", "destination": "203.0.113.10:443"}}; in it
// also "flags" ("syn,ack"; default "syn"), "port" (the data port it comes in by; default: the one that the way to the
// source leads by), "worker", "ttl", "payload" (bytes); beside it "candidate" (a name) or "revision" (a number): the
// configuration to explain instead of the one in force.
//
// Answer: "outcome" (send, punt, drop; why; in one sentence), "configuration" (revision, generation, hash), "stages"
// (what each of them found, in sentences, with the configuration paths behind it), and the facts: "packet", "service",
// "connection", "persistence", "servers", "rewrite".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "control/surface/local/view.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/explain.h"

namespace fulcrum::surface {

struct ExplainRequest {
  ExplainQuestion question;    // without slot and generation
  std::string candidate;       // name; empty: not about a candidate
  std::uint64_t revision = 0;  // 0: not about an earlier revision
};

// Errors: what is wrong with the question, in words. View: names of ports, and the snapshot for the way to the source.
Result<ExplainRequest> read_explain(const nlohmann::json& question, const View& view);

// `snapshot` is the one that the answer is about.
nlohmann::json explain_answer(const View& view, const ExplainRequest& request, const ExplainQuestion& question,
                              const ExplainAnswer& answer, const Snapshot& snapshot);

}  // namespace fulcrum::surface
