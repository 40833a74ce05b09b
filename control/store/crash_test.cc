// A commit that is killed at each of its system calls. The calls that change the disk are counted on their way to the
// kernel (the definitions below come before libc's); a child commits and is gone just before its k-th one, for every k
// until it gets through. Whoever starts afterwards must find the old revision or the new one, whole, and be able to go
// on; and what was reported as committed must be there.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>

#include "control/document/json.h"
#include "control/files/files.h"
#include "control/store/configuration.h"
#include "control/store/file_link.h"
#include "control/store/revision_json.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace {

// Calls left before the end; nothing: no end.
std::optional<int> calls_left;
int calls_seen = 0, fsyncs_seen = 0;

constexpr int kKilled = 77;

void count_call() {
  ++calls_seen;
  if (!calls_left) return;
  if (*calls_left == 0) _exit(kKilled);
  --*calls_left;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
ssize_t write(int fd, const void* bytes, size_t length) {
  count_call();
  // What a full disk or a signal would do too: only some of the bytes.
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return real(fd, bytes, calls_left && length > 1 ? length / 2 : length);
}
int fsync(int fd) {
  count_call();
  ++fsyncs_seen;
  static const auto real = next<int (*)(int)>("fsync");
  return real(fd);
}
int rename(const char* from, const char* to) noexcept {
  count_call();
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return real(from, to);
}
int unlink(const char* path) noexcept {
  count_call();
  static const auto real = next<int (*)(const char*)>("unlink");
  return real(path);
}
int fchmod(int fd, mode_t mode) noexcept {
  count_call();
  static const auto real = next<int (*)(int, mode_t)>("fchmod");
  return real(fd, mode);
}
}

namespace fulcrum::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kText = R"(version = 1;
ports = ( { name = "front"; addresses = [ "198.51.100.1/24" ]; } );
farms = ( { name = "shop"; addresses = [ "198.51.100.10" ]; ports = ( { port = 80; } );
            servers = ( { name = "web1"; addresses = [ "198.51.100.20" ]; weight = 10; } ); } );
)";

// The program as far as it is about revisions.
struct Box {
  static std::optional<Box> start(const std::string& directory) {
    auto history = History::open(directory + "/state", model::description().shape());
    if (!history || !history->damage().empty()) return std::nullopt;
    Configuration::Rules rules{
        .validate = [](const auto&, const auto&) { return std::vector<settings::Problem>{}; },
        .may_follow = [](const auto&, const auto&) { return std::vector<std::pair<std::string, std::string>>{}; }};
    Box box{Configuration{std::move(*history), std::move(rules)},
            FileLink{directory + "/fulcrum.cfg", directory + "/state"}};
    const auto news = box.file.read(box.configuration, Time{}, "");
    if (news.kind == FileLink::News::Kind::refused) return std::nullopt;
    return box;
  }
  // False when it was refused.
  bool commit(const std::string& weight) {
    const auto where = *document::parse_path("farms.shop.servers.web1.weight");
    // One that was killed may have left its candidate.
    return (configuration.find("a") || configuration.open("a", "a", Time{})) &&
           configuration.edit("a", Time{},
                              [&](const Document& d) { return d.set_words(where, std::vector{weight}); }) &&
           configuration.commit("a", {"a", "cli", ""}, Time{},
                                {.rebase = false, .confirm_within = std::chrono::minutes{1}}) &&
           configuration.confirm() && file.write(configuration);
  }
  [[nodiscard]] int weight() const { return configuration.model()->farms.at(0).servers.at(0).weight; }

  Configuration configuration;
  FileLink file;
};

