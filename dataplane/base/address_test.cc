#include "dataplane/base/address.h"

#include <random>
#include <string>
#include <string_view>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}
Prefix prefix(std::string_view text) {
  const auto parsed = Prefix::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Prefix{});
}

TEST(Address, ReadsAndPrintsBothFamilies) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4",
                           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::2:192.0.2.1"}) {
    const auto parsed = Address::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*Address::parse(parsed->text()), *parsed);
    EXPECT_EQ(parsed->is_v4(), std::string_view{text}.find(':') == std::string_view::npos);
  }
  EXPECT_EQ(address("2001:DB8:0:0::1").text(), "2001:db8::1");
  EXPECT_EQ(address("192.0.2.1").text(), "192.0.2.1");
}

TEST(Address, RefusesWhatIsNone) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1.1"sv, "192.0.2.01 "sv, " ::1"sv,
                                      "2001:db8::1::"sv, "12345::"sv, "fe80::1%eth0"sv, "::ffff:192.0.2.1"sv,
                                      "192.0.2.1/24"sv, "localhost"sv, "192.0.2.1\0"sv, "192.0.2.1\0x"sv, "::1\0"sv}) {
    const auto parsed = Address::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Error::Code::invalid);
    EXPECT_FALSE(parsed.error().text.empty());
  }
}

TEST(Address, KeepsIpv4ApartFromIpv6) {
  const Address v4 = Address::v4(Be32{0xC0000201});
  EXPECT_TRUE(v4.is_v4());
  EXPECT_EQ(v4.v4().host(), 0xC0000201U);
  EXPECT_EQ(v4.family(), Family::ipv4);
  const auto bytes = v4.bytes();
  EXPECT_EQ(bytes[10], 0xFF);
  EXPECT_EQ(bytes[11], 0xFF);
  EXPECT_EQ(bytes[12], 0xC0);
  EXPECT_EQ(bytes[15], 0x01);
  EXPECT_EQ(Address::v6(bytes.data()), v4) << "the mapped form is the IPv4 address";
  // Every byte of the mapping decides.
  for (std::size_t i = 0; i < 12; ++i) {
    auto other = bytes;
    other[i] ^= 0x10;
    EXPECT_FALSE(Address::v6(other.data()).is_v4()) << i;
    EXPECT_FALSE(Address::v6(other.data()) == v4) << i;
  }
}

TEST(Address, IsOrderedAsANumber) {
  const char* const ascending[] = {
      "::",         "::1",         "0.0.0.0",          "0.0.0.255",  "0.0.1.0",      "10.0.0.0", "192.0.2.1",
      "2001:db8::", "2001:db8::1", "2001:db8:0:0:1::", "2001:db9::", "fe80::ffff:1", "ff02::1"};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t k = 0; k < std::size(ascending); ++k) {
      EXPECT_EQ(address(ascending[i]) < address(ascending[k]), i < k) << ascending[i] << " < " << ascending[k];
    }
  }
}

TEST(Address, KnowsTheSpecialOnes) {
  struct Case {
    const char* text;
    bool multicast, loopback, unspecified, link_local;
  };
  for (const Case& c :
       {Case{"224.0.0.1", true, false, false, false}, Case{"239.255.255.255", true, false, false, false},
        Case{"240.0.0.1", false, false, false, false}, Case{"127.0.0.1", false, true, false, false},
        Case{"127.255.0.9", false, true, false, false}, Case{"0.0.0.0", false, false, true, false},
        Case{"0.1.2.3", false, false, true, false}, Case{"169.254.1.1", false, false, false, true},
        Case{"169.255.1.1", false, false, false, false}, Case{"192.0.2.1", false, false, false, false},
        Case{"ff02::1", true, false, false, false}, Case{"::1", false, true, false, false},
        Case{"::", false, false, true, false}, Case{"fe80::1", false, false, false, true},
        Case{"febf::1", false, false, false, true}, Case{"fec0::1", false, false, false, false},
        Case{"2001:db8::1", false, false, false, false}, Case{"::2", false, false, false, false}}) {
    const Address it = address(c.text);
    EXPECT_EQ(it.is_multicast(), c.multicast) << c.text;
    EXPECT_EQ(it.is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(it.is_unspecified(), c.unspecified) << c.text;
    EXPECT_EQ(it.is_link_local(), c.link_local) << c.text;
  }
}

TEST(Prefix, CoversItsRangeAndNothingElse) {
  struct Case {
    const char *text, *first, *last, *before, *after;
  };
  for (const Case& c :
       {Case{"192.0.2.77/24", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
        Case{"10.1.2.3/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        Case{"10.1.2.3/32", "10.1.2.3", "10.1.2.3", "10.1.2.2", "10.1.2.4"},
        Case{"10.1.2.3/31", "10.1.2.2", "10.1.2.3", "10.1.2.1", "10.1.2.4"},
        Case{"0.0.0.0/0", "0.0.0.0", "255.255.255.255", "::", "2001:db8::"},
        Case{"2001:db8::5/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db8:0:1::"},
        Case{"2001:db8::5/128", "2001:db8::5", "2001:db8::5", "2001:db8::4", "2001:db8::6"},
        Case{"2001:db8::5/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "2001:db7::", "2001:db8:8000::"},
        Case{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.1", "10.0.0.2"}}) {
    const Prefix it = prefix(c.text);
    EXPECT_EQ(it.text(), c.text);
    EXPECT_EQ(it.first(), address(c.first)) << c.text;
    EXPECT_EQ(it.last(), address(c.last)) << c.text;
    EXPECT_TRUE(it.contains(address(c.first))) << c.text;
    EXPECT_TRUE(it.contains(address(c.last))) << c.text;
    EXPECT_TRUE(it.contains(it.address)) << c.text;
    EXPECT_FALSE(it.contains(address(c.before))) << c.text;
    EXPECT_FALSE(it.contains(address(c.after))) << c.text;
  }
}

TEST(Prefix, RefusesWhatIsNone) {
  for (const char* text : {"", "/24", "192.0.2.1", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/-1", "192.0.2.1/+8",
                           "192.0.2.1/8 ", "192.0.2.1/ 8", "192.0.2.1/255.255.255.0", "192.0.2.1/0x8", "::/129",
                           "192.0.2.1/4294967304", "192.0.2.1/24/24"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Mac, ReadsPrintsAndRefuses) {
  const auto mac = Mac::parse("02:Ab:00:00:fF:01");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->text(), "02:ab:00:00:ff:01");
  EXPECT_FALSE(mac->is_group());
  EXPECT_TRUE(Mac::parse("ff:ff:ff:ff:ff:ff")->is_group());
  EXPECT_TRUE(Mac::parse("01:00:5e:00:00:01")->is_group());
  for (const char* text :
       {"", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01", "0200.0000.0001", "02:00:00:00:00:0g",
        "+2:00:00:00:00:01", "02:00:00:00:00: 1", "2:0:0:0:0:1", "02:00:00:00:0001"}) {
    EXPECT_FALSE(Mac::parse(text)) << text;
  }
}

}  // namespace
}  // namespace fulcrum
