#include "store/inbound_table.h"

#include "store/codec.h"
#include "store/crc32c.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace postern::store {
namespace {

TEST(InboundRecord, IsReadAsItWasWritten) {
  InboundRecord record;
  record.id.octets.fill(7);
  record.account.octets.fill(8);
  record.received_at = Instant(std::chrono::hours(500'000));
  record.about.emplace().octets.fill(9);
  record.from = "Ann <ann@example.net>";
  record.subject = "hello";
  record.reverse_path = "ann@example.net";
  record.recipients = {"bob@example.org", "cid@example.org"};
  record.octets = 4'711;
  record.kind = "report";
  record.findings = {"bob@example.org: failed"};
  std::string octets;
  encode(record, octets);
  EXPECT_EQ(decode<InboundRecord>(octets).value(), record);
  record.about.reset();
  record.verdicts = {.spf = "pass",
                     .spf_domain = "example.net",
                     .dkim = "fail",
                     .signers = {"a.example"},
                     .dmarc = "none",
                     .author_domain = "example.net",
                     .is_dkim_aligned = true,
                     .asked_for = "quarantine",
                     .arc = "none",
                     .suspicion = "spf"};
  record.forwards = {{.route = "rte_1", .recipient = "bob@example.org", .destination = "bob@example.com", .message = record.id,
                      .state = ForwardState::Refused, .why = "loop"}};
  encode(record, octets);
  EXPECT_EQ(decode<InboundRecord>(octets).value(), record);
  octets[octets.size() / 2] = static_cast<char>(octets[octets.size() / 2] ^ 1);
  EXPECT_FALSE(decode<InboundRecord>(octets));
}

// As the version before wrote it: a sum behind all but its last fields.
std::string cut(const std::string& octets, std::size_t fields, char version) {
  std::string first = octets.substr(0, octets.size() - 4 - fields);
  first[1] = version;
  const std::uint32_t sum = crc32c(first);
  for (int i = 0; i < 4; ++i) first.push_back(static_cast<char>((sum >> (8 * i)) & 0xff));
  return first;
}

TEST(InboundRecord, IsUnreadUntilWhatItAsksForIsDone) {
  InboundRecord record;
  record.kind = "mail";
  EXPECT_FALSE(record.is_unread());
  record.forwards.emplace_back();
  EXPECT_TRUE(record.is_unread());
  record.forwards.front().state = ForwardState::Queued;
  EXPECT_FALSE(record.is_unread());
  record.about.emplace();
  EXPECT_FALSE(record.is_unread());
  record.kind.clear();
  EXPECT_TRUE(record.is_unread());
}

TEST(InboundRecord, OfBeforeTheChecksIsReadAsOneThatWasNotChecked) {
  InboundRecord record;
  record.from = "ann@example.net";
  record.kind = "mail";
  std::string octets;
  encode(record, octets);
  EXPECT_EQ(decode<InboundRecord>(cut(octets, 2, 1)).value(), record);
}

TEST(DomainRecord, OfBeforeTheChecksIsReadAsOneThatObserves) {
  DomainRecord domain;
  domain.name = "example.org";
  domain.is_receiving = true;
  std::string octets;
  encode(domain, octets);
  EXPECT_EQ(decode<DomainRecord>(cut(octets, 1, 2)).value(), domain);
}

TEST(DomainRecord, OfBeforeItCouldReceiveIsReadAsOneThatDoesNot) {
  DomainRecord domain;
  domain.name = "example.org";
  domain.state = DomainState::Verified;
  std::string octets;
  encode(domain, octets);
  EXPECT_EQ(decode<DomainRecord>(cut(octets, 3, 1)).value(), domain) << "is_receiving, the empty list of routes, inbound_policy";
}

}  // namespace
}  // namespace postern::store
