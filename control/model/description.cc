// Every field of fulcrum.cfg, described once, in the order of the file.
#include "control/model/model.h"
#include "dataplane/contract/capacities.h"

namespace fulcrum::model {
namespace {

using settings::Description;
using settings::field;
using settings::Permission;

constexpr const char* kNameCharacters = "A-Za-z0-9._-";
constexpr std::int64_t kIdleMax = 65535;  // seconds, as wide as the snapshot's fields

// What an administrator wants others to know of it: whose it is, whom to call, which ticket.
template <class Group>
settings::FieldOf<Group> remark_field() {
  return field("remark", &Group::remark, "Words for people (`annotate`); the box does nothing with them.")
      .length(0, kRemarkMax);
}

Description<Port> describe_port() {
  return {{
      field("name", &Port::name, "The port's name in dataplane.cfg. Its kernel twin has the same name.")
          .required()
          .length(1, kPortNameMax)
          .characters(kNameCharacters)
          .sample("\"front\""),
      field("addresses", &Port::addresses,
            "The box's own addresses on this port, each with the prefix length of its subnet.")
          .count(0, 64)
          .sample("[ \"198.51.100.1/24\", \"2001:db8:1::1/64\" ]"),
      remark_field<Port>(),
  }};
}

Description<Route> describe_route() {
  return {{
      field("to", &Route::to, "Destination.").required().key().sample("\"0.0.0.0/0\""),
      field("via", &Route::via, "Address of the gateway, in the subnet of one of the ports.")
          .required()
          .sample("\"198.51.100.254\""),
      remark_field<Route>(),
  }};
}

constexpr std::int64_t kCheckTimeMax = 3'600'000;

Description<PortCheck> describe_port_check() {
  return {{
      field("type", &PortCheck::type, "How it is found out whether a server serves this port.")
          .choice("as_farm", PortCheckType::as_farm, "as the farm's check says")
          .choice("none", PortCheckType::none, "not at all: on this port every server counts as up")
          .choice("tcp_connect", PortCheckType::tcp_connect, "as in the farm's check"),
      field("interval_ms", &PortCheck::interval,
            "As in the farm's check, 100 at least. 0: the farm's; the same holds for the others.")
          .range(0, kCheckTimeMax),
      field("timeout_ms", &PortCheck::timeout, "As in the farm's check, 10 at least.").range(0, kCheckTimeMax),
      field("rise", &PortCheck::rise, "As in the farm's check.").range(0, 100),
      field("fall", &PortCheck::fall, "As in the farm's check.").range(0, 100),
  }};
}

Description<ServicePort> describe_service_port() {
  return {{
      field("protocol", &ServicePort::protocol, "Transport protocol.")
          .key()
          .choice("tcp", Protocol::tcp)
          .choice("udp", Protocol::udp),
      field("port", &ServicePort::port, "The port that clients connect to.")
          .required()
          .key()
          .range(1, 65535)
          .sample("80"),
      field(
          "last_port", &ServicePort::last_port,
          "Makes a range of it: all ports from `port` to this one are served; 0: `port` alone. All ports of an address "
          "are 1 to 65535.")
          .range(0, 65535),
      field(
          "server_port", &ServicePort::server_port,
          "The port that the servers listen on; 0 means the same. Of a range the first: the others follow it. In mode "
          "dsr always the same, because the packet reaches the server unchanged.")
          .range(0, 65535),
      field("check_port", &ServicePort::check_port,
            "The TCP port of the servers that the health check connects to for this port. 0: the port that the servers "
            "listen on; for UDP the one that is checked for the farm's first TCP port. A range that is checked needs "
            "one.")
          .range(0, 65535),
      field("one_packet", &ServicePort::one_packet,
            "For UDP services with one question and one answer (DNS, NTP): each packet is scheduled by itself and no "
            "connection is kept. In mode nat whatever a server sends from this port is an answer of this service, so "
            "it can serve one address and port of the farms in this way."),
      field("check", &ServicePort::check, describe_port_check(), "What this port has of its own in the health check."),
      remark_field<ServicePort>(),
  }};
}

Description<Server> describe_server() {
  return {{
      field("name", &Server::name, "Name of the server, unique in its farm.")
          .required()
          .length(1, kNameMax)
          .characters(kNameCharacters)
          .sample("\"web1\""),
      field("addresses", &Server::addresses,
            "Addresses of the server, at most one IPv4 and one IPv6. It serves the farm's addresses of the families "
            "it has.")
          .required()
          .count(1, 2)
          .sample("[ \"10.1.1.11\", \"fd00:1::11\" ]"),
      field("weight", &Server::weight,
            "Share of new connections, relative to the farm's other servers. The schedulers round_robin and "
            "least_connections do not look at it; 0 drains the server under every scheduler. Under source_hash and "
            "maglev every change of a weight, to 0 as well, makes a new table: some 3 % of the other servers' clients "
            "move too, to the same servers on every box. With state = \"drain\" nobody else's do.")
          .permission(Permission::operate)
          .range(0, 100),
      field("role", &Server::role, "When the server takes part.")
          .choice("active", ServerRole::active,
                  "as long as it can; when it comes back after a failure, a standby that has taken its place keeps it "
                  "until that standby fails or is drained, or this server is enabled (`fulcrum enable`)")
          .choice("favorite", ServerRole::favorite, "as long as it can, and takes its place back from a standby")
          .choice("standby", ServerRole::standby,
                  "in the place of active and favorite servers that cannot; when they can again it keeps its "
                  "connections and the clients that were bound to it, because their sessions are there")
          .choice("last_resort", ServerRole::last_resort,
                  "when no other server of the farm can; when one can again it keeps its TCP connections only, and "
                  "clients that were bound to it move"),
      field("state", &Server::state, "What the administrator wants of the server.")
          .permission(Permission::operate)
          .choice("enabled", AdminState::enabled, "it serves")
          .choice("drain", AdminState::drain,
                  "its connections and the clients that are bound to it go on, nobody else comes; a standby comes in")
          .choice("maintenance", AdminState::maintenance,
                  "nobody comes, and clients that are bound to it move to another server; a standby comes in. What "
                  "becomes of its connections removed_flows and drain_time_s say; clients of UDP leave it as soon as "
                  "its check fails"),
      field("connections_max", &Server::connections_max,
            "With so many connections, over all addresses and ports of the farm, half-open ones among them, the server "
            "is full: nobody comes, clients that are bound to it move to another server, and a standby comes in. 0: no "
            "limit. Packets of one_packet ports keep no connection, so they do not count; a server that is full gets "
            "none of them either.")
          .permission(Permission::operate)
          .range(0, kConnectionsMax),
      field("connections_low", &Server::connections_low,
            "A server that was full takes connections again when it has fewer than so many. 0: three quarters of "
            "connections_max.")
          .permission(Permission::operate)
          .range(0, kConnectionsMax),
      remark_field<Server>(),
  }};
}

Description<Check> describe_check() {
  return {{
      field("type", &Check::type, "How a server's health is found out, on each of the farm's ports.")
          .choice("none", CheckType::none, "every server counts as up")
          .choice("tcp_connect", CheckType::tcp_connect,
                  "a TCP connection to the server's port must come up; UDP ports without check_port follow the farm's "
                  "first TCP port"),
      field("interval_ms", &Check::interval, "Time from the start of one probe to the start of the next.")
          .range(100, kCheckTimeMax),
      field("timeout_ms", &Check::timeout,
            "A probe without an answer fails after this time. At most the interval, so that probes never overlap.")
          .range(10, kCheckTimeMax),
      field("rise", &Check::rise, "Successes in a row after which a server that was down is up.").range(1, 100),
      field("fall", &Check::fall, "Failures in a row after which a server that was up is down.").range(1, 100),
  }};
}

Description<Timeouts> describe_timeouts() {
  return {{
      field("established_s", &Timeouts::established, "Idle time after which an open TCP connection is forgotten.")
          .range(1, 30 * 86400),
      field("embryonic_s", &Timeouts::embryonic, "The same while the TCP handshake is not complete.")
          .range(1, kIdleMax),
      field("closing_s", &Timeouts::closing, "The same once either side began to close.").range(1, kIdleMax),
      field("time_wait_s", &Timeouts::time_wait, "The same once both sides have closed, or the server has refused.")
          .range(1, kIdleMax),
      field("udp_s", &Timeouts::udp, "Idle time after which a UDP client may be given to another server.")
          .range(1, kIdleMax),
  }};
}

Description<Persistence> describe_persistence() {
  return {{
      field("type", &Persistence::type, "What ties a client to its server, on all addresses and ports of the farm.")
          .choice("none", PersistenceType::none, "nothing: every connection is scheduled")
          .choice("client_address", PersistenceType::client_address,
                  "clients of one network, as wide as the masks say, stay with one server"),
      field("mask_v4", &Persistence::mask_v4, "Prefix length of the IPv4 networks that are taken for one client.")
          .range(1, 32),
      field("mask_v6", &Persistence::mask_v6,
            "The same of IPv6. One household is usually a network of length 64 or 56.")
          .range(1, 128),
      field("timeout_s", &Persistence::timeout, "How long a client stays with its server after its last connection.")
          .range(1, 30 * 86400),
  }};
}

Description<Standbys> describe_standbys() {
  return {{
      field("failures", &Standbys::failures,
            "So many active and favorite servers must be missing, by failure, drain or maintenance ...")
          .range(1, 4096),
      field("come_in", &Standbys::come_in,
            "... for so many standbys to come in; as many again for the next ones that are missing. With no active "
            "server left one comes in at least.")
          .range(1, 4096),
  }};
}

settings::FieldOf<Farm> scheduler_field() {
  return field("scheduler", &Farm::scheduler, "Who gets the next connection.")
      .choice("round_robin", SchedulerKind::round_robin, "each server in turn")
      .choice("weighted_round_robin", SchedulerKind::weighted_round_robin,
              "each server in turn, as often as its weight says, evenly spread")
      .choice("least_connections", SchedulerKind::least_connections,
              "the server with the fewest connections, those that are closing among them; of more than 16 usable "
              "servers, the better of two drawn at random. Servers of equal weight differ by about one connection for "
              "each worker, and by those that ended since")
      .choice("weighted_least_connections", SchedulerKind::weighted_least_connections,
              "the same, connections divided by the weight")
      .choice("two_choices", SchedulerKind::two_choices,
              "the server with the fewest connections for its weight of two drawn at random, however many there "
              "are")
      .choice("source_hash", SchedulerKind::source_hash,
              "the client's address decides, by weight: the same server for all its connections, without keeping "
              "anything in memory, on every box with this configuration")
      .choice("maglev", SchedulerKind::maglev,
              "the client's address and port decide, by weight: its connections spread over the servers, and go to "
              "the same ones on every box with this configuration")
      .choice("fastest_response", SchedulerKind::fastest_response,
              "the server with the smallest product of response time and connections, for its weight. The time is "
              "that from SYN to SYN-ACK, in mode dsr the health check's to connect")
      .choice("least_bandwidth", SchedulerKind::least_bandwidth,
              "of two servers drawn at random the one that moved fewer bytes in the last second, for its weight; "
              "in mode dsr only the clients' bytes count");
}

Description<Farm> describe_farm() {
  return {{
      field("name", &Farm::name, "Name of the farm, unique.")
          .required()
          .length(1, kNameMax)
          .characters(kNameCharacters)
          .sample("\"shop\""),
      field("mode", &Farm::mode,
            "How packets reach the servers. No connection can go on the other way: a change resets those there are.")
          .choice("nat", Mode::nat,
                  "the destination becomes the server; its answers must come back through this box, so the box is the "
                  "servers' gateway")
          .choice("dsr", Mode::dsr,
                  "only the MAC address changes; the server has the farm's address on its loopback interface and "
                  "answers the client directly"),
      scheduler_field(),
      field("slow_start_s", &Farm::slow_start,
            "How long a server that has come up takes to its full weight, under the schedulers that go by load: it "
            "would be flooded otherwise. 0: it has it at once.")
          .range(0, kSlowStartMax.count()),
      field("addresses", &Farm::addresses, "The addresses that clients connect to (VIPs). Not the box's own.")
          .required()
          .count(1, 64)
          .sample("[ \"198.51.100.10\", \"2001:db8:1::10\" ]"),
      field("ports", &Farm::ports, describe_service_port(), "The ports that are served, on every address.")
          .required()
          .count(1, 256),
      field("servers", &Farm::servers, describe_server(), "The servers that share the work.")
          .required()
          .count(1, 4096)
          .sample("{ name = \"web2\"; addresses = [ \"10.1.1.12\", \"fd00:1::12\" ]; weight = 5; }"),
      field("check", &Farm::check, describe_check(),
            "Health check of the farm's servers. Each of its ports is checked by itself; a port may say which port of "
            "the "
            "servers is asked (check_port), and how, where that differs (its own check)."),
      field("port_health", &Farm::port_health, "What a server does whose check fails on one of the farm's ports.")
          .choice("bound", PortHealth::bound,
                  "it leaves all ports: who shops with it on port 80 shall be able to pay on port 443. The ports of "
                  "its IPv4 and of its IPv6 address are bound apart")
          .choice("independent", PortHealth::independent, "it leaves that port and serves the others"),
      field("timeouts", &Farm::timeouts, describe_timeouts(), "When an idle connection is forgotten."),
      field("persistence", &Farm::persistence, describe_persistence(),
            "Whether a client's next connection goes to the server that had its last one."),
      field("standbys", &Farm::standbys, describe_standbys(), "When servers of role standby come in."),
      field("removed_flows", &Farm::removed_flows,
            "What becomes of the connections of a server that was removed, got another address or port, or is in "
            "maintenance; and of those of an address or port of the farm that was removed, or of the whole farm.")
          .choice("keep", RemovedFlows::keep, "they go on until they end")
          .choice("drain", RemovedFlows::drain, "they go on for drain_time_s; what is left then is reset")
          .choice("reset", RemovedFlows::reset, "client and server get a TCP reset in answer to their next packet"),
      field("drain_time_s", &Farm::drain_time, "How long, with removed_flows = \"drain\".").range(1, 30 * 86400),
      field("connections_max", &Farm::connections_max,
            "With so many connections over all its servers the farm takes no further one until one has ended; no "
            "standby comes in for that. 0: no limit. Packets of one_packet ports keep no connection: they neither "
            "count nor are they refused for it.")
          .range(0, kConnectionsMax),
      field("no_server", &Farm::no_server,
            "What a client gets whose new connection no server can take, or whose farm is full.")
          .choice("drop", NoServer::drop, "nothing: it tries again by itself, and notices nothing of a short outage")
          .choice("reset", NoServer::reset, "a TCP reset (for UDP as unreachable): it fails at once")
          .choice("unreachable", NoServer::unreachable,
                  "ICMP port unreachable, at most about 1,000 a second and worker"),
      remark_field<Farm>(),
  }};
}

Description<Management> describe_management() {
  return {{
      field("addresses", &Management::addresses,
            "Addresses of this machine at which the REST API is served (HTTPS): \"::\" for all. Empty: not at all.")
          .count(0, 8)
          .sample("[ \"192.0.2.10\" ]"),
      field("port", &Management::port, "TCP port of the REST API.").range(1, 65535),
      field(
          "allowed_hosts", &Management::allowed_hosts,
          "Who may connect to the REST API. Empty: everybody. After a mistake: `fulcrum access rescue` at the console.")
          .count(0, 256)
          .sample("[ \"192.0.2.0/24\" ]"),
      field("certificate", &Management::certificate,
            "PEM file with the certificate, and those between it and the root. Empty: the box makes its own.")
          .length(0, 4096),
      field("key", &Management::key, "PEM file with the certificate's private key.").length(0, 4096),
  }};
}

Description<Model> describe_model() {
  const Description<Model> fields{{
      field("runtime_dir", &Model::runtime_dir,
            "Directory with the shared region and the control socket. The same as in dataplane.cfg.")
          .length(1, 90),
      field("state_dir", &Model::state_dir,
            "Directory of the revisions of this configuration. Empty: /var/lib/fulcrum, or \"state\" in runtime_dir "
            "where that is not /run/fulcrum.")
          .length(0, 200),
      field("management", &Model::management, describe_management(), "The way in for administrators."),
      field("ports", &Model::ports, describe_port(), "Addresses of the data ports.")
          .required()
          .count(1, kPortsMax)
          .sample("{ name = \"back\"; addresses = [ \"10.1.1.1/24\", \"fd00:1::1/64\" ]; }"),
      field("routes", &Model::routes, describe_route(), "Static routes, beyond the subnets of the ports.")
          .count(0, kStaticRoutesMax),
      field("farms", &Model::farms, describe_farm(), "What the box balances.")
          .permission(Permission::farms)
          .count(0, kFarmsMax),
  }};
  return fields.file(
      "fulcrum.cfg: what fulcrum-control serves. Send it SIGHUP to read the file again; a file with a problem changes "
      "nothing. Syntax: libconfig. Text goes in quotes, [ ] holds several values, ( ) holds several groups, # begins a "
      "comment.",
      kModelVersion);
}

}  // namespace

const settings::Description<Model>& description() {
  static const Description<Model> the_one = describe_model();
  return the_one;
}

const Address* Server::address_of(Family family) const {
  for (const Address& address : addresses) {
    if (address.family() == family) return &address;
  }
  return nullptr;
}

std::string Model::state_directory() const {
  if (!state_dir.empty()) return state_dir;
  return runtime_dir == Model{}.runtime_dir ? "/var/lib/fulcrum" : runtime_dir + "/state";
}

std::uint16_t Farm::server_port_of(const ServicePort& port) const {
  return mode == Mode::dsr ? port.port : port.port_at_server();
}

std::uint16_t Farm::probed_port(const ServicePort& port) const {
  if (port.check_port != 0) return port.check_port;
  if (port.protocol == Protocol::tcp) return server_port_of(port);
  for (const ServicePort& other : ports) {
    if (other.protocol == Protocol::tcp) return probed_port(other);
  }
  return 0;
}

Check Farm::check_of(const ServicePort& port) const {
  Check all = check;
  const PortCheck& own = port.check;
  if (own.type != PortCheckType::as_farm)
    all.type = own.type == PortCheckType::none ? CheckType::none : CheckType::tcp_connect;
  if (own.interval.count() != 0) all.interval = own.interval;
  if (own.timeout.count() != 0) all.timeout = own.timeout;
  if (own.rise != 0) all.rise = own.rise;
  if (own.fall != 0) all.fall = own.fall;
  return all;
}

}  // namespace fulcrum::model
