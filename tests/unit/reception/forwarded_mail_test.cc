#include "reception/forwarded_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::reception {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Mailbox kRecipient{"sales", "example.org"};

mime::HeaderScan header_with(const std::string& fields) {
  mime::HeaderScan header;
  header.feed("Return-Path: <ann@example.net>\r\nReceived: from a by b\r\n" + fields + "\r\n");
  return header;
}

ForwardFacts facts(std::string dmarc = "pass", bool is_dkim_aligned = true, std::string asked_for = "none") {
  ForwardFacts found{.route = "rte_1", .recipient = kRecipient, .verdicts = {}};
  found.verdicts.dmarc = std::move(dmarc);
  found.verdicts.is_dkim_aligned = is_dkim_aligned;
  found.verdicts.asked_for = std::move(asked_for);
  return found;
}

TEST(ForwardedMail, IsWhatCameUnderAStamp) {
  const std::string section = forwarded_header(header_with("From: Ann <ann@example.net>\r\nSubject: a\r\n b\r\n"), facts());
  EXPECT_EQ(section, "X-Postern-Forwarded: rte_1\r\nDelivered-To: sales@example.org\r\nReceived: from a by b\r\n"
                     "From: Ann <ann@example.net>\r\nSubject: a\r\n b\r\n");
}

TEST(ForwardedMail, HasAnAuthorOfOursWhereOnlyTheAddressProvedHis) {
  struct Case {
    const char* name;
    std::string from;
    std::string wanted;
  };
  const Case cases[] = {
      {"a name", " Ann <ann@example.net>", "From: \"Ann via example.org\"\r\n\t<sales@example.org>\r\n"},
      {"a quoted name", " \"Smith, Ann\" <ann@example.net>", "From: \"Smith, Ann via example.org\"\r\n"},
      {"no name", " ann@example.net", "From: \"ann via example.org\"\r\n"},
      {"beyond ASCII", " =?utf-8?q?J=C3=B6rg?= <j@example.net>", "From: =?utf-8?"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const mime::HeaderScan header = header_with("From:" + one.from + "\r\nTo: sales@example.org\r\n");
    const std::string section = forwarded_header(header, facts("pass", false));
    EXPECT_THAT(section, HasSubstr(one.wanted));
    EXPECT_THAT(section, HasSubstr("\r\nReply-To:" + one.from + "\r\n"));
    EXPECT_THAT(section, HasSubstr("\r\nX-Original-From:" + one.from + "\r\n"));
    EXPECT_THAT(section, Not(HasSubstr("\r\nFrom:" + one.from)));
  }
  const mime::HeaderScan with_own = header_with("From: ann@example.net\r\nReply-To: team@example.net\r\n");
  const std::string own = forwarded_header(with_own, facts("pass", false));
  EXPECT_THAT(own, HasSubstr("Reply-To: team@example.net"));
  EXPECT_THAT(own, Not(HasSubstr("Reply-To: ann@example.net"))) << "his own choice stays";
}

TEST(ForwardedMail, NeedsNoOtherAuthorWhereASignatureOrNothingProvesHim) {
  EXPECT_TRUE(needs_new_author(facts("pass", false).verdicts));
  EXPECT_FALSE(needs_new_author(facts("pass", true).verdicts));
  EXPECT_FALSE(needs_new_author(facts("none", false).verdicts));
  EXPECT_FALSE(needs_new_author(facts("fail", false).verdicts)) << "nobody is to pass as proved who was not";
}

TEST(ForwardedMail, IsNotSentInCircles) {
  const auto fault = [](const std::string& fields) { return find_forward_fault(header_with(fields), facts()).value_or(""); };
  EXPECT_EQ(fault("From: a@b.example\r\nX-Postern-Forwarded: rte_2\r\nDelivered-To: other@example.org\r\n"), "");
  EXPECT_THAT(fault("X-Postern-Forwarded: rte_1\r\n"), StartsWith("loop"));
  EXPECT_THAT(fault("Delivered-To:  SALES@Example.org \r\n"), StartsWith("loop"));
  std::string many;
  for (std::size_t i = 0; i < kMaxForwards; ++i) many += "X-Postern-Forwarded: rte_x" + std::to_string(i) + "\r\n";
  EXPECT_THAT(fault(many), StartsWith("loop"));
}

TEST(ForwardedMail, IsNobodysWhoCannotBeTold) {
  const mime::HeaderScan header = header_with("From: ann@example.net\r\n");
  EXPECT_TRUE(find_forward_fault(header, facts("fail", false, "reject")));
  EXPECT_TRUE(find_forward_fault(header, facts("fail", false, "quarantine")));
  EXPECT_TRUE(find_forward_fault(header, facts("permerror", false, "quarantine")));
  for (const char* dmarc : {"pass", "none", "fail", "temperror"}) {
    EXPECT_FALSE(find_forward_fault(header, facts(dmarc, false))) << dmarc << ": its domain asks for nothing";
  }
}

}  // namespace
}  // namespace postern::reception
