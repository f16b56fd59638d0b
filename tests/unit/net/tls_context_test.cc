#include "net/tls_context.h"

#include "tests/support/test_certs.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::net {
namespace {

using test::test_certs;
using testing::HasSubstr;

TEST(TlsServerContext, NamesTheFileThatIsMissing) {
  const auto loaded = TlsServerContext::load("/nonexistent/cert.pem", test_certs().good().key);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr("/nonexistent/cert.pem"));
}

TEST(TlsServerContext, RefusesAKeyOfAnotherCertificate) {
  const auto loaded = TlsServerContext::load(test_certs().good().certificate, test_certs().wrong_name().key);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr(test_certs().wrong_name().key));
}

TEST(TlsServerContext, RefusesAFileThatIsNoCertificate) {
  const std::string path = test_certs().directory() + "/text.pem";
  std::ofstream(path) << "not a certificate\n";
  EXPECT_FALSE(TlsServerContext::load(path, test_certs().good().key));
}

TEST(TlsClientContext, NamesTheCaFileThatIsMissing) {
  const auto made = TlsClientContext::create(TlsVerification::Required, "/nonexistent/ca.pem");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().context(), HasSubstr("/nonexistent/ca.pem"));
}

TEST(SelfSignedCertificate, CanBeServedAndItsKeyIsPrivate) {
  const std::string certificate = test_certs().directory() + "/self.pem";
  const std::string key = test_certs().directory() + "/self.key";
  ASSERT_TRUE(write_self_signed_certificate("relay.example.test", certificate, key));
  EXPECT_TRUE(TlsServerContext::load(certificate, key));
  struct stat facts {};
  ASSERT_EQ(::stat(key.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST(SelfSignedCertificate, TakesTheHostNameAsTextAndNotAsSyntax) {
  const std::string certificate = test_certs().directory() + "/odd.pem";
  EXPECT_TRUE(write_self_signed_certificate("a.test,DNS:b.test", certificate, test_certs().directory() + "/odd.key"));
}

TEST(SelfSignedCertificate, SaysWhereItCannotWrite) {
  const auto written = write_self_signed_certificate("a.test", "/nonexistent/cert.pem", "/nonexistent/key.pem");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().context(), HasSubstr("/nonexistent/key.pem"));
}

}  // namespace
}  // namespace postern::net
