#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <optional>

#include "control/surface/local/explain.h"
#include "control/surface/local/question_keys.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

struct Endpoint {
  Address address;
  Be16 port{0};
};

Result<Endpoint> read_endpoint(const json& from, const char* key) {
  const auto refuse = [&] {
    return fail(Error::Code::invalid, key, "is an address and a port, as in 198.51.100.7:40000 or [2001:db8::7]:40000");
  };
  const auto found = from.find(key);
  if (found == from.end() || !found->is_string()) return refuse();
  const auto text = found->get<std::string>();
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return refuse();
  std::string address = text.substr(0, colon);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  const auto parsed = Address::parse(address);
  if (!parsed || parsed->is_v4() == bracketed) return refuse();
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > UINT16_MAX) return refuse();
  return Endpoint{*parsed, Be16{static_cast<std::uint16_t>(port)}};
}

struct Flag {
  std::string_view name;
  std::uint8_t bit;
};
constexpr std::array<Flag, 6> kFlags{
    {{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08}, {"ack", 0x10}, {"urg", 0x20}}};

Result<std::uint8_t> read_flags(std::string text) {
  unsigned flags = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("|,+"), text.size());
    const std::string word = text.substr(0, end);
    text.erase(0, std::min(end + 1, text.size()));
    const auto known = std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& flag) { return flag.name == word; });
    if (known == kFlags.end()) {
      return fail(Error::Code::invalid, "flags", "are of syn, ack, fin, rst, psh and urg, with commas between them");
    }
    flags |= known->bit;
  }
  return static_cast<std::uint8_t>(flags);
}

Result<std::uint64_t> read_number(const json& from, const char* key, std::uint64_t otherwise, std::uint64_t most) {
  const auto found = from.find(key);
  if (found == from.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most) {
    return fail(Error::Code::invalid, key, fmt::format("is a number from 0 to {}", most));
  }
  return found->get<std::uint64_t>();
}

// The data port of that name, or the one by which the way to `source` leads.
Result<PortId> read_port(const json& from, const View& view, const Address& source) {
  const auto& ports = view.region->header().ports;
  const auto named = from.find("port");
  if (named != from.end()) {
    std::string known;
    for (std::uint8_t i = 0; i < kPortsMax; ++i) {
      if (ports[i].in_use == 0) continue;
      if (named->is_string() && ports[i].name.view() == named->get<std::string>()) return PortId{i};
      known += (known.empty() ? "" : ", ") + std::string{ports[i].name.view()};
    }
    return fail(Error::Code::not_found, "port", "is none of the data ports: " + known);
  }
  const NextHop way = find_route(*view.snapshot, source);
  const bool leads = way.kind == RouteKind::on_link || way.kind == RouteKind::gateway;
  if (leads && way.port.value < kPortsMax && ports[way.port.value].in_use != 0) return way.port;
  for (std::uint8_t i = 0; i < kPortsMax; ++i) {
    if (ports[i].in_use != 0) return PortId{i};
  }
  return fail(Error::Code::not_found, "port", "the dataplane has no data port");
}

Result<void> check_explain_keys(const json& question, const json& packet) {
  return check_keys(question, {"explain", "candidate", "revision"}).and_then([&] {
    return check_keys(packet, {"protocol", "source", "destination", "flags", "port", "worker", "ttl", "payload"},
                      "a packet to explain");
  });
}

Result<void> read_addresses(const json& packet, ExplainQuestion& into) {
  const auto source = read_endpoint(packet, "source");
  if (!source) return tl::unexpected<Error>{source.error()};
  const auto destination = read_endpoint(packet, "destination");
  if (!destination) return tl::unexpected<Error>{destination.error()};
  if (source->address.is_v4() != destination->address.is_v4()) {
    return fail(Error::Code::invalid, "destination", "is of another family than the source");
  }
  into.source = source->address;
  into.source_port = source->port;
  into.destination = destination->address;
  into.destination_port = destination->port;
  return {};
}

Result<void> read_kind(const json& packet, const View& view, ExplainQuestion& into) {
  const auto protocol = packet.value("protocol", json());
  if (protocol != "tcp" && protocol != "udp") return fail(Error::Code::invalid, "protocol", "is tcp or udp");
  into.protocol = protocol == "tcp" ? Protocol::tcp : Protocol::udp;
  const auto flags = packet.value("flags", json("syn"));
  if (!flags.is_string()) return fail(Error::Code::invalid, "flags", "is a text like \"syn,ack\"");
  const auto bits = read_flags(flags.get<std::string>());
  if (!bits) return tl::unexpected<Error>{bits.error()};
  into.tcp_flags = *bits;
  const auto worker = read_number(packet, "worker", 0, view.region->workers() - 1);
  if (!worker) return tl::unexpected<Error>{worker.error()};
  into.worker = WorkerId{static_cast<std::uint8_t>(*worker)};
  const auto ttl = read_number(packet, "ttl", 64, UINT8_MAX);
  if (!ttl) return tl::unexpected<Error>{ttl.error()};
  into.ttl = static_cast<std::uint8_t>(*ttl);
  const auto payload = read_number(packet, "payload", 0, kExplainPayloadMax);
  if (!payload) return tl::unexpected<Error>{payload.error()};
  into.payload = static_cast<std::uint16_t>(*payload);
  return {};
}

}  // namespace

Result<ExplainRequest> read_explain(const json& question, const View& view) {
  const json& packet = question.at("explain");
  if (!packet.is_object()) return fail(Error::Code::invalid, "explain", "is an object that describes a packet");
  if (auto keys = check_explain_keys(question, packet); !keys) return tl::unexpected<Error>{keys.error()};
  if (view.region == nullptr || view.snapshot == nullptr || !view.dataplane_alive) {
    return fail(Error::Code::io, "", "the dataplane is not running: only it knows what it would do");
  }
  ExplainRequest request;
  if (auto read = read_addresses(packet, request.question); !read) return tl::unexpected<Error>{read.error()};
  if (auto read = read_kind(packet, view, request.question); !read) return tl::unexpected<Error>{read.error()};
  const auto port = read_port(packet, view, request.question.source);
  if (!port) return tl::unexpected<Error>{port.error()};
  request.question.port = *port;
  const auto candidate = question.value("candidate", json(""));
  if (!candidate.is_string()) return fail(Error::Code::invalid, "candidate", "is the name of a candidate");
  request.candidate = candidate.get<std::string>();
  const auto revision = read_number(question, "revision", 0, INT64_MAX);
  if (!revision) return tl::unexpected<Error>{revision.error()};
  request.revision = *revision;
  if (request.revision != 0 && !request.candidate.empty()) {
    return fail(Error::Code::invalid, "revision", "does not go with a candidate: say one of them");
  }
  return request;
}

}  // namespace fulcrum::surface
