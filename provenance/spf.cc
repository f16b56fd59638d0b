// Evaluation by RFC 7208 §4.6 and §5. One object a message: it counts what the limits of §4.6.4 count, over includes and
// redirects.
#include "provenance/spf.h"

#include "core/bytes.h"
#include "core/mailbox.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace postern::provenance {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kMaxExplanationOctets = 500;  // it stands in a reply

bool has_sound_labels(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameOctets) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (end == begin || end - begin > 63) return false;
    begin = end + 1;
  }
  return true;
}

// As libunbound reads names: a backslash would begin an escape.
std::string question_name(std::string_view name) {
  std::string escaped;
  for (const char c : name) escaped += c == '\\' ? "\\092" : std::string(1, c);
  return escaped;
}

bool is_within(std::string_view name, std::string_view domain) {
  return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

enum class Match { No, Yes, TempError, PermError };

struct Evaluation {
  SpfResult result = SpfResult::None;
  std::string why;
  std::string explanation;
};

class SpfCheck {
 public:
  SpfCheck(dns::Resolver& resolver, SpfSubject subject, dns::Cancellation* cancellation)
      : resolver_(resolver), cancellation_(cancellation), ends_(std::chrono::steady_clock::now() + kSpfTime) {
    facts_.client = subject.client;
    facts_.helo = normalised_domain(subject.helo);
    facts_.receiver = std::move(subject.receiver);
    facts_.now = subject.now;
  }

  net::Awaitable<SpfVerdict> run(std::string sender) {
    SpfVerdict verdict;
    verdict.is_helo = sender.empty();
    const std::size_t at = sender.rfind('@');
    std::string domain = sender.empty() ? facts_.helo : normalised_domain(sender.substr(at + 1));
    if (domain.ends_with('.')) domain.pop_back();
    const bool has_local = at != std::string::npos && at > 0;
    facts_.sender = (has_local ? sender.substr(0, at) : "postmaster") + "@" + domain;
    verdict.domain = domain;
    if (!has_sound_labels(domain) || domain.find('.') == std::string::npos || domain.starts_with('[')) {
      verdict.why = "no domain name";
      co_return verdict;
    }
    Evaluation evaluation = co_await evaluate(domain, true);
    verdict.result = evaluation.result;
    verdict.why = std::move(evaluation.why);
    verdict.explanation = std::move(evaluation.explanation);
    co_return verdict;
  }

 private:
  // check_host() of RFC 7208 §4. `explains`: what fails here is the message's result, and not an include's.
  net::Awaitable<Evaluation> evaluate(std::string domain, bool explains);
  net::Awaitable<std::optional<SpfRecord>> fetch(std::string domain, Evaluation& evaluation);
  net::Awaitable<Match> match(const SpfTerm& term, std::string domain);
  net::Awaitable<Match> match_include(std::string target);
  net::Awaitable<Match> match_mx(const SpfTerm& term, std::string target);
  net::Awaitable<Match> match_ptr(std::string target);
  // `counts`: an empty answer is one of kMaxVoidLookUps.
  net::Awaitable<Match> match_host(std::uint8_t prefix_v4, std::uint8_t prefix_v6, std::string host, bool counts);
  net::Awaitable<std::string> explain(SpfMacroString where, std::string domain);
  net::Awaitable<std::vector<std::string>> validated_names(bool counts);
  net::Awaitable<void> learn_facts(const SpfMacroString& macro, std::string domain);
  net::Awaitable<std::optional<std::string>> expanded(const SpfMacroString& macro, std::string domain);

  template <class Record>
  net::Awaitable<dns::Answer<Record>> ask(std::string name) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(ends_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      dns::Answer<Record> late;
      late.finding = dns::Finding::TimedOut;
      late.why = "the time for SPF is over";
      co_return late;
    }
    const dns::Limits limits{std::min(left, resolver_.timeout()), cancellation_};
    auto answer = co_await dns::look_up<Record>(resolver_, question_name(name), limits);
    co_return answer;
  }
  // What an answer without a record means for the term that asked.
  Match empty(dns::Finding finding) {
    if (!dns::is_answer(finding)) return Match::TempError;
    if (++voids_ <= kMaxVoidLookUps) return Match::No;
    problem_ = "more than " + std::to_string(kMaxVoidLookUps) + " look-ups without an answer";
    return Match::PermError;
  }
  bool is_client_in(const IpAddress& address, std::uint8_t prefix_v4, std::uint8_t prefix_v6) const {
    const bool is_v4 = facts_.client.is_v4();
    const auto length = static_cast<std::uint8_t>(is_v4 ? prefix_v4 + 96 : prefix_v6);
    return address.is_v4() == is_v4 && IpNetwork{address, length}.contains(facts_.client);
  }

  dns::Resolver& resolver_;
  dns::Cancellation* const cancellation_;
  const SteadyTime ends_;
  SpfMacroFacts facts_;
  std::size_t terms_ = 0;
  std::size_t voids_ = 0;
  std::string problem_;  // of the last TempError or PermError
};

