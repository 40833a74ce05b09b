// A test box whose configuration is drawn: services of every kind, servers in every state, limits, standbys, bindings.
// What it draws keeps to what control/compile would write (a server that takes everybody stands in the sequence, one
// that left is found by its endpoint only), so that the workers meet nothing that they may take for impossible.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "dataplane/explain/explainer.h"
#include "tests/worker/test_box.h"

namespace fulcrum::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_{seed} {}
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool one_in(std::size_t chances) { return below(chances) == 0; }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::mt19937_64 random_;
};

class RandomBox {
 public:
  // `dice` is borrowed.
  RandomBox(Dice& dice, std::uint32_t connections);

  // A new configuration, which the worker adopts, and perhaps a newer word about a server.
  void reconfigure();
  // About a packet of a connection that exists, or of one that could.
  ExplainQuestion question();
  // Something else: no TCP or UDP, or wrong in some way.
  Bytes odd_frame();

 private:
  struct Endpoint;
  static const std::vector<Endpoint>& endpoints();

  void add_routes(SnapshotBuilder& build) const;
  void add_service(SnapshotBuilder& build, const Endpoint& of);
  void add_server(SnapshotBuilder& build, ServiceId service, std::vector<std::uint16_t>& schedule);
  void add_slots(ServiceId id, ServiceRow& service, const std::vector<std::uint16_t>& schedule);
  void draw_state(ServerRow& row);
  void draw_load(ServerId server);
  void add_limits(SnapshotBuilder& build);
  void bind_somebody();
  void say_something_newer();
  std::optional<ConnectionEntry> some_connection();
  void concern(const ConnectionEntry& entry, bool reply, ExplainQuestion& question);
  void make_up(ExplainQuestion& question);

  Dice& dice_;
  std::vector<ServerId> servers_;
  std::uint32_t gateway_ = kNoNeighbour;

 public:
  TestBox box;
  std::unique_ptr<Explainer> explainer;
  std::uint64_t generation = 0;
  std::uint32_t slot = 0;
};

}  // namespace fulcrum::test
