#include "net/certificate_expiry.h"

#include "tests/support/test_certs.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace postern::net {
namespace {

TEST(CertificateExpiry, IsWhatTheCertificateSays) {
  // Ours are made for ten years of 365 days.
  const std::filesystem::path folder(test::test_certs().directory());
  const std::string certificate = folder / "expiry.pem";
  const std::string key = folder / "expiry.key";
  ASSERT_TRUE(write_self_signed_certificate("mail.example.org", certificate, key));
  const auto expiry = certificate_expiry(TlsServerContext::load(certificate, key).value());
  ASSERT_TRUE(expiry);
  const auto left = std::chrono::floor<std::chrono::days>(*expiry - SystemClock().now() + std::chrono::hours(1));
  EXPECT_EQ(left, std::chrono::days(3650));
}

}  // namespace
}  // namespace postern::net
