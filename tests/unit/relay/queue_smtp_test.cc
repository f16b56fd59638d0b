// The queue and the real SMTP transport against a next hop on loopback that misbehaves on command.
#include "core/bytes.h"
#include "domains/dkim_keys.h"
#include "domains/dkim_signer.h"
#include "tests/support/captured_log.h"
#include "tests/unit/domains/dkim_verification.h"
#include "tests/unit/relay/queue_smtp_fixture.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace postern::relay {
namespace {

using std::chrono::minutes;
using store::RecipientStage;

class QueueSmtpTest : public QueueSmtpFixture {};

TEST_F(QueueSmtpTest, SendsTheContentAsItIsStored) {
  test::FakeSmarthost hop;
  start_to(hop);
  std::string content = "Subject: dots\r\n\r\n.\r\n..\r\n";
  for (int i = 0; i < 5'000; ++i) content += "line " + std::to_string(i) + " of several chunks\r\n";
  const MessageId id = accept(draft_to({"live.example"}), content);
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  ASSERT_EQ(hop.messages().size(), 1U);
  EXPECT_EQ(hop.messages()[0].content, content);
  EXPECT_EQ(state(id).remote, "127.0.0.1 [127.0.0.1]:" + std::to_string(hop.port()));
}

TEST_F(QueueSmtpTest, KeepsWhatWasSaidToTheHopWithoutPasswordAndContent) {
  test::FakeSmarthost hop({.user_name = "relay", .password = "hunter2"});
  routes_[0].user_name = "relay";
  routes_[0].password = Secret(std::string("hunter2"));
  start_to(hop);
  const MessageId first = accept(draft_to({"live.example"}), "Subject: confidential\r\n\r\nhidden\r\n");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  const MessageId second = accept("live.example");
  run_until([&] { return stage(second) == RecipientStage::Delivered; });
  ASSERT_EQ(dialogues_of(first).size(), 1U);
  const std::string text = dialogues_of(first)[0].text;
  EXPECT_EQ(dialogues_of(first)[0].remote, state(first).remote);
  for (const char* said : {"> EHLO relay.example\n", "> AUTH PLAIN [credentials]\n", "> MAIL FROM:", "> RCPT TO:", "= the conte"}) {
    EXPECT_THAT(text, ::testing::HasSubstr(said));
  }
  for (const char* secret : {"AHJlbGF5AGh1bnRlcjI", "hunter2", "confidential", "hidden"}) {
    EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr(secret)));
  }
  EXPECT_THAT(dialogues_of(second)[0].text, ::testing::Not(::testing::HasSubstr("EHLO"))) << "over the same connection";
}

TEST_F(QueueSmtpTest, KeepsWhyNoSessionCouldBeHad) {
  test::FakeSmarthost hop;
  hop.reply("greeting", "554 5.3.2 not today\r\n");
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  ASSERT_EQ(dialogues_of(id).size(), 1U);
  EXPECT_THAT(dialogues_of(id)[0].text, ::testing::HasSubstr("< 554 5.3.2 not today\n"));
}

TEST_F(QueueSmtpTest, LooksItsHopsNameUpAndTriesEachAddress) {
  test::FakeSmarthost hop;
  resolver_.zone[{"hop.example", "AAAA"}] = {"::1"};  // where nobody listens
  resolver_.zone[{"hop.example", "A"}] = {"127.0.0.1"};
  routes_[0].host = "hop.example";
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(state(id).remote, "hop.example [127.0.0.1]:" + std::to_string(hop.port()));
}

TEST_F(QueueSmtpTest, DefersWhatHasNoHopByThatName) {
  test::FakeSmarthost hop;
  routes_[0].host = "gone.example";
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  EXPECT_EQ(format_status(state(id).last_status), "451 4.4.3 look up gone.example: it has no address");
}

// Of a program that is told to end while a name server is silent.
TEST_F(QueueSmtpTest, EndsWhileItsHopsNameIsLookedUp) {
  test::FakeSmarthost hop;
  resolver_.is_silent = true;
  routes_[0].host = "hop.example";
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return resolver_.questions >= 2; });
  cancel();
  EXPECT_EQ(stage(id), RecipientStage::Pending);
}

