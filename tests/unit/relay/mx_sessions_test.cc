// The queue and the real transport against mail hosts that a scripted DNS names; all of them on loopback, on one port.
#include "relay/mx_sessions.h"

#include "core/metrics.h"
#include "relay/transports.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_smarthost.h"
#include "tests/support/scripted_resolver.h"
#include "tests/support/test_certs.h"
#include "tests/unit/relay/queue_fixture.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <set>

namespace postern::relay {
namespace {

using std::chrono::minutes;
using store::RecipientStage;
using testing::HasSubstr;

// "3 0 1" and the SHA-256 of the certificate (RFC 6698 §2.1).
std::string tlsa_of(const std::string& certificate_file) {
  std::FILE* file = std::fopen(certificate_file.c_str(), "r");
  X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  X509_free(certificate);
  std::fclose(file);
  return "3 0 1 " + std::string(digest.begin(), digest.begin() + size);
}

test::FakeSmarthostOptions with_certificate(const test::CertificateFiles& files, std::vector<std::string> more = {}) {
  test::FakeSmarthostOptions options;
  options.certificate_file = files.certificate;
  options.key_file = files.key;
  options.keywords.insert(options.keywords.end(), more.begin(), more.end());
  return options;
}

class MxSessionsTest : public QueueFixture {
 protected:
  MxSessionsTest() {
    resolver_.zone[{"live.example", "MX"}] = {"10 mx.example"};
    resolver_.zone[{"mx.example", "A"}] = {"127.0.0.1"};
    routes_.resize(1);
    routes_[0].host.clear();
    routes_[0].domains = {"*"};
    routes_[0].is_mx = routes_[0].is_per_domain = true;
  }

  ~MxSessionsTest() override { stop(); }  // while there is a resolver to ask

  void start_to(const test::FakeSmarthost& hop, store::Notebook* notebook = nullptr) {
    routes_[0].port = hop.port();
    start(make_transport_factory(io_.get_executor(), store_.spool(),
                                 {.hostname = "relay.example",
                                  .resolver = &resolver_,
                                  .mx_rules = {.self = {.names = {"relay.example"}, .addresses = {}}, .allows_special = true},
                                  .clock = notebook == nullptr ? nullptr : &clock_,
                                  .notebook = notebook,
                                  .tls_results = notebook == nullptr ? nullptr : make_tls_results(*notebook)}));
  }
  void publish_dane(const test::FakeSmarthost& hop, const std::string& record) {
    resolver_.secure = {"live.example", "mx.example", dns::tlsa_name(hop.port(), "mx.example")};
    resolver_.zone[{dns::tlsa_name(hop.port(), "mx.example"), "TLSA"}] = {record};
  }
  void expect_bounced(const MessageId& id, const std::string& status) {
    run_until([&] { return stage(id) == RecipientStage::Bounced; });
    EXPECT_EQ(format_status(state(id).last_status), status);
    EXPECT_EQ(state(id).remote, "");
  }
  MessageId expect_deferred(const MessageId& id, const std::string& words) {
    run_until([&] { return state(id).attempts == 1; });
    EXPECT_EQ(stage(id), RecipientStage::Pending);
    EXPECT_THAT(format_status(state(id).last_status), HasSubstr(words));
    return id;
  }

