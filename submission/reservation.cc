#include "submission/reservation.h"

namespace postern::submission {
namespace {

bool counts(const auth::Principal& who) {
  return who.environment == Environment::Live;
}

Decision decision_of(const QuotaAnswer& answer) {
  switch (answer.kind) {
    case QuotaAnswer::Kind::Granted:
      break;
    case QuotaAnswer::Kind::RateLimited:
      return Refused{Refusal::RateLimited, "too many messages a second", answer.wait, answer.limit};
    case QuotaAnswer::Kind::QuotaExceeded:
      return Refused{Refusal::QuotaExceeded, "the quota is used up", answer.wait, answer.limit};
    case QuotaAnswer::Kind::Elsewhere:
      return Refused{Refusal::RateLimited, "other machines hold what is left of the quota", answer.wait, answer.limit};
  }
  return {};
}

}  // namespace

Decision take_rate(QuotaTable& quota, const auth::Principal& who, std::uint32_t messages,
                   Instant now) {
  if (messages == 0 || !counts(who)) return {};
  return decision_of(
      quota.take_message(who.account, who.plan, who.key, who.key_per_second, now, messages));
}

Decision foresee_rate(QuotaTable& quota, const auth::Principal& who, Instant now) {
  if (!counts(who)) return {};
  return decision_of(quota.peek_message(who.account, who.plan, who.key, who.key_per_second, now));
}

Decision foresee_recipients(QuotaTable& quota, const auth::Principal& who, std::uint64_t recipients,
                            Instant now) {
  return counts(who) ? decision_of(quota.peek(who.account, who.plan, recipients, now)) : Decision();
}

Decision Reservation::add(const auth::Principal& who, Instant now) {
  if (!counts(who)) return {};
  Decision decision = decision_of(quota_.reserve(who.account, who.plan, 1, now));
  if (decision.is_accepted()) {
    account_ = who.account;
    since_ = now;
    ++held_;
  }
  return decision;
}

Reservation::~Reservation() {
  if (held_ > 0) quota_.release(account_, held_, since_);
}

}  // namespace postern::submission
