#include "control/surface/api/metrics.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iterator>
#include <utility>
#include <vector>

#include "dataplane/contract/verdict.h"

namespace fulcrum::api {
namespace {

using nlohmann::json;
using Labels = std::vector<std::pair<const char*, std::string>>;

// Of the format: backslash, quote and line break only.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += c;
  }
  return result;
}

class Text {
 public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    fmt::format_to(out_, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(const Labels& labels, std::int64_t value) {
    text_ += name_;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      fmt::format_to(out_, "{}{}=\"{}\"", i == 0 ? '{' : ',', labels[i].first, escaped(labels[i].second));
    }
    fmt::format_to(out_, "{} {}\n", labels.empty() ? "" : "}", value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::back_insert_iterator<std::string> out_{text_};
  const char* name_ = "";
};

struct Family {
  const char* name;
  const char* type;
  const char* help;
  const char* key;  // in the answer's rows
};

std::int64_t number(const json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end()) return 0;
  if (found->is_boolean()) return found->get<bool>() ? 1 : 0;
  return found->is_number() ? found->get<std::int64_t>() : 0;
}

// One family after another, as the format wants it; each over all rows.
template <class LabelsOf>
void rows(Text& text, const json& answer, const char* list, const std::vector<Family>& families, LabelsOf labels_of) {
  const auto found = answer.find(list);
  if (found == answer.end() || !found->is_array()) return;
  for (const Family& family : families) {
    text.family(family.name, family.type, family.help);
    for (const json& row : *found) text.sample(labels_of(row), number(row, family.key));
  }
}

// Only of rows that have a limit.
template <class LabelsOf>
void limits(Text& text, const json& answer, const char* list, const std::vector<Family>& families, LabelsOf labels_of) {
  const json none = json::array();
  const auto found = answer.find(list);
  const json& all = found != answer.end() && found->is_array() ? *found : none;
  for (const Family& family : families) {
    text.family(family.name, family.type, family.help);
    for (const json& row : all) {
      const auto limit = row.find("limit");
      if (limit == row.end() || !limit->is_object()) continue;
      text.sample(labels_of(row), number(*limit, family.key));
    }
  }
}

std::string label(const json& row, const char* key) { return row.value(key, ""); }

const std::vector<Family> kFarm{
    {"fulcrum_farm_servers", "gauge", "Servers of the farm.", "servers_total"},
    {"fulcrum_farm_servers_up", "gauge", "Servers of the farm that their checks found well.", "servers_up"},
    {"fulcrum_farm_servers_serving", "gauge", "Servers of the farm that take new clients.", "servers_serving"},
    {"fulcrum_farm_servers_full", "gauge", "Servers of the farm that have reached their limit.", "servers_full"},
    {"fulcrum_farm_connections", "gauge", "Open connections.", "active_connections"},
    {"fulcrum_farm_closing_connections", "gauge", "Connections that an end has closed.", "closing_connections"},
    {"fulcrum_farm_connections_total", "counter", "Connections opened.", "total_connections"},
    {"fulcrum_farm_received_packets_total", "counter", "Packets from clients.", "packets_in"},
    {"fulcrum_farm_sent_packets_total", "counter", "Packets to clients.", "packets_out"},
    {"fulcrum_farm_received_bytes_total", "counter", "Bytes from clients.", "bytes_in"},
    {"fulcrum_farm_sent_bytes_total", "counter", "Bytes to clients.", "bytes_out"},
};
const std::vector<Family> kFarmLimit{
    {"fulcrum_farm_limit_connections", "gauge", "Connections that count against the farm's limit.", "connections"},
    {"fulcrum_farm_limit_max", "gauge", "Connections that the farm may have.", "max"},
    {"fulcrum_farm_full", "gauge", "Whether the farm has reached its limit.", "is_full"},
};
const std::vector<Family> kServerLimit{
    {"fulcrum_server_limit_connections", "gauge", "Connections that count against the server's limit.", "connections"},
    {"fulcrum_server_limit_max", "gauge", "Connections that the server may have.", "max"},
    {"fulcrum_server_full", "gauge", "Whether the server has reached its limit.", "is_full"},
};
const std::vector<Family> kServer{
    {"fulcrum_server_weight", "gauge", "Share of new connections.", "weight"},
    {"fulcrum_server_connections", "gauge", "Open connections.", "active_connections"},
    {"fulcrum_server_closing_connections", "gauge", "Connections that an end has closed.", "closing_connections"},
    {"fulcrum_server_connections_total", "counter", "Connections opened.", "total_connections"},
    {"fulcrum_server_received_packets_total", "counter", "Packets to the server.", "packets_in"},
    {"fulcrum_server_sent_packets_total", "counter", "Packets from the server.", "packets_out"},
    {"fulcrum_server_received_bytes_total", "counter", "Bytes to the server.", "bytes_in"},
    {"fulcrum_server_sent_bytes_total", "counter", "Bytes from the server.", "bytes_out"},
};
const std::vector<Family> kPort{
    {"fulcrum_port_received_packets_total", "counter", "Packets received on the port.", "received_packets"},
    {"fulcrum_port_sent_packets_total", "counter", "Packets sent on the port.", "sent_packets"},
    {"fulcrum_port_received_bytes_total", "counter", "Bytes received on the port.", "received_bytes"},
    {"fulcrum_port_sent_bytes_total", "counter", "Bytes sent on the port.", "sent_bytes"},
};
const std::vector<Family> kWorker{
    {"fulcrum_worker_received_packets_total", "counter", "Packets the worker took from the ports.", "received"},
    {"fulcrum_worker_sent_packets_total", "counter", "Packets the worker sent.", "sent"},
    {"fulcrum_worker_punted_packets_total", "counter", "Packets the worker handed to Linux.", "punted"},
    {"fulcrum_worker_dropped_packets_total", "counter", "Packets the worker dropped.", "dropped"},
};

// 0 for rows that `is_down`.
template <class IsDown>
void states(Text& text, const json& answer, const char* list, const Family& family, bool is_server, IsDown is_down) {
  text.family(family.name, family.type, family.help);
  const auto found = answer.find(list);
  if (found == answer.end() || !found->is_array()) return;
  for (const json& row : *found) {
    Labels labels{{"farm", label(row, is_server ? "farm" : "name")}};
    if (is_server) {
      labels.insert(labels.end(), {{"server", label(row, "name")},
                                   {"address", label(row, "address")},
                                   {"protocol", label(row, "protocol")},
                                   {"port", std::to_string(number(row, "port"))}});
    }
    text.sample(labels, is_down(row) ? 0 : 1);
  }
}

void drop_reasons(Text& text, const json& drops) {
  text.family("fulcrum_dropped_packets_total", "counter", "Packets dropped, by reason.");
  for (const DropReason& reason : kDropReasonTable) {
    std::int64_t packets = 0;
    for (const json& row : drops.value("drops", json::array())) {
      if (label(row, "reason") == reason.name) packets = number(row, "packets");
    }
    text.sample({{"reason", std::string{reason.name}}}, packets);
  }
}

}  // namespace

