// Pieces of a lab for tests that need root: commands, network namespaces with names of their own, temporary
// directories. Each is taken away when its object dies, also when the test failed; what a killed run left behind is
// recognised by the number of its process and taken away by the next one.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

namespace fulcrum::test {

struct CommandResult {
  int status = -1;     // exit status; 128 + n: killed by signal n
  std::string output;  // standard output and error, as they came
};

inline CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer;
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) != 0;) {
    result.output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

// A network namespace of this test, with lo up.
class LabNamespace {
 public:
  explicit LabNamespace(const std::string& purpose) : name_{"ft-" + std::to_string(getpid()) + "-" + purpose} {
    remove_leftovers();
    run_command("ip netns add " + name_ + " && ip -n " + name_ + " link set lo up");
  }
  // For a namespace that the code under test is to make.
  struct Unmade {};
  LabNamespace(const std::string& purpose, Unmade) : name_{"ft-" + std::to_string(getpid()) + "-" + purpose} {}
  ~LabNamespace() { run_command("ip netns del " + name_); }
  LabNamespace(const LabNamespace&) = delete;
  LabNamespace& operator=(const LabNamespace&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // `ip -n NAME arguments`, and `ip netns exec NAME command`.
  CommandResult ip(const std::string& arguments) const { return run_command("ip -n " + name_ + " " + arguments); }
  CommandResult exec(const std::string& command) const { return run_command("ip netns exec " + name_ + " " + command); }

 private:
  static void remove_leftovers() {
    std::istringstream names{run_command("ip netns list").output};
    for (std::string line; std::getline(names, line);) {
      int owner = 0;
      if (std::sscanf(line.c_str(), "ft-%d-", &owner) == 1 && kill(owner, 0) != 0) {
        run_command("ip netns del " + line.substr(0, line.find(' ')));
      }
    }
  }
  std::string name_;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fulcrum-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Writes a file, making the folders above it; returns its path.
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = std::filesystem::path{path_} / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
    return file.string();
  }

 private:
  std::string path_;
};

inline bool is_root() { return geteuid() == 0; }

}  // namespace fulcrum::test
