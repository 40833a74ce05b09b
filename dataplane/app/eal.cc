#include "dataplane/app/eal.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

// What it warns of although we want it so: other sizes of hugepages than those in use are free of pages, and the
// channel between DPDK processes, which we turn off, is missing.
constexpr std::array<std::string_view, 3> kHarmless{
    "EAL: No free ", "rte_pmd_memif_probe(): Failed to register mp action", "tap_mp_req_on_rxtx(): Failed to send"};

bool is_harmless(std::string_view line) {
  return std::any_of(kHarmless.begin(), kHarmless.end(),
                     [&](std::string_view start) { return line.starts_with(start); });
}

// One call per line or so; DPDK ends its lines with a newline.
ssize_t take_line(void*, const char* bytes, std::size_t length) {
  std::string_view text{bytes, length};
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (!text.empty() && !is_harmless(text)) log_line(Level::warning, fmt::format("DPDK: {}", text));
  return static_cast<ssize_t>(length);
}

Result<void> take_over_log() {
  const cookie_io_functions_t functions{.read = nullptr, .write = take_line, .seek = nullptr, .close = nullptr};
  std::FILE* stream = fopencookie(nullptr, "w", functions);  // lives as long as the process: DPDK may log to the end
  if (stream == nullptr) return fail(Error::Code::io, "DPDK's log", errno_words(errno));
  std::setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  rte_openlog_stream(stream);
  return {};
}

// DPDK makes a directory for each file prefix and never removes it. With our arguments nothing ever lies in it, so it
// goes at once, and none is left when we are killed.
void remove_runtime_directory() { rmdir(rte_eal_get_runtime_dir()); }

}  // namespace

std::vector<std::string> Eal::arguments(const EalOptions& options) {
  std::string threads = fmt::format("0@{}", options.housekeeping_core);
  for (std::size_t i = 0; i < options.worker_cores.size(); ++i)
    threads += fmt::format(",{}@{}", i + 1, options.worker_cores[i]);
  std::vector<std::string> words{"--lcores",
                                 threads,
                                 "--main-lcore",
                                 "0",
                                 "--log-level",
                                 "warning",
                                 "--no-telemetry",
                                 "--file-prefix",
                                 options.file_prefix,
                                 "-m",
                                 std::to_string(options.memory_mb)};
  // Both keep all memory anonymous: nothing of it is left when we are killed.
  if (options.hugepages) {
    words.emplace_back("--in-memory");
  } else {
    words.insert(words.end(), {"--no-huge", "--no-shconf"});
  }
  if (options.pci_devices.empty()) words.emplace_back("--no-pci");
  for (const std::string& device : options.pci_devices) words.insert(words.end(), {"-a", device});
  return words;
}

Result<Eal> Eal::start(const EalOptions& options) {
  if (auto taken = take_over_log(); !taken) return tl::unexpected<Error>{taken.error()};
  std::vector<std::string> words{"fulcrum-dataplane"};
  const auto more = arguments(options);
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const bool started = rte_eal_init(static_cast<int>(words.size()), pointers.data()) >= 0;
  const int reason = rte_errno;
  remove_runtime_directory();
  if (!started) {
    return fail(Error::Code::io, "DPDK",
                fmt::format("does not start: {} (called with: {})", rte_strerror(reason), fmt::join(more, " ")));
  }
  return Eal{};
}

Eal::Eal(Eal&& other) noexcept : running_{std::exchange(other.running_, false)} {}
Eal::~Eal() {
  if (running_) rte_eal_cleanup();
}

}  // namespace fulcrum
