// What an administrator may get wrong about farms, through the whole way of a file: refused with path and reason, and
// nothing has changed.
#include <fmt/format.h>

#include "control/app/config_manual.h"
#include "control/store/configuration.h"
#include "control/store/file_link.h"
#include "control/store/revision_json.h"
#include "control/validate/validate.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum::store {
namespace {

// What the good configuration is made of, and what a row of the table says instead.
struct Parts {
  std::string server = R"({ name = "web1"; addresses = [ "10.1.1.11" ]; weight = 10; })";
  std::string ports = "{ port = 80; }";
  std::string check = "type = \"none\";";
  std::string more{};   // of the first farm
  std::string farms{};  // behind it
};

std::string text_of(const Parts& parts) {
  return fmt::format(R"(version = 1;
ports = ( {{ name = "front"; addresses = [ "198.51.100.1/24", "2001:db8:1::1/64" ]; }},
          {{ name = "back"; addresses = [ "10.1.0.1/16" ]; }} );
farms = ( {{ name = "shop"; addresses = [ "198.51.100.10" ];
            ports = ( {} );
            servers = ( {} );
            check = {{ {} }}; {} }}{} );
)",
                     parts.ports, parts.server, parts.check, parts.more, parts.farms);
}

std::string second_farm(const std::string& ports) {
  return fmt::format(R"(, {{ name = "mail"; addresses = [ "198.51.100.10" ]; ports = ( {} );
  servers = ( {{ name = "mx"; addresses = [ "10.1.1.12" ]; }} ); check = {{ type = "none"; }}; }})",
                     ports);
}

// `count` servers, from 10.1.16.0 on.
std::string many_servers(unsigned count) {
  std::string servers;
  for (unsigned i = 0; i < count; ++i) {
    const unsigned host = 0x1000 + i;
    servers += fmt::format("{}{{ name = \"s{}\"; addresses = [ \"10.1.{}.{}\" ]; }}", i == 0 ? "" : ",\n", i,
                           host / 256 % 256, host % 256);
  }
  return servers;
}

std::string sixteen_farms() {
  std::string farms;
  for (unsigned i = 1; i < 16; ++i) {
    farms += fmt::format(", {{ name = \"farm{}\"; addresses = [ \"198.51.100.{}\" ]; ports = ( {{ port = 80; }} );\n",
                         i, 100 + i) +
             "servers = ( " + many_servers(4096) + " ); check = { type = \"none\"; }; }";
  }
  return farms;
}

struct BadInput {
  const char* name;
  Parts parts;
  const char* problem;  // without file and line
};

