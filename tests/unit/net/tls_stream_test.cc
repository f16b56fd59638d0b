// TLS on streams: handshakes, names, protocol versions, back-pressure, ends.
#include "core/log.h"
#include "net/stream.h"

#include "tests/support/test_certs.h"
#include "tests/unit/net/stream_pair.h"

#include <openssl/ssl.h>

#include <gtest/gtest.h>

namespace postern::net {
namespace {

using test::CertificateFiles;
using test::CoroutineLoop;
using test::StreamPair;
using test::TestCerts;
using test::test_certs;
using namespace std::chrono_literals;

TlsServerContext server_context(const CertificateFiles& files) {
  return TlsServerContext::load(files.certificate, files.key).value();
}

TlsClientContext verifying() { return TlsClientContext::create(TlsVerification::Required, test_certs().ca_file()).value(); }
TlsClientContext trusting() { return TlsClientContext::create(TlsVerification::None, "").value(); }

class TlsStreamTest : public testing::Test {
 protected:
  struct Outcome {
    Result<void> client;
    Result<void> server;
  };

  Outcome handshake(const TlsClientContext& client, const std::string& name, const CertificateFiles& files) {
    const TlsServerContext server = server_context(files);
    const auto accepted = loop_.start(pair_.server->start_tls_server(server));
    Result<void> connected = loop_.run(pair_.client->start_tls_client(client, name));
    if (!connected) pair_.client->close();
    return {connected, loop_.wait(accepted)};
  }
  void secure() {
    const Outcome outcome = handshake(verifying(), TestCerts::kServerName, test_certs().good());
    ASSERT_TRUE(outcome.client) << outcome.client.error().message();
    ASSERT_TRUE(outcome.server) << outcome.server.error().message();
  }

  CoroutineLoop loop_;
  StreamPair pair_{loop_};
  std::string space_ = std::string(100, '\0');
};

TEST_F(TlsStreamTest, CarriesOctetsBothWays) {
  secure();
  ASSERT_TRUE(loop_.run(pair_.client->write_all("question")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, 8)), "question");
  ASSERT_TRUE(loop_.run(pair_.server->write_all("answer")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.client, 6)), "answer");
  EXPECT_TRUE(pair_.server->is_tls());
  EXPECT_EQ(pair_.server->tls_version(), "TLSv1.3");
  EXPECT_EQ(pair_.server->tls_cipher(), pair_.client->tls_cipher());
}

TEST_F(TlsStreamTest, ChecksAnAddressAgainstTheCertificate) {
  EXPECT_TRUE(handshake(verifying(), "127.0.0.1", test_certs().good()).client);
}

struct RefusedCase {
  const char* name;
  const char* server_name;
  bool is_wrong_certificate;
  bool trusts_the_ca;
};

class RefusedCertificate : public TlsStreamTest, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RefusedCertificate, FailsTheHandshake) {
  const RefusedCase& c = GetParam();
  const TlsClientContext client =
      c.trusts_the_ca ? verifying() : TlsClientContext::create(TlsVerification::Required, "").value();
  const Outcome outcome =
      handshake(client, c.server_name, c.is_wrong_certificate ? test_certs().wrong_name() : test_certs().good());
  ASSERT_FALSE(outcome.client);
  EXPECT_EQ(outcome.client.error().code(), ErrorCode::TlsFailed);
  EXPECT_FALSE(outcome.server);
}

INSTANTIATE_TEST_SUITE_P(TlsStream, RefusedCertificate,
                         testing::Values(RefusedCase{"OtherName", TestCerts::kServerName, true, true},
                                         RefusedCase{"OtherAddress", "127.0.0.2", false, true},
                                         RefusedCase{"UnknownCa", TestCerts::kServerName, false, false},
                                         RefusedCase{"NoNameToCheck", "", false, true}),
                         [](const auto& tested) { return tested.param.name; });

TEST_F(TlsStreamTest, AnUnverifiedHandshakeTakesAnyCertificate) {
  EXPECT_TRUE(handshake(trusting(), TestCerts::kServerName, test_certs().wrong_name()).client);
}

