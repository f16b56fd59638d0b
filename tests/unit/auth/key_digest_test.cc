// SHA-256 as everybody else computes it, from any thread.
#include "auth/key_digest.h"

#include "auth/sha256.h"
#include "core/bytes.h"

#include <thread>

namespace postern::auth {
namespace {

struct Case {
  const char* text;
  const char* expected;
};

// The vectors of FIPS 180-4's examples.
constexpr Case kCases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

TEST(KeyDigest, IsSha256) {
  for (const Case& c : kCases) EXPECT_EQ(format_hex(digest_api_key(c.text)), c.expected) << c.text;
}

TEST(Sha256, IsTheSameInPiecesAndStartsAfresh) {
  Sha256 hash;
  for (int round = 0; round < 2; ++round) {
    hash.update("a");
    hash.update("bc");
    EXPECT_EQ(hash.finish(), digest_api_key("abc"));
  }
}

TEST(Sha256, TellsFieldsApartByTheirBorders) {
  Sha256 hash;
  hash.update_field("ab");
  hash.update_field("c");
  const Sha256Digest first = hash.finish();
  hash.update_field("a");
  hash.update_field("bc");
  EXPECT_NE(hash.finish(), first);
}

TEST(KeyDigest, DoesNotDependOnTheThread) {
  const store::KeyDigest expected = digest_api_key("abc");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        digest_api_key(std::to_string(i));
        wrong += digest_api_key("abc") != expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(KeyDigest, EqualsOnlyItself) {
  const store::KeyDigest digest = digest_api_key("abc");
  EXPECT_TRUE(digests_equal(digest, digest));
  for (std::size_t i = 0; i < digest.size(); ++i) {
    store::KeyDigest other = digest;
    other[i] ^= 1U;
    EXPECT_FALSE(digests_equal(digest, other)) << i;
  }
}

}  // namespace
}  // namespace postern::auth
