#include "provenance/arc.h"

#include "provenance/message_check.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::HasSubstr;

// Sealed by dkimpy 1.1.4: first by a list, then by a forwarder.
const std::string kSecondSet =
    "ARC-Seal: i=2; cv=pass; a=rsa-sha256; d=forward.example; s=s2;\r\n"
    " t=1796000100;\r\n"
    " b=MM3OhH6T9rbDcQAWgvMu7Gv6obgdQAuB7MQcfC2n7BWSV9BhTKCiBhPh8g9SEj24Nfhn6\r\n"
    " wlKZuA0+Z6jyhNfd86M6mn+X3GjYYw1HMqzlp70IbVfm5zqzAM1xpXx56H2Yu2xaZHhHqxi\r\n"
    " bTdUMz6Wi14EiiQRhRWRd0sJAuxKMIk=\r\n"
    "ARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=forward.example; s=s2; t=1796000100; h=from : to : subject : date :\r\n"
    " message-id; bh=4daN71HNdn/d5SSJNrmA4GnDoSU3uSw9/N1YsKJOhFc=;\r\n"
    " b=jRL+syu0ucB3vKaIHdKoo64ZOnmaNt05YkePRV5Ax/ApuhR/S31U2skvhPtoUrojUj2cr\r\n"
    " RSVbr+5qXMQa8iE2zhoyLLRZRBbKQadgR6T+9LEpx2WNm73HofFAhRJwj/FEi0VVJLKTBhN\r\n"
    " B/VlzUaz/5SVpUr/rw9/oidG6WONj1U=\r\n"
    "ARC-Authentication-Results: i=2; forward.example; arc=pass;\r\n"
    "  dmarc=fail header.from=example.org\r\n";
const std::string kFirstSet =
    "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=list.example; s=s1; t=1796000000;\r\n"
    " b=bgIl2+fXLTnDsoGgtRAqvS6HNRA3QAaVq1UHDgh3AsRc9RKwWo56gX8i47kmkW/GIDlC1\r\n"
    " MI1pYhpBu1x6nHfAfRG1JFyB1t8u8t2nDNsj8LTA6vTGU4NquS7+i3/k/8OdaYgDNceHYNW\r\n"
    " W8K3dSbfrOg3tWdszBQoGZbJM0dcZTk=\r\n"
    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=list.example; s=s1; t=1796000000; h=from : to : subject : date :\r\n"
    " message-id; bh=4daN71HNdn/d5SSJNrmA4GnDoSU3uSw9/N1YsKJOhFc=;\r\n"
    " b=M10uv9OXJsyePLHK6g56xmTRbg0AwlBWjyTDvzKzywgoU3pYtCb6V7gmcn0ydMdprrpXt\r\n"
    " cJ5Dg/BWIe1WIYcmddBNde/Dtki9ucTs69USMGHgVosSJC6uQnZyh8Kf98H3GAzgkyasnIG\r\n"
    " VwI9sEA6EQTrDGKhlSGldRAFDyxoylc=\r\n"
    "ARC-Authentication-Results: i=1; list.example; spf=pass smtp.mailfrom=ann@example.org;\r\n"
    "  dmarc=pass header.from=example.org\r\n";
const std::string kSealedMessage =
    "From: Ann <ann@example.org>\r\n"
    "To: bob@example.net\r\n"
    "Subject: Lunch\r\n"
    "Date: Mon, 30 Nov 2026 09:00:00 +0000\r\n"
    "Message-ID: <1@example.org>\r\n"
    "\r\n"
    "At noon?\r\n";
const std::string kListKey =
    "v=DKIM1; k=rsa; p="
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDO/KX76VoU/2Vh+KGwF3CDtiZfpzMFwdHBBQfh3uO1J5B8q0c0ZigWe6CzeLwW"
    "uKOyyS/9nwQ8MCRyinbjyuhDkULV54NBUKSWTf+JJRTgjv7ORNVrvsGoxMYA+8Yfi7qgJNwyjsGMtm40RvegCmGoGEkolK4vZSb1"
    "r1yoDJ3ggQIDAQAB";