TEST_F(TlsStreamTest, RefusesTls11) {
  const TlsClientContext client = trusting();
  auto* raw = static_cast<SSL_CTX*>(client.native());
  SSL_CTX_set_cipher_list(raw, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(raw, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(raw, TLS1_1_VERSION);
  EXPECT_EQ(handshake(client, "", test_certs().good()).server.error().code(), ErrorCode::TlsFailed);
}

TEST_F(TlsStreamTest, RefusesASuiteWithoutAead) {
  const TlsClientContext client = trusting();
  auto* raw = static_cast<SSL_CTX*>(client.native());
  SSL_CTX_set_max_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, "ECDHE-ECDSA-AES128-SHA");
  EXPECT_EQ(handshake(client, "", test_certs().good()).server.error().code(), ErrorCode::TlsFailed);
}

TEST_F(TlsStreamTest, SpeaksTls12) {
  const TlsClientContext client = trusting();
  SSL_CTX_set_max_proto_version(static_cast<SSL_CTX*>(client.native()), TLS1_2_VERSION);
  ASSERT_TRUE(handshake(client, "", test_certs().good()).server);
  EXPECT_EQ(pair_.server->tls_version(), "TLSv1.2");
}

TEST_F(TlsStreamTest, FailsOnGarbageInsteadOfAHello) {
  const TlsServerContext server = server_context(test_certs().good());
  const auto accepted = loop_.start(pair_.server->start_tls_server(server));
  ASSERT_TRUE(loop_.run(pair_.client->write_all("EHLO client.example\r\n")));
  EXPECT_EQ(loop_.wait(accepted).error().code(), ErrorCode::TlsFailed);
}

TEST_F(TlsStreamTest, DeadlineEndsAHandshakeThatStalls) {
  const TlsServerContext server = server_context(test_certs().good());
  pair_.server->expires_after(20ms);
  EXPECT_EQ(loop_.run(pair_.server->start_tls_server(server)).error().code(), ErrorCode::ConnectionTimedOut);
}

TEST_F(TlsStreamTest, WritesMoreThanTheBuffersHold) {
  secure();
  const std::string text = test::large_text();
  const auto written = loop_.start(pair_.client->write_all(text));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, text.size())), text);
  EXPECT_TRUE(loop_.wait(written));
}

TEST_F(TlsStreamTest, CancelWakesAWaitingReadAndLosesNothing) {
  secure();
  const auto read = loop_.start(pair_.server->read_some(space_));
  loop_.settle();
  pair_.server->cancel();
  EXPECT_EQ(loop_.wait(read).error().code(), ErrorCode::Cancelled);
  ASSERT_TRUE(loop_.run(pair_.client->write_all("more")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.server, 4)), "more");
}

TEST_F(TlsStreamTest, IsUsableAfterAReadTimedOut) {
  secure();
  pair_.server->expires_after(10ms);
  EXPECT_EQ(loop_.run(pair_.server->read_some(space_)).error().code(), ErrorCode::ConnectionTimedOut);
  pair_.server->expires_after(120s);
  ASSERT_TRUE(loop_.run(pair_.server->write_all("421")));
  EXPECT_EQ(loop_.run(test::read_exactly(*pair_.client, 3)), "421");
}

TEST_F(TlsStreamTest, ReportsTheOrderlyEnd) {
  secure();
  pair_.client->close();
  EXPECT_EQ(loop_.run(pair_.server->read_some(space_)).error().code(), ErrorCode::ConnectionClosed);
}

// A TCP connection whose client end the test keeps, to end it below TLS.
TEST_F(TlsStreamTest, AnEndWithoutCloseNotifyIsNotOrderly) {
  asio::ip::tcp::acceptor acceptor(loop_.context(), {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket raw(loop_.context());
  raw.connect(acceptor.local_endpoint());
  const int copy = ::dup(raw.native_handle());
  pair_.client = std::make_unique<Stream>(std::move(raw));
  pair_.server = std::make_unique<Stream>(asio::ip::tcp::socket(acceptor.accept()));
  secure();
  ::shutdown(copy, SHUT_WR);
  ::close(copy);
  EXPECT_EQ(loop_.run(pair_.server->read_some(space_)).error().code(), ErrorCode::ConnectionReset);
}

}  // namespace
}  // namespace postern::net
