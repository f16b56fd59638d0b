// Leaving the sandbox: an account asks, an operator decides. The one code path of the command line and HTTP.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "store/store.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

inline constexpr std::size_t kMaxUseCaseOctets = 2'000;  // what ProductionRequest holds

// What must be true before an account may ask.
struct ProductionCondition {
  std::string_view name;     // "verified_domain", "delivered_in_sandbox"; stable
  bool is_met = false;
  std::string_view message;  // for people: what to do
};

// Every function blocks: it reads the spool or waits for the sync of its change.
class ProductionAccess {
 public:
  // Both must outlive this.
  ProductionAccess(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // All of them, in a fixed order.
  Result<std::vector<ProductionCondition>> conditions(const AccountId& account) const;
  // Stores the request, also in place of an earlier one; does not look at the conditions. InvalidArgument: longer than
  // kMaxUseCaseOctets, or not UTF-8 text; Conflict: the account is in production already; NotFound.
  Result<store::ProductionRequest> request(const AccountId& account, std::string_view use_case);
  // Production mode from the next transaction on. NotFound: it did not ask.
  Result<void> approve(const AccountId& account);
  // The request goes, the mode stays. NotFound: it did not ask.
  Result<void> decline(const AccountId& account);

 private:
  Result<bool> has_verified_domain(const AccountId& account) const;
  Result<void> decide(const AccountId& account, bool is_approved);

  store::Store& store_;
  const Clock& clock_;
};

}  // namespace postern::auth
