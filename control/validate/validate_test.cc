// What an administrator gets to read for each mistake: a good file, one thing changed, and the lines that come out.
#include "control/validate/validate.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <string>
#include <vector>

using fulcrum::load_model;
using fulcrum::load_model_text;
using fulcrum::LoadedModel;
using Lines = std::vector<std::string>;

namespace {

constexpr const char* kGood = R"(version = 1;
ports = (
  { name = "front"; addresses = [ "198.51.100.1/24", "2001:db8:1::1/64" ]; },
  { name = "back";  addresses = [ "10.1.1.1/24", "fd00:1::1/64" ]; }
);
routes = ( { to = "0.0.0.0/0"; via = "198.51.100.254"; },
           { to = "fd00:9::/32"; via = "fd00:1::fe"; } );
farms = (
  { name = "shop";
    addresses = [ "198.51.100.10", "2001:db8:1::10" ];
    ports = ( { port = 80; server_port = 8080; },
              { protocol = "udp"; port = 80; } );
    servers = (
      { name = "web1"; addresses = [ "10.1.1.11", "fd00:1::11" ]; weight = 10; },
      { name = "web2"; addresses = [ "10.1.1.12" ]; } );
    check = { interval_ms = 1000; timeout_ms = 500; }; },
  { name = "mail"; mode = "dsr";
    addresses = [ "198.51.100.20" ];
    ports = ( { port = 25; } );
    servers = ( { name = "mx"; addresses = [ "10.1.1.13" ]; } );
    check = { type = "none"; }; }
);
)";

