// Which records are asked for, and which answers of the DNS hold them.
#include "domains/domain_records.h"

#include "domains/dkim_keys.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::domains {
namespace {

store::DomainRecord domain_of(std::string name) {
  store::DomainRecord domain;
  domain.name = std::move(name);
  domain.ownership_token = "t0k3n";
  domain.dkim_keys = {{"pr1", "rsa-sha256", "", "v=DKIM1; k=rsa; p=QUJD"},
                      {"pe1", "ed25519-sha256", "", "v=DKIM1; k=ed25519; p=REVG"}};
  return domain;
}

const DnsRecordToPublish& record_for(const std::vector<DnsRecordToPublish>& records, std::string_view purpose) {
  return *std::ranges::find(records, purpose, &DnsRecordToPublish::purpose);
}

TEST(DomainRecords, AreOneOfEachKind) {
  struct Row {
    std::string_view purpose, type, name, value;
    bool is_required;
  };
  const Row rows[] = {
      {"ownership", "TXT", "_postern.example.org", "postern-verification=t0k3n", true},
      {"dkim-rsa", "TXT", "pr1._domainkey.example.org", "v=DKIM1; k=rsa; p=QUJD", true},
      {"dkim-ed25519", "TXT", "pe1._domainkey.example.org", "v=DKIM1; k=ed25519; p=REVG", false},
      {"spf", "TXT", "example.org", "v=spf1 a:relay.example.net ~all", false},
      {"dmarc", "TXT", "_dmarc.example.org", "v=DMARC1; p=none", false},
  };
  const auto records = records_to_publish(domain_of("example.org"), {"a:relay.example.net"});
  ASSERT_EQ(records.size(), std::size(rows));
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].purpose, rows[i].purpose);
    EXPECT_EQ(records[i].type, rows[i].type) << rows[i].purpose;
    EXPECT_EQ(records[i].name, rows[i].name) << rows[i].purpose;
    EXPECT_EQ(records[i].value, rows[i].value) << rows[i].purpose;
    EXPECT_EQ(records[i].is_required, rows[i].is_required) << rows[i].purpose;
  }
}

TEST(DomainRecords, AreFoundInWhatReadersWouldAccept) {
  struct Case {
    const char* name;
    std::string_view purpose;
    std::vector<std::string> answer;
    bool is_found;
  };
  const Case cases[] = {
      {"the token", "ownership", {"postern-verification=t0k3n"}, true},
      {"the token beside others", "ownership", {"other=1", "postern-verification=t0k3n"}, true},
      {"another token", "ownership", {"postern-verification=other"}, false},
      {"nothing", "ownership", {}, false},
      {"the key", "dkim-rsa", {"v=DKIM1; k=rsa; p=QUJD"}, true},
      {"the key in another dress", "dkim-rsa", {"p=QU JD ; t=s"}, true},
      {"another key", "dkim-rsa", {"v=DKIM1; k=rsa; p=QUJE"}, false},
      {"a key that is revoked", "dkim-rsa", {"v=DKIM1; p="}, false},
      {"the key of another type", "dkim-ed25519", {"v=DKIM1; p=REVG"}, false},
      {"two keys", "dkim-rsa", {"v=DKIM1; p=QUJD", "v=DKIM1; p=QUJE"}, false},
      {"the mechanism among others", "spf", {"v=spf1 mx +A:RELAY.example.net. -all"}, true},
      {"an include", "spf", {"google-site=1", "v=spf1 include:relay.example.net -all"}, true},
      {"another host", "spf", {"v=spf1 a:relay.example.net.evil.example -all"}, false},
      {"it is refused", "spf", {"v=spf1 -a:relay.example.net ~all"}, false},
      {"another version", "spf", {"v=spf10 a:relay.example.net"}, false},
      {"two SPF records", "spf", {"v=spf1 a:relay.example.net", "v=spf1 -all"}, false},
      {"any policy", "dmarc", {"v=DMARC1; p=reject; rua=mailto:a@example.org"}, true},
      {"no policy", "dmarc", {"v=DMARC1"}, false},
      {"a policy that is none", "dmarc", {"v=DMARC1; p=maybe"}, false},
  };
  const auto records = records_to_publish(domain_of("example.org"), {"a:relay.example.net"});
  for (const Case& c : cases) {
    const auto check =
        check_record(record_for(records, c.purpose), c.answer);
    EXPECT_EQ(check.name, c.purpose);
    EXPECT_EQ(check.is_found, c.is_found) << c.purpose << ": " << c.name;
    EXPECT_EQ(check.finding.empty(), c.is_found) << c.purpose << ": " << c.name;
  }
}

