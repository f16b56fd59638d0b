#include "smtp/client_commands.h"

#include "smtp/client_capabilities.h"
#include "support/client_script.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

ClientCapabilities everything() {
  return parse_capabilities(
      "mx\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nREQUIRETLS\nDSN\nSTARTTLS\nAUTH PLAIN LOGIN\nENHANCEDSTATUSCODES\n");
}

TEST(ClientCapabilities, ReadsKeywordsInAnyCase) {
  const ClientCapabilities c = parse_capabilities("mx\npipelining\nSize 42\n8BitMime\nsmtputf8\ndsn\nstarttls\nauth login plain\n");
  EXPECT_TRUE(c.pipelining && c.size && c.eight_bit_mime && c.smtputf8 && c.dsn && c.starttls && c.auth_plain && c.auth_login);
  EXPECT_EQ(c.max_octets, 42U);
  EXPECT_FALSE(c.enhanced_status_codes);
}

TEST(ClientCapabilities, TakesNothingFromTheFirstLineNorFromUnknownWords) {
  const ClientCapabilities c = parse_capabilities("PIPELINING\nXPIPELINING\nPIPELININGS\nAUTH CRAM-MD5 XPLAIN\n\n");
  EXPECT_FALSE(c.pipelining || c.auth_plain || c.auth_login);
}

struct SizeCase {
  const char* line;
  std::uint64_t max_octets;
};

TEST(ClientCapabilities, TakesAnUnreadableSizeAsNoLimit) {
  for (const SizeCase& c : {SizeCase{"SIZE", 0}, {"SIZE 0", 0}, {"SIZE -1", 0}, {"SIZE 99999999999999999999999", 0},
                            {"SIZE 18446744073709551615", UINT64_MAX}}) {
    SCOPED_TRACE(c.line);
    const ClientCapabilities capabilities = parse_capabilities(std::string("mx\n") + c.line + "\n");
    EXPECT_TRUE(capabilities.size);
    EXPECT_EQ(capabilities.max_octets, c.max_octets);
  }
}

std::string mail_line(const Envelope& envelope, const ClientCapabilities& capabilities) {
  std::string line;
  append_mail(envelope, 77, capabilities, line);
  return line;
}

std::string rcpt_line(const Recipient& recipient, const ClientCapabilities& capabilities) {
  std::string line;
  append_rcpt(recipient, capabilities, line);
  return line;
}

TEST(ClientCommands, MailCarriesOnlyWhatTheHopOffers) {
  Envelope envelope = test::numbered_envelope(1);
  envelope.parameters = {.declared_size = 5,
                         .body = BodyType::EightBitMime,
                         .smtputf8 = true,
                         .require_tls = true,
                         .ret = DsnReturn::Headers,
                         .envid = "e+3D1"};
  EXPECT_EQ(mail_line(envelope, everything()),
            "MAIL FROM:<a@example.org> SIZE=77 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=e+3D1\r\n");
  envelope.parameters.require_tls = false;
  ClientCapabilities few;
  few.eight_bit_mime = true;
  EXPECT_EQ(mail_line(envelope, few), "MAIL FROM:<a@example.org> BODY=8BITMIME\r\n");
}

TEST(ClientCommands, MailSaysNothingThatTheMessageDoesNotNeed) {
  Envelope envelope = test::numbered_envelope(1);
  envelope.reverse_path.reset();
  EXPECT_EQ(mail_line(envelope, everything()), "MAIL FROM:<> SIZE=77\r\n");
}

TEST(ClientCommands, RcptPassesNotifyAndOrcptOnAsTheyCame) {
  const Recipient recipient{Mailbox{"r", "example.net"}, Notify{.is_given = true, .success = true, .delay = true},
                            "rfc822;r+2B@example.net"};
  EXPECT_EQ(rcpt_line(recipient, everything()), "RCPT TO:<r@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;r+2B@example.net\r\n");
  EXPECT_EQ(rcpt_line(recipient, {}), "RCPT TO:<r@example.net>\r\n");
}

TEST(ClientCommands, NotifyNeverStandsAlone) {
  const Recipient recipient{Mailbox{"r", "example.net"}, Notify{.is_given = true, .never = true, .failure = true}, ""};
  EXPECT_EQ(rcpt_line(recipient, everything()), "RCPT TO:<r@example.net> NOTIFY=NEVER\r\n");
}

TEST(ClientCommands, AParameterThatCouldEndTheLineIsLeftOut) {
  Envelope envelope = test::numbered_envelope(1);
  envelope.parameters.envid = "x\r\nRCPT TO:<evil@example.net>";
  envelope.recipients[0].orcpt = "rfc822;a b";
  EXPECT_EQ(mail_line(envelope, everything()), "MAIL FROM:<a@example.org> SIZE=77\r\n");
  EXPECT_EQ(rcpt_line(envelope.recipients[0], everything()), "RCPT TO:<r0@example.net>\r\n");
}

