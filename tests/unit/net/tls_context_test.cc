#include "net/tls_context.h"

#include "net/tls_peer.h"

#include "tests/support/test_certs.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::net {
namespace {

using test::test_certs;
using testing::HasSubstr;

TlsServerContext good_server() { return TlsServerContext::load(test_certs().good().certificate, test_certs().good().key).value(); }

// A client that keeps the newest session it was given, and shakes hands with a server in memory.
class ResumingClient {
 public:
  explicit ResumingClient(int version) : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), &ResumingClient::keep);
  }

  // One handshake and one octet from the server, behind which its ticket came. True: the session kept before was resumed.
  bool connect_resumes(const TlsServerContext& server) {
    const Pointer<SSL> client_side(SSL_new(context_.get()), &SSL_free);
    const Pointer<SSL> server_side(SSL_new(static_cast<SSL_CTX*>(server.native())), &SSL_free);
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    BIO_new_bio_pair(&client_end, 0, &server_end, 0);
    SSL_set_bio(client_side.get(), client_end, client_end);
    SSL_set_bio(server_side.get(), server_end, server_end);
    if (session_) SSL_set_session(client_side.get(), session_.get());
    SSL_set_connect_state(client_side.get());
    SSL_set_accept_state(server_side.get());
    for (int turn = 0; turn < 5; ++turn) {
      SSL_do_handshake(client_side.get());
      SSL_do_handshake(server_side.get());
    }
    EXPECT_EQ(SSL_write(server_side.get(), "x", 1), 1);
    char octet = 0;
    EXPECT_EQ(SSL_read(client_side.get(), &octet, 1), 1);
    SSL_set_shutdown(client_side.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    EXPECT_EQ(SSL_session_reused(client_side.get()), SSL_session_reused(server_side.get()));
    return SSL_session_reused(server_side.get()) == 1;
  }

 private:
  template <class T>
  using Pointer = std::unique_ptr<T, void (*)(T*)>;

  static int keep(SSL* ssl, SSL_SESSION* session) {
    static_cast<ResumingClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session_.reset(session);
    return 1;  // the reference is ours now
  }

  Pointer<SSL_CTX> context_;
  Pointer<SSL_SESSION> session_{nullptr, &SSL_SESSION_free};
};

class SessionResumption : public testing::TestWithParam<int> {};

TEST_P(SessionResumption, WorksBetweenConnectionsOfOneCertificate) {
  const TlsServerContext server = good_server();
  ResumingClient client(GetParam());
  EXPECT_FALSE(client.connect_resumes(server));
  EXPECT_TRUE(client.connect_resumes(server));
  EXPECT_TRUE(client.connect_resumes(server));
}

TEST_P(SessionResumption, EndsWhenTheCertificateIsLoadedAnew) {
  ResumingClient client(GetParam());
  EXPECT_FALSE(client.connect_resumes(good_server()));
  EXPECT_FALSE(client.connect_resumes(good_server()));
}

INSTANTIATE_TEST_SUITE_P(Tls, SessionResumption, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "Version12" : "Version13"; });

TEST(TlsServerContext, NamesTheFileThatIsMissing) {
  const auto loaded = TlsServerContext::load("/nonexistent/cert.pem", test_certs().good().key);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr("/nonexistent/cert.pem: No such file or directory"));
}

TEST(TlsServerContext, RefusesAKeyOfAnotherCertificate) {
  const auto loaded = TlsServerContext::load(test_certs().good().certificate, test_certs().wrong_name().key);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr(test_certs().wrong_name().key));
}

TEST(TlsServerContext, RefusesAFileThatIsNoCertificate) {
  const std::string path = test_certs().directory() + "/text.pem";
  std::ofstream(path) << "not a certificate\n";
  const auto loaded = TlsServerContext::load(path, test_certs().good().key);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr("text.pem: there is none in PEM form"));
}

TEST(TlsServerContext, RefusesACertificateInThePlaceOfItsKey) {
  const std::string& certificate = test_certs().good().certificate;
  const auto loaded = TlsServerContext::load(certificate, certificate);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().context(), HasSubstr("there is none in PEM form"));
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

// OpenSSL's own word on which TLSA records it can go by; RFC 7672 §3.1 leaves the usages of the CAs out.
TEST(TlsClientContext, FindsTheTlsaRecordsThatCanBeUsed) {
  const std::string sha256(32, 'x');
  const std::string sha512(64, 'x');
  const TlsaRecord good{3, 1, 1, sha256};
  const std::vector<TlsaRecord> records = {{0, 0, 1, sha256}, {1, 1, 1, sha256}, good,
                                           {2, 0, 2, sha512}, {3, 1, 1, "short"}, {3, 1, 2, sha256},
                                           {3, 9, 1, sha256}, {3, 1, 9, sha256}, {4, 1, 1, sha256}, {3, 0, 0, "no certificate"}};
  EXPECT_EQ(find_usable(records), (std::vector<TlsaRecord>{good, {2, 0, 2, sha512}}));
  EXPECT_TRUE(find_usable({}).empty());
}

}  // namespace
}  // namespace postern::net
