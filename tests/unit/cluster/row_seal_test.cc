// What leaves the node says nothing, and nothing that was changed on the way is believed.
#include "cluster/row_seal.h"

#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::cluster {
namespace {

const RowSeal kSeal{Secret(std::string(32, 'k'))};

TEST(RowSeal, GivesBackWhatWasSealed) {
  test::FakeRandom random;
  for (const std::string& value : {std::string(), std::string("secret"), std::string(100'000, 'x')}) {
    const std::string sealed = kSeal.seal("keys\0a", value, random);
    EXPECT_EQ(sealed.size(), value.size() + kSealOctets);
    EXPECT_EQ(kSeal.unseal("keys\0a", sealed).value(), value);
  }
}

TEST(RowSeal, ShowsNothingAndNeverLooksTheSame) {
  test::FakeRandom random;
  const std::string first = kSeal.seal("keys", "the same secret", random);
  EXPECT_EQ(first.find("secret"), std::string::npos);
  EXPECT_NE(first, kSeal.seal("keys", "the same secret", random));
}

TEST(RowSeal, RefusesARowThatWasMovedChangedOrCut) {
  test::FakeRandom random;
  const std::string sealed = kSeal.seal("keys a", "value", random);
  EXPECT_EQ(kSeal.unseal("keys b", sealed).error().code(), ErrorCode::CorruptRecord);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(kSeal.unseal("keys a", changed)) << i;
    EXPECT_FALSE(kSeal.unseal("keys a", sealed.substr(0, i))) << i;
  }
}

TEST(RowSeal, RefusesAnotherKey) {
  test::FakeRandom random;
  const RowSeal other{Secret(std::string(32, 'o'))};
  EXPECT_FALSE(other.unseal("keys", kSeal.seal("keys", "value", random)));
}

}  // namespace
}  // namespace postern::cluster
