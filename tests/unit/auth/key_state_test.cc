// A key's record and the time → its state.
#include "auth/key_admin.h"

namespace postern::auth {
namespace {

using std::chrono::seconds;

constexpr Instant kNow{seconds{1'767'607'200}};
constexpr Instant kPast = kNow - seconds(1);
constexpr Instant kFuture = kNow + seconds(1);

struct StateCase {
  const char* name;
  std::optional<Instant> expires_at;
  std::optional<Instant> revoked_at;
  std::optional<Instant> retires_at;
  KeyState expected;
};

const StateCase kStateCases[] = {
    {"nothing set", {}, {}, {}, KeyState::Active},
    {"expires later", kFuture, {}, {}, KeyState::Active},
    {"expires now", kNow, {}, {}, KeyState::Expired},
    {"expired", kPast, {}, {}, KeyState::Expired},
    {"revoked", {}, kPast, {}, KeyState::Revoked},
    {"revoked by a clock that was ahead", {}, kFuture, {}, KeyState::Revoked},
    {"revoked and expired", kPast, kPast, {}, KeyState::Revoked},
    {"retires later", {}, {}, kFuture, KeyState::Retiring},
    {"retires now", {}, {}, kNow, KeyState::Revoked},
    {"retired", {}, {}, kPast, KeyState::Revoked},
    {"expired while retiring", kPast, {}, kFuture, KeyState::Expired},
    {"retired and expired", kPast, {}, kPast, KeyState::Revoked},
    {"revoked while retiring", {}, kPast, kFuture, KeyState::Revoked},
};

TEST(KeyState, FollowsDatesAndRevocation) {
  for (const StateCase& c : kStateCases) {
    store::KeyRecord key;
    key.expires_at = c.expires_at;
    key.revoked_at = c.revoked_at;
    key.retires_at = c.retires_at;
    EXPECT_EQ(key_state_name(key_state(key, kNow)), key_state_name(c.expected)) << c.name;
  }
}

TEST(KeyState, HasANameOfItsOwnEach) {
  EXPECT_EQ(key_state_name(KeyState::Active), "active");
  EXPECT_EQ(key_state_name(KeyState::Retiring), "retiring");
  EXPECT_EQ(key_state_name(KeyState::Expired), "expired");
  EXPECT_EQ(key_state_name(KeyState::Revoked), "revoked");
}

}  // namespace
}  // namespace postern::auth
