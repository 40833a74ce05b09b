#include "dataplane/app/config.h"

#include <string>
#include <vector>

#include "dataplane/app/eal.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

constexpr const char* kGood = R"(version = 1;
worker_cores = [ 1 ];
ports = ( { name = "front"; profile = "af_packet"; device = "veth0"; } );
)";

std::vector<std::string> problems_of(const std::string& text) {
  const test::TemporaryDirectory directory;
  std::vector<std::string> words;
  for (const auto& problem : read_config(directory.write("d.cfg", text)).problems) {
    words.push_back(problem.words().substr(directory.path().size() + 1));
  }
  return words;
}

// `text` has this one problem.
void expect_problem(const std::string& text, const std::string& words) {
  const auto found = problems_of(text);
  ASSERT_EQ(found.size(), 1U) << text;
  EXPECT_NE(found[0].find(words), std::string::npos) << found[0];
}

std::string with_ports(const std::string& ports, const std::string& more = "") {
  return "version = 1;\nports = ( " + ports + " );\n" + more;
}

TEST(Config, DefaultsAreThoseOfTheStruct) {
  const test::TemporaryDirectory directory;
  const ConfigReading reading = read_config(directory.write("d.cfg", kGood));
  ASSERT_TRUE(reading.problems.empty()) << reading.problems[0].words();
  EXPECT_EQ(reading.config.runtime_dir, "/run/fulcrum");
  EXPECT_EQ(reading.config.connections, 5'500'000U);
  ASSERT_EQ(reading.ports.size(), 1U);
  EXPECT_EQ(reading.ports[0].profile.driver, "net_af_packet");
  EXPECT_EQ(reading.ports[0].config.mtu, 1500);
}

TEST(Config, FilesThatAPersonStartsFromAreGood) {
  EXPECT_EQ(problems_of(settings::sample_text(config_description())), std::vector<std::string>{});
  const ConfigReading example = read_config(FULCRUM_SOURCE_ROOT "/dataplane/app/dataplane.cfg.example");
  EXPECT_TRUE(example.problems.empty()) << example.problems[0].words();
  EXPECT_EQ(example.ports.size(), 2U);
}

TEST(Config, FileAsAWhole) {
  expect_problem("", "d.cfg");
  EXPECT_FALSE(problems_of(std::string{"\x7f"
                                       "ELF\x02\x01\x00\x00",
                                       8})
                   .empty());
  EXPECT_FALSE(read_config("/nonexistent/d.cfg").problems.empty());
  expect_problem(std::string{kGood} + "wrkers = 2;\n", "d.cfg:4: wrkers: unknown key");
  expect_problem("version = 1;\n", "ports");
}

TEST(Config, EveryProblemIsReported) {
  const auto found =
      problems_of("version = 1;\nidle = \"doze\";\nmemory_mb = 1;\nports = ( { name = \"front\"; } );\n");
  EXPECT_EQ(found.size(), 4U);  // idle, memory_mb, profile, device
}

TEST(Config, Ports) {
  const std::string front = R"({ name = "front"; profile = "tap"; device = "t0"; })";
  expect_problem(with_ports(front + R"(, { name = "front"; profile = "tap"; device = "t1"; })"),
                 "the name of ports[0]");
  expect_problem(with_ports(front + R"(, { name = "back"; profile = "tap"; device = "t0"; })"),
                 "the device of ports[0]");
  expect_problem(with_ports(R"({ name = "lo"; profile = "tap"; device = "t0"; })"), "cannot be the name");
  expect_problem(with_ports(R"({ name = "sixteen-letters-"; profile = "tap"; device = "t0"; })"), "name");
  expect_problem(with_ports(R"({ name = "a b"; profile = "tap"; device = "t0"; })"), "name");
  expect_problem(with_ports(R"({ name = "a"; profile = "ixgb"; device = "t0"; })"), "there are: af_packet");
  expect_problem(with_ports(R"({ name = "a"; profile = "tap"; device = "t0"; mtu = 9000; })"), "above the 1500");
  expect_problem(with_ports(R"({ name = "a"; profile = "tap"; device = "t0,remote=eth0"; })"), "comma");
  expect_problem(with_ports(R"({ name = "a"; profile = "tap"; device = "sixteen-letters-"; })"), "at most 15");
}

TEST(Config, Cores) {
  const std::string front = R"({ name = "front"; profile = "pcap"; device = "t0"; })";
  expect_problem(with_ports(front, "worker_cores = [ 0 ];\n"), "idle = \"sleep\"");
  EXPECT_TRUE(problems_of(with_ports(front, "worker_cores = [ 0 ];\nidle = \"sleep\";\n")).empty());
  expect_problem(with_ports(front, "worker_cores = [ 1, 2 ];\n"), "at most 1 queue");
  EXPECT_EQ(problems_of(with_ports(front, "worker_cores = [ 1, 1 ];\n")).size(), 2U);  // twice, and too many
}

TEST(Config, ProblemsOfAProfileNameItsFile) {
  const test::TemporaryDirectory directory;
  directory.write("x.cfg", "version = 1;\ndriver = \"net_x\";\nquirk = 1;\n");
  const std::string ports = R"({ name = "a"; profile = "x"; device = "0000:01:00.0"; }, )"
                            R"({ name = "b"; profile = "x"; device = "0000:02:00.0"; })";
  const ConfigReading reading =
      read_config(directory.write("d.cfg", with_ports(ports, "profile_dir = \"" + directory.path() + "\";\n")));
  ASSERT_EQ(reading.problems.size(), 1U) << "once, not once for each port";
  const std::string words = reading.problems[0].words();
  EXPECT_NE(words.find("/x.cfg:3: quirk: unknown key"), std::string::npos) << words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += word + " ";
  return all;
}

TEST(EalArguments, LeaveNothingBehind) {
  EalOptions options{.file_prefix = "p",
                     .memory_mb = 99,
                     .hugepages = true,
                     .housekeeping_core = 3,
                     .worker_cores = {1, 3},
                     .pci_devices = {}};
  EXPECT_EQ(joined(Eal::arguments(options)),
            "--lcores 0@3,1@1,2@3 --main-lcore 0 --log-level warning --no-telemetry --file-prefix p -m 99 --in-memory "
            "--no-pci ");
  options.hugepages = false;
  options.pci_devices = {"0000:03:00.0", "0000:03:00.1,a=1"};
  EXPECT_EQ(joined(Eal::arguments(options)),
            "--lcores 0@3,1@1,2@3 --main-lcore 0 --log-level warning --no-telemetry --file-prefix p -m 99 --no-huge "
            "--no-shconf -a 0000:03:00.0 -a 0000:03:00.1,a=1 ");
}

}  // namespace
}  // namespace fulcrum
