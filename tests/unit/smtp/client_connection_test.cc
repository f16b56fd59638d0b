// The client's shell against a real server on loopback.
#include "smtp/client_connection.h"

#include "support/client_script.h"
#include "support/fake_smarthost.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace postern::smtp {
namespace {

using test::FakeSmarthost;
using test::FakeSmarthostOptions;
using test::numbered_envelope;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Obviously not a real one.
constexpr const char* kPassword = "not-a-real-password";

struct Certificate {
  explicit Certificate(const std::string& hostname) {
    static int count = 0;
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("postern_client_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(folder);
    certificate_file = folder / "certificate.pem";
    key_file = folder / "key.pem";
    EXPECT_TRUE(net::write_self_signed_certificate(hostname, certificate_file, key_file));
  }
  ~Certificate() { std::filesystem::remove_all(std::filesystem::path(certificate_file).parent_path()); }

  FakeSmarthostOptions options() const {
    FakeSmarthostOptions options;
    options.certificate_file = certificate_file;
    options.key_file = key_file;
    return options;
  }

  std::string certificate_file;
  std::string key_file;
};

net::TlsClientContext unverified() { return net::TlsClientContext::create(net::TlsVerification::None, "").value(); }
net::TlsClientContext verified_by(const Certificate& certificate) {
  return net::TlsClientContext::create(net::TlsVerification::Required, certificate.certificate_file).value();
}

ContentSource pieces_of(std::vector<std::string> pieces) {
  auto next = std::make_shared<std::size_t>(0);
  return [pieces = std::move(pieces), next]() -> Result<std::string> {
    return *next < pieces.size() ? pieces[(*next)++] : std::string();
  };
}

// One client on this thread; each call runs until it is done.
class Client {
 public:
  explicit Client(std::uint16_t port, net::TlsClientContext tls = unverified()) : port_(port), tls_(std::move(tls)) {}

  Client& open() {
    run(do_open());
    return *this;
  }
  // The statuses, one line each.
  std::string send(const Envelope& envelope, ContentSource content) {
    run(do_send(envelope, std::move(content)));
    std::string text;
    for (const ClientRecipientStatus& result : results_) {
      text += format_status(result.status) + " r" + std::to_string(result.recipient) + "\n";
    }
    return text;
  }
  std::string send() { return send(numbered_envelope(1), pieces_of({"Subject: x\r\n\r\nhello\r\n"})); }
  void quit() { run(opened_.connection->quit()); }
  // Calls `then` on this client's thread as soon as the server holds a connection.
  std::thread when_held(const FakeSmarthost& host, std::function<void()> then) {
    return std::thread([this, &host, then = std::move(then)] {
      EXPECT_TRUE(host.wait_for_held());
      net::asio::post(io_, then);
    });
  }

  ClientConnection& connection() { return *opened_.connection; }
  bool is_open() const { return opened_.connection != nullptr && opened_.connection->is_usable(); }
  std::string failure() const { return opened_.failure.code == 0 ? "" : format_status(opened_.failure); }

  ClientConfig config = test::plain_client_config();
  ClientTimeouts timeouts;
  std::string server_name = "localhost";

 private:
  net::Awaitable<void> do_open() {
    const net::asio::ip::tcp::endpoint endpoint(net::asio::ip::address_v4::loopback(), port_);
    opened_ = co_await ClientConnection::open(endpoint, server_name, config, tls_, timeouts);
  }
  net::Awaitable<void> do_send(const Envelope& envelope, ContentSource content) {
    ClientTransaction transaction{&envelope, {}, 100};
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
      transaction.recipients.push_back(static_cast<std::uint32_t>(i));
    }
    results_ = co_await opened_.connection->send(std::move(transaction), std::move(content));
  }
  void run(net::Awaitable<void> what) {
    // An open connection keeps a timer waiting, so the end of the call ends the run.
    net::asio::co_spawn(net::Executor(io_.get_executor()), std::move(what), [this](std::exception_ptr error) {
      io_.stop();
      if (error) std::rethrow_exception(error);
    });
    io_.restart();
    io_.run();
  }