EnvelopeParameters with_body(BodyType body) {
  EnvelopeParameters parameters;
  parameters.body = body;
  return parameters;
}

EnvelopeParameters with_smtputf8() {
  EnvelopeParameters parameters;
  parameters.smtputf8 = true;
  return parameters;
}

struct RefusalCase {
  const char* name;
  EnvelopeParameters parameters;
  Mailbox sender;
  std::uint64_t octets;
  ClientCapabilities capabilities;
  std::string_view status;  // how it begins; "" for none
};

TEST(ClientCommands, RefuseWhatTheHopCannotTake) {
  ClientCapabilities unlimited = everything();
  unlimited.max_octets = 0;
  const Mailbox ascii{"a", "example.org"};
  const RefusalCase cases[] = {
      {"plain", {}, ascii, 1'000'000, {}, ""},
      {"at the limit", {}, ascii, 1'000, everything(), ""},
      {"over the limit", {}, ascii, 1'001, everything(), "552 5.3.4 "},
      {"no limit said", {}, ascii, 1'000'000, unlimited, ""},
      {"8-bit", with_body(BodyType::EightBitMime), ascii, 1, {}, "554 5.6.3 "},
      {"8-bit, offered", with_body(BodyType::EightBitMime), ascii, 1, everything(), ""},
      {"binary", with_body(BodyType::BinaryMime), ascii, 1, everything(), "554 5.6.3 "},
      {"SMTPUTF8", with_smtputf8(), ascii, 1, {}, "550 5.6.7 "},
      {"UTF-8 sender", {}, Mailbox{"\xc3\xa4", "example.org"}, 1, {}, "550 5.6.7 "},
      {"UTF-8 sender, offered", with_smtputf8(), Mailbox{"\xc3\xa4", "example.org"}, 1, everything(), ""},
      {"line end in the sender", {}, Mailbox{"a\r\nb", "example.org"}, 1, everything(), "553 5.1.7 "},
  };
  for (const RefusalCase& c : cases) {
    SCOPED_TRACE(c.name);
    Envelope envelope = test::numbered_envelope(1);
    envelope.parameters = c.parameters;
    envelope.reverse_path = c.sender;
    const std::optional<Status> refusal = refuse_message(envelope, c.octets, c.capabilities, false);
    EXPECT_EQ((refusal ? format_status(*refusal) : "").substr(0, c.status.size()), c.status);
    EXPECT_EQ(refusal.has_value(), !c.status.empty());
  }
}

TEST(ClientCommands, WhatRequiresTlsGoesToAVerifiedHopThatKeepsItThere) {
  Envelope envelope = test::numbered_envelope(1);
  EXPECT_FALSE(refuse_message(envelope, 1, {}, false));
  envelope.parameters.require_tls = true;
  EXPECT_FALSE(refuse_message(envelope, 1, everything(), true));
  const ClientCapabilities nothing;
  for (const auto& refusal : {refuse_message(envelope, 1, everything(), false), refuse_message(envelope, 1, nothing, true)}) {
    ASSERT_TRUE(refusal);
    EXPECT_EQ(format_status(*refusal).substr(0, 11), "550 5.7.30 ");
  }
}

TEST(ClientCommands, RefuseOneRecipientWithoutTheOthers) {
  EXPECT_FALSE(refuse_recipient({Mailbox{"r", "example.net"}, {}, ""}, {}));
  const auto utf8 = refuse_recipient({Mailbox{"\xc3\xb6", "example.net"}, {}, ""}, {});
  ASSERT_TRUE(utf8);
  EXPECT_EQ(utf8->enhanced, (EnhancedCode{5, 6, 7}));
  const auto control = refuse_recipient({Mailbox{"r", "example.net>\r\nDATA"}, {}, ""}, everything());
  ASSERT_TRUE(control);
  EXPECT_EQ(control->enhanced, (EnhancedCode{5, 1, 3}));
}

// What is known of the connection decides, not what the hop claims.
TEST(ClientCommands, RequireTlsNeedsAHandshakeThatVerified) {
  struct Case {
    const char* name;
    bool verifies_peer;
    bool is_tls;
    const char* sent;
  };
  for (const Case& c : {Case{"in the clear", true, false, ""}, Case{"TLS, not verified", false, true, ""},
                        Case{"TLS, verified", true, true, "MAIL FROM:<a@example.org> REQUIRETLS\r\n"}}) {
    SCOPED_TRACE(c.name);
    ClientConfig config = test::plain_client_config();
    config.tls = c.is_tls ? ClientTls::Implicit : ClientTls::None;
    config.verifies_peer = c.verifies_peer;
    Envelope envelope = test::numbered_envelope(1);
    envelope.parameters.require_tls = true;
    test::ClientScript script(config);
    script.open({"REQUIRETLS"}).begin(envelope).expect_sent(c.sent);
    const std::string expected = *c.sent == '\0' ? "550 5.7.30 " : "-";
    EXPECT_EQ(script.results().substr(0, expected.size()), expected);
  }
}

}  // namespace
}  // namespace postern::smtp
