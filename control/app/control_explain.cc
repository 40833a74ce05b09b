// `fulcrum explain`: which configuration the dataplane is asked about.
#include <memory>

#include "control/app/blast_radius.h"
#include "control/app/control.h"

namespace fulcrum {

void Control::explain(const surface::ExplainRequest& request, Questioner::Done done) {
  if (!request.candidate.empty() || request.revision != 0) return explain_draft(request, std::move(done));
  questioner_.ask(
      [this, asked = request.question](ExplainQuestion& question) -> Result<void> {
        question = asked;
        question.slot = watch_.region()->worker(asked.worker.value).status.slot.load(std::memory_order_relaxed);
        question.generation = generation_of(watch_.region()->snapshot(question.slot % kSnapshotSlots));
        return {};
      },
      std::move(done));
}

Result<document::Document> Control::document_of(const surface::ExplainRequest& request) const {
  const auto refuse = [&](const document::Refusal& why) {
    return fail(why.code, "", why.problems.empty() ? "cannot be read" : why.problems.front().words());
  };
  if (!request.candidate.empty()) {
    const auto candidate = configuration_.find(request.candidate);
    if (!candidate) return refuse(candidate.error());
    return (*candidate)->document;
  }
  auto document = configuration_.history().document(request.revision);
  if (!document) return refuse(document.error());
  return std::move(*document);
}

// Compiled as if it were committed, with what is known of the servers now, into a slot that no worker is told of.
void Control::explain_draft(const surface::ExplainRequest& request, Questioner::Done done) {
  const auto document = document_of(request);
  if (!document) return done({}, tl::unexpected<Error>{document.error()});
  if (const auto problems = configuration_.problems_of(*document); !problems.empty()) {
    return done({}, fail(Error::Code::invalid, "", problems.front().words()));
  }
  const auto planned =
      overlay_.over(std::make_shared<const model::Model>(document::object_of<model::Model>(*document)));
  questioner_.ask(
      [this, planned, hash = document->hash(), asked = request.question](ExplainQuestion& question) -> Result<void> {
        const auto draft =
            publisher_.draft([&](std::uint64_t generation, const Snapshot* previous, Snapshot& into) -> Result<void> {
              const auto ways = routes();
              const auto compiled =
                  compile({.model = *planned,
                           .routes = ways,
                           .generation = generation,
                           .model_hash = hash,
                           .now = to_tick(monotonic_now()),
                           .now_s = unix_seconds(),
                           .previous = previous,
                           .state = [this](const ServerEndpoint& endpoint) { return state_of(endpoint); },
                           .has_connections = [](ServerId) { return true; },
                           .is_full = [this](std::uint16_t limit) { return is_full(*watch_.region(), limit); },
                           .is_called_back = {},
                           .neighbour = {}},
                          into);
              if (!compiled) return tl::unexpected<Error>{compiled.error()};
              return {};
            });
        if (!draft) return tl::unexpected<Error>{draft.error()};
        if (!*draft) return fail(Error::Code::limit, "", "no snapshot slot is free: a worker has not acknowledged");
        question = asked;
        question.slot = (*draft)->slot;
        question.generation = (*draft)->generation;
        return {};
      },
      std::move(done));
}

}  // namespace fulcrum