  test::ScriptedResolver resolver_;
};

TEST_F(MxSessionsTest, DeliversToTheMailHostThatTheDomainNames) {
  test::FakeSmarthost hop;
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(state(id).remote, "mx.example [127.0.0.1]:" + std::to_string(hop.port()));
  const MessageId again = accept("live.example");
  run_until([&] { return stage(again) == RecipientStage::Delivered; });
  EXPECT_EQ(hop.connections(), 1U) << "an idle connection is used again";
}

TEST_F(MxSessionsTest, TriesTheOtherFamilyAndTheNextHost) {
  test::FakeSmarthost hop;
  resolver_.zone[{"live.example", "MX"}] = {"10 down.example", "20 mx.example"};
  resolver_.zone[{"down.example", "A"}] = {"127.0.0.3"};
  resolver_.zone[{"mx.example", "AAAA"}] = {"::1"};
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(state(id).remote, "mx.example [127.0.0.1]:" + std::to_string(hop.port()));
  EXPECT_EQ(state(id).attempts, 1U);
}

// RFC 5321 §5.1: a session that came to nothing is no end of the attempt; the second one is.
TEST_F(MxSessionsTest, BeginsTwoSessionsAnAttemptAndNoThird) {
  test::FakeSmarthost hop;
  resolver_.zone[{"live.example", "MX"}] = {"10 mx.example", "20 mx2.example", "30 mx3.example"};
  resolver_.zone[{"mx2.example", "A"}] = {"127.0.0.1"};
  resolver_.zone[{"mx3.example", "A"}] = {"127.0.0.1"};
  hop.reply("greeting", "554 5.3.2 no service\r\n", 1);
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_THAT(state(id).remote, HasSubstr("mx2.example ["));
  hop.drop_all();
  hop.reply("greeting", "554 5.3.2 no service\r\n", 2);
  const MessageId other = accept("live.example");
  expect_deferred(other, "no service");
}

TEST_F(MxSessionsTest, TriesTheNextHostWhereOneTakesNobodyForNow) {
  test::FakeSmarthost hop;
  resolver_.zone[{"live.example", "MX"}] = {"10 mx.example", "20 mx2.example"};
  resolver_.zone[{"mx2.example", "A"}] = {"127.0.0.1"};
  hop.reply("RCPT", "450 4.2.0 greylisted\r\n", 1);
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_THAT(state(id).remote, HasSubstr("mx2.example ["));
  EXPECT_EQ(state(id).attempts, 1U);
  hop.drop_all();
  hop.reply("RCPT", "450 4.2.0 greylisted\r\n", 2);
  expect_deferred(accept("live.example"), "450 4.2.0 greylisted");
  EXPECT_EQ(hop.messages().size(), 1U);
}

TEST_F(MxSessionsTest, BouncesAtOnceWhatNobodyWillEverTake) {
  test::FakeSmarthost hop;
  resolver_.zone[{"null.example", "MX"}] = {"0 ."};
  resolver_.zone[{"ours.example", "MX"}] = {"10 relay.example"};
  resolver_.zone[{"relay.example", "A"}] = {"127.0.0.1"};
  resolver_.zone[{"empty.example", "TXT"}] = {"no mail"};
  start_to(hop);
  expect_bounced(accept("null.example"), "556 5.1.10 null.example takes no mail (null MX)");
  expect_bounced(accept("gone.example"), "550 5.1.2 there is no domain gone.example");
  expect_bounced(accept("ours.example"), "554 5.4.6 mail for ours.example would come back to this server");
  expect_bounced(accept("empty.example"), "550 5.1.2 empty.example has neither a mail host nor an address that mail could go to");
  EXPECT_EQ(hop.connections(), 0U);
}

TEST_F(MxSessionsTest, DefersWhatTheDnsDoesNotAnswer) {
  test::FakeSmarthost hop;
  resolver_.broken = {"live.example"};
  start_to(hop);
  const MessageId id = expect_deferred(accept("live.example"), "451 4.4.3 look up MX live.example: timeout");
  resolver_.broken.clear();
  advance(minutes(5));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(MxSessionsTest, AuthenticatesAHostByItsTlsaRecord) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().wrong_name()));
  publish_dane(hop, tlsa_of(test::test_certs().wrong_name().certificate));
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_TRUE(hop.messages().at(0).was_tls);
}