TEST_F(QueueSmtpTest, SendsTheSignaturesOnTopOfTheContent) {
  test::FakeSmarthost hop;
  start_to(hop);
  const std::string fields = "DKIM-Signature: v=1; a=rsa-sha256\r\nDKIM-Signature: v=1; a=ed25519-sha256\r\n";
  const std::string content = "Received: by us\r\nSubject: s\r\n\r\n.\r\n";
  test::Draft draft = draft_to({"live.example"});
  draft.message.signature_fields = fields;
  const MessageId id = accept(std::move(draft), content);
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  ASSERT_EQ(hop.messages().size(), 1U);
  EXPECT_EQ(hop.messages()[0].content, fields + content);
  const std::string size = "SIZE=" + std::to_string(fields.size() + content.size());
  EXPECT_NE(hop.messages()[0].mail.find(size), std::string::npos) << hop.messages()[0].mail;
}

TEST_F(QueueSmtpTest, GivesContentByDataWhereTheHopTakesChunksToo) {
  test::FakeSmarthost hop({.keywords = {"PIPELINING", "CHUNKING"}});
  start_to(hop);
  test::Draft draft = draft_to({"live.example"});
  draft.message.signature_fields = "DKIM-Signature: v=1\r\n";
  const std::string content = "Subject: dots\r\n\r\n.\r\n..\r\n";
  const MessageId id = accept(std::move(draft), content);
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  ASSERT_EQ(hop.messages().size(), 1U);
  EXPECT_EQ(hop.messages()[0].content, "DKIM-Signature: v=1\r\n" + content);
  EXPECT_THAT(hop.commands(), testing::Contains("DATA").Times(1));
  EXPECT_THAT(hop.commands(), testing::Not(testing::Contains(testing::StartsWith("BDAT"))));
}

TEST_F(QueueSmtpTest, ReusesAConnectionUpToItsNumberOfMessages) {
  test::FakeSmarthost hop;
  routes_[0].max_connections = 1;
  routes_[0].max_messages_per_connection = 5;
  std::vector<MessageId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(accept("live.example"));
  start_to(hop);
  for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(hop.connections(), 4U);
}

