#include "control/surface/local/line_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <vector>

#include "dataplane/base/owned_fd.h"
#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

using std::chrono::milliseconds;

// A client under the test's hands: sends what it likes, reads when it likes.
class TestClient {
 public:
  explicit TestClient(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL), text.size());
  }
  // What has come so far.
  const std::string& received() {
    char chunk[65536];
    ssize_t length = 0;
    while ((length = recv(socket_.get(), chunk, sizeof chunk, 0)) > 0) {
      text_.append(chunk, static_cast<std::size_t>(length));
    }
    ended_ = ended_ || length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return text_;
  }
  bool ended() { return received(), ended_; }

 private:
  OwnedFd socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string text_;
  bool ended_ = false;
};

class LineServerTest : public testing::Test {
 protected:
  LineServerTest() { start({.clients_max = 3, .line_max = 64, .idle_max = milliseconds{60'000}}); }
  ~LineServerTest() override { unlink(path.c_str()); }

  void start(LineServer::Limits limits) {
    server.emplace(loop, limits, [this](const std::string& line, const std::shared_ptr<LineServer::Reply>& reply) {
      questions.push_back(line);
      if (line == "later") {
        kept = reply;
      } else {
        reply->send(line == "much" ? std::string(8U << 20U, 'x') : "re: " + line);
      }
    });
    ASSERT_TRUE(server->listen(path));
  }
  template <class Condition>
  void until(Condition holds) {
    while (!holds()) ASSERT_GT(loop.run_one(), 0U);
  }

  std::string path = testing::TempDir() + "fulcrum-line-" + std::to_string(getpid());
  boost::asio::io_context loop;
  std::vector<std::string> questions;
  std::shared_ptr<LineServer::Reply> kept;
  std::optional<LineServer> server;
};

TEST_F(LineServerTest, AnswersLineByLine) {
  TestClient client{path};
  client.send("one\ntwo\nthr");
  until([&] { return client.received() == "re: one\nre: two\n"; });
  client.send("ee\n");
  until([&] { return client.received() == "re: one\nre: two\nre: three\n"; });
}

TEST_F(LineServerTest, OnlyTheOwnerMayConnect) {
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(LineServerTest, AClientThatDoesNotReadHoldsUpNobody) {
  TestClient lazy{path};
  lazy.send("much\n");
  until([&] { return questions.size() == 1; });
  TestClient quick{path};
  quick.send("hello\n");
  until([&] { return quick.received() == "re: hello\n"; });
  // Nor does it get lost: when it reads at last, everything is there.
  until([&] { return lazy.received().size() == (8U << 20U) + 1; });
}

TEST_F(LineServerTest, TakesNoFurtherQuestionWhileOneIsOpen) {
  TestClient client{path};
  client.send("later\nnext\n");
  until([&] { return kept != nullptr; });
  loop.poll();
  EXPECT_EQ(questions.size(), 1U);
  loop.restart();
  kept->send("at last");
  until([&] { return client.received() == "at last\nre: next\n"; });
}

TEST_F(LineServerTest, ALineHasALength) {
  TestClient client{path};
  client.send(std::string(65, 'x'));
  until([&] { return client.ended(); });
  EXPECT_NE(client.received().find("too long"), std::string::npos);
  EXPECT_TRUE(questions.empty());
  TestClient whole{path};
  whole.send(std::string(65, 'x') + "\n");
  until([&] { return whole.ended(); });
  TestClient good{path};
  good.send(std::string(64, 'x') + "\n");
  until([&] { return !good.received().empty(); });
  EXPECT_EQ(questions.size(), 1U);
}

TEST_F(LineServerTest, AreSoManyClientsAndNotMore) {
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TestClient>(path));
    clients.back()->send("hello\n");
    until([&] { return !clients.back()->received().empty(); });
  }
  TestClient extra{path};
  until([&] { return extra.ended(); });
  EXPECT_NE(extra.received().find("too many"), std::string::npos);
  clients.pop_back();
  until([&] { return server->clients() == 2; });
  TestClient next{path};
  next.send("hello\n");
  until([&] { return next.received() == "re: hello\n"; });
}

TEST_F(LineServerTest, ShowsAnIdleClientOut) {
  start({.clients_max = 3, .line_max = 64, .idle_max = milliseconds{1}});
  TestClient silent{path};
  until([&] { return silent.ended(); });
  TestClient lazy{path};
  lazy.send("much\n");
  until([&] { return server->clients() == 1; });
  until([&] { return server->clients() == 0; });
}

TEST_F(LineServerTest, AnAnswerToSomebodyWhoLeftDoesNoHarm) {
  {
    TestClient client{path};
    client.send("later\n");
    until([&] { return kept != nullptr; });
  }
  kept->send(std::string(8U << 20U, 'x'));
  until([&] { return server->clients() == 0; });
  EXPECT_FALSE(kept->is_wanted());
  kept->send("again");
}

TEST_F(LineServerTest, TakesThePlaceOfADeadPredecessor) {
  // The file of one that was killed is still there.
  const std::string other = path + "-dead";
  {
    const OwnedFd dead{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, other.data(), other.size());
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  LineServer successor{loop, {}, [](const std::string&, const std::shared_ptr<LineServer::Reply>&) {}};
  EXPECT_TRUE(successor.listen(other));
  successor.close();
  EXPECT_NE(::access(other.c_str(), F_OK), 0);
}

TEST_F(LineServerTest, SaysThatAPathIsTooLong) {
  LineServer far{loop, {}, [](const std::string&, const std::shared_ptr<LineServer::Reply>&) {}};
  const auto done = far.listen("/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Error::Code::limit);
}

}  // namespace
}  // namespace fulcrum
