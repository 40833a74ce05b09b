#include "control/surface/cli/grammar.h"

#include "control/model/model.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/fake_names.h"
#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

class Lines : public testing::Test {
 protected:
  tl::expected<Parsed, Trouble> operate(std::string_view line) { return parse(line, at(operational_commands())); }
  tl::expected<Parsed, Trouble> configure(std::string_view line, const char* place = "") {
    return parse(line, at(configuration_commands(), place));
  }
  Completion completion(std::string_view line) { return complete(line, at(operational_commands())); }
  Completion edit_completion(std::string_view line) { return complete(line, at(configuration_commands())); }
  static std::string words(const std::vector<Hint>& hints) {
    std::string text;
    for (const Hint& hint : hints) text += (text.empty() ? "" : " ") + hint.word;
    return text;
  }
  static std::string edits_of(const Parsed& parsed) {
    std::string text;
    for (const Edit& edit : parsed.edits) {
      text += document::text_of(edit.path) + "=";
      for (const std::string& word : edit.words) text += word + ";";
      text += ' ';
    }
    return text;
  }

 private:
  Grammar at(const std::vector<Command>& commands, const char* place = "") {
    return {commands, *model::description().shape(), *document::parse_path(place), names_};
  }
  FakeNames names_;
};

TEST_F(Lines, MayBeShortenedWhileTheyAreUnique) {
  const auto parsed = operate("sh fa");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->way, (std::vector<std::string>{"show", "farms"}));
  EXPECT_TRUE(operate("  # only a comment").has_value());
  EXPECT_EQ(operate("")->command, nullptr);
}

TEST_F(Lines, SayWhereAndWhyAndWhatWouldBeRight) {
  const auto ambiguous = operate("show con");
  ASSERT_FALSE(ambiguous.has_value());
  EXPECT_EQ(ambiguous.error().status, Status::syntax);
  EXPECT_EQ(ambiguous.error().column, 5);
  EXPECT_EQ(words(ambiguous.error().possible), "connections configuration");

  const auto unknown = operate("show  frams");
  EXPECT_EQ(unknown.error().column, 6);
  EXPECT_NE(unknown.error().text.find("\"frams\""), std::string::npos);

  const auto incomplete = operate("show");
  EXPECT_EQ(incomplete.error().column, 5);
  EXPECT_NE(words(incomplete.error().possible).find("farms"), std::string::npos);

  EXPECT_EQ(operate("show history limit 0").error().status, Status::invalid);
  EXPECT_EQ(operate("show history limit x").error().column, 19);
  EXPECT_EQ(operate("show history limit x").error().text, "\"x\" is not a number: 1 to 1000");
  EXPECT_EQ(operate("weight shop/web1 101").error().text, "\"101\" is out of bounds: 0 to 100");
  EXPECT_EQ(operate("show farms shop").error().text, "nothing may follow here");
  EXPECT_EQ(operate("show \"farms").error().text, "a quote is not closed");
  EXPECT_EQ(operate("| count").error().status, Status::syntax);
}

TEST_F(Lines, TakeOptionsInAnyOrderOnce) {
  const auto parsed = operate("show connections limit 5 farm shop client 10.0.0.0/8 all");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->get("limit"), "5");
  EXPECT_EQ(parsed->get("farm"), "shop");
  EXPECT_TRUE(parsed->has("all"));
  EXPECT_FALSE(operate("show connections farm shop farm mail").has_value());
  EXPECT_FALSE(operate("show connections farm").has_value());
}

TEST_F(Lines, WantTheirArgumentsBeforeTheirOptions) {
  EXPECT_EQ(words(completion("explain ").hints), "tcp udp");
  EXPECT_EQ(operate("explain icmp 192.0.2.1:1 192.0.2.2:2").error().text, "\"icmp\" is no protocol");
  EXPECT_EQ(operate("explain ttl 3 tcp").error().status, Status::invalid);
  const auto parsed = operate("explain u 192.0.2.1:1 192.0.2.2:2 ttl 3 port front");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->get("protocol"), "udp");
  EXPECT_EQ(parsed->get("ttl"), "3");
  EXPECT_EQ(words(completion("show rates farms ").hints), "shop mail minutes step maximum <name>");
  EXPECT_TRUE(operate("api PUT /x '{}'")->sensitive);
}

TEST_F(Lines, CompleteServersWithTheirFarms) {
  EXPECT_EQ(words(completion("drain ").hints), "shop/web1 shop/web2 mail/mx1 <server>");
  EXPECT_EQ(words(completion("drain shop/").hints), "shop/web1 shop/web2 <server>");
  EXPECT_EQ(completion("drain server m").extended, "mail/mx1");
  EXPECT_EQ(words(completion("request ").hints), "drain enable maintenance weight");
  EXPECT_EQ(completion("req dr server m").extended, "mail/mx1");
  EXPECT_EQ(operate("drain server shop/web1 for 5m")->get("server"), "shop/web1");
  EXPECT_FALSE(operate("drain server").has_value());
}

