// Hashing and verifying passwords with the real library.
#include "auth/password.h"

#include "tests/support/fake_random.h"

#include <time.h>

#include <algorithm>
#include <chrono>

namespace postern::auth {
namespace {

using ::testing::StartsWith;

// That this thread had a processor.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST(Password, IsKeptAsArgon2idWithItsCosts) {
  test::FakeRandom random;
  const std::string encoded = hash_password(Secret("correct horse battery"), random).value();
  EXPECT_THAT(encoded, StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_EQ(encoded.find('\0'), std::string::npos);
  EXPECT_EQ(encoded.find("horse"), std::string::npos);
}

TEST(Password, IsVerifiedAsAWhole) {
  test::FakeRandom random;
  const std::string encoded = hash_password(Secret("correct horse battery"), random).value();
  EXPECT_TRUE(verify_password(encoded, Secret("correct horse battery")));
  for (const char* wrong : {"", "correct horse batter", "correct horse battery ", "Correct horse battery"}) {
    EXPECT_FALSE(verify_password(encoded, Secret(wrong))) << '"' << wrong << '"';
  }
}

TEST(Password, HasASaltOfItsOwn) {
  test::FakeRandom random;
  EXPECT_NE(hash_password(Secret("correct horse battery"), random).value(),
            hash_password(Secret("correct horse battery"), random).value());
}

TEST(Password, IsVerifiedWithTheCostsOfItsHash) {
  const std::string older = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$XVVXYIqdyv8ko9nE4KrZ4b8uSN7RTWYTOIgGo42CWlQ";
  EXPECT_TRUE(verify_password(older, Secret("an older password")));
  EXPECT_FALSE(verify_password(older, Secret("another password")));
}

TEST(Password, IsKnownToNeedAHashOfTodaysCosts) {
  test::FakeRandom random;
  EXPECT_TRUE(has_current_costs(hash_password(Secret("correct horse battery"), random).value()));
  for (const char* other :
       {"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA", "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA",
        "$argon2id$v=19$m=19456,t=2,p=10$c29tZXNhbHQ$aGFzaA", "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA", ""}) {
    EXPECT_FALSE(has_current_costs(other)) << other;
  }
}

TEST(Password, NeverMatchesWhatIsNoHash) {
  for (const char* broken : {"", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA"}) {
    EXPECT_FALSE(verify_password(broken, Secret(broken))) << broken;
  }
}

// Not a measurement: an answer that comes a hundred times sooner would name the addresses that exist. Counted is processor
// time: who else has the processor does not matter.
TEST(Password, CostsTheSameForNobody) {
  test::FakeRandom random;
  const std::string encoded = hash_password(Secret("correct horse battery"), random).value();
  const auto cost_of = [](auto work) {
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
      const std::chrono::nanoseconds before = thread_time();
      work();
      best = std::min(best, thread_time() - before);
    }
    return best;
  };
  const auto wrong = cost_of([&] { EXPECT_FALSE(verify_password(encoded, Secret("wrong password"))); });
  const auto nobody = cost_of([] { spend_password_work(Secret("wrong password")); });
  EXPECT_GT(nobody * 10, wrong);
  EXPECT_GT(wrong * 10, nobody);
}

}  // namespace
}  // namespace postern::auth
