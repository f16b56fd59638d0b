#include "submission/header_policy.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::submission {
namespace {

auth::Principal bound_to(std::vector<std::string> domains) {
  auth::Principal principal;
  principal.from_domains = std::move(domains);
  return principal;
}

std::string judged(const auth::Principal& who, std::string_view section,
                   const Envelope* envelope = nullptr, std::string_view client_name = {}) {
  mime::HeaderScan header;
  header.feed(section);
  header.finish();
  const Decision decision =
      judge_header(who, {.header = header, .envelope = envelope, .client_name = client_name}, 2);
  return decision.refused() ? std::string(refusal_row(decision.refused()->refusal).token)
                            : "accept";
}

TEST(HeaderPolicy, JudgesWhatStandsInTheHeaderSection) {
  struct Case {
    const char* name;
    std::vector<std::string> domains;
    std::string section;
    std::string decision;
  };
  const Case cases[] = {
      {"anything, by a key for any domain", {}, "Subject: x\r\n\r\n", "accept"},
      {"as many hops as may be", {}, "Received: a\r\nReceived: b\r\n\r\n", "accept"},
      {"a loop", {}, "Received: a\r\nreceived: b\r\nRECEIVED: c\r\n\r\n", "mail_loop"},
      {"two authors' fields",
       {},
       "From: a@x.example\r\nFrom: b@x.example\r\n\r\n",
       "invalid_message"},
      {"a header without end",
       {},
       "Subject: " + std::string(mime::kMaxHeaderOctets, 'x'),
       "header_too_big"},
      {"its own author", {"acme.example"}, "From: A <a@acme.example>\r\n\r\n", "accept"},
      {"another's", {"acme.example"}, "From: a@victim.example\r\n\r\n", "sender_not_allowed"},
      {"none", {"acme.example"}, "Subject: x\r\n\r\n", "sender_not_allowed"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(judged(bound_to(c.domains), c.section), c.decision) << c.name;
  }
}

TEST(HeaderPolicy, LetsAnAutomaticNoticeThroughWhereItsEnvelopeIsKnown) {
  const auth::Principal who = bound_to({"acme.example"});
  const std::string notice = "From: MAILER-DAEMON@build7.local\r\n\r\n";
  Envelope envelope;
  envelope.recipients.push_back({Mailbox{"app", "acme.example"}, {}, {}});
  EXPECT_EQ(judged(who, notice, &envelope, "build7.local"), "accept");
  EXPECT_EQ(judged(who, notice, &envelope, "other.local"), "sender_not_allowed");
  EXPECT_EQ(judged(who, notice), "sender_not_allowed");
}

}  // namespace
}  // namespace postern::submission
