#include "control/access/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/access/secrets.h"
#include "dataplane/base/invariant.h"
#include "dataplane/base/log.h"

namespace fulcrum::access {
namespace {

constexpr std::string_view kTokenPrefix = "fulcrum_";  // so that scanners for leaked secrets know one when they see it

bool contains(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

Error busy() { return {Error::Code::limit, "", "too many logins at a time: try again in a moment"}; }

}  // namespace

Access::Clock Access::real_clock() {
  return {[] { return std::chrono::steady_clock::now(); }, [] { return std::chrono::system_clock::now(); }};
}

Access::Access(AccountBook book, Worker& worker, Post post, Clock clock, Lockout::Rules lockout,
               Sessions::Limits limits)
    : book_{std::move(book)},
      worker_{worker},
      post_{std::move(post)},
      clock_{std::move(clock)},
      lockout_{lockout},
      sessions_{limits} {}

// `work` runs on the worker and gives what is to be done with its outcome on the owner's thread.
void Access::hash_in_turn(const std::string& source, bool is_known, std::function<std::function<void()>()> work) {
  queue_.enter(source, is_known, [this, work = std::move(work)] {
    const bool runs = worker_.run([this, post = post_, work] {
      post([this, outcome = work()] {
        outcome();
        queue_.leave();
      });
    });
    FULCRUM_ASSERT(runs);  // one at a time
  });
}

void Access::verify(const std::string& name, const std::string& password, const std::string& source, bool is_known,
                    std::function<void(bool, const std::string&)> done) {
  const Account* account = book_.find_account(name);
  std::string hash = account != nullptr ? account->password_hash : std::string{};
  hash_in_turn(source, is_known, [password, hash = std::move(hash), done = std::move(done)] {
    const bool right = password.size() <= kPasswordMax && verify_password(password, hash);
    return [right, hash, done] { done(right, hash); };
  });
}

void Access::login(const std::string& name, const std::string& password, const std::string& address,
                   std::function<void(LoginAnswer)> done) {
  // What is no name of an account must not become a key of the lock-out's table.
  const std::string known = check_name("name", name) ? name : std::string{};
  const std::string source = lockout_source(address);
  const Account* account = book_.find_account(known);
  const bool is_known = account != nullptr && contains(account->sources, source);
  // Before the try is counted: who is turned away unheard has guessed nothing.
  if (!queue_.has_room(source, is_known)) {
    return done({.outcome = LoginAnswer::Outcome::busy, .wait = std::chrono::seconds{1}, .secret = {}, .csrf = {}});
  }
  const auto wait = lockout_.try_now(known, source, clock_.steady(), is_known);
  if (wait > std::chrono::seconds{0}) {
    return done({.outcome = LoginAnswer::Outcome::wait, .wait = wait, .secret = {}, .csrf = {}});
  }
  verify(known, password, source, is_known, [this, known, address, done](bool right, const std::string& hash) {
    finish_login(known, address, right, hash, done);
  });
}

void Access::finish_login(const std::string& name, const std::string& address, bool right, const std::string& hash,
                          const std::function<void(LoginAnswer)>& done) {
  // The account may have got another password, or have gone, meanwhile.
  const Account* account = book_.find_account(name);
  if (!right || account == nullptr || account->password_hash != hash) return done({});
  lockout_.succeeded(name, lockout_source(address));
  if (auto noted = book_.note_source(name, lockout_source(address)); !noted) {
    log(Level::warning, "REST API: {}", noted.error().words());
  }
  LoginAnswer answer{.outcome = LoginAnswer::Outcome::good, .wait = {}, .secret = {}, .csrf = {}};
  answer.secret = sessions_.begin(name, address, clock_.steady());
  answer.csrf = csrf_of(answer.secret);
  done(answer);
}

std::optional<Identity> Access::by_session(const std::string& secret, const std::string& source, bool quiet) {
  const Session* session = sessions_.find(secret, clock_.steady(), quiet);
  if (session == nullptr) return std::nullopt;
  const Account* account = book_.find_account(session->account);
  if (account == nullptr) return std::nullopt;
  Identity who;
  who.name = account->name;
  who.role = account->role;
  who.scope = account->scope;
  who.source = source;
  who.session = session->id;
  return who;
}

std::optional<Identity> Access::by_token(const std::string& secret, const std::string& source) const {
  const Token* token = book_.find_token_by_secret(secret, clock_.wall());
  auto who = token != nullptr ? holder_of(*token) : std::nullopt;
  if (who) who->source = source;
  return who;
}

// What a living token allows; nothing: its account is gone, or may no longer do that itself.
std::optional<Identity> Access::holder_of(const Token& token) const {
  const Account* account = book_.find_account(token.account);
  if (account == nullptr) return std::nullopt;
  Identity owner;
  owner.role = account->role;
  owner.scope = account->scope;
  if (!covers(owner, token.role, token.scope)) return std::nullopt;
  Identity who;
  who.name = account->name;
  who.role = token.role;
  who.scope = token.scope;
  who.token = token.name;
  return who;
}

Result<Identity> Access::by_words(const std::string& words) const {
  constexpr std::string_view kToken = " (token ";
  const std::size_t end = words.find(kToken);
  const std::string name = words.substr(0, end);
  const Account* account = book_.find_account(name);
  if (account == nullptr) return fail(Error::Code::not_found, "", fmt::format("there is no account {} any more", name));
  if (end == words.npos) {
    Identity who;
    who.name = name;
    who.role = account->role;
    who.scope = account->scope;
    return who;
  }
  const std::string token_name = words.substr(end + kToken.size(), words.size() - end - kToken.size() - 1);
  const auto token = book_.tokens().find(token_name);
  if (token == book_.tokens().end() || token->second.account != name) {
    return fail(Error::Code::not_found, "", fmt::format("the token {} of {} was taken back", token_name, name));
  }
  if (token->second.expires <= clock_.wall()) {
    return fail(Error::Code::not_found, "", fmt::format("the token {} of {} has ended", token_name, name));
  }
  if (auto who = holder_of(token->second)) return std::move(*who);
  return fail(Error::Code::not_found, "",
              fmt::format("the account {} may no longer do what its token {} may", name, token_name));
}

std::string Access::csrf_of(const std::string& secret) {
  const Session* session = sessions_.find(secret, clock_.steady(), true);
  return session == nullptr ? std::string{} : session->csrf;
}

bool Access::csrf_matches(const std::string& secret, const std::string& csrf) {
  const std::string right = csrf_of(secret);
  return !right.empty() && same_secret(right, csrf);
}

void Access::put_account(const Identity& who, const AccountWish& wish, std::function<void(Result<void>)> done) {
  if (!wish.password) return done(store(who, wish, {}));
  if (auto good = check_password(wish.name, *wish.password); !good) return done(good);
  if (!queue_.has_room(who.source, true)) return done(tl::unexpected<Error>{busy()});
  hash_in_turn(who.source, true, [this, who, wish, done] {
    return [this, who, wish, done, hash = hash_password(*wish.password)] {
      done(hash ? store(who, wish, *hash) : tl::unexpected<Error>{hash.error()});
    };
  });
}

Result<void> Access::store(const Identity& who, const AccountWish& wish, const std::string& hash) {
  const Account* before = book_.find_account(wish.name);
  Account account = before != nullptr ? *before : Account{};
  const bool is_new = before == nullptr;
  if (is_new && !wish.role) return fail(Error::Code::invalid, "role", "a new account needs one: " + role_words());
  account.name = wish.name;
  account.role = wish.role.value_or(account.role);
  if (wish.scope) account.scope = *wish.scope;
  if (account.role != Role::farm_admin && !wish.scope) account.scope.clear();
  if (is_new) account.created = clock_.wall();
  if (!hash.empty()) {
    account.password_hash = hash;
    account.password_set = clock_.wall();
  }
  if (!covers(who, account.role, account.scope)) {
    return fail(Error::Code::conflict, "role", "is more than you have yourself");
  }
  const bool is_less = !is_new && (before->role != account.role || before->scope != account.scope || !hash.empty());
  if (auto put = book_.put_account(account); !put) return put;
  if (is_less) sessions_.end_all_of(account.name, who.session);
  if (!hash.empty()) lockout_.forgive(account.name);
  return {};
}

void Access::change_own_password(const Identity& who, const std::string& old_password, const std::string& new_password,
                                 std::function<void(Result<void>)> done) {
  if (auto good = check_password(who.name, new_password); !good) return done(good);
  const std::string source = lockout_source(who.source);
  if (!queue_.has_room(source, true)) return done(tl::unexpected<Error>{busy()});
  const auto wait = lockout_.try_now(who.name, source, clock_.steady(), true);
  if (wait > std::chrono::seconds{0}) {
    return done(fail(Error::Code::limit, "", fmt::format("too many wrong passwords: wait {} s", wait.count())));
  }
  verify(who.name, old_password, source, true, [this, who, source, new_password, done](bool right, const std::string&) {
    if (!right) return done(fail(Error::Code::invalid, "old_password", "is wrong"));
    lockout_.succeeded(who.name, source);
    Identity self = who;
    self.face = Face::console;  // its own role is not in question, only the password
    AccountWish wish;
    wish.name = who.name;
    wish.password = new_password;
    put_account(self, wish, done);
  });
}

Result<void> Access::remove_account(const std::string& name) {
  auto removed = book_.remove_account(name);
  if (removed) sessions_.end_all_of(name);
  return removed;
}

Result<std::string> Access::add_token(const Identity& who, const TokenWish& wish) {
  if (!covers(who, wish.role, wish.scope)) {
    return fail(Error::Code::conflict, "role", "a token cannot do more than you may yourself");
  }
  const std::string owner = wish.account.empty() ? who.name : wish.account;
  if (owner != who.name && !allows(who, Permission::accounts)) {
    return fail(Error::Code::conflict, "account", "is not yours: a token for somebody else takes an administrator");
  }
  const Account* account = book_.find_account(owner);
  if (account == nullptr) {
    return fail(Error::Code::not_found, "account",
                fmt::format("there is none named \"{}\": say for which account the token is", owner));
  }
  Identity holder;
  holder.role = account->role;
  holder.scope = account->scope;
  if (!covers(holder, wish.role, wish.scope)) {
    return fail(Error::Code::conflict, "role", fmt::format("a token cannot do more than its account, {}, may", owner));
  }
  if (wish.lifetime <= std::chrono::seconds{0} || wish.lifetime > token_lifetime_max) {
    return fail(
        Error::Code::invalid, "expires_in_s",
        fmt::format("must be 1 to {} (a token without an end is forgotten one day)", token_lifetime_max.count()));
  }
  const std::string secret = std::string{kTokenPrefix} + random_secret();
  Token token;
  token.name = wish.name;
  token.account = owner;
  token.hash = sha256(secret);
  token.role = wish.role;
  token.scope = wish.scope;
  token.created = clock_.wall();
  token.expires = token.created + wish.lifetime;
  if (auto added = book_.add_token(token); !added) return tl::unexpected<Error>{added.error()};
  return secret;
}

}  // namespace fulcrum::access