TEST_F(MxSessionsTest, SendsNothingToAHostThatItsTlsaRecordDoesNotFit) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().good()));
  publish_dane(hop, tlsa_of(test::test_certs().wrong_name().certificate));
  start_to(hop);
  const MessageId id = expect_deferred(accept("live.example"), "certificate: no matching DANE TLSA records");
  for (int i = 0; i < 3; ++i) {
    advance(minutes(20));
    run_until([&, i] { return state(id).attempts == 2U + static_cast<unsigned>(i); });
  }
  EXPECT_TRUE(hop.messages().empty()) << "not in the clear later either";
}

TEST_F(MxSessionsTest, WaitsForTheAnswerOnTlsa) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().good()));
  publish_dane(hop, tlsa_of(test::test_certs().good().certificate));
  resolver_.broken = {dns::tlsa_name(hop.port(), "mx.example")};
  start_to(hop);
  expect_deferred(accept("live.example"), "whether mx.example has TLSA records cannot be found out");
  EXPECT_EQ(hop.connections(), 0U);
}

TEST_F(MxSessionsTest, WantsTlsOfAHostWhoseTlsaRecordsAreOfNoUse) {
  test::FakeSmarthost clear;
  publish_dane(clear, "1 1 1 " + std::string(32, 'x'));
  start_to(clear);
  expect_deferred(accept("live.example"), "does not offer STARTTLS");
}

// TLS that does not work is none, where nothing is published; but not in the attempt that found it out.
TEST_F(MxSessionsTest, GoesInTheClearAtALaterAttemptWhereOfferedTlsDoesNotWork) {
  test::CapturedLog log;
  test::FakeSmarthost hop(with_certificate(test::test_certs().good()));
  hop.drop("STARTTLS");
  start_to(hop);
  const MessageId id = expect_deferred(accept("live.example"), "STARTTLS");
  EXPECT_EQ(hop.connections(), 1U);
  advance(minutes(5));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_FALSE(hop.messages().at(0).was_tls);
}

TEST_F(MxSessionsTest, KeepsAMessageThatRequiresTlsFromAWayThatIsNotAuthenticated) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().good(), {"REQUIRETLS"}));
  start_to(hop);
  test::Draft draft = draft_to({"live.example"});
  draft.message.envelope.parameters.require_tls = true;
  const MessageId id = accept(std::move(draft));
  run_until([&] { return stage(id) == RecipientStage::Bounced; });
  EXPECT_THAT(format_status(state(id).last_status), HasSubstr("550 5.7.30 "));
  EXPECT_EQ(hop.connections(), 0U);
  const MessageId usual = accept("live.example");
  run_until([&] { return stage(usual) == RecipientStage::Delivered; });
}

TEST_F(MxSessionsTest, SendsAMessageThatRequiresTlsToAHostThatPromisesIt) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().good(), {"REQUIRETLS"}));
  publish_dane(hop, tlsa_of(test::test_certs().good().certificate));
  start_to(hop);
  const MessageId usual = accept("live.example");
  run_until([&] { return stage(usual) == RecipientStage::Delivered; });
  test::Draft draft = draft_to({"live.example"});
  draft.message.envelope.parameters.require_tls = true;
  const MessageId id = accept(std::move(draft));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_THAT(hop.messages().at(1).mail, HasSubstr(" REQUIRETLS"));
  EXPECT_EQ(hop.connections(), 2U) << "a session of its own: the other's was judged for another message";
}

TEST_F(MxSessionsTest, LetsAMessageThatDoesNotRequireTlsPassAHostThatFailsItsPolicy) {
  test::FakeSmarthost hop(with_certificate(test::test_certs().good()));
  publish_dane(hop, tlsa_of(test::test_certs().wrong_name().certificate));
  start_to(hop);
  const MessageId id = accept(draft_to({"live.example"}), "Received: by us\r\nTLS-Required: No\r\nSubject: s\r\n\r\nbody\r\n");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  expect_deferred(accept("live.example"), "no matching DANE TLSA records");
}

