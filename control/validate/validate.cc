#include "control/validate/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/validate/farms.h"
#include "control/validate/findings.h"
#include "control/validate/networks.h"

namespace fulcrum {
namespace {

void sort_by_line(std::vector<settings::Problem>& problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const settings::Problem& a, const settings::Problem& b) { return a.line < b.line; });
}

LoadedModel judged(LoadedModel loaded, settings::Reading reading, const KnownPorts& known) {
  loaded.text_hash = reading.text_hash;
  loaded.problems = std::move(reading.problems);
  if (!reading.understood) return loaded;
  for (settings::Problem& problem : validate(loaded.model, reading.sources, known))
    loaded.problems.push_back(std::move(problem));
  sort_by_line(loaded.problems);
  return loaded;
}

void check_management(const model::Management& management, validation::Findings& findings) {
  if (management.certificate.empty() != management.key.empty()) {
    findings.add(management.key.empty() ? "management.key" : "management.certificate",
                 "certificate and key go together: name both files, or neither");
  }
  for (const auto& [name, file] : {std::pair{"certificate", &management.certificate}, {"key", &management.key}}) {
    if (file->empty() || file->starts_with('/')) continue;
    findings.add(fmt::format("management.{}", name), "must begin with a slash");
  }
}

}  // namespace

std::vector<std::pair<std::size_t, std::string>> unknown_ports(const model::Model& model, const KnownPorts& known) {
  std::vector<std::pair<std::size_t, std::string>> unknown;
  for (std::size_t p = 0; known && p < model.ports.size(); ++p) {
    const std::string& name = model.ports[p].name;
    if (std::find(known->begin(), known->end(), name) != known->end()) continue;
    unknown.emplace_back(p, fmt::format("fulcrum-dataplane has no port \"{}\"; it has: {} (dataplane.cfg)", name,
                                        fmt::join(*known, ", ")));
  }
  return unknown;
}

std::vector<settings::Problem> validate(const model::Model& model, const settings::Sources& sources,
                                        const KnownPorts& known) {
  validation::Findings findings{sources};
  if (!model.runtime_dir.starts_with('/') && !findings.is_wrong("runtime_dir")) {
    findings.add("runtime_dir", "must begin with a slash");
  }
  for (const auto& [index, words] : unknown_ports(model, known)) {
    const std::string path = fmt::format("ports[{}].name", index);
    if (!findings.is_wrong(path)) findings.add(path, "{}", words);
  }
  if (!model.state_dir.empty() && !model.state_dir.starts_with('/') && !findings.is_wrong("state_dir")) {
    findings.add("state_dir", "must begin with a slash");
  }
  check_management(model.management, findings);
  const validation::Networks networks{model, findings};
  if (validation::check_sums(model, findings)) validation::check_farms(model, networks, findings);
  std::vector<settings::Problem> problems = findings.take();
  sort_by_line(problems);
  return problems;
}

LoadedModel load_model(const std::string& file, const KnownPorts& known) {
  LoadedModel loaded;
  settings::Reading reading = settings::read_file(file, model::description(), loaded.model);
  return judged(std::move(loaded), std::move(reading), known);
}

LoadedModel load_model_text(std::string_view text, const std::string& name, const KnownPorts& known) {
  LoadedModel loaded;
  settings::Reading reading = settings::read_text(text, name, model::description(), loaded.model);
  return judged(std::move(loaded), std::move(reading), known);
}

}  // namespace fulcrum
