// Packets of the dataplane's own: what tells the sender of a packet that it will not get through. An answer is made in
// place of the packet that it answers, in the same buffer, and goes back to the station which that packet came from, by
// the same port: no route or neighbour is looked up, and it finds its way even where routing is asymmetric. It has the
// addresses of the packet, exchanged, so to a client it comes from the service.
//
// Requires facts that parse() filled from the same frame, and kFrameRoom bytes of buffer behind frame.data. Any thread;
// touches only its arguments.
#pragma once

#include "dataplane/packet/facts.h"
#include "dataplane/packet/frame.h"

namespace fulcrum {

// The reset that a TCP without such a connection sends (RFC 9293 3.10.7.1). For a segment without RST: a reset is never
// answered.
void make_reset(Frame& frame, const Facts& facts) noexcept;

// Destination unreachable, port unreachable (RFC 792, RFC 1812 5.2.7.1; RFC 4443 3.1), with the packet's network header
// and the first 8 bytes behind it.
void make_unreachable(Frame& frame, const Facts& facts) noexcept;

}  // namespace fulcrum
