// Accounts that made themselves reach nobody who has not agreed: an address proves itself, by a code that is mailed to it,
// before it counts as the user's own or as whitelisted. What an operator adds needs none of it.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/recent_map.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/directory.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace postern::auth {

// Mails are read after a weekend too.
inline constexpr Duration kProofLifetime = std::chrono::days(3);
// To one address, whoever asks: nobody is pestered by way of many accounts.
inline constexpr std::uint32_t kMaxProofMailsToAddress = 3;  // a UTC day

struct ProofRules {
  bool is_required = false;      // of accounts that made themselves, while they are in sandbox mode
  std::uint32_t mails_per_day = 10;  // that one account can cause, those for entries it has removed again included
};

struct ProofMail {
  store::Confirmation confirmation;
  std::string account_name;
  Secret code;  // 12 characters of lower-case base32hex; 60 bits are not guessed in three days
};

// Every function blocks until its change is synced. Errors carry words for people. Any thread.
class AddressProofs {
 public:
  // Spools the mail; it is on disk when it returns.
  using SendMail = std::function<Result<void>(const ProofMail&)>;

  // All must outlive this.
  AddressProofs(store::Directory& directory, const Clock& clock, Random& random, ProofRules rules, SendMail send)
      : directory_(directory), clock_(clock), random_(random), rules_(rules), send_(std::move(send)) {}

  bool are_required(const store::AccountRecord& account) const {
    return rules_.is_required && account.is_self_made && account.mode == AccountMode::Sandbox;
  }

  // Mails a new code; an earlier one for the same address is worthless then. LimitExceeded: too many mails today. Conflict: a
  // whitelist entry of an account none of whose users has proved his own address.
  Result<void> ask(const store::AccountRecord& account, store::ConfirmationKind kind, std::string_view normalised_address);
  // What waits for that code. NotFound: nothing of the account does, or its time is over. `code` as people type it.
  Result<store::Confirmation> find(const AccountId& account, std::string_view code) const;
  // The address that the code was mailed to agrees: it is on the whitelist from now on. Errors as find()'s.
  Result<store::Confirmation> confirm(const AccountId& account, std::string_view code);
  // True also of a user who was never asked: the operator made him.
  Result<bool> is_proven(const store::UserRecord& user) const;
  // What still waits for an answer, in order of kind and address.
  Result<std::vector<store::Confirmation>> list_waiting(const AccountId& account) const;
  // It is asked no more. Absent: no error.
  Result<void> forget(const AccountId& account, std::string_view normalised_address);

 private:
  Result<bool> has_proven_user(const AccountId& account) const;
  bool may_mail(const std::string& address, Instant now);

  struct Day {
    Instant begin;
    std::uint32_t mails = 0;
  };

  store::Directory& directory_;
  const Clock& clock_;
  Random& random_;
  const ProofRules rules_;
  const SendMail send_;
  std::mutex mutex_;
  RecentMap<std::string, Day> mailed_;  // by address
};

}  // namespace postern::auth
