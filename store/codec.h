// Records to octets and back: versioned, checksummed, compact. decode refuses everything that encode cannot have written as
// CorruptRecord: wrong kind, version or checksum, a field out of range, octets left over; records of earlier versions it reads. The
// grammar is in docs/storage.md, the fields of each record in store/codec.cc.
#pragma once

#include "core/event.h"
#include "core/result.h"
#include "store/records.h"
#include "store/runs.h"

#include <string>
#include <string_view>

namespace postern::store {

struct SchemaVersion {
  std::uint32_t number = 0;
};
struct Count {
  std::uint64_t number = 0;
};

// Running totals of the spool, written in the commit that changes them.
struct SpoolTotals {
  std::uint64_t next_sequence = 1;    // of the next event
  std::uint64_t captured_octets = 0;  // content of settled test messages that is still there

  friend bool operator==(const SpoolTotals&, const SpoolTotals&) = default;
};

// The fixed front of a message and of an event, decoded without the strings behind it. Never encoded.
struct MessageFacts {
  MessageId id;
  AccountId account;
  Environment environment = Environment::Live;
  std::uint64_t content_octets = 0;
  std::uint32_t chunk_count = 0;
  std::uint32_t trace_octets = 0;
};
struct EventFacts {
  std::uint64_t sequence = 0;
  Instant at;
  MessageId message;
  EventType type = EventType::MessageAccepted;
  AccountId account;
};

template <class Record>
struct Codec {
  static void encode(const Record& record, std::string& out);
  static Result<Record> decode(std::string_view octets);
  static Result<void> decode_into(std::string_view octets, Record& record);
};
template <>
struct Codec<MessageFacts> {
  static Result<MessageFacts> decode(std::string_view message);
};
template <>
struct Codec<EventFacts> {
  static Result<EventFacts> decode(std::string_view event);
};

// Overwrites `out`, whose memory is reused.
template <class Record>
void encode(const Record& record, std::string& out) {
  Codec<Record>::encode(record, out);
}
template <class Record>
Result<Record> decode(std::string_view octets) {
  return Codec<Record>::decode(octets);
}
// The same where `record`, an empty one, lies: a message is dozens of strings to move. After an error it holds anything.
template <class Record>
Result<void> decode_into(std::string_view octets, Record& record) {
  return Codec<Record>::decode_into(octets, record);
}

}  // namespace postern::store
