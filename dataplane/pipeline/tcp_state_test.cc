#include "dataplane/pipeline/tcp_state.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using State = ConnectionState;

constexpr std::uint8_t kSyn = tcp_flag::syn, kAck = tcp_flag::ack, kFin = tcp_flag::fin | tcp_flag::ack,
                       kRst = tcp_flag::rst, kSynAck = tcp_flag::syn | tcp_flag::ack,
                       kRstAck = tcp_flag::rst | tcp_flag::ack;

struct Segment {
  bool from_client;
  std::uint8_t flags;
};
constexpr Segment c(std::uint8_t flags) { return {true, flags}; }
constexpr Segment s(std::uint8_t flags) { return {false, flags}; }

State after(Mode mode, const std::vector<Segment>& segments) {
  State state = State::embryonic;
  for (const Segment& segment : segments) state = next_state(state, mode, segment.from_client, segment.flags);
  return state;
}

TEST(TcpState, FollowsWhatPasses) {
  struct Case {
    const char* name;
    Mode mode;
    std::vector<Segment> segments;
    State state;
  };
  const std::vector<Segment> open{c(kSyn), s(kSynAck), c(kAck)};
  const auto then = [&](std::vector<Segment> more) {
    more.insert(more.begin(), open.begin(), open.end());
    return more;
  };
  const std::vector<Case> cases{
      {"SYN", Mode::nat, {c(kSyn), c(kSyn)}, State::embryonic},
      {"SYN-ACK", Mode::nat, {c(kSyn), s(kSynAck)}, State::answered},
      {"handshake", Mode::nat, open, State::established},
      {"an ACK without an answer confirms nothing", Mode::nat, {c(kSyn), c(kAck), c(kAck)}, State::embryonic},
      {"DSR sees the client only", Mode::dsr, {c(kSyn), c(kAck)}, State::established},
      {"a late SYN changes nothing", Mode::nat, then({c(kSyn)}), State::established},
      {"client closes", Mode::nat, then({c(kFin), s(kAck)}), State::client_closing},
      {"server closes", Mode::nat, then({s(kFin), c(kAck)}), State::server_closing},
      {"both close", Mode::nat, then({c(kFin), s(kFin), c(kAck)}), State::time_wait},
      {"both close, server first", Mode::nat, then({s(kFin), c(kFin), s(kAck)}), State::time_wait},
      {"a FIN is sent again", Mode::nat, then({c(kFin), s(kFin), s(kFin)}), State::time_wait},
      {"a RST after both closed", Mode::nat, then({c(kFin), s(kFin), c(kRst)}), State::time_wait},
      {"DSR closes", Mode::dsr, {c(kSyn), c(kAck), c(kFin), c(kAck)}, State::client_closing},
      {"refused", Mode::nat, {c(kSyn), s(kRstAck)}, State::time_wait},
      {"RST of the client", Mode::nat, then({c(kRst)}), State::reset},
      {"RST of the server", Mode::nat, then({s(kRst)}), State::time_wait},
      {"what the client still sends after it", Mode::nat, then({s(kRst), c(kAck), c(kRst)}), State::time_wait},
      {"a RST that nobody believes: data go on", Mode::nat, then({c(kRst), c(kAck)}), State::established},
      {"the same, challenged by the server", Mode::nat, then({c(kRst), s(kAck)}), State::established},
      {"the same in DSR", Mode::dsr, {c(kSyn), c(kAck), c(kRst), c(kAck)}, State::established},
      {"a RST, and again", Mode::nat, then({c(kRst), c(kAck), c(kRst)}), State::reset},
      {"a forged RST and SYN, challenged", Mode::nat, then({c(kRst), c(kSyn), s(kAck), c(kAck)}), State::established},
      {"a port used again after a RST", Mode::nat, then({c(kRst), c(kSyn), s(kSynAck), c(kAck)}), State::established},
      {"a port used again while half closed", Mode::nat, then({c(kFin), c(kSyn)}), State::embryonic},
  };
  for (const Case& one : cases) EXPECT_EQ(after(one.mode, one.segments), one.state) << one.name;
}

TEST(TcpState, OnlyWhatIsOverGivesWayToASyn) {
  const std::vector<State> both{State::time_wait};
  const std::vector<State> in_dsr{State::time_wait, State::client_closing, State::server_closing, State::reset};
  for (std::size_t i = 0; i < kConnectionStates; ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_EQ(gives_way(state, Mode::nat), std::count(both.begin(), both.end(), state) != 0) << i;
    EXPECT_EQ(gives_way(state, Mode::dsr), std::count(in_dsr.begin(), in_dsr.end(), state) != 0) << i;
  }
}

TEST(TcpState, EstablishedAndDatagramsAreNeverEvicted) {
  for (const State state : {State::established, State::client_closing, State::server_closing, State::udp, State::reset})
    EXPECT_FALSE(may_be_evicted(state));
  for (const State state : {State::embryonic, State::answered, State::time_wait}) EXPECT_TRUE(may_be_evicted(state));
}

TEST(TcpState, EveryStateHasItsTime) {
  ServiceRow service;
  service.established_s = 1;
  service.embryonic_s = 2;
  service.closing_s = 3;
  service.time_wait_s = 4;
  service.udp_s = 5;
  constexpr std::array<std::uint32_t, kConnectionStates> kSeconds{2, 1, 3, 3, 4, 5, 3, 2};
  for (std::size_t i = 0; i < kConnectionStates; ++i)
    EXPECT_EQ(idle_limit_s(service, static_cast<State>(i)), kSeconds[i]) << i;
}

}  // namespace
}  // namespace fulcrum
