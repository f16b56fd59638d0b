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
  encode(record, octets);
  EXPECT_EQ(decode<InboundRecord>(octets).value(), record);
  octets[octets.size() / 2] = static_cast<char>(octets[octets.size() / 2] ^ 1);
  EXPECT_FALSE(decode<InboundRecord>(octets));
}

TEST(DomainRecord, OfBeforeItCouldReceiveIsReadAsOneThatDoesNot) {
  DomainRecord domain;
  domain.name = "example.org";
  domain.state = DomainState::Verified;
  std::string octets;
  encode(domain, octets);
  // Without is_receiving and the empty list of routes, under the version that had neither.
  std::string first = octets.substr(0, octets.size() - 4 - 2);
  first[1] = 1;
  const std::uint32_t sum = crc32c(first);
  for (int i = 0; i < 4; ++i) first.push_back(static_cast<char>((sum >> (8 * i)) & 0xff));
  EXPECT_EQ(decode<DomainRecord>(first).value(), domain);
}

}  // namespace
}  // namespace postern::store