net::Awaitable<std::optional<SpfRecord>> SpfCheck::fetch(std::string domain, Evaluation& evaluation) {
  const auto answer = co_await ask<dns::Txt>(domain);
  if (!dns::is_answer(answer.finding)) {
    evaluation = {SpfResult::TempError, domain + ": " + answer.why, {}};
    co_return std::nullopt;
  }
  const std::string* found = nullptr;
  std::size_t count = 0;
  for (const dns::Txt& record : answer.records) {
    if (!is_spf_record(record.text)) continue;
    found = &record.text;
    ++count;
  }
  if (count != 1) {
    evaluation = {count == 0 ? SpfResult::None : SpfResult::PermError,
                  domain + (count == 0 ? " has no SPF record" : " has several SPF records"),
                  {}};
    co_return std::nullopt;
  }
  auto record = parse_spf_record(*found);
  if (!record) {
    evaluation = {SpfResult::PermError, "the SPF record of " + domain + " is wrong at \"" + record.error().context() + "\"", {}};
    co_return std::nullopt;
  }
  co_return std::move(*record);
}

net::Awaitable<Evaluation> SpfCheck::evaluate(std::string domain, bool explains) {
  Evaluation evaluation;
  const std::optional<SpfRecord> record = co_await fetch(domain, evaluation);
  if (!record) co_return evaluation;
  for (const SpfTerm& term : record->terms) {
    const Match matched = co_await match(term, domain);
    if (matched == Match::No) continue;
    const bool is_error = matched != Match::Yes;
    const SpfResult error = matched == Match::TempError ? SpfResult::TempError : SpfResult::PermError;
    evaluation = {is_error ? error : term.result, "\"" + term.text + "\" of " + domain + (is_error ? ": " + problem_ : ""), {}};
    if (evaluation.result == SpfResult::Fail && explains && record->explanation) {
      evaluation.explanation = co_await explain(*record->explanation, domain);
    }
    co_return evaluation;
  }
  if (!record->redirect) co_return Evaluation{SpfResult::Neutral, "nothing of " + domain + " matches", {}};
  if (++terms_ > kMaxSpfTerms) co_return Evaluation{SpfResult::PermError, "too many terms ask the DNS", {}};
  const std::optional<std::string> target = co_await expanded(*record->redirect, domain);
  if (!target || !has_sound_labels(*target)) {
    co_return Evaluation{SpfResult::PermError, "what " + domain + " redirects to is no name", {}};
  }
  evaluation = co_await evaluate(*target, explains);
  if (evaluation.result == SpfResult::None) evaluation.result = SpfResult::PermError;  // §6.1
  co_return evaluation;
}

net::Awaitable<Match> SpfCheck::match(const SpfTerm& term, std::string domain) {
  problem_.clear();
  if (term.mechanism == SpfMechanism::All) co_return Match::Yes;
  if (term.mechanism == SpfMechanism::Ip4 || term.mechanism == SpfMechanism::Ip6) {
    const bool is_v4 = term.mechanism == SpfMechanism::Ip4;
    co_return facts_.client.is_v4() == is_v4&& term.network.contains(facts_.client) ? Match::Yes : Match::No;
  }
  if (++terms_ > kMaxSpfTerms) {
    problem_ = "more than " + std::to_string(kMaxSpfTerms) + " terms ask the DNS";
    co_return Match::PermError;
  }
  std::string target = domain;
  if (term.domain) {
    const std::optional<std::string> name = co_await expanded(*term.domain, domain);
    // RFC 7208 §4.8: no name, no match; but §5.2: what cannot be included is an error.
    if (!name || !has_sound_labels(*name)) co_return term.mechanism == SpfMechanism::Include ? Match::PermError : Match::No;
    target = *name;
  }
  Match matched = Match::No;
  switch (term.mechanism) {
    case SpfMechanism::Include:
      matched = co_await match_include(target);
      break;
    case SpfMechanism::Mx:
      matched = co_await match_mx(term, target);
      break;
    case SpfMechanism::Ptr:
      matched = co_await match_ptr(target);
      break;
    case SpfMechanism::Exists: {
      const auto answer = co_await ask<dns::A>(target);  // of IPv4 in any case (§5.7)
      matched = answer.is_found() ? Match::Yes : empty(answer.finding);
      break;
    }
    default:
      matched = co_await match_host(term.prefix_v4, term.prefix_v6, target, true);
  }
  if (matched == Match::TempError && problem_.empty()) problem_ = "the DNS gives no answer";
  co_return matched;
}

net::Awaitable<Match> SpfCheck::match_include(std::string target) {
  const Evaluation included = co_await evaluate(target, false);
  problem_ = included.why;
  switch (included.result) {  // §5.2
    case SpfResult::Pass:
      co_return Match::Yes;
    case SpfResult::TempError:
      co_return Match::TempError;
    case SpfResult::PermError:
    case SpfResult::None:
      co_return Match::PermError;
    default:
      co_return Match::No;
  }
}

