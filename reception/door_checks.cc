#include "reception/door_checks.h"

#include "core/bytes.h"
#include "provenance/authentication_results.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <utility>

namespace postern::reception {
namespace {

using provenance::DmarcPolicy;
using provenance::DmarcResult;

constexpr std::size_t kMaxDomainOctets = 255;  // RFC 5321 §4.5.3.1.2

// Why readers shall look twice; empty: no reason. SPF alone counts where the author's domain says nothing: forwarders break it.
std::string suspicion_of(const provenance::MessageVerdicts& found) {
  if (found.dmarc.disposition != DmarcPolicy::None) {
    return "dmarc=" + std::string(dmarc_result_name(found.dmarc.result)) +
           (found.dmarc.policy_domain.empty() ? "" : " of " + found.dmarc.policy_domain);
  }
  const bool says_nothing = found.dmarc.result == DmarcResult::None && found.dmarc.policy_domain.empty();
  if (!says_nothing || found.spf.result != provenance::SpfResult::Fail) return {};
  return "spf=fail of " + printable_utf8(found.spf.domain, kMaxDomainOctets);
}

std::optional<Refused> refusal_of(const provenance::MessageVerdicts& found) {
  if (found.dmarc.result == DmarcResult::PermError && found.dmarc.disposition != DmarcPolicy::None) {
    return Refused{.refusal = Refusal::AuthorUnclear};
  }
  if (found.dmarc.disposition != DmarcPolicy::Reject) return std::nullopt;
  return Refused{.refusal = Refusal::DmarcFailed};
}

std::string dkim_result_of(const std::vector<provenance::DkimVerdict>& dkim) {
  for (const auto& one : dkim) {
    if (one.result == provenance::SignatureResult::Pass) return std::string(signature_result_name(one.result));
  }
  return std::string(signature_result_name(dkim.empty() ? provenance::SignatureResult::None : dkim.front().result));
}

}  // namespace

DoorVerdict judge_at_door(const provenance::SpfSubject& subject, const provenance::MessageVerdicts& found,
                          store::InboundPolicy policy) {
  DoorVerdict door;
  store::InboundVerdicts& verdicts = door.verdicts;
  verdicts.spf = spf_result_name(found.spf.result);
  verdicts.spf_domain = printable_utf8(found.spf.domain, kMaxDomainOctets);
  verdicts.dkim = dkim_result_of(found.dkim);
  for (const auto& one : found.dkim) {
    if (one.result == provenance::SignatureResult::Pass) verdicts.signers.push_back(one.domain);
  }
  verdicts.dmarc = dmarc_result_name(found.dmarc.result);
  verdicts.author_domain = found.dmarc.author_domain;
  verdicts.is_dkim_aligned = !found.dmarc.dkim_aligned.empty();
  verdicts.asked_for = dmarc_policy_name(found.dmarc.disposition);
  verdicts.arc = arc_result_name(found.arc.result);
  verdicts.suspicion = suspicion_of(found);
  if (policy == store::InboundPolicy::Reject) door.refused = refusal_of(found);
  door.fields =
      format_authentication_results(subject.receiver, subject, found.spf, found.dkim, found.arc, found.dmarc);
  if (policy != store::InboundPolicy::Observe && !verdicts.suspicion.empty()) {
    door.fields += "X-Postern-Suspect: " + verdicts.suspicion + "\r\n";
  }
  return door;
}

net::Awaitable<DoorVerdict> check_at_door(provenance::MessageCheck& check, dns::Resolver& resolver,
                                          provenance::SpfSubject subject, store::InboundPolicy policy,
                                          std::chrono::milliseconds limit) {
  // Shared with the timer, whose handler may still run when this has ended.
  const auto cancellation = std::make_shared<dns::Cancellation>();
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor, limit);
  timer.async_wait([cancellation](const boost::system::error_code& error) {
    if (!error) cancellation->cancel();
  });
  provenance::SpfVerdict spf = co_await provenance::check_spf(resolver, subject, cancellation.get());
  const provenance::MessageVerdicts found = co_await check.judge(resolver, std::move(spf), subject.now, cancellation.get());
  co_return judge_at_door(subject, found, policy);
}

std::string without_forged_results(const mime::HeaderScan& header, std::string_view id) {
  std::string section;
  std::size_t begin = 0;
  for (const std::size_t index : provenance::find_forged_results(header, id)) {
    const mime::HeaderField& field = header.fields()[index];
    section.append(header.section(), begin, field.begin - begin);
    begin = field.end;
  }
  return section.append(header.section(), begin);
}

}  // namespace postern::reception