const std::string kForwarderKey =
    "v=DKIM1; k=rsa; p="
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQChGf2pm3IlUImTGy9iuaIASd6iRwBkiuhjS7wM+FTsX/XnMify/N74BHxqMSxI"
    "g0SPzIwDraCSv3bIXLX/QihcJQIi5i0ndmeLWNLHV/eUHfDFNluknBQLgSkAKpscW0HJwmMAiSgVBFitbr02rSJgC2Gp9OIozG7g"
    "I6fkD6I3/wIDAQAB";

ArcVerdict arc_of(const std::string& message, bool is_down = false) {
  test::ScriptedResolver resolver;
  resolver.is_down = is_down;
  resolver.zone[{"s1._domainkey.list.example", "TXT"}] = {kListKey};
  resolver.zone[{"s2._domainkey.forward.example", "TXT"}] = {kForwarderKey};
  test::CoroutineLoop loop;
  MessageCheck check;
  check.append(message);
  return loop.run(check.judge(resolver, {}, Instant(std::chrono::seconds(1'796'000'200)))).arc;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  return text.replace(text.find(what), what.size(), with);
}

TEST(Arc, HoldsForAChainThatAnotherImplementationMade) {
  EXPECT_EQ(arc_of(kFirstSet + kSealedMessage).result, ArcResult::Pass);
  const ArcVerdict verdict = arc_of(kSecondSet + kFirstSet + kSealedMessage);
  EXPECT_EQ(verdict.result, ArcResult::Pass) << verdict.why;
  ASSERT_EQ(verdict.sealers.size(), 2U);
  EXPECT_EQ(verdict.sealers[0].domain, "list.example");
  EXPECT_EQ(verdict.sealers[0].results, "list.example; spf=pass smtp.mailfrom=ann@example.org; dmarc=pass header.from=example.org");
  EXPECT_EQ(verdict.sealers[1].selector, "s2");
}

TEST(Arc, IsNoneWithoutAChain) {
  EXPECT_EQ(arc_of(kSealedMessage).result, ArcResult::None);
}

TEST(Arc, BreaksWithWhateverIsChanged) {
  const std::string whole = kSecondSet + kFirstSet + kSealedMessage;
  struct Case {
    const char* name;
    std::string message;
    const char* why;
  };
  const Case cases[] = {
      {"the body", replaced(whole, "At noon?", "At nine?"), "the body was changed"},
      {"a signed field", replaced(whole, "Lunch", "Money"), "signed fields"},
      {"what an earlier hop saw", replaced(whole, "spf=pass", "spf=fail"), "the seal of instance 1"},
      {"what the last hop saw", replaced(whole, "dmarc=fail", "dmarc=pass"), "the seal of instance 2"},
      {"an earlier message signature", replaced(whole, "i=1; a=rsa-sha256; c=", "i=1; a=rsa-sha256;  c="), ""},
      {"a hop left out", kSecondSet + kSealedMessage, "not whole"},
      {"a hop twice", kSecondSet + kFirstSet + kFirstSet + kSealedMessage, "there twice"},
      {"a seal that says the chain was broken", replaced(whole, "cv=pass", "cv=fail"), "was broken"},
      {"a first hop that claims one before it", replaced(whole, "cv=none", "cv=pass"), "nothing valid"},
      {"an instance too many", replaced(whole, "ARC-Seal: i=2", "ARC-Seal: i=51"), "no instance"},
      {"half a set", replaced(whole, "ARC-Authentication-Results: i=2", "X-Results: i=2"), "not whole"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const ArcVerdict verdict = arc_of(one.message);
    if (*one.why == 0) {  // white space is not signed
      EXPECT_EQ(verdict.result, ArcResult::Pass);
      continue;
    }
    EXPECT_EQ(verdict.result, ArcResult::Fail);
    EXPECT_THAT(verdict.why, HasSubstr(one.why));
    EXPECT_TRUE(verdict.sealers.empty());
  }
}

TEST(Arc, CannotBeToldWithoutTheDns) {
  EXPECT_EQ(arc_of(kSecondSet + kFirstSet + kSealedMessage, true).result, ArcResult::TempError);
}

}  // namespace
}  // namespace postern::provenance
