#include "submission/judge.h"

#include "domains/dkim_keys.h"
#include "relay/suppression.h"
#include "submission/recipient_policy.h"
#include "submission/sender_policy.h"

#include <utility>

namespace postern::submission {

Refused storage_refusal(const Error& error) {
  return {error.code() == ErrorCode::StorageFull ? Refusal::StorageFull
                                                 : Refusal::StorageUnavailable};
}

Decision judge_room(const store::Spool& spool) {
  const auto room = spool.can_accept();
  return room ? Decision() : storage_refusal(room.error());
}

Decision Judge::judge_sender(const std::optional<Mailbox>& reverse_path,
                             const std::optional<Hold>& hold) {
  if (!take_key(context_.clock.now())) return Refused{key_failure_->refusal};
  const bool has_run = context_.runs != nullptr && principal_.environment == Environment::Test && !submitter_.user_name.empty();
  run_ = has_run ? context_.runs->find(principal_.account, submitter_.user_name) : std::nullopt;
  // A key that ends later has ended for a run whose clock is there already.
  if (run_ && run_->record().clock && !take_key(this->now())) return Refused{key_failure_->refusal};
  if (Decision room = judge_room(context_.store.spool()); !room.is_accepted()) return room;
  if (Decision judged = judge_reverse_path(principal_, reverse_path); !judged.is_accepted()) {
    return judged;
  }
  if (hold) {
    HoldAnswer held = judge_hold(*hold, this->now(), context_.settings.longest_hold);
    if (!held.decision.is_accepted()) return std::move(held.decision);
    release_at_ = held.release_at;
  }
  routes_ = context_.routes();
  const bool is_boxed = principal_.environment == Environment::Live &&
                        principal_.account_mode == AccountMode::Sandbox;
  hides_reverse_path_ = is_boxed && reverse_path && !is_reverse_path_proven(*reverse_path);
  return {};
}

bool Judge::take_key(Instant now) {
  auth::AuthResult fresh = context_.authenticator.refresh(submitter_.key, submitter_.address, now);
  if (auto* failure = std::get_if<auth::AuthFailure>(&fresh)) {
    key_failure_ = std::move(*failure);
    return false;
  }
  principal_ = std::move(std::get<auth::Principal>(fresh));
  return true;
}

Instant Judge::now() const {
  const Instant wall = context_.clock.now();
  return run_ ? run_->now(wall) : wall;
}

// Reports of next hops go there, whoever it is: to the account itself, or to one who has agreed.
bool Judge::is_reverse_path_proven(const Mailbox& reverse_path) const {
  const store::Directory& directory = context_.store.directory();
  const auto listed =
      directory.is_whitelisted(principal_.account, normalised_mailbox(reverse_path));
  if (listed && *listed) return true;
  auto domain =
      directory.find_domain_named(principal_.account, normalised_domain(reverse_path.domain));
  if (!domain || !*domain) return false;
  domains::wipe_private_keys(**domain);
  return (*domain)->state == store::DomainState::Verified;
}

Decision Judge::judge_recipient(const Recipient& recipient) const {
  RecipientFacts facts;
  facts.simulator_domain = context_.settings.simulator_domain;
  if (principal_.environment == Environment::Live) {
    if (principal_.account_mode == AccountMode::Sandbox) {
      const auto listed = context_.store.directory().is_whitelisted(
          principal_.account, normalised_mailbox(recipient.mailbox));
      if (!listed) return Refused{Refusal::StorageUnavailable};
      facts.is_whitelisted = *listed;
    }
    facts.has_route = routes_->find(normalised_domain(recipient.mailbox.domain)) != nullptr;
  }
  return submission::judge_recipient(principal_, recipient, facts);
}

Decision Judge::judge_header(const HeaderQuestion& question) const {
  return submission::judge_header(principal_, question, context_.settings.max_received_fields);
}

Outlook Judge::look_ahead(const Recipient& recipient) const {
  Outlook outlook;
  if (principal_.environment == Environment::Test) return outlook;
  outlook.route = routes_->find(normalised_domain(recipient.mailbox.domain));
  if (relay::heeds_suppressions(principal_.environment, store::MessageOrigin::Submission)) {
    const auto found = context_.store.directory().is_suppressed(
        principal_.account, normalised_mailbox(recipient.mailbox), context_.clock.now());
    outlook.is_suppressed = found && *found;
  }
  return outlook;
}

}  // namespace postern::submission