// RFC 8460: what a report would say is kept, by the domain and the day; not of a message that does not require TLS.
TEST_F(MxSessionsTest, NotesHowTlsWentForTheReportOfTheDay) {
  std::string folder = (std::filesystem::temp_directory_path() / "postern-notebook-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const auto notebook = store::Notebook::open(folder).value();
    test::FakeSmarthost hop(with_certificate(test::test_certs().good()));
    publish_dane(hop, tlsa_of(test::test_certs().wrong_name().certificate));
    start_to(hop, notebook.get());
    const std::string header = "TLS-Required: No\r\nSubject: s\r\n\r\nbody\r\n";
    const MessageId report = accept(draft_to({"live.example"}), "Received: by us\r\n" + header);
    run_until([&] { return stage(report) == RecipientStage::Delivered; });
    expect_deferred(accept("live.example"), "no matching DANE TLSA records");
    const std::string key = reports::tls_results_key(reports::utc_day(clock_.now()), "live.example");
    run_until([&] { return notebook->find(store::NotebookTable::TlsResults, key).value().has_value(); });
    const auto kept = reports::read_tls_report(*notebook->find(store::NotebookTable::TlsResults, key).value());
    ASSERT_EQ(kept->policies.size(), 1U);
    const reports::TlsPolicyResult& policy = kept->policies.front();
    EXPECT_EQ(policy.type, "tlsa");
    EXPECT_EQ(policy.successful, 0U);
    EXPECT_EQ(policy.failed, 1U);
    EXPECT_THAT(policy.lines, testing::ElementsAre(testing::StartsWith("3 0 1 ")));
    EXPECT_EQ(policy.failures.at(0).type + " " + policy.failures.at(0).reason, "validation-failure no-tlsa-match");
    EXPECT_EQ(policy.failures.at(0).receiving_host, "mx.example");
    stop();
  }
  std::filesystem::remove_all(folder);
}

// --- Shaping ---

