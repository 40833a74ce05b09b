// What is measured: for each farm, server, port, worker and reason of a drop one series of counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::telemetry {

enum class Kind : std::uint8_t { farms = 0, servers = 1, ports = 2, workers = 3, drops = 4 };
inline constexpr std::array<std::string_view, 5> kKindNames{"farms", "servers", "ports", "workers", "drops"};

// Counted in some span of time. In: from clients, or into a port. Of drops only packets_in counts.
enum class Column : std::uint8_t { connections = 0, packets_in = 1, packets_out = 2, bytes_in = 3, bytes_out = 4 };
inline constexpr std::size_t kColumns = 5;
inline constexpr std::array<std::string_view, kColumns> kColumnNames{"connections", "packets_in", "packets_out",
                                                                     "bytes_in", "bytes_out"};
using Counts = std::array<std::uint64_t, kColumns>;

struct SeriesName {
  Kind kind{};
  std::string name;  // of a server "shop/web1", else of the thing itself
  friend auto operator<=>(const SeriesName&, const SeriesName&) = default;
};

// All that was counted in `seconds` before `time`. Series that counted nothing are left out.
struct Sample {
  std::int64_t time = 0;  // seconds since 1970
  std::uint32_t seconds = 1;
  struct Entry {
    const SeriesName* series = nullptr;  // lives as long as the sampler
    Counts counts{};
  };
  std::vector<Entry> entries;  // each series once
};

}  // namespace fulcrum::telemetry
