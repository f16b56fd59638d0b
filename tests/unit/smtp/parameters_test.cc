// Parameters of MAIL and RCPT, well formed and otherwise.
#include "smtp/parameters.h"

#include "smtp/limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace postern::smtp {
namespace {

EnvelopeParameters mail_parameters(const std::string& text) {
  const auto parsed = parse_mail_parameters(text);
  EXPECT_TRUE(std::holds_alternative<EnvelopeParameters>(parsed)) << text;
  return std::holds_alternative<EnvelopeParameters>(parsed) ? std::get<EnvelopeParameters>(parsed) : EnvelopeParameters{};
}

TEST(SmtpParameters, ReadsThoseOfMail) {
  EXPECT_EQ(mail_parameters(""), EnvelopeParameters{});
  const EnvelopeParameters all = mail_parameters("size=1000 BODY=8bitmime SMTPUTF8 RequireTls RET=hdrs ENVID=run+2B1 AUTH=<>");
  EXPECT_EQ(all.declared_size, 1'000U);
  EXPECT_EQ(all.body, BodyType::EightBitMime);
  EXPECT_TRUE(all.smtputf8);
  EXPECT_TRUE(all.require_tls);
  EXPECT_EQ(all.ret, DsnReturn::Headers);
  EXPECT_EQ(all.envid, "run+2B1");
  EXPECT_EQ(mail_parameters("BODY=7BIT").body, BodyType::SevenBit);
  EXPECT_EQ(mail_parameters("RET=FULL").ret, DsnReturn::Full);
}

TEST(SmtpParameters, ASizeBeyond64BitsIsTooBigAndDoesNotWrap) {
  EXPECT_EQ(mail_parameters("SIZE=18446744073709551615").declared_size, UINT64_MAX);
  EXPECT_EQ(mail_parameters("SIZE=18446744073709551616").declared_size, UINT64_MAX);
  EXPECT_EQ(mail_parameters("SIZE=99999999999999999999").declared_size, UINT64_MAX);
  EXPECT_EQ(mail_parameters("SIZE=00000000000000000012").declared_size, 12U);
}

TEST(SmtpParameters, RefusesBadOnesOfMail) {
  struct Case { const char* text; ParameterError error; };
  const Case kCases[] = {
      {"SIZE", ParameterError::Bad},
      {"SIZE=", ParameterError::Bad},
      {"SIZE=-1", ParameterError::Bad},
      {"SIZE=+1", ParameterError::Bad},
      {"SIZE=1k", ParameterError::Bad},
      {"SIZE=0x10", ParameterError::Bad},
      {"SIZE=100000000000000000000", ParameterError::Bad},
      {"SIZE=1 SIZE=1", ParameterError::Bad},
      {"size=1 SIZE=2", ParameterError::Bad},
      {"BODY=BINARYMIME", ParameterError::Bad},
      {"BODY=9BIT", ParameterError::Bad},
      {"BODY", ParameterError::Bad},
      {"SMTPUTF8=yes", ParameterError::Bad},
      {"REQUIRETLS=yes", ParameterError::Bad},
      {"REQUIRETLS REQUIRETLS", ParameterError::Bad},
      {"BODY=BINARYMIME", ParameterError::Bad},
      {"RET=SOME", ParameterError::Bad},
      {"ENVID=a+b", ParameterError::Bad},
      {"ENVID=a+0D+0Ab", ParameterError::Bad},
      {"ENVID=a+00", ParameterError::Bad},
      {"ENVID=a+c3+a9", ParameterError::Bad},
      {"ENVID=a=b", ParameterError::Bad},
      {"AUTH=a+0A", ParameterError::Bad},
      {"=1", ParameterError::Bad},
      {"NOTIFY=NEVER", ParameterError::Unknown},
      {"XFOO=1", ParameterError::Unknown},
      {"SIZE=1 XFOO", ParameterError::Unknown},
      {"MT-PRIORITY=3", ParameterError::Unknown},
  };
  for (const Case& c : kCases) {
    const auto parsed = parse_mail_parameters(c.text);
    ASSERT_TRUE(std::holds_alternative<ParameterError>(parsed)) << c.text;
    EXPECT_EQ(std::get<ParameterError>(parsed), c.error) << c.text;
  }
  EXPECT_TRUE(std::holds_alternative<ParameterError>(parse_mail_parameters("ENVID=" + std::string(kMaxEnvidOctets + 1, 'e'))));
  EXPECT_EQ(mail_parameters("ENVID=" + std::string(kMaxEnvidOctets, 'e')).envid.size(), kMaxEnvidOctets);
}

TEST(SmtpParameters, ReadsThoseOfRcpt) {
  Recipient recipient;
  ASSERT_FALSE(parse_rcpt_parameters("NOTIFY=success,Delay ORCPT=rfc822;a+2Bb@c.example", recipient).has_value());
  EXPECT_TRUE(recipient.notify.is_given && recipient.notify.success && recipient.notify.delay);
  EXPECT_FALSE(recipient.notify.failure || recipient.notify.never);
  EXPECT_EQ(recipient.orcpt, "rfc822;a+2Bb@c.example");

  Recipient never;
  ASSERT_FALSE(parse_rcpt_parameters("NOTIFY=NEVER", never).has_value());
  EXPECT_TRUE(never.notify.never);
}

TEST(SmtpParameters, RefusesBadOnesOfRcpt) {
  struct Case { const char* text; ParameterError error; };
  const Case kCases[] = {
      {"NOTIFY", ParameterError::Bad},
      {"NOTIFY=", ParameterError::Bad},
      {"NOTIFY=NEVER,SUCCESS", ParameterError::Bad},
      {"NOTIFY=SUCCESS,NEVER", ParameterError::Bad},
      {"NOTIFY=SUCCESS,", ParameterError::Bad},
      {"NOTIFY=,SUCCESS", ParameterError::Bad},
      {"NOTIFY=SUCCESS,,DELAY", ParameterError::Bad},
      {"NOTIFY=ALWAYS", ParameterError::Bad},
      {"NOTIFY=DELAY NOTIFY=DELAY", ParameterError::Bad},
      {"ORCPT=a@b.example", ParameterError::Bad},
      {"ORCPT=;a@b.example", ParameterError::Bad},
      {"ORCPT=rfc822;", ParameterError::Bad},
      {"ORCPT=rfc822;a+0Ab", ParameterError::Bad},
      {"ORCPT=rf c;a", ParameterError::Bad},
      {"ORCPT=rfc822;a ORCPT=rfc822;a", ParameterError::Bad},
      {"SIZE=1", ParameterError::Unknown},
      {"X=1", ParameterError::Unknown},
      {"X", ParameterError::Unknown},
  };
  for (const Case& c : kCases) {
    Recipient recipient;
    const auto error = parse_rcpt_parameters(c.text, recipient);
    ASSERT_TRUE(error.has_value()) << c.text;
    EXPECT_EQ(*error, c.error) << c.text;
  }
  Recipient recipient;
  EXPECT_TRUE(parse_rcpt_parameters("ORCPT=rfc822;" + std::string(kMaxOrcptOctets, 'a'), recipient).has_value());
}

TEST(SmtpParameters, DecodesXtextStrictly) {
  EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
  EXPECT_EQ(decode_xtext(""), "");
  for (const char* text : {"+", "+2", "+2g", "+2b", "a b", "a=b", "+7F", "+1B", "\x7F", "\xC3\xA9"}) {
    EXPECT_FALSE(decode_xtext(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace postern::smtp