class ShapedSessionsTest : public MxSessionsTest {
 protected:
  ShapedSessionsTest() {
    resolver_.zone[{"live.example", "MX"}] = {"10 mx1.big.example"};
    resolver_.zone[{"other.example", "MX"}] = {"10 mx2.big.example"};
    resolver_.zone[{"small.example", "MX"}] = {"10 mx.example"};
    for (const char* host : {"mx1.big.example", "mx2.big.example"}) resolver_.zone[{host, "A"}] = {"127.0.0.1"};
  }
  void start_shaped(const test::FakeSmarthost& hop, ShapingLimits limits, std::vector<ShapingRule> rules = {}) {
    ShapingFile file;
    file.providers = {{.name = "big", .mx = {".big.example"}, .limits = limits}};
    file.rules = std::move(rules);
    shapers_ = std::make_shared<ProviderShapers>(std::make_shared<const Shaping>(std::move(file)));
    start_shaped_by(hop);
  }
  void start_shaped_by(const test::FakeSmarthost& hop) {
    routes_[0].port = hop.port();
    start(make_transport_factory(io_.get_executor(), store_.spool(),
                                 {.hostname = "relay.example",
                                  .resolver = &resolver_,
                                  .mx_rules = {.self = {.names = {"relay.example"}, .addresses = {}}, .allows_special = true},
                                  .clock = &clock_,
                                  .shapers = shapers_}));
  }
  // Moves the clock on until it is so: what rests is asked for again.
  void advance_until(const std::function<bool()>& is_reached, Duration step = std::chrono::seconds(1)) {
    for (int i = 0; i < 200 && !is_reached(); ++i) {
      advance(step);
      io_.run_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(is_reached());
  }

  std::shared_ptr<ProviderShapers> shapers_;
};

TEST_F(ShapedSessionsTest, SharesTheConnectionsOfAProviderAmongItsDomains) {
  test::FakeSmarthost hop;
  hop.hold("DATA");
  start_shaped(hop, {.max_connections = 1});
  const MessageId first = accept("live.example");
  run_until([&] { return hop.connections() == 1; });
  const MessageId second = accept("other.example");
  const MessageId elsewhere = accept("small.example");
  run_until([&] { return hop.connections() == 2; });
  advance(std::chrono::seconds(10));
  io_.run_for(std::chrono::milliseconds(50));
  EXPECT_EQ(hop.connections(), 2U) << "one of the provider, one of who is no provider's";
  hop.release();
  run_until([&] { return stage(first) == RecipientStage::Delivered && stage(elsewhere) == RecipientStage::Delivered; });
  advance_until([&] { return stage(second) == RecipientStage::Delivered; });
  EXPECT_EQ(state(second).attempts, 1U) << "to wait was no attempt";
  EXPECT_EQ(hop.connections(), 3U);
}

TEST_F(ShapedSessionsTest, SendsSoManyMessagesOverAConnection) {
  test::FakeSmarthost hop;
  start_shaped(hop, {.messages_per_connection = 2});
  for (int i = 0; i < 5; ++i) {
    const MessageId id = accept("live.example");
    run_until([&] { return stage(id) == RecipientStage::Delivered; });
  }
  EXPECT_EQ(hop.connections(), 3U);
}

TEST_F(ShapedSessionsTest, SendsSoManyMessagesAMinute) {
  test::FakeSmarthost hop;
  start_shaped(hop, {.messages_per_minute = 1});
  const MessageId first = accept("live.example");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  const MessageId second = accept("other.example");
  const MessageId elsewhere = accept("small.example");
  run_until([&] { return stage(elsewhere) == RecipientStage::Delivered; });
  advance(std::chrono::seconds(40));
  io_.run_for(std::chrono::milliseconds(50));
  EXPECT_EQ(state(second).attempts, 0U);
  advance_until([&] { return stage(second) == RecipientStage::Delivered; });
  EXPECT_EQ(state(second).attempts, 1U);
}

TEST_F(ShapedSessionsTest, SuspendsAProviderThatSaysSoAndNobodyElse) {
  test::FakeSmarthost hop;
  test::CapturedLog log;
  hop.reply("MAIL", "421 4.7.28 unusual rate of mail\r\n", 1);
  start_shaped(hop, {}, {{.provider = "big", .says = "unusual rate", .suspends = true, .duration = minutes(30)}});
  const MessageId first = accept("live.example");
  expect_deferred(first, "421 4.7.28 unusual rate");
  const MessageId second = accept("other.example");
  const MessageId elsewhere = accept("small.example");
  run_until([&] { return stage(elsewhere) == RecipientStage::Delivered; });
  for (int i = 0; i < 5; ++i) {
    advance(minutes(5));
    io_.run_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(state(second).attempts, 0U);
  EXPECT_EQ(stage(first), RecipientStage::Pending);
  const auto is_delivered = [&](const MessageId& id) { return stage(id) == RecipientStage::Delivered; };
  advance_until([&] { return is_delivered(first) && is_delivered(second); }, minutes(1));
  EXPECT_EQ(state(second).attempts, 1U);
  EXPECT_THAT(log.finish(), HasSubstr("provider_restrained provider=big how=suspended for=30m"));
}

TEST_F(ShapedSessionsTest, CountsTheSessionsOfAProvider) {
  test::FakeSmarthost hop;
  ShapingFile file;
  file.providers = {{.name = "google", .mx = {".big.example"}, .limits = {}}};
  shapers_ = std::make_shared<ProviderShapers>(std::make_shared<const Shaping>(file));
  start_shaped_by(hop);
  const auto count_of = [](const std::string& row) {
    const std::string text = metrics::text();
    const std::size_t at = text.find("\n" + row + " ");
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + row.size() + 2));
  };
  const std::string clear = "postern_provider_sessions_total{level=\"clear\",provider=\"google\"}";
  const std::string failed = "postern_provider_sessions_total{level=\"failed\",provider=\"google\"}";
  const std::string attempts = "postern_provider_attempt_duration_seconds_count{provider=\"google\"}";
  const std::string open = "postern_provider_connections{provider=\"google\"}";
  EXPECT_EQ(count_of(clear), 0);
  hop.reply("greeting", "554 5.3.2 no service\r\n", 1);
  const MessageId id = accept("live.example");
  advance_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(count_of(clear), 1);
  EXPECT_EQ(count_of(failed), 1);
  EXPECT_EQ(count_of(attempts), 2);
  EXPECT_EQ(count_of(open), 1) << "it is idle, and open";
  stop();
  run_until([&] { return count_of(open) == 0; });
}

