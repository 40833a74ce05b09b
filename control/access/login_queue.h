// Who waits for a password to be hashed, which takes some 50 ms: one at a time. First come those who are known, from
// where they are known: an account from an address that it has logged in from, and whoever is in already. Then
// strangers, in the order in which they came; of each source so many wait and no more. So whoever guesses from many
// machines fills the strangers' places, and an administrator at their desk waits for one hash.
//
// Pure, one thread: it holds the work, the caller does it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

namespace fulcrum::access {

class LoginQueue {
 public:
  static constexpr std::size_t waiting_max = 64;  // of each kind
  static constexpr std::size_t strangers_of_source_max = 2;
  using Begin = std::function<void()>;

  // Whether somebody from there may wait.
  [[nodiscard]] bool has_room(const std::string& source, bool is_known) const;
  // Calls `begin` when the turn has come, perhaps at once. Only where there is room.
  void enter(const std::string& source, bool is_known, Begin begin);
  // The one that was begun is done.
  void leave();

 private:
  struct Waiting {
    std::string source;
    Begin begin;
  };
  std::deque<Waiting> known_, strangers_;
  bool busy_ = false;
};

}  // namespace fulcrum::access
