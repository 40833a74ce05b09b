#include "control/access/lockout.h"

#include <algorithm>
#include <array>

#include "dataplane/base/address.h"

namespace fulcrum::access {
namespace {

using std::chrono::seconds;

// No name of an account has a line break, so the three kinds of keys never meet.
std::string pair_key(const std::string& account, const std::string& source) { return account + '\n' + source; }
std::string source_key(const std::string& source) { return "\n\n" + source; }
std::string account_key(const std::string& account) { return "\n" + account; }

seconds wait_after(const Lockout::Rule& rule, unsigned tries) {
  if (tries < rule.free_tries) return seconds{0};
  const unsigned doublings = std::min(tries - rule.free_tries, 20U);
  return std::min(rule.wait_first * (1U << doublings), rule.wait_max);
}

}  // namespace

std::string lockout_source(const std::string& address) {
  const auto parsed = Address::parse(address);
  if (!parsed || parsed->is_v4()) return address;
  return Prefix{.address = *parsed, .length = 64}.first().text() + "/64";
}

seconds Lockout::try_now(const std::string& account, const std::string& source, Time now, bool is_known) {
  struct Checked {
    std::string key, account;
    const Rule& rule;
    bool holds = true;
  };
  const std::array<Checked, 3> all{{{pair_key(account, source), account, rules_.pair},
                                    {source_key(source), {}, rules_.source},
                                    {account_key(account), account, rules_.account, !is_known}}};
  seconds wait{0};
  for (const Checked& one : all) {
    const auto found = entries_.find(one.key);
    if (found == entries_.end() || now >= found->second.closed_until || !one.holds) continue;
    wait = std::max(wait, std::chrono::ceil<seconds>(found->second.closed_until - now));
  }
  if (wait > seconds{0}) return wait;
  for (const Checked& one : all) count(one.key, one.account, one.rule, now);
  return seconds{0};
}

void Lockout::count(const std::string& key, const std::string& account, const Rule& rule, Time now) {
  if (entries_.count(key) == 0) make_room(now);
  Entry& entry = entries_[key];
  if (now - entry.last > rules_.forget) entry = {};
  entry.account = account;
  entry.last = now;
  ++entry.tries;
  entry.closed_until = now + wait_after(rule, entry.tries);
}

void Lockout::make_room(Time now) {
  if (entries_.size() < rules_.entries_max) return;
  std::erase_if(entries_, [&](const auto& item) { return now - item.second.last > rules_.forget; });
  if (entries_.size() < rules_.entries_max) return;
  // The oldest eighth at once, so that a guesser under ever new names does not cost a search each.
  std::vector<Time> ages;
  ages.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) ages.push_back(entry.last);
  const auto youngest = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 8);
  std::nth_element(ages.begin(), youngest, ages.end());
  std::erase_if(entries_, [&](const auto& item) { return item.second.last <= *youngest; });
}

void Lockout::succeeded(const std::string& account, const std::string& source) {
  entries_.erase(pair_key(account, source));
  // One good login must not give a guesser of other accounts, or from elsewhere, a clean slate: the try itself only.
  for (const std::string& key : {source_key(source), account_key(account)}) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) continue;
    if (--found->second.tries == 0)
      entries_.erase(found);
    else
      found->second.closed_until = {};
  }
}

void Lockout::forgive(const std::string& account) {
  if (account.empty()) return entries_.clear();
  std::erase_if(entries_, [&](const auto& item) { return item.second.account == account; });
}

}  // namespace fulcrum::access