// --- Egress ---

class EgressSessionsTest : public ShapedSessionsTest {
 protected:
  static PoolMember member(const std::string& name, const std::string& address, std::uint32_t tier = 0) {
    PoolMember member{.source = {}, .weight = 1, .tier = tier};
    member.source.name = name;
    member.source.v4 = parse_ip_address(address);
    member.source.ehlo_name = name + ".example";
    return member;
  }
  void leave_from(std::vector<PoolMember> members) { routes_[0].egress = {.name = "pool", .members = std::move(members)}; }
  static void refuse(test::FakeSmarthost& hop, const std::string& name) {
    for (const char* verb : {"EHLO", "HELO"}) hop.reply(verb, "554 5.7.1 your address is blocked\r\n", 0, name);
  }
  // One after the other, so that connections are used again where they may be.
  std::set<std::string> sources_of(const std::string& domain, int messages) {
    std::set<std::string> seen;
    for (int i = 0; i < messages; ++i) {
      const MessageId id = accept(domain);
      run_until([&] { return stage(id) == RecipientStage::Delivered; });
      const std::string remote = state(id).remote;
      seen.insert(remote.substr(remote.rfind(' ') + 1));
    }
    return seen;
  }
  using Names = std::set<std::string>;
};

TEST_F(EgressSessionsTest, LeavesFromEachSourceWithItsNameAndAConnectionOfItsOwn) {
  test::FakeSmarthost hop;
  leave_from({member("out1", "127.0.0.11"), member("out2", "127.0.0.12")});
  start_shaped(hop, {});
  EXPECT_EQ(sources_of("live.example", 30), (Names{"out1", "out2"}));
  EXPECT_EQ(hop.connections(), 2U) << "each source's connection is used again, and by nobody else";
  const auto commands = hop.commands();
  EXPECT_THAT(commands, testing::IsSupersetOf({"EHLO out1.example", "EHLO out2.example"}));
}

TEST_F(EgressSessionsTest, PassesOverASourceWhoseAddressIsNotOnThisMachine) {
  test::FakeSmarthost hop;
  test::CapturedLog log;
  leave_from({member("gone", "192.0.2.77"), member("out2", "127.0.0.12")});
  start_shaped(hop, {});
  EXPECT_EQ(sources_of("live.example", 10), Names{"out2"});
  EXPECT_EQ(sources_of("small.example", 5), Names{"out2"});
  EXPECT_THAT(log.finish(), HasSubstr("egress_source_missing source=gone address=192.0.2.77"));
}

TEST_F(EgressSessionsTest, WaitsWhereNoSourceHasItsAddressHere) {
  test::FakeSmarthost hop;
  leave_from({member("gone", "192.0.2.77")});
  start_shaped(hop, {});
  const MessageId id = accept("live.example");
  expect_deferred(id, "nothing leaves from source gone");
  EXPECT_EQ(hop.connections(), 0U) << "least of all from an address that nobody chose";
}

