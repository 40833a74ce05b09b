// The program itself: what it says and how it exits when something is wrong, that it starts, stops and comes back.
// Needs root, except where said; FULCRUM_DATAPLANE names the program.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "dataplane/base/owned_fd.h"
#include "dataplane/contract/region.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

using test::CommandResult;
using test::LabNamespace;
using test::run_command;

constexpr int kPatienceMilliseconds = 20000;

std::string program() { return getenv("FULCRUM_DATAPLANE"); }

std::string read_whole(const std::string& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// A lab: a namespace for the box with two interfaces, one for its twins, a runtime directory, a start file.
struct Lab {
  test::TemporaryDirectory directory;
  LabNamespace box{"box"};
  LabNamespace twins{"twins", LabNamespace::Unmade{}};
  std::string ports = R"({ name = "front"; profile = "af_packet"; device = "veth0"; })";
  std::string workers = "[ 0 ]";
  int memory_mb = 48;
  std::string more;

  Lab() { box.ip("link add veth0 type veth peer name veth1"); }
  [[nodiscard]] std::string runtime_dir() const { return directory.path() + "/run"; }
  [[nodiscard]] std::string config() const {
    return directory.write("d.cfg", "version = 1;\nruntime_dir = \"" + runtime_dir() +
                                        "\";\nmemory_mb = " + std::to_string(memory_mb) +
                                        ";\nconnections = 4096;\nidle = \"sleep\";\ntwin_namespace = \"" +
                                        twins.name() + "\";\nhousekeeping_core = 0;\nworker_cores = " + workers +
                                        ";\n" + more + "ports = ( " + ports + " );\n");
  }
  [[nodiscard]] CommandResult run(const std::string& options = "") const {
    return box.exec("timeout 30 " + program() + " --config " + config() + " " + options);
  }
};

// The program, running in the lab until this object dies.
class Running {
 public:
  explicit Running(const Lab& lab, const std::string& option = "", const std::string& output = "/output")
      : output_{lab.directory.path() + output} {
    const std::string config = lab.config();
    unlink(output_.c_str());  // an earlier one's words are not ours
    process_ = fork();
    if (process_ == 0) {
      const int file = open(output_.c_str(), O_WRONLY | O_CREAT, 0600);
      dup2(file, STDERR_FILENO);
      execlp("ip", "ip", "netns", "exec", lab.box.name().c_str(), program().c_str(), "--config", config.c_str(),
             option.empty() ? nullptr : option.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Running() {
    if (process_ > 0) end(SIGKILL);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Until it says that it runs; false when it ended instead.
  bool wait_until_it_runs() { return wait_until_it_says("running: "); }
  bool wait_until_it_says(const std::string& words) {
    return wait_until([&] { return output().find(words) != std::string::npos; });
  }
  // The first one that it ignores: set right after it has blocked the others and before it starts anything.
  bool wait_until_it_takes_signals() {
    return wait_until([&] {
      const std::string status = read_whole("/proc/" + std::to_string(process_) + "/status");
      const std::size_t line = status.find("SigIgn:");
      return line != std::string::npos &&
             (std::stoull(status.substr(line + 7), nullptr, 16) & 1U << (SIGPIPE - 1)) != 0;
    });
  }
  bool wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < kPatienceMilliseconds / 10; ++i) {
      if (holds()) return true;
      if (waitpid(process_, nullptr, WNOHANG) == process_) {
        process_ = -1;
        return false;
      }
      poll(nullptr, 0, 10);
    }
    return false;
  }
  void send(int signal) const { kill(process_, signal); }
  // Sends the signal and returns how it ended: exit status, or 128 + signal.
  int end(int signal) {
    int status = 0;
    kill(process_, signal);
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  [[nodiscard]] std::string output() const { return read_whole(output_); }

 private:
  std::string output_;
  pid_t process_ = -1;
};

void expect_refusal(const CommandResult& result, const std::string& words) {
  EXPECT_EQ(result.status, 2) << result.output;
  EXPECT_NE(result.output.find(words), std::string::npos) << result.output;
}

TEST(Options, WrongOnesAreRefused) {
  expect_refusal(run_command(program()), "--config FILE");
  expect_refusal(run_command(program() + " --config"), "needs a value");
  expect_refusal(run_command(program() + " --confg x"), "\"--confg\" is no option");
  expect_refusal(run_command(program() + " --config /x y"), "\"y\" is no option");
  expect_refusal(run_command(program() + " --config /nonexistent.cfg"), "/nonexistent.cfg");
}

TEST(Options, TextsAreOnStandardOutput) {
  EXPECT_NE(run_command(program() + " --version 2>/dev/null").output.find("fulcrum-dataplane "), std::string::npos);
  EXPECT_NE(run_command(program() + " --help 2>/dev/null").output.find("--cold"), std::string::npos);
  EXPECT_NE(run_command(program() + " --help-config 2>/dev/null").output.find("worker_cores"), std::string::npos);
  EXPECT_NE(run_command(program() + " --help-profile 2>/dev/null").output.find("receive_descriptors"),
            std::string::npos);
}

TEST(Options, CheckOnlyReads) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.write(
      "d.cfg",
      "version = 1;\nports = ( { name = \"a\"; profile = \"tap\"; device = \"t\"; } );\nworker_cores = [ 1 ];\n");
  const auto good = run_command(program() + " --check --config " + file);
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.output, "");
  directory.write("d.cfg", "version = 1;\nidel = 1;\n");
  expect_refusal(run_command(program() + " --check --config " + file), ":2: idel: unknown key");
}

class Start : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::is_root()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(Start, NotRoot) {
  const test::TemporaryDirectory directory;
  run_command("chmod 755 " + directory.path());
  const std::string file =
      directory.write("d.cfg", "version = 1;\nports = ( { name = \"a\"; profile = \"tap\"; device = \"t\"; } );\n");
  // Where the program lies, another user may not look.
  run_command("cp " + program() + " " + directory.path() + "/program");
  expect_refusal(run_command("setpriv --reuid 65534 --regid 65534 --clear-groups " + directory.path() +
                             "/program --config " + file),
                 "must be started as root");
}

TEST_F(Start, HugepagesRequiredButNotThere) {
  Lab lab;
  lab.memory_mb = 1'000'000;  // more than any machine of ours has free
  lab.more = "hugepages = \"required\";\n";
  expect_refusal(lab.run(), "hugepages: required, but");
}

TEST_F(Start, MoreMemoryThanTheMachineHas) {
  Lab lab;
  lab.memory_mb = 1'000'000;
  lab.more = "hugepages = \"off\";\n";
  expect_refusal(lab.run(), "memory_mb: this machine has ");
  EXPECT_NE(access((lab.runtime_dir() + "/region").c_str(), F_OK), 0) << "a region was made";
}

TEST_F(Start, HangingUpChangesNothing) {
  Lab lab;
  Running running{lab};
  ASSERT_TRUE(running.wait_until_it_runs()) << running.output();
  running.send(SIGHUP);
  EXPECT_TRUE(running.wait_until_it_says("SIGHUP changes nothing here")) << running.output();
  EXPECT_EQ(running.end(SIGTERM), 0) << running.output();
}

// It waits two seconds for another dataplane that holds its region.
TEST_F(Start, ASignalEndsTheStart) {
  Lab lab;
  Running first{lab};
  ASSERT_TRUE(first.wait_until_it_runs()) << first.output();
  run_command("mkdir " + lab.directory.path() + "/second");
  Running second{lab, "--cold", "/second/output"};
  ASSERT_TRUE(second.wait_until_it_takes_signals());
  EXPECT_EQ(second.end(SIGTERM), 128 + SIGTERM) << second.output();
  EXPECT_NE(second.output().find("stopped while it was starting"), std::string::npos) << second.output();
}

TEST_F(Start, CoreThatIsNotThere) {
  Lab lab;
  lab.workers = "[ 1000 ]";
  expect_refusal(lab.run(), "worker_cores[0]: this machine has no core 1000");
}

TEST_F(Start, InterfaceThatIsNotThere) {
  Lab lab;
  lab.ports = R"({ name = "front"; profile = "af_packet"; device = "veth7"; })";
  expect_refusal(lab.run(), ":9: ports.front.device: veth7: no such network interface here; there are: veth");
}

TEST_F(Start, AllThatTheMachineLacksIsSaidAtOnce) {
  Lab lab;
  lab.workers = "[ 1000, 1001 ]";
  lab.memory_mb = 1'000'000;
  lab.more = "hugepages = \"off\";\n";
  lab.ports = R"({ name = "front"; profile = "af_packet"; device = "veth7"; },
    { name = "back"; profile = "af_packet"; device = "veth8"; },
    { name = "side"; profile = "ixgbe"; device = "ffff:03:00.0"; })";
  const CommandResult result = lab.run();
  for (const char* words :
       {"d.cfg:8: worker_cores[0]: this machine has no core 1000",
        "d.cfg:8: worker_cores[1]: this machine has no core 1", "d.cfg:10: ports.front.device: veth7: no such",
        "d.cfg:11: ports.back.device: veth8: no such", "d.cfg:12: ports.side.device: ffff:03:00.0: no such PCI device",
        "d.cfg:3: memory_mb: this machine has "}) {
    expect_refusal(result, words);
  }
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 6) << result.output;
  EXPECT_NE(access((lab.runtime_dir() + "/region").c_str(), F_OK), 0) << "a region was made";
}

