#include "provenance/dmarc.h"

#include "core/mailbox.h"
#include "mime/from_field.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace postern::provenance {
namespace {

bool is_at_or_below(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

DmarcPolicy one_step_less(DmarcPolicy policy) {
  return policy == DmarcPolicy::Reject ? DmarcPolicy::Quarantine : DmarcPolicy::None;
}

struct Walk {
  WalkFindings found;
  std::string failure;  // a question had no answer; empty: all had
};

enum class Alignment { No, Yes, Unknown };

class DmarcCheck {
 public:
  DmarcCheck(dns::Resolver& resolver, dns::Cancellation* cancellation) : resolver_(resolver), limits_{{}, cancellation} {}

  net::Awaitable<DmarcVerdict> run(std::string author, SpfVerdict spf, std::vector<DkimVerdict> dkim);

 private:
  struct LookedUp {
    std::optional<DmarcRecord> record;
    std::string failure;
  };
  net::Awaitable<LookedUp> fetch(std::string domain);
  net::Awaitable<Walk> walk(std::string domain);
  // Whose record applies (§4.10.1): the author's, the organization's, or the public suffix's.
  net::Awaitable<void> apply_policy(const Walk& walked, DmarcVerdict& verdict);
  net::Awaitable<bool> exists(std::string domain);
  net::Awaitable<Alignment> align(std::string identifier, bool is_strict, std::string author, std::string organizational);

  dns::Resolver& resolver_;
  const dns::Limits limits_;
  std::map<std::string, LookedUp> known_;  // walks of one message meet
  DmarcRecord record_;                     // that applies
};

net::Awaitable<DmarcCheck::LookedUp> DmarcCheck::fetch(std::string domain) {
  if (const auto known = known_.find(domain); known != known_.end()) co_return known->second;
  const auto answer = co_await dns::look_up<dns::Txt>(resolver_, "_dmarc." + domain, limits_);
  LookedUp looked_up;
  if (!dns::is_answer(answer.finding)) looked_up.failure = "_dmarc." + domain + ": " + answer.why;
  std::size_t count = 0;
  for (const dns::Txt& text : answer.records) {
    auto record = parse_dmarc_record(text.text);
    if (record && ++count == 1) looked_up.record = std::move(record);
  }
  if (count > 1) looked_up.record.reset();  // §4.10: several are none
  known_[domain] = looked_up;
  co_return looked_up;
}

net::Awaitable<Walk> DmarcCheck::walk(std::string domain) {
  Walk walked;
  const std::vector<std::string> names = walked_domains(domain);
  for (const std::string& name : names) {
    LookedUp looked_up = co_await fetch(name);
    if (!looked_up.failure.empty()) {
      walked.failure = std::move(looked_up.failure);
      break;
    }
    if (!looked_up.record) continue;
    const PublicSuffix suffix = looked_up.record->public_suffix;
    // §4.10: that the domain itself is a public suffix does not end its walk.
    const bool ends = suffix == PublicSuffix::No || (suffix == PublicSuffix::Yes && name != domain);
    walked.found.emplace_back(name, std::move(*looked_up.record));
    if (ends) break;
  }
  co_return walked;
}

// RFC 9989 §3.2.13: whatever stands at a name makes it exist, an alias that leads nowhere too.
net::Awaitable<bool> DmarcCheck::exists(std::string domain) {
  const auto answer = co_await dns::look_up<dns::A>(resolver_, domain, limits_);
  co_return answer.finding != dns::Finding::NoName || !answer.aliases.empty();
}

net::Awaitable<void> DmarcCheck::apply_policy(const Walk& walked, DmarcVerdict& verdict) {
  const auto record_of = [&](std::string_view domain) {
    return std::ranges::find(walked.found, domain, [](const auto& one) -> std::string_view { return one.first; });
  };
  auto found = record_of(verdict.author_domain);
  if (found == walked.found.end()) found = record_of(verdict.organizational);
  if (found == walked.found.end() && !walked.found.empty() && walked.found.back().second.public_suffix == PublicSuffix::Yes) {
    found = walked.found.end() - 1;
  }
  if (found == walked.found.end() || !found->second.policy) co_return;
  record_ = found->second;
  verdict.policy_domain = found->first;
  verdict.policy = *record_.policy;
  verdict.is_testing = record_.is_testing;
  verdict.report_uris = record_.report_uris;
  if (found->first == verdict.author_domain) co_return;
  bool is_there = true;
  if (record_.nonexistent_policy) is_there = co_await exists(verdict.author_domain);
  verdict.policy = record_.policy_below(is_there);
}

net::Awaitable<Alignment> DmarcCheck::align(std::string identifier, bool is_strict, std::string author,
                                            std::string organizational) {
  if (identifier == author) co_return Alignment::Yes;
  // An organization's domain is one of its own names, or above them: who is not below the author's cannot have the same.
  if (is_strict || !is_at_or_below(identifier, organizational)) co_return Alignment::No;
  const Walk walked = co_await walk(identifier);
  if (!walked.failure.empty()) co_return Alignment::Unknown;
  co_return organizational_domain(identifier, walked.found) == organizational ? Alignment::Yes : Alignment::No;
}

net::Awaitable<DmarcVerdict> DmarcCheck::run(std::string author, SpfVerdict spf, std::vector<DkimVerdict> dkim) {
  DmarcVerdict verdict;
  verdict.author_domain = author;
  const Walk walked = co_await walk(author);
  if (!walked.failure.empty()) {
    verdict.result = DmarcResult::TempError;
    verdict.why = walked.failure;
    co_return verdict;
  }
  verdict.organizational = organizational_domain(author, walked.found);
  co_await apply_policy(walked, verdict);
  if (verdict.policy_domain.empty()) {
    verdict.why = "no policy is published for " + author;
    co_return verdict;
  }
  bool is_unknown = false;
  if (spf.result == SpfResult::Pass || spf.result == SpfResult::TempError) {
    const Alignment aligned = co_await align(spf.domain, record_.is_spf_strict, author, verdict.organizational);
    verdict.is_spf_aligned = aligned == Alignment::Yes && spf.result == SpfResult::Pass;
    is_unknown |= aligned != Alignment::No && !verdict.is_spf_aligned;
  }
  for (const DkimVerdict& one : dkim) {
    if (one.result != SignatureResult::Pass && one.result != SignatureResult::TempError) continue;
    const Alignment aligned = co_await align(one.domain, record_.is_dkim_strict, author, verdict.organizational);
    const bool passes = aligned == Alignment::Yes && one.result == SignatureResult::Pass;
    if (passes) verdict.dkim_aligned.push_back(one.domain);
    is_unknown |= aligned != Alignment::No && !passes;
  }
  if (verdict.is_spf_aligned || !verdict.dkim_aligned.empty()) {
    verdict.result = DmarcResult::Pass;
  } else if (is_unknown) {  // §5.3.3: nothing may be concluded
    verdict.result = DmarcResult::TempError;
    verdict.why = "what might prove the author could not be looked up";
  } else {
    verdict.result = DmarcResult::Fail;
    verdict.disposition = verdict.is_testing ? one_step_less(verdict.policy) : verdict.policy;
    verdict.why = "nothing that was proved is of " + author;
  }
  co_return verdict;
}

}  // namespace

std::string_view dmarc_result_name(DmarcResult result) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "pass", "fail", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

AuthorDomain find_author_domain(const mime::HeaderScan& header) {
  if (header.state() != mime::HeaderScan::State::Complete) return {{}, "the header section is too big"};
  // A line that is no field: others pass over it and read on, and may find another author behind it.
  if (!header.has_empty_line() && !header.body_start().empty()) return {{}, "no empty line ends the header section"};
  const std::size_t count = header.count("From");
  if (count != 1) return {{}, count == 0 ? "no From field" : "several From fields"};
  const mime::FromField from = mime::read_from_field(header.find("From")->value);
  if (from.fault || from.authors.empty()) return {{}, "the From field can be read in several ways"};
  std::string domain = normalised_domain(from.authors.front().domain);
  const bool is_one = std::ranges::all_of(
      from.authors, [&](const Mailbox& one) { return normalised_domain(one.domain) == domain && !one.is_address_literal(); });
  if (!is_one) return {{}, "the authors are of several domains"};
  if (domain.find('.') == std::string::npos) return {{}, "the author's domain is none of the DNS"};
  return {std::move(domain), {}};
}

net::Awaitable<DmarcVerdict> check_dmarc(dns::Resolver& resolver, AuthorDomain author, SpfVerdict spf,
                                         std::vector<DkimVerdict> dkim, dns::Cancellation* cancellation) {
  DmarcVerdict verdict;
  if (author.domain.empty()) {
    verdict.result = DmarcResult::PermError;
    verdict.disposition = DmarcPolicy::Quarantine;
    verdict.why = author.why;
    co_return verdict;
  }
  DmarcCheck check(resolver, cancellation);
  verdict = co_await check.run(author.domain, std::move(spf), std::move(dkim));
  co_return verdict;
}

}  // namespace postern::provenance