TEST_F(QueueSmtpTest, SendsAgainAtOnceWhereAnIdleConnectionHadDied) {
  test::FakeSmarthost hop;
  start_to(hop);
  const MessageId first = accept("live.example");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  hop.drop_all();
  const MessageId second = accept("live.example");
  run_until([&] { return stage(second) == RecipientStage::Delivered; });
  EXPECT_EQ(events(second), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
  EXPECT_EQ(hop.connections(), 2U);
  hop.drop("end-of-data");
  const MessageId third = accept("live.example");
  run_until([&] { return has_event(third, EventType::RecipientDeferred); });
  EXPECT_EQ(hop.messages().size(), 2U) << "what was answered in part is not sent again at once";
}

TEST_F(QueueSmtpTest, SendsAgainAtOnceWhereTheHopHadSaidGoodbye) {
  test::FakeSmarthost hop;
  start_to(hop);
  const MessageId first = accept("live.example");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  hop.reply("MAIL", "421 4.4.2 idle for too long\r\n");
  const MessageId second = accept("live.example");
  run_until([&] { return stage(second) == RecipientStage::Delivered; });
  EXPECT_EQ(events(second), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
  EXPECT_EQ(hop.connections(), 2U);
  hop.reply("RCPT", "421 4.3.2 going down\r\n");
  const MessageId third = accept("live.example");
  run_until([&] { return stage(third) == RecipientStage::Delivered; });
  EXPECT_EQ(hop.messages().size(), 3U) << "no recipient was taken, so no content had left";
  EXPECT_EQ(state(third).attempts, 1U);
}

TEST_F(QueueSmtpTest, DefersWhatTheNextHopDefersOrBreaksOff) {
  struct Case {
    const char* name;
    std::function<void(test::FakeSmarthost&)> misbehave;
    std::uint8_t klass;
  };
  const std::vector<Case> cases = {
      {"451 at the greeting", [](test::FakeSmarthost& hop) { hop.reply("greeting", "451 4.3.2 closing\r\n"); }, 4},
      {"554 at the greeting", [](test::FakeSmarthost& hop) { hop.reply("greeting", "554 5.3.2 no service\r\n"); }, 4},
      {"451 at RCPT", [](test::FakeSmarthost& hop) { hop.reply("RCPT", "451 4.7.1 later\r\n"); }, 4},
      {"drop in the content", [](test::FakeSmarthost& hop) { hop.drop("content"); }, 4},
      {"drop instead of the last reply", [](test::FakeSmarthost& hop) { hop.drop("end-of-data"); }, 4},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    test::FakeSmarthost hop;
    c.misbehave(hop);
    start_to(hop);
    const MessageId id = accept("live.example");
    run_until([&] { return state(id).attempts == 1; });
    EXPECT_EQ(stage(id), RecipientStage::Pending);
    EXPECT_EQ(effective_enhanced_code(state(id).last_status).klass, c.klass) << format_status(state(id).last_status);
    advance(minutes(5));
    run_until([&] { return stage(id) == RecipientStage::Delivered; });
    stop();
  }
}

// Each step of the dialogue with the next hop fails once, in each way it can: the message is deferred,
// tried again and delivered. A 421 before MAIL is no attempt of the message's.
TEST_F(QueueSmtpTest, LosesNothingWhicheverStepOfTheNextHopFails) {
  const std::pair<const char*, const char*> kinds[] = {
      {"cut", nullptr}, {"421", "421 4.3.2 closing\r\n"}, {"451", "451 4.3.0 later\r\n"}, {"no reply at all", "#\r\n"}};
  std::size_t failures = 0;
  for (const char* const step : {"greeting", "EHLO", "MAIL", "RCPT", "DATA", "content", "end-of-data"}) {
    for (const auto& [name, octets] : kinds) {
      if (step == std::string_view("content") && octets != nullptr) continue;  // nothing is said there
      SCOPED_TRACE(std::string(name) + " at " + step);
      test::FakeSmarthost hop;
      if (octets == nullptr) hop.drop(step);
      if (octets != nullptr) hop.reply(step, octets);
      start_to(hop);
      const MessageId id = accept("live.example");
      const bool is_opening = step == std::string_view("greeting") || step == std::string_view("EHLO");
      const bool is_attempt = !is_opening || name != std::string_view("421");
      run_until([&] { return is_attempt ? state(id).attempts == 1 : !store_.spool().list_pauses().value().empty(); });
      EXPECT_EQ(stage(id), RecipientStage::Pending);
      EXPECT_EQ(state(id).last_status.is_transient(), is_attempt) << format_status(state(id).last_status);
      advance(minutes(5));
      run_until([&] { return stage(id) == RecipientStage::Delivered; });
      EXPECT_FALSE(hop.messages().empty());
      stop();
      ++failures;
    }
  }
  EXPECT_EQ(failures, 25U);
}

TEST_F(QueueSmtpTest, BouncesOneRecipientAndDeliversTheOther) {
  test::FakeSmarthost hop;
  hop.reply("RCPT", "550 5.1.1 no such user\r\n", 1, "nobody@");
  start_to(hop);
  test::Draft draft = draft_to({"live.example", "live.example"});
  draft.message.envelope.recipients[0].mailbox.local_part = "nobody";
  const MessageId id = accept(std::move(draft));
  run_until([&] { return load(id).delivery.is_settled(); });
  EXPECT_EQ(stage(id, 0), RecipientStage::Bounced);
  EXPECT_EQ(stage(id, 1), RecipientStage::Delivered);
  EXPECT_EQ(hop.messages().at(0).rcpts.size(), 1U);
}

TEST_F(QueueSmtpTest, SendsManyRecipientsInSeveralTransactions) {
  test::FakeSmarthost hop;
  start_to(hop);
  const MessageId id = accept(draft_to(std::vector<std::string>(201, "live.example")));
  run_until([&] { return load(id).delivery.is_settled(); });
  ASSERT_EQ(hop.messages().size(), 3U);
  std::size_t recipients = 0;
  for (const test::SmarthostMessage& message : hop.messages()) {
    EXPECT_LE(message.rcpts.size(), 100U);
    recipients += message.rcpts.size();
  }
  EXPECT_EQ(recipients, 201U);
}

// What a hop cannot take comes back, and nothing of it is sent.
TEST_F(QueueSmtpTest, BouncesWhatTheNextHopCannotTake) {
  struct Case {
    const char* name;
    std::vector<std::string> keywords;
    std::function<void(Envelope&)> change;
    EnhancedCode expected;
    std::string content = "Subject: hello\r\n\r\nbody\r\n";
  };
  const auto be_eight_bit = [](Envelope& e) { e.parameters.body = BodyType::EightBitMime; };
  const std::vector<Case> cases = {
      {"8-bit, its header too", {"SIZE", "SMTPUTF8"}, be_eight_bit, {5, 6, 3}, "Subject: gr\xC3\xBC\xC3\x9F\r\n\r\nx\r\n"},
      {"8-bit, signed by others", {"SIZE"}, be_eight_bit, {5, 6, 3}, "DKIM-Signature: v=1\r\n\r\ngr\xC3\xBC\xC3\x9F\r\n"},
      {"8-bit, too big once it is converted", {"SIZE 100"}, be_eight_bit, {5, 3, 4}, "\r\n" + std::string(60, '\xFC') + "\r\n"},
      {"SMTPUTF8", {"8BITMIME"}, [](Envelope& e) { e.parameters.smtputf8 = true; }, {5, 6, 7}},
      {"an internationalised recipient",
       {"8BITMIME"},
       [](Envelope& e) { e.recipients[0].mailbox.local_part = "\xC3\xBC"; },
       {5, 6, 7}},
      {"too big", {"SIZE 5"}, [](Envelope&) {}, {5, 3, 4}},
      {"REQUIRETLS in the clear", {"REQUIRETLS"}, [](Envelope& e) { e.parameters.require_tls = true; }, {5, 7, 30}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    test::FakeSmarthostOptions options;
    options.keywords = c.keywords;
    test::FakeSmarthost hop(options);
    start_to(hop);
    test::Draft draft = draft_to({"live.example"});
    c.change(draft.message.envelope);
    const MessageId id = accept(std::move(draft), c.content);
    run_until([&] { return load(id).delivery.is_settled(); });
    EXPECT_EQ(stage(id), RecipientStage::Bounced);
    EXPECT_THAT(hop.messages(), ::testing::IsEmpty());
    EXPECT_EQ(state(id).last_status.enhanced, c.expected) << format_status(state(id).last_status);
    for (const std::string& command : hop.commands()) EXPECT_EQ(command.find("live.example"), std::string::npos) << command;
    stop();
  }
}

// The report goes by the same hop: beyond ASCII it would come back too, and nobody would hear of either.
TEST_F(QueueSmtpTest, ReportsEightBitMailByAHopThatTakesNone) {
  for (const DsnReturn ret : {DsnReturn::Headers, DsnReturn::Full}) {
    SCOPED_TRACE(static_cast<int>(ret));
    test::FakeSmarthostOptions options;
    options.keywords = {"SIZE"};
    test::FakeSmarthost hop(options);
    routes_[0].domains = {"*"};
    start_to(hop);
    test::Draft draft = draft_to({"live.example"});
    draft.message.envelope.parameters.body = BodyType::EightBitMime;
    draft.message.envelope.parameters.ret = ret;
    const MessageId id = accept(std::move(draft), "Subject: gr\xC3\xBC\xC3\x9F\r\n\r\nl\xC3\xA4ngst\r\n");
    run_until([&] { return hop.messages().size() == 1; });
    EXPECT_EQ(state(id).last_status.enhanced, (EnhancedCode{5, 6, 3}));
    const std::string report = hop.messages().at(0).content;
    EXPECT_FALSE(has_high_octet(report));
    EXPECT_NE(report.find("Status: 5.6.3\r\n"), std::string::npos);
    EXPECT_NE(report.find("Subject: gr=C3=BC=C3=9F\r\n"), std::string::npos);
    stop();
  }
}

// Of quoted-printable.
std::string unquoted(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); i += text[i] == '=' ? 3 : 1) {
    if (text[i] != '=') {
      octets.push_back(text[i]);
    } else if (text.substr(i, 3) != "=\r\n") {
      octets.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
    }
  }
  return octets;
}

TEST_F(QueueSmtpTest, ConvertsEightBitContentForAHopThatTakesNoneAndSignsItAnew) {
  store::DomainRecord domain;
  domain.name = "example.org";
  domain.state = store::DomainState::Verified;
  domain.dkim_keys = {domains::make_rsa_key(random_).value(), domains::make_ed25519_key(random_).value()};
  using Found = Result<std::optional<store::DomainRecord>>;
  const auto signer = domains::DkimSigner::create([&](const AccountId& account, std::string_view) -> Found {
                        return account == account_.id ? std::optional(domain) : std::nullopt;
                      }).value();
  const std::string trace = "Received: by us\r\n";
  const std::string header = "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
  std::string text = ".\r\n..\r\n";
  while (text.size() < 3 * store::kChunkOctets) text += "gr\xC3\xBC\xC3\x9F\x65 = blank \r\n";
  const std::string before = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n";
  const std::string behind = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: plain\r\n\r\nx\r\n--b--\r\n";
  const std::string eight_bit = "Content-Transfer-Encoding: 8bit\r\n\r\n";

  for (const std::string& body : {text.substr(0, 500) + "\r\n", text}) {
    SCOPED_TRACE(body.size());
    test::FakeSmarthost hop({.keywords = {"PIPELINING", "SIZE 10485760"}});
    start_to(hop, signer.get());
    test::Draft draft = draft_to({"live.example"});
    draft.message.envelope.parameters.body = BodyType::EightBitMime;
    draft.message.signature_fields = "DKIM-Signature: v=1; of what it was\r\n";
    draft.message.trace_octets = static_cast<std::uint32_t>(trace.size());
    const MessageId id = accept(std::move(draft), trace + header + eight_bit + before + eight_bit + body + behind);
    run_until([&] { return load(id).delivery.is_settled(); });
    ASSERT_EQ(hop.messages().size(), 1U) << format_status(state(id).last_status);
    const test::SmarthostMessage message = hop.messages().at(0);
    EXPECT_FALSE(has_high_octet(message.content));
    EXPECT_EQ(message.mail.find("BODY="), std::string::npos) << message.mail;
    EXPECT_NE(message.mail.find("SIZE=" + std::to_string(message.content.size())), std::string::npos) << message.mail;
    const std::size_t begin = message.content.find(trace);
    ASSERT_NE(begin, std::string::npos);
    const std::string top = trace + header + "\r\n" + before + "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    ASSERT_EQ(message.content.substr(begin, top.size()), top);
    ASSERT_TRUE(message.content.ends_with(behind));
    const std::size_t encoded = message.content.size() - behind.size() - begin - top.size();
    EXPECT_EQ(unquoted(std::string_view(message.content).substr(begin + top.size(), encoded)), body);
    const test::Verified verified = test::verify(message.content, domain);
    EXPECT_EQ(verified.good, 2U);
    EXPECT_EQ(verified.bad, 0U);
    stop();
  }
}

TEST_F(QueueSmtpTest, SendsConvertedContentUnsignedWhereItWasOrCannotBeSignedAnew) {
  using Found = Result<std::optional<store::DomainRecord>>;
  const auto signer = domains::DkimSigner::create([](const AccountId&, std::string_view) -> Found {
                        return Error(ErrorCode::IoError, "no directory today");
                      }).value();
  for (const std::string& fields : {std::string(), std::string("DKIM-Signature: v=1\r\n")}) {
    test::FakeSmarthostOptions options;
    options.keywords = {"SIZE"};
    test::FakeSmarthost hop(options);
    start_to(hop, signer.get());
    test::Draft draft = draft_to({"live.example"});
    draft.message.envelope.parameters.body = BodyType::EightBitMime;
    draft.message.signature_fields = fields;
    test::CapturedLog log;
    const MessageId id = accept(std::move(draft), "From: a@example.org\r\n\r\ngr\xC3\xBC\xC3\x9F\r\n");
    run_until([&] { return load(id).delivery.is_settled(); });
    ASSERT_EQ(hop.messages().size(), 1U);
    EXPECT_EQ(hop.messages().at(0).content,
              "From: a@example.org\r\nMIME-Version: 1.0\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BC=C3=9F\r\n");
    stop();
    const std::string lines = log.finish();
    EXPECT_EQ(lines.find("message_not_signed") != std::string::npos, !fields.empty()) << lines;
  }
}

TEST_F(QueueSmtpTest, WaitsForAReplyThatTakesLong) {
  test::FakeSmarthost hop;
  hop.hold("end-of-data");
  start_to(hop);
  const MessageId id = accept("live.example");
  std::atomic<bool> was_held{false};
  std::thread releaser([&] {
    was_held = hop.wait_for_held();
    hop.release();
  });
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  releaser.join();
  EXPECT_TRUE(was_held);
  EXPECT_EQ(hop.messages().size(), 1U);
}

TEST_F(QueueSmtpTest, DefersWhereTlsIsRequiredAndNotOffered) {
  test::FakeSmarthost hop;
  routes_[0].tls = TlsPolicy::Required;
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  EXPECT_EQ(stage(id), RecipientStage::Pending);
  EXPECT_EQ(effective_enhanced_code(state(id).last_status).subject, 7U) << format_status(state(id).last_status);
  EXPECT_TRUE(hop.messages().empty());
}

// A next hop's odd ways that cost a message no attempt: docs/next-hops.md.
TEST_F(QueueSmtpTest, GoesOnOverANewConnectionWhereOneTakesNoMoreMessages) {
  struct Case {
    const char* step;
    const char* reply;
  };
  const Case cases[] = {{"MAIL", "452 4.5.3 too many messages in this session\r\n"},
                        {"MAIL", "450 4.7.1 enough\r\n"},
                        {"MAIL", "421 4.7.0 enough\r\n"},
                        {"MAIL", "503 5.5.1 out of step\r\n"},
                        {"RCPT", "452 4.5.3 too many recipients in this session\r\n"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.reply);
    test::FakeSmarthost hop;
    start_to(hop);
    const MessageId first = accept("live.example");
    run_until([&] { return stage(first) == RecipientStage::Delivered; });
    hop.reply(c.step, c.reply);
    const MessageId second = accept("live.example");
    run_until([&] { return stage(second) == RecipientStage::Delivered; });
    EXPECT_EQ(events(second), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
    EXPECT_EQ(hop.connections(), 2U);
    stop();
  }
}

TEST_F(QueueSmtpTest, UsesTheConnectionsThatTheNextHopTakes) {
  test::FakeSmarthostOptions options;
  options.most_connections = 2;
  test::FakeSmarthost hop(options);
  std::vector<MessageId> ids;
  for (int i = 0; i < 30; ++i) ids.push_back(accept("live.example"));
  start_to(hop);
  for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
  for (const MessageId& id : ids) EXPECT_EQ(state(id).attempts, 1U);
  EXPECT_EQ(hop.messages().size(), ids.size());
}

// It takes three, not the eight that the route allows: fewer at once, then one more from time to time.
// No message is charged for it.
TEST_F(QueueSmtpTest, LowersAndRaisesTheConnectionsByWhatTheNextHopTakes) {
  test::CapturedLog log;
  test::FakeSmarthostOptions options;
  options.most_connections = 3;
  test::FakeSmarthost hop(options);
  hop.hold("end-of-data");
  std::vector<MessageId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(accept("live.example"));
  start_to(hop);
  std::thread releases([&hop] {
    EXPECT_TRUE(hop.wait_for_held(3));
    hop.release();
  });
  for (const MessageId& id : ids) run_until([&] { return stage(id) == RecipientStage::Delivered; });
  releases.join();
  advance(Destination::kRaiseAfter);
  const MessageId last = accept("live.example");
  run_until([&] { return stage(last) == RecipientStage::Delivered; });
  ids.push_back(last);
  for (const MessageId& id : ids) {
    EXPECT_EQ(state(id).attempts, 1U);
    EXPECT_EQ(events(id), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
  }
  stop();
  const std::string lines = log.finish();
  EXPECT_THAT(lines, ::testing::HasSubstr("destination_concurrency route=live from=8 to="));
  EXPECT_THAT(lines, ::testing::HasSubstr("to=3"));
  EXPECT_THAT(lines, ::testing::HasSubstr("destination_concurrency route=live from=3 to=4"));
  EXPECT_THAT(lines, ::testing::Not(::testing::HasSubstr("destination_unavailable")));
}

TEST_F(QueueSmtpTest, ChargesNoAttemptWhereTheNextHopTakesNoConnectionForAWhile) {
  for (const char* stage_of_refusal : {"greeting", "EHLO"}) {
    SCOPED_TRACE(stage_of_refusal);
    test::FakeSmarthost hop;
    hop.reply(stage_of_refusal, "421 4.7.0 too many connections\r\n", 3);
    start_to(hop);
    const MessageId id = accept("live.example");
    for (int pause = 0; stage(id) != RecipientStage::Delivered; ++pause) {
      ASSERT_LT(pause, 1'000);
      advance(std::chrono::milliseconds(500));
      run_until([&] { return io_.poll() == 0; });
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(hop.connections(), 4U);
    EXPECT_EQ(state(id).attempts, 1U);
    EXPECT_EQ(events(id), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
    stop();
  }
}

TEST_F(QueueSmtpTest, WaitsForTheRouteToBeMendedAndSaysSoOnce) {
  test::CapturedLog log;
  test::FakeSmarthost hop;
  hop.reply("MAIL", "535 5.7.8 authentication required\r\n", 0);
  start_to(hop);
  const MessageId first = accept("live.example");
  const MessageId second = accept("live.example");
  run_until([&] { return state(first).attempts == 1 && state(second).attempts == 1; });
  EXPECT_EQ(stage(first), RecipientStage::Pending);
  stop();
  const std::string lines = log.finish();
  const std::size_t said = lines.find("route_unfit route=live");
  EXPECT_NE(said, std::string::npos) << lines;
  EXPECT_EQ(lines.find("route_unfit", said + 1), std::string::npos) << lines;
}

TEST_F(QueueSmtpTest, SendsInTheClearLaterWhereOpportunisticTlsIsBroken) {
  test::FakeSmarthostOptions options;
  options.keywords.push_back("STARTTLS");  // without a certificate: no handshake succeeds
  test::FakeSmarthost hop(options);
  start_to(hop);
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  EXPECT_EQ(stage(id), RecipientStage::Pending);
  advance(minutes(5));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_FALSE(hop.messages().at(0).was_tls);
}

TEST_F(QueueSmtpTest, KeepsAPasswordUnderTlsThoughThatIsBroken) {
  test::FakeSmarthostOptions options;
  options.keywords.push_back("STARTTLS");
  options.user_name = "relay";
  options.password = "not-a-real-password";
  test::FakeSmarthost hop(options);
  routes_[0].user_name = options.user_name;
  routes_[0].password = Secret(std::string(options.password));
  start_to(hop);
  const MessageId id = accept("live.example");
  for (unsigned attempt = 1; attempt <= 3; ++attempt) {
    run_until([&] { return state(id).attempts == attempt; });
    advance(minutes(20));
  }
  EXPECT_THAT(hop.commands(), testing::Not(testing::Contains("AUTH")));
  EXPECT_TRUE(hop.messages().empty());
}

TEST_F(QueueSmtpTest, SaysWhoRefusedWhatTheNextHopCannotTake) {
  test::FakeSmarthost hop({.keywords = {"SIZE 5"}});
  routes_[0].domains = {"*"};
  start_to(hop);
  const auto id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Bounced && notification().has_value(); });
  EXPECT_TRUE(state(id).is_own_word);
  EXPECT_FALSE(store_.spool().events_of(id).value().empty());
}

}  // namespace
}  // namespace postern::relay
