// The reporter over a real store and notebook, a scripted DNS, and an HTTPS server of the test's own.
#include "relay/tls_reporter.h"

#include "reports/report_mail.h"
#include "reports/tls_results.h"
#include "tests/support/scripted_resolver.h"
#include "tests/support/temp_store.h"
#include "tests/support/test_certs.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <gmock/gmock.h>

#include <stdlib.h>

#include <thread>

namespace postern::relay {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;

constexpr Instant kMorning = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) + hours(9);

// Takes one POST after the other on a thread of its own, and answers with the statuses that it was given, then with 200.
class ReportReceiver {
 public:
  explicit ReportReceiver(std::vector<unsigned> statuses) : statuses_(std::move(statuses)), thread_([this] { serve(); }) {}
  ~ReportReceiver() {
    {
      // The accept that waits is woken by a connection that says nothing.
      boost::asio::io_context io;
      boost::asio::ip::tcp::socket socket(io);
      is_over_ = true;
      socket.connect(acceptor_.local_endpoint());
    }
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  const std::vector<boost::beast::http::request<boost::beast::http::string_body>>& requests() const { return requests_; }

 private:
  void serve() {
    context_.use_certificate_chain_file(test::test_certs().good().certificate);
    context_.use_private_key_file(test::test_certs().good().key, boost::asio::ssl::context::pem);
    while (!is_over_) {
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket);
      if (is_over_) return;
      boost::beast::ssl_stream<boost::beast::tcp_stream> stream(std::move(socket), context_);
      boost::system::error_code error;
      stream.handshake(boost::asio::ssl::stream_base::server, error);
      if (error) continue;
      boost::beast::flat_buffer buffer;
      boost::beast::http::request<boost::beast::http::string_body> request;
      boost::beast::http::read(stream, buffer, request, error);
      if (error) continue;
      const unsigned status = requests_.size() < statuses_.size() ? statuses_[requests_.size()] : 200;
      requests_.push_back(std::move(request));
      boost::beast::http::response<boost::beast::http::empty_body> response;
      response.result(status);
      response.prepare_payload();
      boost::beast::http::write(stream, response, error);
      stream.shutdown(error);
    }
  }

  std::vector<unsigned> statuses_;
  std::vector<boost::beast::http::request<boost::beast::http::string_body>> requests_;
  std::atomic<bool> is_over_ = false;
  boost::asio::io_context io_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  std::thread thread_;
};

// Signs for one account, and says what it has seen.
class OneSigner final : public domains::MessageSigner {
 public:
  Result<std::unique_ptr<domains::ContentSigner>> open(const AccountId& account, const mime::HeaderScan& header) const override {
    EXPECT_EQ(account, (AccountId{{7}}));
    EXPECT_NE(header.find("TLS-Report-Domain"), nullptr);
    return std::unique_ptr<domains::ContentSigner>(std::make_unique<Signing>());
  }

 private:
  class Signing final : public domains::ContentSigner {
   public:
    void append(std::string_view content) override { octets_ += content.size(); }
    Result<std::string> finish() override { return "DKIM-Signature: over " + std::to_string(octets_) + "\r\n"; }

   private:
    std::size_t octets_ = 0;
  };
};

class TlsReporterTest : public testing::Test {
 protected:
  TlsReporterTest() : notebook_(store::Notebook::open(folder_.path()).value()) {
    clock_.set(kMorning);
    ::setenv("SSL_CERT_FILE", test::test_certs().ca_file().c_str(), 1);
    resolver_.zone[{test::TestCerts::kServerName, "A"}] = {"127.0.0.1"};
  }
  ~TlsReporterTest() override { ::unsetenv("SSL_CERT_FILE"); }