TEST_F(Start, RegionOfRandomBytes) {
  Lab lab;
  run_command("mkdir " + lab.runtime_dir() + "; head -c 8000000 /dev/urandom > " + lab.runtime_dir() + "/region");
  expect_refusal(lab.run(), "is not a region of Fulcrum");
  expect_refusal(lab.run(), "start fulcrum-dataplane with --cold");
  Running cold{lab, "--cold"};
  ASSERT_TRUE(cold.wait_until_it_runs()) << cold.output();
  EXPECT_EQ(cold.end(SIGTERM), 0);
}

TEST_F(Start, InterfaceWithAnAddress) {
  Lab lab;
  lab.box.ip("address add 192.0.2.1/24 dev veth0");
  expect_refusal(lab.run(), "carries the IPv4 address 192.0.2.1");
}

TEST_F(Start, PciDeviceThatIsNotThere) {
  Lab lab;
  lab.ports = R"({ name = "front"; profile = "ixgbe"; device = "ffff:03:00.0"; })";
  expect_refusal(lab.run(), "no such PCI device");
}

TEST_F(Start, DriverThatIsNotInstalled) {
  Lab lab;
  lab.more = "profile_dir = \"" + lab.directory.path() + "\";\n";
  lab.ports = R"({ name = "front"; profile = "odd"; device = "x"; })";
  lab.directory.write("odd.cfg",
                      "version = 1;\ndevice = \"path\";\ndriver = \"net_odd\";\npackage = \"librte-net-odd\";\n");
  expect_refusal(lab.run(), "DPDK has no driver net_odd: is the package librte-net-odd installed?");
}

