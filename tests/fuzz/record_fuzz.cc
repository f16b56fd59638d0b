// Any octets as a stored record of every kind, as they are and with the checksum that makes them plausible: what a decoder takes
// of the newest version is exactly what its encoder writes.
#include "store/codec.h"
#include "store/crc32c.h"
#include "store/schema.h"
#include "tests/fuzz/fuzz.h"

#include <string>

namespace postern::fuzz {
namespace {

using namespace store;

// Octet 1 of a record is its version (store/codec.h). What is of an older one is written as of the newest, and that reads the same.
template <class Record>
void check(std::string_view record) {
  const Result<Record> value = decode<Record>(record);
  if (!value) return;
  std::string again;
  encode(*value, again);
  if (again[1] == record[1]) {
    POSTERN_CHECK(again == record);
    return;
  }
  const Result<Record> reread = decode<Record>(again);
  POSTERN_CHECK(reread.has_value());
  std::string third;
  encode(*reread, third);
  POSTERN_CHECK(third == again);
}

void check_directory(std::string_view record) {
  check<SchemaVersion>(record);
  check<AccountRecord>(record);
  check<KeyRecord>(record);
  check<KeyUsage>(record);
  check<WhitelistEntry>(record);
  check<Count>(record);
  check<UserRecord>(record);
  check<ProductionRequest>(record);
  check<DomainRecord>(record);
  check<SuppressionRecord>(record);
  check<WebhookRecord>(record);
  check<WebhookProgress>(record);
  check<PendingWebhookEvent>(record);
  check<UsageRow>(record);
}

void check_spool(std::string_view record) {
  check<SpoolTotals>(record);
  check<MessageRecord>(record);
  check<DeliveryRecord>(record);
  check<Event>(record);
  check<IdempotencyRecord>(record);
  if (const auto message = decode<MessageRecord>(record)) {
    const auto facts = decode<MessageFacts>(record);
    POSTERN_CHECK(facts && facts->id == message->id && facts->content_octets == message->content_octets);
  }
  if (const auto event = decode<Event>(record)) {
    const auto facts = decode<EventFacts>(record);
    POSTERN_CHECK(facts && facts->sequence == event->sequence && facts->type == event->type);
  }
}

}  // namespace

POSTERN_FUZZ(record) {
  check_directory(input);
  check_spool(input);
  std::string summed(input);
  const std::uint32_t sum = crc32c(summed);
  for (unsigned shift = 0; shift < 32; shift += 8) summed.push_back(static_cast<char>((sum >> shift) & 0xff));
  check_directory(summed);
  check_spool(summed);
}

}  // namespace postern::fuzz