  void note(const std::string& domain, Instant at, const std::string& failure = "certificate-expired") {
    reports::TlsResults results(
        {.find = [](const std::string&) { return std::nullopt; },
         .put =
             [this](const std::string& key, std::string value) {
               notebook_->put_later(store::NotebookTable::TlsResults, key, std::move(value));
             },
         .erase_day = [](const std::string&) {}});
    results.add({.type = "sts", .domain = domain, .failure = reports::TlsFailure{.type = failure}}, at);
    results.flush();
    const std::string key = reports::tls_results_key(reports::utc_day(at), domain);
    while (!notebook_->find(store::NotebookTable::TlsResults, key).value()) std::this_thread::yield();
  }
  void asks(const std::string& domain, const std::string& uris) {
    resolver_.zone[{"_smtp._tls." + domain, "TXT"}] = {"v=TLSRPTv1; rua=" + uris};
  }
  std::shared_ptr<TlsReporter> reporter() {
    return std::make_shared<TlsReporter>(TlsReporterParts{.executor = io_.get_executor(),
                                                          .store = *store_,
                                                          .notebook = *notebook_,
                                                          .resolver = resolver_,
                                                          .clock = clock_,
                                                          .random = random_,
                                                          .signer = &signer_,
                                                          .flush = [this] { ++flushed_; },
                                                          .committed = [this](const store::DueEntry&) { ++committed_; }},
                                         TlsReporterSettings{.from = "tls@relay.example",
                                                             .submitter = "relay.example",
                                                             .owner = [this] { return owner_; },
                                                             .allows_special = true});
  }
  bool walk(Instant now = kMorning) {
    bool is_done = false;
    const auto keeper = reporter();
    net::asio::co_spawn(io_, keeper->walk(now), [&](std::exception_ptr failure, bool done) {
      EXPECT_FALSE(failure);
      is_done = done;
    });
    io_.restart();
    io_.run();
    return is_done;
  }
  std::string state_of(const std::string& key) {
    const auto state = notebook_->find(store::NotebookTable::TlsReports, key).value();
    return state.value_or("");
  }
  void wait_for_state(const std::string& key, const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (state_of(key) != wanted && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(state_of(key), wanted) << key;
  }
  std::vector<store::StoredMessage> mails() { return store_.spool().list(std::nullopt, 100).value(); }

  test::TempFolder folder_;
  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  test::ScriptedResolver resolver_;
  std::unique_ptr<store::Notebook> notebook_;
  net::asio::io_context io_;
  OneSigner signer_;
  AccountId owner_{{7}};
  int flushed_ = 0;
  int committed_ = 0;
};

TEST_F(TlsReporterTest, MailsADaysReportOnceToWhomTheRecordNames) {
  note("asks.example", kMorning - days(1));
  note("quiet.example", kMorning - days(1));
  note("today.example", kMorning);
  for (const char* domain : {"asks.example", "today.example"}) asks(domain, "mailto:reports@elsewhere.example");
  EXPECT_TRUE(walk());
  EXPECT_EQ(flushed_, 1) << "what was seen until midnight is written down first";
  ASSERT_EQ(mails().size(), 1U) << "the day that is not over has none, nor who does not ask";
  const store::StoredMessage mail = mails().front();
  EXPECT_EQ(format_mailbox(mail.message.envelope.recipients.at(0).mailbox), "reports@elsewhere.example");
  EXPECT_EQ(mail.message.envelope.reverse_path, std::nullopt) << "nobody wants a bounce of it";
  EXPECT_EQ(committed_, 1);
  const std::string content = store_.spool().read_chunk(mail.message.id, 0).value();
  EXPECT_THAT(content, HasSubstr("\r\nTLS-Required: No\r\n")) << "so that no report is made about it";
  EXPECT_EQ(mail.message.signature_fields, "DKIM-Signature: over " + std::to_string(content.size()) + "\r\n");
  const auto read = reports::read_report_mail(content);
  ASSERT_TRUE(read);
  const auto& report = std::get<reports::TlsReport>(*read);
  EXPECT_EQ(report.organization, "relay.example");
  EXPECT_EQ(report.contact, "tls@relay.example");
  EXPECT_EQ(report.begin, std::chrono::floor<days>(kMorning) - days(1));
  ASSERT_EQ(report.policies.size(), 1U);
  EXPECT_EQ(report.policies.front().domain, "asks.example");
  EXPECT_EQ(report.policies.front().failures.at(0).type, "certificate-expired");
  wait_for_state("2026-11-30 asks.example", "told");
  wait_for_state("2026-11-30 quiet.example", "nobody asks");
  EXPECT_TRUE(walk()) << "another process, after a restart";
  EXPECT_EQ(mails().size(), 1U);
}

TEST_F(TlsReporterTest, AsksAgainWhereTheDnsGaveNoAnswer) {
  note("asks.example", kMorning - days(1));
  asks("asks.example", "mailto:reports@elsewhere.example");
  resolver_.broken = {"_smtp._tls.asks.example"};
  EXPECT_FALSE(walk());
  EXPECT_TRUE(mails().empty());
  resolver_.broken.clear();
  EXPECT_TRUE(walk());
  EXPECT_EQ(mails().size(), 1U);
}

TEST_F(TlsReporterTest, PostsToAHostAndRepeatsOnlyWhatFailed) {
  note("asks.example", kMorning - days(1));
  std::string url;
  {
    ReportReceiver receiver({503});
    url = "https://" + std::string(test::TestCerts::kServerName) + ":" + std::to_string(receiver.port()) + "/tls";
    asks("asks.example", url + ",mailto:reports@elsewhere.example");
    EXPECT_FALSE(walk()) << "503 is no yes";
    wait_for_state("2026-11-30 asks.example", "mailto:reports@elsewhere.example\n");
    EXPECT_TRUE(walk());
    wait_for_state("2026-11-30 asks.example", "told");
    ASSERT_EQ(receiver.requests().size(), 2U);
    const auto& request = receiver.requests().back();
    EXPECT_EQ(request.method_string(), "POST");
    EXPECT_EQ(request.target(), "/tls");
    EXPECT_EQ(request["Content-Type"], "application/tlsrpt+gzip");
    const auto read = reports::read_report(request.body());
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<reports::TlsReport>(*read).policies.at(0).domain, "asks.example");
  }
  EXPECT_EQ(mails().size(), 1U) << "the mail is not sent again";
}

TEST_F(TlsReporterTest, SendsNothingToAHostWhoseCertificateIsNotForIt) {
  note("asks.example", kMorning - days(1));
  resolver_.zone[{"wrong.example", "A"}] = {"127.0.0.1"};
  ReportReceiver receiver({});
  asks("asks.example", "https://wrong.example:" + std::to_string(receiver.port()) + "/");
  EXPECT_FALSE(walk());
  EXPECT_TRUE(receiver.requests().empty());
}

TEST(TlsReports, BeginWithinTheSpreadAndAtTheSameTimeAfterARestart) {
  const Instant midnight = std::chrono::floor<days>(kMorning);
  std::set<Instant> begins;
  for (const char* name : {"a.example", "b.example", "c.example", "d.example"}) {
    const Instant begin = tls_reports_begin(kMorning, name, hours(4));
    EXPECT_GE(begin, midnight);
    EXPECT_LE(begin, midnight + hours(4));
    EXPECT_EQ(begin, tls_reports_begin(midnight, name, hours(4))) << "whenever it is asked that day";
    begins.insert(begin);
  }
  EXPECT_EQ(begins.size(), 4U) << "not everybody's at once";
  EXPECT_EQ(tls_reports_begin(kMorning, "a.example", {}), midnight);
}

}  // namespace
}  // namespace postern::relay