std::vector<BadInput> bad_inputs() {
  const auto persistence = [](const char* mask) {
    return fmt::format("persistence = {{ type = \"client_address\"; {}; }};", mask);
  };
  const std::string standby = R"({ name = "web1"; addresses = [ "10.1.1.11" ]; role = "standby"; })";
  return {
      {"weight_101",
       {.server = R"({ name = "web1"; addresses = [ "10.1.1.11" ]; weight = 101; })"},
       "farms.shop.servers.web1.weight: 101 is out of range: 0 to 100"},
      {"standby_only",
       {.server = standby},
       "farms.shop.servers: all are standby or last_resort: make one at least active or favorite"},
      {"mask_v4_0", {.more = persistence("mask_v4 = 0")}, "farms.shop.persistence.mask_v4: 0 is out of range: 1 to 32"},
      {"mask_v4_33",
       {.more = persistence("mask_v4 = 33")},
       "farms.shop.persistence.mask_v4: 33 is out of range: 1 to 32"},
      {"mask_v6_0",
       {.more = persistence("mask_v6 = 0")},
       "farms.shop.persistence.mask_v6: 0 is out of range: 1 to 128"},
      {"mask_v6_129",
       {.more = persistence("mask_v6 = 129")},
       "farms.shop.persistence.mask_v6: 129 is out of range: 1 to 128"},
      {"a_port_twice",
       {.ports = "{ port = 80; }, { port = 80; server_port = 8080; }"},
       "farms.shop.ports[1].port: tcp port 80 is given twice in this farm: farms.shop.ports[0] (line 5)"},
      {"a_service_in_two_farms",
       {.farms = second_farm("{ port = 25; }, { port = 80; }")},
       "farms.mail.addresses[0]: 198.51.100.10 tcp port 80 is already served by farms.shop (line 4)"},
      {"a_range_over_a_port_of_the_farm",
       {.ports = "{ port = 8080; }, { port = 8000; last_port = 8099; }"},
       "farms.shop.ports[1].port: tcp port 8080 is given twice in this farm: farms.shop.ports[0] (line 5)"},
      {"a_range_over_a_port_of_another",
       {.farms = second_farm("{ port = 70; last_port = 90; }")},
       "farms.mail.addresses[0]: 198.51.100.10 tcp port 80 is already served by farms.shop (line 4)"},
      {"a_port_in_a_range_of_another",
       {.ports = "{ port = 1; last_port = 65535; }", .farms = second_farm("{ port = 25; }")},
       "farms.mail.addresses[0]: 198.51.100.10 tcp port 25 is already served by farms.shop (line 4)"},
      {"ranges_that_overlap",
       {.ports = "{ port = 8000; last_port = 8099; }", .farms = second_farm("{ port = 8099; last_port = 8100; }")},
       "farms.mail.addresses[0]: 198.51.100.10 tcp port 8099 is already served by farms.shop (line 4)"},
      {"a_range_that_ends_before_it_begins",
       {.ports = "{ port = 8000; last_port = 7999; }"},
       "farms.shop.ports[0].last_port: 7999 is below port 8000"},
      {"and_that_somebody_shall_check",
       {.ports = "{ port = 8000; last_port = 7999; }", .check = ""},
       "farms.shop.ports[0].last_port: 7999 is below port 8000"},
      {"a_range_beyond_the_last_port",
       {.ports = "{ port = 1; last_port = 1000; server_port = 65000; }"},
       "farms.shop.ports[0].server_port: 65000 and the 999 ports behind it go beyond 65535"},
      {"a_range_that_nobody_can_check",
       {.ports = "{ port = 8000; last_port = 8099; }", .check = ""},
       "farms.shop.ports[0].check_port: is missing: say which port of the servers speaks for the 100 ports of this "
       "range"},
      {"65536_servers_in_a_farm",
       {.server = many_servers(65536)},
       "farms.shop.servers: 65536 elements are too many: at most 4096"},
      {"65536_servers",
       {.server = many_servers(4096), .farms = sixteen_farms()},
       "farms: the farms make 65536 servers (each counts once for every address and port), the box has room for 32768"},
  };
}

class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    auto history = History::open(directory_.path() + "/state", model::description().shape());
    ASSERT_TRUE(history) << history.error().words();
    configuration_.emplace(
        std::move(*history),
        Configuration::Rules{
            .validate = [](const auto& model, const auto& sources) { return validate(model, sources); },
            .may_follow = [](const auto&, const auto&) { return std::vector<std::pair<std::string, std::string>>{}; }});
    configuration_->on_applied([this](const Committed&) { ++applied_; });
    link_.emplace(file_, directory_.path() + "/state");
    ASSERT_EQ(read(text_of({})).kind, FileLink::News::Kind::taken);
  }
  FileLink::News read(const std::string& text) {
    directory_.write("fulcrum.cfg", text);
    return link_->read(*configuration_, *parse_time("2026-01-01T12:00:00.000Z"), "test");
  }

  test::TemporaryDirectory directory_;
  std::string file_ = directory_.write("fulcrum.cfg", "");
  int applied_ = 0;
  std::optional<Configuration> configuration_;
  std::optional<FileLink> link_;
};

TEST_F(BadInputTest, IsRefusedBeforeAnythingChanges) {
  const std::uint64_t hash = configuration_->current().hash();
  const auto model = configuration_->model();
  ASSERT_EQ(applied_, 1);
  for (const BadInput& row : bad_inputs()) {
    SCOPED_TRACE(row.name);
    const FileLink::News news = read(text_of(row.parts));
    EXPECT_EQ(news.kind, FileLink::News::Kind::refused);
    ASSERT_EQ(news.problems.size(), 1U) << (news.problems.empty() ? "" : news.problems.back().words());
    const std::string words = news.problems[0].words();
    EXPECT_NE(words.find(row.problem), std::string::npos) << words;
    EXPECT_EQ(configuration_->history().newest().number, 1U);
    EXPECT_EQ(configuration_->current().hash(), hash);
    EXPECT_EQ(configuration_->model(), model);
    EXPECT_EQ(applied_, 1);
  }
}

TEST_F(BadInputTest, WhatTheManualShowsIsTaken) {
  const FileLink::News news = read(std::string{example_configuration()});
  EXPECT_EQ(news.kind, FileLink::News::Kind::taken);
  EXPECT_TRUE(news.problems.empty()) << news.problems.front().words();
}

}  // namespace
}  // namespace fulcrum::store