TEST_F(Lines, RenameAnElementToAnotherName) {
  EXPECT_EQ(words(edit_completion("rename farms ").hints), "shop mail <name>");
  EXPECT_EQ(words(edit_completion("rename farms shop to").hints), "to");
  EXPECT_EQ(words(edit_completion("rename farms shop to ").hints), "<new-name>");
  EXPECT_EQ(words(edit_completion("annotate farms shop a").hints), "as");
  EXPECT_EQ(words(edit_completion("annotate farms shop as ").hints), "<remark>");
}

TEST_F(Lines, HaveFilters) {
  const auto parsed = operate(R"(show farms | match "up|down" | except x | count | every 3)");
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->filters.size(), 4);
  EXPECT_EQ(parsed->filters[0].pattern, "up|down");
  EXPECT_EQ(parsed->filters[3].seconds, 3);
  EXPECT_EQ(operate("show farms |").error().column, 12);
  EXPECT_EQ(operate("show farms | every 0").error().status, Status::invalid);
  EXPECT_EQ(operate("show farms | grep x").error().column, 13);
  EXPECT_FALSE(operate("show farms | count 5").has_value());
}

TEST_F(Lines, RefuseWhatNobodyTypes) {
  EXPECT_EQ(operate(std::string{"show\0farms", 10}).error().column, 4);
  EXPECT_FALSE(operate("show \xff\xfe").has_value());
  EXPECT_FALSE(operate("show \033[31m").has_value());
  EXPECT_FALSE(operate("show \xc2\x9b").has_value());
  EXPECT_FALSE(operate(std::string(kLineMax + 1, 'x')).has_value());
  EXPECT_TRUE(configure("commit comment \"f\xc3\xbcr anna\"").has_value());
}

TEST_F(Lines, NameSettingsByTheDescription) {
  const auto parsed = configure("set farms shop servers web9 addresses 10.1.1.19,fd00::9 weight 7");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().text;
  EXPECT_EQ(edits_of(*parsed),
            "farms.shop.servers.web9.addresses=10.1.1.19;fd00::9; farms.shop.servers.web9.weight=7; ");
  EXPECT_EQ(edits_of(*configure("set farm shop mode dsr addr 192.0.2.1 192.0.2.2 sched round_robin")),
            "farms.shop.mode=dsr; farms.shop.addresses=192.0.2.1;192.0.2.2; farms.shop.scheduler=round_robin; ");
  EXPECT_EQ(edits_of(*configure("set weight 3", "farms.shop.servers.web1")), "farms.shop.servers.web1.weight=3; ");
  EXPECT_EQ(edits_of(*configure("set farms shop ports tcp/80")), "farms.shop.ports[tcp/80]= ");
  EXPECT_EQ(edits_of(*configure("delete farms shop addresses 192.0.2.1")), "farms.shop.addresses=192.0.2.1; ");
  EXPECT_EQ(document::text_of(configure("edit farms shop check")->path), "farms.shop.check");
}

TEST_F(Lines, RefuseSettingsThatAreNone) {
  EXPECT_EQ(configure("set farms shop servers web1 weight 101").error().status, Status::invalid);
  EXPECT_EQ(configure("set farms shop servers web1 weight 101").error().column, 35);
  EXPECT_EQ(configure("set farms shop s x").error().text, "\"s\" is ambiguous");
  EXPECT_EQ(configure("set farms shop").has_value(), true);  // makes it
  EXPECT_FALSE(configure("set farms").has_value());
  EXPECT_FALSE(configure("set farms shop check").has_value());
  EXPECT_FALSE(configure("set farms shop name other").has_value());
  EXPECT_FALSE(configure("set").has_value());
  EXPECT_FALSE(configure("delete").has_value());
  EXPECT_FALSE(configure("edit farms").has_value());
  EXPECT_FALSE(configure("show farms shop mode nat").has_value());
}

TEST_F(Lines, CommitWithAndWithoutATime) {
  EXPECT_EQ(configure("commit confirmed")->get("confirmed"), "");
  EXPECT_EQ(configure("commit confirmed 5 comment \"a b\"")->get("confirmed"), "5");
  EXPECT_EQ(configure("commit confirmed comment x")->get("comment"), "x");
  EXPECT_FALSE(configure("commit confirmed 9999").has_value());
}

TEST_F(Lines, AreCompleted) {
  EXPECT_EQ(completion("sh").extended, "show");
  EXPECT_TRUE(completion("sh").is_whole);
  EXPECT_EQ(words(completion("show con").hints), "connections configuration");
  EXPECT_EQ(completion("show con").extended, "con");
  EXPECT_EQ(completion("show connections farm s").extended, "shop");
  EXPECT_EQ(words(completion("show connections farm mail server ").hints), "mx1 <server>");
  EXPECT_EQ(words(completion("show farms | ma").hints), "match");
  EXPECT_TRUE(completion("shwo f").trouble.has_value());
  EXPECT_EQ(words(edit_completion("set farms shop servers web").hints), "web1 web2 <name>");
  EXPECT_EQ(words(edit_completion("set farms shop mode ").hints), "nat dsr");
  EXPECT_EQ(edit_completion("set farms shop ser").extended, "servers");
}

}  // namespace
}  // namespace fulcrum::cli