std::string metrics_text(const json& farms, const json& servers, const json& drops, const json& version) {
  Text text;
  const json dataplane = version.value("dataplane", json::object());
  const json control = version.value("control", json::object());
  text.family("fulcrum_build_info", "gauge", "The release that runs; always 1.");
  text.sample({{"version", control.value("version", "")}}, 1);
  text.family("fulcrum_dataplane_up", "gauge", "Whether the dataplane is running.");
  text.sample({}, dataplane.value("alive", false) ? 1 : 0);
  text.family("fulcrum_snapshot_generation", "gauge", "The newest compiled configuration.");
  text.sample({}, number(version, "snapshot_generation"));
  states(text, farms, "farms",
         {"fulcrum_farm_up", "gauge", "Whether somebody takes the farm's new clients; 0: that is an outage.", "state"},
         false, [](const json& row) { return label(row, "state") == "down"; });
  const auto farm_labels = [](const json& row) { return Labels{{"farm", label(row, "name")}}; };
  rows(text, farms, "farms", kFarm, farm_labels);
  limits(text, farms, "farms", kFarmLimit, farm_labels);
  states(text, servers, "servers",
         {"fulcrum_server_up", "gauge", "Whether the check found the server's endpoint well.", "state"}, true,
         [](const json& row) { return label(row, "state") != "up"; });
  states(text, servers, "servers",
         {"fulcrum_server_serving", "gauge", "Whether the server's endpoint takes new clients.", "duty"}, true,
         [](const json& row) {
           const json duty = row.value("duty", json());
           return duty.is_string() ? duty != "up" : label(row, "state") != "up";
         });
  const auto server_labels = [](const json& row) {
    return Labels{{"farm", label(row, "farm")},
                  {"server", label(row, "name")},
                  {"address", label(row, "address")},
                  {"protocol", label(row, "protocol")},
                  {"port", std::to_string(number(row, "port"))}};
  };
  rows(text, servers, "servers", kServer, server_labels);
  limits(text, servers, "servers", kServerLimit, server_labels);
  rows(text, drops, "ports", kPort, [](const json& row) { return Labels{{"port", label(row, "name")}}; });
  rows(text, drops, "workers", kWorker, [](const json& row) {
    return Labels{{"worker", std::to_string(number(row, "worker"))}};
  });
  drop_reasons(text, drops);
  return text.take();
}

}  // namespace fulcrum::api
