// A store with one account, and the two admins over it.
#pragma once

#include "auth/account_admin.h"
#include "auth/authenticator.h"
#include "auth/key_admin.h"
#include "core/time_format.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <string>
#include <string_view>
#include <variant>

namespace postern::auth {

class AdminTest : public ::testing::Test {
 protected:
  explicit AdminTest(KeyScheme wanted = {}) : scheme(std::move(wanted)) {
    NewAccount wanted_account;
    wanted_account.name = "acme";
    wanted_account.plan = *plan_named("starter");
    account = accounts.create(wanted_account).value().id;
  }

  store::Directory& directory() { return store->directory(); }

  static NewKey named(std::string name) {
    NewKey key;
    key.name = std::move(name);
    return key;
  }
  CreatedKey make_key(const NewKey& wanted = named("k")) { return keys.create(account, wanted).value(); }

  KeyState state_of(const KeyId& id) { return key_state(directory().find_key(id).value()->key, clock.now()); }

  // "ok", or the token of the refusal.
  std::string_view authenticate(const CreatedKey& key, std::string_view address = "192.0.2.1") {
    return token_of(Authenticator(directory(), scheme).authenticate(key.text.reveal(), *parse_ip_address(address), clock.now()));
  }
  std::string_view refresh(const KeyId& id, std::string_view address = "192.0.2.1") {
    return token_of(Authenticator(directory(), scheme).refresh(id, *parse_ip_address(address), clock.now()));
  }
  static std::string_view token_of(const AuthResult& result) {
    const auto* refusal = std::get_if<AuthFailure>(&result);
    return refusal == nullptr ? "ok" : refusal_row(refusal->refusal).token;
  }

  test::FakeClock clock;
  test::FakeRandom random;
  test::TempStore store;
  KeyScheme scheme;
  AccountAdmin accounts{store->directory(), clock, random};
  KeyAdmin keys{store->directory(), scheme, clock, random};
  AccountId account;
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  EXPECT_TRUE(result.has_error());
  return result.error().code();
}

}  // namespace postern::auth
