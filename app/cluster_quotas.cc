#include "app/cluster_quotas.h"

namespace postern::app {
namespace {

using Standing = submission::SharedQuotas::Standing;

cluster::QuotaLimits limits_of(const store::Plan& plan) {
  return {.day = plan.per_day, .month = plan.per_month};
}

cluster::QuotaUse use_of(const submission::SharedQuotas::Question& question) {
  return {.day = question.used_today, .month = question.used_this_month};
}

Standing standing_of(const cluster::LeaseBook::Answer& answer) {
  switch (answer.standing) {
    case cluster::LeaseBook::Standing::Ready:
      return Standing::Granted;
    case cluster::LeaseBook::Standing::Pending:
      return Standing::Pending;
    case cluster::LeaseBook::Standing::Elsewhere:
      break;
    case cluster::LeaseBook::Standing::Exhausted:
      return answer.period == store::CounterPeriod::Month ? Standing::MonthUsedUp : Standing::DayUsedUp;
  }
  return Standing::Elsewhere;
}

}  // namespace

Standing ClusterQuotas::take(const Question& question, Instant now) {
  return standing_of(keeper_.take(question.account, limits_of(question.plan), use_of(question), question.recipients, now));
}

Standing ClusterQuotas::look(const Question& question, Instant now) {
  return standing_of(keeper_.look(question.account, limits_of(question.plan), use_of(question), question.recipients, now));
}

void ClusterQuotas::give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at) {
  keeper_.give_back(account, recipients, taken_at);
}

double ClusterQuotas::share_of_rate(const std::array<std::uint8_t, 10>& who, double messages) {
  return keeper_.share(who, messages);
}

}  // namespace postern::app
