// Rotation: the successor's policy, the overlap, and schemes with few keys.
#include "tests/unit/auth/admin_fixture.h"

namespace postern::auth {
namespace {

using std::chrono::hours;

class RotationTest : public AdminTest {};

class SingleKeyRotationTest : public AdminTest {
 protected:
  SingleKeyRotationTest() : AdminTest({"mk", true, 1}) {}
};

TEST_F(RotationTest, MakesASuccessorWithTheSamePolicy) {
  NewKey wanted = named("backend");
  wanted.environment = Environment::Test;
  wanted.from_domains = {"example.org"};
  wanted.networks = {"192.0.2.0/24"};
  wanted.expires_at = clock.now() + hours(100);
  wanted.per_second = 3;
  const CreatedKey old = make_key(wanted);
  clock.advance(hours(1));
  const CreatedKey next = keys.rotate(old.record.id, hours(24)).value();

  store::KeyRecord expected = old.record;
  expected.id = next.record.id;
  expected.prefix = next.record.prefix;
  expected.digest = next.record.digest;
  expected.created = clock.now();
  EXPECT_EQ(next.record, expected);
  EXPECT_NE(next.record.id, old.record.id);
  EXPECT_NE(next.record.digest, old.record.digest);
  EXPECT_EQ(directory().find_key(old.record.id).value()->key.successor, next.record.id);
}

TEST_F(RotationTest, LetsBothKeysWorkForTheOverlap) {
  const CreatedKey old = make_key();
  const CreatedKey next = keys.rotate(old.record.id, hours(24)).value();
  EXPECT_EQ(state_of(old.record.id), KeyState::Retiring);
  EXPECT_EQ(authenticate(old), "ok");
  EXPECT_EQ(authenticate(next), "ok");
  clock.advance(hours(24) - Duration(1));
  EXPECT_EQ(authenticate(old), "ok");
  clock.advance(Duration(1));
  EXPECT_EQ(authenticate(old), "revoked_key");
  EXPECT_EQ(refresh(old.record.id), "revoked_key");
  EXPECT_EQ(authenticate(next), "ok");
}

TEST_F(RotationTest, EndsTheOldKeyAtOnceWithoutOverlap) {
  const CreatedKey old = make_key();
  const CreatedKey next = keys.rotate(old.record.id, Duration(0)).value();
  EXPECT_EQ(authenticate(old), "revoked_key");
  clock.advance(-hours(1));
  EXPECT_EQ(authenticate(old), "revoked_key") << "also where the clock is set back";
  EXPECT_EQ(authenticate(next), "ok");
}

TEST_F(RotationTest, IsForActiveKeysOnly) {
  const CreatedKey revoked = make_key();
  ASSERT_TRUE(keys.revoke(revoked.record.id).has_value());
  EXPECT_EQ(code_of(keys.rotate(revoked.record.id, hours(1))), ErrorCode::Conflict);

  NewKey wanted = named("k");
  wanted.expires_at = clock.now();
  EXPECT_EQ(code_of(keys.rotate(make_key(wanted).record.id, hours(1))), ErrorCode::Conflict);

  const CreatedKey retiring = make_key();
  ASSERT_TRUE(keys.rotate(retiring.record.id, hours(1)).has_value());
  EXPECT_EQ(code_of(keys.rotate(retiring.record.id, hours(1))), ErrorCode::Conflict);
  EXPECT_EQ(code_of(keys.rotate(KeyId{}, hours(1))), ErrorCode::NotFound);
}

TEST_F(RotationTest, RefusesAnOverlapThatIsNegativeOrWithoutEnd) {
  const CreatedKey key = make_key();
  EXPECT_EQ(code_of(keys.rotate(key.record.id, Duration(-1))), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(keys.rotate(key.record.id, kMaxOverlap + Duration(1))), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(keys.rotate(key.record.id, Duration::max())), ErrorCode::InvalidArgument);
  EXPECT_EQ(state_of(key.record.id), KeyState::Active);
  EXPECT_TRUE(keys.rotate(key.record.id, kMaxOverlap).has_value());
}

TEST_F(RotationTest, KeepsTheOldKeyWhereTheSchemeNoLongerHasItsKind) {
  NewKey wanted = named("t");
  wanted.environment = Environment::Test;
  const CreatedKey test_key = make_key(wanted);
  const KeyScheme without_environment{"pk", false, 0};
  KeyAdmin later(directory(), without_environment, clock, random);
  EXPECT_EQ(code_of(later.rotate(test_key.record.id, hours(1))), ErrorCode::Conflict);
  EXPECT_EQ(state_of(test_key.record.id), KeyState::Active);
}

TEST_F(SingleKeyRotationTest, RotatesTheOnlyKey) {
  const CreatedKey first = make_key();
  EXPECT_EQ(code_of(keys.create(account, named("second"))), ErrorCode::LimitExceeded);
  const CreatedKey second = keys.rotate(first.record.id, Duration(0)).value();
  EXPECT_EQ(authenticate(first), "revoked_key");
  const CreatedKey third = keys.rotate(second.record.id, hours(1)).value();
  EXPECT_EQ(authenticate(second), "ok");
  EXPECT_EQ(authenticate(third), "ok");
}

TEST_F(SingleKeyRotationTest, DoesNotPileUpWorkingKeys) {
  const CreatedKey first = make_key();
  const CreatedKey second = keys.rotate(first.record.id, hours(24)).value();
  EXPECT_EQ(code_of(keys.rotate(second.record.id, hours(24))), ErrorCode::LimitExceeded);
  EXPECT_EQ(state_of(second.record.id), KeyState::Active);
  EXPECT_TRUE(keys.rotate(second.record.id, Duration(0)).has_value()) << "a compromised key can always be replaced";
}

}  // namespace
}  // namespace postern::auth
