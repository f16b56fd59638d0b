// As text: a line for each refusal, its fields apart by tabs, which none of them holds.
#include "submission/refusal_book.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace postern::submission {
namespace {

constexpr std::size_t kFields = 11;

std::size_t octets_of(const RefusedMail& refused) {
  return sizeof(RefusedMail) + refused.token.size() + refused.words.size() + refused.from.size() + refused.to.size() +
         refused.peer.size() + refused.client.size();
}

std::string format_refused(const RefusedMail& refused) {
  const std::array<std::string, kFields> fields = {std::to_string(refused.number),
                                                   std::to_string(refused.at.time_since_epoch().count()),
                                                   std::string(environment_name(refused.environment)),
                                                   format_id(refused.key),
                                                   refused.is_http ? "http" : "smtp",
                                                   refused.token,
                                                   refused.words,
                                                   refused.from,
                                                   refused.to,
                                                   refused.peer,
                                                   refused.client};
  std::string line;
  for (const std::string& field : fields) line += (line.empty() ? "" : "\t") + field;
  return line + "\n";
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<RefusedMail> parse_refused(std::string_view line) {
  std::array<std::string_view, kFields> fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t end = line.find('\t');
    if ((end == std::string_view::npos) != (i + 1 == kFields)) return std::nullopt;
    fields[i] = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  const auto number = parse_whole<std::uint64_t>(fields[0]);
  const auto at = parse_whole<Duration::rep>(fields[1]);
  const auto key = parse_key_id(fields[3]);
  if (!number || !at || !key) return std::nullopt;
  return RefusedMail{.number = *number,
                     .at = Instant(Duration(*at)),
                     .environment = fields[2] == environment_name(Environment::Test) ? Environment::Test : Environment::Live,
                     .key = *key,
                     .is_http = fields[4] == "http",
                     .token = std::string(fields[5]),
                     .words = std::string(fields[6]),
                     .from = std::string(fields[7]),
                     .to = std::string(fields[8]),
                     .peer = std::string(fields[9]),
                     .client = std::string(fields[10])};
}

}  // namespace

void RefusalBook::put(OfAccount& of_account, RefusedMail refused) {
  of_account.octets += octets_of(refused);
  of_account.refused.push_back(std::move(refused));
  while (of_account.refused.size() > kMaxRefusalsOfAccount || of_account.octets > kMaxRefusalOctetsOfAccount) {
    of_account.octets -= octets_of(of_account.refused.front());
    of_account.refused.pop_front();
  }
}

void RefusalBook::add(const AccountId& account, RefusedMail refused) {
  for (std::string* text : {&refused.token, &refused.words, &refused.from, &refused.to, &refused.peer, &refused.client}) {
    *text = escape_for_log(*text, kMaxRefusalWords);
  }
  const std::lock_guard lock(mutex_);
  refused.number = next_++;
  OfAccount& of_account = accounts_.touch(account).first;
  of_account.is_unsaved = true;
  put(of_account, std::move(refused));
  if (accounts_.size() <= kMaxAccountsWithRefusals) return;
  forgotten_.push_back(std::prev(accounts_.end())->first);
  accounts_.shrink_to(kMaxAccountsWithRefusals);
}

std::vector<RefusedMail> RefusalBook::list(const AccountId& account, Instant now) {
  const std::lock_guard lock(mutex_);
  const OfAccount* const of_account = accounts_.find(account);
  std::vector<RefusedMail> listed;
  if (of_account == nullptr) return listed;
  for (auto refused = of_account->refused.rbegin(); refused != of_account->refused.rend(); ++refused) {
    if (now - refused->at <= kRefusalsKept) listed.push_back(*refused);
  }
  return listed;
}

std::vector<RefusalBook::Page> RefusalBook::take_unsaved() {
  const std::lock_guard lock(mutex_);
  std::vector<Page> pages;
  for (const AccountId& account : std::exchange(forgotten_, {})) {
    if (accounts_.find(account) == nullptr) pages.emplace_back(account, std::nullopt);
  }
  for (auto& [account, of_account] : accounts_) {
    if (!std::exchange(of_account.is_unsaved, false)) continue;
    std::string text;
    for (const RefusedMail& refused : of_account.refused) text += format_refused(refused);
    pages.emplace_back(account, std::move(text));
  }
  return pages;
}

void RefusalBook::restore(const AccountId& account, std::string_view text) {
  const std::lock_guard lock(mutex_);
  OfAccount& of_account = accounts_.touch(account).first;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto refused = parse_refused(text.substr(0, end))) {
      next_ = std::max(next_, refused->number + 1);
      put(of_account, std::move(*refused));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  accounts_.shrink_to(kMaxAccountsWithRefusals);
}

}  // namespace postern::submission
