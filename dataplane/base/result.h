// What a function of the control side returns: a value, or where it failed and why, in words for a human. The packet
// path does not use it: there a packet gets a verdict (contract/verdict.h).
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace fulcrum {

struct Error {
  enum class Code : std::uint8_t {
    invalid,    // the input is wrong; the text says what is right
    limit,      // a fixed capacity would be exceeded
    not_found,  // the object named does not exist
    conflict,   // somebody else holds it
    io,         // the operating system refused
  };
  Code code = Code::invalid;
  std::string path;  // the object: a configuration path, a file, a device
  std::string text;  // the reason and the way out

  [[nodiscard]] std::string words() const { return path.empty() ? text : path + ": " + text; }
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error::Code code, std::string path, std::string text) {
  return tl::unexpected<Error>{Error{code, std::move(path), std::move(text)}};
}

// The reason a system call gave, in words ("Permission denied"). Thread-safe, unlike strerror.
std::string errno_words(int error);

}  // namespace fulcrum
