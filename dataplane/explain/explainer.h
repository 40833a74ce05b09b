// Answers the question of contract/explain.h: what the stages would do with a packet, without doing it.
//
// The stages are the workers' own and know nothing of this. What makes them harmless is what they are given to write
// to: a shadow. A first pass over the live tables goes as far as lookup, which only reads, and tells which connection
// and which binding the packet meets. Copies of these two entries are put into tables of a few entries, and copies of
// the worker's counters and cursor into rows of our own; then all stages run over the shadow, and what each of them
// found is written down behind it. Where the live table has no room for another connection, the shadow's has none
// either.
//
// So nothing that the workers see changes, and the hot path pays nothing: there is no flag to test and no policy to
// instantiate. While it reads the live tables this thread takes part in their quiescence, as one reader more, so
// entries it has found are not handed out again under its eyes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dataplane/contract/explain.h"
#include "dataplane/contract/region.h"
#include "dataplane/lookup/tables.h"
#include "dataplane/packet/frame.h"
#include "dataplane/schedule/sequence.h"

namespace fulcrum {

class Explainer {
 public:
  // `cursors[i]` are worker i's. Everything is borrowed.
  Explainer(Region& region, Tables& tables, std::vector<const ScheduleCursors*> cursors);
  ~Explainer();

  // Answers the region's open question, if there is one; true: there was. One thread: housekeeping's.
  bool turn(Tick now) noexcept;
  // What would become of `frame`, whose bytes are changed as they would be. Of the question only slot, generation and
  // worker matter. The thread of turn().
  void explain(const ExplainQuestion& question, const Frame& frame, Tick now, ExplainAnswer& answer) noexcept;

 private:
  struct Shadow;
  class Run;
  [[nodiscard]] bool is_valid(const ExplainQuestion& question) const noexcept;

  Region& region_;
  Tables& tables_;
  std::vector<const ScheduleCursors*> cursors_;
  std::unique_ptr<Shadow> shadow_;
};

}  // namespace fulcrum