TEST_F(Start, TooLittleMemory) {
  Lab lab;
  lab.memory_mb = 32;
  lab.more = "profile_dir = \"" + lab.directory.path() + "\";\n";
  lab.ports = R"({ name = "front"; profile = "long"; device = "veth0"; })";
  lab.directory.write("long.cfg",
                      "version = 1;\ndevice = \"interface\";\ndriver = \"net_af_packet\";\n"
                      "receive_descriptors = 8192;\ntransmit_descriptors = 8192;\n");
  expect_refusal(lab.run(), "memory_mb: 32 MB are too little");
}

TEST_F(Start, TooFewQueuesOfTheDevice) {
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "needs two cores";
  Lab lab;
  lab.workers = "[ 0, 1 ]";
  lab.more = "profile_dir = \"" + lab.directory.path() + "\";\n";
  lab.directory.write("one.cfg",
                      "version = 1;\ndevice = \"interface\";\ndriver = \"net_af_packet\";\n"
                      "arguments = \"iface={device},qpairs=1\";\n");
  lab.ports = R"({ name = "front"; profile = "one"; device = "veth0"; })";
  expect_refusal(lab.run(), "has 1 queue and 2 workers need one each");
}

TEST_F(Start, TwinNameThatIsTaken) {
  Lab lab;
  run_command("ip netns add " + lab.twins.name());
  lab.twins.ip("link add front type veth peer name x");
  expect_refusal(lab.run(), "namespace " + lab.twins.name() + " has an interface of this name already");
}

