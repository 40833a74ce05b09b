// What fulcrum-control begins with: the file, the history of its revisions, and which of them is in force. See
// store/file_link.h for what the file means.
//
// A file that is wrong, cannot be understood or is not there does not keep the box from its service: the newest
// revision is in force then, and everybody is told. Only without a history is a wrong file the end. The history lies
// where the command line says, else where the file says, and for a file that says nothing where it lies by default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/app/control_lock.h"
#include "control/publish/region_watch.h"
#include "control/store/configuration.h"
#include "control/store/file_link.h"
#include "control/validate/validate.h"

namespace fulcrum {

// Reads, validates and tries to compile. All problems, in words; none: the model may be used.
struct Candidate {
  LoadedModel loaded;
  std::vector<std::string> problems;
};
Candidate read_candidate(const std::string& file, const KnownPorts& known);

// The ports of the region's dataplane; nothing when there is no region.
KnownPorts ports_of(const Region* region);

struct Booted {
  ControlLock lock;
  store::Configuration configuration;
  store::FileLink file;
  std::vector<std::string> rejected;    // why the file is not in force; empty: it is
  std::vector<store::Revision> made{};  // by booting: of the file, or because nobody confirmed one in time
};

// Takes the locks and finds the configuration. `state_dir` goes before what the file says of it. Errors, in words: all
// problems of a first file, another process holds a lock, a directory cannot be used.
tl::expected<Booted, std::vector<std::string>> boot(const std::string& file,
                                                    const std::optional<std::string>& state_dir = std::nullopt);

// The rules between fields, with the ports of the dataplane where it runs. While running, a certificate and key that
// are new must be there and belong together.
store::Configuration::Rules rules_with(std::function<KnownPorts()> known, bool is_running);

}  // namespace fulcrum
