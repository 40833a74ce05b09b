#include "dataplane/base/settings.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/support/gtest.h"

namespace fulcrum::settings {
namespace {

enum class Color : std::uint8_t { red = 1, green = 7 };

struct Wheel {
  std::string name;
  std::uint16_t spokes = 32;
  friend bool operator==(const Wheel&, const Wheel&) = default;
};

struct Brake {
  bool fitted = true;
  std::chrono::milliseconds reaction{250};
  friend bool operator==(const Brake&, const Brake&) = default;
};

struct Bike {
  std::string owner = "nobody";
  Color color = Color::green;
  std::int32_t gears = 3;
  std::int64_t wide = 0;
  Address home;
  Prefix net;
  Mac mac;
  std::string secret;
  std::vector<std::uint32_t> stops{5, 6};
  std::vector<Address> friends;
  Brake brake;
  std::vector<Wheel> wheels;
  friend bool operator==(const Bike&, const Bike&) = default;
};

Description<Bike> bike() {
  const Description<Wheel> wheel{{
      field("name", &Wheel::name, "What it is called.").required().length(1, 8).characters("a-z.-"),
      field("spokes", &Wheel::spokes, "How many.").range(12, 48),
  }};
  const Description<Brake> brake{{
      field("fitted", &Brake::fitted, "Whether there is one."),
      field("reaction_ms", &Brake::reaction, "Time until it acts.").range(1, 1000),
  }};
  return Description<Bike>{
      {
          field("owner", &Bike::owner, "Whose it is.").length(1, 10),
          field("color", &Bike::color, "Paint.").choice("red", Color::red, "fast").choice("green", Color::green),
          field("gears", &Bike::gears,
                "Gears, a number which many people never change although a longer sentence than this "
                "would not fit on one line.")
              .range(1, 27),
          field("wide", &Bike::wide, "A wide number."),
          field("home", &Bike::home, "Where it lives.").sample("\"192.0.2.7\""),
          field("net", &Bike::net, "Where it goes.").sample("\"192.0.2.7/24\""),
          field("mac", &Bike::mac, "Its frame number."),
          field("secret", &Bike::secret, "The lock's key.").sensitive().length(0, 4),
          field("stops", &Bike::stops, "Where it stops.").range(1, 9).count(0, 3),
          field("friends", &Bike::friends, "Who else."),
          field("brake", &Bike::brake, brake, "The brake."),
          field("wheels", &Bike::wheels, wheel, "The wheels.").required().count(1, 3),
      }}
      .file("A bike.", 4);
}

std::string problems_of(std::string_view text) {
  Bike into;
  const Reading reading = read_text(text, "bike.cfg", bike(), into);
  std::string all;
  for (const std::string& line : report(reading.problems)) all += line + "\n";
  return all;
}

constexpr std::string_view kGood = R"(version = 4;
owner = "ann";
color = "red";
gears = 27;
wide = 5000000000;
home = "2001:db8::1";
net = "10.0.0.1/8";
mac = "02:00:00:00:00:01";
secret = "abcd";
stops = [ 1, 2 ];
friends = ( "192.0.2.1" );
brake = { fitted = false; reaction_ms = 0x10; };
wheels = ( { name = "front"; spokes = 48 }, { name = "back"; } );
)";

TEST(Settings, FillTheMembersTheyDescribe) {
  Bike read;
  const Reading reading = read_text(kGood, "bike.cfg", bike(), read);
  EXPECT_TRUE(reading.problems.empty()) << problems_of(kGood);
  Bike wanted;
  wanted.owner = "ann";
  wanted.color = Color::red;
  wanted.gears = 27;
  wanted.wide = 5'000'000'000;
  wanted.home = *Address::parse("2001:db8::1");
  wanted.net = *Prefix::parse("10.0.0.1/8");
  wanted.mac = *Mac::parse("02:00:00:00:00:01");
  wanted.secret = "abcd";
  wanted.stops = {1, 2};
  wanted.friends = {*Address::parse("192.0.2.1")};
  wanted.brake = {false, std::chrono::milliseconds{16}};
  wanted.wheels = {{"front", 48}, {"back", 32}};
  EXPECT_TRUE(read == wanted);
}

TEST(Settings, KnowWhereTheyStand) {
  Bike read;
  const Reading reading = read_text(kGood, "bike.cfg", bike(), read);
  EXPECT_EQ(reading.sources.line("gears"), 4U);
  EXPECT_EQ(reading.sources.line("wheels[1].name"), 13U);
  EXPECT_EQ(reading.sources.line("wheels[1].spokes"), 13U) << "not in the file: its group's line";
  EXPECT_EQ(reading.sources.shown("wheels[1].spokes"), "wheels.back.spokes");
  EXPECT_EQ(reading.sources.shown("stops[1]"), "stops[1]");
  EXPECT_EQ(reading.sources.shown("nonsense[3"), "nonsense[3");
  EXPECT_EQ(reading.sources.problem("wheels[0]", "flat").words(), "bike.cfg:13: wheels.front: flat");
}

TEST(Settings, RememberWhatWasRefused) {
  Bike read;
  const Reading reading =
      read_text("version = 4; gears = 99; stops = [ 1, 77, 3 ]; wheels = ( 5, { name = \"b\"; spokes = 1; } );", "",
                bike(), read);
  EXPECT_TRUE(reading.understood);
  const Sources& sources = reading.sources;
  EXPECT_TRUE(sources.is_wrong("gears") && sources.is_wrong("stops[1]") && sources.is_wrong("wheels[0]"));
  EXPECT_TRUE(sources.is_wrong("wheels[1].spokes") && !sources.is_wrong("wheels[1]") && !sources.is_wrong("stops[2]"));
  EXPECT_TRUE(sources.wrong_within("wheels[1]") && sources.wrong_within("stops") && sources.wrong_within(""));
  EXPECT_FALSE(sources.wrong_within("brake"));
  EXPECT_EQ(read.stops, (std::vector<std::uint32_t>{1, 0, 3})) << "positions are those of the file";
  ASSERT_EQ(read.wheels.size(), 2U);
  EXPECT_EQ(read.wheels[1].name, "b");
}

struct Case {
  std::string text;
  std::string problems;
};

void expect(const std::vector<Case>& cases) {
  for (const Case& one : cases) EXPECT_EQ(problems_of(one.text), one.problems) << one.text;
}

// The wheels stand on the same line so that a case's own text is on line 1 too.
std::string with(const std::string& text) { return "version = 4; wheels = ( { name = \"w\"; } ); " + text; }

TEST(Settings, RejectWrongTypes) {
  expect({
      {with("gears = \"3\";"),
       "bike.cfg:1: gears: must be an integer, without quotes or decimal point, is the text \"3\"\n"},
      {with("gears = 3.5;"),
       "bike.cfg:1: gears: must be an integer, without quotes or decimal point, is the fraction 3.5\n"},
      {with("gears = true;"), "bike.cfg:1: gears: must be an integer, without quotes or decimal point, is true\n"},
      {with("owner = 3;"), "bike.cfg:1: owner: must be a text in quotes, is the integer 3\n"},
      {with("brake = { fitted = 1; };"), "bike.cfg:1: brake.fitted: must be true or false, is the integer 1\n"},
      {with("brake = ( );"), "bike.cfg:1: brake: must be a group { }, is a list ( )\n"},
      {with("stops = 3;"), "bike.cfg:1: stops: must be a list [ , ], is the integer 3\n"},
      {with("stops = ( 3, \"x\" );"),
       "bike.cfg:1: stops[1]: must be an integer, without quotes or decimal point, is the text \"x\"\n"},
      {with("home = [ ];"), "bike.cfg:1: home: must be an IP address in quotes, is a list [ ]\n"},
      {"version = 4; wheels = { };", "bike.cfg:1: wheels: must be a list of groups ( { }, { } ), is a group { }\n"},
      {"version = 4; wheels = ( 1 );", "bike.cfg:1: wheels[0]: must be a group { }, is the integer 1\n"},
  });
}

TEST(Settings, RejectValuesOutOfBounds) {
  expect({
      {with("gears = 28;"), "bike.cfg:1: gears: 28 is out of range: 1 to 27\n"},
      {with("gears = 4294967299;"), "bike.cfg:1: gears: 4294967299 is out of range: 1 to 27\n"},
      {with("gears = 99999999999999999999;"), "bike.cfg:1: gears: the number is out of range: 1 to 27\n"},
      {with("gears = -99999999999999999999;"), "bike.cfg:1: gears: the number is out of range: 1 to 27\n"},
      {with("gears = 0x100000001;"), "bike.cfg:1: gears: 4294967297 is out of range: 1 to 27\n"},
      {with("brake = { reaction_ms = 0; };"), "bike.cfg:1: brake.reaction_ms: 0 is out of range: 1 to 1000 ms\n"},
      {with("owner = \"\";"), "bike.cfg:1: owner: must not be empty: 1 to 10 are allowed\n"},
      {with("owner = \"12345678901\";"), "bike.cfg:1: owner: has 11 characters: 1 to 10 are allowed\n"},
      {with("owner = \"a\\nb\";"), "bike.cfg:1: owner: \"a\\x0ab\" holds a control character\n"},
      {with("color = \"rde\";"), "bike.cfg:1: color: \"rde\" is not known; did you mean red?\n"},
      {with("color = \"xxxxxxx\";"), "bike.cfg:1: color: \"xxxxxxx\" is not known; known here: red, green\n"},
      {with("home = \"1.2.3\";"), "bike.cfg:1: home: \"1.2.3\" is not an IPv4 or IPv6 address\n"},
      {with("net = \"1.2.3.4\";"), "bike.cfg:1: net: \"1.2.3.4\" has no prefix length: write for example 1.2.3.4/24\n"},
      {with("stops = [ 1, 2, 3, 4 ];"), "bike.cfg:1: stops: 4 elements are too many: at most 3\n"},
      {"version = 4; wheels = ( );", "bike.cfg:1: wheels: is empty: at least one is needed\n"},
      {"version = 4; wheels = ( { name = \"A\"; } );", "bike.cfg:1: wheels[0].name: \"A\": only a-z.- are allowed\n"},
  });
}

TEST(Settings, NeverShowASecret) {
  expect({{with("secret = \"hunter2\";"), "bike.cfg:1: secret: must be: text, at most 4 characters\n"},
          {with("secret = 12345;"), "bike.cfg:1: secret: must be a text in quotes, is something else\n"}});
}

TEST(Settings, ReportAllProblemsOfAFile) {
  EXPECT_EQ(problems_of(R"(version = 4;
gaers = 3;
gears = 99;
gears = 98;
wheels = (
  { name = "a"; name = "b"; name = "c" },
  { spokes = 1;
    colour = "x"; },
  { name = "a"; spokes = 2; }
);
brake = {
  reaction_ms = 5000;
};
)"),
            "bike.cfg:2: gaers: unknown key; did you mean gears?\n"
            "bike.cfg:3: gears: 99 is out of range: 1 to 27\n"
            "bike.cfg:4: gears: is given twice, first on line 3\n"
            "bike.cfg:6: wheels.a.name: is given twice, first on line 6\n"
            "bike.cfg:6: wheels.a.name: is given twice, first on line 6\n"
            "bike.cfg:7: wheels[1].spokes: 1 is out of range: 12 to 48\n"
            "bike.cfg:8: wheels[1].colour: unknown key; known here: name, spokes\n"
            "bike.cfg:7: wheels[1].name: is missing: text, 1 to 8 characters of a-z.-\n"
            "bike.cfg:9: wheels[2].spokes: 2 is out of range: 12 to 48\n"
            "bike.cfg:12: brake.reaction_ms: 5000 is out of range: 1 to 1000 ms\n");
}

TEST(Settings, RejectAnotherVersionBeforeAllElse) {
  expect({
      {"gears = 99; version = 5;",
       "bike.cfg:1: version: the integer 5 is not supported: this program reads version = 4; nothing else of the file "
       "was looked at\n"},
  });
}

TEST(Settings, GoOnWithoutAVersion) {
  const std::string wheels = "\nwheels = ( { name = \"w\"; } );";
  expect({
      {"\ngears = 99;" + wheels,
       "bike.cfg:1: version: is missing: the file must begin with version = 4;\n"
       "bike.cfg:2: gears: 99 is out of range: 1 to 27\n"},
      {"version = \"4\";\ngears = 99;" + wheels,
       "bike.cfg:1: version: the text \"4\" is not supported: this program reads version = 4;\n"
       "bike.cfg:2: gears: 99 is out of range: 1 to 27\n"},
  });
}

TEST(Settings, RejectWhatIsNoSettingsFile) {
  expect({
      {"", "bike.cfg: is empty: --help-config prints a sample\n"},
      {" \n\t\n", "bike.cfg: is empty: --help-config prints a sample\n"},
      {std::string{"version = 4;\n\0", 14}, "bike.cfg:2: is not text: byte 0x00\n"},
      {"\x7F"
       "ELF",
       "bike.cfg:1: is not text: byte 0x7f\n"},
      {"version = 4;\nowner = \"J\xF6rg\";", "bike.cfg:2: is not text: byte 0xf6\n"},
      {std::string(kFileMax + 1, ' '), "bike.cfg: is larger than 16 MiB\n"},
      {"a = " + std::string(100000, '('), "bike.cfg:1: more than 16 brackets within brackets\n"},
      {"@include \"/etc/shadow\"", "bike.cfg:1: @include is not supported: one file holds the whole configuration\n"},
  });
}

TEST(Settings, SayWhereTheSyntaxBreaks) {
  expect({
      {"version = 4;\nowner = \"ann;\ngears = 3;\n", "bike.cfg:2: a text on this line has no closing quote\n"},
      {"version = 4;\nwheels = (\n", "bike.cfg:2: syntax error: the ( on this line is never closed\n"},
      {"version = 4;\nbrake = {\n ]", "bike.cfg:3: syntax error: ] does not close the { of line 2\n"},
      {"version = 4;\n}", "bike.cfg:2: syntax error: } closes nothing\n"},
      {"/* version = 4;\n", "bike.cfg:1: the comment that begins with /* on this line is never closed\n"},
      {"version = 4;\nhome = 10.1.1.1;\n",
       "bike.cfg:2: syntax error: \"10.1.1.1;\" is not a number; addresses and other texts go in quotes\n"},
      {"version = 4;\nhome = fe80::1;\n", "bike.cfg:2: syntax error: the word \"fe80\" must be in quotes\n"},
      {"version = 4;\nhome = ::1;\n", "bike.cfg:2: syntax error: no key before this :\n"},
      {"version = 4;\nhome = ?;\n", "bike.cfg:2: syntax error: what begins with \"?;\" must be in quotes\n"},
      {"wheels = [ { } ];", "bike.cfg:1: syntax error: groups { } go into a list with ( ), not with [ ]\n"},
      {"wheels = [ ( ) ];", "bike.cfg:1: syntax error: an array [ ] cannot hold another list ( )\n"},
      {"version = 4;\nowner \"ann\";\n", "bike.cfg:2: syntax error: = is missing after owner\n"},
      {"version = 4;\nowner gears = 3;\n", "bike.cfg:2: syntax error: = is missing after owner\n"},
      {"version = 4;\nowner", "bike.cfg:2: syntax error: = is missing after owner\n"},
      {"version = 4;\nowner =", "bike.cfg:2: syntax error: the value of owner is missing\n"},
      {"version = 4;\nowner = ;", "bike.cfg:2: syntax error: the value of owner is missing\n"},
      {"version = 4;\nbrake = { fitted = }", "bike.cfg:2: syntax error: the value of fitted is missing\n"},
      {"version = 4;\n\"ann\";\n", "bike.cfg:2: syntax error: a value without a key: write key = value;\n"},
      {"version = 4;\ntrue = 4;\n", "bike.cfg:2: syntax error: \"true\" cannot be a key\n"},
      {"version = 4;;", "bike.cfg:1: syntax error: a ; that separates nothing\n"},
      {"stops = [ 1 2 ];", "bike.cfg:1: syntax error: a comma is missing between two elements of a list\n"},
      {"stops = [ 1; 2 ];", "bike.cfg:1: syntax error: a ; that separates nothing\n"},
      {"stops = [ 1, ];", "bike.cfg:1: syntax error: a comma before the end of the list\n"},
      {"stops = [ , 1 ];", "bike.cfg:1: syntax error: a , that separates nothing\n"},
      {"stops = [ 1, \"x\" ];", "bike.cfg:1: syntax error: the elements of an array [ ] must be of one type\n"},
  });
}

TEST(Settings, TakeWhatLibconfigTakes) {
  for (const char* text :
       {"a = 1 b = 2", "a : 1, b = 2;", "a = [ ], b = ( ); c = { }", "a = ( 1, \"x\", [ 1L, 0x2, -3 ], ( ) )",
        "a = \"x\" \"y\"\n\"z\";", "a = .5; b = 1.; c = 1e5; d = -1.5E-3; e = +1;", "a = TRUE; b = [ true, False ]",
        "*a-_9 = 1", "a = \"\\\"\\\\\\x41\\n\"; // \"\nb = 1 # {"}) {
    const std::string found = problems_of(std::string{"version = 4; wheels = ( { name = \"w\"; } );\n"} + text);
    EXPECT_EQ(found.find("syntax error"), std::string::npos) << text << "\n" << found;
    EXPECT_NE(found.find("unknown key"), std::string::npos) << text << "\n" << found;
  }
}

TEST(Settings, KeepTheirLinesThroughComments) {
  EXPECT_EQ(problems_of("\xEF\xBB\xBF// one\r\nversion = 4; /* two\nthree */ # four \"\n" + with("").substr(12) +
                        "\ngears: 77"),
            "bike.cfg:5: gears: 77 is out of range: 1 to 27\n");
}

TEST(Settings, CapTheReport) {
  std::string text = "version = 4; wheels = ( { name = \"w\"; } );\n";
  for (int i = 0; i < 60; ++i) text += "zzzzzzzzzzzz" + std::to_string(i) + " = 1;\n";
  Bike into;
  const auto lines = report(read_text(text, "bike.cfg", bike(), into).problems);
  ASSERT_EQ(lines.size(), kProblemsShown + 1);
  EXPECT_EQ(lines.back(), "and 10 more problems");
}

TEST(Settings, ReadFiles) {
  Bike into;
  char folder[] = "/tmp/settings-test-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string file = std::string{folder} + "/bike.cfg";
  const auto first = [&](const std::string& name) {
    const Reading reading = read_file(name, bike(), into);
    return reading.problems.empty() ? std::string{} : reading.problems.front().words();
  };
  EXPECT_EQ(first(file), file + ": cannot be read: No such file or directory");
  EXPECT_EQ(first(folder), std::string{folder} + ": is a directory: name the file");
  EXPECT_EQ(first("/dev/null"), "/dev/null: is not a regular file");
  std::FILE* out = std::fopen(file.c_str(), "w");
  ASSERT_NE(out, nullptr);
  std::fwrite(kGood.data(), 1, kGood.size(), out);
  std::fclose(out);
  EXPECT_EQ(first(file), "");
  EXPECT_EQ(into.owner, "ann");
  unlink(file.c_str());
  rmdir(folder);
}

TEST(Settings, PrintASampleThatReadsBack) {
  const std::string sample = sample_text(bike());
  std::istringstream lines{sample};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_NE(sample.find("# Time until it acts.\n  # (integer, 1 to 1000 ms; default 250)\n  reaction_ms = 250;"),
            std::string::npos)
      << sample;
  EXPECT_NE(sample.find("# (one of \"red\", \"green\"; default \"green\")\n# \"red\": fast\n"), std::string::npos);
  // Fields without a default worth showing bring a sample value; one here does not.
  std::string filled = sample;
  const auto replace = [&](const std::string& from, const std::string& to) {
    const auto at = filled.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    filled.replace(at, from.size(), to);
  };
  replace("  name = \"\"", "  name = \"w\"");
  EXPECT_EQ(problems_of(filled), "");
}

}  // namespace
}  // namespace fulcrum::settings
