// Control's part in the golden cases of the real program, reduced to what a case needs: it makes the region that a
// dataplane then finds as after a restart, publishes configurations, and reads the counters.
//
//   golden-region make RUNTIME_DIR CASE        lays out the region
//   golden-region publish RUNTIME_DIR CASE N   compiles configuration N and sends the command; the region must exist
//   golden-region totals RUNTIME_DIR CASE      prints all counters, one "name value" a line
#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "tests/golden/case_file.h"

namespace fulcrum::golden {
namespace {

void print_totals(const Region& region, const Case& golden) {
  const Totals sum = totals(region);
  fmt::print("received {}\nfrom_linux {}\nsent {}\npunted {}\nat_rest {}\n", sum.received, sum.from_linux, sum.sent,
             sum.punted, sum.at_rest() ? 1 : 0);
  for (const DropReason& row : kDropReasonTable) {
    const std::uint64_t count = sum.drops[static_cast<std::size_t>(row.drop)];
    if (count != 0) fmt::print("drop.{} {}\n", row.name, count);
  }
  for (const ExpectedCounter& counter : golden.counters) {
    const auto value = server_counter(region, counter.server, counter.name);
    if (value) fmt::print("{}.{} {}\n", counter.server, counter.name, *value);
  }
}

Result<void> run(std::span<const std::string> words) {
  if (words.size() < 3) return fail(Error::Code::invalid, "", "usage: golden-region WHAT RUNTIME_DIR CASE [N]");
  const auto golden = read_case(words[2]);
  if (!golden) return tl::unexpected<Error>{golden.error()};
  auto region = words[0] == "make"
                    ? Region::create({.runtime_dir = words[1], .hugepage_dir = "", .shape = golden->shape()})
                    : Region::attach(words[1]);
  if (!region) return tl::unexpected<Error>{region.error()};
  if (words[0] == "publish" && words.size() == 4) {
    return publish(*region, *golden, static_cast<unsigned>(std::stoul(words[3])));
  }
  if (words[0] == "totals") print_totals(*region, *golden);
  return {};
}

}  // namespace
}  // namespace fulcrum::golden

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const auto done = fulcrum::golden::run(words);
  if (done) return 0;
  fmt::print(stderr, "golden-region: {}\n", done.error().words());
  return 1;
}