TEST_F(EgressSessionsTest, StopsASourceAtTheProviderThatRefusesItAndNowhereElse) {
  test::FakeSmarthost hop;
  leave_from({member("out1", "127.0.0.11"), member("out2", "127.0.0.12", 1)});
  refuse(hop, "out1.example");
  test::CapturedLog log;
  start_shaped(hop, {}, {{.provider = "big", .says = "is blocked", .suspends = true, .duration = minutes(30)}});
  const MessageId first = accept("live.example");
  io_.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(stage(first), RecipientStage::Pending) << "who steps in is for what is spent or gone, not for what is refused";
  EXPECT_THAT(log.finish(), HasSubstr("provider_restrained provider=big source=out1 how=suspended"));
  const test::FakeSmarthost other;  // of another provider: nothing is suspended there
  routes_[0].port = other.port();
  queue_->replace_routes(std::make_shared<const RouteTable>(routes_));
  EXPECT_EQ(sources_of("small.example", 3), Names{"out1"});
}

TEST_F(EgressSessionsTest, SendsFromAnotherSourceAtOnceWhereOneIsRefused) {
  test::FakeSmarthost hop;
  leave_from({member("out1", "127.0.0.11"), member("out2", "127.0.0.12")});
  refuse(hop, "out1.example");
  start_shaped(hop, {}, {{.provider = "big", .says = "is blocked", .suspends = true, .duration = minutes(30)}});
  EXPECT_EQ(sources_of("live.example", 10), Names{"out2"});
  EXPECT_EQ(sources_of("other.example", 10), Names{"out2"}) << "the provider's other domains know of it";
}

TEST_F(EgressSessionsTest, SendsADaysShareAndTheRestFromWhoStepsIn) {
  test::FakeSmarthost hop;
  PoolMember fresh = member("fresh", "127.0.0.11");
  fresh.source.warm_up = {
      .from = std::chrono::floor<std::chrono::days>(clock_.now()), .first_day = 3, .growth_percent = 50, .warm_at = 1'000};
  leave_from({fresh, member("old", "127.0.0.12", 1)});
  start_shaped(hop, {});
  EXPECT_EQ(sources_of("live.example", 3), Names{"fresh"});
  EXPECT_EQ(sources_of("other.example", 2), Names{"old"}) << "the share is the provider's, not the domain's";
  EXPECT_EQ(sources_of("small.example", 2), Names{"fresh"}) << "all others have one of their own";
  advance(std::chrono::hours(24));
  EXPECT_EQ(sources_of("live.example", 4), Names{"fresh"});
  EXPECT_EQ(sources_of("live.example", 1), Names{"old"});
}

TEST_F(EgressSessionsTest, WaitsForTheNextDayWhereNobodyStepsIn) {
  test::FakeSmarthost hop;
  PoolMember fresh = member("fresh", "127.0.0.11");
  fresh.source.warm_up = {
      .from = std::chrono::floor<std::chrono::days>(clock_.now()), .first_day = 1, .growth_percent = 50, .warm_at = 1'000};
  leave_from({fresh});
  start_shaped(hop, {});
  EXPECT_EQ(sources_of("live.example", 1), Names{"fresh"});
  const MessageId next = accept("live.example");
  io_.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(stage(next), RecipientStage::Pending);
  EXPECT_EQ(state(next).attempts, 0U) << "to wait is no attempt";
  advance(std::chrono::hours(24));
  advance_until([&] { return stage(next) == RecipientStage::Delivered; }, minutes(1));
}

TEST_F(EgressSessionsTest, LeavesFromAPoolToASmarthostToo) {
  test::FakeSmarthost hop;
  routes_[0].is_mx = routes_[0].is_per_domain = false;
  routes_[0].host = "127.0.0.1";
  leave_from({member("gone", "192.0.2.77"), member("out2", "127.0.0.12")});
  start_shaped(hop, {});
  EXPECT_EQ(sources_of("live.example", 8), Names{"out2"});
  EXPECT_EQ(hop.connections(), 1U);
}

}  // namespace
}  // namespace postern::relay
