#include "drivers/port/profiles.h"

#include <algorithm>
#include <set>
#include <string>

#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

TEST(Profiles, EveryBuiltInOneIsGood) {
  std::set<std::string> names;
  for (const EmbeddedProfile& one : embedded_profiles()) {
    names.emplace(one.name);
    const ProfileReading reading = read_profile(std::string{one.name}, "");
    for (const auto& problem : reading.problems) ADD_FAILURE() << problem.words();
    EXPECT_EQ(reading.profile.name, one.name);
    EXPECT_FALSE(reading.profile.help.empty()) << one.name;
    EXPECT_FALSE(reading.profile.package.empty()) << one.name;
    EXPECT_EQ(fill_in(reading.profile, "", 1, 1500).find('{'), std::string::npos) << one.name;
  }
  const std::set<std::string> wanted{"af_packet", "af_xdp", "e1000e", "i40e", "ice",    "igb",    "ixgbe",
                                     "memory",    "mlx5",   "pcap",   "tap",  "virtio", "vmxnet3"};
  EXPECT_EQ(names, wanted);
}

TEST(Profiles, LabInterfacesVerifyChecksumsInSoftware) {
  for (const char* name : {"af_packet", "af_xdp", "tap", "pcap", "virtio"}) {
    EXPECT_EQ(read_profile(name, "").profile.checksum, ChecksumCheck::software) << name;
  }
  EXPECT_EQ(read_profile("ixgbe", "").profile.checksum, ChecksumCheck::hardware);
}

TEST(Profiles, WrongKeyIsNamedWithFileLineAndTheKeysThereAre) {
  const test::TemporaryDirectory directory;
  const std::string file =
      directory.write("ixgbe.cfg", "version = 1;\ndriver = \"net_ixgbe\";\nrecieve_descriptors = 512;\ncolour = 10;\n");
  const ProfileReading reading = read_profile("ixgbe", directory.path());
  ASSERT_EQ(reading.problems.size(), 2U);
  const std::string near = reading.problems[0].words();
  EXPECT_NE(near.find(file + ":3: recieve_descriptors"), std::string::npos) << near;
  EXPECT_NE(near.find("receive_descriptors?"), std::string::npos) << near;
  const std::string far = reading.problems[1].words();
  EXPECT_NE(far.find(file + ":4: colour"), std::string::npos) << far;
  for (const auto& field : profile_description().shape()->fields) {
    EXPECT_NE(far.find(field.name), std::string::npos) << field.name << " in: " << far;
  }
}

TEST(Profiles, MissingVersionIsOneProblemAmongOthers) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.write("x.cfg", "driver = 5;\nrecieve_descriptors = 512;\n");
  const ProfileReading reading = read_profile("x", directory.path());
  ASSERT_EQ(reading.problems.size(), 3U);
  EXPECT_EQ(reading.problems[0].words(), file + ":1: version: is missing: the file must begin with version = 1;");
  EXPECT_EQ(reading.problems[1].words(), file + ":1: driver: must be a text in quotes, is the integer 5");
  EXPECT_NE(reading.problems[2].words().find(file + ":2: recieve_descriptors"), std::string::npos);
}

TEST(Profiles, WrongValueIsNamedWithFileAndLine) {
  const test::TemporaryDirectory directory;
  const std::string file =
      directory.write("x.cfg", "version = 1;\ndriver = \"net_x\";\nchecksum = \"maybe\";\nqueues_max = 0;\n");
  const ProfileReading reading = read_profile("x", directory.path());
  ASSERT_EQ(reading.problems.size(), 2U);
  EXPECT_NE(reading.problems[0].words().find(file + ":3: checksum"), std::string::npos) << reading.problems[0].words();
  EXPECT_NE(reading.problems[0].words().find("software"), std::string::npos) << reading.problems[0].words();
  EXPECT_NE(reading.problems[1].words().find(file + ":4: queues_max"), std::string::npos)
      << reading.problems[1].words();
}

TEST(Profiles, DirectoryGoesBeforeTheBuiltInOnes) {
  const test::TemporaryDirectory directory;
  directory.write("tap.cfg", "version = 1;\ndevice = \"new_interface\";\ndriver = \"net_tap\";\nqueues_max = 3;\n");
  EXPECT_EQ(read_profile("tap", directory.path()).profile.queues_max, 3);
  EXPECT_EQ(read_profile("tap", "").profile.queues_max, 16);
  EXPECT_TRUE(read_profile("pcap", directory.path()).problems.empty());  // not there: built in
}

TEST(Profiles, UnknownOneListsThoseThereAre) {
  for (const char* name : {"ixgb", "", "../etc/passwd", "."}) {
    const ProfileReading reading = read_profile(name, "");
    ASSERT_EQ(reading.problems.size(), 1U) << name;
    EXPECT_NE(reading.problems[0].text.find("af_packet, af_xdp, e1000e"), std::string::npos)
        << reading.problems[0].text;
  }
}

TEST(Profiles, PlaceThatNobodyFillsIsRefused) {
  const test::TemporaryDirectory directory;
  directory.write("x.cfg", "version = 1;\ndevice = \"path\";\ndriver = \"net_x\";\narguments = \"a={name}\";\n");
  directory.write("y.cfg", "version = 1;\ndriver = \"net_x\";\narguments = \"a={device}\";\n");
  EXPECT_EQ(read_profile("x", directory.path()).problems.size(), 1U);
  EXPECT_EQ(read_profile("y", directory.path()).problems.size(), 1U);
}

TEST(Profiles, ArgumentsAreFilledIn) {
  NicProfile profile;
  profile.arguments = "iface={device},n={queues},m={mtu},again={device}";
  EXPECT_EQ(fill_in(profile, "eth{device}", 2, 1400), "iface=eth{device},n=2,m=1400,again=eth{device}");
}

}  // namespace
}  // namespace fulcrum