  net::asio::io_context io_;
  std::uint16_t port_;
  net::TlsClientContext tls_;
  ClientConnection::Opened opened_;
  std::vector<ClientRecipientStatus> results_;
};

TEST(ClientConnection, DeliversContentByteForByte) {
  FakeSmarthost host;
  Client client(host.port());
  ASSERT_TRUE(client.open().is_open()) << client.failure();
  std::vector<std::string> pieces;
  std::string whole;
  for (int i = 0; i < 40; ++i) {
    std::string piece;
    while (piece.size() < 65'536) piece += "." + std::to_string(i) + " a line of text\r\n.\r\n..two\r\n";
    pieces.push_back(piece.substr(0, 65'536));
    whole += pieces.back();
  }
  if (whole.back() == '\r') pieces.push_back("\n"), whole += "\n";
  if (!whole.ends_with("\r\n")) pieces.push_back("\r\n"), whole += "\r\n";
  EXPECT_EQ(client.send(numbered_envelope(2), pieces_of(pieces)), "250 2.0.0 taken r0\n250 2.0.0 taken r1\n");
  client.quit();
  ASSERT_THAT(host.messages(), SizeIs(1));
  EXPECT_TRUE(host.messages()[0].content == whole);
  EXPECT_EQ(host.messages()[0].mail, "FROM:<a@example.org> SIZE=100");
  EXPECT_THAT(host.messages()[0].rcpts, ElementsAre("TO:<r0@example.net>", "TO:<r1@example.net>"));
  EXPECT_EQ(host.commands().back(), "QUIT");
  EXPECT_FALSE(client.is_open());
}

TEST(ClientConnection, ReusesOneConnectionForManyMessages) {
  FakeSmarthost host;
  host.reply("MAIL", "451 4.3.0 not this one\r\n", 1);
  Client client(host.port());
  client.open();
  EXPECT_EQ(client.send(), "451 4.3.0 not this one r0\n");
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(host.connections(), 1U);
  EXPECT_THAT(host.messages(), SizeIs(2));
}

TEST(ClientConnection, SpeaksTlsWithAVerifiedPeer) {
  const Certificate certificate("localhost");
  FakeSmarthost host(certificate.options());
  Client client(host.port(), verified_by(certificate));
  client.config.tls = ClientTls::Required;
  ASSERT_TRUE(client.open().is_open()) << client.failure();
  EXPECT_TRUE(client.connection().is_tls());
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
  EXPECT_TRUE(host.messages()[0].was_tls);
}

TEST(ClientConnection, RefusesAPeerThatCannotBeVerified) {
  const Certificate certificate("localhost");
  const Certificate other("localhost");
  FakeSmarthost host(certificate.options());
  Client client(host.port(), verified_by(other));
  client.config.tls = ClientTls::Required;
  EXPECT_FALSE(client.open().is_open());
  EXPECT_THAT(client.failure(), StartsWith("454 4.7.5 TLS failed: "));
}

TEST(ClientConnection, RefusesACertificateForAnotherName) {
  const Certificate certificate("localhost");
  FakeSmarthost host(certificate.options());
  Client client(host.port(), verified_by(certificate));
  client.config.tls = ClientTls::Required;
  client.server_name = "mx.example.net";
  EXPECT_FALSE(client.open().is_open());
  EXPECT_THAT(client.failure(), StartsWith("454 4.7.5 TLS failed: "));
}

TEST(ClientConnection, TakesAnUnverifiedPeerWhereTlsIsOpportunistic) {
  const Certificate certificate("localhost");
  FakeSmarthost host(certificate.options());
  Client client(host.port());
  client.config.tls = ClientTls::IfOffered;
  client.server_name = "mx.example.net";
  ASSERT_TRUE(client.open().is_open()) << client.failure();
  EXPECT_TRUE(client.connection().is_tls());
}

TEST(ClientConnection, SpeaksImplicitTls) {
  const Certificate certificate("localhost");
  FakeSmarthostOptions options = certificate.options();
  options.is_implicit_tls = true;
  FakeSmarthost host(options);
  Client client(host.port(), verified_by(certificate));
  client.config.tls = ClientTls::Implicit;
  ASSERT_TRUE(client.open().is_open()) << client.failure();
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
  client.quit();
  EXPECT_TRUE(host.messages()[0].was_tls);
}

TEST(ClientConnection, SendsNothingInTheClearWhereTlsIsRequired) {
  FakeSmarthost host;
  Client client(host.port());
  client.config.tls = ClientTls::Required;
  EXPECT_FALSE(client.open().is_open());
  EXPECT_THAT(client.failure(), StartsWith("454 4.7.5 TLS is required"));
  EXPECT_THAT(host.messages(), IsEmpty());
}

FakeSmarthostOptions with_auth(FakeSmarthostOptions options) {
  options.user_name = "relay";
  options.password = kPassword;
  return options;
}

TEST(ClientConnection, AuthenticatesUnderTls) {
  const Certificate certificate("localhost");
  FakeSmarthost host(with_auth(certificate.options()));
  Client client(host.port(), verified_by(certificate));
  client.config.tls = ClientTls::Required;
  client.config.user_name = "relay";
  client.config.password = Secret(kPassword);
  ASSERT_TRUE(client.open().is_open()) << client.failure();
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
}

TEST(ClientConnection, AWrongPasswordIsATemporaryFailure) {
  FakeSmarthost host(with_auth({}));
  Client client(host.port());
  client.config.allows_auth_without_tls = true;
  client.config.user_name = "relay";
  client.config.password = Secret("another-unreal-password");
  EXPECT_FALSE(client.open().is_open());
  EXPECT_EQ(client.failure(), "451 4.7.8 AUTH refused: 535 5.7.8 bad credentials");
}

TEST(ClientConnection, MailWithoutTheWantedAuthIsDeferred) {
  FakeSmarthost host(with_auth({}));
  Client client(host.port());
  client.open();
  EXPECT_EQ(client.send(), "451 4.7.0 MAIL refused: 530 5.7.0 authenticate first r0\n");
}

TEST(ClientConnection, NobodyListeningIsATemporaryFailure) {
  std::uint16_t port = 0;
  { port = FakeSmarthost().port(); }
  Client client(port);
  EXPECT_FALSE(client.open().is_open());
  EXPECT_THAT(client.failure(), StartsWith("451 4.4.1 cannot connect"));
}

TEST(ClientConnection, ADropAmidTheContentDefers) {
  FakeSmarthost host;
  host.drop("content");
  Client client(host.port());
  client.open();
  std::vector<std::string> pieces(200, std::string(65'534, 'x') + "\r\n");
  EXPECT_THAT(client.send(numbered_envelope(1), pieces_of(pieces)), StartsWith("451 4.4.2 connection lost at "));
  EXPECT_FALSE(client.is_open());
  EXPECT_THAT(host.messages(), IsEmpty());
}

TEST(ClientConnection, ADropBehindTheFinalDotMayBeADuplicate) {
  FakeSmarthost host;
  host.drop("end-of-data");
  Client client(host.port());
  client.open();
  EXPECT_EQ(client.send(), "451 4.4.2 connection lost at end-of-data; the next hop may have taken the message r0\n");
}

TEST(ClientConnection, A421EndsTheConnection) {
  FakeSmarthost host;
  host.reply("RCPT", "421 4.3.2 closing\r\n");
  Client client(host.port());
  client.open();
  EXPECT_EQ(client.send(), "421 4.3.2 closing r0\n");
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(client.send(), "451 4.4.2 the connection is closed r0\n");
}

TEST(ClientConnection, AnEndlessReplyEndsTheConnection) {
  FakeSmarthost host;
  std::string endless;
  for (int i = 0; i < 10'000; ++i) endless += "250-more\r\n";
  host.reply("EHLO", endless);
  Client client(host.port());
  EXPECT_FALSE(client.open().is_open());
  EXPECT_EQ(client.failure(), "451 4.5.0 protocol error of the next hop at EHLO: reply too long");
}

TEST(ClientConnection, ASlowReplyIsWaitedForWithinItsTime) {
  FakeSmarthost host;
  host.hold("DATA");
  Client client(host.port());
  client.open();
  std::thread releaser = client.when_held(host, [&host] { host.release(); });
  EXPECT_EQ(client.send(), "250 2.0.0 taken r0\n");
  releaser.join();
}

TEST(ClientConnection, AReplyThatComesTooLateDefers) {
  FakeSmarthost host;
  host.hold("end-of-data");
  Client client(host.port());
  client.timeouts.end_of_data = std::chrono::seconds(1);  // no other reply has to come as soon
  client.open();
  EXPECT_THAT(client.send(), StartsWith("451 4.4.2 timed out at end-of-data"));
}

// Answers EHLO with a reply that never ends, an octet each 20 ms until the client has gone.
class DrippingHost {
 public:
  DrippingHost() : acceptor_(io_, {net::asio::ip::address_v4::loopback(), 0}), thread_([this] { drip(); }) {}
  ~DrippingHost() { thread_.join(); }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void drip() {
    net::asio::ip::tcp::socket socket(io_);
    acceptor_.accept(socket);
    boost::system::error_code failed;
    net::asio::write(socket, net::asio::buffer(std::string_view("220 mx\r\n")), failed);
    char ehlo[64];
    socket.read_some(net::asio::buffer(ehlo), failed);
    net::asio::write(socket, net::asio::buffer(std::string_view("250-")), failed);
    net::asio::steady_timer timer(io_);
    while (!failed) {
      timer.expires_after(std::chrono::milliseconds(20));
      timer.wait();
      net::asio::write(socket, net::asio::buffer(std::string_view("x")), failed);
    }
  }

  net::asio::io_context io_;
  net::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

TEST(ClientConnection, AReplyThatDripsDefersAtItsDeadline) {
  DrippingHost host;
  Client client(host.port());
  client.timeouts.command = std::chrono::seconds(1);
  client.open();
  EXPECT_EQ(client.failure(), "451 4.4.2 timed out at EHLO") << "no octet moves the deadline";
}

TEST(ClientConnection, CancellingEndsASendUnderWay) {
  FakeSmarthost host;
  host.hold("end-of-data");
  Client client(host.port());
  client.open();
  std::thread canceller = client.when_held(host, [&client] { client.connection().cancel(); });
  EXPECT_THAT(client.send(), StartsWith("451 4.4.2 connection lost at end-of-data"));
  EXPECT_FALSE(client.is_open());
  canceller.join();
}

TEST(ClientConnection, ContentThatCannotBeReadIsNotEnded) {
  FakeSmarthost host;
  Client client(host.port());
  client.open();
  int calls = 0;
  const ContentSource failing = [&calls]() -> Result<std::string> {
    if (++calls == 1) return std::string("Subject: x\r\n");
    return Error(ErrorCode::CorruptRecord, "chunk 1");
  };
  EXPECT_THAT(client.send(numbered_envelope(1), failing), HasSubstr("could not be read"));
  EXPECT_THAT(host.messages(), IsEmpty());
}

TEST(ClientConnection, ContentIsNotAskedForWithoutAGoAhead) {
  FakeSmarthost host;
  host.reply("RCPT", "550 5.1.1 unknown\r\n");
  Client client(host.port());
  client.open();
  bool was_asked = false;
  const ContentSource source = [&was_asked]() -> Result<std::string> {
    was_asked = true;
    return std::string();
  };
  EXPECT_EQ(client.send(numbered_envelope(1), source), "550 5.1.1 unknown r0\n");
  EXPECT_FALSE(was_asked);
}

}  // namespace
}  // namespace postern::smtp