net::Awaitable<Match> SpfCheck::match_host(std::uint8_t prefix_v4, std::uint8_t prefix_v6, std::string host, bool counts) {
  std::vector<IpAddress> addresses;
  dns::Finding finding = dns::Finding::NoRecord;
  if (facts_.client.is_v4()) {
    const auto answer = co_await ask<dns::A>(host);
    finding = answer.finding;
    for (const dns::A& one : answer.records) addresses.push_back(one.address);
  } else {
    const auto answer = co_await ask<dns::Aaaa>(host);
    finding = answer.finding;
    for (const dns::Aaaa& one : answer.records) addresses.push_back(one.address);
  }
  if (finding != dns::Finding::Found) co_return counts || !dns::is_answer(finding) ? empty(finding) : Match::No;
  const bool is_in = std::ranges::any_of(addresses, [&](const IpAddress& one) { return is_client_in(one, prefix_v4, prefix_v6); });
  co_return is_in ? Match::Yes : Match::No;
}

net::Awaitable<Match> SpfCheck::match_mx(const SpfTerm& term, std::string target) {
  const auto answer = co_await ask<dns::Mx>(target);
  if (!answer.is_found()) co_return empty(answer.finding);
  if (answer.records.size() > kMaxSpfNames) {
    problem_ = "more than " + std::to_string(kMaxSpfNames) + " MX records";
    co_return Match::PermError;
  }
  for (const dns::Mx& record : answer.records) {
    if (record.is_null()) continue;
    const Match matched = co_await match_host(term.prefix_v4, term.prefix_v6, record.host, false);
    if (matched != Match::No) co_return matched;
  }
  co_return Match::No;
}

net::Awaitable<Match> SpfCheck::match_ptr(std::string target) {
  const std::size_t voids = voids_;
  const std::vector<std::string> names = co_await validated_names(true);
  if (voids_ > kMaxVoidLookUps && voids_ > voids) {
    problem_ = "more than " + std::to_string(kMaxVoidLookUps) + " look-ups without an answer";
    co_return Match::PermError;
  }
  const bool is_of_it = std::ranges::any_of(names, [&](const std::string& name) { return is_within(name, target); });
  co_return is_of_it ? Match::Yes : Match::No;
}

// RFC 7208 §5.5: the client's names that lead back to it. What fails is none of them.
net::Awaitable<std::vector<std::string>> SpfCheck::validated_names(bool counts) {
  std::vector<std::string> names;
  const auto answer = co_await ask<dns::Ptr>(dns::reverse_name(facts_.client));
  if (counts && !answer.is_found() && dns::is_answer(answer.finding)) ++voids_;
  const std::size_t count = std::min(answer.records.size(), kMaxSpfNames);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = answer.records[i].host;
    const std::string problem = std::exchange(problem_, {});
    const Match matched = co_await match_host(32, 128, name, false);
    problem_ = problem;
    if (matched == Match::Yes) names.push_back(name);
  }
  co_return names;
}

// What `macro` says of the client and of `domain`.
net::Awaitable<void> SpfCheck::learn_facts(const SpfMacroString& macro, std::string domain) {
  facts_.domain = domain;
  if (!macro.has('p')) co_return;
  const std::vector<std::string> names = co_await validated_names(false);
  facts_.client_name = names.empty() ? "unknown" : names.front();
  // §7.3: the domain itself before one below it before any other.
  const auto below = std::ranges::find_if(names, [&](const std::string& name) { return is_within(name, domain); });
  if (below != names.end()) facts_.client_name = *below;
  if (std::ranges::find(names, domain) != names.end()) facts_.client_name = domain;
}

net::Awaitable<std::optional<std::string>> SpfCheck::expanded(const SpfMacroString& macro, std::string domain) {
  co_await learn_facts(macro, std::move(domain));
  co_return expand_domain(macro, facts_);
}

// RFC 7208 §6.2. Whatever is wrong with it: no explanation.
net::Awaitable<std::string> SpfCheck::explain(SpfMacroString where, std::string domain) {
  const std::optional<std::string> name = co_await expanded(where, domain);
  if (!name || !has_sound_labels(*name)) co_return std::string();
  const auto answer = co_await ask<dns::Txt>(*name);
  if (answer.records.size() != 1) co_return std::string();
  const auto text = parse_macro_string(answer.records.front().text, MacroUse::Explanation);
  if (!text) co_return std::string();
  co_await learn_facts(*text, domain);
  const std::optional<std::string> words = expand(*text, facts_);
  if (!words || !is_printable_ascii(*words) || words->size() > kMaxExplanationOctets) co_return std::string();
  co_return *words;
}

}  // namespace

net::Awaitable<SpfVerdict> check_spf(dns::Resolver& resolver, SpfSubject subject, dns::Cancellation* cancellation) {
  std::string sender = subject.sender;
  SpfCheck check(resolver, std::move(subject), cancellation);
  SpfVerdict verdict = co_await check.run(std::move(sender));
  co_return verdict;
}

}  // namespace postern::provenance
