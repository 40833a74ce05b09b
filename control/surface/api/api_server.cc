#include "control/surface/api/api_server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>
#include <utility>

#include "control/files/files.h"
#include "control/surface/api/api.h"
#include "control/surface/api/configuration.h"
#include "control/surface/api/console_line.h"
#include "control/surface/api/events.h"
#include "control/surface/https/https_server.h"
#include "dataplane/base/log.h"

namespace fulcrum::api {
namespace {

namespace asio = boost::asio;
using std::chrono::system_clock;

constexpr int kNice = 5;
constexpr std::size_t kWorkerQueue = 64;
// Of the thread that writes large answers: below this one, and more than there can be connections.
constexpr int kWriterNice = 10;
constexpr std::size_t kWriterQueue = 1024;
constexpr std::chrono::seconds kTick{1};
constexpr int kListenAgain = 2;        // ticks
constexpr int kCertificateAgain = 10;  // ticks: somebody else may have renewed the files
constexpr std::chrono::hours kEndsSoon{30 * 24};

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "fulcrum";
  return name.data();
}

}  // namespace

// Everything that lives on the thread, in the order in which it is made; unmade the other way round.
struct ApiServer::Inside {
  Inside(std::string directory, access::AccountBook book, audit::AuditLog log, ControlLoop to, Current current)
      : state_directory{std::move(directory)},
        control{std::move(to)},
        hasher{kWorkerQueue},
        recorder{kWorkerQueue},
        writer{kWriterQueue, kWriterNice},
        access{std::move(book), hasher, poster(), access::Access::real_clock()},
        auditor{std::move(log), recorder, poster()},
        api{access, auditor, plane(), std::move(current)},
        server{loop, {}, application()},
        timer{loop} {}

  [[nodiscard]] std::function<void(std::function<void()>)> poster() {
    return [this](std::function<void()> job) { asio::post(loop, std::move(job)); };
  }
  // Questions go to the control loop, answers come back to this one.
  [[nodiscard]] Plane plane() {
    Plane made;
    made.ask = [this](nlohmann::json question, std::function<void(nlohmann::json)> done) {
      control.ask(std::move(question), [this, done = std::move(done)](nlohmann::json answer) {
        asio::post(loop, [done, answer = std::move(answer)]() mutable { done(std::move(answer)); });
      });
    };
    made.job = [this](std::function<void(store::Configuration&)> job, std::function<void()> done) {
      control.job(std::move(job), [this, done = std::move(done)] { asio::post(loop, done); });
    };
    made.write = [this](std::function<https::Response()> make, std::function<void(https::Response)> done) {
      const bool taken = writer.run([this, make = std::move(make), done] {
        asio::post(loop, [done, response = make()]() mutable { done(std::move(response)); });
      });
      if (!taken) done(response_of(problem(503, "too many large answers are being written: ask again")));
    };
    made.later = [this](std::chrono::nanoseconds time, std::function<void()> then) {
      const auto pause = std::make_shared<asio::steady_timer>(loop, time);
      pause->async_wait([pause, then = std::move(then)](const boost::system::error_code& error) {
        if (!error) then();
      });
    };
    made.management = [this] { return standing(); };
    return made;
  }
  [[nodiscard]] https::HttpsServer::Application application() {
    return {.is_allowed = [this](const Address& source) { return api.is_allowed(source); },
            .admit = [this](const https::Request& head) { return api.admit(head); },
            .handle = [this](https::Request request,
                             std::shared_ptr<https::Reply> reply) { api.handle(std::move(request), std::move(reply)); },
            .refuse = [](unsigned status, const std::string& text) { return response_of(problem(status, text)); }};
  }