// Runs `body` in a child that ends before its call number `call`. The child's exit status: 0 when it got through.
template <class Body>
int run_killed(int call, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    calls_left = call;
    const bool done = body();
    calls_left.reset();
    _exit(done ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class CrashTest : public testing::Test {
 protected:
  // A fresh copy of the disk as it was.
  [[nodiscard]] std::string copy_of(const std::string& origin, int call) const {
    const std::string copy = origin + "-copy" + std::to_string(call);
    fs::copy(origin, copy, fs::copy_options::recursive);
    return copy;
  }
  test::TemporaryDirectory directory;
};

TEST_F(CrashTest, TheFirstStartIsAllOrNothing) {
  directory.write("origin/fulcrum.cfg", kText);
  int status = kKilled;
  int call = 0;
  for (; status != 0; ++call) {
    ASSERT_LT(call, 200);
    const std::string disk = copy_of(directory.path() + "/origin", call);
    status = run_killed(call, [&] { return Box::start(disk).has_value(); });
    ASSERT_TRUE(status == 0 || status == kKilled) << status;
    auto box = Box::start(disk);
    ASSERT_TRUE(box) << "killed before call " << call;
    EXPECT_EQ(box->weight(), 10);
    EXPECT_EQ(box->configuration.history().newest().number, 1U) << call;
  }
  EXPECT_GT(call, 10);  // the counting works
}

TEST_F(CrashTest, ACommitIsAllOrNothing) {
  directory.write("origin/fulcrum.cfg", kText);
  { ASSERT_TRUE(Box::start(directory.path() + "/origin")->commit("20")); }
  int status = kKilled;
  int call = 0;
  bool was_new = false;
  for (; status != 0; ++call) {
    ASSERT_LT(call, 200);
    const std::string disk = copy_of(directory.path() + "/origin", call);
    // The copy lies elsewhere: the history must know its file.
    { ASSERT_TRUE(Box::start(disk)); }
    status = run_killed(call, [&] {
      auto box = Box::start(disk);
      return box && box->commit("30");
    });
    ASSERT_TRUE(status == 0 || status == kKilled) << status;
    auto box = Box::start(disk);
    ASSERT_TRUE(box) << "killed before call " << call;
    const bool is_new = box->weight() == 30;
    EXPECT_TRUE(is_new || box->weight() == 20) << box->weight();
    EXPECT_EQ(box->configuration.history().newest().number, is_new ? 3U : 2U) << call;
    EXPECT_EQ(box->configuration.history().newest().hash, box->configuration.current().hash());
    EXPECT_TRUE(is_new || !was_new) << "killed later, but the older revision: " << call;
    was_new = is_new;
    // What stands there can be gone on with, and the way back is whole. A commit for a time waits to be confirmed.
    const auto first = box->configuration.history().document(1);
    ASSERT_TRUE(first);
    EXPECT_EQ(document::object_of<model::Model>(*first).farms[0].servers[0].weight, 10U);
    if (box->configuration.history().awaits_confirmation()) {
      ASSERT_TRUE(box->configuration.confirm());
    }
    ASSERT_TRUE(box->commit("40")) << call;
    EXPECT_EQ(box->weight(), 40);
  }
  EXPECT_TRUE(was_new);
  EXPECT_GT(call, 20);
}

TEST_F(CrashTest, GoingBackIsAllOrNothing) {
  directory.write("origin/fulcrum.cfg", kText);
  const auto where = *document::parse_path("farms.shop.servers.web1.weight");
  {
    auto box = Box::start(directory.path() + "/origin");
    const auto edit = [&](const Document& d) { return d.set_words(where, std::vector<std::string>{"20"}); };
    ASSERT_TRUE(box->configuration.open("a", "a", Time{}));
    ASSERT_TRUE(box->configuration.edit("a", Time{}, edit));
    ASSERT_TRUE(box->configuration.commit("a", {"a", "cli", ""}, Time{},
                                          {.rebase = false, .confirm_within = std::chrono::minutes{1}}));
    ASSERT_TRUE(box->file.write(box->configuration));
  }
  int status = kKilled;
  for (int call = 0; status != 0; ++call) {
    ASSERT_LT(call, 200);
    const std::string disk = copy_of(directory.path() + "/origin", call);
    { ASSERT_TRUE(Box::start(disk)); }
    status = run_killed(call, [&] {
      auto box = Box::start(disk);
      return box && box->configuration.go_back(Time{}) && box->file.write(box->configuration);
    });
    auto box = Box::start(disk);
    ASSERT_TRUE(box) << call;
    // Either it has gone back, or it still knows that it must.
    const bool still_waits = box->configuration.history().awaits_confirmation().has_value();
    EXPECT_EQ(box->weight(), still_waits ? 20 : 10) << call;
  }
}

// What else makes a revision, and what is done to the box before.
struct Deed {
  const char* name;
  std::function<bool(Box&)> prepare, act;
  int before, after;  // weight
};

Document with_weight(const Document& document, const std::string& weight) {
  return *document.set_words(*document::parse_path("farms.shop.servers.web1.weight"), std::vector{weight});
}

constexpr Time kDue{std::chrono::hours{1}};

bool is_scheduled(Configuration& configuration) {
  return configuration.open("night", "anna", Time{}) &&
         configuration.edit("night", Time{}, [](const Document& d) { return with_weight(d, "30"); }) &&
         configuration.schedule("night", {"anna", "cli", ""}, Time{}, kDue, std::nullopt);
}

std::vector<Deed> deeds() {
  const auto commit = [](Box& box) { return box.commit("20"); };
  return {{"rollback", commit,
           [](Box& box) {
             return box.configuration.rollback(1, {"a", "cli", ""}, Time{}) && box.file.write(box.configuration);
           },
           20, 10},
          {"revert", commit,
           [](Box& box) {
             return box.configuration.revert(2, {"a", "cli", ""}, Time{}) && box.file.write(box.configuration);
           },
           20, 10},
          {"commit at", [](Box& box) { return is_scheduled(box.configuration); },
           [](Box& box) { return box.configuration.commit_due(kDue).empty() && box.file.write(box.configuration); }, 10,
           30}};
}

TEST_F(CrashTest, EveryWayToARevisionIsAllOrNothing) {
  for (const Deed& deed : deeds()) {
    const std::string origin = std::string{deed.name} + "/origin";
    directory.write(origin + "/fulcrum.cfg", kText);
    {
      auto box = Box::start(directory.path() + "/" + origin);
      ASSERT_TRUE(box && deed.prepare(*box));
    }
    int status = kKilled;
    bool was_new = false;
    for (int call = 0; status != 0; ++call) {
      SCOPED_TRACE(testing::Message() << deed.name << ", killed before call " << call);
      ASSERT_LT(call, 200);
      const std::string disk = copy_of(directory.path() + "/" + origin, call);
      { ASSERT_TRUE(Box::start(disk)); }
      status = run_killed(call, [&] {
        auto box = Box::start(disk);
        return box && deed.act(*box);
      });
      ASSERT_TRUE(status == 0 || status == kKilled) << status;
      auto box = Box::start(disk);
      ASSERT_TRUE(box);
      const bool is_new = box->weight() == deed.after;
      EXPECT_TRUE(is_new || box->weight() == deed.before) << box->weight();
      EXPECT_TRUE(is_new || !was_new);
      was_new = is_new;
      // What was to come by itself comes, and once.
      const auto newest = box->configuration.history().newest().number;
      EXPECT_TRUE(box->configuration.commit_due(kDue).empty());
      const bool is_due = !is_new && deed.after == 30;
      EXPECT_EQ(box->configuration.history().newest().number, newest + (is_due ? 1 : 0));
      ASSERT_TRUE(box->commit("40"));
      EXPECT_TRUE(box->configuration.history().document(1));
    }
    EXPECT_TRUE(was_new);
  }
}

// A file that was edited by hand is taken by the next start, as a whole or not at all; the edit is never lost.
TEST_F(CrashTest, AnEditedFileIsTakenOrStillThere) {
  directory.write("origin/fulcrum.cfg", kText);
  { ASSERT_TRUE(Box::start(directory.path() + "/origin")->commit("20")); }
  int status = kKilled;
  for (int call = 0; status != 0; ++call) {
    ASSERT_LT(call, 200);
    const std::string disk = copy_of(directory.path() + "/origin", call);
    { ASSERT_TRUE(Box::start(disk)); }
    std::string text = **files::read(disk + "/fulcrum.cfg", 100000);
    text.replace(text.find("weight = 20"), 11, "weight = 30");
    ASSERT_TRUE(files::replace(disk + "/fulcrum.cfg", text));
    status = run_killed(call, [&] {
      auto box = Box::start(disk);
      return box && box->file.write(box->configuration);
    });
    ASSERT_TRUE(status == 0 || status == kKilled) << status;
    auto box = Box::start(disk);
    ASSERT_TRUE(box) << call;
    EXPECT_EQ(box->weight(), 30) << call;
    EXPECT_EQ(box->configuration.history().newest().number, 3U) << call;
  }
}

// One that was to be committed by itself, and of which somebody was told that it is discarded, does not come back.
TEST_F(CrashTest, WhatWasDiscardedStaysDiscardedAfterAPowerCut) {
  directory.write("origin/fulcrum.cfg", kText);
  auto box = Box::start(directory.path() + "/origin");
  ASSERT_TRUE(is_scheduled(box->configuration));
  const int before = fsyncs_seen;
  ASSERT_TRUE(box->configuration.discard("night"));
  EXPECT_GT(fsyncs_seen, before) << "nothing has waited for the disk";
}

}  // namespace
}  // namespace fulcrum::store