TEST(DomainRecords, AdviseTheSpfOfEveryRoute) {
  const auto records = records_to_publish(domain_of("example.org"), {"include:_spf.hop.example", "ip4:192.0.2.0/24"});
  const auto& spf = record_for(records, "spf");
  EXPECT_EQ(spf.value, "v=spf1 include:_spf.hop.example ip4:192.0.2.0/24 ~all");
  const auto is_found = [&](const char* text) {
    return check_record(spf, {text}).is_found;
  };
  EXPECT_TRUE(is_found("v=spf1 mx ip4:192.0.2.0/24 include:_spf.hop.example -all"));
  EXPECT_FALSE(is_found("v=spf1 include:_spf.hop.example -all")) << "one is missing";
  EXPECT_FALSE(is_found("v=spf1 a:relay.example.net ~all"));
}

TEST(DomainRecords, AdviseNothingThatServesNothing) {
  for (const auto& record : records_to_publish(domain_of("example.org"), {})) {
    EXPECT_EQ(record.type, "TXT");
    EXPECT_NE(record.purpose, "spf") << "who delivers is not known";
    EXPECT_FALSE(record.name.starts_with("bounce."));
  }
}

TEST(DomainRecords, SayWithWhatWasFoundInsteadAndCutItShort) {
  const auto records = records_to_publish(domain_of("example.org"), {"a:relay.example.net"});
  const std::string long_text = "v=DKIM1; p=" + std::string(5'000, 'A') + "\x1b[31m";
  const auto check = check_record(record_for(records, "dkim-rsa"), {long_text});
  EXPECT_TRUE(check.finding.starts_with("found instead: v=DKIM1; p=AAA"));
  EXPECT_LT(check.finding.size(), 400u);
  EXPECT_EQ(check.finding.find('\x1b'), std::string::npos);
}

TEST(DomainRecords, BecomeZoneLinesWithStringsThatFit) {
  test::FakeRandom random;
  auto domain = domain_of("example.org");
  domain.dkim_keys[0] = make_rsa_key(random).value();
  const auto records = records_to_publish(domain, {"a:relay.example.net"});
  EXPECT_EQ(zone_line(record_for(records, "dmarc")), "_dmarc.example.org. 3600 IN TXT \"v=DMARC1; p=none\"");
  const std::string line = zone_line(record_for(records, "dkim-rsa"));
  std::string joined;
  std::size_t strings = 0;
  for (std::size_t open = line.find('"'); open != std::string::npos; open = line.find('"', open)) {
    const std::size_t close = line.find('"', open + 1);
    EXPECT_LE(close - open - 1, 255u);
    joined += line.substr(open + 1, close - open - 1);
    open = close + 1;
    ++strings;
  }
  EXPECT_EQ(strings, 2u);
  EXPECT_EQ(joined, domain.dkim_keys[0].public_record);
}

TEST(DomainStatus, FollowsStateAndLastLook) {
  struct Case {
    const char* name;
    store::DomainState state;
    bool was_checked;
    std::vector<store::DomainCheck> checks;
    std::string_view status;
  };
  const auto records = records_to_publish(domain_of("example.org"), {"a:relay.example.net"});
  const store::DomainCheck found{"ownership", true, ""};
  const store::DomainCheck silent = unanswered_check(record_for(records, "ownership"), true, "timeout");
  const store::DomainCheck silent_advice = unanswered_check(record_for(records, "dmarc"), false, "timeout");
  const Case cases[] = {
      {"added", store::DomainState::Pending, false, {}, "not_started"},
      {"looked at", store::DomainState::Pending, true, {{"ownership", false, "there is no such record"}}, "pending"},
      {"complete", store::DomainState::Verified, true, {found}, "verified"},
      {"advice without an answer", store::DomainState::Verified, true, {found, silent_advice}, "verified"},
      {"required without an answer", store::DomainState::Verified, true, {silent}, "temporary_failure"},
      {"gone", store::DomainState::Failed, true, {{"ownership", false, "there is no such record"}}, "failed"},
  };
  for (const Case& c : cases) {
    auto domain = domain_of("example.org");
    domain.state = c.state;
    domain.checks = c.checks;
    if (c.was_checked) domain.checked_at = Instant{};
    EXPECT_EQ(domain_status(domain), c.status) << c.name;
    const std::string_view of_record = record_status(domain, record_for(records, "ownership"));
    EXPECT_EQ(of_record, c.name == std::string_view("advice without an answer") ? "verified" : c.status) << c.name;
  }
}

}  // namespace
}  // namespace postern::domains
