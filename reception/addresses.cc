#include "reception/addresses.h"

#include "domains/inbound_routes.h"

#include <algorithm>

namespace postern::reception {
namespace {

const Refused kCannotSay{.refusal = Refusal::StorageUnavailable, .detail = "addresses cannot be looked up: try again later"};

std::variant<Addressee, Refused> addressee_of_return(const ReceptionContext& context, const MessageId& message) {
  const auto found = context.store.spool().find(message);
  if (!found) return kCannotSay;
  // Its record has outlived its retention: nobody could be told.
  if (!*found || (*found)->message.origin != store::MessageOrigin::Submission) return Refused{Refusal::UnknownRecipient};
  return Addressee{.account = (*found)->message.account, .about = message};
}

std::variant<Addressee, Refused> addressee_of_domain(const ReceptionContext& context, const store::DomainRecord& domain,
                                                     const Mailbox& recipient) {
  const auto account = context.store.directory().find_account(domain.account);
  if (!account) return kCannotSay;
  if (!*account) return Refused{Refusal::NotHosted};
  const auto routes = domains::matching_routes(domain, recipient.local_part);
  if (routes.empty()) return Refused{Refusal::UnknownRecipient};
  if ((*account)->state == store::AccountState::Suspended) return Refused{Refusal::AccountSuspended};
  Addressee addressee{.account = domain.account,
                      .is_kept = std::ranges::any_of(routes, [](auto* r) { return r->action != store::RouteAction::Drop; }),
                      .policy = domain.inbound_policy};
  for (const store::InboundRoute* route : routes) {
    if (route->action == store::RouteAction::Webhook) {
      addressee.told_by.append(addressee.told_by.empty() ? "" : " ").append(route->id);
    }
    if (route->action != store::RouteAction::Forward) continue;
    addressee.forwards.push_back(
        {.route = route->id, .recipient = format_mailbox(recipient), .destination = route->destination, .message = {}});
  }
  return addressee;
}

}  // namespace

std::variant<Addressee, Refused> find_addressee(const ReceptionContext& context, const Mailbox& recipient) {
  const auto returned = context.return_paths.read(recipient, context.clock.now());
  if (const auto* message = std::get_if<MessageId>(&returned)) return addressee_of_return(context, *message);
  const bool is_elsewhere = std::get<domains::ReturnPaths::Refusal>(returned) == domains::ReturnPaths::Refusal::Elsewhere;
  const auto domain = context.store.directory().find_domain_named(store::kVerifiedOwner, normalised_domain(recipient.domain));
  if (!domain) return kCannotSay;
  const bool is_hosted = *domain && (*domain)->is_receiving && (*domain)->state == store::DomainState::Verified;
  if (is_hosted) return addressee_of_domain(context, **domain, recipient);
  return Refused{is_elsewhere ? Refusal::NotHosted : Refusal::UnknownRecipient};
}

}  // namespace postern::reception