// The good file with `from` replaced by `to`.
std::string with(const std::string& from, const std::string& to, std::string text = kGood) {
  const auto at = text.find(from);
  INFO(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Lines problems_of(const std::string& text) {
  return fulcrum::settings::report(load_model_text(text, "f.cfg").problems);
}

}  // namespace

SCENARIO("ports are those of the dataplane, where it is known") {
  const auto problems = [](const fulcrum::KnownPorts& known) {
    return fulcrum::settings::report(load_model_text(kGood, "f.cfg", known).problems);
  };
  CHECK(problems(std::nullopt) == Lines{});
  CHECK(problems(std::vector<std::string>{"back", "front", "third"}) == Lines{});
  CHECK(problems(std::vector<std::string>{"front", "rear"}) ==
        Lines{"f.cfg:4: ports.back.name: fulcrum-dataplane has no port \"back\"; it has: front, rear (dataplane.cfg)"});
}

SCENARIO("a good file is read without a word") {
  const LoadedModel loaded = load_model_text(kGood, "f.cfg");
  CHECK(problems_of(kGood) == Lines{});
  REQUIRE(loaded.model.farms.size() == 2);
  CHECK(loaded.model.farms[0].scheduler == fulcrum::SchedulerKind::weighted_round_robin);
  CHECK(loaded.model.farms[0].ports[1].port_at_server() == 80);
  CHECK(loaded.model.farms[0].probed_port({fulcrum::Protocol::udp, 80}) == 8080);
  CHECK(loaded.model.farms[0].probed_port({fulcrum::Protocol::tcp, 443}) == 443);
  CHECK(loaded.model.farms[1].mode == fulcrum::Mode::dsr);
  CHECK(loaded.model.farms[1].check.type == fulcrum::model::CheckType::none);
  CHECK(loaded.text_hash != load_model_text(std::string{kGood} + " ", "f.cfg").text_hash);
}

SCENARIO("the file as such is no good") {
  CHECK(problems_of("") == Lines{"f.cfg: is empty: --help-config prints a sample"});
  CHECK(problems_of("\x1B]0;owned\x07") == Lines{"f.cfg:1: is not text: byte 0x1b"});
  CHECK(problems_of(with("version = 1;", "version = 2;")) ==
        Lines{"f.cfg:1: version: the integer 2 is not supported: this program reads version = 1; nothing else of the "
              "file was looked at"});
  CHECK(problems_of("farms = 1;") == Lines{"f.cfg: ports: is missing: list of 1 to 16 groups",
                                           "f.cfg:1: version: is missing: the file must begin with version = 1;",
                                           "f.cfg:1: farms: must be a list of groups ( { }, { } ), is the integer 1"});
  CHECK(fulcrum::settings::report(load_model("/nowhere/f.cfg").problems) ==
        Lines{"/nowhere/f.cfg: cannot be read: No such file or directory"});
  CHECK(problems_of(std::string{kGood} + "runtime_dir = \"run\";") ==
        Lines{"f.cfg:23: runtime_dir: must begin with a slash"});
  CHECK(problems_of("version = 1;") == Lines{"f.cfg: ports: is missing: list of 1 to 16 groups"});
}

SCENARIO("single fields are wrong") {
  CHECK(problems_of(with("weight = 10", "wieght = 10")) ==
        Lines{"f.cfg:14: farms.shop.servers.web1.wieght: unknown key; did you mean weight?"});
  CHECK(problems_of(with("weight = 10", "weight = \"10\"")) ==
        Lines{"f.cfg:14: farms.shop.servers.web1.weight: must be an integer, without quotes or decimal point, is the "
              "text \"10\""});
  CHECK(problems_of(with("port = 80;", "port = 65536;")) ==
        Lines{"f.cfg:11: farms.shop.ports[0].port: 65536 is out of range: 1 to 65535"});
  CHECK(problems_of(with("weight = 10", "weight = 101")) ==
        Lines{"f.cfg:14: farms.shop.servers.web1.weight: 101 is out of range: 0 to 100"});
  CHECK(problems_of(with("weight = 10", "weight = 0")) == Lines{});
  CHECK(problems_of(with("weight = 10", "role = \"stand-by\"")) ==
        Lines{"f.cfg:14: farms.shop.servers.web1.role: \"stand-by\" is not known; did you mean standby?"});
  CHECK(problems_of(with("weight = 10", "state = \"broken\"")).size() == 1);
  CHECK(problems_of(with("\"198.51.100.10\"", "\"198.51.100.300\"")) ==
        Lines{"f.cfg:10: farms.shop.addresses[0]: \"198.51.100.300\" is not an IPv4 or IPv6 address"});
  CHECK(problems_of(with("name = \"shop\"", "name = \"the shop\"")) ==
        Lines{"f.cfg:9: farms[0].name: \"the shop\": only A-Za-z0-9._- are allowed"});
  CHECK(problems_of(with("\"dsr\"", "\"drs\"")) ==
        Lines{"f.cfg:17: farms.mail.mode: \"drs\" is not known; did you mean dsr?"});
  const auto persistence = [](const std::string& fields) {
    return problems_of(with("interval_ms = 1000; timeout_ms = 500; };",
                            "interval_ms = 1000; timeout_ms = 500; }; persistence = { " + fields + " };"));
  };
  CHECK(persistence("type = \"client_address\"; mask_v4 = 24; mask_v6 = 64; timeout_s = 360;") == Lines{});
  CHECK(persistence("mask_v4 = 0;") == Lines{"f.cfg:16: farms.shop.persistence.mask_v4: 0 is out of range: 1 to 32"});
  CHECK(persistence("mask_v4 = 33;") == Lines{"f.cfg:16: farms.shop.persistence.mask_v4: 33 is out of range: 1 to 32"});
  CHECK(persistence("mask_v6 = 129;") ==
        Lines{"f.cfg:16: farms.shop.persistence.mask_v6: 129 is out of range: 1 to 128"});
  CHECK(persistence("timeout_s = 0;") ==
        Lines{"f.cfg:16: farms.shop.persistence.timeout_s: 0 is out of range: 1 to 2592000 s"});
  CHECK(problems_of(with("check = { interval_ms = 1000;",
                         "timeouts = { time_wait_s = 0; established_s = 0; udp_s = 65536; }; "
                         "check = { interval_ms = 1000;"))
            .size() == 3);
  CHECK(problems_of(with("interval_ms = 1000", "interval_ms = 50")) ==
        Lines{"f.cfg:16: farms.shop.check.interval_ms: 50 is out of range: 100 to 3600000 ms"});
}

SCENARIO("limits of connections") {
  const auto web1 = [](const std::string& limits) { return problems_of(with("weight = 10", limits)); };
  CHECK(web1("connections_max = 100; connections_low = 100") == Lines{});
  CHECK(web1("connections_max = 100; connections_low = 101") ==
        Lines{"f.cfg:14: farms.shop.servers.web1.connections_low: 101 is above connections_max (100)"});
  CHECK(
      web1("connections_low = 5") ==
      Lines{"f.cfg:14: farms.shop.servers.web1.connections_low: 5 without connections_max: the server is never full"});
  CHECK(web1("connections_max = -1").size() == 1);
  CHECK(problems_of(with("name = \"mail\";", "name = \"mail\"; connections_max = 5;")) == Lines{});
  CHECK(problems_of(with("name = \"mail\";", "name = \"mail\"; connections_max = 1000000001;")).size() == 1);
}

SCENARIO("nobody of a farm is active") {
  const auto mail = [](const std::string& roles) {
    return problems_of(with("addresses = [ \"10.1.1.13\" ]; }", "addresses = [ \"10.1.1.13\" ]; " + roles + " }"));
  };
  const Lines refused{
      "f.cfg:20: farms.mail.servers: all are standby or last_resort: make one at least active or favorite"};
  CHECK(mail("role = \"standby\";") == refused);
  CHECK(mail("role = \"last_resort\";") == refused);
  CHECK(mail("role = \"favorite\";") == Lines{});
  CHECK(problems_of(with("name = \"mx\";", "name = \"mx\"; standbys = 1;")).size() == 1);
}

SCENARIO("a farm lacks a part") {
  const std::string servers = R"(servers = ( { name = "mx"; addresses = [ "10.1.1.13" ]; } );)";
  CHECK(problems_of(with(servers, "")) == Lines{"f.cfg:17: farms.mail.servers: is missing: list of 1 to 4096 groups"});
  CHECK(problems_of(with(servers, "servers = ( );")) ==
        Lines{"f.cfg:20: farms.mail.servers: is empty: at least one is needed"});
  CHECK(problems_of(with("addresses = [ \"198.51.100.20\" ];", "addresses = [ ];")) ==
        Lines{"f.cfg:18: farms.mail.addresses: is empty: at least one is needed"});
  CHECK(problems_of(with("ports = ( { port = 25; } );", "ports = ( );")) ==
        Lines{"f.cfg:19: farms.mail.ports: is empty: at least one is needed"});
  CHECK(problems_of(with("[ \"10.1.1.11\", \"fd00:1::11\" ]", "[ \"10.1.1.11\" ]")) ==
        Lines{"f.cfg:10: farms.shop.addresses[1]: no server of the farm has an IPv6 address to serve it"});
}

SCENARIO("a model that came from elsewhere lacks a part") {
  LoadedModel loaded = load_model_text(kGood, "f.cfg");
  loaded.model.farms[1].servers.clear();
  loaded.model.farms[0].addresses.clear();
  CHECK(fulcrum::settings::report(fulcrum::validate(loaded.model, {})) ==
        Lines{"farms[0].addresses: is empty: a farm needs at least one address",
              "farms[1].servers: is empty: a farm needs at least one server"});
}

SCENARIO("names and services are given twice") {
  CHECK(problems_of(with("\"mail\"", "\"shop\"")) ==
        Lines{"f.cfg:17: farms[1].name: \"shop\" is already the name of farms.shop (line 9)"});
  CHECK(
      problems_of(with("\"web2\"", "\"web1\"")) ==
      Lines{"f.cfg:15: farms.shop.servers[1].name: \"web1\" is already the name of farms.shop.servers.web1 (line 14)"});
  CHECK(problems_of(with("\"back\"", "\"front\"")) ==
        Lines{"f.cfg:4: ports[1].name: \"front\" is already the name of ports.front (line 3)"});
  CHECK(problems_of(with("\"back\"", "\"lo\"")) ==
        Lines{"f.cfg:4: ports.lo.name: \"lo\" has another meaning for Linux: choose another name"});
  CHECK(problems_of(with("port = 25", "port = 80", with("\"198.51.100.20\"", "\"198.51.100.10\""))) ==
        Lines{"f.cfg:18: farms.mail.addresses[0]: 198.51.100.10 tcp port 80 is already served by farms.shop (line 9)"});
  CHECK(problems_of(with("port = 25", "port = 80; }, { protocol = \"udp\"; port = 80",
                         with("\"198.51.100.20\"", "\"198.51.100.10\"")))
            .size() == 1);
  CHECK(problems_of(with("\"198.51.100.20\"", "\"198.51.100.10\"")) == Lines{});
  CHECK(problems_of(with("protocol = \"udp\"", "protocol = \"tcp\"")) ==
        Lines{"f.cfg:12: farms.shop.ports[1].port: tcp port 80 is given twice in this farm: "
              "farms.shop.ports[0] (line 11)"});
  CHECK(problems_of(with("\"2001:db8:1::10\"", "\"198.51.100.10\"")) ==
        Lines{"f.cfg:10: farms.shop.addresses[1]: 198.51.100.10 is given twice in this farm"});
  CHECK(problems_of(with("\"10.1.1.12\"", "\"10.1.1.11\"")) ==
        Lines{"f.cfg:15: farms.shop.servers.web2.addresses[0]: 10.1.1.11 is already the address of "
              "farms.shop.servers.web1 (line 14)"});
}

SCENARIO("an address cannot be a farm's") {
  const auto vip = [](const std::string& address) {
    return problems_of(with("\"198.51.100.20\"", '"' + address + '"'));
  };
  const std::string at = "f.cfg:18: farms.mail.addresses[0]: ";
  CHECK(vip("198.51.100.1") ==
        Lines{at + "198.51.100.1 is an address of the box itself: ports.front.addresses[0] (line 3)"});
  CHECK(vip("10.1.1.12") ==
        Lines{at + "10.1.1.12 is the address of a server: farms.shop.servers.web2.addresses[0] (line 15)"});
  CHECK(vip("198.51.100.0") == Lines{at + "198.51.100.0 is the network address of 198.51.100.0/24"});
  CHECK(vip("198.51.100.255") == Lines{at + "198.51.100.255 is the broadcast address of 198.51.100.0/24"});
  CHECK(vip("224.0.0.5") == Lines{at + "224.0.0.5 is a multicast address"});
  CHECK(vip("ff02::1") == Lines{at + "ff02::1 is a multicast address"});
  CHECK(vip("127.0.0.1") == Lines{at + "127.0.0.1 is a loopback address"});
  CHECK(vip("::1") == Lines{at + "::1 is a loopback address"});
  CHECK(vip("0.0.0.0") == Lines{at + "0.0.0.0 is not an address of a host"});
  CHECK(vip("::") == Lines{at + ":: is not an address of a host"});
  CHECK(vip("255.255.255.255") == Lines{at + "255.255.255.255 is a reserved or broadcast address"});
  CHECK(vip("fe80::1") == Lines{at + "fe80::1 is a link-local address, which is not unique on the box"});
  CHECK(vip("192.0.2.77") == Lines{});
}

SCENARIO("a server cannot be reached") {
  const auto server = [](const std::string& address, std::string text = kGood) {
    return problems_of(with("\"10.1.1.12\"", '"' + address + '"', std::move(text)));
  };
  const std::string no_default = with("{ to = \"0.0.0.0/0\"; via = \"198.51.100.254\"; },", "");
  const std::string at = "f.cfg:15: farms.shop.servers.web2.addresses[0]: ";
  CHECK(server("10.7.7.7") == Lines{});
  CHECK(server("10.7.7.7", no_default) == Lines{at + "10.7.7.7 is in no subnet of a port, and no route leads there"});
  CHECK(server("fd00:8::1") == Lines{at + "fd00:8::1 is in no subnet of a port, and no route leads there"});
  CHECK(server("fd00:9::1") == Lines{});
  CHECK(server("10.1.1.1") == Lines{at + "10.1.1.1 is an address of the box itself: ports.back.addresses[0] (line 4)"});
  CHECK(server("10.1.1.255") == Lines{at + "10.1.1.255 is the broadcast address of 10.1.1.0/24"});
  CHECK(server("127.0.0.1") == Lines{at + "127.0.0.1 is a loopback address"});
  CHECK(
      problems_of(
          with("\"10.1.1.11\", \"fd00:1::11\"", "\"10.1.1.11\", \"10.1.1.21\"", with(", \"2001:db8:1::10\"", ""))) ==
      Lines{
          "f.cfg:14: farms.shop.servers.web1.addresses: two IPv4 addresses: a server has at most one of each family"});
}

SCENARIO("mode dsr is asked for what it cannot do") {
  CHECK(
      problems_of(with("\"10.1.1.13\"", "\"10.7.7.7\"")) ==
      Lines{
          "f.cfg:20: farms.mail.servers.mx.addresses[0]: 10.7.7.7 is behind a gateway: mode dsr needs the server in a "
          "subnet of a port"});
  CHECK(
      problems_of(with("port = 25", "port = 25; server_port = 2525")) ==
      Lines{
          "f.cfg:19: farms.mail.ports[0].server_port: 2525 differs from port 25: in mode dsr packets reach the server "
          "unchanged, so leave server_port out"});
  CHECK(problems_of(with("port = 25", "port = 25; server_port = 25")) == Lines{});
}

SCENARIO("ports and routes do not fit together") {
  CHECK(
      problems_of(with("\"10.1.1.1/24\"", "\"198.51.100.1/24\", \"10.1.1.1/24\"")) ==
      Lines{"f.cfg:4: ports.back.addresses[0]: 198.51.100.1 is already an address of the box: ports.front.addresses[0] "
            "(line 3)"});
  CHECK(
      problems_of(with("\"10.1.1.1/24\"", "\"198.51.100.129/25\", \"10.1.1.1/24\"")) ==
      Lines{"f.cfg:4: ports.back.addresses[0]: the subnet 198.51.100.128/25 overlaps 198.51.100.0/24 of another port: "
            "ports.front.addresses[0] (line 3)"});
  CHECK(problems_of(with("\"10.1.1.1/24\"", "\"10.1.1.1/24\", \"10.1.1.2/24\"")) == Lines{});
  CHECK(problems_of(with("\"10.1.1.1/24\"", "\"10.1.1.1/24\", \"192.0.2.0/31\", \"fd00:5::/127\", \"192.0.2.9/32\"")) ==
        Lines{});
  CHECK(problems_of(with("\"10.1.1.1/24\"", "\"10.1.1.0/24\"")) ==
        Lines{"f.cfg:4: ports.back.addresses[0]: 10.1.1.0/24 is the network address of 10.1.1.0/24: give the box's own "
              "address in it"});
  CHECK(problems_of(with("\"10.1.1.1/24\"", "\"10.1.1.1/0\", \"10.1.1.1/24\"")) ==
        Lines{"f.cfg:4: ports.back.addresses[0]: 10.1.1.1/0 is no subnet: the prefix length must not be 0"});
  CHECK(problems_of(with("\"fd00:1::1/64\"", "\"fd00:1::1/64\", \"fe80::1/64\"")) ==
        Lines{"f.cfg:4: ports.back.addresses[2]: fe80::1/64 is a link-local address, which is not unique on the box"});
  CHECK(problems_of(with("\"198.51.100.254\"", "\"192.0.2.1\"")) ==
        Lines{"f.cfg:6: routes[0].via: the gateway 192.0.2.1 is in no subnet of a port"});
  CHECK(problems_of(with("\"198.51.100.254\"", "\"10.1.1.1\"")) ==
        Lines{"f.cfg:6: routes[0].via: 10.1.1.1 is the box's own address: ports.back.addresses[0] (line 4)"});
  CHECK(problems_of(with("\"198.51.100.254\"", "\"fd00:1::fe\"")) ==
        Lines{"f.cfg:6: routes[0].via: fd00:1::fe is of another address family than 0.0.0.0/0"});
  CHECK(problems_of(with("\"fd00:9::/32\"", "\"fd00:9::1/32\"")) ==
        Lines{"f.cfg:7: routes[1].to: fd00:9::1/32 is an address in a subnet: write fd00:9::/32"});
  CHECK(problems_of(with("\"fd00:9::/32\"; via = \"fd00:1::fe\"", "\"0.0.0.0/0\"; via = \"10.1.1.9\"")) ==
        Lines{"f.cfg:7: routes[1].to: 0.0.0.0/0 already has a route: routes[0].to (line 6)"});
  CHECK(problems_of(with("\"fd00:9::/32\"", "\"fd00:1::/64\"")) ==
        Lines{"f.cfg:7: routes[1].to: fd00:1::/64 is the subnet of a port and needs no route"});
}

SCENARIO("a check makes no sense") {
  CHECK(
      problems_of(with("timeout_ms = 500", "timeout_ms = 1001")) ==
      Lines{"f.cfg:16: farms.shop.check.timeout_ms: 1001 ms is longer than interval_ms (1000): probes would overlap"});
  CHECK(
      problems_of(with("interval_ms = 1000; timeout_ms = 500", "interval_ms = 1000")) ==
      Lines{"f.cfg:16: farms.shop.check.timeout_ms: 2000 ms is longer than interval_ms (1000): probes would overlap"});
  CHECK(problems_of(with("{ port = 25; }", "{ protocol = \"udp\"; port = 25; }", with("type = \"none\";", ""))) ==
        Lines{"f.cfg:21: farms.mail.check.type: tcp_connect needs a TCP port, and this farm has none: give its ports a "
              "check_port, or write \"none\""});
  CHECK(problems_of(
            with("{ port = 25; }", "{ protocol = \"udp\"; port = 25; check_port = 25; }", with("type = \"none\";", "")))
            .empty());
  CHECK(
      problems_of(with("{ protocol = \"udp\"; port = 80; }", "{ port = 81; server_port = 8080; check_port = 81; }")) ==
      Lines{"f.cfg:12: farms.shop.ports[1].check_port: tcp port 8080 of the servers is checked at port 8080 already: "
            "farms.shop.ports[0] (line 11)"});
}

SCENARIO("a port's own check makes no sense") {
  const auto own = [](const std::string& check) {
    return problems_of(with("server_port = 8080; }", "server_port = 8080; check = { " + check + " }; }"));
  };
  CHECK(own("interval_ms = 600; fall = 1;") == Lines{});
  CHECK(own("timeout_ms = 1000; rise = 100;") == Lines{});
  CHECK(own("type = \"none\"; timeout_ms = 1001;") == Lines{});
  CHECK(own("timeout_ms = 1001;") ==
        Lines{"f.cfg:11: farms.shop.ports[0].check.timeout_ms: 1001 ms is longer than interval_ms (1000): probes would "
              "overlap"});
  CHECK(own("interval_ms = 499;") ==
        Lines{"f.cfg:11: farms.shop.ports[0].check.interval_ms: 500 ms is longer than interval_ms (499): probes would "
              "overlap"});
  CHECK(
      own("interval_ms = 99; timeout_ms = 9;") ==
      Lines{"f.cfg:11: farms.shop.ports[0].check.interval_ms: 99 is out of bounds: 0 (as the farm's), or 100 at least",
            "f.cfg:11: farms.shop.ports[0].check.timeout_ms: 9 is out of bounds: 0 (as the farm's), or 10 at least"});
  CHECK(problems_of(
            with("{ protocol = \"udp\"; port = 80; }", "{ port = 81; server_port = 8080; check = { fall = 1; }; }")) ==
        Lines{"f.cfg:12: farms.shop.ports[1].check: tcp port 8080 of the servers is checked in another way already: "
              "farms.shop.ports[0] (line 11)"});
  CHECK(
      problems_of(with("{ port = 25; }", "{ protocol = \"udp\"; port = 25; check = { type = \"tcp_connect\"; }; }")) ==
      Lines{"f.cfg:19: farms.mail.ports[0].check.type: tcp_connect needs a TCP port, and this farm has none: give its "
            "ports a check_port, or write \"none\""});
  CHECK(problems_of(
            with("{ port = 80; server_port = 8080; }", "{ port = 80; last_port = 90; check = { type = \"none\"; }; }"))
            .empty());
}

SCENARIO("a service of one packet makes no sense") {
  const std::string udp =
      with("{ protocol = \"udp\"; port = 80; }", "{ protocol = \"udp\"; port = 53; one_packet = true; }");
  CHECK(problems_of(udp) == Lines{});
  CHECK(problems_of(with("{ port = 80;", "{ port = 80; one_packet = true;")) ==
        Lines{"f.cfg:11: farms.shop.ports[0].one_packet: is for UDP: a TCP connection is more than one packet"});
  CHECK(
      problems_of(with("port = 53;", "port = 53; last_port = 54; check_port = 53;", udp)) ==
      Lines{"f.cfg:12: farms.shop.ports[1].one_packet: does not go with a range: give each port its own entry, without "
            "last_port"});
  CHECK(problems_of(with("\"2001:db8:1::10\"", "\"198.51.100.11\"", udp)) ==
        Lines{"f.cfg:12: farms.shop.ports[1].one_packet: answers of 10.1.1.11 udp port 53 could be of 198.51.100.11 or "
              "of 198.51.100.10, see farms.shop.ports[1] (line 12): give one of them another server_port, or take mode "
              "dsr"});
  CHECK(problems_of(with("name = \"shop\";", "name = \"shop\"; scheduler = \"least_connections\";", udp)) ==
        Lines{"f.cfg:9: farms.shop.scheduler: counts connections, and farms.shop.ports[1] (line 12) keeps none: take "
              "round_robin, weighted_round_robin, source_hash, maglev or least_bandwidth"});
}

SCENARIO("many things are wrong at once") {
  std::string text = with("\"mail\"", "\"shop\"");
  text = with("weight = 10", "weight = 101; color = \"red\"", text);
  text = with("\"198.51.100.20\"", "\"198.51.100.1\"", text);
  text = with("\"10.1.1.13\"", "\"127.0.0.1\"", text);
  text = with("port = 25", "port = \"smtp\"", text);
  text = with("\"198.51.100.254\"", "\"192.0.2.1\"", text);
  CHECK(problems_of(text) ==
        Lines{"f.cfg:6: routes[0].via: the gateway 192.0.2.1 is in no subnet of a port",
              "f.cfg:14: farms.shop.servers.web1.weight: 101 is out of range: 0 to 100",
              "f.cfg:14: farms.shop.servers.web1.color: unknown key; known here: name, addresses, weight, role, state, "
              "connections_max, connections_low, remark",
              "f.cfg:17: farms[1].name: \"shop\" is already the name of farms.shop (line 9)",
              "f.cfg:18: farms[1].addresses[0]: 198.51.100.1 is an address of the box itself: ports.front.addresses[0] "
              "(line 3)",
              "f.cfg:19: farms[1].ports[0].port: must be an integer, without quotes or decimal point, is the text "
              "\"smtp\"",
              "f.cfg:20: farms[1].servers.mx.addresses[0]: 127.0.0.1 is a loopback address"});
}

SCENARIO("one mistake is one line, whatever depends on it") {
  CHECK(problems_of(with("\"10.1.1.1/24\"", "\"10.1.1.1\"")) ==
        Lines{"f.cfg:4: ports.back.addresses[0]: \"10.1.1.1\" has no prefix length: write for example 10.1.1.1/24"});
  CHECK(problems_of(with("\"fd00:1::fe\"", "\"fd00:2::fe\"", with("\"10.1.1.12\"", "\"fd00:9::1\""))) ==
        Lines{"f.cfg:7: routes[1].via: the gateway fd00:2::fe is in no subnet of a port"});
  CHECK(problems_of(with("\"fd00:1::11\"", "\"fd00:1:11\"")) ==
        Lines{"f.cfg:14: farms.shop.servers.web1.addresses[1]: \"fd00:1:11\" is not an IPv4 or IPv6 address"});
}

SCENARIO("there is too much of everything", "[figures]") {
  const auto farms = [](int count, const std::string& ports, const std::string& servers) {
    std::string text = "version = 1;\nports = ( { name = \"p\"; addresses = [ \"10.0.0.1/8\" ]; } );\nfarms = (\n";
    for (int i = 0; i < count; ++i) {
      text += fmt::format("{}{{ name = \"f{}\"; addresses = [ \"10.1.{}.{}\" ]; ports = ( {} ); servers = ( {} ); }}\n",
                          i == 0 ? "" : ",", i, i / 200, i % 200 + 1, ports, servers);
    }
    return text + ");\n";
  };
  const auto many = [](int count, const std::string& form) {
    std::string text;
    for (int i = 1; i <= count; ++i)
      text += (i == 1 ? "" : ", ") + fmt::format(fmt::runtime(form), i, i / 200, i % 200 + 1);
    return text;
  };
  const std::string server = R"({{ name = "s{0}"; addresses = [ "10.9.{1}.{2}" ]; weight = 97; }})";
  const std::string one_port = "{ port = 80; }";
  CHECK(problems_of(farms(10000, one_port, many(1, server))) ==
        Lines{"f.cfg:3: farms: 10000 elements are too many: at most 4096"});
  CHECK(problems_of(farms(4096, one_port, many(1, server))) == Lines{});
  CHECK(problems_of(farms(4096, "{ port = 80; }, { port = 81; }, { port = 82; }", many(1, server))) ==
        Lines{"f.cfg:3: farms: the farms make 12288 services (addresses times ports), the box has room for 8192"});
  CHECK(problems_of(
            with("\"f1\"", "\"f0\"", farms(4096, "{ port = 80; }, { port = 81; }, { port = 82; }", many(1, server))))
            .size() == 1);
  CHECK(problems_of(farms(400, one_port, many(100, server))) ==
        Lines{"f.cfg:3: farms: the farms make 40000 servers (each counts once for every address and port), the box has "
              "room for 32768"});
  CHECK(
      problems_of(
          farms(300, one_port, many(100, server) + R"(, { name = "odd"; addresses = [ "10.8.0.1" ]; weight = 1; })")) ==
      Lines{
          "f.cfg:3: farms: the weights make 2910300 turns (for every address and port their sum, divided by what they "
          "have in common; with source_hash and maglev up to 65,537 for the farm), the box has room for 2097152"});
  // 65,537 slots for each farm, and its 660 servers twice.
  const auto hashed_farms = [&](int count) {
    std::string text = farms(count, one_port, many(660, server));
    for (std::size_t at = 0; (at = text.find("{ name = \"f", at)) != std::string::npos; ++at)
      text.insert(at + 2, "scheduler = \"maglev\"; ");
    return text;
  };
  CHECK(problems_of(hashed_farms(31)) == Lines{});
  CHECK(problems_of(hashed_farms(32)).size() == 1);
}

SCENARIO("a person reads no more than fifty lines") {
  std::string text = "version = 1; ports = ( { name = \"p\"; addresses = [ \"10.0.0.1/8\" ]; } ); farms = (\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{}{{ name = \"f{}\"; }}\n", i == 0 ? "" : ",", i);
  const Lines lines = problems_of(text + ");");
  REQUIRE(lines.size() == 51);
  CHECK(lines.back() == "and 130 more problems");
}

SCENARIO("the files that a person starts from are good") {
  CHECK(fulcrum::settings::report(load_model(FULCRUM_SOURCE_ROOT "/control/app/fulcrum.cfg.example").problems) ==
        Lines{});
  const std::string sample = fulcrum::settings::sample_text(fulcrum::model::description());
  CHECK(problems_of(sample) == Lines{});
  for (std::size_t at = 0; at < sample.size(); at = sample.find('\n', at) + 1) {
    CHECK(sample.find('\n', at) - at <= 80);
  }
}
