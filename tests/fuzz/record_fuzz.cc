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
template <class Decode, class Encode>
void check(std::string_view record, Decode decode, Encode encode) {
  const auto value = decode(record);
  if (!value) return;
  std::string again;
  encode(*value, again);
  if (again[1] == record[1]) {
    POSTERN_CHECK(again == record);
    return;
  }
  const auto reread = decode(again);
  POSTERN_CHECK(reread.has_value());
  std::string third;
  encode(*reread, third);
  POSTERN_CHECK(third == again);
}

void check_directory(std::string_view record) {
  check(record, decode_schema_version, encode_schema_version);
  check(record, decode_account, encode_account);
  check(record, decode_key, encode_key);
  check(record, decode_key_usage, encode_key_usage);
  check(record, decode_whitelist_entry, encode_whitelist_entry);
  check(record, decode_counter, encode_counter);
  check(record, decode_user, encode_user);
  check(record, decode_production_request, encode_production_request);
  check(record, decode_domain, encode_domain);
  check(record, decode_suppression, encode_suppression);
  check(record, decode_webhook, encode_webhook);
  check(record, decode_webhook_progress, encode_webhook_progress);
  check(record, decode_pending_webhook_event, encode_pending_webhook_event);
  check(record, decode_usage, encode_usage);
}

void check_spool(std::string_view record) {
  check(record, decode_totals, encode_totals);
  check(record, decode_message, encode_message);
  check(record, decode_delivery, encode_delivery);
  check(record, decode_event, encode_event);
  check(record, decode_idempotency, encode_idempotency);
  if (const auto message = decode_message(record)) {
    const auto facts = decode_message_facts(record);
    POSTERN_CHECK(facts && facts->id == message->id && facts->content_octets == message->content_octets);
  }
  if (const auto event = decode_event(record)) {
    const auto facts = decode_event_facts(record);
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
