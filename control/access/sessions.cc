#include "control/access/sessions.h"

#include <algorithm>

#include "control/access/secrets.h"

namespace fulcrum::access {
namespace {

constexpr std::size_t kIdLength = 12;

}  // namespace

std::string Sessions::begin(const std::string& account, const std::string& source, Time now) {
  make_room(account, now);
  const std::string secret = random_secret();
  Session session;
  session.id = random_secret().substr(0, kIdLength);
  session.account = account;
  session.source = source;
  session.csrf = random_secret();
  session.begun = session.used = now;
  by_hash_[sha256(secret)] = session;
  return secret;
}

const Session* Sessions::find(const std::string& secret, Time now, bool quiet) {
  const auto found = by_hash_.find(sha256(secret));
  if (found == by_hash_.end()) return nullptr;
  if (has_ended(found->second, now)) {
    by_hash_.erase(found);
    return nullptr;
  }
  if (!quiet) found->second.used = now;
  return &found->second;
}

bool Sessions::end(const std::string& id) {
  const auto found =
      std::find_if(by_hash_.begin(), by_hash_.end(), [&](const auto& item) { return item.second.id == id; });
  if (found == by_hash_.end()) return false;
  by_hash_.erase(found);  // perhaps with `id`, which may be the session's own
  return true;
}

void Sessions::end_all_of(const std::string& account, const std::string& but_id) {
  // They may be a session's own, which is gone before the others are compared.
  const auto counts = [account, but_id](const auto& item) {
    return item.second.account == account && item.second.id != but_id;
  };
  std::erase_if(by_hash_, counts);
}

std::vector<Session> Sessions::living(Time now) const {
  std::vector<Session> all;
  for (const auto& [hash, session] : by_hash_) {
    if (!has_ended(session, now)) all.push_back(session);
  }
  std::sort(all.begin(), all.end(), [](const Session& a, const Session& b) { return a.begun < b.begun; });
  return all;
}

bool Sessions::has_ended(const Session& session, Time now) const {
  return now - session.used >= limits_.idle || now - session.begun >= limits_.absolute;
}

void Sessions::make_room(const std::string& account, Time now) {
  std::erase_if(by_hash_, [&](const auto& item) { return has_ended(item.second, now); });
  const auto drop_oldest = [&](auto counts) {
    auto oldest = by_hash_.end();
    for (auto at = by_hash_.begin(); at != by_hash_.end(); ++at) {
      if (counts(at->second) && (oldest == by_hash_.end() || at->second.used < oldest->second.used)) oldest = at;
    }
    if (oldest != by_hash_.end()) by_hash_.erase(oldest);
  };
  const auto own = [&](const Session& session) { return session.account == account; };
  const auto owned =
      std::count_if(by_hash_.begin(), by_hash_.end(), [&](const auto& item) { return own(item.second); });
  if (static_cast<std::size_t>(owned) >= limits_.per_account_max) drop_oldest(own);
  if (by_hash_.size() >= limits_.sessions_max) drop_oldest([](const Session&) { return true; });
}

}  // namespace fulcrum::access
