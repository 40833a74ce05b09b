// How a TCP connection's state follows from what passes by (RFC 9293 3.3.2, seen from between the two ends). Pure.
//
//             SYN                server's answer          client's confirmation
//   (none) ---------> embryonic ----------------> answered --------------------> established
//                         |        in DSR, whose answers do not pass, by the client's ACK alone        |
//                         +----------------------------------------------------------------------------+
//   established -- FIN of one side --> client_closing or server_closing -- FIN of the other --> time_wait
//   any -- RST of the server --> time_wait
//   any -- RST of the client --> reset -- anything but SYN, FIN or RST --> established
//
// What cannot be trusted. Nothing here tracks sequence numbers, so anybody who knows addresses and ports can send a FIN
// or a RST in the client's name that the server will not accept (RFC 5961). So neither ends a connection here: the
// server gets the packet and decides, and the connection keeps its server. A RST only shortens the time it is
// remembered when nothing passes any more, and the first segment after it proves that the ends go on. (A RST of the
// server comes from our own side and is believed.) A SYN may take the place of a connection that is over; where both
// directions pass (NAT) that is one with both FINs or the server's RST, and in all other states the SYN goes to the
// same server, which accepts it or challenges it (RFC 5961 4). In DSR the server's FIN and RST do not pass, and clients
// do re-use ports: there a SYN after a FIN or RST of the client begins anew, and a forger who guesses the port can part
// a client from its server by a RST and a SYN. In NAT he cannot.
#pragma once

#include <cstdint>

#include "dataplane/contract/connections.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/packet/facts.h"
#include "dataplane/packet/headers.h"

namespace fulcrum {

constexpr bool begins_connection(std::uint8_t flags) noexcept {
  return (flags & (tcp_flag::syn | tcp_flag::ack | tcp_flag::rst | tcp_flag::fin)) == tcp_flag::syn;
}

// What is so of nearly every segment; next_state() then has nothing to say.
constexpr bool stays_established(ConnectionState state, std::uint8_t flags) noexcept {
  return state == ConnectionState::established && (flags & (tcp_flag::syn | tcp_flag::fin | tcp_flag::rst)) == 0;
}

// What a segment with `flags` makes of a connection in `state`.
constexpr ConnectionState next_state(ConnectionState state, Mode mode, bool from_client, std::uint8_t flags) noexcept {
  using State = ConnectionState;
  if ((flags & tcp_flag::rst) != 0) return from_client && state != State::time_wait ? State::reset : State::time_wait;
  if ((flags & tcp_flag::syn) != 0) {
    if (!from_client) return state == State::embryonic ? State::answered : state;
    // That it came this far means that the connection's place was not given to a new one: the server decides.
    const bool closing = state == State::client_closing || state == State::server_closing || state == State::reset;
    return closing ? State::embryonic : state;
  }
  if ((flags & tcp_flag::fin) != 0) {
    const State own = from_client ? State::client_closing : State::server_closing;
    const State other = from_client ? State::server_closing : State::client_closing;
    return state == other || state == State::time_wait ? State::time_wait : own;
  }
  switch (state) {
    case State::embryonic:
      if (!from_client) return State::answered;
      return mode == Mode::dsr ? State::established : state;
    case State::answered:
      return from_client ? State::established : state;
    case State::reset:
      return State::established;
    default:
      return state;
  }
}

// Whether a SYN of the client begins a new connection in the place of one in `state`.
constexpr bool gives_way(ConnectionState state, Mode mode) noexcept {
  switch (state) {
    case ConnectionState::time_wait:
      return true;
    case ConnectionState::client_closing:
    case ConnectionState::server_closing:
    case ConnectionState::reset:
      return mode == Mode::dsr;
    default:
      return false;
  }
}

// Whether a connection in `state` may be ended to make room for a new one: nobody has confirmed it yet, or both ends
// have said that it is over.
constexpr bool may_be_evicted(ConnectionState state) noexcept {
  return state == ConnectionState::embryonic || state == ConnectionState::answered ||
         state == ConnectionState::time_wait;
}

// When a connection in `state` of `service` may be forgotten, in seconds without a packet.
constexpr std::uint32_t idle_limit_s(const ServiceRow& service, ConnectionState state) noexcept {
  switch (state) {
    case ConnectionState::embryonic:
    case ConnectionState::answered:
      return service.embryonic_s;
    case ConnectionState::established:
      return service.established_s;
    case ConnectionState::client_closing:
    case ConnectionState::server_closing:
    case ConnectionState::reset:
      return service.closing_s;
    case ConnectionState::time_wait:
      return service.time_wait_s;
    case ConnectionState::udp:
      return service.udp_s;
  }
  return 0;  // a state of another release
}

}  // namespace fulcrum
