#include "provenance/authentication_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

DkimVerdict good_signature() {
  DkimVerdict dkim;
  dkim.result = SignatureResult::Pass;
  dkim.domain = "example.org";
  dkim.selector = "s1";
  dkim.algorithm = "rsa-sha256";
  dkim.value_start = "abc/def+123=";
  dkim.key_bits = 2'048;
  return dkim;
}

TEST(AuthenticationResults, SayWhatWasFoundInLinesThatMailCanCarry) {
  const SpfSubject subject{{}, "mail.example.org", "ann@example.org", "mx.example.net", {}};
  const SpfVerdict spf{SpfResult::Pass, "example.org", false, "\"ip4:192.0.2.0/24\" of example.org", ""};
  DmarcVerdict dmarc;
  dmarc.result = DmarcResult::Pass;
  dmarc.author_domain = "example.org";
  dmarc.policy_domain = "example.org";
  const std::string field = format_authentication_results("mx.example.net", subject, spf, {good_signature()}, {}, dmarc);
  EXPECT_EQ(field,
            "Authentication-Results: mx.example.net;\r\n"
            "\tspf=pass (\"ip4:192.0.2.0/24\" of example.org)\r\n"
            "\t smtp.mailfrom=ann@example.org;\r\n"
            "\tdkim=pass (2048 bits) header.d=example.org header.s=s1\r\n"
            "\t header.a=rsa-sha256 header.b=abc/def+123=;\r\n"
            "\tdmarc=pass header.from=example.org policy.dmarc=none\r\n");
}

TEST(AuthenticationResults, LetNobodyWriteResultsIntoThem) {
  const SpfSubject subject{{}, "x; dmarc=pass", "a\"b@legitimate.com(a.attack.com", "", {}};
  SpfVerdict spf{SpfResult::PermError, "attack.com", false, "wrong at \"a) ; dmarc=pass (\r\nX: y\\", ""};
  DkimVerdict dkim = good_signature();
  dkim.identity = "@x.example; dmarc=pass header.from=legitimate.com";
  const std::string field = format_authentication_results("mx.example.net", subject, spf, {dkim}, {}, {});
  EXPECT_THAT(field, HasSubstr("smtp.mailfrom=\"a\\\"b@legitimate.com(a.attack.com\""));
  EXPECT_THAT(field, HasSubstr("(wrong at \"a] ; dmarc=pass [??X: y?)"));
  EXPECT_THAT(field, HasSubstr("header.i=\"@x.example; dmarc=pass header.from=legitimate.com\""));
  EXPECT_THAT(field, Not(HasSubstr("\nX:")));
  spf.is_helo = true;
  EXPECT_THAT(format_authentication_results("mx.example.net", subject, spf, {}, {}, {}), HasSubstr("smtp.helo=\"x; dmarc=pass\""));
}

TEST(AuthenticationResults, OfOthersAreKnownByTheirId) {
  struct Case {
    const char* value;
    const char* id;
  };
  constexpr Case kCases[] = {
      {" mx.example.net; spf=pass", "mx.example.net"},
      {"\r\n (a (nested) comment) MX.Example.NET (x) 1 ; none", "mx.example.net"},
      {" \"mx.example.net\"; none", "mx.example.net"},
      {" \"mx\\.example.net\" 1; none", "mx.example.net"},
      {" mx.example.net", "mx.example.net"},
      {" mx.example.net(x);", "mx.example.net"},
      {" mx.example.net.evil; none", "mx.example.net.evil"},
      {" (mx.example.net; none", ""},
      {" \"mx.example.net", ""},
      {" ; spf=pass", ""},
      {" spf=pass smtp.mailfrom=x; dkim=pass", ""},
  };
  for (const Case& one : kCases) EXPECT_EQ(authserv_id(one.value), one.id) << one.value;
}

TEST(AuthenticationResults, ThatPretendToBeOursAreFound) {
  mime::HeaderScan header;
  header.feed(
      "Authentication-Results: elsewhere.example; spf=pass\r\nauthentication-results: MX.example.net; dmarc=pass\r\n"
      "Authentication-Results: (;) (\r\nAuthentication-Results : \"mx.example.net\"; dkim=pass\r\nFrom: a@example.org\r\n\r\n");
  EXPECT_THAT(find_forged_results(header, "mx.example.net"), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace postern::provenance
