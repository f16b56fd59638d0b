// Accounts and their sandbox whitelist: the one code path of the command line and HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "store/directory.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

inline constexpr std::size_t kMaxNameOctets = 64;           // of UTF-8: a line of a list holds it
inline constexpr std::uint32_t kMaxSuppressionDays = 3'650;     // whoever wants longer wants it for good

// 1 to kMaxNameOctets octets of printable characters, no blank at either end. For accounts and keys.
Result<void> check_name(std::string_view name);

// "starter", "growth" and "scale": 10, 100 and 1,000 messages a second, no quotas; "unlimited". nullopt: no such plan.
std::optional<store::Plan> plan_named(std::string_view name);

struct NewAccount {
  std::string name;
  AccountMode mode = AccountMode::Sandbox;
  store::Plan plan;
  std::vector<std::string> from_domains;  // as people write them; empty: any
};

// Every function blocks until its change is synced. Errors carry words for people.
class AccountAdmin {
 public:
  AccountAdmin(store::Directory& directory, const Clock& clock, Random& random)
      : directory_(directory), clock_(clock), random_(random) {}

  // The record that create() stores, with an id of its own; nothing is written.
  Result<store::AccountRecord> draft(const NewAccount& wanted);
  Result<store::AccountRecord> create(const NewAccount& wanted);
  Result<void> set_mode(const AccountId& id, AccountMode mode);
  Result<void> set_state(const AccountId& id, store::AccountState state);
  Result<void> set_plan(const AccountId& id, const store::Plan& plan);
  // As people write them; empty: any. InvalidArgument.
  Result<void> set_from_domains(const AccountId& id, const std::vector<std::string>& domains);
  // `days`: how long an address stays suppressed; 0: for good.
  Result<void> set_auto_suppression(const AccountId& id, store::AutoSuppression suppression, std::uint32_t days);
  // An address that gets each of its live messages as well, blind; empty: none. InvalidArgument: it is no address.
  Result<void> set_blind_copy(const AccountId& id, std::string_view address);
  // With all that is its own; of what is very much the last goes a while after the account, in slices that let others write between
  // them, and the server goes on with it where this process ends too soon. Messages that are queued still go out.
  Result<void> remove(const AccountId& id);

  // Returns the normalised address. A second time is no error. InvalidArgument, of both: not a mailbox.
  Result<std::string> allow(const AccountId& id, std::string_view address);
  Result<void> disallow(const AccountId& id, std::string_view address);

 private:
  Result<void> change(const AccountId& id, const std::function<void(store::AccountRecord&)>& edit);

  store::Directory& directory_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postern::auth