  void run() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    tick();
    loop.run();
    server.close();
  }

  void tick() {
    ++ticks;
    if (!listening && ticks % kListenAgain == 0) listen();
    if (ticks % kCertificateAgain == 0) take_certificate();
    api.tick();
    timer.expires_after(kTick);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  void configure(const model::Management& wanted) {
    const bool same_place = listening && wanted.addresses == management.addresses && wanted.port == management.port;
    management = wanted;
    api.set_allowed_hosts(management.allowed_hosts);
    take_certificate();
    if (same_place) return;
    server.stop_listening();
    listen();
  }

  // The problem is told once, however often it is tried again.
  void complain(std::string& told, const std::string& words) {
    if (!words.empty() && told != words) log(Level::warning, "REST API: {}", words);
    told = words;
  }

  // The administrator's. While there is something wrong with it the one before stays, or the box has its own: whoever
  // is to mend it must get in.
  void take_certificate() {
    if (management.addresses.empty()) return;
    if (management.certificate.empty()) {
      auto own = own_certificate();
      complain(certificate_problem, own ? std::string{} : own.error().words());
      if (own) take(*own, true);
      return;
    }
    auto loaded = https::load_tls(management.certificate, management.key);
    complain(certificate_problem, loaded ? std::string{} : loaded.error().words());
    if (loaded) return take(*loaded, false);
    if (tls != nullptr) return;
    if (auto own = own_certificate()) take(*own, true);
  }

  void take(std::shared_ptr<https::TlsContext> taken, bool is_own) {
    tls = std::move(taken);
    has_own = is_own;
    server.use(tls);
  }

  [[nodiscard]] Result<std::shared_ptr<https::TlsContext>> own_certificate() {
    https::OwnCertificate wish{.certificate_file = state_directory + "/api-certificate.pem",
                               .key_file = state_directory + "/api-key.pem",
                               .host_name = host_name(),
                               .addresses = {}};
    for (const Address& address : management.addresses) {
      if (!address.is_unspecified() && address != Address{}) wish.addresses.push_back(address.text());
    }
    if (auto kept = https::keep_own_certificate(wish, system_clock::now()); !kept) {
      return tl::unexpected<Error>{kept.error()};
    }
    return https::load_tls(wish.certificate_file, wish.key_file);
  }

  // What is wrong now, in words.
  [[nodiscard]] std::vector<std::string> problems() {
    std::vector<std::string> found;
    for (const std::string& problem : {listen_problem, certificate_problem, auditor.problem()}) {
      if (!problem.empty()) found.push_back(problem);
    }
    if (tls != nullptr && tls->not_after - system_clock::now() < kEndsSoon) {
      found.push_back(fmt::format("the certificate {} ends at {}: replace it", tls->subject, end_of(*tls)));
    }
    return found;
  }

  static std::string end_of(const https::TlsContext& tls) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(system_clock::to_time_t(tls.not_after)));
  }

  void listen() {
    listening = true;
    server.stop_listening();
    for (const Address& address : management.addresses) {
      const auto done = server.listen(address, management.port);
      if (done) continue;
      complain(listen_problem, done.error().words());
      listening = false;
      return;
    }
    listen_problem.clear();
    for (const Address& address : management.addresses) {
      log(Level::notice, "REST API at {} port {}, certificate SHA-256 {}", address.text(), management.port,
          tls != nullptr ? tls->fingerprint : "none");
    }
  }

  [[nodiscard]] Json standing() {
    Json body{{"addresses", Json::array()}, {"port", management.port}, {"listening", listening}};
    for (const Address& address : management.addresses) body["addresses"].push_back(address.text());
    body["allowed_hosts"] = Json::array();
    for (const Prefix& host : management.allowed_hosts) body["allowed_hosts"].push_back(host.text());
    body["rescue_s"] = api.rescue_left().count();
    body["connections"] = server.connections();
    body["listeners"] = api.events().listeners();
    body["problems"] = problems();
    if (tls == nullptr) return body;
    body["certificate"] = {
        {"subject", tls->subject}, {"sha256", tls->fingerprint}, {"not_after", end_of(*tls)}, {"own", has_own}};
    return body;
  }

  std::string state_directory;
  ControlLoop control;
  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  access::Worker hasher, recorder, writer;  // one each, so that guessers of passwords delay no records
  access::Access access;
  Auditor auditor;
  Api api;
  https::HttpsServer server;
  asio::steady_timer timer;
  model::Management management;
  std::shared_ptr<https::TlsContext> tls;
  std::string listen_problem, certificate_problem;
  bool listening = true;  // nothing is wanted yet
  bool has_own = false;   // the certificate that the box makes itself
  int ticks = 0;
  std::thread thread;
};

Result<std::unique_ptr<ApiServer>> ApiServer::start(const std::string& state_directory, ControlLoop control,
                                                    Current current) {
  if (auto made = files::make_directory(state_directory); !made) return tl::unexpected<Error>{made.error()};
  auto book = access::AccountBook::open(state_directory + "/access.json");
  if (!book) return tl::unexpected<Error>{book.error()};
  auto log = audit::AuditLog::open(state_directory + "/audit", {}, [] { return system_clock::now(); });
  if (!log) return tl::unexpected<Error>{log.error()};
  auto inside = std::make_unique<Inside>(state_directory, std::move(*book), std::move(*log), std::move(control),
                                         std::move(current));
  inside->thread = std::thread{[raw = inside.get()] { raw->run(); }};
  return std::unique_ptr<ApiServer>{new ApiServer{std::move(inside)}};
}

ApiServer::ApiServer(std::unique_ptr<Inside> inside) : inside_{std::move(inside)} {}

ApiServer::~ApiServer() {
  inside_->loop.stop();
  inside_->thread.join();
}

void ApiServer::configure(const model::Management& management) {
  asio::post(inside_->loop, [raw = inside_.get(), management] { raw->configure(management); });
}

void ApiServer::set_current(Current current) {
  asio::post(inside_->loop, [raw = inside_.get(), current = std::move(current)] { raw->api.set_current(current); });
}

void ApiServer::ask_as_console(const std::string& line, const access::Peer& peer,
                               std::function<void(std::string)> done) {
  asio::post(inside_->loop, [raw = inside_.get(), line, peer, done = std::move(done)] {
    auto read = read_console_line(line);
    if (!read) return done(line_of(response_of(problem(400, read.error().text))));
    raw->api.handle_console(std::move(read->request), peer.name(read->who),
                            [done](const https::Response& response) { done(line_of(response)); });
  });
}

void ApiServer::judge(std::string who, document::Document document, std::vector<document::Change> changes,
                      std::function<void(std::string objection)> done) {
  asio::post(inside_->loop,
             [raw = inside_.get(), who = std::move(who), document = std::move(document), changes = std::move(changes),
              done = std::move(done)] { done(objection_now(raw->access, who, document, changes)); });
}

void ApiServer::record(audit::Record record, std::function<void()> done) {
  asio::post(inside_->loop, [raw = inside_.get(), record = std::move(record), done = std::move(done)]() mutable {
    raw->auditor.record(std::move(record), std::move(done));
  });
}

}  // namespace fulcrum::api