TEST_F(Start, RunsStopsAndLeavesOnlyItsTwin) {
  Lab lab;
  Running running{lab};
  ASSERT_TRUE(running.wait_until_it_runs()) << running.output();
  EXPECT_EQ(lab.twins.ip("link show front").status, 0) << "its twin";
  const auto region = Region::attach(lab.runtime_dir());
  ASSERT_TRUE(region) << region.error().words();
  EXPECT_EQ(region->header().dataplane_starts.load(), 1U);
  EXPECT_NE(region->header().dataplane_pid.load(), 0U);
  EXPECT_EQ(region->header().twin_namespace.view(), lab.twins.name());
  EXPECT_EQ(region->header().ports[0].name.view(), "front");
  EXPECT_EQ(region->header().ports[0].mtu, 1500);
  EXPECT_EQ(region->header().ports[0].in_use, 1U);
  EXPECT_NE(lab.twins.ip("link show front").output.find(region->header().ports[0].mac.text()), std::string::npos);
  EXPECT_EQ(region->header().ports[1].in_use, 0U);

  std::string flat = lab.runtime_dir();
  std::replace(flat.begin(), flat.end(), '/', '-');
  EXPECT_NE(access(("/run/dpdk/fulcrum" + flat).c_str(), F_OK), 0) << "DPDK's directory is there";

  EXPECT_EQ(running.end(SIGTERM), 0) << running.output();
  EXPECT_EQ(running.output().find("did not come back"), std::string::npos) << running.output();
  EXPECT_EQ(lab.twins.ip("link show front").status, 0) << "its twin went";
  EXPECT_EQ(region->header().dataplane_pid.load(), 0U);
}

TEST_F(Start, TwinOfAPortThatWasRenamedGoes) {
  Lab lab;
  {
    Running first{lab};
    ASSERT_TRUE(first.wait_until_it_runs()) << first.output();
  }
  lab.ports = R"({ name = "outside"; profile = "af_packet"; device = "veth0"; })";
  Running second{lab};
  ASSERT_TRUE(second.wait_until_it_runs()) << second.output();
  EXPECT_NE(lab.twins.ip("link show front").status, 0) << "its twin stayed";
  EXPECT_EQ(lab.twins.ip("link show outside").status, 0);
}

TEST_F(Start, SecondOneIsRefused) {
  Lab lab;
  Running running{lab};
  ASSERT_TRUE(running.wait_until_it_runs()) << running.output();
  expect_refusal(lab.run(), "another fulcrum-dataplane is running with this region");
  // With a region of its own it still cannot have the port.
  const std::string other = lab.directory.path() + "/other.cfg";
  run_command("sed 's#/run\"#/run2\"#' " + lab.config() + " > " + other);
  expect_refusal(lab.box.exec("timeout 30 " + program() + " --config " + other),
                 ".device: veth0: port already in use by another fulcrum-dataplane");
  EXPECT_EQ(running.end(SIGINT), 0) << running.output();
}

TEST_F(Start, ComesBackWarmAfterKill) {
  Lab lab;
  {
    Running first{lab};
    ASSERT_TRUE(first.wait_until_it_runs()) << first.output();
    EXPECT_EQ(first.end(SIGKILL), 128 + SIGKILL);
  }
  std::uint64_t boot = 0;
  {
    const auto region = Region::attach(lab.runtime_dir());
    ASSERT_TRUE(region);
    boot = region->header().boot_id;
  }
  Running second{lab};
  ASSERT_TRUE(second.wait_until_it_runs()) << second.output();
  const auto region = Region::attach(lab.runtime_dir());
  ASSERT_TRUE(region);
  EXPECT_EQ(region->header().boot_id, boot);
  EXPECT_EQ(region->header().dataplane_starts.load(), 2U);
  EXPECT_EQ(second.end(SIGTERM), 0);
}

TEST_F(Start, RegionOfAnotherVersionNeedsCold) {
  Lab lab;
  lab.more = "hugepages = \"off\";\n";  // nobody can write to a file of hugepages
  {
    Running first{lab};
    ASSERT_TRUE(first.wait_until_it_runs()) << first.output();
    EXPECT_EQ(first.end(SIGTERM), 0);
  }
  {
    const OwnedFd file{open((lab.runtime_dir() + "/region").c_str(), O_WRONLY | O_CLOEXEC)};
    const std::uint32_t other = kLayoutVersion + 1;
    ASSERT_EQ(pwrite(file.get(), &other, sizeof other, offsetof(RegionHeader, layout_version)), 4);
  }
  expect_refusal(lab.run(), "--cold");
  Running cold{lab, "--cold"};
  ASSERT_TRUE(cold.wait_until_it_runs()) << cold.output();
  EXPECT_EQ(cold.end(SIGTERM), 0);
}

}  // namespace
}  // namespace fulcrum
