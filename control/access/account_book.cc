#include "control/access/account_book.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "control/access/secrets.h"
#include "control/files/files.h"

namespace fulcrum::access {
namespace {

using nlohmann::json;

constexpr int kFileVersion = 1;
constexpr std::size_t kFileMax = 8U << 20U;
constexpr std::size_t kNameMax = 32;
constexpr std::size_t kFarmNameMax = 63;

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
WallTime time_of(const json& seconds) { return WallTime{std::chrono::seconds{seconds.get<std::int64_t>()}}; }

json to_json(const Account& account) {
  return {{"name", account.name},
          {"password_hash", account.password_hash},
          {"role", word(account.role)},
          {"scope", account.scope},
          {"created", seconds_of(account.created)},
          {"password_set", seconds_of(account.password_set)},
          {"sources", account.sources}};
}

json to_json(const Token& token) {
  return {{"name", token.name},
          {"account", token.account},
          {"hash", token.hash},
          {"role", word(token.role)},
          {"scope", token.scope},
          {"created", seconds_of(token.created)},
          {"expires", seconds_of(token.expires)}};
}

bool is_text(const json& from, const char* key) { return from.contains(key) && from[key].is_string(); }
bool is_number(const json& from, const char* key) { return from.contains(key) && from[key].is_number_integer(); }

// What accounts and tokens have in common; false: not of our making.
template <class T>
bool read_common(const json& from, T& into) {
  if (!from.is_object() || !is_text(from, "name") || !is_text(from, "role") || !is_number(from, "created") ||
      !from.contains("scope") || !from["scope"].is_array()) {
    return false;
  }
  const auto role = parse_role(from["role"].get<std::string>());
  if (!role) return false;
  into.name = from["name"].get<std::string>();
  into.role = *role;
  into.created = time_of(from["created"]);
  for (const json& farm : from["scope"]) {
    if (!farm.is_string()) return false;
    into.scope.push_back(farm.get<std::string>());
  }
  return true;
}

bool read_one(const json& from, Account& into) {
  if (!read_common(from, into) || !is_text(from, "password_hash") || !is_number(from, "password_set")) return false;
  into.password_hash = from["password_hash"].get<std::string>();
  into.password_set = time_of(from["password_set"]);
  // Releases before did not write it.
  for (const json& source : from.value("sources", json::array())) {
    if (!source.is_string()) return false;
    into.sources.push_back(source.get<std::string>());
  }
  return true;
}

bool read_one(const json& from, Token& into) {
  if (!read_common(from, into) || !is_text(from, "account") || !is_text(from, "hash") || !is_number(from, "expires")) {
    return false;
  }
  into.account = from["account"].get<std::string>();
  into.hash = from["hash"].get<std::string>();
  into.expires = time_of(from["expires"]);
  return true;
}

template <class T>
bool read_list(const json& from, const char* key, std::map<std::string, T>& into) {
  if (!from.contains(key) || !from[key].is_array()) return false;
  for (const json& one : from[key]) {
    T read;
    if (!read_one(one, read)) return false;
    std::string name = read.name;
    into.emplace(std::move(name), std::move(read));
  }
  return true;
}

}  // namespace

Result<void> check_name(const std::string& what, const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool good =
      !name.empty() && name.size() <= kNameMax && letter(name.front()) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
  if (good) return {};
  return fail(
      Error::Code::invalid, what,
      fmt::format("must be 1 to {} letters, digits, '.', '_' or '-' and begin with a letter or digit", kNameMax));
}

Result<void> check_scope(Role role, const std::vector<std::string>& scope) {
  if (role == Role::farm_admin && scope.empty()) {
    return fail(Error::Code::invalid, "scope", "a farm-admin needs the names of its farms");
  }
  if (role != Role::farm_admin && !scope.empty()) {
    return fail(Error::Code::invalid, "scope", fmt::format("the role {} has no scope: leave it out", word(role)));
  }
  if (scope.size() > AccountBook::scope_max) {
    return fail(Error::Code::limit, "scope", fmt::format("at most {} farms", AccountBook::scope_max));
  }
  for (const std::string& farm : scope) {
    if (farm.empty() || farm.size() > kFarmNameMax) return fail(Error::Code::invalid, "scope", "has no name of a farm");
  }
  return {};
}

Result<AccountBook> AccountBook::open(const std::string& file) {
  AccountBook book{file};
  const auto text = files::read(file, kFileMax);
  if (!text) return tl::unexpected<Error>{text.error()};
  if (*text) {
    if (auto read = book.read(**text); !read) return tl::unexpected<Error>{read.error()};
  }
  return book;
}

Result<void> AccountBook::read(const std::string& text) {
  const json whole = json::parse(text, nullptr, false);
  const bool good = whole.is_object() && is_number(whole, "version") && whole["version"] == kFileVersion &&
                    read_list(whole, "accounts", accounts_) && read_list(whole, "tokens", tokens_);
  if (!good) {
    return fail(Error::Code::invalid, file_,
                "is no account file of this release: nobody can log in; restore it, or move it away and run `fulcrum "
                "access setup` at the console");
  }
  for (const auto& [name, token] : tokens_) tokens_by_hash_[token.hash] = name;
  return {};
}

Result<void> AccountBook::write(const std::map<std::string, Account>& accounts,
                                const std::map<std::string, Token>& tokens) const {
  json whole{{"version", kFileVersion}, {"accounts", json::array()}, {"tokens", json::array()}};
  for (const auto& [name, account] : accounts) whole["accounts"].push_back(to_json(account));
  for (const auto& [name, token] : tokens) whole["tokens"].push_back(to_json(token));
  return files::replace(file_, whole.dump(1) + "\n");
}

const Account* AccountBook::find_account(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? nullptr : &found->second;
}

const Token* AccountBook::find_token_by_secret(const std::string& secret, WallTime now) const {
  const auto found = tokens_by_hash_.find(sha256(secret));
  if (found == tokens_by_hash_.end()) return nullptr;
  const Token& token = tokens_.at(found->second);
  return now < token.expires ? &token : nullptr;
}

bool AccountBook::is_last_administrator(const std::string& name) const {
  const Account* account = find_account(name);
  if (account == nullptr || account->role != Role::administrator) return false;
  return std::count_if(accounts_.begin(), accounts_.end(),
                       [](const auto& item) { return item.second.role == Role::administrator; }) == 1;
}

Result<void> AccountBook::put_account(Account account) {
  if (auto good = check_name("name", account.name); !good) return good;
  if (auto good = check_scope(account.role, account.scope); !good) return good;
  if (find_account(account.name) == nullptr && accounts_.size() >= accounts_max) {
    return fail(Error::Code::limit, "accounts", fmt::format("there are {}: remove one first", accounts_max));
  }
  if (account.role != Role::administrator && is_last_administrator(account.name)) {
    return fail(Error::Code::conflict, "role", "this is the last administrator: make another one first");
  }
  auto next = accounts_;
  const std::string name = account.name;
  next[name] = std::move(account);
  if (auto written = write(next, tokens_); !written) return written;
  accounts_ = std::move(next);
  return {};
}

Result<void> AccountBook::note_source(const std::string& name, const std::string& source) {
  const Account* account = find_account(name);
  if (account == nullptr) return fail(Error::Code::not_found, name, "there is no such account");
  if (std::find(account->sources.begin(), account->sources.end(), source) != account->sources.end()) return {};
  auto next = accounts_;
  std::vector<std::string>& sources = next[name].sources;
  sources.push_back(source);
  if (sources.size() > sources_max) sources.erase(sources.begin());
  if (auto written = write(next, tokens_); !written) return written;
  accounts_ = std::move(next);
  return {};
}

Result<void> AccountBook::remove_account(const std::string& name) {
  if (find_account(name) == nullptr) return fail(Error::Code::not_found, name, "there is no such account");
  if (is_last_administrator(name)) {
    return fail(Error::Code::conflict, name, "this is the last administrator: make another one first");
  }
  auto accounts = accounts_;
  auto tokens = tokens_;
  accounts.erase(name);
  std::erase_if(tokens, [&](const auto& item) { return item.second.account == name; });
  if (auto written = write(accounts, tokens); !written) return written;
  accounts_ = std::move(accounts);
  tokens_ = std::move(tokens);
  std::erase_if(tokens_by_hash_, [&](const auto& item) { return tokens_.count(item.second) == 0; });
  return {};
}

Result<void> AccountBook::add_token(Token token) {
  if (auto good = check_name("name", token.name); !good) return good;
  if (auto good = check_scope(token.role, token.scope); !good) return good;
  if (find_account(token.account) == nullptr) return fail(Error::Code::not_found, token.account, "no such account");
  if (tokens_.count(token.name) != 0) return fail(Error::Code::conflict, "name", "another token has this name");
  if (tokens_.size() >= tokens_max) {
    return fail(Error::Code::limit, "tokens", fmt::format("there are {}: revoke one first", tokens_max));
  }
  auto next = tokens_;
  next[token.name] = token;
  if (auto written = write(accounts_, next); !written) return written;
  tokens_ = std::move(next);
  tokens_by_hash_[token.hash] = token.name;
  return {};
}

Result<void> AccountBook::remove_token(const std::string& name) {
  if (tokens_.count(name) == 0) return fail(Error::Code::not_found, name, "there is no such token");
  auto next = tokens_;
  next.erase(name);
  if (auto written = write(accounts_, next); !written) return written;
  tokens_ = std::move(next);
  std::erase_if(tokens_by_hash_, [&](const auto& item) { return item.second == name; });
  return {};
}

}  // namespace fulcrum::access
