// What a body may be long, for messages of every size that the configuration allows.
#include "api/body_limits.h"

#include "core/base64.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

constexpr std::uint64_t kLeast = 65'536;                // the configuration's bounds of max_message_octets
constexpr std::uint64_t kDefault = 52'428'800;
constexpr std::uint64_t kMost = 2ULL * 1024 * 1024 * 1024;

TEST(BodyLimits, OfAnEmailFollowTheLargestMessage) {
  for (const std::uint64_t message : {kLeast, std::uint64_t{1'000'000}, kDefault, kMost}) {
    EXPECT_GE(max_body_octets(BodySize::Email, message), message * 4 / 3) << message;
    EXPECT_LE(max_body_octets(BodySize::Email, message), message * 4 / 3 + 1024 * 1024) << message;
  }
}

TEST(BodyLimits, HoldTheAttachmentsOfTheLargestMessage) {
  // Base64 in a message has a line end after each 76 octets (RFC 2045 §6.8); in JSON it needs none.
  const std::string attachment(kLeast / 78 * 57, 'x');
  EXPECT_LE(encode_base64(attachment).size() + 4096, max_body_octets(BodySize::Email, kLeast));
}

TEST(BodyLimits, OfABatchAreNeverBelowThoseOfAnEmail) {
  EXPECT_EQ(max_body_octets(BodySize::Batch, kLeast), 16U * 1024 * 1024);
  EXPECT_EQ(max_body_octets(BodySize::Batch, kDefault), max_body_octets(BodySize::Email, kDefault));
  EXPECT_EQ(max_body_octets(BodySize::Batch, kMost), max_body_octets(BodySize::Email, kMost));
}

TEST(BodyLimits, OfAnythingElseAreSmallWhateverTheMessages) {
  EXPECT_EQ(max_body_octets(BodySize::Small, kLeast), 64U * 1024);
  EXPECT_EQ(max_body_octets(BodySize::Small, kMost), 64U * 1024);
}

}  // namespace
}  // namespace postern::api
